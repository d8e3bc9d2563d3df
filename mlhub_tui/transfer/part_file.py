"""Part files, and the journal of which version of which file each is a part of and how much is safe on disk.

A file grows as `NAME.part`, which one writer holds open and locked, and gets its name when it is whole. The
journal is the table `parts` of the queue's database, in the format of version 0.1.0: `path`, `runner` (the
program that writes the part), `generation`, `url`, `total`, `etag`, `modified`, `digests` (`md5:hex
sha-256:hex`), `inode` (`device:number`), `synced` (bytes from the start) and `extents` (`100-200 300-400`,
what was flushed beyond them).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeAlias

from ..errors import FileConflict, TargetBusy
from ..fileio import make_folder, rename_new, translate_os_error, try_lock
from ..http.response_headers import RemoteVersion
from ..storage import sync_folder
from .checksums import StreamingHasher, digests_from_text, digests_to_text

_PATIENCE = 5.0  # seconds a transfer's thread waits for another program's transaction
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
_flush = getattr(os, "fdatasync", os.fsync)


class RestartRequired(Exception):
    """The part cannot be resumed; the message says why."""


class PartFile:
    """An open, locked part file with one writer; created if missing.

    - `fresh`: Whether what an earlier run left in it is thrown away; else its folder is made as well.

    Raises TargetBusy if another program, or another transfer of this one, has it, and OutputFolderError.
    """

    def __init__(self, path: Path | str, *, fresh: bool = False) -> None:
        self._path = str(path)
        self._moving = threading.Lock()
        try:
            if not fresh:
                make_folder(self.path.parent)
            self.descriptor = _open_fresh(self._path) if fresh else _open_locked(self._path)
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Its path."""
        return Path(self._path)

    @property
    def status(self) -> os.stat_result:
        """Its status: length, inode, time of the last change."""
        return os.fstat(self.descriptor)

    @property
    def allocated(self) -> int:
        """The bytes that it takes on the disk: less than its length while there are holes in it."""
        status = self.status
        return min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)

    def write_at(self, offset: int, view: memoryview) -> None:
        """Write all of the view at an offset, from any thread; raises OutputFolderError, NoSpaceError."""
        try:
            while view:
                written = self._write(offset, view)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def _write(self, offset: int, view: memoryview) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self.descriptor, view, offset)
        with self._moving:  # Windows has no pwrite
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            return os.write(self.descriptor, view)

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from an offset."""
        with self._moving:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            return os.read(self.descriptor, count)

    def truncate(self, size: int) -> None:
        """Cut it to a size in bytes, or make it longer by a hole."""
        if self.status.st_size != size:
            os.ftruncate(self.descriptor, size)

    def sync(self) -> None:
        """Flush what was written to the disk; callable while another thread writes."""
        try:
            _flush(self.descriptor)
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def close(self) -> None:
        """Close the file, which releases its lock."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def discard(self) -> None:
        """Remove and close it."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108  (Path costs ten times as much, for each file)
            self.close()

    def remove_if_empty(self) -> bool:
        """Remove a file that nothing was written to; return whether it was one."""
        if self.descriptor < 0 or self.status.st_size > 0:
            return False
        self.path.unlink(missing_ok=True)
        return True

    def rename(self, target: Path | str, *, overwrite: bool) -> None:
        """Give it its final name; OSError where that fails, FileExistsError if it is taken."""
        if os.name != "posix":
            self.close()  # Windows does not rename an open file
        if overwrite:
            os.replace(self._path, target)  # noqa: PTH105
        else:
            rename_new(self._path, target)

    def commit(self, target: Path, *, overwrite: bool) -> None:
        """Give the whole file its final name, safe on disk.

        Raises FileConflict if something stands under the name that is not to be overwritten (the part
        stays), and OutputFolderError.
        """
        try:
            os.fsync(self.descriptor)
            if target.is_dir():
                raise FileConflict(f"{target.name} became a folder")
            self.rename(target, overwrite=overwrite)
        except FileExistsError as error:
            raise FileConflict(f"a file {target.name} appeared meanwhile") from error
        except OSError as error:
            raise translate_os_error(error, target) from error
        sync_folder(target.parent)


def inode(status: os.stat_result) -> str:
    """Return what tells a file from another one under its name."""
    return f"{status.st_dev}:{status.st_ino}"


def _open_fresh(path: str) -> int:
    """Return the descriptor of a part file that is empty, and locked."""
    try:
        descriptor = os.open(path, _FLAGS | os.O_EXCL, 0o666)
    except FileExistsError:
        if os.path.islink(path):  # noqa: PTH114
            os.unlink(path)  # noqa: PTH108  (what it leads to is not ours to empty)
        descriptor = _open_locked(path)
        os.ftruncate(descriptor, 0)
        return descriptor
    return _locked(descriptor, path)


def _open_locked(path: str) -> int:
    """Return the descriptor of a part file, locked; TargetBusy if another program writes it."""
    for _ in range(8):
        descriptor = _locked(os.open(path, _FLAGS, 0o666), path)
        with contextlib.suppress(FileNotFoundError):
            if inode(os.stat(path)) == inode(os.fstat(descriptor)):  # noqa: PTH116
                return descriptor
        os.close(descriptor)  # the last writer just gave it its final name
    raise TargetBusy(f"another program is writing {os.path.basename(path)}")  # noqa: PTH119


def _locked(descriptor: int, path: str) -> int:
    if not try_lock(descriptor):
        os.close(descriptor)
        raise TargetBusy(f"another program is writing {os.path.basename(path)}")  # noqa: PTH119
    return descriptor


Extents: TypeAlias = tuple[tuple[int, int], ...]
"""Stretches of bytes, each from its first to the one after its last: sorted, none empty, none touching."""


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


def extents_to_text(extents: Extents) -> str:
    """Return extents as one string for the journal: `0-100 200-300`."""
    return " ".join(f"{start}-{end}" for start, end in extents)


def extents_from_text(stored: str) -> Extents:
    """Return the extents of such a string."""
    pairs = (word.partition("-") for word in stored.split())
    return merge((int(start), int(end)) for start, _, end in pairs)


@dataclass(frozen=True, slots=True)
class PartRecord:
    """The record of one part file."""

    url: str = ""  # where the bytes come from, without query or user information
    version: RemoteVersion = field(default_factory=RemoteVersion)
    generation: int = 0  # counts the beginnings: bytes of an older one never count for a newer one
    synced: int = 0  # bytes from the start of the file that were flushed to disk
    inode: str = ""  # so that another file under the name is noticed
    more: Extents = ()  # what was flushed beyond them

    @property
    def extents(self) -> Extents:
        """All that was flushed to disk."""
        return merge([(0, self.synced), *self.more])


class PartJournal:
    """The records of part files; its methods block and may be called from any thread.

    `database` is the queue's `Database`, `runners` its `JobRepository`, which import this package.
    """

    def __init__(self, database: Any, runners: Any) -> None:
        self._database, self._runners = database, runners
        self._pending: dict[tuple[str | bytes, int], Extents] = {}
        self._lock = threading.Lock()
        self._hashers: dict[Path, tuple[tuple[int, int], StreamingHasher]] = {}

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
        rows = self._database.read("SELECT * FROM parts WHERE path = ? AND generation > 0", (_key(part),))
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
        """Delete the record of a part that was removed."""
        self._hashers.pop(part, None)
        with contextlib.suppress(sqlite3.Error), self._database.transaction(_PATIENCE) as db:
            db.execute("DELETE FROM parts WHERE path = ?", (_key(part),))

    def keep_hasher(self, part: PartFile, generation: int, hasher: StreamingHasher) -> None:
        """Keep in memory how far a part was hashed: hashlib cannot write its state down."""
        self._hashers[part.path] = ((generation, part.status.st_mtime_ns), hasher)

    def take_hasher(self, part: PartFile, generation: int) -> StreamingHasher | None:
        """Return what hashed the part before, once, if nobody changed the file since."""
        state, hasher = self._hashers.pop(part.path, (None, None))
        return hasher if state == (generation, part.status.st_mtime_ns) else None


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
