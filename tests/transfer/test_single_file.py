"""One file through the engine: faults, resuming (also from what 0.1.0 left), parallel ranges, kills."""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import io
import os
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.errors import (
    FileConflict,
    MLHubException,
    RemoteChanged,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
    VerificationFailed,
)
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.errors import BeingPrepared, ConnectionLost, LinkRejected
from mlhub_tui.http.response import Response
from mlhub_tui.http.versions import Checksum, RemoteVersion
from mlhub_tui.options import IfExists
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.part_repository import PartRepository
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.transfer.config import (
    DownloadResult,
    DownloadSpec,
    TransferConfig,
    TransferContext,
    TransferProgress,
)
from mlhub_tui.transfer.engine import SharedLimits, TransferEngine
from mlhub_tui.transfer.parallel import AdaptiveConcurrency
from mlhub_tui.transfer.part_file import Extents, PartRecord, RestartRequired, merge
from mlhub_tui.transfer.resumption import validate_range
from mlhub_tui.transfer.single_file import fetch_file
from tests.queue.nest import Nest, end, is_gone
from tests.queue.support import content
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.support.waiting import until_sync

DATA = content(1 << 20)
HALF = len(DATA) // 2
LARGE = content(6 << 20, seed=3)
QUICK = TransferConfig(first_byte_timeout=30.0, low_speed_time=30.0, low_speed_limit=1, flush_interval=0.05)
IMPATIENT = replace(QUICK, first_byte_timeout=1.0, low_speed_time=0.5, low_speed_limit=3000)
"""For servers that say nothing: a busy machine may need a try more, so tries must not count."""
WIDE = replace(QUICK, parallel_threshold=1 << 20, min_segment=64 << 10, window=0.06)


