"""The sample catalog: MLHub's API as a real HTTP server on this machine, without any network.

Importing this package costs nothing; the server itself is in `mlhub_tui.sample.server`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..auth import Credentials
from ..lazy import submodules

if TYPE_CHECKING:
    from . import catalog as catalog
    from . import items as items
    from . import server as server
    from .server import SampleServer
else:
    __getattr__ = submodules(__name__)

SAMPLE_NAME = "sample catalog"


class SampleOnDemand:
    """Starts the sample catalog when it is first needed, once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: SampleServer | None = None

    def credentials(self) -> Credentials:
        """Return the credentials of the running sample catalog; blocks while it starts (about 0.3 s)."""
        from .server import SampleServer  # with starlette and uvicorn, when the sample is used

        with self._lock:
            if self._server is None:
                server = SampleServer()
                server.start()
                self._server = server
            return Credentials(
                api_key=self._server.key,
                root_url=self._server.root_url,
                profile=None,
                key_origin=SAMPLE_NAME,
                root_origin=SAMPLE_NAME,
            )

    def stop(self) -> None:
        """Stop it if it runs."""
        with self._lock:
            if self._server is not None:
                self._server.stop()
                self._server = None
