"""The small parts of the queue at their edges: words of the log, places, speed, disks, what is stored."""

from __future__ import annotations

import errno
import os
import platform
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui import fileio, preview_cache
from mlhub_tui.errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    RequestRefused,
    ServerError,
    UnexpectedAnswer,
)
from mlhub_tui.http.credentials import Link, OriginCredentials
from mlhub_tui.http.errors import QUEUE_RETRIES, BeingPrepared, LinkRejected
from mlhub_tui.models import Asset, Item
from mlhub_tui.options import IfExists
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.requests import ArchiveRequest, AssetRequest, DatasetRequest
from mlhub_tui.planning.resolver import refusal
from mlhub_tui.queue import runner as process
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.database import Database, QueueUnusable, unusable
from mlhub_tui.queue.job import Job, JobAction, JobState
from mlhub_tui.queue.job_rows import with_own_name
from mlhub_tui.queue.repository import JobRepository, safe
from mlhub_tui.queue.run_job import judge, missing_words
from mlhub_tui.queue.runner import Process

from .support import wish

HERE = Path("/out")
ASSET = AssetRequest("http://a/", None, "fields", HERE, "fields/one/B01.tif", "one", "B01", "http://a/x.tif")
DATASET = DatasetRequest("http://a/", None, "crops", HERE, Filters(), "2020-01-01 x")


def job(number: int, state: JobState = JobState.QUEUED, source: str = "http://a/", **fields: Any) -> Job:
    request = fields.pop("request", None) or ArchiveRequest(source, None, f"n{number}", HERE)
    return Job(number, request, request.name, state, fields.pop("position", number), **fields)


def test_a_new_job_counts_nothing(tmp_path: Path) -> None:
    [made] = JobRepository(Database(tmp_path / "queue.db")).add([wish(tmp_path)])
    assert made == Job(1, wish(tmp_path), "file.tar.gz", JobState.QUEUED, 1)
    assert (made.bytes_done, made.tries, made.connections, made.files_done, made.files_failed) == (0,) * 5
    assert not made.elsewhere


def test_speed_is_shown_of_what_another_program_downloads_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    one, two = JobRepository(Database(path)), JobRepository(Database(path))
    [made] = one.add([wish(tmp_path)])
    for state in (JobState.CONNECTING, JobState.DOWNLOADING, JobState.VERIFYING):
        one.move([made.id], state)
        one.save([replace(made, state=state, rate=5.0, eta=7.0, connections=3)])
        [seen], [own] = two.load(), one.load()
        shown = (5.0, 7.0, 3) if state is JobState.DOWNLOADING else (None, None, 0)
        assert (seen.rate, seen.eta, seen.connections) == shown
        assert (own.rate, own.eta, own.connections, own.elsewhere) == (None, None, 0, False)
        assert seen.where == f"in the app, pid {os.getpid()}"


def test_a_finished_job_that_is_queued_again_begins_at_nothing_at_the_end(tmp_path: Path) -> None:
    store = JobRepository(Database(tmp_path / "queue.db"))
    made, _ = store.add([wish(tmp_path), wish(tmp_path, "other")])
    store.move([made.id], JobState.CONNECTING)
    counted: dict[str, Any] = {
        "bytes_done": 5,
        "files_done": 2,
        "files_failed": 1,
        "files_total": 3,
        "sums": "md5:00",
    }
    store.move([made.id], JobState.DONE, reason="r", hint="h", **counted)
    [again] = store.add([wish(tmp_path)])
    assert again == replace(made, position=3)


def test_more_jobs_than_one_statement_takes_are_found_in_their_order(tmp_path: Path) -> None:
    store = JobRepository(Database(tmp_path / "queue.db"))
    made = store.add([wish(tmp_path, f"n{number}") for number in range(1001)])
    assert [one.position for one in made] == list(range(1, 1002))


@pytest.mark.parametrize(
    ("kind", "host", "words"),
    [
        ("app", None, "in the app, pid 7"),
        ("background", None, "in the background, pid 7"),
        ("visitor", "elsewhere.test", "elsewhere, pid 7 on elsewhere.test"),
        ("of a later version", None, "elsewhere, pid 7"),
    ],
)
def test_where_a_program_runs_is_said_in_words(kind: str, host: str | None, words: str) -> None:
    assert process.place(Process(7, host or platform.node(), ""), kind) == words


