"""The Downloads screen: sorted and filtered lists, several transfers at once, logs, speeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.metadata.blocks import FieldBlock
from mlhub_tui.options import AppOptions
from mlhub_tui.queue.job import Event, Job, JobAction, JobState
from mlhub_tui.ui.context import QueueChanged
from mlhub_tui.ui.dialogs.job_dialog import DatasetJobScreen, JobLogScreen, JobScreen, event_blocks
from mlhub_tui.ui.state import AppState
from mlhub_tui.ui.transfers.job_list import JobList

from .conftest import Driver, Sizes, driven
from .scenes import JOBS, FixedQueue, app_over
from .test_downloads import LARGE, queue, state


class ToldQueue(FixedQueue):
    """A queue whose transfers a test changes, and which takes note of what it is told to do."""

    def __init__(self) -> None:
        self.jobs = JOBS
        self.asked: list[tuple[str, list[int]]] = []
        self.looks = 0
        self.events = [Event(1, 0.0, "queued"), Event(7, 90_000.0, "starts in the app, pid 7")]

    def snapshot(self) -> tuple[Job, ...]:
        """Return the transfers."""
        return self.jobs

    async def order(self, verb: JobAction, job_ids: Sequence[int], *, delete_part: bool = False) -> None:
        """Take note."""
        self.asked.append((f"{verb} and delete" if delete_part else str(verb), list(job_ids)))

    async def clear_finished(self, only: Sequence[int] | None = None) -> None:
        """Take note."""
        self.asked.append(("clear", list(only or ())))

    async def log(self, job_id: int, after: int = 0) -> list[Event]:
        """Return what is new."""
        self.looks += 1
        return [event for event in self.events if event.number > after]


@pytest.fixture
def told() -> ToldQueue:
    return ToldQueue()


@asynccontextmanager
async def on_downloads(
    options: AppOptions, queue: FixedQueue, size: Sizes = (80, 24)
) -> AsyncIterator[tuple[Driver, JobList]]:
    """Run the app over a queue, and go to the screen and its list."""
    async with driven(options, size, kind=app_over(queue)) as driver:
        await driver.until(lambda: driver.app.queue is not None)
        await driver.press("2", then="bigearthnet_v1_source")
        yield driver, driver.app.screen.query_one(JobList)


def current(listed: JobList) -> str:
    """Return the name under the cursor."""
    assert listed.current is not None
    return listed.current.name


async def test_z_sorts_with_the_cursor_on_the_same_transfer_and_is_remembered(
    options: AppOptions, told: ToldQueue, mlhub_home: Path
) -> None:
    async with on_downloads(options, told) as (driver, listed):
        await driver.press("j", "j")
        before = current(listed)
        await driver.press("z", then=("Name↓", "by name"))
        assert [job.name for job in listed.lines] == sorted((job.name for job in JOBS), key=str.casefold)
        assert current(listed) == before
        await driver.press("z", then=("State↓", "by state"))
        assert current(listed) == before
        await driver.press("shift+down", then=lambda: "The list is sorted" in driver.said())
        assert told.asked == []
    assert AppState.load().sort == "state"
    async with on_downloads(options, told) as (driver, _):
        await driver.until("by state")


@pytest.mark.parametrize("window", [(60, 15), (80, 24), (140, 40)])
async def test_no_two_long_names_look_the_same(
    options: AppOptions, told: ToldQueue, window: tuple[int, int]
) -> None:
    start, end = "ref_fusion_competition_south_africa_", "_source_sentinel_2_and_its_labels.tar.gz"
    named = [f"{start}{middle}{end}" for middle in ("train_2017", "train_2018", "test_2017")]
    named += ["north_" + end, "south_" + end]
    germany = "dlr_fusion_competition_germany_"
    parts = ("train_source_sentinel_1", "train_source_sentinel_2", "test_source_sentinel_2")
    named += [f"{germany}{part}.tar.gz" for part in parts]
    told.jobs = tuple(replace(JOBS[0], id=n, name=name) for n, name in enumerate(named, start=1))
    async with driven(options, window, kind=app_over(told)) as driver:
        await driver.until(lambda: driver.app.queue is not None)
        await driver.press("2", then="outh_")
        names = [line.split()[0] for line in driver.screen().splitlines() if "downloading" in line]
        assert len(names) == len(set(names)) >= 3


async def test_the_cursor_stays_on_its_transfer_while_others_move(
    options: AppOptions, told: ToldQueue
) -> None:
    async with on_downloads(options, told) as (driver, listed):
        await driver.press("j", "j", "j")
        name = current(listed)
        told.jobs = tuple(reversed(JOBS))
        driver.app.post_message(QueueChanged())
        await driver.until(lambda: listed.lines[0].id == JOBS[-1].id)
        assert current(listed) == name
        await driver.until(lambda: "na_003" in driver.screen().splitlines()[2])


async def test_a_slash_filters_by_words_and_states_with_counts_and_esc_clears(
    options: AppOptions, told: ToldQueue
) -> None:
    async with on_downloads(options, told) as (driver, listed):
        await driver.press("slash")
        await driver.type("rti", then="2 of 14")
        await driver.type(" failed", then=("1 of 14", "/rti failed"))
        await driver.press("enter", then=lambda: driver.app.focused is listed)
        assert [job.name for job in listed.lines] == ["rti_rwanda_crop_type_raw.tar.gz"]
        await driver.press("escape", then=lambda: len(listed.lines) == len(JOBS))
        await driver.until(lambda: "of 14" not in driver.screen())


async def test_f_shows_one_state_after_the_other(options: AppOptions, told: ToldQueue) -> None:
    async with on_downloads(options, told) as (driver, listed):
        await driver.press("f", then="running only · 4 of 14")
        assert all(job.state.running for job in listed.lines)
        await driver.press("f", then="waiting only")
        await driver.press("escape", then=lambda: len(listed.lines) == len(JOBS))


async def test_several_that_are_marked_are_paused_tried_again_cancelled_and_cleared(
    options: AppOptions, told: ToldQueue
) -> None:
    async with on_downloads(options, told) as (driver, _):
        await driver.press("space", "space", then=("2 selected", lambda: driver.screen().count("✓") == 2))
        await driver.press("P", then=lambda: told.asked == [("pause", [1, 2])])
        await driver.press("x", then=("Cancel 2 transfers?", "the partial download, 12.0 GB"))
        await driver.press("enter", then=lambda: "Cancel 2" not in driver.screen())
        assert told.asked == [("pause", [1, 2])], "Enter gives the safe answer"
        await driver.press("x", "k", then=lambda: ("cancel", [1, 2]) in told.asked)
        await driver.press("x", "y", then=lambda: ("cancel and delete", [1, 2]) in told.asked)
        await driver.press("escape", then=lambda: "selected" not in driver.screen())
        await driver.press("A", then="14 selected")
        told.asked.clear()
        await driver.press("r")
        await driver.until(lambda: sorted(told.asked) == [("resume", [6, 7]), ("retry", [3, 8, 10])])
        told.asked.clear()
        await driver.press("A", then=lambda: "selected" not in driver.screen())


async def test_c_clears_what_is_done_alone_x_removes_the_rest_by_name_and_both_can_be_undone(
    options: AppOptions, told: ToldQueue
) -> None:
    done = {job.id for job in JOBS if job.state is JobState.DONE}
    failed = next(job for job in JOBS if job.state is JobState.FAILED)
    async with on_downloads(options, told) as (driver, listed):

        def shown() -> set[int]:
            return {job.id for job in listed.lines}

        everything = shown()
        await driver.press("c", then=("cleared. U undoes it", lambda: shown() == everything - done))
        await driver.press("U", then=lambda: shown() == everything)
        while listed.current is not failed:
            await driver.press("j")
        await driver.press("x", then=(f"Remove {failed.name} from the list?", "Failed; once removed"))
        await driver.press("enter", then=lambda: "Remove " not in driver.screen())
        assert shown() == everything, "Enter gives the safe answer"
        await driver.press("x", then="Failed; once removed")
        await driver.press("y", then=("removed. U undoes it", lambda: shown() == everything - {failed.id}))
        assert told.asked == []
    assert told.asked == [("clear", [failed.id])]


async def test_of_a_filter_h_and_c_act_on_what_is_shown(options: AppOptions, told: ToldQueue) -> None:
    async with on_downloads(options, told) as (driver, _):
        await driver.press("slash")
        await driver.type("landcovernet")
        await driver.press("enter", then="/landcovernet · 4 of 14")
        await driver.press("H", then=lambda: told.asked == [("pause", [11, 12, 13, 14])])
        await driver.press("c", then=lambda: "no finished transfers" in driver.said())


async def test_marks_go_with_their_transfers(options: AppOptions, told: ToldQueue) -> None:
    async with on_downloads(options, told) as (driver, listed):
        await driver.press("space", "space", then="2 selected")
        told.jobs = JOBS[1:]
        driver.app.post_message(QueueChanged())
        await driver.until("1 selected")
        assert listed.marked == {2}


@pytest.mark.slow
async def test_the_log_is_shown_goes_on_and_is_copied(
    options: AppOptions, told: ToldQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_downloads(options, told) as (driver, _):
        await driver.press("L", then=JobLogScreen)
        await driver.until("1970-01-0", "queued", "5 entries were left out", "starts in the app, pid 7")
        told.events.append(Event(8, 90_001.0, "[bold]goes on[/] at byte 5"))
        await driver.until("[bold]goes on[/] at byte 5")
        await driver.press("y", then=lambda: driver.app.clipboard)
        assert driver.app.clipboard.splitlines()[-1].endswith("goes on[/] at byte 5")
        await driver.press("escape", "enter", then=JobScreen)
        await driver.press("L", then="starts in the app, pid 7")


@pytest.mark.slow
async def test_a_long_log_follows_its_end_until_one_scrolls_up(options: AppOptions, told: ToldQueue) -> None:
    told.events = [Event(n, 1000.0 + n, f"event {n} happened") for n in range(1, 100)]
    async with on_downloads(options, told) as (driver, _):
        await driver.press("L", then="event 99 happened")
        told.events.append(Event(100, 2000.0, "event 100 happened"))
        await driver.until("event 100 happened")
        await driver.press("g", then="event 1 happened")
        told.events.append(Event(101, 2001.0, "event 101 happened"))
        before = told.looks
        await driver.until(lambda: told.looks > before + 1)  # what the first brought is shown by then
        await driver.until("event 1 happened")
        assert "event 101" not in driver.screen()


def test_a_log_has_a_heading_a_day() -> None:
    fields = event_blocks([Event(1, 0, "a"), Event(2, 1e6, "b")])
    assert len(fields) == 4
    assert sum(isinstance(block, FieldBlock) for block in fields) == 2


@pytest.mark.slow
async def test_the_speed_is_drawn_while_it_downloads(slow: AppOptions) -> None:
    async with driven(slow) as driver:
        await queue(driver, LARGE)
        await driver.press("2", then=lambda: state(driver) is JobState.DOWNLOADING)
        await driver.until("1 running", "MB/s", "█")
        await driver.press("L", then="begins: 169.3 MB, from 127.0.0.1")


async def test_every_size_has_room_for_filter_marks_and_log(options: AppOptions, told: ToldQueue) -> None:
    told.jobs = (replace(JOBS[0], name="x" * 300), *JOBS[1:])
    async with driven(options, kind=app_over(told)) as driver:
        await driver.until(lambda: driver.app.queue is not None)
        await driver.press("2", "space", "z", "f")
        for window in ((60, 15), (80, 24), (120, 40)):
            await driver.pilot.resize_terminal(*window)
            await driver.until("running only", "1 selected", "? help")
            assert all(len(line) <= window[0] for line in driver.screen().splitlines())
        await driver.press("L", then="queued")


async def test_the_log_of_a_dataset_is_there_too(
    options: AppOptions, told: ToldQueue, tmp_path: Path
) -> None:
    from mlhub_tui.planning.requests import dataset_request

    request = dataset_request("ref_african_crops_kenya_02", tmp_path, source=options.root_url or "")
    told.jobs = (Job(77, request, request.name, JobState.PAUSED, 1),)
    async with driven(options, kind=app_over(told)) as driver:
        await driver.until(lambda: driver.app.queue is not None)
        await driver.press("2", then="kenya_02")
        await driver.press("enter", then=DatasetJobScreen)
        await driver.press("L", then="starts in the app, pid 7")
