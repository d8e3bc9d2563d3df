"""The app with a fault: `F8` raises, or every look-up of a host's name takes for ever."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

from textual.binding import Binding

from mlhub_tui.options import AppOptions
from mlhub_tui.ui import app as module


class FaultyApp(module.MLHubApp):
    """The app, with a key that should not be there."""

    CSS_PATH = Path(module.__file__).with_name("app.tcss")
    BINDINGS = [*module.MLHubApp.BINDINGS, Binding("f8", "fail")]  # noqa: RUF012

    def action_fail(self) -> None:
        """Fail."""
        raise RuntimeError("on purpose")


def hang(*_: Any, **__: Any) -> Any:
    """Look up a name, as if no name server answered."""
    sys.__stderr__.write("\x1b]2;LOOKING UP\x07")  # type: ignore[union-attr] # a terminal is there
    time.sleep(600)
    raise socket.gaierror("no answer")


if __name__ == "__main__":
    options = AppOptions(sample=True, output_dir=Path())
    if "slow-names" in sys.argv:
        socket.getaddrinfo = hang
        options = AppOptions(api_key="k", root_url="http://mlhub.invalid/", output_dir=Path())
    module.MLHubApp = FaultyApp  # type: ignore[misc] # what `run` is to start
    sys.exit(module.run(options))
