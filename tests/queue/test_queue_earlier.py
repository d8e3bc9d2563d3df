"""A queue that version 0.1.0 wrote: its jobs, logs, settings and parts are there, and continue."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from pathlib import Path

from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.requests import AssetRequest, DatasetRequest
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.library import verify_job
from mlhub_tui.queue.runner import QueueSettings
from tests.support.fault_server import FaultServer
from tests.support.waiting import until

from .conftest import Queues
from .support import Links, content

RECORDED = Path(__file__).with_name("queue_0_1_0.sql")
HALF = 600_000


def restore(home: Path, folder: Path, server: FaultServer) -> None:
    """Write the recorded database, and the files that were beside it."""
    folder.mkdir()
    home.mkdir()
    (folder / "done.tar.gz").write_bytes(content(5000))
    for name in ("half", "lost"):
        (folder / f"{name}.tar.gz.part").write_bytes(content()[:HALF])
    script = RECORDED.read_text().replace("/tmp/mlhub-0.1.0/out", str(folder))
    with sqlite3.connect(home / "queue.db") as db:
        db.executescript(re.sub(r"http://127\.0\.0\.1:\d{3,}", server.origin, script))
        for part in folder.glob("*.part"):
            status = part.stat()
            inode = f"{status.st_dev}:{status.st_ino}"
            db.execute("UPDATE parts SET inode = ? WHERE path = ?", (inode, str(part)))
        db.execute("UPDATE runners SET host = 'another', beat = 0")  # clocks may be behind the record's


async def test_a_queue_of_version_0_1_0_is_read_and_continued(queues: Queues, mlhub_home: Path) -> None:
    restore(mlhub_home, queues.folder, queues.server)
    with QueueClient(queues.database) as client:
        jobs = {job.name.removesuffix(".tar.gz"): job for job in client.jobs()}
        assert {name: job.state for name, job in jobs.items()} == {
            "done": JobState.DONE,
            "half": JobState.PAUSED,
            "gone": JobState.FAILED,
            "locked": JobState.NEEDS_KEY,
            "busy": JobState.QUEUED,  # it waited for its next try
            "given-up": JobState.CANCELLED,
            "lost": JobState.QUEUED,  # its program is gone
            "fields/one/B01.tif": JobState.QUEUED,
            "crops": JobState.PAUSED,
        }
        assert jobs["lost"].bytes_done == HALF
        assert jobs["gone"].reason.startswith("the archive of collection gone does not exist")
        assert jobs["locked"].request.profile == "mine"
        asset, dataset = jobs["fields/one/B01.tif"].request, jobs["crops"].request
        assert isinstance(asset, AssetRequest)
        assert (asset.item_id, asset.key, asset.size) == ("one", "B01", 300)
        assert isinstance(dataset, DatasetRequest)
        fields = (("fields", frozenset({"a"})),)
        assert dataset.filters == Filters(collections=fields, bbox=dataset.filters.bbox)
        verified = verify_job(jobs["done"], lambda _: None, threading.Event())
        assert str(verified) == "whole: size, MD5, gzip CRC"
        assert [event.words for event in client.repository.log_of(jobs["busy"].id)][-1].endswith(
            "next try in 1 h"
        )
        assert client.repository.settings() == QueueSettings(50_000_000, transfers=16, per_host=16)
    queue = queues.start(
        Links(lambda request: f"{queues.server.origin}/store/{request.collection_id}.tar.gz")
    )
    await until(lambda: len(queue.snapshot()) == 9)
    await queue.resume(jobs["half"].id)
    [half, lost] = await queue.wait([jobs["half"].id, jobs["lost"].id])
    assert (half.state, lost.state) == (JobState.DONE, JobState.DONE)
    assert all((queues.folder / f"{name}.tar.gz").read_bytes() == content() for name in ("half", "lost"))
    asked = {request.target: request.range for request in queues.server.gets}
    overlap = 64 << 10  # at most so much is read again, to compare
    for name in ("half", "lost"):
        found = re.match(r"bytes=(\d+)-", asked[f"/store/{name}.tar.gz"] or "")
        assert found
        assert HALF - overlap <= int(found[1]) <= HALF
    states = {job.name: job.state for job in queue.snapshot()}
    assert (states["done.tar.gz"], states["crops"]) == (JobState.DONE, JobState.PAUSED)
    words = [event.words for event in await queue.log(lost.id)]
    assert "taken over: the program that ran it is gone" in words
    await asyncio.to_thread(queue.stop, 60)
