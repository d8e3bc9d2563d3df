"""Many small files when all have to wait: a host that refuses, no network, no room, a pause, a kill."""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mlhub_tui.errors import AuthenticationError, NoSpaceError, RequestError, ServerError, ServerUnreachable
from mlhub_tui.http.client import HTTPClient
from mlhub_tui.http.credentials import Link, OriginCredentials
from mlhub_tui.http.limits import BandwidthLimiter
from mlhub_tui.planning.resolver import JobContext
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.transfer.config import TransferContext
from mlhub_tui.transfer.engine import TransferCancelled
from mlhub_tui.transfer.work_source import FileRequest, FileResult
from tests.queue.support import ENDLESS, HASTY, QUICK
from tests.queue.test_machine import Disk, disk
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.support.waiting import until_sync
from tests.transfer.batch_support import MemorySource

from .batch_support import batch, errors_of, fetched, origin, requests, running, shelf, stored, there

__all__ = ["disk"]

FILES = shelf(60)
PATHS = list(FILES)


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_for_retries_gets_it_from_all_slots(
    server: FaultServer, folder: Path, shared: JobContext, status: int
) -> None:
    refused: list[float] = []
    came: list[float] = []

    def plan(_: Request) -> Answer | None:
        came.append(time.monotonic())
        if len(came) > 20 and not refused:
            refused.append(time.monotonic())
            return Answer(status=status, headers={"Retry-After": "5"})
        return None

    server.plan = plan
    patient = replace(ENDLESS, longest_wait=1.0)
    results = fetched(requests(server, PATHS), folder, shared, retries=patient)
    assert errors_of(results) == {}
    assert there(folder) == stored(FILES)
    # What was on its way comes first; the others, which would come at once, do after the second.
    after = [moment for moment in came if moment >= refused[0]]
    assert len([moment for moment in after if moment < refused[0] + 0.99]) < len(after) / 2


def test_a_host_that_refuses_is_asked_by_fewer(server: FaultServer, folder: Path, shared: JobContext) -> None:
    server.most_allowed = 3
    server.plan = lambda _: Answer(pace=0.002, piece=2000)
    results = fetched(requests(server, PATHS), folder, shared, retries=ENDLESS)
    assert errors_of(results) == {}
    assert there(folder) == stored(FILES)


