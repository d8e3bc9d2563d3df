"""The index of an archive on disk: where each member is, and its documents in blocks that open quickly.

gzip cannot be read from the middle. One pass over a packed archive therefore writes its documents into
blocks of a quarter of a megabyte, packed anew; a document is then 0.3 ms away, and the index is about
half as large again as the archive's documents are in it. For a plain tar the offsets are enough.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ... import paths
from ...errors import MLHubException
from ...storage import make_private_folder
from ...text import one_line
from .archive import Cancelled, DamagedArchive, Member, Progress, SkipReport, members

MAX_BLOCKS = 2 * 1024**3
"""Bytes of blocks in one index; documents after that are read from the archive's beginning on."""
MAX_KEPT = 8 * 1024**3
"""Bytes of all indexes and fetched archives together; what was not used for longest goes first."""
MAX_MEMBERS = 20_000_000
"""Members of one archive; a few packed gigabytes can hold billions of empty ones, which would fill a disk."""
_BLOCK = 256 * 1024
_ROWS = 5000
_VERSION = "1"
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE notes (line TEXT NOT NULL);
CREATE TABLE blocks (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE members (
    name TEXT PRIMARY KEY, offset INTEGER NOT NULL, size INTEGER NOT NULL, block INTEGER, start INTEGER
) WITHOUT ROWID;
"""
_ROOTS = ("catalog.json", "collection.json")


class Stopped(MLHubException):
    """The reading of an archive was cancelled."""


class IndexNotWritten(MLHubException):
    """There is no room for an index, or no permission."""

    default_hint = "make room, or set MLHUB_HOME to a folder that can be written"


def folder() -> Path:
    """Return where the indexes lie."""
    return paths.cache() / "archives"


def index_of(
    archive: Path,
    *,
    where: Path | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    max_blocks: int = MAX_BLOCKS,
) -> Path:
    """Return the path of an archive's index; it is made if there is none, or the archive changed.

    Several programs may do this at once: each makes its own, the last one stays.

    Raises
    ------
    OSError
        If the archive cannot be read.
    IndexNotWritten
        If there is no room for the index, or no permission.
    Stopped
        If it was cancelled.
    """
    where = where or folder()
    path = where / f"{hashlib.sha256(os.fsencode(archive)).hexdigest()[:32]}.index"
    mark = _mark(archive)
    if _is_index(path, mark):
        with suppress(OSError):
            os.utime(path)
        return path
    temporary = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}.new")
    with _begun(where, temporary) as db:
        _Maker(db, max_blocks, _is_packed(archive)).make(archive, mark, progress, cancelled)
        db.close()
        temporary.replace(path)
    shrink(where, keep=path)
    return path


@contextmanager
def _begun(where: Path, temporary: Path) -> Iterator[sqlite3.Connection]:
    """Give a new database in a file that is removed at the end, unless it was moved to its place."""
    try:
        make_private_folder(where.parent)
        make_private_folder(where)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise IndexNotWritten(_cannot(where, error)) from None
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            yield db
    except sqlite3.Error as error:
        raise IndexNotWritten(_cannot(where, error)) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _cannot(where: Path, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or error
    return f"the index of the archive cannot be written in {one_line(where, 120)}: {one_line(reason, 80)}"


def shrink(where: Path, *, most: int = MAX_KEPT, keep: Path | None = None) -> int:
    """Remove what was not used for longest until the rest is small enough; return the bytes gone.

    What a program that was killed left half done goes after a day.

    Parameters
    ----------
    where
        The folder of indexes and fetched archives.
    most
        Bytes that may stay.
    keep
        What stays in any case.
    """
    found = []
    for path in where.glob("*.*"):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    whole = gone = 0
    yesterday = time.time() - 86400
    for used, size, path in sorted(found, reverse=True):
        whole += size
        left_over = path.suffix in (".new", ".part") and used < yesterday
        if (whole > most or left_over) and path != keep:
            with suppress(OSError):
                path.unlink()
                gone += size
    return gone


def clear(where: Path | None = None) -> int:
    """Remove all indexes and fetched archives; return the bytes that are gone."""
    return shrink(where or folder(), most=-1)


def _mark(archive: Path) -> str:
    """Return what changes with an archive's content, for all that its folder tells."""
    status = archive.stat()
    return f"{_VERSION} {status.st_size} {status.st_mtime_ns} {status.st_ino}"


def _is_index(path: Path, mark: str) -> bool:
    if not path.is_file():
        return False
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
        row = db.execute("SELECT value FROM about WHERE name = 'mark'").fetchone()
        return row is not None and row[0] == mark
    return False


def _is_packed(archive: Path) -> bool:
    with archive.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


class _Maker:
    """Fills a new index; documents of packed archives go into blocks."""

    def __init__(self, db: sqlite3.Connection, max_blocks: int, packed: bool) -> None:
        self._db = db
        self._left = max_blocks if packed else 0
        self._rows: list[tuple[str, int, int, int | None, int | None]] = []
        self._block: list[bytes] = []
        self._filled = 0
        self._number = 0
        self._best: tuple[int, int, str] | None = None

    def make(self, archive: Path, mark: str, progress: Progress | None, cancelled: Cancelled | None) -> None:
        db = self._db
        # It is renamed into its place when it is whole: nothing need survive a crash before.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(_SCHEMA)
        db.execute("BEGIN")
        remarks = SkipReport()
        try:
            for number, member in enumerate(
                members(archive, remarks=remarks, progress=progress, cancelled=cancelled)
            ):
                if number >= MAX_MEMBERS:
                    raise DamagedArchive(f"only the first {MAX_MEMBERS:,} members of the archive are read")
                self._add(member)
        except DamagedArchive as error:
            remarks.damage = error.message
        if cancelled is not None and cancelled():
            raise Stopped("the reading of the archive was cancelled")
        self._flush_block()
        self._flush_rows()
        db.executemany("INSERT INTO notes VALUES (?)", [(line,) for line in remarks.lines()])
        root = self._best[2] if self._best else ""
        db.executemany("INSERT INTO about VALUES (?, ?)", [("mark", mark), ("root", root)])
        db.execute("COMMIT")

    def _add(self, member: Member) -> None:
        name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if member.content is None or self._left <= 0:
            self._rows.append((name, member.offset, member.size, None, None))
        else:
            self._rows.append((name, member.offset, member.size, self._number, self._filled))
            self._block.append(member.content)
            self._filled += member.size
            if self._filled >= _BLOCK:
                self._flush_block()
        if len(self._rows) >= _ROWS:
            self._flush_rows()
        self._consider(name)

    def _consider(self, name: str) -> None:
        """Remember the root: the `catalog.json` nearest to the top, else the `collection.json`."""
        last = name.rpartition("/")[2]
        if last in _ROOTS:
            rank = (name.count("/"), _ROOTS.index(last), name)
            self._best = rank if self._best is None else min(self._best, rank)

    def _flush_block(self) -> None:
        if not self._block:
            return
        body = zlib.compress(b"".join(self._block), 1)
        self._left -= len(body)
        self._db.execute("INSERT INTO blocks VALUES (?, ?)", (self._number, body))
        self._block, self._filled, self._number = [], 0, self._number + 1

    def _flush_rows(self) -> None:
        # Of two members of one name the later one counts, as it would on unpacking.
        self._db.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?)", self._rows)
        self._rows = []
