"""How fast, and how many at a time: both changed while transfers run."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from mlhub_tui.http.limits import BandwidthLimiter
from mlhub_tui.planning.requests import DownloadRequest
from mlhub_tui.queue.job import JobState
from tests.support.fault_server import FaultServer
from tests.support.waiting import PATIENCE, until

from .conftest import DATA, Queues, ended
from .support import QUICK, SLOW, WIDE, Links

PATIENT = replace(QUICK, low_speed_time=0.2, low_speed_limit=3000.0)


async def test_a_speed_limit_holds_for_all_transfers_together_and_can_be_lifted(queues: Queues) -> None:
    queue = queues.start(transfers=3)
    await queue.change(limit=300_000)
    begun = time.monotonic()
    jobs = await queue.add_many([queues.wish(name) for name in "abc"])
    await until(lambda: all(job.bytes_done for job in queue.snapshot()))
    await asyncio.sleep(0.8)
    parts = [queues.folder / f"{name}.tar.gz.part" for name in "abc"]
    sizes = [part.stat().st_size for part in parts]
    # What each of three connections took at once before the limit held it is not to be counted.
    assert sum(sizes) < 300_000 * (time.monotonic() - begun) + 600_000

    def gained() -> list[int]:
        return [part.stat().st_size - size for part, size in zip(parts, sizes, strict=True)]

    await until(lambda: min(gained()) > max(30_000, *(size / 3 for size in gained())), gained)
    await queue.change(limit=10)
    await queue.change(limit=None)
    done = await queue.wait([job.id for job in jobs])
    assert {job.state for job in done} == {JobState.DONE}
    assert all(job.path.read_bytes() == DATA for job in done)


async def test_a_transfer_that_waits_for_the_limit_is_not_taken_for_stalled(queues: Queues) -> None:
    queue = queues.start(config=PATIENT)
    await queue.change(limit=1000)
    job = await queue.add(queues.wish())
    await until(lambda: queue.snapshot()[0].state is JobState.DOWNLOADING)
    for _ in range(12):
        await asyncio.sleep(0.1)
        assert queue.snapshot()[0].state is JobState.DOWNLOADING
    assert len(queues.server.gets) == 1
    await queue.change(limit=None)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_a_limited_transfer_is_paused_at_once(queues: Queues) -> None:
    queue = queues.start()
    await queue.change(limit=100)
    job = await queue.add(queues.wish())
    await until(lambda: queue.snapshot()[0].state is JobState.DOWNLOADING)
    await queue.pause(job.id)
    await queue.change(limit=None)
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_no_further_connections_are_opened_under_a_limit(queues: Queues) -> None:
    queues.server.content = DATA * 3
    queue = queues.start(config=WIDE)
    await queue.change(limit=4 << 20)
    await ended(queue, await queue.add(queues.wish()))
    assert queues.server.ranges == [None]


async def test_more_places_are_taken_at_once_and_fewer_when_they_are_left(queues: Queues) -> None:
    queues.server.always = SLOW
    with FaultServer(DATA) as other:
        other.always = SLOW
        queue = queues.start(
            Links(lambda request: (queues.server if request.collection_id in "abc" else other).url)
        )
        await queue.change(transfers=1)
        jobs = await queue.add_many([queues.wish(name) for name in "abcde"])
        await until(lambda: queues.server.open == 1)
        await queue.change(transfers=3)
        await until(lambda: queues.server.open == 3)
        await queue.change(transfers=1)
        queues.server.hurry()
        await queue.wait([job.id for job in jobs[:3]])
        await until(lambda: other.open == 1)
        await asyncio.sleep(0.3)
        assert other.most == 1
        other.hurry()
        assert {job.state for job in await queue.wait([job.id for job in jobs])} == {JobState.DONE}


async def test_one_host_has_no_more_than_its_share_of_the_places(queues: Queues) -> None:
    queues.server.always = SLOW

    def where(request: DownloadRequest) -> str:
        return other.url if request.source == "other" else queues.server.url

    with FaultServer(DATA) as other:
        other.always = SLOW
        queue = queues.start(Links(where))
        await queue.change(transfers=8, per_host=2)
        requests = [queues.wish(name) for name in "abcdef"]
        requests += [replace(queues.wish(name), source="other") for name in "gh"]
        jobs = await queue.add_many(requests)
        await until(lambda: queues.server.open == 2 and other.open == 2)
        await asyncio.sleep(0.3)
        assert (queues.server.most, other.most) == (2, 2)
        queues.server.hurry()
        other.hurry()
        assert {job.state for job in await queue.wait([job.id for job in jobs])} == {JobState.DONE}


async def test_readers_share_a_limit_in_turn_and_a_change_wakes_those_who_wait() -> None:
    now = 100.0
    limit = BandwidthLimiter(1000, clock=lambda: now)
    assert [limit.consume(500), limit.consume(1000)] == [100.5, 101.5]
    now = 200.0
    assert limit.consume(1000) == 201.0
    assert limit.chunk_size(1 << 20) == 512
    threading.Timer(0.05, limit.set_rate, [None]).start()
    await asyncio.wait_for(limit.settle(), PATIENCE)
    assert (limit.rate, limit.chunk_size(1 << 20), limit.consume(1 << 30)) == (None, 1 << 20, 0.0)


@pytest.mark.parametrize("rate", [0, None])
def test_nothing_and_zero_lift_the_limit(rate: float | None) -> None:
    limit = BandwidthLimiter(10)
    limit.set_rate(rate)
    assert limit.rate is None
