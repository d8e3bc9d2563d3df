"""Ctrl+Z and `fg`, in a shell with job control."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from ..support.waiting import until_sync
from .conftest import Starter, is_whole, queue_archive
from .harness import COMMAND, Terminal, children_of, state_of

pytestmark = [pytest.mark.terminal, pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")]

ARCHIVE = "ts_cashew_benin_source"
"""3 MB: a second and a half from the slow catalogue."""


PASTE = 2004
"""The mode that the shell sets for itself at its prompt."""


@pytest.fixture
def shell(environment: dict[str, str]) -> Iterator[Terminal]:
    """Yield an interactive shell in a terminal."""
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], {**environment, "PS1": "ready> "})
    shell.until("ready>")
    yield shell
    if not shell.ended():
        for pid in children_of(shell.pid):
            os.kill(pid, signal.SIGKILL)
    shell.close()


def stop(shell: Terminal, pid: int) -> None:
    """Press Ctrl+Z, and look at what the shell is left with."""
    shell.press("\x1a")
    shell.until(lambda: state_of(pid) == "T")
    shell.until("Stopped")
    assert shell.left_over <= {PASTE}
    shell.press("clear; stty -a | tr -s ' ;' '\\n\\n' | grep -xE 'echo|icanon|isig' | sort | xargs\r")
    shell.until("echo icanon isig")


def go_on(shell: Terminal, pid: int) -> None:
    """Bring it back to a screen on which nothing is left."""
    shell.blank()
    shell.press("fg\r")
    shell.until(lambda: state_of(pid) != "T")


def test_fg_draws_everything_again_and_fits_it_to_a_window_that_was_resized(
    shell: Terminal, out: Path
) -> None:
    shell.press(f"{COMMAND} --sample --output-dir {out}\r")
    shell.until("BigEarthNet")
    shell.settle(1.5)  # also what follows the first picture is drawn
    (pid,) = children_of(shell.pid)
    before = shell.lines
    stop(shell, pid)
    go_on(shell, pid)
    shell.until(lambda: shell.lines == before)
    assert shell.mode(1049) and shell.mode(1000) and not shell.mode(25)

    stop(shell, pid)
    shell.resize(100, 30)
    go_on(shell, pid)
    shell.until(lambda: "q quit" in shell.lines[29])
    assert shell.lines[0].endswith("sample catalog") and len(shell.lines[0]) > 90
    assert all(line for line in shell.lines[:25])

    shell.press("q")
    shell.until("ready>")
    assert shell.left_over <= {PASTE}
    shell.press("echo left $?\r")
    shell.until("left 0")


def test_transfers_stand_still_and_go_on(shell: Terminal, out: Path, slow: SampleServer) -> None:
    shell.press(f"{COMMAND} --root-url {slow.root_url} --api-key {slow.key} --output-dir {out}\r")
    shell.until("BigEarthNet")
    queue_archive(shell, ARCHIVE)
    part = out / f"{ARCHIVE}.tar.gz.part"
    shell.until(lambda: part.exists() and part.stat().st_size > 200_000)
    (pid,) = children_of(shell.pid)
    stop(shell, pid)
    size = part.stat().st_size
    shell.read(0.2)
    assert part.stat().st_size == size
    go_on(shell, pid)
    whole = out / f"{ARCHIVE}.tar.gz"
    shell.until(whole.exists)
    assert is_whole(whole, slow)
    shell.press("2")
    shell.until("done")
    shell.press("q")
    shell.until("ready>")


def test_a_stop_from_outside_leaves_the_terminal_as_it_was_at_the_end(start: Starter) -> None:
    terminal = start()
    terminal.until("sample catalog")
    terminal.settle()
    terminal.signal(signal.SIGSTOP)
    terminal.until(lambda: state_of(terminal.pid) == "T")
    terminal.signal(signal.SIGCONT)
    terminal.until(lambda: state_of(terminal.pid) != "T")
    terminal.settle()
    terminal.press("1")
    terminal.until("filter")
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
    assert not terminal.left_over
    assert terminal.line_is_restored


def test_a_terminal_that_is_closed_while_it_is_stopped_ends_it(shell: Terminal, out: Path) -> None:
    shell.press(f"{COMMAND} --output-dir {out}\r")
    shell.until("sample catalog")
    (pid,) = children_of(shell.pid)
    stop(shell, pid)
    shell.hang_up()
    until_sync(lambda: not Path(f"/proc/{pid}").exists() or state_of(pid) == "Z", lambda: state_of(pid))