@pytest.mark.parametrize(
    ("other", "silent", "alive"),
    [
        ({}, 1e6, True),
        ({"token": "another boot:1"}, 0, False),
        ({"token": ""}, process.STALE - 1, True),
        ({"token": ""}, process.STALE, False),
        ({"pid": 1, "host": "another host"}, process.STALE - 1, True),
        ({"pid": 1, "host": "another host"}, process.STALE, False),
    ],
    ids=["suspended", "its pid was reused", "unknown", "unknown and silent", "far", "far and silent"],
)
def test_a_program_is_gone_that_the_system_does_not_know_or_that_was_silent_for_too_long(
    other: dict[str, Any], silent: float, alive: bool
) -> None:
    assert process.alive(replace(process.this_process(), **other), silent) is alive


@pytest.mark.parametrize(
    ("error", "name", "said", "hint"),
    [
        (sqlite3.OperationalError("database is locked"), "", "database is locked", "close the program"),
        (sqlite3.OperationalError("full"), "SQLITE_FULL", "full", "free space on its disk"),
        (sqlite3.OperationalError("x"), "SQLITE_IOERR_LOCK", "x", "no locks: use a local disk"),
        (sqlite3.OperationalError("x"), "SQLITE_PROTOCOL", "x", "no locks: use a local disk"),
        (sqlite3.OperationalError("x"), "SQLITE_CANTOPEN", "x", "check the permissions"),
        (sqlite3.DatabaseError("malformed"), "", "the file is damaged (malformed)", "restore a backup"),
    ],
)
def test_what_to_do_about_a_queue_depends_on_what_is_wrong(
    tmp_path: Path, error: sqlite3.Error, name: str, said: str, hint: str
) -> None:
    if name:
        error.sqlite_errorname = name
    told = unusable(tmp_path / "queue.db", error)
    assert told.message == f"cannot open the download queue {tmp_path / 'queue.db'}: {said}"
    assert hint in told.hint
    assert told.hint.endswith("set MLHUB_HOME to another folder")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("queue.db", b"", "the file is empty"),
        ("queue.db", b"SQLite format 2\0", "damaged or not a database"),
        ("queue.db-wal", b"x", "the file is missing, but its journal .*queue.db-wal is there"),
        ("queue.db-journal", b"x", "the file is missing, but its journal"),
        ("queue.db-shm", b"x", ""),
        ("queue.db-wal", b"", ""),
    ],
)
def test_a_queue_that_lost_a_file_is_left_as_it_is(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)
    if not why:
        Database(tmp_path / "queue.db").close()
        return
    with pytest.raises(QueueUnusable, match=why) as caught:
        Database(tmp_path / "queue.db", in_memory=True)
    assert f"rename {name} to start an empty queue" in caught.value.hint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: content}


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("GET https://h/a?x=1 failed", "GET https://h/a?… failed"),
        ("what? x=1", "what? x=1"),
        ("Basic abcdefgh", "Basic …"),
        ("basic rules", "basic rules"),
        ("my_token: abc, next", "my_token: …, next"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_the_log_keeps_words_and_drops_keys(words: str, kept: str) -> None:
    assert safe(words) == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("fields/one/B01.tif", "fields/one/B01-X.tif"),
        ("B01", "B01-X"),
        ("a.b/B01", "a.b/B01-X"),
        (".hidden", ".hidden-X"),
    ],
)
def test_an_asset_that_finds_its_name_taken_gets_one_of_its_own(name: str, kept: str) -> None:
    made, again = (
        with_own_name(replace(ASSET, name=name)),
        with_own_name(replace(ASSET, name=name, href="http://other/")),
    )
    assert made.name == again.name == kept.replace("X", "3f639e7f")
    assert with_own_name(replace(ASSET, item_id="two")).name != with_own_name(ASSET).name


