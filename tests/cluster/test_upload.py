"""Large files on their way into a store: multipart from ranges, and nothing to be seen of what goes wrong."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.cluster.object_store import ObjectStore
from mlhub_tui.errors import MLHubException, ServerUnreachable, VerificationFailed
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.versions import Checksum
from mlhub_tui.transfer.config import TransferProgress
from mlhub_tui.transfer.engine import shared_engine
from mlhub_tui.transfer.object_store_output import PART, Budget, ObjectStoreOutput
from mlhub_tui.transfer.work_source import FileRequest, FileResult, FileTask
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.transfer.batch_support import kit

from .support import Bucket

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]

CONTENT = random.Random(3).randbytes(2 * PART + 12345)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(CONTENT) as made:
        yield made


async def put(
    store: ObjectStore, url: str, home: Path, *, size: int | None = None, digest: str = ""
) -> FileResult:
    """Have a file put under `large.bin`."""
    checksums = (Checksum("md5", digest),) if digest else ()
    request = FileRequest(1, Link(url), "large.bin", size, checksums)
    output = ObjectStoreOutput(store, check=True, budget=Budget(), connections=3)
    found = (await output.examine([request]))[0]
    if isinstance(found, FileResult):
        return found
    assert isinstance(found, FileTask)
    shared = kit(home)

    async def work() -> FileResult:
        return await output.fetch_single(found, shared.context(), TransferProgress())

    return await shared_engine().run(work())


async def test_a_large_file_comes_in_ranges_and_goes_in_parts(
    store: Bucket, server: FaultServer, tmp_path: Path
) -> None:
    place = ObjectStore(f"s3://{store.name}/d")
    result = await put(place, server.url, tmp_path)
    assert (result.size, result.fetched, result.error) == (len(CONTENT), True, None)
    assert store.get("d/large.bin") == CONTENT
    assert sorted(filter(None, server.ranges)) == sorted(
        [f"bytes=0-{PART - 1}", f"bytes={PART}-{2 * PART - 1}", f"bytes={2 * PART}-{len(CONTENT) - 1}"]
    )
    again = await put(place, server.url, tmp_path)
    assert (again.size, again.fetched) == (len(CONTENT), False)
    assert await put(place, server.url, tmp_path, size=len(CONTENT)) == FileResult(
        1, len(CONTENT), fetched=False
    )


async def test_a_server_without_ranges_is_streamed(
    store: Bucket, server: FaultServer, tmp_path: Path
) -> None:
    server.always = Answer(whole=True)
    assert (await put(ObjectStore(f"s3://{store.name}"), server.url, tmp_path)).size == len(CONTENT)
    assert store.get("large.bin") == CONTENT


async def test_a_file_whose_versions_cannot_be_told_apart_comes_as_a_whole(
    store: Bucket, server: FaultServer, tmp_path: Path
) -> None:
    server.etag = server.modified = None
    server.md5 = False
    assert (await put(ObjectStore(f"s3://{store.name}"), server.url, tmp_path)).size == len(CONTENT)
    assert store.get("large.bin") == CONTENT
    assert server.ranges == [f"bytes=0-{PART - 1}", None]


async def test_a_range_that_breaks_is_asked_for_again_alone(
    store: Bucket, server: FaultServer, tmp_path: Path
) -> None:
    server.script.extend([Answer(), Answer(after=1000, end="reset")])
    assert (await put(ObjectStore(f"s3://{store.name}"), server.url, tmp_path)).size == len(CONTENT)
    assert store.get("large.bin") == CONTENT
    assert len(server.gets) == 4


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(202, body=b"")],
        [Answer(405, body=b"")],
        [Answer(), *[Answer(416, body=b"")] * 2],
        [Answer(), *[Answer(404, body=b"")] * 2],
        [Answer(), *[Answer(500, body=b"")] * 8],
        [Answer(), *[Answer(headers={"ETag": '"of another host"'})] * 2],
    ],
    ids=["202", "405", "416", "404", "500", "etag"],
)
async def test_where_ranges_are_refused_or_fail_or_are_of_another_version_the_whole_file_comes(
    store: Bucket, server: FaultServer, tmp_path: Path, answers: list[Answer]
) -> None:
    left = list(answers)
    server.plan = lambda request: left.pop(0) if request.range and left else None
    assert (await put(ObjectStore(f"s3://{store.name}"), server.url, tmp_path)).size == len(CONTENT)
    assert store.get("large.bin") == CONTENT
    assert server.ranges[-1] is None
    assert store.unfinished() == 0


@pytest.mark.parametrize("wrong", ["sum", "short"])
async def test_nothing_is_to_be_seen_of_a_file_that_is_not_what_it_should_be(
    store: Bucket, server: FaultServer, tmp_path: Path, wrong: str
) -> None:
    expected: type[MLHubException] = VerificationFailed
    if wrong == "short":
        server.always = Answer(whole=True, unframed=True, after=len(CONTENT) - 5000)
        expected = ServerUnreachable
    with pytest.raises(expected):
        digest = "0" * 32 if wrong == "sum" else ""
        await put(ObjectStore(f"s3://{store.name}"), server.url, tmp_path, size=len(CONTENT), digest=digest)
    assert store.keys() == []
    assert store.unfinished() == 0


@pytest.mark.parametrize("of", ["file", "content", "another"])
async def test_a_gzip_file_may_have_the_checksum_of_its_content(
    store: Bucket, tmp_path: Path, of: str
) -> None:
    packed = gzip.compress(CONTENT[:PART], 1) + gzip.compress(CONTENT[PART:], 1)
    digest = hashlib.md5({"file": packed, "content": CONTENT, "another": b""}[of]).hexdigest()
    with FaultServer(packed) as server:
        place = ObjectStore(f"s3://{store.name}")
        if of == "another":
            with pytest.raises(VerificationFailed):
                await put(place, server.url, tmp_path, digest=digest)
        else:
            await put(place, server.url, tmp_path, digest=digest)
    assert store.get("large.bin") == packed if of != "another" else store.keys() == []


async def test_nothing_is_left_of_a_file_that_is_broken_off(
    store: Bucket, server: FaultServer, tmp_path: Path
) -> None:
    begun = threading.Event()

    def slowly(request: Request) -> Answer | None:
        if request.range and not request.range.startswith("bytes=0-"):
            begun.set()
            return Answer(pace=0.2, piece=1 << 16)
        return None

    server.plan = slowly
    task = asyncio.create_task(put(ObjectStore(f"s3://{store.name}"), server.url, tmp_path))
    assert await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        if store.unfinished() == 0:
            break
        await asyncio.sleep(0.05)
    assert store.unfinished() == 0
    assert store.keys() == []


async def test_a_file_system_without_whole_objects_gets_parts_that_are_renamed(
    server: FaultServer, tmp_path: Path
) -> None:
    place = ObjectStore((tmp_path / "out").as_uri())
    assert not place.whole
    seen: list[set[str]] = []
    server.plan = lambda _: seen.append({p.name for p in (tmp_path / "out").glob("*")})
    await put(place, server.url, tmp_path)
    assert (tmp_path / "out" / "large.bin").read_bytes() == CONTENT
    assert all("large.bin" not in names for names in seen)
    place.put(place.path("a/b/small.bin"), b"small").result()
    assert (tmp_path / "out" / "a" / "b" / "small.bin").read_bytes() == b"small"
    assert not list((tmp_path / "out").rglob("*.part"))
    place.copy(place.path("a/b/small.bin"), place.path("c/copy.bin")).result()
    assert (tmp_path / "out" / "c" / "copy.bin").read_bytes() == b"small"
