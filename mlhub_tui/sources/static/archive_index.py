"""Offset tables of tar archives on disk: where each member is; documents of packed ones in blocks.

gzip cannot be read from the middle. One pass over a packed archive therefore writes its documents into
blocks of a quarter of a megabyte, compressed again; a document is then 0.3 ms away. For a plain tar the
offsets are enough.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from ... import paths
from ...errors import EntityDoesNotExist, MLHubException, NotOffered, RequestError
from ...http.hrefs import shown
from ...http.json_document import MAX_DOCUMENT
from ...http.link import Link
from ...storage import make_private_folder
from ...text import one_line
from .document_loader import Fetched, LRUCache, system_error, too_large, unreadable
from .document_urls import file_url, is_member, member_names, member_url, split_member
from .tar_archive import GZIP_MAGIC, Cancelled, DamagedArchive, SkipReport, members, observer

MAX_BLOCKS = 2 * 1024**3
"""Bytes of blocks in one index; documents after that are read from the archive's beginning on."""
MAX_KEPT = 8 * 1024**3
"""Bytes of all indexes and fetched archives together; the least recently used are removed first."""
MAX_MEMBERS = 20_000_000
"""Members of one archive; a few packed gigabytes can hold billions of empty ones, which would fill a disk."""
ROOT_NAMES = ("catalog.json", "collection.json")
"""The names that the root of a static catalog has (STAC best practices)."""
_BLOCK = 256 * 1024
_BLOCKS_IN_MEMORY = 16 * 1024 * 1024  # bytes
_ROWS = 5000
_VERSION = "1"
_SCHEMA = """
PRAGMA journal_mode = OFF;  -- it is renamed into its place when it is whole
PRAGMA synchronous = OFF;
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE notes (line TEXT NOT NULL);
CREATE TABLE blocks (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE members (
    name TEXT PRIMARY KEY, offset INTEGER NOT NULL, size INTEGER NOT NULL, block INTEGER, start INTEGER
) WITHOUT ROWID;
"""


class IndexNotWritten(MLHubException):
    """There is no room for an index, or no permission."""

    default_hint = "free disk space, or set MLHUB_HOME to a folder that can be written"


def folder() -> Path:
    """Return where indexes and fetched archives are."""
    return paths.cache() / "archives"


def index_of(
    archive: Path,
    *,
    cancelled: Cancelled | None = None,
    max_blocks: int = MAX_BLOCKS,
) -> Path:
    """Return the path of an archive's index, built if it is missing or the archive changed.

    Several programs may do this at once: each makes its own, the last one stays.
    """
    status = archive.stat()
    version = f"{_VERSION} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
    path = folder() / f"{hashlib.sha256(os.fsencode(archive)).hexdigest()[:32]}.index"
    if _is_current(path, version):
        with suppress(OSError):
            os.utime(path)
        return path
    temporary = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}.new")
    try:
        make_private_folder(path.parent.parent)
        make_private_folder(path.parent)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise _not_written(error) from None
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            _Builder(db, max_blocks).build(archive, version, cancelled)
        temporary.replace(path)
    except sqlite3.Error as error:
        raise _not_written(error) from None
    finally:
        temporary.unlink(missing_ok=True)
    shrink(keep=path)
    return path


def _not_written(error: Exception) -> IndexNotWritten:
    why = one_line(getattr(error, "strerror", None) or error, 80)
    return IndexNotWritten(f"the index of the archive cannot be written in {one_line(folder(), 120)}: {why}")


def _is_current(path: Path, version: str) -> bool:
    if not path.is_file():
        return False
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
        row = db.execute("SELECT value FROM about WHERE name = 'mark'").fetchone()
        return row is not None and row[0] == version
    return False


def shrink(*, most: int = MAX_KEPT, keep: Path | None = None) -> int:
    """Remove the least recently used indexes and fetched archives until `most` bytes are left.

    What a program that was killed left half done is removed after a day. Returns the bytes removed.
    """
    found = []
    for path in folder().glob("*.*"):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    total = removed = 0
    yesterday = time.time() - 86400
    for used, size, path in sorted(found, reverse=True):
        total += size
        abandoned = path.suffix in (".new", ".part") and used < yesterday
        if (total > most or abandoned) and path != keep:
            with suppress(OSError):
                path.unlink()
                removed += size
    return removed


def clear() -> int:
    """Remove all indexes and fetched archives; return the bytes removed."""
    return shrink(most=-1)


