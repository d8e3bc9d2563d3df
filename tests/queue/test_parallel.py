"""A large file over several connections: faster where each is limited, never mixed, resumed whole."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.part_repository import extents_from_text
from mlhub_tui.queue.run_job import fetch
from mlhub_tui.transfer.part_file import Extents, covered, merge
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import Queues, ended
from .support import HASTY, WIDE, Links, content, files, wish

DATA = content(3 << 20)
OTHER = content(3 << 20, seed=2)
SLOW = Answer(pace=0.01)
"""Half a second for the file over one connection."""
SLOWER = Answer(piece=2048, pace=0.04)
"""Long enough to see it half done on a busy machine."""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(DATA) as server:
        server.always = SLOW
        yield server


async def get(server: FaultServer, folder: Path, connections: int = 8) -> bytes:
    tuning = replace(WIDE, connections=connections)
    path = await fetch(wish(folder), Links(server.url), retries=HASTY, config=tuning)
    assert files(folder) == {"file.tar.gz": path.stat().st_size}
    return path.read_bytes()


def starts(server: FaultServer) -> list[int]:
    """Return where the ranges that were asked for begin."""
    return [int(asked.removeprefix("bytes=").split("-")[0]) for asked in server.ranges if asked]


async def test_a_server_that_limits_each_connection_is_asked_over_several(
    server: FaultServer, folder: Path
) -> None:
    assert await get(server, folder, connections=1) == DATA
    assert server.ranges == [None]
    (folder / "file.tar.gz").unlink()
    assert await get(server, folder) == DATA
    assert server.most >= 2
    assert starts(server), "one from the beginning, and others from further on"


@pytest.mark.parametrize("why", ["small", "weak validator", "no validator", "no ranges"])
async def test_a_file_that_cannot_or_need_not_be_split_comes_over_one_connection(
    server: FaultServer, folder: Path, why: str
) -> None:
    if why == "small":
        server.content, server.always = content(200 << 10), Answer(pace=0.1)
    elif why == "no ranges":
        server.always = replace(SLOW, headers={"Accept-Ranges": "none"})
    else:
        server.etag = 'W/"v1"' if why == "weak validator" else None
    assert await get(server, folder) == server.content
    assert server.ranges == [None]


async def test_a_server_that_is_not_faster_over_several_is_asked_over_one(
    server: FaultServer, folder: Path
) -> None:
    server.shared_pace = 0.003
    server.always = Answer(piece=8192)
    tuning = replace(WIDE, window=0.3)
    path = await fetch(wish(folder), Links(server.url), retries=HASTY, config=tuning)
    assert path.read_bytes() == DATA
    assert 2 <= server.most < 16, "others were tried"


async def test_200_to_the_second_connection_leaves_the_first_to_go_on_alone(
    server: FaultServer, folder: Path
) -> None:
    server.always = replace(SLOW, whole=True)
    assert await get(server, folder) == DATA
    assert server.ranges[0] is None
    assert len(server.gets) <= 16, "those that were opened together, and what starts over, if only once each"


@pytest.mark.parametrize(
    "wrong",
    [replace(SLOW, shift=-1000), replace(SLOW, total=len(DATA) + 1), replace(SLOW, headers={"ETag": '"v2"'})],
    ids=["another start", "another total", "another version"],
)
async def test_a_wrong_piece_is_never_written(server: FaultServer, folder: Path, wrong: Answer) -> None:
    server.md5 = False
    server.script.extend([SLOW, SLOW, wrong])
    assert await get(server, folder) == DATA


async def test_connections_that_disagree_where_they_meet_start_over_alone(
    server: FaultServer, folder: Path
) -> None:
    server.md5 = False
    mixed = len(DATA) // 2
    server.by_range = lambda start: OTHER if start and start > mixed // 2 else DATA
    assert await get(server, folder) == DATA
    assert server.ranges[-1] is None
    assert len(server.ranges) > 2


async def test_a_checksum_of_the_whole_is_verified_and_a_mismatch_is_fetched_again_alone(
    server: FaultServer, folder: Path
) -> None:
    server.by_range = lambda start: DATA[:-1] + b"\xff" if start else DATA
    assert await get(server, folder) == DATA
    assert server.ranges[-1] is None


@pytest.mark.parametrize(
    "refusal",
    [Answer(status=429), Answer(status=503), Answer(before="reset"), Answer(before="close")],
    ids=["429", "503", "reset", "closed"],
)
async def test_a_server_that_tolerates_two_gets_two(
    server: FaultServer, folder: Path, refusal: Answer
) -> None:
    server.most_allowed, server.refusal = 2, refusal
    began = time.monotonic()
    assert await get(server, folder) == DATA
    windows = (time.monotonic() - began) / WIDE.window
    assert len(starts(server)) < 40 + windows / 2, "segments of both, and more than two are seldom tried"


async def test_a_connection_that_breaks_gives_its_stretch_back(server: FaultServer, folder: Path) -> None:
    server.script.extend([SLOW, replace(SLOW, after=100_000, end="reset"), SLOW, replace(SLOW, after=5)])
    assert await get(server, folder) == DATA


async def test_the_first_connection_may_break_while_others_go_on(server: FaultServer, folder: Path) -> None:
    server.script.append(replace(SLOW, after=len(DATA) // 4))
    assert await get(server, folder) == DATA
    assert server.ranges.count(None) == 1


async def test_pause_and_resume_keep_all_stretches(queues: Queues, mlhub_home: Path) -> None:
    queues.server.always = SLOWER
    queue, job = await queues.begin(config=WIDE)
    await until(lambda: queues.server.open >= 3 and len(recorded(mlhub_home)) > 1)
    await queue.pause(job.id)
    await until(lambda: queues.server.open == 0)
    kept = recorded(mlhub_home)
    assert len(kept) > 1
    sent, queues.server.always = queues.server.sent, Answer()
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE
    assert (queues.folder / "file.tar.gz").read_bytes() == DATA
    again = queues.server.sent - sent - (len(DATA) - covered(kept))
    assert again <= len(kept) * 2 * (WIDE.resume_overlap + (64 << 10))


async def test_all_transfers_together_have_so_many_connections_and_no_more(queues: Queues) -> None:
    queues.server.always = SLOWER
    queue = queues.start(config=WIDE, transfers=4)
    jobs = await queue.add_many([queues.wish(name) for name in "abcd"])
    most = 0
    for _ in range(100):
        most = max(most, sum(job.connections for job in queue.snapshot()))
        await asyncio.sleep(0.01)
    await until(lambda: most > 4 or sum(job.connections for job in queue.snapshot()) > 4)
    assert most < 24, "not the eight of each, though one that ends may be counted with its successor"
    queues.server.hurry()
    await queue.wait([job.id for job in jobs])
    assert all(job.path.read_bytes() == DATA for job in jobs)


async def test_paused_when_the_first_connection_is_through_the_others_end_too(queues: Queues) -> None:
    queues.server.script.append(SLOW)
    queues.server.always = SLOWER
    queue, job = await queues.begin(config=WIDE)
    await until(lambda: queues.server.open >= 2)
    await asyncio.sleep(0.5)
    await queue.pause(job.id)
    await until(lambda: queues.server.open == 0)
    assert queue.snapshot()[0].state is JobState.PAUSED
    queues.server.always = Answer()
    await queue.resume(job.id)
    assert (await ended(queue, job)).path.read_bytes() == DATA


async def test_resumed_with_parallel_ranges_turned_off_it_fills_the_holes_one_by_one(
    queues: Queues, mlhub_home: Path
) -> None:
    queues.server.always = SLOWER
    queue = queues.start(config=WIDE)
    await queue.add(queues.wish())
    await until(lambda: queues.server.open >= 3 and len(recorded(mlhub_home)) > 1)
    queue.stop(60)
    assert len(recorded(mlhub_home)) > 1
    await until(lambda: queues.server.open == 0)
    queues.server.always, queues.server.most = Answer(), 0
    assert await get(queues.server, queues.folder, connections=1) == DATA
    assert queues.server.most == 1


async def test_a_part_with_holes_whose_record_is_lost_is_not_taken_for_half_a_file(
    queues: Queues, mlhub_home: Path
) -> None:
    queues.server.always, queues.server.md5 = SLOWER, False
    queue = queues.start(config=WIDE)
    await queue.add(queues.wish())
    part = queues.folder / "file.tar.gz.part"
    await until(lambda: part.exists() and part.stat().st_size > len(DATA))
    queue.stop(60)
    for path in mlhub_home.glob("queue.db*"):
        path.unlink()
    queues.server.always = Answer()
    assert await get(queues.server, queues.folder) == DATA


async def test_changed_between_runs_nothing_of_the_old_version_is_kept(queues: Queues) -> None:
    queues.server.always = SLOWER
    queue = queues.start(config=WIDE)
    await queue.add(queues.wish())
    await until(lambda: queues.server.open >= 3)
    queue.stop(60)
    queues.server.content, queues.server.etag, queues.server.always = OTHER, '"v2"', SLOW
    assert await get(queues.server, queues.folder) == OTHER


async def test_a_link_that_expires_for_later_connections_is_looked_up_again(
    server: FaultServer, folder: Path
) -> None:
    server.script.extend([replace(SLOW, after=len(DATA) // 2), SLOW, Answer(status=403)])
    links = Links(server.url + "?sig=old", server.url + "?sig=new")
    path = await fetch(wish(folder), links, retries=HASTY, config=WIDE)
    assert path.read_bytes() == DATA


def recorded(home: Path) -> Extents:
    """Return what the queue's database says is there of the only part."""
    with sqlite3.connect(home / "queue.db") as connection:
        [(synced, more)] = connection.execute("SELECT synced, extents FROM parts").fetchall()
    return merge([(0, synced), *extents_from_text(more)])
