"""Journal of part files: which version of which file each is a part of, and how much is safe on disk.

It is the table `parts` of the queue's database, in the format of version 0.1.0 (see `queue.schema`):
`path`, `runner` (the program that writes the part), `generation`, `url`, `total`, `etag`, `modified`,
`digests` (`md5:hex sha-256:hex`), `inode` (`device:number`), `synced` (bytes from the start) and `extents`
(`100-200 300-400`, what was flushed beyond them).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from ..errors import TargetBusy
from ..http.response_headers import RemoteVersion
from .checksums import HashState, digests_from_text, digests_to_text

Extents: TypeAlias = tuple[tuple[int, int], ...]
"""Stretches of bytes, each from its first to the one after its last: sorted, none empty, none touching."""

_PATIENCE = 5.0  # seconds a transfer's thread waits for another program's transaction


class JournalDatabase(Protocol):
    """A SQLite database with a table `parts`."""

    def transaction(self, patience: float = 0.0) -> AbstractContextManager[sqlite3.Connection]:
        """Run statements as one transaction; wait up to `patience` seconds for another program's."""
        ...

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        ...


class RunnerRegistry(Protocol):
    """The programs that write part files; `runner` is the id of this one."""

    runner: str

    def live(self) -> Collection[str]:
        """Return the ids of the programs that still run."""
        ...

    def beat_in(self, db: sqlite3.Connection) -> None:
        """Record, in a transaction, that this program still runs."""
        ...


@dataclass(frozen=True, slots=True)
class PartRecord:
    """The record of one part file.

    Parameters
    ----------
    url
        Where the bytes come from, without query or user information.
    version
        Size, validators and digests of the version that the bytes are of.
    generation
        Counts the beginnings: bytes of an older one never count for a newer one.
    synced
        Bytes from the start of the file that were flushed to disk.
    inode
        Device and number of the file, so that another file under the name is noticed.
    more
        What was flushed beyond `synced`, where the file came over several connections.
    """

    url: str = ""
    version: RemoteVersion = field(default_factory=RemoteVersion)
    generation: int = 0
    synced: int = 0
    inode: str = ""
    more: Extents = ()

    @property
    def extents(self) -> Extents:
        """All that was flushed to disk."""
        return merge([(0, self.synced), *self.more])


class PartJournal:
    """The records of part files; its methods block and may be called from any thread."""

    def __init__(self, database: JournalDatabase, runners: RunnerRegistry) -> None:
        self._database = database
        self._runners = runners
        self._pending: dict[tuple[str | bytes, int], Extents] = {}
        self._hashes: dict[Path, HashState] = {}
        self._lock = threading.Lock()

    def claim(self, part: Path) -> None:
        """Become the writer of a part; TargetBusy if another running program is."""
        key, me = _key(part), self._runners.runner
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
        key = _key(part)
        # The transfer has ended, well or not, and that is what counts; a claim that stays is our own.
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ? AND generation = 0", (key,))
            mine = (key, self._runners.runner)
            db.execute("UPDATE parts SET runner = NULL WHERE path = ? AND runner = ?", mine)

    def load(self, part: Path) -> PartRecord | None:
        """Return the record of a part; None if nothing is known of it."""
        sql = "SELECT * FROM parts WHERE path = ? AND generation > 0"
        rows = self._database.read(sql, (_key(part),))
        if not rows:
            return None
        row = rows[0]
        version = RemoteVersion(row["total"], row["etag"], row["modified"], digests_from_text(row["digests"]))
        more = extents_from_text(row["extents"])
        return PartRecord(row["url"], version, row["generation"], row["synced"], row["inode"], more)

    def begin(self, part: Path, record: PartRecord) -> PartRecord:
        """Record a new beginning of a part before its first byte; return it with its generation."""
        key, version = _key(part), record.version
        with self._database.transaction(_PATIENCE) as db:
            row = db.execute("SELECT generation FROM parts WHERE path = ?", (key,)).fetchone()
            begun = replace(record, generation=1 + (row["generation"] if row else 0))
            db.execute(
                "INSERT OR REPLACE INTO parts (path, runner, generation, url, total, etag, modified, digests,"
                " inode, synced, extents) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    self._runners.runner,
                    begun.generation,
                    begun.url,
                    version.total,
                    version.etag,
                    version.modified,
                    digests_to_text(version.checksums),
                    begun.inode,
                    begun.synced,
                    extents_to_text(begun.more),
                ),
            )
        return begun

    def advance(self, part: Path, generation: int, extents: Extents) -> None:
        """Record what of a beginning is on disk.

        Transfers that flush at the same moment share one transaction, and one that cannot be written now
        is written with the next.
        """
        with self._lock:
            self._pending[_key(part), generation] = extents
        with contextlib.suppress(sqlite3.Error):
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        with self._database.transaction() as db:
            with self._lock:
                pending, self._pending = self._pending, {}
            self._runners.beat_in(db)
            try:
                db.executemany(
                    "UPDATE parts SET synced = ?, extents = ? WHERE path = ? AND generation = ?",
                    [(*_columns(extents), *key) for key, extents in pending.items()],
                )
            except sqlite3.Error:
                with self._lock:
                    self._pending = {**pending, **self._pending}
                raise

    def forget(self, part: Path) -> None:
        """Drop the record of a part that is no more."""
        self._hashes.pop(part, None)
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ?", (_key(part),))

    def keep_hash(self, part: Path, state: HashState | None) -> None:
        """Keep in memory how far a part was hashed: hashlib cannot write its state down."""
        self._hashes.pop(part, None)
        if state is not None:
            self._hashes[part] = state

    def take_hash(self, part: Path, generation: int, changed: int) -> HashState | None:
        """Return how far the part was hashed, once, if it is the same file and nobody changed it since."""
        found = self._hashes.pop(part, None)
        same = found is not None and (found.generation, found.changed) == (generation, changed)
        return found if same else None


def _columns(extents: Extents) -> tuple[int, str]:
    """Return the columns of extents: the bytes from the start on, and the rest as text."""
    synced = prefix(extents)
    return synced, extents_to_text(extents[1:] if synced else extents)


def _key(part: Path) -> str | bytes:
    """Return the key of a part; a path that is not valid Unicode goes into SQLite as bytes."""
    path = str(part)
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogatepass")
    return path


def merge(stretches: Iterable[tuple[int, int]]) -> Extents:
    """Return stretches in any order, overlapping or not, as extents."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def gaps(extents: Extents, total: int) -> Extents:
    """Return what is missing of a file of `total` bytes."""
    starts = [0, *(end for _, end in extents)]
    ends = [*(start for start, _ in extents), total]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def covered(extents: Extents) -> int:
    """Return the number of bytes."""
    return sum(end - start for start, end in extents)


def prefix(extents: Extents) -> int:
    """Return how many bytes are there from the start of the file on without a gap."""
    return extents[0][1] if extents and extents[0][0] == 0 else 0


def clip(extents: Extents, size: int) -> Extents:
    """Return what lies in the first `size` bytes."""
    return merge((start, min(end, size)) for start, end in extents)


def extents_to_text(extents: Extents) -> str:
    """Return extents as one string for the journal: `0-100 200-300`."""
    return " ".join(f"{start}-{end}" for start, end in extents)


def extents_from_text(stored: str) -> Extents:
    """Return the extents of such a string."""
    pairs = (word.partition("-") for word in stored.split())
    return merge((int(start), int(end)) for start, _, end in pairs)
