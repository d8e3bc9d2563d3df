"""The parts of a run over a cluster, without one: shards, places, reports, stores in memory and on disk."""

from __future__ import annotations

import errno
import json
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ParamValidationError

from mlhub_tui import output
from mlhub_tui.cluster import NotInstalled
from mlhub_tui.cluster.object_store import (
    ObjectStore,
    RunMarker,
    StoreBusy,
    StoreRefuses,
    copy_objects,
    note_beginning,
    publish_catalog,
    publish_report,
)
from mlhub_tui.cluster.sharding import Shard, digest_of, host_of, plain_error, shard_files, shards, split_mark
from mlhub_tui.errors import FileConflict, OutputFolderError, ServerError, ServerUnreachable, TargetBusy
from mlhub_tui.http.errors import ConnectionLost
from mlhub_tui.options import ClusterConfig, IfExists
from mlhub_tui.planning.manifest import LockedManifest
from mlhub_tui.planning.manifest_queue import Row
from mlhub_tui.planning.requests import DatasetRequest, dataset_request
from mlhub_tui.transfer.engine import TransferCancelled


def row(number: int, host: str = "a", size: int | None = 10) -> Row:
    return Row(number, f"c/{number}.tif", f"https://{host}.test/{number}.tif", size, "", 0)


def cut(rows: Sequence[Row], most: int, checked: int | None = 0) -> list[Shard]:
    waiting = list(rows)

    def take(most: int) -> Sequence[Row]:
        taken, waiting[:] = waiting[:most], waiting[most:]
        return taken

    return list(shards(take, most, checked))


def ids(shard: Shard) -> list[int]:
    return sorted(row.id for row in shard.rows)


@pytest.mark.parametrize(
    ("wanted", "threads", "files"),
    [
        (0, 0, 25),
        (200, 1, 25),
        (201, 1, 26),
        (4000, 1, 500),
        (9000, 1, 500),
        (2_000_000, 1, 500),
        (2_004_001, 1, 502),
    ],
)
def test_shards_are_as_large_as_a_plan_and_its_threads_want(wanted: int, threads: int, files: int) -> None:
    assert shard_files(wanted, threads) == files


LARGE = 64 << 20


@pytest.mark.parametrize(
    ("rows", "most", "found"),
    [
        ([row(n) for n in range(1, 6)], 2, [[1, 2], [3, 4], [5]]),
        ([row(n, size=LARGE - 1) for n in range(1, 8)], 9, [[1, 2, 3, 4, 5], [6, 7]]),
        ([row(1), row(2, "b"), row(3), row(4, "b")], 2, [[1, 3], [2, 4]]),
        ([row(1), row(2, size=LARGE), row(3)], 9, [[2], [1, 3]]),
        ([row(1, size=None), row(2, size=None)], 9, [[1, 2]]),
        ([row(n, f"h{n}") for n in range(1, 66)] + [row(66, "h1")], 9, [[n] for n in range(1, 67)]),
    ],
)
def test_a_plan_is_cut_by_host_files_and_bytes(rows: list[Row], most: int, found: list[list[int]]) -> None:
    made = [ids(shard) for shard in cut(rows, most)]
    assert (made if len(rows) < 10 else sorted(made)) == found


@pytest.mark.parametrize(
    ("checked", "checks"), [(0, [False, False]), (2, [True, False]), (3, [True, True]), (None, [True, True])]
)
def test_only_what_may_be_there_is_looked_for(checked: int | None, checks: list[bool]) -> None:
    assert [shard.check for shard in cut([row(n) for n in range(1, 5)], 2, checked)] == checks


def test_what_is_left_of_a_shard_is_tried_again_or_halved() -> None:
    shard = Shard([row(n) for n in range(1, 6)], "h")
    left = shard.again(frozenset({1, 3, 5, 9}))
    assert (ids(left), left.tries, left.check, left.host) == ([2, 4], 1, True, "h")
    assert [ids(half) for half in shard.halves()] == [[1, 2], [3, 4, 5]]
    assert [ids(half) for half in Shard([row(1)]).halves()] == [[1]]
    assert all((half.host, half.check) == ("h", True) for half in shard.halves())
    assert Shard.unpack(shard.pack()) == shard
    assert Shard([row(1, size=LARGE)]).alone
    assert not Shard([row(1, size=LARGE - 1)]).alone
    assert not Shard([row(1, size=LARGE), row(2)]).alone
    assert not Shard([row(1, size=None)]).alone