@pytest.mark.parametrize(
    ("status", "request_", "url", "signed", "kind", "words"),
    [
        (
            404,
            wish(HERE),
            "http://h/x",
            False,
            EntityDoesNotExist,
            'archive of collection "file" does not exist',
        ),
        (410, ASSET, "http://h/x", False, EntityDoesNotExist, 'file of asset "B01" of item "one" does not'),
        (
            404,
            replace(ASSET, item_id=""),
            "http://h/x",
            False,
            EntityDoesNotExist,
            'of collection "fields" does',
        ),
        (403, ASSET, "s3://usgs-landsat/x", False, AccessDenied, "pay"),
        (401, ASSET, "http://h/x", True, AuthenticationError, "no"),
        (401, ASSET, "http://h/x", False, LinkRejected, "no"),
        (403, ASSET, "http://h/x", True, LinkRejected, "no"),
    ],
)
def test_a_link_that_is_refused_twice_says_what_that_means(
    status: int, request_: Any, url: str, signed: bool, kind: type[Exception], words: str
) -> None:
    link = Link(url, credentials=OriginCredentials(url, lambda: "k") if signed else None)
    error = refusal(LinkRejected("no", status=status), missing_words(request_), link)
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize("delete", [True, False])
def test_what_a_client_cancels_that_nobody_runs_keeps_the_files_of_datasets(
    tmp_path: Path, delete: bool
) -> None:
    path = tmp_path / "queue.db"
    dataset = replace(DATASET, folder=tmp_path)
    gone = JobRepository(Database(path), identity=Process(2**22 + 1, platform.node(), "boot:1"))
    made = gone.add([wish(tmp_path), dataset, replace(dataset, dataset_id="none")])
    gone.save([replace(made[0], bytes_done=5), replace(made[1], bytes_done=5, files_done=2)])
    with QueueClient(path) as client:
        client.order(JobAction.CANCEL, delete_part=delete)
        left = [(job.state, job.bytes_done, job.reason) for job in client.jobs()]
    kept = f"2 files are saved in {tmp_path / 'crops'}" if delete else ""
    assert left == [
        (JobState.CANCELLED, 0 if delete else 5, ""),
        (JobState.CANCELLED, 5, kept),
        (JobState.CANCELLED, 0, ""),
    ]


def test_cancelling_what_never_began_writes_nothing_for_each(tmp_path: Path) -> None:
    path, commits = tmp_path / "queue.db", []
    with QueueClient(path) as client, closing(sqlite3.connect(path)) as other:
        for count in (2, 40):
            client.add([wish(tmp_path, f"c{count}-{number}") for number in range(count)])
            before = path.with_name("queue.db-wal").stat().st_size
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert before
            client.order(JobAction.CANCEL, delete_part=True)
            frames = path.with_name("queue.db-wal").read_bytes()[32:]
            page = other.execute("PRAGMA page_size").fetchone()[0] + 24
            # The second number of a frame's head is not 0 in the last frame of a transaction.
            commits.append(sum(frames[at + 4 : at + 8] != bytes(4) for at in range(0, len(frames), page)))
            assert {job.state for job in client.jobs()} == {JobState.CANCELLED}
    assert commits[0] == commits[1]


