"""What jobs wait for: hosts that are gone, and room on the disk."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui import fileio as folders
from mlhub_tui.errors import ServerUnreachable
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.errors import QUEUE_RETRIES
from mlhub_tui.models import ArchiveInfo
from mlhub_tui.planning.requests import ArchiveRequest, AssetRequest, DownloadRequest
from mlhub_tui.planning.resolver import RenewedAsset, Resolver
from mlhub_tui.queue import scheduler as disk_space
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.transfer.config import TransferProgress
from tests.support.waiting import until

from .conftest import DATA, Queues
from .support import HALF, files

STEADY = replace(QUEUE_RETRIES, base=0.1, cap=0.1, random=lambda: 1.0)


def lost() -> ServerUnreachable:
    error = ServerUnreachable("cannot reach x: its name is not known")
    error.__cause__ = socket.gaierror(-3, "Temporary failure in name resolution")
    return error


class Cable(Resolver):
    """A resolver for which some hosts are gone for good."""

    def __init__(self, url: str) -> None:
        self.url, self.gone = url, set[str]()

    async def again(self, request: AssetRequest) -> RenewedAsset:
        return RenewedAsset(request, await self.link(request))

    async def link(self, request: DownloadRequest) -> Link:
        if request.collection_id in self.gone:
            raise lost()
        return Link(self.url)

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        return None


def job(number: int, source: str = "http://a/", state: JobState = JobState.QUEUED, **fields: object) -> Job:
    request = ArchiveRequest(source, None, f"n{number}", Path("/"))
    return Job(number, request, f"n{number}.tar.gz", state, position=number, **fields)  # type: ignore[arg-type]  # any of its fields


async def test_hosts_that_are_gone_do_not_hold_up_the_others(queues: Queues) -> None:
    cable = Cable(queues.server.url)
    cable.gone = {"gone1", "gone2"}
    queue = queues.start(cable, retries=STEADY)
    names = ["gone1", "gone2", "here1", "here2", "here3"]
    requests = [ArchiveRequest(f"http://{name[:4]}/", None, name, queues.folder) for name in names]
    await queue.add_many(requests)
    await until(lambda: sum(job.state is JobState.DONE for job in queue.snapshot()) == 3)
    assert {job.state for job in queue.snapshot()[:2]} <= {
        JobState.RETRYING,
        JobState.QUEUED,
        JobState.CONNECTING,
    }


async def test_a_job_without_room_goes_on_by_itself_when_there_is_some(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [1000]
    monkeypatch.setattr(folders, "free_space", lambda _: free[0])
    queue = queues.start(room_every=0.1)
    await queue.add(queues.wish())
    await until(lambda: queue.snapshot()[0].state is JobState.NO_SPACE)
    free[0] = 10 * len(DATA)
    await until(lambda: queue.snapshot()[0].state is JobState.DONE)
    assert files(queues.folder) == {"file.tar.gz": len(DATA)}


def test_where_room_alone_did_not_help_it_is_looked_at_less_often() -> None:
    now = [0.0]
    waiting, stuck = disk_space.DiskSpaceWaiters(10.0, lambda: now[0]), job(1, state=JobState.NO_SPACE)
    found = []
    for second in range(100):
        now[0] = float(second)
        if waiting.due([stuck]):
            found.append(second)
            waiting.released(stuck)
    assert found == [10, 30, 70]


@given(st.lists(st.tuples(st.sampled_from(list(JobState)), st.booleans(), st.integers(0, 100)), max_size=12))
def test_room_is_kept_for_what_runs_and_what_waits_before_and_for_nothing_else(
    others: list[tuple[JobState, bool, int]],
) -> None:
    jobs = [
        job(number, state=state, elsewhere=elsewhere, bytes_total=100, bytes_done=done)
        for number, (state, elsewhere, done) in enumerate(others)
    ]
    mine = job(6, state=JobState.CONNECTING)
    active = {
        JobState.CONNECTING,
        JobState.PREPARING,
        JobState.DOWNLOADING,
        JobState.STALLED,
        JobState.VERIFYING,
    }
    lives = dict[int, TransferProgress]()
    expected = 0
    for other in jobs:
        waits = other.state in {JobState.QUEUED, JobState.RETRYING} and other.position < 6
        runs = other.state in active
        if runs and not other.elsewhere:
            lives[other.id] = TransferProgress()
            lives[other.id].reserved = 100
        if other.id != 6 and (waits or runs):
            expected += 100 - other.bytes_done
    assert disk_space.reserved_space(mine, jobs, lives) == expected


async def test_a_transfer_that_receives_nothing_is_shown_as_stalled(queues: Queues) -> None:
    queues.server.always = HALF
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].state is JobState.STALLED)
    shown = queue.snapshot()[0]
    assert (shown.reason, shown.rate, shown.connections) == ("nothing comes at the moment", None, 1)
    await queue.pause(job.id)
    words = [event.words for event in await queue.log(job.id)]
    assert words[-2:] == ["nothing comes at the moment", "paused"]
