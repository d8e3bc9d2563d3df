"""Each job has a log: what happened to it, without keys, bounded, kept with the queue for every program."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import ServerError
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.representation import raise_for_response
from mlhub_tui.http.response import Response
from mlhub_tui.http.versions import Checksum
from mlhub_tui.planning.requests import DownloadRequest
from mlhub_tui.queue.active_transfer import failure_message, progress_fields, success_message
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.queue.repository import FIRST, LAST, LONGEST, JobRepository, safe
from mlhub_tui.queue.run_job import Failure
from mlhub_tui.queue.service import QueueService
from mlhub_tui.transfer.config import DownloadResult, TransferProgress
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import DATA, Queues, ended
from .support import SLOW, WIDE, Links, content, wish
from .test_store import GONE

SECRET = "s3cr3t-Zq81"


async def log(queue: QueueService, job: Job) -> list[str]:
    """Return the words of a log, of which the last entries are written a moment later."""
    return [event.words for event in await queue.log(job.id)]


@pytest.mark.parametrize(
    ("fetched", "seconds", "words"),
    [
        (10_000_000, 20.0, "10.0 MB, in 20 s, 500.0 kB/s on average"),
        (4_000_000, 9.5, "10.0 MB, 4.0 MB of them in 10 s, 421.1 kB/s on average"),
        (10_000_000, 0.5, "10.0 MB, in 0.5 s, 20.0 MB/s on average"),
        (10_000_000, 0.0, "10.0 MB, in 0.1 s, 10.0 GB/s on average"),
        (0, 3.0, "10.0 MB, 0 B of them in 3.0 s"),
        (None, 5.0, "10.0 MB"),
    ],
)
def test_a_good_end_says_what_came_in_what_time(
    tmp_path: Path, fetched: int | None, seconds: float, words: str
) -> None:
    done = DownloadResult(tmp_path, 10_000_000, fetched=True)
    assert success_message(done, fetched, seconds) == f"done: {words}"
    sums = (Checksum("md5", "0"), Checksum("sha-1", "0"), Checksum("md5", "1"))
    verified = replace(done, checksums=sums, note="a note")
    assert success_message(verified, fetched, seconds) == f"done: {words}; verified with md5, sha-1; a note"
    assert success_message(replace(done, fetched=False), None, seconds) == "done: already there"
    assert success_message(replace(done, fetched=False, note="a note"), None, seconds) == "done: a note"


@pytest.mark.parametrize(
    ("delay", "after", "failures", "words"),
    [
        (None, None, 3, "failed: why"),
        (None, 30.0, 3, "failed: why with Retry-After 30 s"),
        (2.0, None, 1, "why; next try in 2.0 s"),
        (60.0, 90.0, 2, "why with Retry-After 1 min 30 s; next try in 1 min, 2 tries without progress"),
    ],
)
def test_a_failure_says_why_and_when_the_next_try_is(
    delay: float | None, after: float | None, failures: int, words: str
) -> None:
    failure = Failure(JobState.FAILED, "why", "", delay=delay)
    assert failure_message(ServerError("x", retry_after=after), failure, failures) == words


def test_what_a_transfer_does_not_know_yet_stays_as_it_was(tmp_path: Path) -> None:
    job = Job(1, wish(tmp_path), "x", JobState.DOWNLOADING, 0, bytes_done=5, bytes_total=9)
    progress = TransferProgress()
    assert progress_fields(progress, job) == {"bytes_done": 5, "bytes_total": 9}
    progress.done, progress.total = 6, 8
    assert progress_fields(progress, job) == {"bytes_done": 6, "bytes_total": 8}
    progress.total, progress.files_total, progress.files_done = None, 3, 2
    counts = {"files_done": 2, "files_failed": 0, "files_total": 3}
    assert progress_fields(progress, job) == {"bytes_done": 6, "bytes_total": None, **counts}


async def test_a_log_says_from_where_and_how_fast_it_came(queues: Queues) -> None:
    queue, job = await queues.fetch()
    words = await log(queue, job)
    assert words[0] == "queued"
    assert re.fullmatch(r"starts in the app, pid \d+", words[1])
    assert re.fullmatch(r"begins: 1\.0 MB, from 127\.0\.0\.1:\d+", words[2])
    assert re.fullmatch(r"done: 1\.0 MB, in \d\.\d s, .*/s on average.*", words[-1])
    events = await queue.log(job.id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert await queue.log(job.id, after=events[-2].number) == events[-1:]


async def test_a_log_tells_refusals_retries_and_where_it_went_on(queues: Queues) -> None:
    queues.server.script.extend(
        [Answer(status=503, headers={"Retry-After": "1"}), Answer(after=len(DATA) // 2)]
    )
    queue, job = await queues.fetch()
    assert job.state is JobState.DONE
    words = "\n".join(await log(queue, job))
    assert re.search(r"returned 503 .*with Retry-After 1 s; next try in \d", words)
    assert re.search(r"resumes at byte \d{3},\d{3}: \d+\.\d kB of 1\.0 MB are there, from 127", words)
    assert re.search(r"done: 1\.0 MB, \d+\.\d kB of them in", words)


async def test_a_log_tells_that_a_link_was_renewed(queues: Queues) -> None:
    queues.server.script.append(Answer(status=403))
    queue = queues.start()
    words = await log(queue, await ended(queue, await queue.add(queues.wish())))
    assert any("returned 403 Said for file.tar.gz: requests a new link" in line for line in words)
    assert "the link was renewed" in words


async def test_a_log_tells_what_verification_found(queues: Queues) -> None:
    wrong = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    queues.server.script.append(Answer(headers=wrong))
    queue, job = await queues.fetch()
    words = await log(queue, job)
    assert any(line.startswith("verification failed:") for line in words)


async def test_a_log_counts_connections(queues: Queues) -> None:
    queues.server.content, queues.server.always = content(6 << 20), Answer(pace=0.03)
    queue, job = await queues.fetch(config=WIDE)
    assert job.state is JobState.DONE
    assert any(re.fullmatch(r"\d+ connections?", line) for line in await log(queue, job))


async def test_what_people_ask_for_is_in_the_log(queues: Queues) -> None:
    queues.server.always = SLOW
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    await queue.pause(job.id)
    await queue.resume(job.id)
    await until(lambda: queue.snapshot()[0].state is JobState.DOWNLOADING)
    await queue.cancel(job.id)
    await queue.retry(job.id)
    words = [line for line in await log(queue, job) if line in _ASKED]
    assert words == ["queued", "paused", "resumed", "cancelled", "queued again"]


_ASKED = {"queued", "paused", "resumed", "cancelled", "queued again"}


async def test_the_end_of_a_program_is_in_the_log_and_other_programs_read_it(queues: Queues) -> None:
    queues.server.always = SLOW
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    await asyncio.to_thread(queue.stop, 60)
    with QueueClient(queues.database) as desk:
        words = [event.words for event in desk.repository.log_of(job.id)]
    assert re.fullmatch(r"interrupted: its program ended, .* are saved", words[-1])


async def test_no_key_of_a_link_or_of_an_answer_is_in_the_file(queues: Queues, mlhub_home: Path) -> None:
    signed = f"{queues.server.url}?X-Amz-Signature={SECRET}&key={SECRET}&x={SECRET}"
    queues.server.script.extend(
        [
            Answer(status=503, headers={"Retry-After": "0"}),
            Answer(status=302, headers={"Location": signed}),
            Answer(status=500),
        ]
    )

    class Headed(Links):
        async def link(self, request: DownloadRequest) -> Link:
            return replace(await super().link(request), headers={"Authorization": f"Bearer {SECRET}"})

    queue, job = await queues.fetch(Headed(signed))
    assert len(await log(queue, job)) > 4
    await asyncio.to_thread(queue.stop, 60)
    for path in mlhub_home.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "words",
    [
        f"https://user:{SECRET}@h.test/x",
        f"GET https://h.test/a?plain={SECRET}&b=1 failed",
        f"Authorization: Bearer {SECRET}",
        f"api_key={SECRET}",
        f"key: '{SECRET}'",
        f"x-amz-security-token={SECRET}",
        f"'https://h.test/a?sig={SECRET}'",
    ],
)
def test_secrets_are_cut_out_of_words(words: str) -> None:
    assert SECRET not in safe(words)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        (b"Slow Down", "Slow Down"),
        (f"no such key {SECRET}".encode(), "Service Unavailable"),
        (b"abcdefghijklmnopqrstuvwxyz", "Service Unavailable"),
        (b"a" * 59 + b"1", "Service Unavailable"),
        (b"", "Service Unavailable"),
    ],
)
def test_a_server_cannot_have_a_key_logged_as_its_reason(phrase: bytes, expected: str) -> None:
    url = f"https://h.test/x?key={SECRET}"
    response = Response(503, phrase.decode(), {}, None, keep_alive=False, requested=url)
    with pytest.raises(ServerError) as caught:
        raise_for_response(response, "x")
    assert str(caught.value) == f"h.test returned 503 {expected} for x"


@given(st.text(max_size=600))
def test_an_entry_is_one_short_clean_line(words: str) -> None:
    kept = safe(words)
    assert len(kept) <= LONGEST
    assert kept.isprintable() or not any(c in kept for c in "\n\r\x1b\x9b\u202e")


def test_of_a_long_log_beginning_and_end_are_kept_and_the_gap_shows(tmp_path: Path) -> None:
    store = JobRepository(Database(tmp_path / "queue.db"))
    [job] = store.add([wish(tmp_path)])
    for number in range(2, 2001):
        store.log(job.id, f"event {number}")
        if number % 7 == 0:
            store.save(())
    store.save(())
    numbers = [event.number for event in store.log_of(job.id)]
    assert numbers[:FIRST] == list(range(1, FIRST + 1))
    assert numbers[-LAST:] == list(range(2001 - LAST, 2001))
    assert len(numbers) <= FIRST + LAST


def test_what_cannot_be_written_now_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    store = JobRepository(Database(path))
    [job] = store.add([wish(tmp_path)])
    store.log(job.id, "while it was locked")
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        store.save(())
    other.rollback()
    other.close()
    store.save(())
    assert [event.words for event in store.log_of(job.id)] == ["queued", "while it was locked"]


def test_a_job_that_is_cleared_takes_its_log_along(tmp_path: Path) -> None:
    store = JobRepository(Database(tmp_path / "queue.db"))
    first, other = store.add([wish(tmp_path), wish(tmp_path, "other")])
    store.move([first.id], JobState.CANCELLED)
    store.remove_finished()
    store.log(first.id, "a late word")
    store.save(())
    assert store.log_of(first.id) == []
    assert [event.words for event in store.log_of(other.id)] == ["queued"]


def test_the_successor_of_a_program_that_was_killed_says_so(tmp_path: Path) -> None:
    dead = JobRepository(Database(tmp_path / "queue.db"), identity=GONE)
    [job] = dead.add([wish(tmp_path)])
    dead.move([job.id], JobState.CONNECTING, "starts somewhere")
    heir = JobRepository(Database(tmp_path / "queue.db"))
    heir.adopt()
    assert [event.words for event in heir.log_of(job.id)] == [
        "queued",
        "starts somewhere",
        "taken over: the program that ran it is gone",
    ]


def test_ten_thousand_jobs_are_queued_with_their_logs_in_no_time(tmp_path: Path) -> None:
    store = JobRepository(Database(tmp_path / "queue.db"))
    jobs = store.add([wish(tmp_path, f"n{number}") for number in range(10_000)])
    assert [event.words for event in store.log_of(jobs[-1].id)] == ["queued"]
    store.tidy()
    assert store.log_of(jobs[0].id)
