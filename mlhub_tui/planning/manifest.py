"""The work list: the files of one dataset on disk, which of them are wanted, and what became of each.

It stands on its own: the index it was made of may be rebuilt or removed meanwhile. What a transaction settled
outlives a kill at any moment; a power cut may take the last ones back, and then those files are looked at
again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import DownloadError
from ..storage import make_private_folder
from .manifest_schema import TABLES, VERSION
from .planned_files import PlannedFile
from .string_table import Names

_BATCH = 5000
_WAIT = 10.0  # seconds for another program's transaction


class ManifestTooNew(DownloadError):
    """The work list was written by a later version of this program."""

    default_hint = "start the newer version"


class FileStatus(IntEnum):
    """What became of a file."""

    WANTED = 1
    DONE = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class ManifestStats:
    """How a job stands: its files by fate, and bytes of those that are done."""

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
        """Bytes in all; None while a file's size is neither stated nor known by fetching it."""
        return None if self.unknown else self.bytes_known


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a job as it is shown: with its fate and, if it failed, why and what to do next."""

    id: int
    file: PlannedFile
    fate: FileStatus
    size: int | None
    error: str = ""
    hint: str = ""


class Manifest:
    """The work list in a database file; calls block, from any thread.

    Parameters
    ----------
    path
        The file; made if need be. One that is damaged is made anew: what is on disk is looked at again.
    """

    def __init__(self, path: Path) -> None:
        make_private_folder(path.parent)
        self.path = path
        self._lock = threading.RLock()
        try:
            self._db = _connect(path)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._db = _connect(path)
        self._labels = Names(self._db, "label")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements as one transaction: all of them last, or none."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                self._labels.clear()  # what was made in this transaction is gone
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def want(self, wanted: Iterable[PlannedFile], *, add: bool = False) -> ManifestStats:
        """Make these the job's files: those that are done stay done, all others are to be fetched.

        All or nothing, also if the program is killed. A file whose URL, size or checksum is another than it
        was is looked at again.

        Parameters
        ----------
        wanted
            The files, each path once; taken one by one.
        add
            Whether the files of the job so far stay in it.
        """
        with self.transaction() as db:
            if not add:
                db.execute("UPDATE file SET job = 0 WHERE job")
            db.execute("UPDATE file SET changed = 0 WHERE changed")
            following = iter(wanted)
            while batch := list(islice(following, _BATCH)):
                db.executemany(_WANT, [self._row(file) for file in batch])
            db.execute("INSERT OR IGNORE INTO fate (id, state) SELECT id, 1 FROM file WHERE job")
            db.execute(
                "UPDATE fate SET state = 1 WHERE id IN (SELECT id FROM file WHERE job AND changed) "
                "OR (state = 3 AND id IN (SELECT id FROM file WHERE job))"
            )
            db.execute("DELETE FROM trouble WHERE id IN (SELECT id FROM fate WHERE state = 1)")
            self._share(db)
        return self.standing()

    def standing(self) -> ManifestStats:
        """Return how the job stands."""
        numbers = {FileStatus(row[0]): row[1:] for row in self.rows(_STANDING)}
        counts = {fate: numbers[fate][0] if fate in numbers else 0 for fate in FileStatus}
        return ManifestStats(
            counts[FileStatus.WANTED],
            counts[FileStatus.DONE],
            counts[FileStatus.FAILED],
            int(numbers[FileStatus.DONE][1]) if FileStatus.DONE in numbers else 0,
            int(sum(row[1] for row in numbers.values())),
            sum(row[2] for row in numbers.values()),
        )

    def retry(self) -> int:
        """Have the failed files of the job fetched again; return how many."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE fate SET state = 1 WHERE state = 3 AND id IN (SELECT id FROM file WHERE job)"
            )
            db.execute("DELETE FROM trouble WHERE id IN (SELECT id FROM fate WHERE state = 1)")
            return changed.rowcount

    def entries(self, fate: FileStatus | None = None, *, after: int = 0, most: int = 1000) -> list[Entry]:
        """Return files of the job in the order of the catalog, those of one fate or all.

        Parameters
        ----------
        after
            The id of the last entry seen.
        most
            How many at most.
        """
        states = (fate, fate) if fate is not None else (FileStatus.WANTED, FileStatus.FAILED)
        rows = self.rows(_ENTRIES, (after, *map(int, states), most))
        return [_entry(row) for row in rows]

    def marks(self, fate: FileStatus | None = None, *, every: int = 200) -> list[int]:
        """Return where pages of entries begin: the `after` of each, for a list that is looked at anywhere.

        Parameters
        ----------
        fate
            As of `entries`.
        every
            How many entries a page has.
        """
        states = (fate, fate) if fate is not None else (FileStatus.WANTED, FileStatus.FAILED)
        return [row[0] - 1 for row in self.rows(_MARKS, (*map(int, states), every))]

    def failures(self) -> Iterator[Entry]:
        """Yield the failed files of the job, some in memory at a time."""
        return self._all(FileStatus.FAILED)

    def unfetched(self) -> Iterator[Entry]:
        """Yield the files of the job that are still to be fetched, some in memory at a time."""
        return self._all(FileStatus.WANTED)

    def _all(self, fate: FileStatus) -> Iterator[Entry]:
        last = 0
        while batch := self.entries(fate, after=last):
            yield from batch
            last = batch[-1].id

    def _row(self, file: PlannedFile) -> tuple[object, ...]:
        labels = self._labels
        return (*file[:4], int(file.page), labels[file.collection], file.item, labels[file.key])

    @staticmethod
    def _share(db: sqlite3.Connection) -> None:
        """Note which files have one URL: the first of them is fetched, the others are made of it."""
        db.execute("UPDATE file SET leader = NULL WHERE leader IS NOT NULL")
        db.execute(
            "CREATE TEMP TABLE same AS "
            "SELECT href, coalesce(min(CASE WHEN state = 2 THEN id END), min(id)) AS first "
            "FROM file JOIN fate USING (id) WHERE job AND href <> '' GROUP BY href HAVING count(*) > 1"
        )
        db.execute("CREATE UNIQUE INDEX temp.sames ON same (href)")
        db.execute(
            "UPDATE file SET leader = same.first FROM same "
            "WHERE file.job AND file.href = same.href AND file.id <> same.first"
        )
        db.execute("DROP TABLE temp.same")


