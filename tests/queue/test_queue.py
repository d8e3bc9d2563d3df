"""The queue runs what is asked for, in order, and keeps its word whatever ends it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

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
from mlhub_tui.queue.database import QueueUnusable
from mlhub_tui.queue.job import Job, JobAction, JobState
from mlhub_tui.queue.service import QueueService
from mlhub_tui.transfer.part_file import PartFile
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import DATA
from .support import HALF, HASTY, QUICK, SLOW, Links, files, wish

Make: TypeAlias = Callable[..., QueueService]


async def ended(queue: QueueService, job: Job) -> Job:
    """Return the job when nothing more happens to it by itself."""
    async with asyncio.timeout(60):
        [job] = await queue.wait([job.id])
    return job


async def test_who_waits_for_a_job_may_give_up_and_is_told_of_the_end_of_the_queue(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = HALF
    queue = make_queue(Links(server.url))
    job = await queue.add(wish(folder))
    waiting = [asyncio.create_task(queue.wait([job.id])) for _ in range(2)]
    await until(lambda: server.open)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await asyncio.to_thread(queue.stop, 60)
    with pytest.raises(DownloadError, match="the download queue has ended"):
        await waiting[1]
    with pytest.raises(DownloadError, match="the download queue is not running"):
        await queue.pause(job.id)


async def test_a_job_arrives_whole(server: FaultServer, folder: Path, make_queue: Make) -> None:
    queue = make_queue(Links(server.url))
    job = await ended(queue, await queue.add(wish(folder)))
    assert (job.state, job.bytes_done, job.bytes_total) == (JobState.DONE, len(DATA), len(DATA))
    assert job.path.read_bytes() == DATA
    assert files(folder) == {"file.tar.gz": len(DATA)}
    assert job.sums == f"md5:{hashlib.md5(DATA).hexdigest()}"


async def test_an_ordinary_id_names_the_file_and_an_odd_one_stays_in_the_folder(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    queue = make_queue(Links(server.url))
    jobs = await queue.add_many([wish(folder, "bigearthnet_v1_labels"), wish(folder, "../../etc/x\x1b[1m")])
    await queue.wait([job.id for job in jobs])
    names = sorted(files(folder))
    assert "bigearthnet_v1_labels.tar.gz" in names
    assert len(names) == 2
    assert all("/" not in name and "\x1b" not in name for name in names)


async def test_progress_is_shown_while_it_runs(server: FaultServer, folder: Path, make_queue: Make) -> None:
    server.always = SLOW
    seen: list[Job] = []
    changes: list[float] = []

    def look() -> None:
        changes.append(time.monotonic())
        seen.extend(queue.snapshot())

    def partly() -> list[Job]:
        return [job for job in seen if job.state is JobState.DOWNLOADING and job.bytes_done]

    queue = make_queue(Links(server.url), on_change=look, look=0.5)
    job = await queue.add(wish(folder))
    await until(lambda: any(job.rate and job.rate > 1000 for job in partly()))
    server.hurry()
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


async def test_two_run_at_a_time_in_the_order_of_the_queue(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = SLOW
    links = Links(server.url)
    queue = make_queue(links)
    jobs = await queue.add_many([wish(folder, name) for name in "abcde"])
    await until(lambda: server.open == 2)
    await asyncio.sleep(0.3)
    assert (len(server.gets), set(links.asked)) == (2, {"a", "b"})
    server.hurry()
    assert {job.state for job in await queue.wait([job.id for job in jobs])} == {JobState.DONE}
    assert (sorted(links.asked[2:4]), links.asked[4:]) == (["c", "d"], ["e"])


async def test_a_moved_job_runs_earlier(server: FaultServer, folder: Path, make_queue: Make) -> None:
    server.always = SLOW
    links = Links(server.url)
    queue = make_queue(links, transfers=1)
    jobs = await queue.add_many([wish(folder, name) for name in "abcd"])
    await queue.move(jobs[3].id, -2)
    await queue.move(jobs[0].id, 1)
    await queue.move(jobs[2].id, -9)
    await queue.move(jobs[2].id, 0)
    server.hurry()
    assert [job.request.collection_id for job in queue.snapshot()] == list("cdab")
    await queue.wait([job.id for job in jobs])
    assert links.asked == list("acdb")


async def test_pause_keeps_the_part_and_resume_goes_on(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = HALF
    queue = make_queue(Links(server.url))
    job = await queue.add(wish(folder))
    await until(lambda: queue.snapshot()[0].bytes_done > len(DATA) // 3)
    await queue.pause(job.id)
    assert queue.snapshot()[0].state is JobState.PAUSED
    kept = files(folder)["file.tar.gz.part"]
    assert kept > len(DATA) // 3
    server.always = Answer()
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE
    assert job.path.read_bytes() == DATA
    assert server.sent < len(DATA) + (600 << 10)
    assert server.ranges[1] is not None


async def test_pause_interrupts_a_read_that_gets_nothing(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = Answer(before="stall")
    queue = make_queue(
        Links(server.url), config=replace(QUICK, first_byte_timeout=600.0, low_speed_time=600.0)
    )
    job = await queue.add(wish(folder))
    await until(lambda: server.requests)
    await queue.pause(job.id)
    await queue.resume(job.id)
    await until(lambda: len(server.requests) == 2)


async def test_a_paused_job_that_was_never_started_leaves_its_place(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    queue = make_queue(Links(server.url), transfers=1)
    for _ in range(5):
        job = await queue.add(wish(folder, "a"))
        await queue.pause(job.id)
    other = await queue.add(wish(folder, "b"))
    assert (await ended(queue, other)).state is JobState.DONE


async def test_pause_all_and_resume_all(server: FaultServer, folder: Path, make_queue: Make) -> None:
    server.always = SLOW
    queue = make_queue(Links(server.url))
    jobs = await queue.add_many([wish(folder, name) for name in "abcd"])
    await until(lambda: sum(job.state is JobState.DOWNLOADING for job in queue.snapshot()) == 2)
    await queue.order(JobAction.PAUSE)
    assert {job.state for job in queue.snapshot()} == {JobState.PAUSED}
    server.always = Answer()
    await queue.order(JobAction.RESUME)
    assert {job.state for job in await queue.wait([job.id for job in jobs])} == {JobState.DONE}


@pytest.mark.parametrize("delete", [True, False])
async def test_cancel_deletes_the_part_if_wanted(
    server: FaultServer, folder: Path, make_queue: Make, delete: bool
) -> None:
    server.always = SLOW
    queue = make_queue(Links(server.url))
    job = await queue.add(wish(folder))
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    await queue.cancel(job.id, delete_part=delete)
    assert queue.snapshot()[0].state is JobState.CANCELLED
    assert list(files(folder)) == ([] if delete else ["file.tar.gz.part"])
    await queue.clear_finished()
    assert queue.snapshot() == ()


async def test_the_same_target_is_not_queued_twice(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = SLOW
    queue = make_queue(Links(server.url))
    first = await queue.add(wish(folder))
    second = await queue.add(wish(folder))
    assert first.id == second.id
    server.hurry()
    await ended(queue, first)
    again = await queue.add(wish(folder))
    assert again.id == first.id
    done = await ended(queue, again)
    assert (done.state, done.reason, len(server.gets)) == (JobState.DONE, "already there", 1)


async def test_what_may_pass_is_tried_until_it_does_with_the_next_try_shown(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = Answer(status=503)
    patient = replace(HASTY, tries=None, base=0.1, cap=0.1)
    queue = make_queue(Links(server.url), retries=patient)
    before = time.time()
    job = await queue.add(wish(folder))
    [waiting] = await until(lambda: [job for job in queue.snapshot() if job.state is JobState.RETRYING])
    server.always = Answer()
    assert "503" in waiting.reason
    assert waiting.next_try is not None
    assert before <= waiting.next_try <= time.time() + 0.1
    done = await ended(queue, job)
    assert (done.state, done.reason, done.tries, done.next_try) == (JobState.DONE, "", 0, None)


async def test_retry_does_not_wait(server: FaultServer, folder: Path, make_queue: Make) -> None:
    server.script.append(Answer(status=503, headers={"Retry-After": "1000"}))
    queue = make_queue(Links(server.url), retries=replace(HASTY, longest_wait=1000.0))
    job = await queue.add(wish(folder))
    await until(lambda: queue.snapshot()[0].state is JobState.RETRYING)
    await queue.retry(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_a_wait_for_the_next_try_holds_no_place(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.script.append(Answer(status=503, headers={"Retry-After": "1000"}))
    queue = make_queue(Links(server.url), transfers=1, retries=replace(HASTY, longest_wait=1000.0))
    first, second = await queue.add_many([wish(folder, "a"), wish(folder, "b")])
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
    folder: Path, make_queue: Make, error: Exception, state: JobState
) -> None:
    queue = make_queue(Links(error))
    job = await ended(queue, await queue.add(wish(folder)))
    assert job.state is state
    assert job.reason
    assert "secret" not in job.reason
    assert not folder.exists()


async def test_a_job_that_needs_a_key_goes_on_when_there_is_one(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    links = Links(AuthenticationError("wrong key"), server.url)
    queue = make_queue(links)
    job = await ended(queue, await queue.add(wish(folder)))
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_one_failing_job_does_not_stop_the_others(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    def answer(request: object) -> str:
        name = getattr(request, "collection_id", "")
        return server.url if name in "aceg" else "http://127.0.0.1:9/nothing"

    queue = make_queue(Links(answer), transfers=8)
    jobs = await queue.add_many([wish(folder, name) for name in "abcdefgh"])
    ends = await queue.wait([job.id for job in jobs])
    assert [job.state for job in ends] == [JobState.DONE, JobState.FAILED] * 4


async def test_too_little_room_holds_the_job_before_a_byte_is_written(
    server: FaultServer, folder: Path, make_queue: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "free_space", lambda _: 1000)
    queue = make_queue(Links(server.url))
    job = await ended(queue, await queue.add(wish(folder)))
    assert job.state is JobState.NO_SPACE
    assert "1.0 kB left" in job.reason
    assert files(folder) == {}
    monkeypatch.undo()
    await queue.resume(job.id)
    assert (await ended(queue, job)).state is JobState.DONE


async def test_room_that_another_transfer_will_need_is_not_promised_twice(
    server: FaultServer, folder: Path, make_queue: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always = SLOW
    monkeypatch.setattr(folders, "free_space", lambda _: int(len(DATA) * 1.5))
    queue = make_queue(Links(server.url))
    first, second = await queue.add_many([wish(folder, "a"), wish(folder, "b")])
    await until(lambda: any(job.state is JobState.NO_SPACE for job in queue.snapshot()))
    server.hurry()
    ends = await queue.wait([first.id, second.id])
    assert sorted(job.state for job in ends) == [JobState.DONE, JobState.NO_SPACE]


async def test_an_output_folder_that_is_a_file_fails_with_its_name(
    server: FaultServer, tmp_path: Path, make_queue: Make
) -> None:
    (tmp_path / "file").write_text("")
    queue = make_queue(Links(server.url))
    job = await ended(queue, await queue.add(wish(tmp_path / "file")))
    assert job.state is JobState.FAILED
    assert "is a file, not a folder" in job.reason
    assert queue.snapshot() == (job,)


async def test_a_target_that_became_a_folder_is_said(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    (folder / "file.tar.gz").mkdir(parents=True)
    queue = make_queue(Links(server.url))
    job = await ended(queue, await queue.add(wish(folder, if_exists=IfExists.OVERWRITE)))
    assert (job.state, "is a folder" in job.reason) == (JobState.FAILED, True)


async def test_the_home_folder_is_expanded(
    server: FaultServer, tmp_path: Path, make_queue: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    queue = make_queue(Links(server.url))
    job = await ended(queue, await queue.add(wish(Path("~/data"))))
    assert job.path == tmp_path / "data" / "file.tar.gz"
    assert job.path.read_bytes() == DATA


@pytest.mark.slow
async def test_stop_does_not_wait_for_the_transfers_and_loses_nothing(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = Answer(piece=1 << 18, pace=2.0)
    queue = make_queue(Links(server.url), transfers=8)
    await queue.add_many([wish(folder, name) for name in "abcdefghij"])
    # Four come at once from one host.
    await until(lambda: sum(job.bytes_done > 200_000 for job in queue.snapshot()) >= 4)
    queue.stop()
    assert any(not (folder / f"{name}.tar.gz").exists() for name in "abcdefghij"), "it did not wait"
    server.hurry()
    await until(lambda: server.open == 0)
    sent, server.sent = server.sent, 0
    on_disk = sum(files(folder).values())
    server.always = Answer()
    queue = make_queue(Links(server.url))
    await until(lambda: [job.state for job in queue.snapshot()] == [JobState.DONE] * 10)
    assert all((folder / f"{name}.tar.gz").read_bytes() == DATA for name in "abcdefghij")
    assert sent >= on_disk
    assert server.sent <= 10 * len(DATA) - on_disk + 8 * (64 << 10)


async def test_what_is_paused_stays_paused_over_a_restart(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    queue = make_queue(Links(server.url), transfers=1)
    server.always = SLOW
    _, second = await queue.add_many([wish(folder, "a"), wish(folder, "b")])
    await queue.pause(second.id)
    queue.stop(60)
    server.hurry()
    queue = make_queue(Links(server.url))
    await until(lambda: len(queue.snapshot()) == 2 and queue.snapshot()[0].state is JobState.DONE)
    assert queue.snapshot()[1].state is JobState.PAUSED


async def test_a_second_program_sees_a_running_job_and_does_not_run_it_too(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = SLOW
    one = make_queue(Links(server.url))
    job = await one.add(wish(folder))
    await until(lambda: one.snapshot()[0].bytes_done > 0)
    two = make_queue(Links(server.url), only_own=True)
    seen = await two.add(wish(folder))
    assert (seen.id, seen.elsewhere) == (job.id, True)
    server.hurry()
    assert (await ended(one, job)).state is JobState.DONE
    await until(lambda: two.snapshot()[0].state is JobState.DONE)
    assert len(server.gets) == 1


async def test_a_command_runs_what_it_added_and_leaves_the_rest_of_the_queue(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    app = make_queue(Links(server.url), transfers=0)
    await app.add(wish(folder, "waiting"))
    app.stop(60)
    command = make_queue(Links(server.url), only_own=True)
    job = await command.add(wish(folder, "mine"))
    assert (await ended(command, job)).state is JobState.DONE
    assert files(folder) == {"mine.tar.gz": len(DATA)}
    assert {job.name: job.state for job in command.snapshot()}["waiting.tar.gz"] is JobState.QUEUED


async def test_a_target_that_a_program_without_the_same_queue_writes_is_busy(
    server: FaultServer, folder: Path, make_queue: Make, mlhub_home: Path
) -> None:
    server.always = SLOW
    folder.mkdir()
    queue = make_queue(Links(server.url))
    server.hurry()
    with PartFile(folder / "file.tar.gz.part"):
        job = await ended(queue, await queue.add(wish(folder)))
    assert job.state is JobState.FAILED
    assert "another program is writing" in job.reason


async def test_a_finished_file_that_is_gone_is_fetched_again_by_a_retry(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    queue = make_queue(Links(server.url))
    job = await ended(queue, await queue.add(wish(folder)))
    for fetched in (1, 2, 2):
        assert (job.state, job.path.read_bytes()) == (JobState.DONE, server.content)
        assert len(server.gets) == fetched
        if fetched == 1:
            job.path.unlink()
        await queue.retry(job.id)
        job = await ended(queue, job)


async def test_nothing_of_a_key_reaches_the_database(
    server: FaultServer, folder: Path, make_queue: Make, mlhub_home: Path
) -> None:
    class Secret:
        async def link(self, request: object) -> Link:
            credentials = OriginCredentials(server.url, lambda: "SECRET-PASSWORD", Auth(Scheme.BEARER))
            return Link(f"{server.url}?sig=SECRET-SIGNATURE&key=SECRET-KEY", {}, credentials)

        async def info(self, request: object) -> None:
            return None

    server.script.extend([Answer(after=1000), *(Answer(status=each) for each in (403, 403, 400, 400))])
    queue = make_queue(Secret())
    job = await ended(queue, await queue.add(wish(folder)))
    assert job.state is JobState.FAILED
    kept = b"".join(path.read_bytes() for path in mlhub_home.glob("queue.db*"))
    assert b"127.0.0.1" in kept
    assert b"SECRET" not in kept
    assert "SECRET" not in job.reason + job.hint
    assert {request.target.partition("?")[2] for request in server.gets} == {
        "sig=SECRET-SIGNATURE&key=SECRET-KEY"
    }


async def test_a_queue_that_cannot_be_opened_says_why_to_who_asks(
    folder: Path, make_queue: Make, mlhub_home: Path
) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "queue.db").write_bytes(b"garbage" * 1000)
    queue = make_queue(Links("http://127.0.0.1:9/"))
    for _ in range(2):
        with pytest.raises(QueueUnusable, match="download queue"):
            await queue.add(wish(folder))
    assert "not a database" in queue.notice
    assert "MLHUB_HOME" in queue.notice
    assert queue.snapshot() == ()


async def test_a_locked_queue_is_waited_for(
    server: FaultServer, folder: Path, make_queue: Make, mlhub_home: Path
) -> None:
    import sqlite3

    server.always = SLOW
    queue = make_queue(Links(server.url))
    job = await queue.add(wish(folder))
    other = sqlite3.connect(mlhub_home / "queue.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(queue.add(wish(folder, "other")))
    await asyncio.sleep(0.15)
    assert not adding.done()
    other.execute("ROLLBACK")
    other.close()
    server.hurry()
    assert (await ended(queue, await adding)).state is JobState.DONE
    assert (await ended(queue, job)).state is JobState.DONE


async def test_ten_thousand_jobs_are_looked_at_in_no_time(folder: Path, make_queue: Make) -> None:
    queue = make_queue(Links("http://127.0.0.1:9/"), transfers=0)
    jobs = await queue.add_many([wish(folder, str(number)) for number in range(10_000)])
    times = []
    for job in jobs[5000:5010]:
        await queue.pause(job.id)
        start = time.thread_time()
        snapshot = queue.snapshot()
        times.append(time.thread_time() - start)
        assert (len(snapshot), snapshot[job.position - 1].state) == (10_000, JobState.PAUSED)
    assert min(times) < 0.05, "in seconds of CPU"


async def test_commands_to_what_is_not_there_do_nothing(folder: Path, make_queue: Make) -> None:
    queue = make_queue(Links("http://127.0.0.1:9/"))
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


async def test_waiting_for_a_job_ends_with_the_queue(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    server.always = Answer(before="stall")
    queue = make_queue(Links(server.url))
    job = await queue.add(wish(folder))
    waiting = asyncio.create_task(queue.wait([job.id]))
    await until(lambda: server.requests)
    await asyncio.to_thread(queue.stop, 60)
    with pytest.raises(DownloadError):
        await waiting


async def test_a_queue_starts_again_after_it_was_stopped(
    server: FaultServer, folder: Path, make_queue: Make
) -> None:
    queue = make_queue(Links(server.url))
    await ended(queue, await queue.add(wish(folder, "a")))
    queue.stop(60)
    queue.start()
    assert (await ended(queue, await queue.add(wish(folder, "b")))).state is JobState.DONE
