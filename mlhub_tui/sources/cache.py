"""The cache of documents on disk: what was fetched stays, bounded in size, for several programs at once.

It is a convenience: a cache that cannot be opened, is locked, full or damaged is as good as an empty one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import paths
from ..storage import make_private_folder
from .kept import Change, Confirmed, Kept

MAX_BYTES = 512 * 1024 * 1024
_CHECK_EVERY = 2 * 1024 * 1024  # bytes stored between two looks at the whole size
_SHRINK_TO = 0.9
_USED_STEP = 3600.0  # seconds: reading marks a document as used, but not each time
_WORTH_PACKING = 512  # bytes
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    key TEXT PRIMARY KEY, url TEXT NOT NULL, media_type TEXT NOT NULL, etag TEXT NOT NULL,
    modified TEXT NOT NULL, checked REAL NOT NULL, fresh_until REAL NOT NULL, used REAL NOT NULL,
    size INTEGER NOT NULL, packed INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON documents (used, size);
"""
_INSERT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_CONFIRM = "UPDATE documents SET checked = ?, fresh_until = ?, used = ? WHERE key = ?"
_SELECT = """
SELECT used, packed, body, url, media_type, etag, modified, checked, fresh_until FROM documents WHERE key = ?
"""


class DocumentCache:
    """Documents by key, in one SQLite file that only its owner can read; every call may block for a moment.

    Parameters
    ----------
    folder
        Where it lies; by default `cache` in MLHUB_HOME. Nothing is created before the first document.
    max_bytes
        How much is kept; what was not used for longest goes first.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = (folder or paths.cache()) / "documents.db"
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._since_check = _CHECK_EVERY

    def get(self, keys: Sequence[str]) -> list[Kept | None]:
        """Return what is kept under some keys, None for each under which nothing is."""
        with self._lock:
            if self._db is None and not self.path.exists():
                return [None] * len(keys)
            rows = self._try(lambda db: [self._row(db, key) for key in keys])
        return [_opened(row) for row in rows or [None] * len(keys)]

    def change(self, changes: Iterable[Change]) -> None:
        """Keep, confirm and drop documents; one that alone would fill a quarter of the cache is not kept."""
        rows = [(key, new, _packed(new) if isinstance(new, Kept) else b"") for key, new in changes]
        with self._lock:
            self._try(lambda db: self._write(db, rows))
            if self._since_check >= min(_CHECK_EVERY, self._max_bytes // 8):
                self._since_check = 0
                self._try(self._shrink)

    def size(self) -> tuple[int, int]:
        """Return how many documents are kept, and their bytes."""
        with self._lock:
            if self._db is None and not self.path.exists():
                return 0, 0
            row = self._try(
                lambda db: db.execute("SELECT count(*), coalesce(sum(size), 0) FROM documents").fetchone()
            )
        return (row[0], row[1]) if row else (0, 0)

    def clear(self) -> int:
        """Drop all documents and return how many bytes of them there were."""
        _, before = self.size()
        with self._lock:
            if self._db is not None or self.path.exists():
                self._try(lambda db: db.execute("DELETE FROM documents"))
                self._try(lambda db: db.execute("VACUUM"))
        return before

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._close()

    def _row(self, db: sqlite3.Connection, key: str) -> tuple[Any, ...] | None:
        row = db.execute(_SELECT, (key,)).fetchone()
        now = self._clock()
        if row is not None and row[0] < now - _USED_STEP:
            with suppress(sqlite3.Error):
                db.execute("UPDATE documents SET used = ? WHERE key = ?", (now, key))
        return None if row is None else tuple(row[1:])

    def _write(self, db: sqlite3.Connection, rows: list[tuple[str, Kept | Confirmed | None, bytes]]) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            for key, new, body in rows:
                if isinstance(new, Confirmed):
                    db.execute(_CONFIRM, (new.checked, new.fresh_until, self._clock(), key))
                elif new is None or len(body) > self._max_bytes // 4:
                    db.execute("DELETE FROM documents WHERE key = ?", (key,))
                else:
                    db.execute(_INSERT, self._values(key, new, body))
                    self._since_check += len(body)
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _values(self, key: str, new: Kept, body: bytes) -> tuple[Any, ...]:
        facts = (new.url, new.media_type, new.etag, new.modified, new.checked, new.fresh_until)
        return (key, *facts, self._clock(), len(body), len(new.content) >= _WORTH_PACKING, body)

    def _shrink(self, db: sqlite3.Connection) -> None:
        """Drop what was not used for longest, down to nine tenths of what may be kept."""
        whole = db.execute("SELECT coalesce(sum(size), 0) FROM documents").fetchone()[0]
        if whole <= self._max_bytes:
            return
        excess = whole - int(self._max_bytes * _SHRINK_TO)
        last = 0.0
        for used, size in db.execute("SELECT used, size FROM documents ORDER BY used"):
            last, excess = used, excess - size
            if excess <= 0:
                break
        db.execute("DELETE FROM documents WHERE used <= ?", (last,))
        db.execute("PRAGMA incremental_vacuum")

    def _try(self, work: Callable[[sqlite3.Connection], object]) -> Any:
        """Do something with the database; None where that fails. A damaged one is begun anew."""
        try:
            return work(self._connected())
        except sqlite3.OperationalError:
            return None
        except (sqlite3.DatabaseError, OSError):
            self._close()
            for name in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self.path.with_name(self.path.name + name).unlink()
            return None

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            make_private_folder(self.path.parent)
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            db = sqlite3.connect(self.path, timeout=2.0, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                db.execute("PRAGMA journal_mode = WAL")
                # What a power cut takes can be fetched again.
                db.execute("PRAGMA synchronous = OFF")
                db.executescript(_SCHEMA)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _close(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _packed(new: Kept) -> bytes:
    return zlib.compress(new.content, 1) if len(new.content) >= _WORTH_PACKING else new.content


def _opened(row: tuple[Any, ...] | None) -> Kept | None:
    if row is None:
        return None
    try:
        return Kept(zlib.decompress(row[1]) if row[0] else row[1], *row[2:])
    except zlib.error:
        return None