def _entry(row: Any) -> Entry:
    number, state, size, error, hint, *facts = row
    path, href, stated, checksum, page, collection, item, key = facts
    file = PlannedFile(path, href, stated, checksum, bool(page), collection, item, key)
    return Entry(number, file, FileStatus(state), size, error or "", hint or "")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise ManifestTooNew(f"the list of files is of version {version}, this program knows {VERSION}")
        if version == 0:
            db.executescript(f"BEGIN IMMEDIATE;{TABLES};PRAGMA user_version={VERSION};COMMIT;")
        path.chmod(0o600)
    except BaseException:
        db.close()
        raise
    return db


_WANT = """
INSERT INTO file (path, href, size, checksum, page, collection, item, key, job)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (path) DO UPDATE SET
    changed = href <> excluded.href OR size IS NOT excluded.size OR checksum <> excluded.checksum,
    href = excluded.href, size = excluded.size, checksum = excluded.checksum, page = excluded.page,
    collection = excluded.collection, item = excluded.item, key = excluded.key, job = excluded.job
"""
_STANDING = """
SELECT state, count(*), total(coalesce(bytes, size, 0)), sum(coalesce(bytes, size) IS NULL)
FROM file JOIN fate ON fate.id = file.id WHERE job GROUP BY state
"""
_MARKS = """
SELECT id FROM (
    SELECT file.id AS id, row_number() OVER (ORDER BY file.id) - 1 AS number
    FROM file JOIN fate ON fate.id = file.id WHERE job AND state BETWEEN ? AND ?
) WHERE number % ? = 0 ORDER BY id
"""
_ENTRIES = """
SELECT file.id, state, coalesce(bytes, size), error, hint,
    path, href, size, checksum, page, c.name, item, k.name
FROM file JOIN fate ON fate.id = file.id LEFT JOIN trouble ON trouble.id = file.id
JOIN label AS c ON c.id = file.collection JOIN label AS k ON k.id = file.key
WHERE file.id > ? AND job AND state BETWEEN ? AND ? ORDER BY file.id LIMIT ?
"""