class Transfers:
    """An engine with a journal on disk, and a folder."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "out"
        self.engine = TransferEngine()
        self.database = Database(home / "queue.db")
        self.journal = PartRepository(self.database, JobRepository(self.database))
        self.limits = SharedLimits()
        self.progress = TransferProgress()

    @property
    def target(self) -> Path:
        return self.folder / "file.tar.gz"

    @property
    def part(self) -> Path:
        return self.folder / "file.tar.gz.part"

    async def work(self, url: str, config: TransferConfig = QUICK, **given: object) -> DownloadResult:
        spec = replace(DownloadSpec(Link(url), self.target, archive=True), **given)  # type: ignore[arg-type]
        context = TransferContext(self.engine.client(), self.journal, config, self.limits)
        return await fetch_file(spec, context, self.progress)

    def fetch(self, url: str, config: TransferConfig = QUICK, **given: object) -> DownloadResult:
        self.progress = TransferProgress()
        return self.engine.submit(self.work(url, config, **given)).result()

    def persistently(self, url: str, config: TransferConfig = QUICK, tries: int = 6) -> DownloadResult:
        for _ in range(tries):
            try:
                return self.fetch(url, config)
            except (ServerUnreachable, ServerTimeout, ServerError):
                continue
        raise AssertionError("never came to an end")


@pytest.fixture
def transfers(tmp_path: Path) -> Iterator[Transfers]:
    made = Transfers(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(DATA) as made:
        yield made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [Answer(before="reset"), Answer(before="close")],
        [Answer(after=HALF)],
        [Answer(after=HALF, end="reset")],
        [Answer(after=HALF, end="stall")],
        [Answer(before="stall")],
        [Answer(chunked=True)],
        [Answer(chunked=True, after=HALF)],
        [Answer(after=HALF), Answer(whole=True)],
        [Answer(after=HALF), Answer(shift=7)],
        [Answer(after=HALF), Answer(short=90_000)],
        [Answer(after=HALF), Answer(status=412)],
        [Answer(after=HALF), Answer(status=501)],
        [Answer(after=HALF), Answer(status=404)],
        [Answer(after=HALF), Answer(status=422)],
        [Answer(after=HALF), Answer(status=508)],
        [Answer(status=206, headers={"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"})],
        [Answer(after=HALF), Answer(flip=HALF - 100)],
        [Answer(after=HALF), Answer(total=len(DATA) + 1)],
        [Answer(flip=HALF)],
        [Answer(extra=b"surplus")],
        [Answer(status=503), Answer(status=429), Answer(status=524)],
    ],
)
def test_whatever_the_server_does_the_file_is_whole_in_the_end(
    transfers: Transfers, server: FaultServer, answers: list[Answer]
) -> None:
    server.script.extend(answers)
    says_nothing = any("stall" in (answer.before, answer.end) for answer in answers)
    result = transfers.persistently(server.url, IMPATIENT if says_nothing else QUICK, tries=60)
    assert (result.size, result.fetched) == (len(DATA), True)
    assert transfers.target.read_bytes() == DATA
    assert names(transfers.folder) == ["file.tar.gz"]
    assert transfers.journal.load(transfers.part) is None


@pytest.mark.parametrize("status", [500, 502, 520, 524, 530])
def test_a_server_that_fails_at_each_range_is_asked_for_the_whole_file(
    transfers: Transfers, server: FaultServer, status: int
) -> None:
    server.script.append(Answer(after=HALF))
    server.plan = lambda request: Answer(status=status) if request.range else None
    transfers.persistently(server.url)
    assert transfers.target.read_bytes() == DATA
    assert [asked is None for asked in server.ranges] == [True, False, False, False, False, True]


def test_what_had_arrived_stays_where_a_server_fails_at_all_that_it_is_asked_for(
    transfers: Transfers, server: FaultServer
) -> None:
    server.script.append(Answer(after=HALF))
    server.always = Answer(status=500)
    with pytest.raises(AssertionError):
        transfers.persistently(server.url)
    server.always = Answer()
    transfers.fetch(server.url)
    assert transfers.progress.resumed_from == HALF
    assert transfers.target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answer(body=b'{"error": "expired"}'), UnexpectedAnswer, "JSON"),
        (Answer(body=b"<?xml version='1.0'?><Error/>"), UnexpectedAnswer, "XML"),
        (Answer(body=b"<html>log in</html>"), UnexpectedAnswer, "web page"),
        (Answer(body=b"busy, come back"), UnexpectedAnswer, "busy, come back"),
        (Answer(body=b""), UnexpectedAnswer, "empty answer"),
        (Answer(status=404), LinkRejected, "404"),
        (Answer(status=202, headers={"Retry-After": "7"}), BeingPrepared, "prepared"),
        (Answer(headers={"Content-Encoding": "gzip"}, body=b"no gzip at all"), UnexpectedAnswer, ""),
    ],
)
def test_what_is_not_the_archive_leaves_nothing_and_blocks_nothing(
    transfers: Transfers, server: FaultServer, answer: Answer, error: type[MLHubException], said: str
) -> None:
    server.md5 = False
    server.always = answer
    with pytest.raises(error) as caught:
        transfers.fetch(server.url)
    assert said in str(caught.value)
    assert names(transfers.folder) == []
    server.always = Answer()
    assert transfers.fetch(server.url).path.read_bytes() == DATA


def test_a_cut_archive_of_a_smaller_size_than_announced_is_refused_by_its_gzip_data(
    transfers: Transfers, server: FaultServer
) -> None:
    server.md5 = False
    server.always = Answer(body=DATA[:HALF])
    with pytest.raises(VerificationFailed, match="gzip"):
        transfers.fetch(server.url, size=len(DATA))
    assert not transfers.target.exists()


@pytest.mark.parametrize("chunked", [True, False])
def test_only_a_body_that_has_no_end_of_its_own_is_doubted_for_its_size(
    transfers: Transfers, server: FaultServer, chunked: bool
) -> None:
    server.etag = server.modified = None
    server.md5 = False
    server.always = Answer(body=DATA[:HALF], whole=True, chunked=chunked, unframed=not chunked)
    target = transfers.folder / "x.bin"
    if chunked:
        assert transfers.fetch(server.url, size=len(DATA), target=target, archive=False).size == HALF
    else:
        with pytest.raises(ConnectionLost, match="before the connection ended"):
            transfers.fetch(server.url, size=len(DATA), target=target, archive=False)


def test_a_whole_archive_of_a_smaller_size_than_announced_is_kept_with_a_note(
    transfers: Transfers, server: FaultServer
) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        made.addfile(tarfile.TarInfo("a"))
    server.content = gzip.compress(tar.getvalue())
    result = transfers.fetch(server.url, size=len(server.content) + 5000)
    assert "announces" in result.note
    assert transfers.target.read_bytes() == server.content


@pytest.mark.parametrize("sent", [gzip.compress(DATA, mtime=0), DATA])
def test_a_tar_gz_labelled_gzip_is_decoded_only_if_it_was_encoded_once_more(
    transfers: Transfers, server: FaultServer, sent: bytes
) -> None:
    server.md5 = False
    server.always = Answer(headers={"Content-Encoding": "gzip"}, body=sent)
    server.heads.append(server.always)
    transfers.fetch(server.url)
    assert transfers.target.read_bytes() == DATA
    assert not transfers.fetch(server.url).fetched
    transfers.target.write_bytes(DATA + b"more")
    server.heads.append(server.always)
    with pytest.raises(FileConflict):
        transfers.fetch(server.url)


def test_an_etag_that_only_looks_like_an_md5_is_noted_and_a_known_checksum_counts(
    transfers: Transfers, server: FaultServer
) -> None:
    server.md5 = False
    server.etag = f'"{"0" * 32}"'
    server.always = Answer(headers={"x-amz-request-id": "1"})
    assert "ETag" in transfers.fetch(server.url).note
    transfers.target.unlink()
    wrong = (Checksum("sha-256", "0" * 64),)
    with pytest.raises(VerificationFailed, match="SHA-256"):
        transfers.fetch(server.url, checksums=wrong)
    right = (Checksum("sha-256", hashlib.sha256(DATA).hexdigest()),)
    assert transfers.fetch(server.url, checksums=right).checksums == right


def test_another_version_is_never_mixed_with_what_is_there(transfers: Transfers, server: FaultServer) -> None:
    server.script.append(Answer(after=HALF))
    with pytest.raises(ServerUnreachable):
        transfers.fetch(server.url)
    server.content, server.etag = content(1 << 20, seed=9), '"v2"'
    assert transfers.fetch(server.url).path.read_bytes() == server.content


def test_a_file_that_keeps_changing_ends_with_its_reason(transfers: Transfers, server: FaultServer) -> None:
    server.md5 = False
    server.always = Answer(after=HALF)
    with pytest.raises(ServerUnreachable):
        transfers.fetch(server.url)
    server.always = Answer(status=206, headers={"Content-Range": "bytes 0-9/99999999"}, body=b"0123456789")
    with pytest.raises((RemoteChanged, UnexpectedAnswer)):
        transfers.fetch(server.url)
    assert not transfers.target.exists()


def test_a_file_that_is_there_is_compared_kept_or_replaced(transfers: Transfers, server: FaultServer) -> None:
    transfers.fetch(server.url)
    server.requests.clear()
    assert not transfers.fetch(server.url).fetched
    assert [request.method for request in server.requests] == ["HEAD"]
    transfers.target.write_bytes(DATA + b"more")
    with pytest.raises(FileConflict, match="larger"):
        transfers.fetch(server.url)
    assert not transfers.fetch(server.url, if_exists=IfExists.SKIP).fetched
    assert transfers.fetch(server.url, if_exists=IfExists.OVERWRITE).fetched
    transfers.target.write_bytes(DATA[:HALF])  # what curl or wget left
    server.requests.clear()
    assert transfers.fetch(server.url).path.read_bytes() == DATA
    assert server.gets[-1].range is not None
    assert server.gets[-1].range != f"bytes=0-{len(DATA) - 1}"


@pytest.mark.parametrize(
    ("there", "resumed"),
    [
        (DATA[:HALF], True),
        (DATA, True),
        (b"", False),
        (b"x" * HALF, False),
        (DATA[: HALF - 1] + b"x", False),
        (DATA + b"x", False),
    ],
    ids=["begun", "whole", "empty", "other", "other end", "longer"],
)
def test_a_part_that_nobody_recorded_is_gone_on_with_where_it_is_of_the_file(
    transfers: Transfers, server: FaultServer, there: bytes, resumed: bool
) -> None:
    transfers.folder.mkdir()
    transfers.part.write_bytes(there)
    assert transfers.fetch(server.url).path.read_bytes() == DATA
    assert names(transfers.folder) == ["file.tar.gz"]
    begun = server.gets[-1].range
    assert (begun is not None and not begun.startswith("bytes=0-")) is resumed
    asked = [request.range.removeprefix("bytes=").split("-") for request in server.gets if request.range]
    rests = [first for first, last in asked if int(first) > 0 and (not last or int(last) - int(first) > 2000)]
    assert bool(rests) is resumed, "the rest of another file is not even asked for"


@pytest.mark.parametrize("held", [b"", DATA[:HALF], b"another's"])
def test_what_a_link_in_the_place_of_the_part_leads_to_is_left_alone(
    transfers: Transfers, server: FaultServer, tmp_path: Path, held: bytes
) -> None:
    transfers.folder.mkdir()
    other = tmp_path / "other"
    other.write_bytes(held)
    transfers.part.symlink_to(other)
    assert transfers.fetch(server.url).path.read_bytes() == DATA
    assert not transfers.target.is_symlink()
    assert other.read_bytes() == held
    assert names(transfers.folder) == ["file.tar.gz"]


@pytest.mark.parametrize("same", [True, False])
def test_a_file_that_another_program_fetched_meanwhile_is_kept(
    transfers: Transfers, server: FaultServer, same: bool
) -> None:
    transfers.folder.mkdir()
    there = DATA if same else b"x" + DATA[1:]

    def appear(_: Request) -> None:
        transfers.target.write_bytes(there)

    server.plan = appear
    if same:
        assert not transfers.fetch(server.url).fetched
        assert names(transfers.folder) == ["file.tar.gz"]
    else:
        with pytest.raises(FileConflict, match="another file"):
            transfers.fetch(server.url)
    assert transfers.target.read_bytes() == there


@pytest.mark.parametrize(
    ("total", "content_range", "length", "etag", "why"),
    [
        (9, "bytes 4-6/9", 3, '"a"', ""),
        (9, "bytes 4-6/9", None, '"a"', ""),
        (9, "bytes 4-6/*", 3, '"a"', ""),
        (9, "bytes 3-6/9", 4, '"a"', "another range"),
        (9, "", 3, '"a"', "another range"),
        (9, "bytes */9", 3, '"a"', "another range"),
        (9, "bytes 4-6/9", 4, '"a"', "do not agree"),
        (9, "bytes 4-6/8", 3, '"a"', "its size changed"),
        (9, "bytes 4-6/9", 3, '"b"', "its ETag changed"),
    ],
)
def test_a_range_is_taken_where_it_is_the_one_of_the_version(
    total: int, content_range: str, length: int | None, etag: str, why: str
) -> None:
    version = RemoteVersion(total, '"a"')
    headers = {"content-range": content_range, "etag": etag}
    response = Response(206, "", headers, length, True)
    if why:
        with pytest.raises(RestartRequired, match=why):
            validate_range(response, version, 4)
    else:
        assert validate_range(response, version, 4) == 7
    assert version.range_headers(4, 6) == {"Range": "bytes=4-6", "If-Range": '"a"'}
    assert RemoteVersion(total, 'W/"a"').range_headers(4, 6) == {"Range": "bytes=4-6"}


def write_0_1_record(transfers: Transfers, url: str, synced: int, extents: str) -> None:
    """Write what version 0.1.0 wrote of a part: a row of the table `parts` of the queue's database."""
    status = transfers.part.stat()
    row = {
        "path": str(transfers.part),
        "runner": None,
        "generation": 3,
        "url": url,
        "total": len(DATA),
        "etag": '"v1"',
        "modified": "Thu, 26 Aug 2021 19:16:05 GMT",
        "digests": f"md5:{hashlib.md5(DATA).hexdigest()}",
        "inode": f"{status.st_dev}:{status.st_ino}",
        "synced": synced,
        "extents": extents,
    }
    marks = ", ".join("?" * len(row))
    with transfers.database.transaction() as db:
        db.execute(f"INSERT INTO parts ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@pytest.mark.parametrize("holes", [False, True])
def test_what_version_0_1_0_left_is_resumed(transfers: Transfers, server: FaultServer, holes: bool) -> None:
    transfers.folder.mkdir()
    quarter = len(DATA) // 4
    there = bytearray(len(DATA) + 1) if holes else bytearray(HALF)
    there[:quarter] = DATA[:quarter]
    if holes:
        there[HALF : HALF + quarter] = DATA[HALF : HALF + quarter]
    transfers.part.write_bytes(there)
    write_0_1_record(transfers, server.url, quarter, f"{HALF}-{HALF + quarter}" if holes else "")
    result = transfers.fetch(server.url)
    assert (result.path.read_bytes(), result.checksums) == (
        DATA,
        (Checksum("md5", hashlib.md5(DATA).hexdigest()),),
    )
    missing = len(DATA) - quarter * (2 if holes else 1)
    assert server.sent < missing + (256 << 10), "only what is missing, and the overlaps"


@pytest.mark.parametrize("extents", [((0, 100), (200, 300), (400, 500)), ((200, 300), (400, 500)), ((0, 9),)])
def test_all_stretches_of_a_part_are_recorded(transfers: Transfers, extents: Extents) -> None:
    record = transfers.journal.begin(transfers.part, PartRecord("https://h/x"))
    transfers.journal.advance(transfers.part, record.generation, extents)
    transfers.journal.flush()
    found = PartRepository(transfers.database, JobRepository(transfers.database)).load(transfers.part)
    assert found is not None
    assert merge(found.extents) == extents


def test_several_connections_bring_the_same_bytes(transfers: Transfers) -> None:
    with FaultServer(LARGE) as server:
        server.always = Answer(pace=0.01)
        assert transfers.fetch(server.url, WIDE).path.read_bytes() == LARGE
        assert server.most >= 2
        assert any("starts over" in words for _, words in transfers.progress.events) is False


def test_bytes_that_differ_between_connections_are_noticed(transfers: Transfers) -> None:
    other = bytearray(LARGE)
    other[100:] = content(6 << 20, seed=8)[100:]
    with FaultServer(LARGE) as server:
        server.md5 = False
        server.always = Answer(pace=0.01)
        asked: list[int | None] = []

        def by_range(first: int | None) -> bytes:
            asked.append(first)
            return LARGE if first is None or len(asked) > 8 else bytes(other)

        server.by_range = by_range
        assert transfers.fetch(server.url, WIDE).path.read_bytes() == LARGE


def test_cancelling_repeats_nothing(transfers: Transfers, server: FaultServer) -> None:
    server.always = Answer(after=HALF, end="stall")
    future = transfers.engine.submit(transfers.work(server.url))
    until_sync(lambda: transfers.progress.done > 300_000)
    transfers.engine.cancel(future)
    until_sync(future.done)
    record = transfers.journal.load(transfers.part)
    assert record is not None
    assert record.synced == transfers.part.stat().st_size > 300_000
    sent, server.always = server.sent, Answer()
    assert transfers.fetch(server.url).path.read_bytes() == DATA
    assert server.sent - sent <= len(DATA) - record.synced + (64 << 10)


def test_a_bandwidth_limit_holds_for_all_and_can_be_lifted(transfers: Transfers, server: FaultServer) -> None:
    transfers.limits.bandwidth.set_rate(50_000)
    future = transfers.engine.submit(transfers.work(server.url))
    until_sync(lambda: transfers.progress.done > 0)
    assert transfers.progress.done < len(DATA)
    transfers.limits.bandwidth.set_rate(None)
    assert future.result(60).path.read_bytes() == DATA
    assert len(server.gets) == 1


def fetch_alone(home: Path, url: str, wide: str) -> None:
    """Fetch the file in a program of its own."""
    Transfers(home).fetch(url, WIDE if wide == "wide" else QUICK)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("wide", "kills"),
    [("one", 2), ("wide", 2), pytest.param("wide", 50, marks=pytest.mark.slow)],
)
def test_killed_at_any_moment_the_file_is_whole_in_the_end(
    transfers: Transfers, tmp_path: Path, wide: str, kills: int
) -> None:
    with FaultServer(LARGE) as server, Nest() as nest:
        server.always = Answer(pace=0.02)
        for number in range(kills):
            program = nest.hatch(str(tmp_path), server.url, "", "--call", wide, f"{__name__}:fetch_alone")
            sent = server.sent + 200_000 + 37_000 * (number % 20)
            until_sync(functools.partial(_sent_or_ended, server, sent, program))
            end(program)
            if transfers.target.exists():
                assert transfers.target.read_bytes() == LARGE
                transfers.target.unlink()
        server.always = Answer()
        assert transfers.fetch(server.url, WIDE).path.read_bytes() == LARGE


