"""Settings of the queue: stored, applied at once by every program, and never out of bounds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.runner import MOST, QueueSettings, RunnerKind
from mlhub_tui.queue.service import QueueService
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import DATA, Queues, ended
from .support import SLOW, WIDE


def test_settings_are_stored_and_what_nobody_changed_is_as_the_program_has_it(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    with QueueClient(path) as client:
        assert client.repository.settings() == QueueSettings()
        changed = client.change({"limit": 5_000_000, "connections": 1})
        assert changed == QueueSettings(5_000_000, connections=1)
        client.change({"limit": None})
        with pytest.raises(ValueError, match="speed"):
            client.change({"speed": 1})
    with QueueClient(path) as client:
        assert client.repository.settings() == QueueSettings(connections=1)
        wild = {"limit": 0, "transfers": 0, "per_host": -3, "connections": 10**9}
        assert client.change(wild) == QueueSettings(None, 1, 1, MOST)


async def test_a_change_by_a_command_is_heeded_by_the_program_that_runs(queues: Queues) -> None:
    queues.server.always = SLOW
    told: list[object] = []
    queue: QueueService = queues.start(on_change=lambda: told.append(queue.settings))
    await queue.change(transfers=1)
    await queue.add_many([queues.wish(name) for name in "abc"])
    await until(lambda: queues.server.open == 1)
    with QueueClient(queues.database) as desk:
        assert desk.repository.settings() == QueueSettings(transfers=1)
        desk.change({"transfers": 3, "limit": 50_000_000})
    await until(lambda: queues.server.open == 3)
    assert queue.settings == QueueSettings(50_000_000, transfers=3)
    await until(lambda: queue.settings in told)


async def test_programs_that_fetch_at_the_same_time_share_the_limit(queues: Queues) -> None:
    queues.server.content = DATA * 8
    one = queues.start()
    two = queues.start(kind=RunnerKind.BACKGROUND)
    await one.change(limit=200_000)
    jobs = [await one.add(queues.wish("a")), await two.add(queues.wish("b"))]
    await until(lambda: {job.state for job in one.snapshot() + two.snapshot()} == {JobState.DOWNLOADING})
    for _ in range(20):  # each hears of the other when it looks next
        begun, before = time.monotonic(), sum(job.part.stat().st_size for job in jobs)
        await asyncio.sleep(0.6)
        came = sum(job.part.stat().st_size for job in jobs) - before
        if came < 200_000 * (time.monotonic() - begun) + 60_000:
            break
    else:
        raise AssertionError(f"{came:,} bytes at last: each took the whole limit")
    await two.change(limit=None)
    assert [(await ended(one, jobs[0])).state, (await ended(two, jobs[1])).state] == [JobState.DONE] * 2


async def test_places_are_those_of_all_programs_and_each_has_one(queues: Queues) -> None:
    queues.server.always = SLOW
    one, two = queues.start(), queues.start()
    await one.add_many([queues.wish(name) for name in "abc"])
    await until(lambda: queues.server.open == 2)
    await until(lambda: sum(job.state is JobState.DOWNLOADING for job in two.snapshot()) == 2)
    await two.add_many([queues.wish(name) for name in "xyz"])
    await until(lambda: queues.server.open == 3)
    await asyncio.sleep(0.3)
    assert queues.server.most == 3


async def test_parallel_ranges_are_turned_off_and_on_while_it_runs(queues: Queues) -> None:
    queues.server.content, queues.server.always = DATA * 12, Answer(piece=2048, pace=0.04)
    queue = queues.start(config=WIDE)
    await queue.change(connections=1)
    job = await queue.add(queues.wish())
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    await asyncio.sleep(0.3)
    assert queues.server.most == 1
    await queue.change(connections=8)
    await until(lambda: queues.server.open > 2 and queue.snapshot()[0].connections > 2)
    await queue.change(connections=1)
    await until(lambda: queue.snapshot()[0].connections == 1 and queues.server.open == 1)
    await queue.change(connections=8)
    queues.server.hurry()
    done = await ended(queue, job)
    assert (done.state, done.connections) == (JobState.DONE, 0)
    assert done.path.read_bytes() == queues.server.content


def test_what_nobody_told_the_queue_is_as_the_config_file_has_it(tmp_path: Path, mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "config.toml").write_text('transfers = 5\nlimit = "1M"\n')
    with QueueClient(tmp_path / "queue.db") as desk:
        assert (desk.repository.settings().transfers, desk.repository.settings().limit) == (5, 1_000_000)
        desk.change({"transfers": 3, "limit": None})
        (mlhub_home / "config.toml").write_text('transfers = 6\nper_host = 9\nlimit = "2M"\n')
        assert desk.repository.settings() == QueueSettings(None, transfers=3, per_host=9)
