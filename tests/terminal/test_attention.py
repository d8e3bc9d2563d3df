"""What goes to the terminal beside the screen: the window's title, and a call when all is done."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.terminal.driver import TerminalDriver

from .conftest import Starter, queue_archive
from .harness import COMMAND, Terminal, children_of
from .test_suspend import go_on, shell, stop

pytestmark = pytest.mark.terminal

__all__ = ["shell"]

ARCHIVE = "ref_landcovernet_eu_v1_source_sentinel_1"
"""40 MB: it takes a while from the slow catalogue."""
SMALL = "ref_african_crops_kenya_02_labels"
_TITLE = re.compile(rb"\x1b\]2;([^\x07]*)\x07")
PUSH, POP = b"\x1b[22;0t", b"\x1b[23;0t"


def titles(raw: bytes) -> list[str]:
    """Return the titles that were written, in order."""
    return [title.decode() for title in _TITLE.findall(raw)]


def settings(mlhub_home: Path, *lines: str) -> None:
    """Write the config file."""
    mlhub_home.mkdir(parents=True, exist_ok=True)
    (mlhub_home / "config.toml").write_text("\n".join(lines) + "\n")


def test_the_title_tells_the_progress_once_a_second_and_is_given_back(
    start: Starter, slow: SampleServer
) -> None:
    terminal = start(server=slow)
    terminal.until("BigEarthNet")
    assert titles(terminal.raw) == [], "nothing goes on: the title stays as it is"
    began = time.monotonic()
    queue_archive(terminal, ARCHIVE)
    terminal.until(lambda: len(set(titles(terminal.raw))) >= 4)
    assert len(titles(terminal.raw)) <= time.monotonic() - began + 1, "once a second at most"
    seen = titles(terminal.raw)
    assert all(re.fullmatch(r"mlhub-tui \d+% 0 of 1", title) for title in seen)
    assert len(seen) == len(set(seen)), "no title twice"
    assert terminal.raw.count(PUSH) == 1
    assert terminal.raw.index(PUSH) < terminal.raw.index(b"\x1b]2;mlhub")
    terminal.press("q")
    terminal.until("y/q Quit")
    terminal.press("y")
    terminal.end()
    assert titles(terminal.raw)[-1] == "", "cleared where it cannot be restored"
    assert terminal.raw.rindex(POP) > terminal.raw.rindex(b"\x1b]2;\a")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_shell_has_its_own_title_while_the_app_is_suspended(
    shell: Terminal, slow: SampleServer, out: Path
) -> None:
    shell.press(f"{COMMAND} --root-url {slow.root_url} --api-key {slow.key} --output-dir {out}\r")
    shell.until("BigEarthNet")
    queue_archive(shell, ARCHIVE)
    shell.until(lambda: titles(shell.raw))
    pid = children_of(shell.pid)[0]
    stop(shell, pid)
    assert titles(shell.raw)[-1] == ""
    assert (shell.raw.count(PUSH), shell.raw.count(POP)) == (1, 1)
    go_on(shell, pid)
    shell.until(lambda: titles(shell.raw)[-1].startswith("mlhub-tui "))
    assert shell.raw.count(PUSH) == 2


def test_no_title_is_written_where_it_is_not_wanted(
    start: Starter, slow: SampleServer, mlhub_home: Path
) -> None:
    settings(mlhub_home, "title = false")
    slow.store.rate = None
    terminal = start(server=slow)
    terminal.until("BigEarthNet")
    queue_archive(terminal, SMALL)
    terminal.press("2")
    terminal.until("1 done")
    assert titles(terminal.raw) == []
    assert PUSH not in terminal.raw


@pytest.mark.parametrize(("term", "written"), [("linux", 0), ("dumb", 0), ("xterm", 1)])
def test_a_console_without_a_title_gets_none(
    monkeypatch: pytest.MonkeyPatch, term: str, written: int
) -> None:
    monkeypatch.setenv("TERM", term)
    told: list[str] = []

    class Listened(TerminalDriver):
        def write(self, data: str) -> None:
            told.append(data)

        def flush(self) -> None:
            pass

    driver = Listened.__new__(Listened)  # one that is set up takes the terminal of the tests
    driver.set_title("mlhub-tui 1%")
    driver.set_title("mlhub-tui 2%")
    assert told == ["\x1b[22;0t", "\x1b]2;mlhub-tui 1%\a", "\x1b]2;mlhub-tui 2%\a"][: 3 * written]


def calls(raw: bytes) -> list[bytes]:
    """Return what calls the user: notifications, and bells that do not end another sequence."""
    found = re.findall(rb"\x1b\](?:9|777);[^\x07]*\x07", raw)
    return found + [b"\a"] * re.sub(rb"\x1b\][^\x07]*\x07", b"", raw).count(b"\a")


def test_the_end_calls_the_user_once_the_way_that_is_set(
    start: Starter, slow: SampleServer, mlhub_home: Path
) -> None:
    settings(mlhub_home, 'notify = "osc777"')
    slow.store.rate = None
    terminal = start(server=slow)
    terminal.until("BigEarthNet")
    queue_archive(terminal, SMALL)
    terminal.until(lambda: calls(terminal.raw))
    terminal.settle()
    assert calls(terminal.raw) == [b"\x1b]777;notify;mlhub-tui;nothing left to download: 1 done\a"]


def test_nobody_is_called_who_did_not_ask_for_it(start: Starter, slow: SampleServer) -> None:
    slow.store.rate = None
    terminal = start(server=slow)
    terminal.until("BigEarthNet")
    queue_archive(terminal, SMALL)
    terminal.until(lambda: "mlhub-tui 1 of 1 done" in titles(terminal.raw))
    terminal.settle()
    assert calls(terminal.raw) == []