def test_a_host_that_only_fails_ends_the_run_before_its_files_have_failed(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.always = Answer(status=500)
    feed, run = batch(requests(server, PATHS), folder, shared)
    with pytest.raises(ServerError):
        run.run()
    assert errors_of(feed.results) == {}
    server.always = Answer()
    assert errors_of(fetched(requests(server, PATHS), folder, shared)) == {}
    assert there(folder) == stored(FILES)


def test_without_a_network_the_run_ends_and_nothing_has_failed(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    wanted = [FileRequest(i, Link(f"http://127.0.0.1:{port}/{i}"), f"{i}.tif") for i in range(50)]
    feed, run = batch(wanted, folder, shared, retries=ENDLESS)
    with pytest.raises(ServerUnreachable):
        run.run()
    assert feed.results == {}
    assert not folder.exists()


def test_a_host_that_is_gone_does_not_hold_up_the_others(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    lost = [FileRequest(100 + i, Link(f"http://127.0.0.1:{port}/{i}"), f"{i}.tif") for i in range(10)]
    wanted = requests(server, PATHS)
    results = fetched([*wanted[:30], *lost, *wanted[30:]], folder, shared, retries=HASTY)
    assert errors_of(results) == {wish.key: "ServerUnreachable" for wish in lost}
    assert there(folder) == stored(FILES)


def test_a_host_that_is_gone_does_not_end_the_run_while_another_one_takes_its_time(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    lost = [FileRequest(100 + i, Link(f"http://127.0.0.1:{port}/{i}"), f"{i}.tif") for i in range(10)]
    server.plan = lambda _: time.sleep(0.5)
    results = fetched([*lost, *requests(server, PATHS[:3])], folder, shared, retries=HASTY)
    assert errors_of(results) == {wish.key: "ServerUnreachable" for wish in lost}


@pytest.mark.slow
def test_a_file_whose_server_thinks_too_long_fails_alone(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.plan = lambda request: Answer(before="stall") if request.target == PATHS[7] else None
    impatient = replace(shared, config=replace(QUICK, first_byte_timeout=3.0))
    results = fetched(requests(server, PATHS), folder, impatient, retries=replace(HASTY, tries=1))
    assert errors_of(results) == {7: "ServerTimeout"}
    assert len(there(folder)) == 59


def test_while_all_wait_it_is_said_why_and_for_how_long(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    server.always = Answer(status=503, headers={"Retry-After": "60"})
    patient = replace(ENDLESS, longest_wait=60)
    _, run = batch(requests(server, PATHS), folder, shared, retries=patient)
    before = time.monotonic()
    with running(run):
        until_sync(lambda: run.stats.reason)
        reason, next_try = run.stats.reason, run.stats.next_try
        run.abort()
    assert "503" in reason
    assert next_try is not None and before + 60 <= next_try <= time.monotonic() + 61


@pytest.mark.parametrize("hopeless", [Answer(429, headers={"Retry-After": "99999999"}), Answer(511)])
@pytest.mark.parametrize("which", [PATHS[7:8], PATHS])
def test_what_nobody_would_wait_for_fails_at_once(
    server: FaultServer, folder: Path, shared: JobContext, which: list[str], hopeless: Answer
) -> None:
    server.plan = lambda request: hopeless if request.target in which else None
    source, run = batch(requests(server, PATHS), folder, shared, retries=ENDLESS)
    if len(which) == 1:
        run.run()
        assert list(errors_of(source.results)) == [7]
        assert server.targets.count(PATHS[7]) == 1
    else:
        with pytest.raises(RequestError, match=r"asks to wait 1157 d|requires a login"):
            run.run()
        assert len(server.requests) < len(PATHS)


def test_a_key_that_is_refused_ends_the_run(server: FaultServer, folder: Path, shared: JobContext) -> None:
    server.always = Answer(status=401)
    auth = OriginCredentials(f"{origin(server)}/", lambda: "SECRETKEY123456")
    feed, run = batch([FileRequest(i, Link(server.url, {}, auth), f"{i}") for i in range(9)], folder, shared)
    with pytest.raises(AuthenticationError) as caught:
        run.run()
    assert feed.results == {}
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("disk", [(1 << 18, 1000), (1 << 24, 60)], indirect=True, ids=["bytes", "inodes"])
def test_a_full_disk_ends_the_run_and_nothing_has_failed(
    server: FaultServer, disk: Disk, shared: JobContext
) -> None:
    files = shelf(300)
    server.by_target = files
    out = disk.path / "out"
    feed, run = batch(requests(server, files), out, shared)
    with pytest.raises(NoSpaceError):
        run.run()
    assert errors_of(feed.results) == {}
    ends = there(out)
    assert ends.items() <= stored(files).items()
    assert {wish.path for wish in requests(server, files) if wish.key in feed.results} <= set(ends)


def test_a_pause_ends_it_at_once_and_keeps_what_arrived(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    files = shelf(400)
    server.by_target = files
    stall = Answer(after=500, end="stall")
    server.plan = lambda _: stall if len(server.requests) > 100 else None
    feed, run = batch(requests(server, files), folder, shared, retries=ENDLESS)
    with running(run) as raised:
        until_sync(lambda: len(server.requests) >= 105)
        run.abort()
        until_sync(lambda: raised)
    assert isinstance(raised[0], TransferCancelled)
    ends = there(folder)
    assert len(ends) >= 90
    assert ends.items() <= stored(files).items()
    assert {wish.path for wish in requests(server, files) if wish.key in feed.results} == set(ends)
    server.plan = None
    assert errors_of(fetched(requests(server, files), folder, shared)) == {}
    assert there(folder) == stored(files)


def test_a_run_that_was_aborted_before_it_began_does_nothing(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    _, run = batch(requests(server, PATHS), folder, shared)
    run.abort()
    with pytest.raises(TransferCancelled):
        run.run()
    assert server.requests == []


def test_a_record_that_cannot_be_written_ends_the_run(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    class Torn(MemorySource):
        def settle(self, results: Sequence[FileResult]) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    _, run = batch(Torn(requests(server, PATHS)), folder, shared)
    with pytest.raises(sqlite3.OperationalError):
        run.run()
    assert there(folder).items() <= stored(FILES).items()


def test_the_speed_limit_holds_for_all_slots_together(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    shared.limits.bandwidth.set_rate(400_000)
    began = time.monotonic()
    fetched(requests(server, PATHS), folder, shared)
    took = time.monotonic() - began
    assert there(folder) == stored(FILES)
    assert took > 0.6 * sum(map(len, FILES.values())) / 400_000


def test_a_limit_that_is_lifted_lets_all_go_on(server: FaultServer, folder: Path, shared: JobContext) -> None:
    limit: BandwidthLimiter = shared.limits.bandwidth
    limit.set_rate(1000)
    _, run = batch(requests(server, PATHS), folder, shared)
    with running(run) as raised:
        time.sleep(0.1)
        limit.set_rate(None)
    assert raised == []
    assert there(folder) == stored(FILES)


def test_wishes_are_taken_as_they_are_needed(server: FaultServer, folder: Path, shared: JobContext) -> None:
    taken = 0

    def endless() -> Iterator[FileRequest]:
        nonlocal taken
        while True:
            taken += 1
            yield FileRequest(taken, Link(f"{origin(server)}/{taken}"), f"{taken}.tif")

    server.always = Answer(before="stall")
    _, run = batch(endless(), folder, shared, retries=ENDLESS)
    with running(run):
        time.sleep(0.2)
        run.abort()
    assert taken <= 1024


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_file_that_redirects_to_a_host_without_answer_fails_alone(
    server: FaultServer, folder: Path, shared: JobContext, scheme: str
) -> None:
    """Neither a dead store nor a broken certificate behind one link is a failure of the host of all links."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    where = f"http://127.0.0.1:{port}/x" if scheme == "http" else f"https://127.0.0.1:{server.port}/x"

    def plan(request: Request) -> Answer | None:
        return Answer(status=302, headers={"Location": where}) if request.path.endswith(PATHS[3]) else None

    server.plan = plan
    results = fetched(requests(server, PATHS), folder, shared, retries=HASTY)
    assert list(errors_of(results)) == [3]
    assert there(folder) == stored({path: FILES[path] for path in PATHS if path != PATHS[3]})


def test_over_tls_the_same(folder: Path, shared: JobContext) -> None:
    authority = trustme.CA()
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(settings)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    files = shelf(60, 40_000)
    faults = iter(
        [Answer(after=1000), Answer(after=20_000, end="reset"), Answer(chunked=True), Answer(flip=7)]
    )
    with FaultServer(tls=settings) as server:
        server.by_target = files
        server.plan = lambda request: next(faults, None) if request.target.endswith("5.tif") else None
        assert errors_of(fetched(requests(server, files), folder, replace(shared, tls=trust))) == {}
        assert there(folder) == stored(files)
        with pytest.raises(ServerUnreachable):
            fetched(requests(server, files), folder / "untrusted", shared)


@pytest.mark.parametrize("large", [False, True])
def test_over_tls_the_end_of_the_connection_is_the_files_only_where_its_size_is_known(
    folder: Path, shared: JobContext, large: bool
) -> None:
    authority, settings = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(settings)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with FaultServer(tls=settings) as server:
        [path] = server.by_target = shelf(1, 100_000 if large else 3000)
        server.always, server.md5 = Answer(unframed=True), False  # without close_notify, as many end it
        [wanted] = requests(server, [path])
        context = replace(shared, tls=trust)
        assert errors_of(fetched([wanted], folder, context)) == {0: "ConnectionLost"}
        assert errors_of(fetched([wanted._replace(size=len(server.by_target[path]))], folder, context)) == {}
        assert there(folder) == stored(dict(server.by_target))


def test_behind_a_proxy_the_same(
    server: FaultServer, folder: Path, shared: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", origin(server))
    monkeypatch.delenv("no_proxy", raising=False)
    server.by_target = {"http://store.example/a.tif": b"from behind"}
    source = MemorySource([FileRequest(0, Link("http://store.example/a.tif"), "a.tif")])

    def context() -> TransferContext:
        # The program's own client has read the environment when it was made.
        return replace(shared.context(), client=HTTPClient())

    BatchDownload(source, folder, context).run()
    assert errors_of(source.results) == {}
    assert there(folder) == {"a.tif": b"from behind"}


_KILLED = """
import sys
from pathlib import Path
from tests.transfer.batch_support import MemorySource
from tests.transfer.batch_support import batch, kit, requests, shelf

class Server:
    url = sys.argv[1]

class Noted(MemorySource):
    def settle(self, results):
        with open(sys.argv[3], "a") as record:
            record.writelines(f"{result.key}\\n" for result in results)

batch(Noted(requests(Server, shelf(600))), Path(sys.argv[2]), kit(Path(sys.argv[4])))[1].run()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_kill_9_at_random_moments_leaves_no_wrong_file_and_no_wrong_record(
    server: FaultServer, folder: Path, shared: JobContext, tmp_path: Path
) -> None:
    files = shelf(600)
    server.by_target = files
    server.plan = lambda _: Answer(pace=0.002, piece=2000)
    record = tmp_path / "record"
    moments = random.Random()
    names = [wish.path for wish in requests(server, files)]
    for _ in range(4):
        server.requests.clear()
        command = [sys.executable, "-c", _KILLED, server.url, str(folder), str(record), str(tmp_path / "h")]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        while not server.requests and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        ends = there(folder)
        whole = {path: data for path, data in ends.items() if not path.endswith(".part")}
        assert whole.items() <= stored(files).items()
        recorded = record.read_text().split() if record.exists() else []
        assert {names[int(key)] for key in recorded} <= set(whole)
    server.plan = None
    assert errors_of(fetched(requests(server, files), folder, shared)) == {}
    assert there(folder) == stored(files)


def test_a_feed_that_gives_one_wish_twice_ends_the_run(
    server: FaultServer, folder: Path, shared: JobContext
) -> None:
    twice = [*requests(server, PATHS), FileRequest(3, Link(server.url), "other.tif")]
    _, run = batch(twice, folder, shared)
    with pytest.raises(ValueError, match="twice"):
        run.run()
    assert there(folder).items() <= stored(FILES).items()


_HANGING = """
import socket, sys, threading, time
from pathlib import Path
from mlhub_tui.http.credentials import Link
from mlhub_tui.transfer.work_source import FileRequest
from tests.transfer.batch_support import batch, kit

asked = threading.Event()

def hang(*_, **__):
    asked.set()
    time.sleep(600)

socket.getaddrinfo = hang
wanted = [FileRequest(0, Link("http://slow.invalid/a"), "a")]
_, run = batch(wanted, Path(sys.argv[1]), kit(Path(sys.argv[2])))
threading.Thread(target=run.run, daemon=True).start()
assert asked.wait(60)
"""


def test_the_lookup_of_a_name_that_hangs_does_not_keep_the_program_from_ending(
    folder: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _HANGING, str(folder), str(tmp_path / "h")]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], timeout=120, check=False).returncode == 0