class _Builder:
    """Fills a new index; documents of packed archives go into blocks."""

    def __init__(self, db: sqlite3.Connection, max_blocks: int) -> None:
        self._db = db
        self._left = max_blocks
        self._rows: list[tuple[str, int, int, int | None, int | None]] = []
        self._block: list[bytes] = []
        self._filled = 0
        self._number = 0
        self._root: tuple[int, int, str] | None = None

    def build(self, archive: Path, version: str, cancelled: Cancelled | None) -> None:
        if not _is_packed(archive):
            self._left = 0
        db = self._db
        db.executescript(_SCHEMA)
        db.execute("BEGIN")
        report = SkipReport()
        try:
            found = members(archive, report, observer(archive, None, cancelled))
            for number, member in enumerate(found):
                if number >= MAX_MEMBERS:
                    raise DamagedArchive(f"only the first {MAX_MEMBERS:,} members of the archive are read")
                self._add(member.name, member.offset, member.size, member.content)
        except DamagedArchive as error:
            report.damage = error.message
        self._flush_block()
        self._flush_rows()
        db.executemany("INSERT INTO notes VALUES (?)", [(line,) for line in report.lines()])
        root = self._root[2] if self._root else ""
        db.executemany("INSERT INTO about VALUES (?, ?)", [("mark", version), ("root", root)])
        db.execute("COMMIT")

    def _add(self, name: str, offset: int, size: int, content: bytes | None) -> None:
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if content is None or self._left <= 0:
            self._rows.append((name, offset, size, None, None))
        else:
            self._rows.append((name, offset, size, self._number, self._filled))
            self._block.append(content)
            self._filled += size
            if self._filled >= _BLOCK:
                self._flush_block()
        if len(self._rows) >= _ROWS:
            self._flush_rows()
        last = name.rpartition("/")[2]
        if last in ROOT_NAMES:  # the one nearest to the top, a `catalog.json` first
            rank = (name.count("/"), ROOT_NAMES.index(last), name)
            self._root = min(self._root or rank, rank)

    def _flush_block(self) -> None:
        body = zlib.compress(b"".join(self._block), 1)
        self._left -= len(body)
        self._db.execute("INSERT INTO blocks VALUES (?, ?)", (self._number, body))
        self._block, self._filled, self._number = [], 0, self._number + 1

    def _flush_rows(self) -> None:
        # Of two members of one name the later one counts, as it would on unpacking.
        self._db.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?)", self._rows)
        self._rows = []


class ArchiveMembers:
    """Documents of one archive by place URL, through its index; every call blocks.

    Raises
    ------
    OSError
        If the archive cannot be read.
    """

    def __init__(self, archive: Path, cancelled: Cancelled | None = None) -> None:
        self._archive = archive
        self._url = file_url(archive)
        index = index_of(archive, cancelled=cancelled)
        self._db = sqlite3.connect(index, check_same_thread=False)
        self._lock = threading.Lock()
        self._blocks: LRUCache[bytes] = LRUCache(_BLOCKS_IN_MEMORY)

    @property
    def root_url(self) -> str:
        """The place URL of the root document; raises `EntityDoesNotExist` if there is none."""
        with self._lock:
            row = self._db.execute("SELECT value FROM about WHERE name = 'root'").fetchone()
        if not row or not row[0]:
            raise EntityDoesNotExist(
                f"there is no catalog.json or collection.json in {shown(self._url)}",
                hint="name an archive of a STAC catalog",
            )
        return member_url(self._url, row[0])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the archive, and why."""
        with self._lock:
            return tuple(line for (line,) in self._db.execute("SELECT line FROM notes"))

    def read(self, urls: Sequence[str]) -> list[Fetched | RequestError]:
        """Return the documents of place URLs, or for each why it cannot be read."""
        with self._lock:
            return [self._read(url) for url in urls]

    def link(self, href: str) -> Link:
        """Return the link to a member's bytes; raises `NotOffered` for files outside of this archive.

        Who made the archive must not make anybody copy their own files.
        """
        if not is_member(href) or split_member(href)[0] != self._url:
            raise NotOffered(
                f"a file outside of the archive is not followed: {shown(href)}",
                hint="nothing can be fetched for it: report it to the owner of the catalog",
            )
        return Link(href)

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            self._db.close()

    def _read(self, url: str) -> Fetched | RequestError:
        if split_member(url)[0] != self._url:
            return unreadable(url, "a member of another archive is not followed")
        query = "SELECT offset, size, block, start FROM members WHERE name = ?"
        rows = (self._db.execute(query, (name,)).fetchone() for name in member_names(url))
        row = next(filter(None, rows), None)
        if row is None:
            where = shown(url)
            return EntityDoesNotExist(f"not in the archive: {where}", url=where, hint="the archive lacks it")
        offset, size, block, start = row
        if size > MAX_DOCUMENT:
            return too_large(url, size)
        try:
            if block is not None:
                return Fetched(url, self._block(block)[start : start + size])
            opened = gzip.open if _is_packed(self._archive) else open
            with opened(self._archive, "rb") as file:  # of a packed one all before it is unpacked too
                file.seek(offset)
                return Fetched(url, file.read(size))
        except OSError as error:
            return system_error(error, url)
        except (EOFError, zlib.error, sqlite3.Error) as error:
            return unreadable(url, f"the archive's index is damaged ({type(error).__name__})")

    def _block(self, number: int) -> bytes:
        known = self._blocks.get(str(number))
        if known is None:
            row = self._db.execute("SELECT body FROM blocks WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise sqlite3.DatabaseError("a block is missing")
            known = zlib.decompress(row[0])
            self._blocks.put(str(number), known, len(known))
        return known


def _is_packed(archive: Path) -> bool:
    with archive.open("rb") as file:
        return file.read(2) == GZIP_MAGIC
