"""Every way in which the app ends, or is ended."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter, is_whole, queue_archive
from .harness import Terminal

ROOT = Path(__file__).parent.parent.parent
ARCHIVE = "su_african_crops_ghana_source_planet"
"""5 MB: two and a half seconds from the slow catalogue, and synced to the disk more than once."""

PROMPT = 2.0
"""Seconds in which it must have ended on a busy machine; half a second is what is promised on a quiet one."""


def half_way(terminal: Terminal, out: Path) -> Path:
    """Queue the archive, wait until a part of it is on the disk, and return where the whole will be."""
    terminal.until("BigEarthNet")
    queue_archive(terminal, ARCHIVE)
    whole = out / f"{ARCHIVE}.tar.gz"
    part = out / f"{ARCHIVE}.tar.gz.part"
    terminal.until(lambda: part.exists() and part.stat().st_size > 2_000_000)
    assert not whole.exists()
    return whole


def finish(terminal: Terminal, whole: Path, server: SampleServer) -> None:
    """Wait for the rest of the archive in a new start, without a key being pressed."""
    terminal.until(whole.exists)
    assert is_whole(whole, server)
    assert [path.name for path in whole.parent.iterdir()] == [whole.name]
    ranges = [r.range for r in server.store_requests if r.method == "GET"]
    assert ranges[-1] is not None and ranges[-1] != "bytes=0-", "it went on, and did not start anew"
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_at_once_and_the_next_start_goes_on(
    start: Starter, out: Path, slow: SampleServer, number: signal.Signals
) -> None:
    terminal = start(server=slow)
    whole = half_way(terminal, out)
    terminal.signal(number)
    seconds = terminal.end()
    print(f"{number.name}: ended in {seconds:.2f} s")
    assert seconds < PROMPT
    assert terminal.status == 128 + number
    assert not terminal.left_over
    assert terminal.line_is_restored
    assert not whole.exists()
    finish(start(server=slow), whole, slow)


def test_quitting_with_transfers_asks_once_and_is_quick(
    start: Starter, out: Path, slow: SampleServer
) -> None:
    terminal = start(server=slow)
    whole = half_way(terminal, out)
    terminal.press("q")
    terminal.until("1 transfer is running")
    terminal.press("n")
    terminal.until(lambda: "is running" not in terminal.text)
    terminal.press("2")
    terminal.until("downloading")
    terminal.press("q")
    terminal.until("1 transfer is running")
    terminal.press("y")
    seconds = terminal.end()
    print(f"q y: ended in {seconds:.2f} s")
    assert seconds < PROMPT
    assert terminal.status == 0
    assert not terminal.left_over
    assert terminal.line_is_restored
    finish(start(server=slow), whole, slow)


def test_after_kill_9_the_next_start_goes_on(start: Starter, out: Path, slow: SampleServer) -> None:
    terminal = start(server=slow)
    whole = half_way(terminal, out)
    terminal.signal(signal.SIGKILL)
    terminal.end()
    assert [path.name for path in out.iterdir()] == [f"{whole.name}.part"]
    finish(start(server=slow), whole, slow)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("ignored", [False, True], ids=["SIGHUP", "nohup"])
def test_a_terminal_that_is_closed_ends_it_without_spinning(
    start: Starter, mlhub_home: Path, ignored: bool
) -> None:
    terminal = start(ignore_sighup=ignored)
    terminal.until("sample catalogue")
    terminal.settle()
    before = terminal.cpu()
    terminal.hang_up()
    seconds = terminal.end()
    used = terminal.cpu_at_end - before
    print(f"{'nohup' if ignored else 'SIGHUP'}: gone in {seconds:.2f} s, {used:.2f} s of CPU")
    assert seconds < 3
    assert used < 2.0
    assert terminal.status == 129
    assert not list(mlhub_home.rglob("crash*"))


def test_a_terminal_that_takes_no_more_output_does_not_keep_it_from_ending(start: Starter) -> None:
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    for _ in range(60):
        terminal.press("\x1b[6~", "\x1b[5~")
    terminal.signal(signal.SIGTERM)
    seconds = terminal.wait_unread()
    print(f"stalled terminal: ended in {seconds:.2f} s")
    assert terminal.status == 128 + signal.SIGTERM


def test_a_fault_leaves_one_line_and_a_log_and_the_terminal_as_it_was(
    environment: dict[str, str], mlhub_home: Path
) -> None:
    driver = Path(__file__).with_name("faulty.py")
    terminal = Terminal([sys.executable, driver], {**environment, "PYTHONPATH": str(ROOT)})
    terminal.until("BigEarthNet")
    terminal.blank()
    drawn = len(terminal.raw)
    terminal.press("F")
    terminal.end()
    terminal.close()
    assert terminal.status == 1
    assert not terminal.left_over
    tail = terminal.raw[drawn:].rpartition(b"\x1b[?1006l")[2].decode()
    assert tail.count("\n") == 2
    assert "RuntimeError: on purpose" in tail
    assert "Traceback" not in terminal.raw.decode(errors="replace")
    (log,) = mlhub_home.rglob("crash*.log")
    assert str(log) in tail
    written = log.read_text()
    assert "Traceback" in written and "on purpose" in written


def test_the_look_up_of_a_name_that_hangs_does_not_hold_up_the_end(
    environment: dict[str, str],
) -> None:
    driver = Path(__file__).with_name("faulty.py")
    terminal = Terminal([sys.executable, driver, "slow-names"], {**environment, "PYTHONPATH": str(ROOT)})
    terminal.until("loading")
    terminal.until(lambda: b"LOOKING UP" in terminal.raw)
    terminal.press("q")
    seconds = terminal.end()
    terminal.close()
    print(f"hanging look-up: ended in {seconds:.2f} s")
    assert seconds < PROMPT
    assert terminal.status == 0


def test_nothing_is_written_after_the_end(start: Starter) -> None:
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    terminal.press("q")
    terminal.end()
    tail = terminal.raw.rpartition(b"\x1b[?1049l")[2]
    assert not tail.replace(b"\x1b[?", b"").translate(None, b"0123456789hl"), tail
    assert os.WEXITSTATUS(0) == terminal.status
