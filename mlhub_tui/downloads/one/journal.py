"""What each part file is a part of, and how much of it is safe on disk."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...errors import TargetBusy
from ..database import Database
from ..rows import pack
from ..store import Store
from .answer import Remote, digests_from_text, digests_to_text
from .extents import Extents, from_text, merged, prefix, to_text
from .verify import Hashed

_PATIENCE = 5.0  # seconds a transfer's thread waits for another program's transaction


@dataclass(frozen=True, slots=True)
class Entry:
    """The record of one part file.

    Parameters
    ----------
    url
        Where the bytes come from, without query or user information.
    remote
        Size, validators and digests of the version that the bytes are of.
    generation
        Counts the beginnings: bytes of an older one never count for a newer one.
    synced
        Bytes from the start of the file that were flushed to disk.
    more
        What was flushed beyond them, where the file came over several connections.
    inode
        Device and number of the file, so that another file under the name is noticed.
    """

    url: str = ""
    remote: Remote = field(default_factory=Remote)
    generation: int = 0
    synced: int = 0
    inode: str = ""
    more: Extents = ()

    @property
    def extents(self) -> Extents:
        """All that was flushed to disk."""
        return merged([(0, self.synced), *self.more])


class Journal:
    """The records of part files, in the queue's database; callable from the threads of transfers."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._pending: dict[tuple[str | bytes, int], Extents] = {}
        self._hashed: dict[Path, Hashed] = {}
        self._guard = threading.Lock()

    def claim(self, part: Path) -> None:
        """Become the writer of a part; TargetBusy if another running program, or transfer, is."""
        key = pack(str(part))
        live = self._store.live()
        with self._database.transaction(_PATIENCE) as db:
            row = db.execute("SELECT runner FROM parts WHERE path = ?", (key,)).fetchone()
            if row is None:
                db.execute("INSERT INTO parts (path, runner) VALUES (?, ?)", (key, self._store.runner))
            elif row["runner"] not in live or row["runner"] == self._store.runner:
                db.execute("UPDATE parts SET runner = ? WHERE path = ?", (self._store.runner, key))
            else:
                raise TargetBusy(f"another program is writing {part.name}")

    def release(self, part: Path) -> None:
        """Stop being the writer; a record that says nothing goes."""
        key = pack(str(part))
        # The transfer has ended, well or not, and that is what counts; a claim that stays is our own.
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ? AND generation = 0", (key,))
            mine = (key, self._store.runner)
            db.execute("UPDATE parts SET runner = NULL WHERE path = ? AND runner = ?", mine)

    def load(self, part: Path) -> Entry | None:
        """Return the record of a part; None if nothing is known of it."""
        sql = "SELECT * FROM parts WHERE path = ? AND generation > 0"
        rows = self._database.read(sql, (pack(str(part)),))
        if not rows:
            return None
        row = rows[0]
        remote = Remote(row["total"], row["etag"], row["modified"], digests_from_text(row["digests"]))
        more = from_text(row["extents"])
        return Entry(row["url"], remote, row["generation"], row["synced"], row["inode"], more)

    def begin(self, part: Path, entry: Entry) -> Entry:
        """Record a new beginning of a part before its first byte; return it with its generation."""
        key = pack(str(part))
        remote = entry.remote
        with self._database.transaction(_PATIENCE) as db:
            row = db.execute("SELECT generation FROM parts WHERE path = ?", (key,)).fetchone()
            begun = replace(entry, generation=1 + (row["generation"] if row else 0))
            db.execute(
                "INSERT OR REPLACE INTO parts (path, runner, generation, url, total, etag, modified, digests,"
                " inode, synced, extents) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    self._store.runner,
                    begun.generation,
                    begun.url,
                    remote.total,
                    remote.etag,
                    remote.modified,
                    digests_to_text(remote.digests),
                    begun.inode,
                    begun.synced,
                    to_text(begun.more),
                ),
            )
        return begun

    def advance(self, part: Path, generation: int, extents: Extents) -> None:
        """Record what of a beginning is on disk.

        Transfers that flush at the same moment share one transaction, and one that cannot be written now
        is written with the next.
        """
        with self._guard:
            self._pending[pack(str(part)), generation] = extents
        with contextlib.suppress(sqlite3.Error):
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        with self._database.transaction() as db:
            with self._guard:
                pending, self._pending = self._pending, {}
            self._store.beat_in(db)
            try:
                db.executemany(
                    "UPDATE parts SET synced = ?, extents = ? WHERE path = ? AND generation = ?",
                    [(*_columns(extents), *key) for key, extents in pending.items()],
                )
            except sqlite3.Error:
                with self._guard:
                    self._pending = {**pending, **self._pending}
                raise

    def remember(self, part: Path, hashed: Hashed | None) -> None:
        """Keep in memory how far a part was hashed."""
        self._hashed.pop(part, None)
        if hashed is not None:
            self._hashed[part] = hashed

    def hashed(self, part: Path, generation: int, changed: int) -> Hashed | None:
        """Return how far the part was hashed, once, if it is the same file and nobody changed it since."""
        found = self._hashed.pop(part, None)
        same = found is not None and (found.generation, found.changed) == (generation, changed)
        return found if same else None

    def forget(self, part: Path) -> None:
        """Drop the record of a part that is no more."""
        self._hashed.pop(part, None)
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ?", (pack(str(part)),))


def _columns(extents: Extents) -> tuple[int, str]:
    """Return what the database has of extents: the bytes from the start on, and the rest in words."""
    synced = prefix(extents)
    return synced, to_text(extents[1:] if synced else extents)
