"""Manifest of a dataset on disk: its files, which of them a job wants, what became of each, what is next.

It stands on its own: the index it was made from may be rebuilt or removed. What a transaction settled
survives a kill at any moment; a power cut may undo the last ones, and then those files are checked again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import Any, Self

from .. import paths
from ..errors import DownloadError, TargetBusy
from ..fileio import make_private_folder, remove_database, translate_os_error, try_lock
from ..text import one_line
from ..transfer.engine import TransferCancelled
from .requests import DatasetRequest
from .selection import PlannedFile

Found = tuple[int, int | None]
"""Bytes of a file, and its time in nanoseconds where that is to be compared too."""
_VERSION = 1
BATCH = 5000  # files in a statement or a page
_BUSY = 10.0  # seconds for another program's transaction
_PATIENCE = 10.0  # seconds: a run of another program may still be storing what had arrived
_TICK = 0.02
_MAX_AGE = 180 * 86400.0  # seconds after which the manifest of a folder that nobody downloads to is removed

_TABLES = f"""
BEGIN IMMEDIATE;
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
PRAGMA user_version={_VERSION};
COMMIT;
"""
"""As version 0.1.0 wrote them. `file.job` is 1 for the files of the job; `leader` is the file of the same
URL that is fetched instead. `fate` has the status of each and, of one that is done, its bytes and time
(nanoseconds) as they were then; it is apart so that progress writes little. `trouble` tells why a file
failed. No column holds a key but what a URL of the catalog holds."""
_CHECKPOINTS = "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL)"


class FileStatus(IntEnum):
    """What became of a file."""

    WANTED = 1
    DONE = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class ManifestStats:
    """The files of a job by status, and the bytes of those that are done and of all whose size is known."""

    wanted: int = 0
    done: int = 0
    failed: int = 0
    bytes_done: int = 0
    bytes_known: int = 0
    unknown: int = 0

    @property
    def files(self) -> int:
        """Files in all."""
        return self.wanted + self.done + self.failed

    @property
    def bytes_total(self) -> int | None:
        """Bytes in all; None while a file's size is neither stated nor known from fetching it."""
        return None if self.unknown else self.bytes_known


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A file of a job: its status and, if it failed, why and what to do next."""

    id: int
    file: PlannedFile
    status: FileStatus
    size: int | None
    error: str = ""
    hint: str = ""


class Manifest:
    """A manifest file, created if missing; calls block, from any thread.

    A damaged one is replaced: then what is on disk is checked again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._connect()

    def _connect(self) -> None:
        make_private_folder(self.path.parent)
        try:
            self._db = _connect(self.path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the disk is full, say: what is in it is whole
                raise
            remove_database(self.path)
            self._db = _connect(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements as one transaction."""
        with self._guard, self._db:  # committed as a whole, or rolled back
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db

    def rows(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """Return the rows of a query."""
        with self._guard:
            return self._db.execute(sql, values).fetchall()

    def want(self, wanted: Iterable[PlannedFile]) -> ManifestStats:
        """Make these the job's files, all or none: those that are done stay done, the others are wanted.

        A file whose URL, size or checksum changed is wanted again. Each path comes once; they are taken one
        by one.
        """
        with self.transaction() as db:
            db.execute("UPDATE file SET job = 0, changed = 0 WHERE job OR changed")
            following = iter(wanted)
            while batch := list(islice(following, BATCH)):
                names = dict.fromkeys(name for file in batch for name in (file.collection, file.key))
                db.executemany("INSERT OR IGNORE INTO label (name) VALUES (?)", ((name,) for name in names))
                label: dict[str, int] = dict(db.execute("SELECT name, id FROM label"))
                rows = [(*f[:4], int(f.page), label[f.collection], f.item, label[f.key]) for f in batch]
                db.executemany(_WANT, rows)
            for statement in (*_WANTED, *_LEADERS):
                db.execute(statement)
        return self.stats()

    def want_again(self, *, failed_only: bool = True) -> int:
        """Have the failed files of the job, or all of them, fetched again; return how many."""
        with self.transaction() as db:
            which = "state = 3 AND " if failed_only else ""
            changed = db.execute(f"UPDATE fate SET state = 1 WHERE {which}{_OF_JOB}")
            db.execute(_FORGET_ERRORS)
            return changed.rowcount

    def lost(
        self, look: Callable[[Sequence[str]], Sequence[Found | None]], *, gone_only: bool = False
    ) -> Iterator[tuple[int, str]]:
        """Yield id and path of the files that are done, and gone or changed (with `gone_only` the former).

        `look` returns bytes and times of the files at some paths, None for those that do not exist.
        """
        last = 0
        while rows := self.rows(_DONE, (last, BATCH)):
            last = rows[-1][0]
            for (number, path, size, mtime), found in zip(rows, look([row[1] for row in rows]), strict=True):
                changed = found is not None and (found[0] != size or found[1] not in (None, mtime))
                if found is None or (changed and not gone_only):
                    yield number, path

    def stats(self) -> ManifestStats:
        """Return the job's files by status."""
        return _stats(self.rows(_STATS))

    def entries(
        self, status: FileStatus | None = None, *, after: int = 0, skip: int = 0, most: int = 1000
    ) -> list[ManifestEntry]:
        """Return files of the job in the order of the catalog, of one status or of all.

        They are those after the entry of the id `after`, so many of them skipped, `most` at most.
        """
        first, last = (1, 3) if status is None else (int(status), int(status))
        return [
            ManifestEntry(number, PlannedFile(*file), FileStatus(state), size, error or "", hint or "")
            for number, state, size, error, hint, *file in self.rows(
                _ENTRIES, (after, first, last, most, skip)
            )
        ]

    def all_entries(self, status: FileStatus) -> Iterator[ManifestEntry]:
        """Yield the files of the job of one status, some in memory at a time."""
        last = 0
        while batch := self.entries(status, after=last):
            yield from batch
            last = batch[-1].id

    def set_checkpoint(self, name: str, value: str = "done") -> None:
        """Record that a part of the request is done."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))

    def get_checkpoint(self, name: str) -> str:
        """Return what was recorded of the request; empty where nothing was."""
        rows = self.rows("SELECT value FROM note WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def begin(self, request_id: str) -> None:
        """Begin a request, or resume it; of a new one and of one that ended no part is done."""
        if self.get_checkpoint("stamp") == request_id and not self.get_checkpoint("ended"):
            return
        with self.transaction() as db:
            db.execute("DELETE FROM note")
            db.execute("INSERT INTO note VALUES ('stamp', ?)", (request_id,))


class LockedManifest(Manifest):
    """The manifest of a request's folder, which one run has alone, from `open` to `close`."""

    def __init__(self, request: DatasetRequest) -> None:
        self._request = request
        self._lock = -1
        self._given_up = False
        super().__init__(manifest_path(request))

    def _connect(self) -> None:
        """Leave that to `open`."""

    def open(self) -> Self:
        """Wait until no other run has it, and open it.

        Raises TargetBusy if another program downloads to the same folder; TransferCancelled if `give_up` was
        called meanwhile; OutputFolderError if MLHUB_HOME cannot be written.
        """
        try:
            make_private_folder(self.path.parent)
            _remove_old(self.path.parent, keep=self.path)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise translate_os_error(error, self.path.parent) from error
        try:
            deadline = time.monotonic() + _PATIENCE
            while not try_lock(lock):
                if self._given_up:
                    raise TransferCancelled
                if time.monotonic() > deadline:
                    folder = one_line(self._request.asset_folder, 200)
                    raise TargetBusy(f"another program downloads to {folder}")
                time.sleep(_TICK)
            super()._connect()
        except BaseException:
            os.close(lock)
            raise
        self._lock = lock
        return self

    def give_up(self) -> None:
        """End the wait of `open`; from any thread."""
        self._given_up = True

    def close(self) -> None:
        """Close it, and let others have it."""
        if self._lock >= 0:
            super().close()
            os.close(self._lock)
            self._lock = -1


def manifest_path(request: DatasetRequest) -> Path:
    """Return the path of the manifest of a dataset's folder of assets, existing or not."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(request.asset_folder))).hexdigest()[:24]
    return paths.work() / "datasets" / f"{name}.db"


def read_stats(path: Path) -> ManifestStats | None:
    """Return the files of a manifest by status, without changing it; None where it cannot be read."""
    rows = read_rows(path, _STATS)
    return None if rows is None else _stats(rows)


def read_rows(path: Path, query: str, values: Sequence[object] = ()) -> list[Any] | None:
    """Return what a query finds in a manifest, without changing it; None where it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()
    except sqlite3.Error:
        return None


def _stats(rows: Sequence[Any]) -> ManifestStats:
    numbers = {FileStatus(row[0]): row[1:] for row in rows}
    wanted, done, failed = (numbers.get(status, (0, 0, 0)) for status in FileStatus)
    known, unknown = (sum(row[at] for row in numbers.values()) for at in (1, 2))
    return ManifestStats(wanted[0], done[0], failed[0], int(done[1]), int(known), unknown)


def _remove_old(folder: Path, keep: Path) -> None:
    """Remove manifests not used for long: their files would be checked again, and not be fetched."""
    oldest = time.time() - _MAX_AGE
    for path in folder.glob("*.db"):
        with contextlib.suppress(OSError):
            if path != keep and path.stat().st_mtime < oldest:
                remove_database(path)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            words = f"the list of files is of version {version}, this program knows {_VERSION}"
            raise DownloadError(words, hint="start the newer version")
        if version == 0:
            db.executescript(_TABLES)
        db.execute(_CHECKPOINTS)
        path.chmod(0o600)
    except BaseException:
        db.close()
        raise
    return db


_OF_JOB = "id IN (SELECT id FROM file WHERE job)"
_WANT = """
INSERT INTO file (path, href, size, checksum, page, collection, item, key, job)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (path) DO UPDATE SET
    changed = href <> excluded.href OR size IS NOT excluded.size OR checksum <> excluded.checksum,
    href = excluded.href, size = excluded.size, checksum = excluded.checksum, page = excluded.page,
    collection = excluded.collection, item = excluded.item, key = excluded.key, job = excluded.job
"""
_FORGET_ERRORS = "DELETE FROM trouble WHERE id IN (SELECT id FROM fate WHERE state = 1)"
_WANTED = (
    "INSERT OR IGNORE INTO fate (id, state) SELECT id, 1 FROM file WHERE job",
    "UPDATE fate SET state = 1 WHERE id IN (SELECT id FROM file WHERE job AND changed) "
    f"OR (state = 3 AND {_OF_JOB})",
    _FORGET_ERRORS,
)
_LEADERS = (
    "UPDATE file SET leader = NULL WHERE leader IS NOT NULL",
    "CREATE TEMP TABLE same AS "
    "SELECT href, coalesce(min(CASE WHEN state = 2 THEN id END), min(id)) AS first "
    "FROM file JOIN fate USING (id) WHERE job AND href <> '' GROUP BY href HAVING count(*) > 1",
    "CREATE UNIQUE INDEX temp.sames ON same (href)",
    "UPDATE file SET leader = same.first FROM same "
    "WHERE file.job AND file.href = same.href AND file.id <> same.first",
    "DROP TABLE temp.same",
)
"""Files of one URL: the first is fetched, the others are made from it."""
_STATS = """
SELECT state, count(*), total(coalesce(bytes, size, 0)), sum(coalesce(bytes, size) IS NULL)
FROM file JOIN fate ON fate.id = file.id WHERE job GROUP BY state
"""
_ENTRIES = """
SELECT file.id, state, coalesce(bytes, size), error, hint,
    path, href, size, checksum, page <> 0, c.name, item, k.name
FROM file JOIN fate ON fate.id = file.id LEFT JOIN trouble ON trouble.id = file.id
JOIN label AS c ON c.id = file.collection JOIN label AS k ON k.id = file.key
WHERE file.id > ? AND job AND state BETWEEN ? AND ? ORDER BY file.id LIMIT ? OFFSET ?
"""
_DONE = """
SELECT file.id, path, coalesce(bytes, size), mtime FROM file JOIN fate ON fate.id = file.id
WHERE state = 2 AND job AND file.id > ? ORDER BY file.id LIMIT ?
"""