def _sqlite(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "failures", "state", "words", "delay"),
    [
        (AuthenticationError("no"), 1, JobState.NEEDS_KEY, "no", None),
        (OSError(errno.ENOSPC, "full"), 1, JobState.NO_SPACE, "no space left", None),
        (OSError(errno.EACCES, "denied"), 1, JobState.FAILED, "n1.tar.gz: denied", None),
        (sqlite3.OperationalError("locked"), 1, JobState.RETRYING, "queue cannot be written: locked", 1.0),
        (_sqlite("SQLITE_FULL"), 1, JobState.NO_SPACE, "queue cannot be written: SQLITE_FULL", None),
        (ZeroDivisionError("x?key=abc"), 1, JobState.FAILED, "failed: ZeroDivisionError: x?key=…", None),
        (RequestRefused("no"), 1, JobState.FAILED, "no", None),
        (ServerError("no"), 2, JobState.RETRYING, "no", 2.0),
        (ServerError("no"), 3, JobState.FAILED, "no", None),
        (ServerError("no", retry_after=4.0), 1, JobState.RETRYING, "no", 5.0),
        (ServerError("no", retry_after=86401.0), 1, JobState.FAILED, "no", None),
        (BeingPrepared("no", retry_after=86401.0), 1, JobState.FAILED, "no", None),
        *((ServerError("no", status=status), 1, JobState.FAILED, "no", None) for status in (501, 505, 508)),
        (UnexpectedAnswer("no", status=511), 1, JobState.FAILED, "no", None),
        (LinkRejected("no"), 2, JobState.FAILED, "no", None),
        (UnexpectedAnswer("no"), 1, JobState.RETRYING, "no", 1.0),
        (BeingPrepared("wait", retry_after=4.0), 9, JobState.RETRYING, "wait", 5.0),
        (BeingPrepared("wait"), 2, JobState.RETRYING, "wait", 2.0),
    ],
)
def test_an_error_takes_a_job_where_it_belongs(
    error: Exception, failures: int, state: JobState, words: str, delay: float | None
) -> None:
    retries = replace(QUEUE_RETRIES, tries=3, doubtful_tries=2, random=lambda: 1.0)
    found = judge(error, failures, retries, job(1).path)
    assert (found.action, found.delay) == (state, delay)
    assert words in found.reason


def test_an_image_is_fresh_for_a_day() -> None:
    document = Item({"id": "one", "collection": "c"}, url="http://h/one.json")
    asset = Asset("B01", "http://h/x.png?sig=1")
    where = preview_cache.place("http://h/", document, asset)
    other = Asset("B01", "http://h/x.png?sig=2")
    assert where == preview_cache.place("http://h/", document, other)
    assert len(where.name) == 24
    preview_cache.make(where)
    assert preview_cache.found(where) is None
    (where / "x.png.part").write_bytes(b"x")
    assert preview_cache.found(where) is None
    (where / "x.png").write_bytes(b"x")
    assert preview_cache.found(where) == where / "x.png"
    os.utime(where, (time.time() - preview_cache.FRESH - 1,) * 2)
    assert preview_cache.found(where) is None


def test_a_disk_is_that_of_the_nearest_folder_that_there_is(tmp_path: Path) -> None:
    assert fileio.device(tmp_path / "a" / "b") == tmp_path.stat().st_dev
    left = fileio.free_space(tmp_path / "a")
    assert left is not None
    assert left > 0
    fileio.check_free_space(tmp_path, 1)


def test_a_job_knows_where_its_bytes_are() -> None:
    one, dataset = job(1), job(2, request=DATASET)
    assert (one.part, one.disk, one.place) == (HERE / "n1.tar.gz.part", HERE, str(HERE / "n1.tar.gz"))
    assert (dataset.part, dataset.place) == (HERE / "crops.tar.gz.part", str(HERE / "crops"))
    apart_ = job(3, request=replace(DATASET, assets=Path("/big"), url="s3://b/out"))
    assert (apart_.disk, apart_.place) == (Path("/big"), "s3://b/out/crops")
    assert apart_.request.asset_place == "s3://b/out/crops"  # type: ignore[union-attr]  # it is a dataset's
    assert DATASET.asset_folder == HERE / "crops"
    with pytest.raises(ValueError, match="must be resume, skip or overwrite, not 'often'"):
        IfExists("often")


def test_waiting_for_a_file_that_is_being_prepared_is_no_failure(tmp_path: Path) -> None:
    bounded = replace(QUEUE_RETRIES, tries=2)

    def becomes(error: Exception) -> list[JobState]:
        return [judge(error, failures, bounded, tmp_path).action for failures in (1, 2, 9)]

    assert becomes(BeingPrepared("x", retry_after=5.0)) == [JobState.RETRYING] * 3
    assert becomes(BeingPrepared("x")) == [JobState.RETRYING, JobState.FAILED, JobState.FAILED]
    assert becomes(ServerError("x", retry_after=5.0)) == [JobState.RETRYING, JobState.FAILED, JobState.FAILED]
