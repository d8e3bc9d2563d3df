"""Many small files: all of them, verified, under their names; each fault of one leaves the others alone."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui import fileio
from mlhub_tui.http.credentials import Link, OriginCredentials
from mlhub_tui.http.versions import Checksum
from mlhub_tui.options import IfExists
from mlhub_tui.planning.resolver import JobContext
from mlhub_tui.transfer.part_file import PartFile
from mlhub_tui.transfer.work_source import FileRequest
from tests.queue.support import ENDLESS, HASTY, IMPATIENT, content
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.transfer.batch_support import MemorySource

from .batch_support import always, batch, errors_of, fetched, once, origin, requests, shelf, stored, there

FILES = shelf(60)
PATHS = list(FILES)
BAD = PATHS[20]


def test_all_files_arrive_over_one_connection_for_each_slot(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    feed, run = batch(requests(server, PATHS), folder, shared)
    tally = run.run()
    assert there(folder) == stored(FILES)
    assert (tally.fetched, tally.there, tally.failed) == (60, 0, 0)
    assert tally.bytes == sum(map(len, FILES.values()))
    assert {key: result.size for key, result in feed.results.items()} == {
        key: len(FILES[path]) for key, path in enumerate(PATHS)
    }
    assert server.connections <= 8
    assert len(server.requests) == 60


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(before="reset")],
        [Answer(before="close")],
        [Answer(before="stall")],
        [Answer(after=1000, end="reset")],
        [Answer(after=1000)],
        [Answer(after=1000, end="stall")],
        [Answer(status=500)],
        [Answer(status=502), Answer(status=408)],
        [Answer(status=503, headers={"Retry-After": "0.1"})],
        [Answer(status=429)],
        [Answer(chunked=True)],
        [Answer(chunked=True, after=1000)],
        [Answer(headers={"Connection": "close"})],
        [Answer(extra=b"more than was announced")],
        [Answer(flip=100)],
        [Answer(body=b"<!DOCTYPE html><title>Log in first</title>", headers={"Content-MD5": None})],
        [Answer(body=b"<p>Log in", headers={"Content-Type": "text/html", "Content-MD5": None})],
        [Answer(status=302, headers={"Location": "other.tif?signed=1"})],
        [Answer(status=206, headers={"Content-Range": f"bytes 0-{len(FILES[BAD]) - 1}/{len(FILES[BAD])}"})],
    ],
    ids=lambda answers: " ".join(
        f"{a.status or ''}{a.before}{a.end if a.after else ''}{'chunked' if a.chunked else ''}"
        for a in answers
    ),
)
def test_what_passes_is_tried_again(
    server: FaultServer, folder: Path, shared: JobContext, answers: list[Answer]
) -> None:
    server.by_target = {**FILES, "/store/6/other.tif?signed=1": FILES[BAD]}
    server.plan = once(BAD, *answers)
    silent = any("stall" in (answer.before, answer.after and answer.end) for answer in answers)
    if silent:
        shared = replace(shared, config=IMPATIENT)
    results = fetched(requests(server, PATHS), folder, shared, retries=ENDLESS if silent else HASTY)
    assert there(folder) == stored(FILES)
    assert errors_of(results) == {}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=404), "LinkRejected"),
        (Answer(status=410), "LinkRejected"),
        (Answer(status=403), "LinkRejected"),
        (Answer(status=400), "RequestRefused"),
        (Answer(status=206), "UnexpectedAnswer"),
        (Answer(flip=100), "VerificationFailed"),
        (Answer(after=1000), "ConnectionLost"),
        (Answer(status=500), "ServerError"),
        (Answer(body=b"<html>", headers={"Content-MD5": None}), "UnexpectedAnswer"),
        (Answer(status=302, headers={"Location": "#"}), "UnexpectedAnswer"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "UnexpectedAnswer"),
        (Answer(headers={"Content-Length": "7, 9"}), "ProtocolError"),
        (Answer(headers={"X-Long": "x" * 400_000}), "ProtocolError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_fails_for_good_leaves_the_others_alone(
    server: FaultServer, folder: Path, shared: JobContext, answer: Answer, error: str
) -> None:
    server.plan = always(BAD, answer)
    results = fetched(requests(server, PATHS), folder, shared)
    assert errors_of(results) == {20: error}
    assert there(folder) == stored({path: data for path, data in FILES.items() if path != BAD})


def test_a_wrong_checksum_of_the_catalogue_fails_the_file(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.md5 = False
    wish = FileRequest(0, Link(origin(server) + BAD), "a.tif", checksums=(Checksum("sha-256", "0" * 64),))
    assert errors_of(fetched([wish], folder, shared)) == {0: "VerificationFailed"}
    assert there(folder) == {}


def test_an_answer_without_length_counts_only_with_the_size_of_the_catalogue(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.plan = once(BAD, Answer(unframed=True, after=1000), Answer(unframed=True))
    server.md5 = False
    wish = FileRequest(0, Link(origin(server) + BAD), "a.tif", size=len(FILES[BAD]))
    assert errors_of(fetched([wish], folder, shared)) == {}
    assert there(folder) == {"a.tif": FILES[BAD]}


def test_a_page_that_is_wanted_is_taken(server: FaultServer, folder: Path, shared: JobContext) -> None:
    page = b"<!DOCTYPE html><title>Documentation</title>"
    server.by_target = {"/readme": page}
    server.always = Answer(headers={"Content-Type": "text/html"})
    wish = FileRequest(0, Link(origin(server) + "/readme"), "readme.html", page=True)
    assert errors_of(fetched([wish], folder, shared)) == {}
    assert there(folder) == {"readme.html": page}


def test_an_empty_file_is_a_file(server: FaultServer, folder: Path, shared: JobContext) -> None:
    server.by_target = {"/empty": b""}
    fetched([FileRequest(0, Link(origin(server) + "/empty"), "a/b/c/empty.txt")], folder, shared)
    assert there(folder) == {"a/b/c/empty.txt": b""}


def test_the_key_and_the_headers_stay_at_their_origin(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    with FaultServer() as store:
        store.by_target = FILES
        target = f"{origin(store)}{BAD}"
        server.plan = lambda _: Answer(status=302, headers={"Location": target})
        home = origin(server)
        auth = OriginCredentials(f"{home}/", lambda: "SECRETKEY123456")
        link = Link(f"{home}/download/1", {"x-amz-meta-mine": "1"}, auth)
        fetched([FileRequest(0, link, "a.tif")], folder, shared)
        assert there(folder) == {"a.tif": FILES[BAD]}
        assert "key=SECRETKEY123456" in server.requests[0].target
        assert server.requests[0].headers["x-amz-meta-mine"] == "1"
        assert "SECRET" not in store.requests[0].target + str(store.requests[0].headers)
        assert "x-amz-meta-mine" not in store.requests[0].headers


def test_a_link_that_is_refused_is_looked_up_once_for_each_file(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    asked: list[int] = []

    class Expiring(MemorySource):
        def relink(self, wish: FileRequest) -> Link | None:
            asked.append(wish.key)
            return Link(f"{wish.link.url}?again")

    server.by_target = {**FILES, **{f"{path}?again": data for path, data in FILES.items()}}
    server.plan = lambda request: None if "?again" in request.target else Answer(status=403)
    feed, run = batch(Expiring(requests(server, PATHS)), folder, shared)
    run.run()
    assert errors_of(feed.results) == {}
    assert there(folder) == stored(FILES)
    assert sorted(asked) == list(range(60))


def test_two_wishes_with_one_path_are_never_written_at_once(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    open_now, most = set[str](), [0]

    def plan(request: Request) -> Answer | None:
        most[0] = max(most[0], server.open)
        open_now.add(request.target)
        return Answer(pace=0.001, piece=1000) if request.method == "GET" else None

    server.plan = plan
    same, other = [Link(origin(server) + path) for path in PATHS[:2]]
    wanted = [FileRequest(0, same, "a.tif"), FileRequest(1, same, "a.tif"), FileRequest(2, other, "a.tif")]
    results = fetched(wanted, folder, shared)
    assert results[0].fetched and results[1].error is None and not results[1].fetched
    assert errors_of(results) == {2: "FileConflict"}
    assert there(folder) == {"a.tif": FILES[PATHS[0]]}
    assert most[0] <= 1


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "/a",
        "a/../../b",
        "a//b",
        "",
        ".",
        "a/",
        "a\n",
        "a\0",
        "b.part",
        "link/a",
        "plain/a",
        "x" * 300,
    ],
)
@pytest.mark.parametrize("size", [None, 1 << 30], ids=["small", "large"])
def test_no_path_leads_outside_the_folder(
    server: FaultServer, folder: Path, shared: JobContext, tmp_path: Path, path: str, size: int | None
) -> None:
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "plain").write_bytes(b"file")
    before = sorted(tmp_path.rglob("*"))
    results = fetched([FileRequest(7, Link(origin(server) + BAD), path, size)], folder, shared)
    assert errors_of(results) == {7: "OutputFolderError"}
    assert sorted(p for p in tmp_path.rglob("*") if "home" not in p.parts) == [
        p for p in before if "home" not in p.parts
    ]


def test_what_is_there_with_the_size_of_the_catalogue_is_not_asked_for(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    wanted = [
        FileRequest(wish.key, wish.link, wish.path, size=len(FILES[path]))
        for wish, path in zip(requests(server, PATHS), PATHS, strict=True)
    ]
    fetched(wanted, folder, shared)
    server.requests.clear()
    (folder / "6/f0020.tif").unlink()
    results = fetched(wanted, folder, shared)
    assert [request.target for request in server.requests] == [BAD]
    assert [key for key, result in results.items() if result.fetched] == [20]
    assert there(folder) == stored(FILES)


def test_what_is_there_is_compared_with_the_server(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    whole, half, longer, other, skipped, replaced = PATHS[:6]
    wanted = requests(server, PATHS[:6])
    for path, data in (
        (whole, FILES[whole]),
        (half, FILES[half][:1000]),
        (longer, FILES[longer] + b"more"),
        (other, b"something else"),
        (skipped, b"mine"),
        (replaced, b"old"),
    ):
        target = folder / path.removeprefix("/store/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    wanted[4] = FileRequest(4, wanted[4].link, wanted[4].path, if_exists=IfExists.SKIP)
    wanted[5] = FileRequest(5, wanted[5].link, wanted[5].path, if_exists=IfExists.OVERWRITE)
    results = fetched(wanted, folder, shared)
    assert errors_of(results) == {2: "FileConflict", 3: "FileConflict"}
    assert [results[key].fetched for key in (0, 1, 4, 5)] == [False, True, False, True]
    ends = there(folder)
    kept = stored({half: FILES[half], other: b"something else", skipped: b"mine", replaced: FILES[replaced]})
    assert {path: ends[path] for path in kept} == kept
    # What is not the server's by its size is compared as a single file, which asks for itself.
    assert sum(request.method == "HEAD" for request in server.requests) == 4 + 3


def test_a_store_that_refuses_head_is_asked_in_another_way(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    folder.mkdir()
    (folder / "a.tif").write_bytes(FILES[BAD])
    server.plan = lambda request: Answer(status=403) if request.method == "HEAD" else None
    results = fetched([FileRequest(0, Link(origin(server) + BAD), "a.tif")], folder, shared)
    assert errors_of(results) == {} and not results[0].fetched


@pytest.mark.parametrize("if_exists", [IfExists.RESUME, IfExists.SKIP])
@pytest.mark.parametrize("same", [True, False])
def test_a_file_that_another_program_fetched_meanwhile_is_kept(
    server: FaultServer, folder: Path, shared: JobContext, same: bool, if_exists: IfExists
) -> None:
    content = FILES[BAD] if same else b"x" + FILES[BAD][1:]

    def appear(_: Request) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "a.tif").write_bytes(content)

    server.plan = appear
    asked = FileRequest(0, Link(origin(server) + BAD), "a.tif", if_exists=if_exists)
    results = fetched([asked], folder, shared)
    kept = same or if_exists is IfExists.SKIP
    assert errors_of(results) == ({} if kept else {0: "FileConflict"})
    assert not results[0].fetched or not kept
    assert there(folder) == {"a.tif": content}


def test_a_part_that_was_left_behind_is_written_anew(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    folder.mkdir()
    (folder / "a.tif.part").write_bytes(b"x" * 9000)
    fetched([FileRequest(0, Link(origin(server) + BAD), "a.tif")], folder, shared)
    assert there(folder) == {"a.tif": FILES[BAD]}


@pytest.mark.skipif(os.name != "posix", reason="locks of open files")
def test_a_part_that_somebody_writes_is_left_to_him(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    with PartFile(folder / "a.tif.part") as part:
        part.write_at(0, memoryview(b"his"))
        results = fetched([FileRequest(0, Link(origin(server) + BAD), "a.tif")], folder, shared)
        assert errors_of(results) == {0: "TargetBusy"}
        assert there(folder) == {"a.tif.part": b"his"}


def test_large_files_go_the_way_of_single_files_and_are_gone_on_with(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    large = {"/big/1": content(300_000, seed=1), "/big/2": content(300_000, seed=2)}
    announced, found = large
    server.by_target = {**FILES, **large}
    server.plan = once(announced, Answer(after=200_000), Answer())
    wanted = [
        *requests(server, PATHS),
        FileRequest(100, Link(origin(server) + announced), "big1.tif", size=300_000),
    ]
    wanted.append(FileRequest(101, Link(origin(server) + found), "big2.tif"))
    results = fetched(wanted, folder, shared, retries=ENDLESS)
    assert errors_of(results) == {}
    assert there(folder) == stored(FILES) | {"big1.tif": large[announced], "big2.tif": large[found]}
    assert sum(request.range is not None for request in server.gets) >= 1


def test_without_the_systems_short_cuts_the_same(
    server: FaultServer, folder: Path, shared: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileio, "_syncfs", lambda: None)
    monkeypatch.setattr(fileio, "_renameat2", lambda: None)
    (folder / "6").mkdir(parents=True)
    (folder / "6/f0020.tif").symlink_to("nowhere")
    results = fetched(requests(server, PATHS), folder, shared)
    assert errors_of(results) == {20: "FileConflict"}
    assert there(folder) == stored({path: data for path, data in FILES.items() if path != BAD})


@pytest.mark.skipif(os.name != "posix", reason="limits of open files")
def test_few_open_files_are_enough(server: FaultServer, folder: Path, shared: JobContext) -> None:
    import resource

    files = shelf(400)
    server.by_target = files
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Half of the limit is for files that wait for their commit, however slow that is; in the other half are
    # our sockets, those of the server, which is in this process, and what other tests still have open.
    taken = max(int(place.name) for place in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * taken + 320, hard))
    try:
        results = fetched(requests(server, files), folder, shared)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert errors_of(results) == {}
    assert there(folder) == stored(files)


def test_a_folder_that_is_taken_away_meanwhile_is_made_again(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    taken = threading.Event()

    def plan(request: Request) -> Answer | None:
        if request.target == PATHS[-1]:
            shutil.rmtree(folder / "0")
            taken.set()
        return None

    server.plan = plan
    wanted = requests(server, PATHS)
    wanted = [*wanted[:1], *wanted[-1:]]

    def slowly() -> Iterator[FileRequest]:
        yield wanted[0]
        while not (folder / "0/f0000.tif").exists():
            time.sleep(0.01)
        yield from (FileRequest(wish.key, wish.link, "0/x/later.tif") for wish in wanted[1:])

    feed, run = batch(slowly(), folder, shared)
    feed.take, whole = lambda most: whole(1), feed.take  # type: ignore[method-assign]  # one at a time
    run.run()
    assert taken.is_set()
    assert errors_of(feed.results) == {}
    assert (folder / "0/x/later.tif").read_bytes() == FILES[PATHS[-1]]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_together_each_file_is_whole_or_said_to_have_failed(
    server: FaultServer, folder: Path, shared: JobContext, seed: int
) -> None:
    chance, lock = random.Random(seed), threading.Lock()
    faults = [
        Answer(before="reset"),
        Answer(before="close"),
        Answer(after=700),
        Answer(after=700, end="reset"),
        Answer(status=500),
        Answer(status=404),
        Answer(flip=9),
        Answer(chunked=True),
        Answer(chunked=True, after=900, end="reset"),
        Answer(headers={"Connection": "close"}),
        Answer(extra=b"HTTP/1.1 200 OK\r\n"),
        Answer(status=302, headers={"Location": "/store/0/f0000.tif", "Content-MD5": None}, body=b"moved"),
    ]
    server.by_target = FILES

    def plan(request: Request) -> Answer | None:
        with lock:
            return chance.choice(faults) if chance.random() < 0.3 else None

    server.plan = plan
    wanted = [
        FileRequest(w.key, w.link, w.path, checksums=(_sha256(FILES[path]),))
        for w, path in zip(requests(server, PATHS), PATHS, strict=True)
    ]
    results = fetched(wanted, folder, shared, retries=ENDLESS)
    failed = set(errors_of(results))
    assert len(results) == 60
    assert there(folder) == stored({p: FILES[p] for key, p in enumerate(PATHS) if key not in failed})


def _sha256(data: bytes) -> Checksum:
    return Checksum("sha-256", hashlib.sha256(data).hexdigest())
