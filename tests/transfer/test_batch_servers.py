"""Many small files from servers as they are: cookies, odd codings, time-outs of proxies, files on demand."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from mlhub_tui.auth.location import Auth, Scheme
from mlhub_tui.errors import MLHubException
from mlhub_tui.http.credentials import Link, OriginCredentials
from mlhub_tui.planning.resolver import JobContext
from mlhub_tui.transfer.config import DownloadSpec
from mlhub_tui.transfer.work_source import FileRequest
from tests.queue.support import ENDLESS, HASTY, QUICK
from tests.queue.support import run as alone
from tests.support.fault_server import FaultServer, md5
from tests.support.http_server import Answer, Request
from tests.support.waiting import PATIENCE, until_sync

from .batch_support import (
    MemorySource,
    always,
    batch,
    errors_of,
    fetched,
    once,
    origin,
    requests,
    running,
    shelf,
    stored,
    there,
)

FILES = shelf(12)
PATHS = list(FILES)
ODD = PATHS[5]
DATA = FILES[ODD]
PACKED = gzip.compress(DATA, mtime=0)
PLAIN: Mapping[str, str | None] = {"Content-MD5": None}


def test_cookies_of_a_files_own_redirects_are_sent_back_to_their_origin_only(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    with FaultServer() as elsewhere:
        elsewhere.by_target = FILES
        store = origin(elsewhere).replace("127.0.0.1", "localhost")

        def login(request: Request) -> Answer | None:
            if request.target == ODD and "session=" not in request.headers.get("cookie", ""):
                return Answer(302, b"", {"Location": "/login", "Set-Cookie": "session=1; Path=/"})
            if request.target == "/login":
                return Answer(302, b"", {"Location": ODD})
            if request.target == ODD:
                return Answer(302, b"", {"Location": f"{store}{ODD}"})
            return None

        server.plan = login
        assert errors_of(fetched(requests(server, PATHS), folder, shared)) == {}
        assert there(folder) == stored(FILES)
        others = [request for request in server.requests if request.target not in (ODD, "/login")]
        assert not any("cookie" in request.headers for request in (*others, *elsewhere.requests))


@pytest.mark.parametrize(
    "status", [408, 425, 500, 502, 504, 520, 521, 522, 523, 524, 525, 527, 529, 530, 598, 599]
)
def test_a_status_that_may_pass_is_tried_again(
    server: FaultServer, folder: Path, shared: JobContext, status: int
) -> None:
    server.plan = once(ODD, Answer(status=status))
    assert errors_of(fetched(requests(server, PATHS), folder, shared)) == {}
    assert there(folder) == stored(FILES)


@pytest.mark.parametrize("size", [60_000, 400_000])
def test_a_file_of_which_each_connection_brings_a_piece_arrives(
    server: FaultServer, folder: Path, shared: JobContext, size: int
) -> None:
    [path] = server.by_target = shelf(1, size)
    context = replace(shared, config=replace(shared.config, resume_overlap=1000))
    server.always = Answer(after=45_000)
    assert errors_of(fetched(requests(server, [path]), folder, context)) == {}
    assert there(folder) == stored(server.by_target)


def test_a_file_whose_links_expire_while_it_comes_is_fetched_by_one_after_the_other(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    links = (Link(f"{server.url}?signature={number}") for number in count())
    used = Counter[str]()

    class Signed(MemorySource):
        def relink(self, request: FileRequest) -> Link:
            return next(links)

    def plan(request: Request) -> Answer:
        used[request.target] += 1
        return Answer(after=300_000) if used[request.target] == 1 else Answer(status=403)

    server.content, server.plan = next(iter(shelf(1, 1_000_000).values())), plan
    context = replace(shared, config=replace(shared.config, resume_overlap=1000))
    wanted = Signed([FileRequest(0, next(links), "f.tif", size=len(server.content))])
    assert errors_of(fetched(wanted, folder, context)) == {}
    assert there(folder) == {"f.tif": server.content}


@pytest.mark.slow
def test_a_file_that_is_being_prepared_is_waited_for_and_holds_up_no_other(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    waiting = True

    def plan(request: Request) -> Answer | None:
        if request.target == ODD and waiting:
            return Answer(202, b"<p>soon", {"Retry-After": "1", "Content-Type": "text/html"})
        return None

    server.plan = plan
    source, run = batch(requests(server, PATHS), folder, shared, replace(HASTY, longest_wait=0.3))
    with running(run) as raised:
        until_sync(lambda: run.stats.fetched == 11 and "being prepared" in run.stats.reason)
        until_sync(lambda: sum(request.target == ODD for request in server.requests) > 6)
        waiting = False
    assert raised == []
    assert errors_of(source.results) == {}
    assert there(folder) == stored(FILES)


def test_a_file_that_is_being_prepared_without_an_end_in_sight_fails_alone(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.plan = always(ODD, Answer(202, b"soon"))
    assert errors_of(fetched(requests(server, PATHS), folder, shared)) == {5: "BeingPrepared"}
    assert there(folder) == stored({path: data for path, data in FILES.items() if path != ODD})


@pytest.mark.slow
def test_the_first_byte_may_take_longer_than_the_next_ones(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.plan = once(ODD, Answer(before="stall"))
    impatient = replace(shared, config=replace(QUICK, low_speed_time=0.3, first_byte_timeout=2.0))
    assert errors_of(fetched(requests(server, PATHS), folder, impatient, ENDLESS)) == {}
    assert there(folder) == stored(FILES)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=DATA, headers={"Content-Encoding": "aws-chunked"}),
        Answer(body=DATA, headers={"Content-Encoding": "UTF-8"}),
        Answer(body=DATA, headers={"Content-Encoding": "none"}),
        Answer(body=DATA, headers={"Content-Encoding": "binary"}),
        Answer(body=DATA, headers={"Content-Encoding": "identity, aws-chunked"}),
        Answer(body=DATA, headers={"Content-Encoding": "gzip"}),
        Answer(body=PACKED, headers={"Content-Encoding": "gzip", "Content-MD5": md5(PACKED)}),
        Answer(body=PACKED, headers={"Content-Encoding": "aws-chunked, gzip", **PLAIN}),
        Answer(body=PACKED, headers={"Content-Encoding": "x-gzip", **PLAIN}, chunked=True),
        Answer(
            body=DATA,
            headers={
                **PLAIN,
                "x-goog-hash": f"md5={md5(PACKED)}",
                "x-goog-stored-content-encoding": "gzip",
            },
        ),
        Answer(
            headers={
                **PLAIN,
                "ETag": f'"{hashlib.md5(b"another").hexdigest()}"',
                "x-amz-request-id": "1",
            }
        ),
    ],
    ids=lambda answer: " ".join(str(value) for value in answer.headers.values())[:40],
)
def test_what_arrives_whole_is_not_refused_for_a_guess(
    server: FaultServer, folder: Path, shared: JobContext, answer: Answer
) -> None:
    server.plan = always(ODD, answer)
    assert errors_of(fetched(requests(server, PATHS), folder, shared)) == {}
    assert there(folder) == stored(FILES)


@pytest.mark.parametrize("retried", [False, True])
@pytest.mark.parametrize("bad", [1, 3, 8])
@pytest.mark.parametrize("status", [429, 500, 503, 530])
def test_lasting_failures_of_some_files_end_with_them_and_not_with_the_run(
    server: FaultServer, folder: Path, shared: JobContext, status: int, bad: int, retried: bool
) -> None:
    refused = PATHS[:bad] if bad == 1 else PATHS[-bad:]
    wanted = requests(server, PATHS)
    keys = [PATHS.index(path) for path in refused]
    if retried:
        wanted = [wanted[key] for key in keys]  # nothing else is left to show that the host is well
    source, all_asked, asked = MemorySource(wanted), threading.Barrier(bad), set[str]()

    def plan(request: Request) -> Answer | None:
        if request.target not in refused:
            return None
        source.exhausted.wait(PATIENCE)  # what fails before may be the host's failure, not the file's
        if request.target not in asked:
            asked.add(request.target)
            all_asked.wait(PATIENCE)  # no file is tried again while another one has yet to fail
        return Answer(status=status)

    server.plan = plan
    results = fetched(source, folder, shared, HASTY)
    assert errors_of(results) == dict.fromkeys(keys, "ServerError")
    good = {path: data for path, data in FILES.items() if path not in refused}
    assert there(folder) == stored({} if retried else good)
    tries = [sum(request.target == path for request in server.requests) for path in refused]
    assert all(1 < count <= 5 for count in tries), tries


@pytest.mark.parametrize(
    ("lasting", "error"),
    [
        (Answer(status=302, headers={"Location": "/store/circle"}), "UnexpectedAnswer"),
        (Answer(status=302, headers={"Location": "s3://bucket/file"}), "UnexpectedAnswer"),
        (Answer(body=b"<!doctype html>", headers={"Content-Type": "text/html"}), "UnexpectedAnswer"),
        (Answer(headers={"Content-Length": "-5"}), "ProtocolError"),
        (Answer(before="close"), "ConnectionLost"),
        (Answer(body=DATA[:99], unframed=True), "ConnectionLost"),
        (Answer(headers={"Content-Type": "multipart/byteranges; boundary=x"}), "UnexpectedAnswer"),
    ],
)
def test_answers_to_some_files_that_are_none_end_with_them_and_not_with_the_run(
    server: FaultServer, folder: Path, shared: JobContext, lasting: Answer, error: str
) -> None:
    wanted = [each._replace(size=len(FILES[PATHS[each.key]])) for each in requests(server, PATHS)]
    source, refused = MemorySource(wanted), PATHS[-5:]

    def plan(request: Request) -> Answer | None:
        if request.target not in (*refused, "/store/circle"):
            return None
        source.exhausted.wait(PATIENCE)
        return lasting

    server.plan = plan
    assert errors_of(fetched(source, folder, shared, HASTY)) == {PATHS.index(path): error for path in refused}
    assert there(folder) == stored({path: data for path, data in FILES.items() if path not in refused})


def test_large_files_get_their_turn_while_the_host_refuses_small_ones(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    # Few: where all that a host is asked for is refused for some rounds, it is given up.
    small, large = PATHS[:4], {f"/store/large{path}": data for path, data in shelf(6, 80_000).items()}
    server.by_target = {**FILES, **large}
    server.plan = lambda request: Answer(status=503) if request.target in small else None
    results = fetched(requests(server, [*small, *large]), folder, shared)
    assert errors_of(results) == dict.fromkeys(range(len(small)), "ServerError")
    assert there(folder) == stored(large)


@pytest.mark.parametrize(
    "head",
    [
        Answer(status=404),
        Answer(status=500),
        Answer(status=204),
        Answer(before="close"),
        Answer(headers={"Content-Length": "0"}),
        Answer(headers={"Content-Type": "text/html"}),
    ],
    ids=["404", "500", "204", "closed", "no length", "a page"],
)
def test_a_file_that_is_there_is_found_whole_though_its_server_answers_heads_wrongly(
    server: FaultServer, folder: Path, shared: JobContext, head: Answer
) -> None:
    server.plan = lambda request: head if request.method == "HEAD" else None
    for fetched_now in (True, False):
        results = fetched(requests(server, PATHS[:3]), folder, shared)
        assert errors_of(results) == {}
        assert all(result.fetched is fetched_now for result in results.values())
    assert there(folder) == stored({path: FILES[path] for path in PATHS[:3]})
    server.plan = lambda _: Answer(status=404)
    assert set(errors_of(fetched(requests(server, PATHS[:1]), folder, shared)).values()) == {"LinkRejected"}


def test_what_a_script_labels_as_a_web_page_is_known_by_its_first_bytes_also_once_it_is_there(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.plan = lambda _: Answer(headers={"Content-Type": "text/html; charset=utf-8"})
    assert errors_of(fetched(requests(server, PATHS), folder, shared)) == {}
    again = fetched(requests(server, PATHS), folder, shared)
    assert errors_of(again) == {}
    assert not any(result.fetched for result in again.values())
    assert there(folder) == stored(FILES)


def test_files_that_were_not_tried_yet_come_before_those_that_failed(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    files = shelf(300)
    paths = list(files)
    server.by_target = files
    server.plan = lambda request: Answer(status=503) if request.target in paths[:20] else None
    results = fetched(requests(server, paths), folder, shared, ENDLESS)
    assert errors_of(results) == dict.fromkeys(range(20), "ServerError")
    assert there(folder) == stored({path: files[path] for path in paths[20:]})


def test_an_announced_sum_that_differs_is_fatal_and_a_document_of_an_error_is_no_file(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    said = Answer(body=b'{"error": "gone"}', headers=PLAIN)
    server.plan = lambda request: {
        PATHS[0]: Answer(headers={"Content-MD5": md5(b"another")}),
        PATHS[1]: said,
        PATHS[2]: replace(said, headers={**PLAIN, "Content-Encoding": "gzip"}, body=gzip.compress(b"<html>")),
    }.get(request.target)
    results = fetched(requests(server, PATHS), folder, shared)
    assert errors_of(results) == {0: "VerificationFailed", 1: "UnexpectedAnswer", 2: "UnexpectedAnswer"}
    assert there(folder) == stored({path: FILES[path] for path in PATHS[3:]})


SECRET = "user+key/of5678"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, f'{{"detail": "no such key: {SECRET}"}}'.encode(), {"Content-Type": "application/json"}),
        Answer(500, b"the key user%2Bkey%2Fof5678", {"Content-Type": "text/plain"}),
        Answer(body=json.dumps({"error": f"{'_' * 66} {SECRET}"}).encode(), headers=PLAIN),
        Answer(body=f"<!doctype html><title>{SECRET}</title>".encode(), headers=PLAIN),
    ],
    ids=["refused", "failed", "a document", "a page"],
)
def test_the_users_key_is_in_no_error_though_a_server_repeats_it(
    server: FaultServer, folder: Path, shared: JobContext, answer: Answer
) -> None:
    server.plan = always(ODD, answer)
    owned = OriginCredentials(origin(server), lambda: SECRET, Auth(Scheme.BEARER))
    wanted = [each._replace(link=replace(each.link, credentials=owned)) for each in requests(server, PATHS)]
    failed = fetched(wanted, folder, shared)[PATHS.index(ODD)].error
    assert failed is not None
    assert "****5678" in failed.message
    assert "user" not in failed.message
    with pytest.raises(MLHubException, match=r"\*\*\*\*5678") as caught:
        alone(DownloadSpec(wanted[PATHS.index(ODD)].link, folder / "alone.tif"), shared.journal)
    assert "user" not in str(caught.value)


def test_a_redirect_to_another_file_of_this_machine_is_not_followed(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.plan = lambda _: Answer(302, b"", {"Location": "file:///etc/hostname"})
    wanted = [FileRequest(0, Link(f"{origin(server)}/a"), "a.tif")]
    assert errors_of(fetched(wanted, folder, shared)) == {0: "UnexpectedAnswer"}
    assert there(folder) == {}
