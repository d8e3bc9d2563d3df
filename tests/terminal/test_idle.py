"""What the app does between keys: modules that are needed soon are imported one by one."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from mlhub_tui.ui.app import IMPORTED_WHILE_IDLE

from .conftest import Starter

pytestmark = [pytest.mark.terminal, pytest.mark.skipif(sys.platform == "win32", reason="stops a process")]

WRITES_IMPORTS = """
import sys
class Notes:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("mlhub_tui.ui."):
            with open({log!r}, "a") as log:
                log.write(name + "\\n")
sys.meta_path.insert(0, Notes())
"""
"""A `sitecustomize`, which Python runs before the app."""


def test_modules_are_imported_while_no_key_comes_though_the_machine_stops_now_and_then(
    start: Starter, tmp_path: Path
) -> None:
    log = tmp_path / "imports"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WRITES_IMPORTS.format(log=str(log)))
    terminal = start("--sample", PYTHONPATH=str(site))
    terminal.until("BigEarthNet")

    def missing() -> list[str]:
        imported = log.read_text().splitlines()
        return [name for name in IMPORTED_WHILE_IDLE if f"mlhub_tui.ui.{name}" not in imported]

    def none_is_missing() -> bool:
        terminal.signal(signal.SIGSTOP)
        terminal.read(0.3)  # longer than the pause between two imports
        terminal.signal(signal.SIGCONT)
        terminal.read(0.5)
        return not missing()

    assert missing()
    terminal.until(none_is_missing)
    terminal.settle()
    terminal.press("?")
    terminal.until("esc close")
    terminal.press("\x1b")
    terminal.until("q quit")
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0, terminal.text
