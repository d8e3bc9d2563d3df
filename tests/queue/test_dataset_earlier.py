"""A dataset that version 0.1.0 left half done: its work list, its parts and its files are continued."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from pathlib import Path

from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import JobState
from tests.support.fault_server import FaultServer
from tests.transfer.batch_support import origin

from .dataset_support import CATALOG, CROPS, assets_in, queue_at, settle, shops, stock, wish
from .support import content

LIST_0_1_0 = """
CREATE TABLE label (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, href TEXT NOT NULL, size INTEGER,
    checksum TEXT NOT NULL, page INTEGER NOT NULL, collection INTEGER NOT NULL, item TEXT,
    key INTEGER NOT NULL, job INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0, leader INTEGER
);
CREATE INDEX followers ON file (leader) WHERE leader IS NOT NULL;
CREATE TABLE fate (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, bytes INTEGER, mtime INTEGER);
CREATE INDEX fates ON fate (state);
CREATE TABLE trouble (id INTEGER PRIMARY KEY, error TEXT NOT NULL, hint TEXT NOT NULL);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO label VALUES (1, 'fields'), (2, 'a'), (3, 'b');
PRAGMA user_version = 1;
"""
"""What version 0.1.0 wrote for each dataset, to `datasets/HASH.db` in its folder."""

PARTS_0_1_0 = """
INSERT INTO parts (path, runner, generation, url, total, etag, modified, digests, inode, synced, extents)
VALUES (?, NULL, 3, ?, ?, '"v1"', 'Thu, 26 Aug 2021 19:16:05 GMT', ?, ?, ?, '')
"""

LARGE = content(6 << 20)


def write_list(home: Path, folder: Path, rows: list[tuple[str, str, int, int]], stamp: str) -> None:
    """Write a work list: of each file its path, URL, size and state (1 wanted, 2 done, 3 failed)."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:24]
    (home / "datasets").mkdir(mode=0o700, parents=True)
    with sqlite3.connect(home / "datasets" / f"{name}.db") as db:
        db.executescript(LIST_0_1_0)
        for number, (path, href, size, state) in enumerate(rows, 1):
            _, item, file = path.split("/")
            label = {"a.tif": 2, "b.tif": 3}[file]
            db.execute(
                "INSERT INTO file VALUES (?, ?, ?, ?, '', 0, 1, ?, ?, 1, 0, NULL)",
                (number, path, href, size, item, label),
            )
            done = (size, (folder / path).stat().st_mtime_ns) if state == 2 else (None, None)
            db.execute("INSERT INTO fate VALUES (?, ?, ?, ?)", (number, state, *done))
            if state == 3:
                db.execute("INSERT INTO trouble VALUES (?, 'answered 404 Not Found', '')", (number,))
        db.executemany("INSERT INTO note VALUES (?, ?)", [("stamp", stamp), ("listed", "done"), ("told", "")])


async def test_what_version_0_1_0_left_half_done_is_continued(
    server: FaultServer, mlhub_home: Path, tmp_path: Path
) -> None:
    contents, out = stock(server, tmp_path, 12), tmp_path / "out"
    large = "fields/i00005/b.tif"
    contents[large] = LARGE
    server.by_target = {**server.by_target, "/store/i00005/b.tif": LARGE}
    folder, request = out / CROPS, wish(out)
    states = [2, 2, 2, 2, 2, 3, 1, 1, 1, 1, 1, 1]
    rows = []
    for (path, data), state in zip(contents.items(), states, strict=True):
        if state == 2:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        url = f"{origin(server)}/store/{path.removeprefix('fields/')}"
        rows.append((path, url, len(data), state))
    renamed, stale = (folder / list(contents)[number] for number in (6, 7))
    for place in (renamed, stale, folder / large):
        place.parent.mkdir(parents=True, exist_ok=True)
    renamed.write_bytes(list(contents.values())[6])  # has its name, was not recorded yet
    stale.with_name(f"{stale.name}.part").write_bytes(b"x" * 90)
    part = folder / f"{large}.part"
    half = 4 << 20
    part.write_bytes(LARGE[:half])
    write_list(mlhub_home, folder, rows, request.request_id)
    status, digest = part.stat(), f"md5:{hashlib.md5(LARGE).hexdigest()}"
    Database(mlhub_home / "queue.db").close()
    with sqlite3.connect(mlhub_home / "queue.db") as db:
        record = (f"{origin(server)}/store/i00005/b.tif", len(LARGE), digest)
        db.execute(PARTS_0_1_0, (str(part), *record, f"{status.st_dev}:{status.st_ino}", half))
    queue = queue_at(mlhub_home, shops(server))
    try:
        job = await settle(queue, request)
    finally:
        await asyncio.to_thread(queue.stop, 60)
    assert (job.state, job.files_done, job.files_failed) == (JobState.DONE, 12, 0)
    assert assets_in(folder) == contents
    assert not list(folder.rglob("*.part"))
    asked = [request.target for request in server.gets if request.target != CATALOG]
    wanted = [path for path, state in zip(contents, states, strict=True) if state != 2]
    fetched = {f"/store/{path.removeprefix('fields/')}" for path in wanted if folder / path != renamed}
    assert set(asked) == fetched
    assert server.sent < len(LARGE) - half + (1 << 20), "of the large file only what was missing"
