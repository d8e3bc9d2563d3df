"""The Downloads screen on transfers at work: limits, details, verification, and why one waits."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.runner import QueueSettings
from mlhub_tui.ui.dialogs.job_dialog import JobScreen, LimitsScreen
from mlhub_tui.ui.transfers.job_list import columns_for, header, job_line
from mlhub_tui.ui.transfers.job_view import why

from .conftest import Driver, driven
from .scenes import JOBS, FixedQueue, app_over
from .test_downloads import LARGE, SMALL, queue, state

STUCK = [job for job in JOBS if job.reason]


async def limits(driver: Driver, *fields: str) -> None:
    """Open the dialog and fill its fields from the first on; an empty one stays as it is."""
    await driver.press("R", then=LimitsScreen)
    for number, typed in enumerate(fields):
        if number:
            await driver.press("enter")
        await driver.type(typed)
    await driver.press("ctrl+s")


@pytest.mark.slow
async def test_the_speed_is_limited_while_it_runs_and_the_limit_is_shown(slow: AppOptions) -> None:
    async with driven(slow) as driver:
        await queue(driver, LARGE)
        await driver.press("2", then=lambda: driver.app.jobs[0].bytes_done > 0)
        await limits(driver, "200k", "3", "", "1")
        await driver.until("limit 200.0 kB/s")
        assert driver.app.queue is not None
        assert driver.app.queue.settings == QueueSettings(200_000, transfers=3, connections=1)
        assert state(driver) is JobState.DOWNLOADING
        await limits(driver, "off")
        await driver.until(lambda: "limit" not in driver.screen().splitlines()[-7])


async def test_limits_that_make_no_sense_are_said_and_nothing_changes(options: AppOptions) -> None:
    async with driven(options) as driver:
        await driver.press("2", then=lambda: driver.app.queue and driver.app.queue.settings)
        await limits(driver, "fast")
        await driver.until("is no speed")
        label, note = (
            next(line for line in driver.screen().splitlines() if words in line)
            for words in ("Connections", "Saved with the queue")
        )
        assert label.index("Connections") == note.index("Saved")
        await driver.press("escape")
        await limits(driver, "", "0")
        await driver.until("Transfers: a number from 1 to 64")
        await driver.press("escape")
        assert driver.app.queue is not None
        assert driver.app.queue.settings == QueueSettings()


async def test_a_finished_file_is_read_again_and_damage_is_found(options: AppOptions) -> None:
    async with driven(options) as driver:
        await queue(driver, SMALL)
        await driver.press("2", then=lambda: state(driver) is JobState.DONE)
        await driver.press("v", then="whole: size, MD5, gzip CRC")
        path = driver.app.jobs[0].path
        spoilt = bytearray(path.read_bytes())
        spoilt[1000] ^= 1
        path.write_bytes(spoilt)
        await driver.press("v", then=("damaged", "overwrite"))
        await driver.press("L", then=("read again: whole: size, MD5, gzip CRC", "read again: damaged"))
        await driver.press("escape", "enter", then=(JobScreen, "Checksums", "md5:"))
        await driver.until(str(driver.app.jobs[0].path)[:40])


async def test_every_stuck_transfer_says_why_in_its_line(options: AppOptions) -> None:
    async with driven(options, kind=app_over(FixedQueue())) as driver:
        await driver.press("2")
        for job in STUCK:
            # What it is about is in its name already: the fact has the room.
            await driver.until(re.sub(' of collection "[^"]*"', "", job.reason)[:30])


@pytest.mark.slow
async def test_the_wait_for_the_next_try_is_counted_down(options: AppOptions) -> None:
    waiting = replace(JOBS[2], next_try=time.time() + 50)

    class Waiting(FixedQueue):
        def snapshot(self) -> tuple[object, ...]:  # type: ignore[override]  # one job is enough
            return (waiting,)

    async with driven(options, kind=app_over(Waiting())) as driver:
        await driver.press("2")
        first = await counted(driver, r"next try in (\d+) s")
        row = await counted(driver, r"80% in (\d+) s: connection reset", below=first)
        await driver.press("enter", then=JobScreen)
        await counted(driver, r"in (\d+) s", below=row)


async def counted(driver: Driver, pattern: str, below: int = 60) -> int:
    """Wait until less than some seconds are left, and return how many."""

    def left() -> int:
        shown = re.search(pattern, driver.screen())
        return int(shown[1]) if shown else below

    await driver.until(lambda: left() < below)
    return left()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, lambda cells: "retrying" in cells),
        (80, lambda cells: "80% in 7 s: connection reset" in cells),
        (140, lambda cells: "━" in cells and "in 7 s: connection reset" in cells),
    ],
)
def test_a_line_has_its_reason_where_it_fits(width: int, shown: Callable[[str], bool]) -> None:
    waiting = replace(JOBS[2], next_try=time.time() + 7)
    assert why(waiting, now=(waiting.next_try or 0) - 7) == "in 7 s: connection reset"
    assert why(waiting, now=(waiting.next_try or 0) - 0.2) == "now: connection reset"
    cells = "".join(job_line(waiting, columns_for(width)))
    assert shown(cells), cells
    assert len(cells) <= width


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_a_running_line_has_name_state_percent_speed_and_time_left_close_together(width: int) -> None:
    cells, name = "".join(job_line(JOBS[0], columns_for(width))), JOBS[0].name.removesuffix(".tar.gz")
    figures = r"35%  (12.0GB/)?34.0 ?GB +8.4 MB/s +(×4 +)?43:39"
    assert re.fullmatch(rf" {name} +downloading ━*╸?┄+  {figures} *", cells)
    assert len(cells) <= min(width, 140)
    assert len(header(columns_for(width)).rstrip()) == cells.index("43:39") + len("Left")


def test_a_wide_line_says_how_many_connections_there_are() -> None:
    assert "×4" in "".join(job_line(JOBS[0], columns_for(120)))
    assert "×4" not in "".join(job_line(JOBS[0], columns_for(80)))
