"""The cache of documents on disk: what was fetched stays, bounded in size, for several programs at once.

It is a convenience: a cache that cannot be opened, is locked, full or damaged is as good as an empty one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import paths
from ..storage import make_private_folder
from .kept import Kept

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

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key, None where nothing is."""
        with self._lock:
            if self._db is None and not self.path.exists():
                return None
            row = self._try(lambda db: self._row(db, key))
        if row is None:
            return None
        try:
            content = zlib.decompress(row[1]) if row[0] else row[1]
        except zlib.error:
            return None
        return Kept(content, *row[2:])

    def put(self, key: str, kept: Kept) -> None:
        """Keep a document; one that alone would fill a quarter of the cache is not kept."""
        packed = len(kept.content) >= _WORTH_PACKING
        body = zlib.compress(kept.content, 1) if packed else kept.content
        if len(body) > self._max_bytes // 4:
            return
        values = (
            key, kept.url, kept.media_type, kept.etag, kept.modified, kept.checked, kept.fresh_until,
            self._clock(), len(body), packed, body,
        )  # fmt: skip
        with self._lock:
            self._try(lambda db: db.execute(_INSERT, values))
            self._since_check += len(body)
            if self._since_check >= min(_CHECK_EVERY, self._max_bytes // 8):
                self._since_check = 0
                self._try(self._shrink)

    def confirm(self, key: str, checked: float, fresh_until: float) -> None:
        """Note that the server said that what is kept is still the document (304)."""
        update = "UPDATE documents SET checked = ?, fresh_until = ?, used = ? WHERE key = ?"
        with self._lock:
            self._try(lambda db: db.execute(update, (checked, fresh_until, checked, key)))

    def forget(self, key: str) -> None:
        """Drop one document."""
        with self._lock:
            if self._db is not None or self.path.exists():
                self._try(lambda db: db.execute("DELETE FROM documents WHERE key = ?", (key,)))

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
            with contextlib.suppress(sqlite3.Error):
                db.execute("UPDATE documents SET used = ? WHERE key = ?", (now, key))
        return None if row is None else tuple(row[1:])

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
            return work(self._opened())
        except sqlite3.OperationalError:
            return None
        except (sqlite3.DatabaseError, OSError):
            self._close()
            for name in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    self.path.with_name(self.path.name + name).unlink()
            return None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            make_private_folder(self.path.parent)
            with contextlib.suppress(FileExistsError):
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
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None
