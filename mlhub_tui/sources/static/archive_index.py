"""Offset tables of tar archives on disk: where each member is, and the documents of packed ones.

gzip cannot be read from the middle. One pass over a packed archive therefore stores its documents, each
compressed again with the first one as a dictionary. For a plain tar the offsets are enough.
"""

from __future__ import annotations

import gzip
import hashlib
import json
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
from ...http.credentials import Link
from ...http.json_document import MAX_DOCUMENT
from ...http.urls import shown
from ...storage import make_private_folder
from ...text import one_line
from .document_loader import Fetched, system_error, too_large, unreadable
from .document_urls import file_url, is_member, member_names, member_url, split_member
from .tar_archive import GZIP_MAGIC, Cancelled, DamagedArchive, SkipReport, members

MAX_BODIES = 2 * 1024**3
"""Bytes of documents in one index; those after that are read from the archive's beginning on."""
MAX_KEPT = 8 * 1024**3
"""Bytes of all indexes and fetched archives together; the least recently used are removed first."""
MAX_MEMBERS = 20_000_000
"""Members of one archive; a few packed gigabytes can hold billions of empty ones, which would fill a disk."""
ROOT_NAMES = ("catalog.json", "collection.json")
"""The names that the root of a static catalog has (STAC best practices)."""
_DICTIONARY = 4096  # bytes
_ROWS = 5000
_VERSION = "2"
_SCHEMA = """
PRAGMA journal_mode = OFF;  -- it is renamed into its place when it is whole
PRAGMA synchronous = OFF;
CREATE TABLE about (version TEXT, root TEXT, notes TEXT, damage TEXT, dictionary BLOB);
CREATE TABLE bodies (offset INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE members (name TEXT PRIMARY KEY, offset INTEGER NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
"""
# Of two members of one name the later one counts, as it would on unpacking.
_ADD_MEMBER = "INSERT OR REPLACE INTO members VALUES (?, ?, ?)"


class IndexNotWritten(MLHubException):
    """There is no room for an index, or no permission."""

    default_hint = "free disk space, or set MLHUB_HOME to a folder that can be written"


def folder() -> Path:
    """Return where indexes and fetched archives are."""
    return paths.cache() / "archives"


def make_folder() -> None:
    """Create the folder of indexes and fetched archives."""
    make_private_folder(folder().parent)
    make_private_folder(folder())


def index_of(
    archive: Path,
    *,
    cancelled: Cancelled | None = None,
    max_bodies: int = MAX_BODIES,
    max_members: int = MAX_MEMBERS,
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
        make_folder()
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise _not_written(error) from None
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            bodies = max_bodies if _is_packed(archive) else 0
            _build(db, archive, version, cancelled, bodies, max_members)
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
        return bool(db.execute("SELECT version FROM about").fetchone() == (version,))
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


def _build(
    db: sqlite3.Connection,
    archive: Path,
    version: str,
    cancelled: Cancelled | None,
    bodies_left: int,
    max_members: int,
) -> None:
    """Fill a new index in one pass; documents are stored as long as there are bytes left for them."""
    db.executescript(_SCHEMA)
    db.execute("BEGIN")
    report = SkipReport()
    root: tuple[int, int, str] | None = None
    dictionary = b""
    rows: list[tuple[str, int, int]] = []
    try:
        for number, member in enumerate(members(archive, report, cancelled=cancelled)):
            if number >= max_members:
                raise DamagedArchive(f"only the first {max_members:,} members of the archive are read")
            name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            rows.append((name, member.offset, member.size))
            if len(rows) == _ROWS:
                db.executemany(_ADD_MEMBER, rows)
                rows.clear()
            if member.content is not None and bodies_left > 0:
                dictionary = dictionary or member.content[:_DICTIONARY]
                packer = zlib.compressobj(1, wbits=13, memLevel=6, zdict=dictionary)  # 7 us; 67 with 15, 8
                body = packer.compress(member.content) + packer.flush()
                db.execute("INSERT INTO bodies VALUES (?, ?)", (member.offset, body))
                bodies_left -= len(body)
            last = name.rpartition("/")[2]
            if last in ROOT_NAMES:  # the one nearest to the top, a `catalog.json` first
                rank = (name.count("/"), ROOT_NAMES.index(last), name)
                root = min(root or rank, rank)
    except DamagedArchive as error:
        report.damage = error.message
    db.executemany(_ADD_MEMBER, rows)
    about = (version, root[2] if root else "", json.dumps(report.lines()), report.damage, dictionary)
    db.execute("INSERT INTO about VALUES (?, ?, ?, ?, ?)", about)
    db.execute("COMMIT")


class ArchiveMembers:
    """Documents of one archive by place URL, through its index; every call blocks.

    Raises OSError if the archive cannot be read.
    """

    def __init__(self, archive: Path, cancelled: Cancelled | None = None) -> None:
        self._archive = archive
        self._url = file_url(archive)
        index = index_of(archive, cancelled=cancelled)
        self._db = sqlite3.connect(index, check_same_thread=False)
        self._lock = threading.Lock()
        row = self._db.execute("SELECT root, notes, damage, dictionary FROM about").fetchone()
        self._root, notes, self.damage, self._dictionary = row
        self.notes: tuple[str, ...] = tuple(json.loads(notes))
        """What was left out of the archive, and why; `damage` is why it cannot be read to its end."""

    @property
    def root_url(self) -> str:
        """The place URL of the root document; raises `EntityDoesNotExist` if there is none."""
        if not self._root:
            raise EntityDoesNotExist(
                f"there is no catalog.json or collection.json in {shown(self._url)}",
                hint="name an archive of a STAC catalog",
            )
        return member_url(self._url, self._root)

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
        query = "SELECT offset, size, body FROM members LEFT JOIN bodies USING (offset) WHERE name = ?"
        try:
            rows = (self._db.execute(query, (name,)).fetchone() for name in member_names(url))
            row = next(filter(None, rows), None)
            if row is None:
                where = shown(url)
                return EntityDoesNotExist(
                    f"not in the archive: {where}", url=where, hint="the archive lacks it"
                )
            offset, size, body = row
            if size > MAX_DOCUMENT:
                return too_large(url, size)
            if body is not None:
                unpacked = zlib.decompressobj(zdict=self._dictionary).decompress(body)
                if len(unpacked) == size:
                    return Fetched(url, unpacked)
                raise EOFError
            opened = gzip.open if _is_packed(self._archive) else open
            with opened(self._archive, "rb") as file:  # of a packed one all before it is unpacked too
                file.seek(offset)
                return Fetched(url, file.read(size))
        except OSError as error:
            return system_error(error, url)
        except (EOFError, zlib.error, sqlite3.Error) as error:
            return unreadable(url, f"the archive's index is damaged ({type(error).__name__})")


def _is_packed(archive: Path) -> bool:
    with archive.open("rb") as file:
        return file.read(2) == GZIP_MAGIC