def _sent_or_ended(server: FaultServer, sent: int, program: int) -> bool:
    return server.sent > sent or is_gone(program)


def test_two_writers_of_one_part_are_kept_apart(transfers: Transfers, server: FaultServer) -> None:
    server.always = Answer(piece=8192, pace=0.4)
    first = transfers.engine.submit(transfers.work(server.url))
    until_sync(lambda: transfers.progress.done > 0)
    with pytest.raises(MLHubException, match="is writing"):
        transfers.fetch(server.url)
    server.hurry()
    assert first.result(60).path.read_bytes() == DATA


def test_the_engine_runs_work_of_several_loops_and_cancels_it(
    transfers: Transfers, server: FaultServer
) -> None:
    server.always = Answer(piece=8192, pace=0.4)

    async def cancelled() -> None:
        task = asyncio.create_task(transfers.engine.run(transfers.work(server.url)))
        await asyncio.to_thread(until_sync, lambda: transfers.progress.done > 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    until_sync(lambda: transfers.journal.load(transfers.part) is not None)
    server.always = Answer()

    async def again() -> DownloadResult:
        return await transfers.engine.run(transfers.work(server.url))

    assert asyncio.run(again()).path.read_bytes() == DATA


def test_a_journal_that_cannot_be_used_leaves_nothing_behind(
    transfers: Transfers, server: FaultServer
) -> None:
    transfers.database.close()
    with pytest.raises(sqlite3.Error):
        transfers.fetch(server.url)
    assert names(transfers.folder) == []


def levels(rates: list[float]) -> list[int]:
    concurrency = AdaptiveConcurrency(8, 1.15)
    return [concurrency.add(rate * 1e6, rate * 1e6) for rate in rates]


def test_connections_grow_while_it_gets_faster_and_go_when_it_does_not() -> None:
    assert levels([10, 40, 80, 80]) == [8, 8, 8, 8]
    assert levels([10, 10, 10, 10, 10]) == [8, 8, 8, 8, 1], (
        "servers that limit send in bursts: it takes a while"
    )
    assert max(levels([10] * 40)[5:]) == 1, "and it is not tried again at once"
    assert levels([100, 100, 100, 100, 100]) == [2, 2, 2, 2, 1], (
        "four at once cost more where one fills the line"
    )
    halved = AdaptiveConcurrency(8, 1.15)
    halved.add(10e6, 10e6)
    assert [halved.refused(), halved.refused(), halved.add(90e6, 90e6)] == [4, 2, 2]
