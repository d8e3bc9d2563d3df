"""The queue runs what is asked for, in order, and keeps its word whatever ends it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui import fileio as folders
from mlhub_tui.auth import Auth, Scheme
from mlhub_tui.errors import (
    APIKeyNotFound,
    AuthenticationError,
    DownloadError,
    EntityDoesNotExist,
    ServerUnreachable,
)
from mlhub_tui.http.credentials import Link, OriginCredentials
from mlhub_tui.options import IfExists
from mlhub_tui.planning.requests import DownloadRequest
from mlhub_tui.queue.database import QueueUnusable
from mlhub_tui.queue.job import Job, JobAction, JobState
from mlhub_tui.queue.service import QueueService
from mlhub_tui.transfer.part_file import PartFile
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import DATA, Queues, ended
from .support import HALF, HASTY, QUICK, SLOW, Links, files, wish


async def test_who_waits_for_a_job_may_give_up_and_is_told_of_the_end_of_the_queue(queues: Queues) -> None:
    queues.server.always = HALF
    queue, job = await queues.begin()
    waiting = [asyncio.create_task(queue.wait([job.id])) for _ in range(2)]
    await until(lambda: queues.server.open)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await asyncio.to_thread(queue.stop, 60)
    with pytest.raises(DownloadError, match="the download queue has ended"):
        await waiting[1]
    with pytest.raises(DownloadError, match="the download queue is not running"):
        await queue.pause(job.id)


async def test_a_job_arrives_whole(queues: Queues) -> None:
    _, job = await queues.fetch()
    assert (job.state, job.bytes_done, job.bytes_total) == (JobState.DONE, len(DATA), len(DATA))
    assert job.path.read_bytes() == DATA
    assert files(queues.folder) == {"file.tar.gz": len(DATA)}
    assert job.sums == f"md5:{hashlib.md5(DATA).hexdigest()}"


async def test_an_ordinary_id_names_the_file_and_an_odd_one_stays_in_the_folder(queues: Queues) -> None:
    queue = queues.start()
    jobs = await queue.add_many([queues.wish("bigearthnet_v1_labels"), queues.wish("../../etc/x\x1b[1m")])
    await queue.wait([job.id for job in jobs])
    names = sorted(files(queues.folder))
    assert "bigearthnet_v1_labels.tar.gz" in names
    assert len(names) == 2
    assert all("/" not in name and "\x1b" not in name for name in names)


async def test_progress_is_shown_while_it_runs(queues: Queues) -> None:
    queues.server.always = SLOW
    seen: list[Job] = []
    changes: list[float] = []

    def look() -> None:
        changes.append(time.monotonic())
        seen.extend(queue.snapshot())

    def partly() -> list[Job]:
        return [job for job in seen if job.state is JobState.DOWNLOADING and job.bytes_done]

    queue, job = await queues.begin(on_change=look, look=0.5)
    await until(lambda: any(job.rate and job.rate > 1000 for job in partly()))
    queues.server.hurry()
    await ended(queue, job)
    states = list(
        dict.fromkeys(job.state for job in seen if job.state is not JobState.STALLED)
    )  # on a busy machine
    order = [
        JobState.QUEUED,
        JobState.CONNECTING,
        JobState.PREPARING,
        JobState.DOWNLOADING,
        JobState.VERIFYING,
        JobState.DONE,
    ]
    assert states == [state for state in order if state in states]
    assert len(DATA) in {job.bytes_total for job in partly()} <= {None, len(DATA)}
    assert len(changes) < 20 + 4 * (changes[-1] - changes[0])


async def test_two_run_at_a_time_in_the_order_of_the_queue(queues: Queues) -> None:
    queues.server.always = SLOW
    links = Links(queues.server.url)
    queue = queues.start(links)
    jobs = await queue.add_many([queues.wish(name) for name in "abcde"])
    await until(lambda: queues.server.open == 2)
    await asyncio.sleep(0.3)
    assert (len(queues.server.gets), set(links.asked)) == (2, {"a", "b"})
    queues.server.hurry()
    assert {job.state for job in await queue.wait([job.id for job in jobs])} == {JobState.DONE}
    assert (sorted(links.asked[2:4]), links.asked[4:]) == (["c", "d"], ["e"])


async def test_a_moved_job_runs_earlier(queues: Queues) -> None:
    queues.server.always = SLOW
    links = Links(queues.server.url)
    queue = queues.start(links, transfers=1)
    jobs = await queue.add_many([queues.wish(name) for name in "abcd"])
    await queue.move(jobs[3].id, -2)
    await queue.move(jobs[0].id, 1)
    await queue.move(jobs[2].id, -9)
    await queue.move(jobs[2].id, 0)
    queues.server.hurry()
    assert [job.request.collection_id for job in queue.snapshot()] == list("cdab")
    await queue.wait([job.id for job in jobs])
    assert links.asked == list("acdb")


async def test_pause_keeps_the_part_and_resume_goes_on(queues: Queues) -> None:
    queues.server.always = HALF
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].bytes_done > len(DATA) // 3)
    await queue.pause(job.id)
    assert queue.snapshot()[0].state is JobState.PAUSED
    kept = files(queues.folder)["file.tar.gz.part"]
    assert kept > len(DATA) // 3
    queues.server.always = Answer()
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE
    assert job.path.read_bytes() == DATA
    assert queues.server.sent < len(DATA) + (600 << 10)
    assert queues.server.ranges[1] is not None


async def test_pause_interrupts_a_read_that_gets_nothing(queues: Queues) -> None:
    queues.server.always = Answer(before="stall")
    queue = queues.start(
        Links(queues.server.url), config=replace(QUICK, first_byte_timeout=600.0, low_speed_time=600.0)
    )
    job = await queue.add(queues.wish())
    await until(lambda: queues.server.requests)
    await queue.pause(job.id)
    await queue.resume(job.id)
    await until(lambda: len(queues.server.requests) == 2)


async def test_a_paused_job_that_was_never_started_leaves_its_place(queues: Queues) -> None:
    queue = queues.start(transfers=1)
    for _ in range(5):
        job = await queue.add(queues.wish("a"))
        await queue.pause(job.id)
    other = await queue.add(queues.wish("b"))
    assert (await ended(queue, other)).state is JobState.DONE


async def test_pause_all_and_resume_all(queues: Queues) -> None:
    queues.server.always = SLOW
    queue = queues.start()
    jobs = await queue.add_many([queues.wish(name) for name in "abcd"])
    await until(lambda: sum(job.state is JobState.DOWNLOADING for job in queue.snapshot()) == 2)
    await queue.order(JobAction.PAUSE)
    assert {job.state for job in queue.snapshot()} == {JobState.PAUSED}
    queues.server.always = Answer()
    await queue.order(JobAction.RESUME)
    assert {job.state for job in await queue.wait([job.id for job in jobs])} == {JobState.DONE}


@pytest.mark.parametrize("delete", [True, False])
async def test_cancel_deletes_the_part_if_wanted(queues: Queues, delete: bool) -> None:
    queues.server.always = SLOW
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    await queue.cancel(job.id, delete_part=delete)
    assert queue.snapshot()[0].state is JobState.CANCELLED
    assert list(files(queues.folder)) == ([] if delete else ["file.tar.gz.part"])
    await queue.clear_finished()
    assert queue.snapshot() == ()


async def test_the_same_target_is_not_queued_twice(queues: Queues) -> None:
    queues.server.always = SLOW
    queue = queues.start()
    first = await queue.add(queues.wish())
    second = await queue.add(queues.wish())
    assert first.id == second.id
    queues.server.hurry()
    await ended(queue, first)
    again = await queue.add(queues.wish())
    assert again.id == first.id
    done = await ended(queue, again)
    assert (done.state, done.reason, len(queues.server.gets)) == (JobState.DONE, "already there", 1)


async def test_what_may_pass_is_tried_until_it_does_with_the_next_try_shown(queues: Queues) -> None:
    queues.server.always = Answer(status=503)
    patient = replace(HASTY, tries=None, base=0.1, cap=0.1)
    queue = queues.start(retries=patient)
    before = time.time()
    job = await queue.add(queues.wish())
    [waiting] = await until(lambda: [job for job in queue.snapshot() if job.state is JobState.RETRYING])
    queues.server.always = Answer()
    assert "503" in waiting.reason
    assert waiting.next_try is not None
    assert before <= waiting.next_try <= time.time() + 0.1
    done = await ended(queue, job)
    assert (done.state, done.reason, done.tries, done.next_try) == (JobState.DONE, "", 0, None)


async def test_retry_does_not_wait(queues: Queues) -> None:
    queues.server.script.append(Answer(status=503, headers={"Retry-After": "1000"}))
    queue, job = await queues.begin(retries=replace(HASTY, longest_wait=1000.0))
    await until(lambda: queue.snapshot()[0].state is JobState.RETRYING)
    await queue.retry(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_a_wait_for_the_next_try_holds_no_place(queues: Queues) -> None:
    queues.server.script.append(Answer(status=503, headers={"Retry-After": "1000"}))
    queue = queues.start(transfers=1, retries=replace(HASTY, longest_wait=1000.0))
    first, second = await queue.add_many([queues.wish("a"), queues.wish("b")])
    assert (await ended(queue, second)).state is JobState.DONE
    assert queue.snapshot()[0].state is JobState.RETRYING
    await queue.cancel(first.id)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (APIKeyNotFound("no key"), JobState.NEEDS_KEY),
        (AuthenticationError("wrong key", status=401), JobState.NEEDS_KEY),
        (EntityDoesNotExist("no such archive", status=404), JobState.FAILED),
        (ServerUnreachable("no network"), JobState.FAILED),
        (ValueError("a bug with https://u:secret@x/?key=secret in it"), JobState.FAILED),
    ],
)
async def test_what_the_api_says_becomes_state_and_reason(
    queues: Queues, error: Exception, state: JobState
) -> None:
    _, job = await queues.fetch(Links(error))
    assert job.state is state
    assert job.reason
    assert "secret" not in job.reason
    assert not queues.folder.exists()


async def test_a_job_that_needs_a_key_goes_on_when_there_is_one(queues: Queues) -> None:
    links = Links(AuthenticationError("wrong key"), queues.server.url)
    queue, job = await queues.fetch(links)
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_one_failing_job_does_not_stop_the_others(queues: Queues) -> None:
    def answer(request: object) -> str:
        name = getattr(request, "collection_id", "")
        return queues.server.url if name in "aceg" else "http://127.0.0.1:9/nothing"

    queue = queues.start(Links(answer), transfers=8)
    jobs = await queue.add_many([queues.wish(name) for name in "abcdefgh"])
    ends = await queue.wait([job.id for job in jobs])
    assert [job.state for job in ends] == [JobState.DONE, JobState.FAILED] * 4


async def test_too_little_room_holds_the_job_before_a_byte_is_written(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "free_space", lambda _: 1000)
    queue, job = await queues.fetch()
    assert job.state is JobState.NO_SPACE
    assert "1.0 kB left" in job.reason
    assert files(queues.folder) == {}
    monkeypatch.undo()
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_room_that_another_transfer_will_need_is_not_promised_twice(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.server.always = SLOW
    monkeypatch.setattr(folders, "free_space", lambda _: int(len(DATA) * 1.5))
    queue = queues.start()
    first, second = await queue.add_many([queues.wish("a"), queues.wish("b")])
    await until(lambda: any(job.state is JobState.NO_SPACE for job in queue.snapshot()))
    queues.server.hurry()
    ends = await queue.wait([first.id, second.id])
    assert sorted(job.state for job in ends) == [JobState.DONE, JobState.NO_SPACE]


async def test_an_output_folder_that_is_a_file_fails_with_its_name(queues: Queues, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    queue = queues.start()
    job = await ended(queue, await queue.add(wish(tmp_path / "file")))
    assert job.state is JobState.FAILED
    assert "is a file, not a folder" in job.reason
    assert queue.snapshot() == (job,)


async def test_a_target_that_became_a_folder_is_said(queues: Queues) -> None:
    (queues.folder / "file.tar.gz").mkdir(parents=True)
    queue = queues.start()
    job = await ended(queue, await queue.add(queues.wish(if_exists=IfExists.OVERWRITE)))
    assert (job.state, "is a folder" in job.reason) == (JobState.FAILED, True)


async def test_the_home_folder_is_expanded(
    queues: Queues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    queue = queues.start()
    job = await ended(queue, await queue.add(wish(Path("~/data"))))
    assert job.path == tmp_path / "data" / "file.tar.gz"
    assert job.path.read_bytes() == DATA


@pytest.mark.slow
async def test_stop_does_not_wait_for_the_transfers_and_loses_nothing(queues: Queues) -> None:
    queues.server.always = Answer(piece=1 << 18, pace=2.0)
    queue = queues.start(transfers=8)
    await queue.add_many([queues.wish(name) for name in "abcdefghij"])
    # Four come at once from one host.
    await until(lambda: sum(job.bytes_done > 200_000 for job in queue.snapshot()) >= 4)
    queue.stop()
    assert any(not (queues.folder / f"{name}.tar.gz").exists() for name in "abcdefghij"), "it did not wait"
    queues.server.hurry()
    await until(lambda: queues.server.open == 0)
    sent, queues.server.sent = queues.server.sent, 0
    on_disk = sum(files(queues.folder).values())
    queues.server.always = Answer()
    queue = queues.start()
    await until(lambda: [job.state for job in queue.snapshot()] == [JobState.DONE] * 10)
    assert all((queues.folder / f"{name}.tar.gz").read_bytes() == DATA for name in "abcdefghij")
    assert sent >= on_disk
    assert queues.server.sent <= 10 * len(DATA) - on_disk + 8 * (64 << 10)


async def test_what_is_paused_stays_paused_over_a_restart(queues: Queues) -> None:
    queue = queues.start(transfers=1)
    queues.server.always = SLOW
    _, second = await queue.add_many([queues.wish("a"), queues.wish("b")])
    await queue.pause(second.id)
    queue.stop(60)
    queues.server.hurry()
    queue = queues.start()
    await until(lambda: len(queue.snapshot()) == 2 and queue.snapshot()[0].state is JobState.DONE)
    assert queue.snapshot()[1].state is JobState.PAUSED


async def test_a_second_program_sees_a_running_job_and_does_not_run_it_too(queues: Queues) -> None:
    queues.server.always = SLOW
    one = queues.start()
    job = await one.add(queues.wish())
    await until(lambda: one.snapshot()[0].bytes_done > 0)
    two = queues.start(only_own=True)
    seen = await two.add(queues.wish())
    assert (seen.id, seen.elsewhere) == (job.id, True)
    queues.server.hurry()
    assert (await ended(one, job)).state is JobState.DONE
    await until(lambda: two.snapshot()[0].state is JobState.DONE)
    assert len(queues.server.gets) == 1


async def test_a_command_runs_what_it_added_and_leaves_the_rest_of_the_queue(queues: Queues) -> None:
    app = queues.start(transfers=0)
    await app.add(queues.wish("waiting"))
    app.stop(60)
    command = queues.start(only_own=True)
    job = await command.add(queues.wish("mine"))
    assert (await ended(command, job)).state is JobState.DONE
    assert files(queues.folder) == {"mine.tar.gz": len(DATA)}
    assert {job.name: job.state for job in command.snapshot()}["waiting.tar.gz"] is JobState.QUEUED


async def test_a_target_that_a_program_without_the_same_queue_writes_is_busy(queues: Queues) -> None:
    queues.server.always = SLOW
    queues.folder.mkdir()
    queue = queues.start()
    queues.server.hurry()
    with PartFile(queues.folder / "file.tar.gz.part"):
        job = await ended(queue, await queue.add(queues.wish()))
    assert job.state is JobState.FAILED
    assert "another program is writing" in job.reason


async def test_a_finished_file_that_is_gone_is_fetched_again_by_a_retry(queues: Queues) -> None:
    queue, job = await queues.fetch()
    for fetched in (1, 2, 2):
        assert (job.state, job.path.read_bytes()) == (JobState.DONE, queues.server.content)
        assert len(queues.server.gets) == fetched
        if fetched == 1:
            job.path.unlink()
        await queue.retry(job.id)
        job = await ended(queue, job)


async def test_nothing_of_a_key_reaches_the_database(queues: Queues, mlhub_home: Path) -> None:
    class Secret(Links):
        async def link(self, request: DownloadRequest) -> Link:
            credentials = OriginCredentials(queues.server.url, lambda: "SECRET-PASSWORD", Auth(Scheme.BEARER))
            return Link(f"{queues.server.url}?sig=SECRET-SIGNATURE&key=SECRET-KEY", {}, credentials)

    queues.server.script.extend([Answer(after=1000), *(Answer(status=each) for each in (403, 403, 400, 400))])
    _, job = await queues.fetch(Secret(""))
    assert job.state is JobState.FAILED
    kept = b"".join(path.read_bytes() for path in mlhub_home.glob("queue.db*"))
    assert b"127.0.0.1" in kept
    assert b"SECRET" not in kept
    assert "SECRET" not in job.reason + job.hint
    assert {request.target.partition("?")[2] for request in queues.server.gets} == {
        "sig=SECRET-SIGNATURE&key=SECRET-KEY"
    }


async def test_a_queue_that_cannot_be_opened_says_why_to_who_asks(queues: Queues, mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (queues.database).write_bytes(b"garbage" * 1000)
    queue = queues.start(Links("http://127.0.0.1:9/"))
    for _ in range(2):
        with pytest.raises(QueueUnusable, match="download queue"):
            await queue.add(queues.wish())
    assert "not a database" in queue.notice
    assert "MLHUB_HOME" in queue.notice
    assert queue.snapshot() == ()


async def test_a_locked_queue_is_waited_for(queues: Queues) -> None:
    import sqlite3

    queues.server.always = SLOW
    queue, job = await queues.begin()
    other = sqlite3.connect(queues.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(queue.add(queues.wish("other")))
    await asyncio.sleep(0.15)
    assert not adding.done()
    other.execute("ROLLBACK")
    other.close()
    queues.server.hurry()
    assert (await ended(queue, await adding)).state is JobState.DONE
    assert (await ended(queue, job)).state is JobState.DONE


async def test_ten_thousand_jobs_are_looked_at_in_no_time(queues: Queues) -> None:
    queue = queues.start(Links("http://127.0.0.1:9/"), transfers=0)
    jobs = await queue.add_many([queues.wish(str(number)) for number in range(10_000)])
    times = []
    for job in jobs[5000:5010]:
        await queue.pause(job.id)
        start = time.thread_time()
        snapshot = queue.snapshot()
        times.append(time.thread_time() - start)
        assert (len(snapshot), snapshot[job.position - 1].state) == (10_000, JobState.PAUSED)
    assert min(times) < 0.05, "in seconds of CPU"


async def test_commands_to_what_is_not_there_do_nothing(queues: Queues) -> None:
    queue = queues.start(Links("http://127.0.0.1:9/"))
    await queue.pause(77)
    await queue.resume(77)
    await queue.retry(77)
    await queue.cancel(77)
    await queue.move(77, 1)
    assert queue.snapshot() == ()


async def test_a_queue_that_does_not_run_says_so(tmp_path: Path) -> None:
    queue = QueueService(tmp_path / "queue.db", Links(""))
    with pytest.raises(DownloadError, match="not running"):
        await queue.add(wish(tmp_path))
    queue.stop(60)


async def test_a_queue_starts_again_after_it_was_stopped(queues: Queues) -> None:
    queue = queues.start()
    await ended(queue, await queue.add(queues.wish("a")))
    queue.stop(60)
    queue.start()
    assert (await ended(queue, await queue.add(queues.wish("b")))).state is JobState.DONE
