"""Every way in which the app ends, or is ended."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter, is_whole, queue_archive
from .harness import Terminal

pytestmark = pytest.mark.terminal

ROOT = Path(__file__).parent.parent.parent
ARCHIVE = "ref_fusion_competition_south_africa_train_source_planet"
"""14 MB: seven seconds from the slow catalogue."""

STEP = 1_600_000
"""Bytes that take longer than the journal needs to be synced."""


def test_a_download_survives_every_end_of_the_app(start: Starter, out: Path, slow: SampleServer) -> None:
    """Quit, SIGTERM, SIGHUP, kill -9: each start goes on by itself, and the file is right."""
    terminal = start(server=slow)
    terminal.until("BigEarthNet")
    queue_archive(terminal, ARCHIVE)
    whole, part = out / f"{ARCHIVE}.tar.gz", out / f"{ARCHIVE}.tar.gz.part"
    terminal.until(lambda: size_of(part) > STEP)
    quit_with_a_question(terminal)
    assert part.exists(), "it did not wait for the transfer"
    for number in (signal.SIGTERM, signal.SIGHUP):
        terminal, before = start(server=slow), size_of(part)
        terminal.until(lambda: size_of(part) > before + STEP)  # noqa: B023 - called at once
        end_by_signal(terminal, number)
        assert part.exists(), "it did not wait for the transfer"
    terminal, before = start(server=slow), size_of(part)
    terminal.until(lambda: size_of(part) > before + STEP)
    terminal.signal(signal.SIGKILL)
    terminal.end()
    assert [path.name for path in out.iterdir()] == [part.name], "nothing under the final name"

    slow.store.rate = None
    terminal = start(server=slow)
    terminal.until(whole.exists)
    assert is_whole(whole, slow)
    assert [path.name for path in out.iterdir()] == [whole.name]
    ranges = [request.range for request in slow.store.requests if request.method == "GET"]
    places = [int(asked.removeprefix("bytes=").partition("-")[0]) for asked in ranges if asked]
    assert len(ranges) == len(places) + 1 == 5, "one request a start, and only the first from the beginning"
    assert places == sorted(places) and places[0] > 0 and places[-1] >= 3 * STEP
    terminal.press("2")
    terminal.until("1 done")  # else the queue is still at it, and asks
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def quit_with_a_question(terminal: Terminal) -> None:
    """Quit: no, and then yes."""
    terminal.press("q")
    terminal.until("1 transfer is running")
    terminal.press("n")
    terminal.until(lambda: "is running" not in terminal.text)
    terminal.press("2")
    terminal.until("downloading")
    terminal.press("q")
    terminal.until("1 transfer is running")
    terminal.press("y")
    has_ended(terminal, terminal.end(), 0, "q y")


def end_by_signal(terminal: Terminal, number: signal.Signals) -> None:
    """End it from outside."""
    terminal.signal(number)
    has_ended(terminal, terminal.end(), 128 + number, number.name)


def has_ended(terminal: Terminal, seconds: float, status: int, how: str) -> None:
    """Look at how it ended."""
    print(f"{how}: ended in {seconds:.2f} s with a transfer running")
    assert terminal.status == status
    assert not terminal.left_over
    assert terminal.line_is_restored


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("ignored", [False, True], ids=["SIGHUP", "nohup"])
def test_a_terminal_that_is_closed_ends_it_without_spinning(
    start: Starter, mlhub_home: Path, ignored: bool
) -> None:
    terminal = start(ignore_sighup=ignored)
    terminal.until("sample catalog")
    terminal.settle()
    before = terminal.cpu()
    terminal.hang_up()
    seconds = terminal.end()
    used = terminal.cpu_at_end - before
    print(f"{'nohup' if ignored else 'SIGHUP'}: gone in {seconds:.2f} s, {used:.2f} s of CPU")
    assert used < 2.0
    assert terminal.status == 129
    assert not list(mlhub_home.rglob("crash*"))


def test_a_terminal_that_takes_no_more_output_does_not_keep_it_from_ending(start: Starter) -> None:
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    terminal.settle(0.2)
    for _ in range(8):
        terminal.press("\x1b[6~" * 4, "\x1b[5~" * 4)
        time.sleep(0.1)
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
    terminal.press("\x1b[19~")  # F8
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
    seconds = terminal.end()  # gives up long before the look-up does
    terminal.close()
    print(f"hanging look-up: ended in {seconds:.2f} s")
    assert terminal.status == 0
