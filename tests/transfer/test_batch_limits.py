"""Several runs at one host: together they ask no more of it than one would, in equal parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlhub_tui.http.limits import HostLimits
from mlhub_tui.planning.resolver import JobContext
from mlhub_tui.transfer.work_source import FileRequest
from tests.queue.support import ENDLESS
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.support.waiting import PATIENCE, until_sync

from .batch_support import CONFIG, batch, requests, shelf

FILES = shelf(120)
PATHS = list(FILES)


def test_two_runs_keep_to_the_limit_of_one_and_both_get_on(
    server: FaultServer, tmp_path: Path, shared: JobContext
) -> None:
    server.always = Answer(pace=0.01, piece=1 << 10)
    begun = threading.Barrier(2)

    def wishes(paths: list[str]) -> Iterator[FileRequest]:
        begun.wait(PATIENCE)
        yield from requests(server, paths)

    runs = [batch(wishes(PATHS[n::2]), tmp_path / str(n), shared, retries=ENDLESS) for n in range(2)]
    threads = [threading.Thread(target=run.run) for _, run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [run.stats.fetched for _, run in runs] == [60, 60]
    assert server.most <= CONFIG.per_host
    asked = [request.target for request in server.gets]
    early = {path for path in PATHS if path in asked[:60]}
    assert min(len(early & set(PATHS[n::2])) for n in range(2)) > 10, "neither waited for the other to end"
    assert shared.limits.hosts.try_acquire("any", "one", 1), "nothing of theirs is left behind"


def test_a_host_that_asks_one_run_for_retries_gets_it_from_the_other(
    tmp_path: Path, shared: JobContext
) -> None:
    mine, others = PATHS[:40], PATHS[40:42]
    with FaultServer() as server:
        server.by_target = FILES
        came: list[tuple[float, str]] = []

        def refuse_once(request: Request) -> Answer | None:
            came.append((time.monotonic(), request.target))
            return Answer(status=503, headers={"Retry-After": "1"}) if len(came) == 1 else None

        server.plan = refuse_once
        patient = replace(ENDLESS, longest_wait=1.0)
        _, first = batch(requests(server, mine), tmp_path / "a", shared, retries=patient)
        thread = threading.Thread(target=first.run)
        thread.start()
        until_sync(lambda: first.stats.reason)
        _, second = batch(requests(server, others), tmp_path / "b", shared, retries=patient)
        second.run()
        thread.join(60)
    assert second.stats.fetched == 2
    assert min(moment for moment, target in came if target in others) > came[0][0] + 0.99


def test_parts_are_equal_and_nobody_is_left_without_one() -> None:
    now = 0.0
    share = HostLimits(4, lambda: now)
    assert [share.try_acquire("h", "a", 4) for _ in range(5)] == [True] * 4 + [False]
    assert not share.try_acquire("h", "b", 4), "there is no room yet"
    share.release("h", "a")
    share.release("h", "a")
    assert not share.try_acquire("h", "a", 4), "another wants its part"
    assert share.try_acquire("h", "b", 4)
    assert share.try_acquire("h", "b", 4)
    assert share.try_acquire("other", "a", 4)
    share.release("h", "b")
    share.release("h", "b")
    now = 5.0
    assert share.try_acquire("h", "a", 4), "the other has not asked for a while"
    share.block("h", 9.0)
    share.forget("a")
    share.forget("b")
    assert share.blocked_until("h") == 9.0
    assert share.blocked_until("elsewhere") == 0.0
