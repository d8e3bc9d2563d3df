"""Part repository: what transfers record of their part files, in the queue's database.

The table `parts` has the format of version 0.1.0: `path`, `runner` (the program that writes the part),
`generation`, `url`, `total`, `etag`, `modified`, `digests` (`md5:hex sha-256:hex`), `inode`
(`device:number`), `synced` (bytes from the start) and `extents` (`100-200 300-400`, what was flushed beyond
them).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import TargetBusy
from ..http.versions import Checksum, RemoteVersion
from ..transfer.part_file import Extents, PartFile, PartJournal, PartRecord, StreamingHasher, merge, prefix
from .database import Database, pack

_PATIENCE = 5.0  # seconds a transfer's thread waits for another program's transaction
_HEADER_ALGORITHMS = frozenset({"md5", "sha-1", "sha-256", "sha-512", "crc32", "crc32c"})


class PartRepository:
    """The journal of transfers: the records of part files; its methods block, in any thread.

    `runners` is the `JobRepository`, which has one of these.
    """

    def __init__(self, database: Database, runners: Any) -> None:
        self.hashers: dict[Path, tuple[str, StreamingHasher]] = {}
        self._database, self._runners = database, runners
        self._pending: dict[tuple[str | bytes, int], Extents] = {}
        self._lock = threading.Lock()

    def claim(self, part: Path) -> None:
        """Become the writer of a part; TargetBusy if another running program is."""
        key, me = pack(part), self._runners.runner
        live = self._runners.live()
        with self._database.transaction(_PATIENCE) as db:
            row = db.execute("SELECT runner FROM parts WHERE path = ?", (key,)).fetchone()
            if row is None:
                db.execute("INSERT INTO parts (path, runner) VALUES (?, ?)", (key, me))
            elif row["runner"] not in live or row["runner"] == me:
                db.execute("UPDATE parts SET runner = ? WHERE path = ?", (me, key))
            else:
                raise TargetBusy(f"another program is writing {part.name}")

    def release(self, part: Path) -> None:
        """Stop being the writer; a record that says nothing goes."""
        key = pack(part)
        # The transfer has ended, well or not, and that is what counts; a claim that stays is our own.
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ? AND generation = 0", (key,))
            mine = (key, self._runners.runner)
            db.execute("UPDATE parts SET runner = NULL WHERE path = ? AND runner = ?", mine)

    def load(self, part: Path) -> PartRecord | None:
        """Return the record of a part; None if nothing is known of it."""
        rows = self._database.read("SELECT * FROM parts WHERE path = ? AND generation > 0", (pack(part),))
        if not rows:
            return None
        row = rows[0]
        version = RemoteVersion(row["total"], row["etag"], row["modified"], digests_from_text(row["digests"]))
        more = extents_from_text(row["extents"])
        return PartRecord(row["url"], version, row["generation"], row["synced"], row["inode"], more)

    def begin(self, part: Path, record: PartRecord) -> PartRecord:
        """Record a new beginning of a part before its first byte; return it with its generation."""
        key, version = pack(part), record.version
        with self._database.transaction(_PATIENCE) as db:
            row = db.execute("SELECT generation FROM parts WHERE path = ?", (key,)).fetchone()
            begun = replace(record, generation=1 + (row["generation"] if row else 0))
            values = {
                "path": key,
                "runner": self._runners.runner,
                "generation": begun.generation,
                "url": begun.url,
                "total": version.total,
                "etag": version.etag,
                "modified": version.modified,
                "digests": digests_to_text(version.checksums),
                "inode": begun.inode,
                "synced": begun.synced,
                "extents": extents_to_text(begun.more),
            }
            names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
            db.execute(f"INSERT OR REPLACE INTO parts ({names}) VALUES ({places})", values)  # noqa: S608
        return begun

    def advance(self, part: Path, generation: int, extents: Extents) -> None:
        """Record what of a beginning is on disk.

        Transfers that flush at the same moment share one transaction, and one that cannot be written now
        is written with the next.
        """
        with self._lock:
            self._pending[pack(part), generation] = extents
        with contextlib.suppress(sqlite3.Error):
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        with self._database.transaction() as db:
            with self._lock:
                pending, self._pending = self._pending, {}
            self._runners.beat(db)
            try:
                for key, extents in pending.items():
                    synced = prefix(extents)
                    values = (synced, extents_to_text(extents[1:] if synced else extents), *key)
                    sql = "UPDATE parts SET synced = ?, extents = ? WHERE path = ? AND generation = ?"
                    db.execute(sql, values)
            except sqlite3.Error:
                with self._lock:
                    self._pending = {**pending, **self._pending}
                raise

    def forget(self, part: Path) -> None:
        """Delete the record of a part that was removed."""
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ?", (pack(part),))


def delete_part(part: Path, journal: PartJournal) -> None:
    """Delete a part file and its record.

    Raises TargetBusy if another transfer, of this program or another one, is writing it; OutputFolderError.
    """
    if not part.exists() and journal.load(part) is None:
        return  # nothing is written: each change waits for the disk, and thousands may be cancelled
    journal.claim(part)
    try:
        if part.exists():
            with PartFile(part):
                part.unlink(missing_ok=True)
        journal.forget(part)
    finally:
        journal.release(part)


def extents_to_text(extents: Extents) -> str:
    """Return extents as one string for the journal: `0-100 200-300`."""
    return " ".join(f"{start}-{end}" for start, end in extents)


def extents_from_text(stored: str) -> Extents:
    """Return the extents of such a string."""
    pairs = (word.partition("-") for word in stored.split())
    return merge((int(start), int(end)) for start, _, end in pairs)


def digests_to_text(checksums: Iterable[Checksum]) -> str:
    """Return checksums as one string for the journal: `md5:hex sha-256:hex`; a guessed one as `md5?:hex`."""
    return " ".join(f"{each.algorithm}{'?' * each.guessed}:{each.value}" for each in checksums)


def digests_from_text(stored: str) -> tuple[Checksum, ...]:
    """Return the checksums of such a string; what is not known here is left out."""
    found = []
    for word in stored.split():
        name, _, value = word.partition(":")
        if name.removesuffix("?") in _HEADER_ALGORITHMS:
            found.append(Checksum(name.removesuffix("?"), value, guessed=name.endswith("?")))
    return tuple(found)
