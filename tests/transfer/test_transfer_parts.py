"""The parts of transfers at their edges: extents, checksums as text, a host's share, verdicts on errors."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from mlhub_tui.errors import OutputFolderError, ServerError, VerificationFailed
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.limits import HostLimits
from mlhub_tui.http.versions import Checksum, HashingSink, new_hash, verifiable
from mlhub_tui.output import OutputTree
from mlhub_tui.planning.assets import multihash, unverified
from mlhub_tui.queue.part_repository import (
    digests_from_text,
    digests_to_text,
    extents_from_text,
    extents_to_text,
)
from mlhub_tui.transfer.config import DownloadSpec
from mlhub_tui.transfer.part_file import (
    Extents,
    PartFile,
    SegmentTable,
    StreamingHasher,
    covered,
    gaps,
    merge,
    prefix,
)
from mlhub_tui.transfer.work_source import BatchStats, FileResult


@pytest.mark.parametrize(
    ("stretches", "merged", "missing", "bytes_", "start"),
    [
        ([], (), ((0, 10),), 0, 0),
        ([(0, 10)], ((0, 10),), (), 10, 10),
        ([(5, 7), (0, 3)], ((0, 3), (5, 7)), ((3, 5), (7, 10)), 5, 3),
        ([(1, 4), (4, 6)], ((1, 6),), ((0, 1), (6, 10)), 5, 0),
        ([(1, 6), (2, 3)], ((1, 6),), ((0, 1), (6, 10)), 5, 0),
        ([(1, 1), (3, 2)], (), ((0, 10),), 0, 0),
        ([(1, 3), (4, 5)], ((1, 3), (4, 5)), ((0, 1), (3, 4), (5, 10)), 3, 0),
    ],
)
def test_stretches_of_a_file_add_up(
    stretches: list[tuple[int, int]], merged: Extents, missing: Extents, bytes_: int, start: int
) -> None:
    found = merge(stretches)
    assert found == merged == extents_from_text(extents_to_text(merged))
    assert (gaps(found, 10), covered(found), prefix(found)) == (missing, bytes_, start)


def test_checksums_are_kept_as_text() -> None:
    known = (Checksum("md5", "00"), Checksum("md5", "11", guessed=True), Checksum("sha-256", "22"))
    assert digests_to_text(known) == "md5:00 md5?:11 sha-256:22"
    assert digests_from_text("md5:00 md5?:11 sha-256:22 blake3:33 crc64nvme?:44") == known


def test_what_can_be_computed_is_compared_and_a_guess_is_only_noted() -> None:
    data = memoryview(b"123456789")
    guess, sure = Checksum("md5", "00", guessed=True), Checksum("crc32", "cbf43926")
    castagnoli = Checksum("crc32c", "e3069283")  # RFC 3720, B.4, has others; this one is of nine digits
    assert verifiable([guess, sure, castagnoli, sure]) == (sure, guess)
    assert verifiable([guess, castagnoli]) == (castagnoli, guess)
    collected = bytearray()

    class Sink:
        def write(self, view: memoryview, /) -> None:
            collected.extend(view)

    def note(*known: Checksum) -> str:
        sink = HashingSink(known, Sink())
        sink.write(data[:4])
        sink.write(data[4:])
        return sink.verify()

    assert note(guess, sure) == "its ETag or catalog suggests another MD5 (00)"
    assert note(sure) == ""
    assert collected == bytes(data) * 2
    assert note(guess, castagnoli) == note(guess)
    with pytest.raises(VerificationFailed, match=r"expected CRC32C 00000000, got e3069283"):
        note(Checksum("crc32c", "00000000"), guess)
    with pytest.raises(VerificationFailed, match=r"expected CRC32 00000000, got cbf43926"):
        note(Checksum("crc32", "00000000"), guess)


@pytest.mark.parametrize(
    "algorithm", ["sha-1", "sha-224", "sha-512", "sha3-256", "blake2b-256", "blake2s-128"]
)
def test_algorithms_are_hashlib_s(algorithm: str) -> None:
    family, _, bits = algorithm.partition("-")
    if family.startswith("blake2"):
        wanted = getattr(hashlib, family)(b"x", digest_size=int(bits) // 8).hexdigest()
    else:
        wanted = hashlib.new(f"{family}_{bits}" if family == "sha3" else f"{family}{bits}", b"x").hexdigest()
    found = new_hash(algorithm)
    found.update(memoryview(b"x"))
    assert found.hexdigest() == wanted


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("d50110" + "ab" * 16, ("md5", "ab" * 16)),
        ("1220" + "AB" * 32, ("sha-256", "ab" * 32)),
        ("f1220" + "ab" * 32, None),
        ("1220" + "ab" * 31, None),
        ("1220" + "ab" * 33, None),
        ("121f" + "ab" * 31, None),
        ("a0e40208" + "ab" * 8, None),
        ("88e40208" + "ab" * 8, ("blake2b-64", "ab" * 8)),
        ("87e40207" + "ab" * 7, None),
        ("2030" + "ab" * 48, ("sha-384", "ab" * 48)),
        ("1114" + "ab" * 20, ("sha-1", "ab" * 20)),
        ("1620" + "ab" * 32, ("sha3-256", "ab" * 32)),
        ("9320" + "1c" + "ab" * 28, ("sha-224", "ab" * 28)),
        ("d0e40210" + "ab" * 16, ("blake2s-128", "ab" * 16)),
        ("1340" + "ab" * 64, ("sha-512", "ab" * 64)),
        ("1440" + "ab" * 64, ("sha3-512", "ab" * 64)),
        ("1530" + "ab" * 48, ("sha3-384", "ab" * 48)),
        ("171c" + "ab" * 28, ("sha3-224", "ab" * 28)),
        ("c0e40240" + "ab" * 64, ("blake2b-512", "ab" * 64)),
        ("c1e40241" + "ab" * 65, None),
        ("c8e40208" + "ab" * 8, ("blake2s-64", "ab" * 8)),
        ("e0e40220" + "ab" * 32, ("blake2s-256", "ab" * 32)),
        ("e1e40221" + "ab" * 33, None),
        (
            "92" + "80" * 7 + "00" + "20" + "ab" * 32,
            ("sha-256", "ab" * 32),
        ),  # nine bytes are a number at most
        ("92" + "80" * 8 + "00" + "20" + "ab" * 32, None),
        ("80" * 9 + "00", None),
        ("", None),
        ("12", None),
        (5, None),
        ("1220" + "ab" * 32 + "é", None),
        ("1220" + "ab" * 32 + " " * 400, ("sha-256", "ab" * 32)),
        ("f" + "0" * 400, None),
        ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", None),
    ],
)
def test_a_multihash_is_read_where_it_proves_something(value: object, found: tuple[str, str] | None) -> None:
    checksum = multihash(value)
    assert (checksum and (checksum.algorithm, checksum.value)) == found
    assert bool(unverified(value)) is (found is None and value != "")


def test_a_file_is_hashed_while_it_grows_and_continued_from_where_it_stopped(tmp_path: Path) -> None:
    path, data = tmp_path / "x", bytes(range(256)) * 9000
    path.write_bytes(data)
    checksum = Checksum("md5", hashlib.md5(data).hexdigest())
    first = StreamingHasher(path, (checksum,), lambda: 1000)
    first.start()
    while not first.ended(1000):  # stopped before it had read anything, it knows nothing
        first.stop()
        first = StreamingHasher(path, (checksum,), lambda: 1000)
        first.start()
        time.sleep(0.01)
        first.stop()
    path.write_bytes(b"!" + data[1:])  # what was read is not read again for the same checksums
    second = StreamingHasher(path, (checksum,), lambda: len(data), first)
    second.start()
    assert second.finish(len(data)) == ""
    path.write_bytes(data)
    wanted = (Checksum("sha256", hashlib.sha256(data).hexdigest()),)
    other = StreamingHasher(path, wanted, lambda: len(data), first)
    other.start()
    assert other.finish(len(data)) == ""
    path.write_bytes(data[:-1] + b"x")
    third = StreamingHasher(path, (checksum,), lambda: len(data))
    third.start()
    with pytest.raises(VerificationFailed):
        third.finish(len(data))


def test_what_became_of_files_is_counted() -> None:
    stats = BatchStats()
    for result in (FileResult(1, 5), FileResult(2, 6, fetched=False), FileResult(3, error=ServerError("no"))):
        stats.count(result)
    stats.count(FileResult(4))
    assert (stats.fetched, stats.there, stats.failed, stats.bytes) == (2, 1, 1, 5)


def test_jobs_share_a_host_in_equal_parts() -> None:
    now = [100.0]
    limits = HostLimits(4, lambda: now[0])
    assert [limits.try_acquire("h", "a") for _ in range(5)] == [True] * 4 + [False]
    assert not limits.try_acquire("h", "b")
    limits.release("h", "a")
    assert not limits.try_acquire("h", "a"), "another job asked a moment ago"
    assert limits.try_acquire("h", "b")
    limits.release("h", "a")
    assert limits.try_acquire("h", "b")
    assert not limits.try_acquire("h", "b")
    assert limits.try_acquire("other", "a", 1)
    assert not limits.try_acquire("other", "a", 1)
    limits.release("h", "b")
    limits.release("h", "b")
    now[0] += 1.0
    assert limits.try_acquire("h", "a"), "nobody else has asked for a second"
    limits.forget("a")
    assert [limits.try_acquire("h", "c", 9) for _ in range(5)] == [True] * 4 + [False]


def test_each_of_many_jobs_has_a_request_to_a_host_and_no_second_one() -> None:
    limits = HostLimits(2, lambda: 100.0)
    assert limits.try_acquire("h", "a")
    for job in "bc":
        limits.try_acquire("h", job)
        limits.forget(job)
    assert limits.try_acquire("h", "a"), "those who ended want nothing"
    limits.release("h", "a")
    assert limits.try_acquire("h", "b")
    assert not limits.try_acquire("h", "c")
    limits.release("h", "b")
    assert not limits.try_acquire("h", "a"), "three want it: one request for each"
    assert limits.try_acquire("h", "c")


@pytest.mark.parametrize("path", ["", "/x", "a//b", "./a", "a/.", "../a", "a/..", "a\x00b", "a.part"])
def test_a_path_that_leads_outside_or_is_no_name_is_refused(tmp_path: Path, path: str) -> None:
    folder = OutputTree(tmp_path)
    with pytest.raises(OutputFolderError):
        folder.target(path)
    assert folder.target("a/b.tif") == str(tmp_path / "a" / "b.tif")


def test_a_host_that_refused_is_left_alone_by_all() -> None:
    now = [100.0]
    limits = HostLimits(4, lambda: now[0])
    assert limits.blocked_until("h") == 0
    limits.block("h", 105.0)
    limits.block("h", 103.0)
    limits.try_acquire("h", "a")
    limits.forget("a")
    assert limits.blocked_until("h") == 105
    now[0] = 105.0
    limits.forget("a")
    assert limits.blocked_until("h") == 0


def test_segments_take_what_is_missing_and_then_halves_of_the_longest() -> None:
    table = SegmentTable(((0, 10), (40, 50)), 100, 10)
    assert (table.done, table.whole, table.claimable()) == (20, False, True)
    assert [table.known_before(start, 8) for start in (10, 5, 0, 11, 45)] == [8, 5, 0, 0, 5]
    first, second = table.claim(), table.claim()
    assert first is not None and second is not None
    assert ((first.start, first.end), (second.start, second.end)) == ((10, 40), (50, 100))
    first.active = second.active = True
    half = table.claim()
    assert half is not None
    assert ((second.start, second.end), (half.start, half.end)) == ((50, 75), (75, 100))
    half.active = True
    first.position = 21
    assert table.claimable()
    second.position, half.position = 56, 81
    assert (table.claimable(), table.claim()) == (False, None)
    second.position = 55
    assert table.claimable()
    last = table.claim()
    assert last is not None
    assert ((second.start, second.end), (last.start, last.end)) == ((50, 65), (65, 75))
    assert table.written() == ((0, 21), (40, 55), (75, 81))
    assert table.done == 21 + 15 + 6


def test_a_segment_goes_on_where_its_response_does_and_nobody_else_has_begun() -> None:
    table = SegmentTable((), 100, 10)
    first = table.claim()
    assert first is not None
    first.active = True
    second = table.claim()
    assert second is not None
    assert (first.end, second.start, second.end) == (50, 50, 100)
    first.position, first.reach = 50, 100
    second.active = True
    assert not table.extend(first), "another connection is at it"
    second.active, second.position = False, 60
    assert not table.extend(first), "what came of the other one is there"
    second.position = 50
    assert table.extend(first)
    assert first.end == 100
    other = SegmentTable((), 100, 10)
    only = other.claim()
    assert only is not None
    only.end = only.position = only.reach = 30
    only.active = True
    assert not other.extend(only), "its response ends here"
    only.reach = 31
    assert other.extend(only)
    assert only.end == 31


@pytest.mark.parametrize("names", [1, 2])
def test_a_name_that_is_there_in_another_case_only_is_no_place_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: int
) -> None:
    mine, other = tmp_path / "TILE_a" / "data.tif", tmp_path / "tile_A" / "data.tif"
    for path in (mine, other):
        path.parent.mkdir()
        path.write_bytes(b"x")
    spec = DownloadSpec(Link(""), other, names=names)
    assert not spec.is_settled()
    listed = os.listdir
    # As a disk that ignores case has it: both names lead there, and only one of them is listed.
    monkeypatch.setattr("os.listdir", lambda path: [name for name in listed(path) if name != "tile_A"])
    if names == 1:
        PartFile(spec.part, names=names).close()
        return
    with pytest.raises(OutputFolderError, match="tile_A is there in another case"):
        spec.is_settled()
    with pytest.raises(OutputFolderError, match="in another case"):
        PartFile(spec.part, names=names)


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="writes at offsets")
def test_a_system_that_writes_less_than_it_is_given_is_given_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    monkeypatch.setattr("os.pwrite", lambda file, view, offset: write(file, view[:7], offset))
    with PartFile(tmp_path / "x.part") as part:
        part.write_at(5, memoryview(b"a line that is longer than seven"))
    assert (tmp_path / "x.part").read_bytes() == bytes(5) + b"a line that is longer than seven"


def test_what_is_no_regular_file_is_no_place_for_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        with pytest.raises(OutputFolderError, match="is not a regular file"):
            DownloadSpec(Link(""), path).is_settled()
    with pytest.raises(OutputFolderError, match="is a folder"):
        DownloadSpec(Link(""), tmp_path).is_settled()