def test_what_goes_through_a_scheduler_has_no_secret_and_an_error_keeps_its_wait() -> None:
    hrefs = ["https://u:p@h.test/a/b?sig=0123456789abcdef", "https://h.test/x?page=2"]
    rows = [row(number)._replace(href=href) for number, href in enumerate(hrefs)]
    sent = [split_mark(each.href) for each in Shard.unpack(Shard(rows).pack()).rows]
    assert sent == [("https://h.test/a/b", True), ("https://h.test/x?page=2", False)]
    failed = plain_error(
        ConnectionLost("https://h.test/?key=s3cr3t-Zq81 was lost", retry_after=5.0, hint="wait")
    )
    assert type(failed) is ServerUnreachable
    assert (failed.retry_after, failed.hint, "s3cr3t" in failed.message) == (5.0, "wait", False)
    assert type(plain_error(FileConflict("x"))) is FileConflict


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://u:p@H.test:8080/x", "https://h.test:8080"),
        ("http://h.test", "http://h.test"),
        ("s3://bucket/x", "https://bucket.s3.amazonaws.com"),
        ("file:///x", ""),
        ("ftp://h.test/x", ""),
        ("", ""),
    ],
)
def test_a_host_is_where_somebody_is_asked(href: str, host: str) -> None:
    assert host_of(href) == host
    assert len(digest_of(host)) == 16


@pytest.mark.parametrize(
    ("text", "path", "url"),
    [
        (" S3://bucket/a/ ", None, "s3://bucket/a"),
        ("s3://bucket", None, "s3://bucket"),
        ("file:///a%20b", Path("/a b"), ""),
        ("file://localhost/a", Path("/a"), ""),
        ("local://a/b", Path("a/b").absolute(), ""),
        ("/a/b", Path("/a/b"), ""),
        ("a", Path("a").absolute(), ""),
        ("a//b", Path("a/b").absolute(), ""),
        ("./s3:/a", Path("s3:/a").absolute(), ""),
        ("C:/a", Path("C:/a").absolute(), ""),
    ],
)
def test_an_output_is_a_path_or_a_url(text: str, path: Path | None, url: str) -> None:
    assert output.parse(text) == (path, url)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3://u:p@bucket/a", "credentials or options"),
        ("s3://bucket/a?b", "credentials or options"),
        ("s3://bucket/a#b", "credentials or options"),
        ("s3://bucket/./a", "no plain path"),
        ("s3://bucket/a\x7f", "no plain path"),
        ("s3://[bucket/a", "is no URL"),
        ("https://h.test/a", "nothing can be written"),
        ("s3:///a", "names no bucket"),
        ("s3//bucket/a", "s3//bucket/a is no URL"),
        ("s3:/bucket/a", "is no URL"),
        ("GS//bucket", "is no URL"),
        ("file:/a", "is no URL"),
        ("zip://a", "nothing can be written"),
        ("filecache::s3://b/a", "a chain of file systems"),
    ],
)
def test_an_output_that_cannot_be_one_is_refused(text: str, words: str) -> None:
    with pytest.raises(output.BadOutput, match=words):
        output.parse(text)


