"""One queue, several programs: each sees what the others run, and can tell them what to do with it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.queue import part_repository
from mlhub_tui.queue import runner as process
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.database import Database, QueueUnusable
from mlhub_tui.queue.job import Job, JobAction, JobState
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.queue.runner import Process, RunnerKind
from mlhub_tui.transfer.part_file import PartFile
from tests.support.http_server import Answer
from tests.support.waiting import PATIENCE, until

from .conftest import DATA, Queues
from .support import HALF, QUICK, SLOW, Links, files, wish

GONE = Process(2**22 + 1, process.this_process().host, "boot:1")


def only(jobs: tuple[Job, ...] | list[Job]) -> Job:
    [job] = jobs
    return job


async def test_another_program_sees_bytes_speed_and_place_of_a_running_job(queues: Queues) -> None:
    queues.server.always = SLOW
    patient = replace(QUICK, quiet_time=2.0)
    one = queues.start(kind=RunnerKind.BACKGROUND, config=patient)
    two = queues.start()
    await one.add(queues.wish())
    await until(lambda: two.snapshot() and two.snapshot()[0].state is JobState.DOWNLOADING)
    await until(lambda: two.snapshot()[0].bytes_done > 0 and two.snapshot()[0].rate)
    seen = only(two.snapshot())
    assert seen.where == f"in the background, pid {process.this_process().pid}"
    assert seen.bytes_total == len(DATA)
    with QueueClient(queues.database) as desk:
        listed = only(desk.jobs())
        assert (listed.state, listed.elsewhere, listed.where) == (JobState.DOWNLOADING, True, seen.where)
        assert {kind for kind, _ in desk.repository.runners()} == {RunnerKind.BACKGROUND, RunnerKind.APP}


async def test_pause_and_resume_reach_the_program_that_runs_the_job(queues: Queues) -> None:
    queues.server.always = SLOW
    one, two = queues.start(), queues.start()
    job = await one.add(queues.wish())
    await until(lambda: two.snapshot() and two.snapshot()[0].bytes_done > 0)
    await two.pause(job.id)
    await until(lambda: two.snapshot()[0].state is JobState.PAUSED)
    assert only(one.snapshot()).state is JobState.PAUSED
    queues.server.always = Answer()
    await two.resume(job.id)
    await until(lambda: two.snapshot()[0].state is JobState.DONE)
    assert job.path.read_bytes() == DATA
    assert queues.server.sent < len(DATA) + (700 << 10)


async def test_cancel_by_another_program_deletes_the_part(queues: Queues) -> None:
    queues.server.always = SLOW
    one, two = queues.start(), queues.start()
    job = await one.add(queues.wish())
    await until(lambda: two.snapshot() and two.snapshot()[0].bytes_done > 0)
    assert files(queues.folder)
    await two.cancel(job.id)
    await until(lambda: two.snapshot()[0].state is JobState.CANCELLED)
    await until(lambda: not files(queues.folder))
    await until(lambda: only(one.snapshot()).bytes_done == 0)
    with sqlite3.connect(queues.database) as database:
        await until(lambda: database.execute("SELECT count(*) FROM commands").fetchone() == (0,))


async def test_retry_by_another_program_does_not_wait(queues: Queues) -> None:
    links = Links(ValueError("odd"), queues.server.url)
    one, two = queues.start(links), queues.start(links)
    job = await one.add(queues.wish())
    await until(lambda: two.snapshot() and two.snapshot()[0].state is JobState.FAILED)
    await two.retry(job.id)
    await until(lambda: two.snapshot()[0].state is JobState.DONE)


async def test_pause_all_and_move_reach_every_program(queues: Queues) -> None:
    queues.server.always = Answer(after=100_000, end="stall")  # nothing ends meanwhile
    one = queues.start(transfers=1)
    jobs = await one.add_many([queues.wish(name) for name in "abc"])
    two = queues.start(transfers=1)
    await until(lambda: len(two.snapshot()) == 3)
    await two.move(jobs[2].id, -1)
    await until(lambda: [job.request.collection_id for job in one.snapshot()] == list("acb"))
    await two.order(JobAction.PAUSE)
    await until(lambda: {job.state for job in one.snapshot()} == {JobState.PAUSED})
    await two.order(JobAction.RESUME)  # it need not have heard of that yet
    # A place that another program gave stays through the notes of progress of the one that runs it.
    await until(lambda: any(job.bytes_done for job in one.snapshot()))
    await asyncio.sleep(0.2)
    assert [job.request.collection_id for job in two.snapshot()] == list("acb")


async def test_what_a_program_adds_that_runs_nothing_is_taken_by_one_that_does(queues: Queues) -> None:
    one, two = queues.start(), queues.start()
    command = queues.start(only_own=True)
    await one.order(JobAction.PAUSE)
    with QueueClient(queues.database) as desk:
        jobs = desk.add([queues.wish(name) for name in "abcd"])
    assert all((job.state, job.elsewhere) == (JobState.QUEUED, False) for job in jobs)
    await until(lambda: one.snapshot() and {job.state for job in one.snapshot()} == {JobState.DONE})
    await until(lambda: len(two.snapshot()) == len(command.snapshot()) == 4)
    assert sorted(files(queues.folder)) == [f"{name}.tar.gz" for name in "abcd"]
    assert len(queues.server.gets) == 4, "each file was fetched once, by one of the programs"


async def test_adding_a_paused_job_again_resumes_it_where_it_runs(queues: Queues) -> None:
    queues.server.always = SLOW
    one = queues.start()
    job = await one.add(queues.wish())
    await one.pause(job.id)
    queues.server.always = Answer()
    with QueueClient(queues.database) as desk:
        again = only(desk.add([queues.wish()]))
    assert (again.id, again.elsewhere) == (job.id, True)
    await until(lambda: only(one.snapshot()).state is JobState.DONE)


async def test_the_desk_controls_a_running_program_and_knows_when_it_obeyed(queues: Queues) -> None:
    queues.server.always = SLOW
    _, job = await queues.begin()
    with QueueClient(queues.database) as desk:
        asked = desk.order(JobAction.PAUSE)
        assert ([j.id for j in asked.passed], asked.done) == ([job.id], [])
        assert await asyncio.to_thread(desk.settled, asked, PATIENCE)
        assert only(desk.jobs()).state is JobState.PAUSED
        refused = desk.order(JobAction.PAUSE, [job.id, 99])
        assert ([j.id for j in refused.refused], refused.missing) == ([job.id], [99])
        assert desk.order(JobAction.PAUSE) == desk.order(JobAction.RETRY), "nothing that either applies to"
        asked = desk.order(JobAction.CANCEL, [job.id], delete_part=True)
        assert await asyncio.to_thread(desk.settled, asked, PATIENCE)
    assert files(queues.folder) == {}


def test_the_desk_does_itself_what_nobody_runs(tmp_path: Path) -> None:
    with QueueClient(tmp_path / "queue.db") as desk:
        job, other = desk.add([wish(tmp_path / "out"), wish(tmp_path / "out", "other")])
        assert desk.repository.runners() == []
        assert [j.state for j in desk.order(JobAction.PAUSE).done] == [JobState.PAUSED] * 2
        assert [j.state for j in desk.order(JobAction.RESUME, [job.id]).done] == [JobState.QUEUED]
        job.part.parent.mkdir()
        job.part.write_bytes(b"half")
        assert [j.state for j in desk.order(JobAction.CANCEL, [job.id], delete_part=True).done] == [
            JobState.CANCELLED
        ]
        assert files(tmp_path / "out") == {}
        assert [j.id for j in desk.order(JobAction.RETRY, [job.id]).done] == [job.id]
        job.part.write_bytes(b"half")
        desk.order(JobAction.CANCEL, [job.id])
        assert files(tmp_path / "out") == {job.part.name: 4}, "a part is deleted where that is asked for"
        cleared = desk.clear([job.id, other.id, 77])
        assert [j.id for j in cleared.done] == [job.id]
        assert ([j.id for j in cleared.refused], cleared.missing) == ([other.id], [77])
        assert [j.id for j in desk.jobs()] == [other.id]
    later = JobRepository(Database(tmp_path / "queue.db"))
    assert later.live() == {later.runner}


def test_what_a_program_takes_over_at_that_very_moment_is_passed_on_to_it(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    runner = JobRepository(Database(path))
    with (
        QueueClient(path) as desk,
        closing(sqlite3.connect(path, isolation_level=None)) as taking_over,
        ThreadPoolExecutor() as pool,
    ):
        [job] = desk.add([wish(tmp_path)])
        taking_over.execute("BEGIN IMMEDIATE")
        taking_over.execute("UPDATE jobs SET runner = ?", (runner.runner,))
        asked = pool.submit(desk.order, JobAction.PAUSE, [job.id])
        time.sleep(0.3)  # it has seen that nobody runs the job
        taking_over.execute("COMMIT")
        result = asked.result()
        assert ([j.id for j in result.passed], result.done) == ([job.id], [])
        assert [command.job for command in runner.commands()] == [job.id]


def test_a_queue_that_cannot_be_kept_is_refused_by_the_desk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QueueUnusable, match="not a folder"):
        QueueClient(tmp_path / "file" / "queue.db")
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    with pytest.raises(QueueUnusable, match="link is a link to what does not exist"):
        QueueClient(tmp_path / "link" / "queue.db")


@pytest.mark.parametrize("verb", [JobAction.PAUSE, JobAction.CANCEL])
async def test_a_command_for_a_program_that_died_is_carried_out_by_who_takes_the_job_over(
    queues: Queues, verb: JobAction
) -> None:
    path = queues.database
    database = Database(path)
    dead = JobRepository(database, identity=GONE)
    [job] = dead.add([queues.wish()])
    dead.move([job.id], JobState.CONNECTING)
    dead.post(verb, [job.id], delete_part=True)
    database.close()
    queues.folder.mkdir()
    job.part.write_bytes(b"half")
    with QueueClient(path) as desk:
        assert only(desk.jobs()).state is JobState.QUEUED, "nobody is connecting"
    heir = queues.start()
    end = JobState.PAUSED if verb is JobAction.PAUSE else JobState.CANCELLED
    await until(lambda: heir.snapshot() and heir.snapshot()[0].state is end)
    await until(lambda: files(queues.folder) == ({job.part.name: 4} if verb is JobAction.PAUSE else {}))
    assert queues.server.gets == []


async def test_the_second_half_of_a_cancel_is_made_up_for(queues: Queues) -> None:
    database = Database(queues.database)
    dead = JobRepository(database, identity=GONE)
    [job] = dead.add([queues.wish()])
    dead.move([job.id], JobState.CANCELLED)
    dead.post(JobAction.CANCEL, [job.id], delete_part=True)
    database.close()
    queues.folder.mkdir()
    job.part.write_bytes(b"half")
    queues.start(Links(ValueError()))
    await until(lambda: files(queues.folder) == {})


async def test_a_program_that_leaves_hands_its_jobs_to_another_at_once(queues: Queues) -> None:
    queues.server.always = HALF
    one, two = queues.start(), queues.start()
    job = await one.add(queues.wish())
    paused = await one.add(queues.wish("paused"))
    await one.pause(paused.id)
    await until(lambda: two.snapshot() and two.snapshot()[0].bytes_done > len(DATA) // 4)
    one.stop(60)
    queues.server.always = Answer()
    await until(lambda: two.snapshot()[0].state is JobState.DONE)
    assert job.path.read_bytes() == DATA
    assert queues.server.sent < len(DATA) + (700 << 10)
    assert two.snapshot()[1].state is JobState.PAUSED
    assert not two.snapshot()[1].elsewhere


@pytest.mark.slow
async def test_ten_thousand_jobs_are_paused_in_another_program_in_one_go(queues: Queues) -> None:
    queues.server.always = Answer(before="stall")
    one = queues.start()
    await one.add_many([queues.wish(f"n{number}") for number in range(10_000)])
    two = queues.start()
    await until(lambda: len(two.snapshot()) == 10_000)
    await two.order(JobAction.PAUSE)
    await until(lambda: all(job.state is JobState.PAUSED for job in two.snapshot()))


async def test_a_cancelled_job_that_is_cleared_at_once_does_not_come_back(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = part_repository.delete_part

    def slowly(*wanted: Any) -> None:
        delete(*wanted)
        time.sleep(0.15)

    monkeypatch.setattr(part_repository, "delete_part", slowly)
    queues.server.always = SLOW
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    cancelling = asyncio.create_task(queue.cancel(job.id))
    await until(lambda: queue.snapshot()[0].state is JobState.CANCELLED)
    await until(lambda: not files(queues.folder))
    await queue.clear_finished()
    await cancelling
    assert queue.snapshot() == ()


@pytest.mark.parametrize("verb", [JobAction.PAUSE, JobAction.CANCEL])
async def test_a_command_that_meets_the_final_rename_comes_too_late_and_says_done(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, verb: JobAction
) -> None:
    renamed, told = threading.Event(), threading.Event()
    commit = PartFile.commit

    def slowly(part: PartFile, target: Path, *, overwrite: bool) -> None:
        commit(part, target, overwrite=overwrite)
        renamed.set()
        told.wait(0.15)

    monkeypatch.setattr(PartFile, "commit", slowly)
    queue, job = await queues.begin()
    await until(renamed.is_set)
    await (queue.pause(job.id) if verb is JobAction.PAUSE else queue.cancel(job.id))
    told.set()
    await until(lambda: only(queue.snapshot()).state is JobState.DONE)
    done = only(queue.snapshot())
    assert (done.bytes_done, done.path.read_bytes()) == (len(DATA), DATA)
    await asyncio.sleep(0.2)
    assert only(queue.snapshot()) == done
