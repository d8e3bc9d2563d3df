"""How a cluster behaves towards servers, and what it does when it is told to pause, to go on, to slow."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from mlhub_tui.queue.job import JobState
from tests.queue.dataset_support import reached
from tests.support.http_server import Answer, Request

from .runs import queue_for, settle, wish
from .support import Bucket, DaskCluster, Field, tree

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]


async def test_all_workers_together_have_no_more_connections_to_a_host_than_allowed(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 300) as field:
        field.server.always = Answer()

        def slowly(request: Request) -> Answer | None:
            time.sleep(0.01)
            return None

        field.before = slowly
        job = await settle(field, mlhub_home, wish(field, out, cluster, connections=3))
    assert job.state is JobState.DONE, job
    assert 2 <= field.server.most_connected <= 3 + 2  # two are the client's own, for API and catalog


async def test_a_host_that_refuses_is_left_alone_by_all_workers(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    asked: list[float] = []
    refused: list[float] = []

    def refuse_once(request: Request) -> Answer | None:
        if "/files/" not in request.target:
            return None
        now = time.monotonic()
        asked.append(now)
        if not refused and len(asked) > 60:
            refused.append(now)
            return Answer(429, headers={"Retry-After": "8"}, body=b"")
        return None

    with Field(tmp_path, 1500) as field:
        field.before = refuse_once
        job = await settle(field, mlhub_home, wish(field, out, cluster, connections=4))
        assert tree(out / "crops" / "fields") == {
            name.removeprefix("fields/"): data for name, data in field.contents.items()
        } | {name: data for name, data in tree(out / "crops" / "fields").items() if name.endswith(".json")}
    assert job.state is JobState.DONE, job
    # All of them hear of it some time within the eight seconds, and leave it alone for what is left of these.
    after = [moment for moment in asked if moment >= refused[0]]
    longest, end = max((later - earlier, later) for earlier, later in pairwise(after))
    assert longest > 1.0
    assert end > refused[0] + 7.9


async def test_a_paused_job_asks_for_nothing_and_goes_on_where_it_was(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 900) as field:
        gate = threading.Event()

        def slowly(request: Request) -> Answer | None:
            if "/files/" in request.target and not gate.is_set():
                time.sleep(0.02)
            return None

        field.before = slowly
        queue = queue_for(field, mlhub_home)
        try:
            job = await queue.add(wish(field, f"s3://{store.name}/out", cluster))
            await reached(queue, job.id, lambda job: job.bytes_done > 0 and field.fetched > 100)
            shown = await reached(queue, job.id, lambda job: "worker" in job.reason)
            assert "on 2 workers" in shown.reason
            await queue.pause(job.id)
            await reached(queue, job.id, lambda job: job.state is JobState.PAUSED)
            await _quiet(field)
            assert field.fetched < 900
            gate.set()
            await queue.resume(job.id)
            done = (await queue.wait([job.id]))[0]
        finally:
            await asyncio.to_thread(queue.stop, 60)
        assert done.state is JobState.DONE, done
        assert field.again <= 64
    assert len(store.keys("out/crops/fields")) == len(field.contents) + 1 + 9  # and its documents


async def _quiet(field: Field, patience: float = 60) -> None:
    """Wait until nothing has been asked for a second."""
    deadline = time.monotonic() + patience
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 1.0:
        assert time.monotonic() < deadline, "it goes on asking"
        if field.fetched != seen:
            seen, since = field.fetched, time.monotonic()
        await asyncio.sleep(0.05)


async def test_a_speed_limit_holds_for_all_workers_together(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 100, size=20_000) as field:
        queue = queue_for(field, mlhub_home)
        try:
            await queue.change(limit=1_000_000)
            began = time.monotonic()
            job = await queue.add(wish(field, out, cluster))
            done = (await queue.wait([job.id]))[0]
        finally:
            await asyncio.to_thread(queue.stop, 60)
    assert done.state is JobState.DONE, done
    assert time.monotonic() - began > 1.5  # 2 MB, at 1 MB a second


async def test_a_retry_fetches_only_what_failed_and_a_cancelled_job_asks_for_nothing_more(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 600, broken=("gone",)) as field:
        queue = queue_for(field, mlhub_home)
        try:
            job = await queue.add(wish(field, f"s3://{store.name}/out", cluster))
            failed = (await queue.wait([job.id]))[0]
            assert (failed.state, failed.files_done, failed.files_failed) == (JobState.FAILED, 600, 1)
            field.add("more", "gone", b"here after all")
            before = field.fetched
            await queue.retry(job.id)
            done = (await queue.wait([job.id]))[0]
            assert (done.state, done.files_done) == (JobState.DONE, 601), done
            assert field.fetched - before == 1
            assert store.get("out/crops/err_report.csv") == b""

            field.before = lambda request: time.sleep(0.02) if "/files/" in request.target else None
            other = await queue.add(wish(field, f"s3://{store.name}/other", cluster))
            await reached(queue, other.id, lambda job: job.bytes_done > 0 and field.fetched > before + 60)
            await queue.cancel(other.id)
            await reached(queue, other.id, lambda job: job.state is JobState.CANCELLED)
            await _quiet(field)
            assert field.fetched < before + 500
        finally:
            await asyncio.to_thread(queue.stop, 60)