def test_a_cluster_is_named_in_words() -> None:
    assert (ClusterConfig().local, ClusterConfig("tcp://x:1").local) == (True, False)
    assert ClusterConfig().words == "a Dask cluster on this machine"
    assert ClusterConfig("tcp://x:1").words == "the Dask cluster at tcp://x:1"


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Return a store of whole objects, and one that gets parts that are renamed."""
    return ObjectStore(
        f"memory://{uuid.uuid4().hex}" if request.param == "memory" else f"file://{tmp_path}/store"
    )


def test_an_object_is_put_copied_measured_and_removed(store: ObjectStore) -> None:
    path, other = store.path("c/x"), store.path("d/e/y")
    assert store.whole is store.url.startswith("memory:")
    assert not store.names(store.root)
    assert store.size(path).result() is None
    store.put(path, b"12345").result()
    store.copy(path, other).result()
    assert (store.size(path).result(), store.read(other)) == (5, b"12345")
    assert store.size(store.path("c")).result() is None, "a folder is no object"
    assert store.names(store.root)
    store.remove(other)
    assert store.size(other).result() is None
    assert not list(store.system.glob(f"{store.root}/**/*.part"))
    assert store.look()(["c/x", "c/missing"] * 40) == [(5, None), None] * 40


@pytest.mark.parametrize(
    ("if_exists", "there", "check", "result", "left"),
    [
        (IfExists.RESUME, None, True, (5, True, None), b"12345"),
        (IfExists.RESUME, b"other", True, (5, False, None), b"other"),
        (IfExists.RESUME, b"another", True, (None, True, FileConflict), b"another"),
        (IfExists.RESUME, b"another", False, (5, True, None), b"12345"),
        (IfExists.SKIP, b"another", True, (7, False, None), b"another"),
        (IfExists.OVERWRITE, b"other", True, (5, True, None), b"12345"),
    ],
)
def test_an_object_is_copied_unless_one_is_there_as_on_a_disk(
    store: ObjectStore,
    if_exists: IfExists,
    there: bytes | None,
    check: bool,
    result: tuple[int | None, bool, type[FileConflict] | None],
    left: bytes,
) -> None:
    store.put(store.path("c/x"), b"12345").result()
    if there is not None:
        store.put(store.path("d/y"), there).result()
    copied = Row(7, "d/y", "c/x", 5, "", 0)
    [found] = copy_objects(store, [copied], if_exists, check=check)
    assert (found.key, found.size, found.fetched) == (7, *result[:2])
    assert (type(found.error) if found.error else None) is result[2]
    assert store.read(store.path("d/y")) == left


@pytest.mark.parametrize("end", ["commit", "discard"])
def test_an_object_that_is_written_in_pieces_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, end: str
) -> None:
    store = ObjectStore(f"file://{tmp_path}/store")
    path = store.path("c/x")
    writer = store.writer(path, 5 << 20)
    writer.write(b"123")
    assert store.size(path).result() is None
    writer.write(b"45")
    getattr(writer, end)()
    assert store.size(path).result() == (5 if end == "commit" else None)
    assert not list(store.system.glob(f"{store.root}/**/*.part"))


def test_a_run_keeps_away_from_an_earlier_one_and_removes_what_killed_ones_left(
    store: ObjectStore, mlhub_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, stop, elsewhere = time.time(), threading.Event(), tmp_path / "elsewhere"
    for home in (mlhub_home, elsewhere):
        home.mkdir()
    prefix = ".mlhub-tui-run-"
    killed = {"run": "k", "who": "me@h", "home": "another", "since": now - 999, "seen": now - 999}
    later = {**killed, "since": now + 999, "seen": now}
    left: dict[str, object] = {f"{prefix}later.json": later, f"{prefix}odd.json": []}
    left |= {f"{prefix}killed.txt": killed, "killed.json": killed}
    for name, marker in {**left, f"{prefix}killed.json": killed}.items():
        store.put(store.path(name), json.dumps(marker).encode()).result()

    def names() -> set[str]:
        return {path.rpartition("/")[2] for path in store.names(store.root)}

    with RunMarker(store.url, "one", print, stop):
        assert names() == {*left, f"{prefix}one.json"}
        monkeypatch.setenv("MLHUB_HOME", str(elsewhere))
        with pytest.raises(TargetBusy, match="downloads to"), RunMarker(store.url, "two", print, stop):
            pass
        assert names() == {*left, f"{prefix}one.json"}
        monkeypatch.setenv("MLHUB_HOME", str(mlhub_home))
        with RunMarker(store.url, "three", print, stop):
            assert names() == {*left, f"{prefix}three.json"}, "no program but this one is at its home"
    assert names() == set(left)


@pytest.mark.parametrize("relative", ["", ".", "/a", "a//b", "../a", "a/..", "./a", "a\x00", "a\nb"])
def test_no_path_leads_out_of_a_store(store: ObjectStore, relative: str) -> None:
    with pytest.raises(OutputFolderError):
        store.path(relative)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (PermissionError("no"), StoreRefuses, "refuses access: no"),
        (NoCredentialsError(), StoreRefuses, "refuses access: Unable to locate credentials"),
        (FileNotFoundError("no"), StoreRefuses, "does not exist: no"),
        (OSError(), StoreBusy, "failed: OSError"),
        (OSError(errno.EBUSY, "slow down"), StoreBusy, "is busy: slow down"),
        (OSError(errno.EINVAL, "no such region"), StoreRefuses, "cannot be used: no such region"),
        (OSError(errno.EREMCHG, "of another region"), StoreRefuses, "cannot be used: of another region"),
        (OSError(errno.EINVAL, "The Content-MD5 did not match"), StoreBusy, "failed: The Content-MD5"),
        (ConnectionResetError("no"), StoreBusy, "does not answer: no"),
        (EndpointConnectionError(endpoint_url="x"), StoreBusy, "does not answer: Could not connect"),
        (ParamValidationError(report="no"), StoreRefuses, "cannot be used: Parameter validation failed: no"),
        (ServerError("own"), ServerError, "own"),
    ],
)
def test_an_error_of_a_store_says_whether_it_refuses(error: Exception, kind: type, words: str) -> None:
    found = ObjectStore("memory://x").translate(error)
    assert type(found) is kind
    assert words in str(found)


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("abfs", "adlfs"), ("nosuch", "")])
def test_a_store_that_is_not_known_is_named_with_what_to_install(
    scheme: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NotInstalled) as caught:
        ObjectStore(f"{scheme}://b/x")
    needs = f"{scheme}:// needs {package}, which is not installed"
    assert caught.value.message == (needs if package else f"fsspec knows no {scheme}://")
    assert not package or f"pip install {package}, here and on the" in caught.value.hint


def published(
    tmp_path: Path, if_exists: IfExists = IfExists.RESUME
) -> tuple[DatasetRequest, LockedManifest, Path]:
    """Return a request for a store in memory, its list, and the folder of what is brought there."""
    request = dataset_request(
        "crops",
        tmp_path,
        source="http://a/",
        cluster=ClusterConfig(),
        url=f"memory://{uuid.uuid4().hex}",
        if_exists=if_exists,
    )
    own = LockedManifest(request).open()
    own.begin(request.request_id)
    folder = request.folder / "crops"
    (folder / "fields").mkdir(parents=True)
    for name in ("catalog.json", "fields/collection.json", "err_report.csv"):
        (folder / name).write_bytes(name.encode())
    (request.folder / "crops.tar.gz").write_bytes(b"archive")
    return request, own, folder


@pytest.mark.parametrize(
    ("if_exists", "small", "left"),
    [
        (IfExists.RESUME, b"1", b"catalog.json"),
        (IfExists.RESUME, b"CATALOG.JSON", b"CATALOG.JSON"),
        (IfExists.SKIP, b"1", b"1"),
        (IfExists.OVERWRITE, b"CATALOG.JSON", b"catalog.json"),
    ],
)
def test_a_catalog_is_brought_to_its_store_as_to_a_disk(
    tmp_path: Path, if_exists: IfExists, small: bytes, left: bytes
) -> None:
    request, own, folder = published(tmp_path, if_exists)
    store, told = ObjectStore(request.url), list[int]()
    store.put(store.path("crops/catalog.json"), small).result()
    store.put(store.path("crops.tar.gz"), b"ARCHIVE").result()
    note_beginning(request, own, print, threading.Event())
    assert own.get_checkpoint("begun") == "there"
    publish_report(request)
    publish_catalog(request, own, threading.Event(), told.append, print)
    assert store.read(store.path("crops/catalog.json")) == left
    assert store.read(store.path("crops/fields/collection.json")) == b"fields/collection.json"
    assert store.read(store.path("crops/err_report.csv")) == b"err_report.csv"
    assert store.read(store.path("crops.tar.gz")) == (
        b"archive" if if_exists is IfExists.OVERWRITE else b"ARCHIVE"
    )
    assert (told, folder.exists()) == ([2], False)
    own.close()


def test_a_catalog_goes_to_an_empty_store_without_a_look_and_stops_when_told(tmp_path: Path) -> None:
    request, own, folder = published(tmp_path)
    note_beginning(request, own, print, threading.Event())
    assert own.get_checkpoint("begun") == "empty"
    ObjectStore(request.url).put(
        f"{ObjectStore(request.url).root}/crops/catalog.json", b"CATALOG.JSON"
    ).result()
    note_beginning(request, own, print, threading.Event())
    assert own.get_checkpoint("begun") == "empty", "it is asked once for a wish"
    stop = threading.Event()
    stop.set()
    with pytest.raises(TransferCancelled):
        publish_catalog(request, own, stop, print, print)
    assert folder.exists()
    own.close()
    again, other, _ = published(tmp_path / "other")
    note_beginning(again, other, print, threading.Event())
    ObjectStore(again.url).put(f"{ObjectStore(again.url).root}/crops/catalog.json", b"CATALOG.JSON").result()
    publish_catalog(again, other, threading.Event(), print, print)
    assert ObjectStore(again.url).read(f"{ObjectStore(again.url).root}/crops/catalog.json") == b"catalog.json"
    other.close()
