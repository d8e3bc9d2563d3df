"""`kill -9` at random moments of a dataset of 5,000 assets: it ends as it does without."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from functools import partial
from pathlib import Path

import pytest

from mlhub_tui.planning.manifest import FileStatus, Manifest, manifest_path
from mlhub_tui.queue.job import JobState
from tests.support.fault_server import FaultServer
from tests.support.waiting import until_sync
from tests.transfer.batch_support import origin

from .dataset_support import CATALOG, CROPS, assets_in, queue_at, reached, shops, stock, wish
from .nest import Nest, end, is_gone

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")

FILES = 5000
KILLS = 10


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_ten_random_moments_it_ends_as_without(mlhub_home: Path, tmp_path: Path) -> None:
    chance, out = random.Random(5), tmp_path / "out"
    settled: list[tuple[int, set[str]]] = []
    with FaultServer() as server, Nest() as nest:
        contents = stock(server, tmp_path, FILES)
        for number in range(KILLS):
            before = len(server.requests)
            victim = nest.hatch(str(mlhub_home), origin(server), str(out), "--dataset")
            # The first ones while it plans; the others when so many files more have been asked for.
            if number < 3:
                time.sleep(chance.uniform(0.05, 0.6))
            else:
                left = FILES - len(settled[-1][1])
                wanted = before + 1 + chance.randrange(max(1, left // 2))
                until_sync(partial(asked_or_gone, server, wanted, victim))
                time.sleep(chance.uniform(0.0, 0.3))
            end(victim)
            found = assets_in(out / CROPS)
            assert all(contents[path] == data for path, data in found.items())
            settled.append((len(server.requests), done_of(out)))
            assert settled[-1][1] <= found.keys()
        assert any(0 < len(paths) < FILES for _, paths in settled)
        queue = queue_at(mlhub_home, shops(server))
        done = await reached(queue, 1, lambda job: job.state is JobState.DONE)
        await asyncio.to_thread(queue.stop, 60)
        log = list(server.requests)
    assert (done.files_done, done.files_failed, done.reason) == (FILES, 0, f"{FILES:,} files")
    assert assets_in(out / CROPS) == contents
    assert (out / CROPS / "err_report.csv").read_bytes() == b""
    assert not [path for path in out.rglob("*") if path.name.endswith((".part", ".unpacking", ".copy"))]
    assert not list(out.rglob(".*"))
    # Each kill repeats what was on its way and what was not put away yet, never what was.
    for at, paths in settled:
        later = {request.target for request in log[at:] if request.method == "GET"}
        assert later.isdisjoint(path.replace("fields", "/store", 1) for path in paths)
    assert sum(request.target == CATALOG and request.method == "GET" for request in log) <= 4
    with sqlite3.connect(mlhub_home / "queue.db") as db:
        assert db.execute("SELECT count(*) FROM parts WHERE path LIKE '%.tif.part'").fetchone() == (0,)


def asked_or_gone(server: FaultServer, count: int, pid: int) -> bool:
    """Return whether a server had so many requests, or who asks has ended: files in place need none."""
    return is_gone(pid) or len(server.requests) >= count


def done_of(folder: Path) -> set[str]:
    """Return the save paths of the files that are noted as done."""
    path = manifest_path(wish(folder))
    if not path.exists():
        return set()
    with Manifest(path) as files:
        return {entry.file.path for entry in files.entries(FileStatus.DONE, most=FILES)}
