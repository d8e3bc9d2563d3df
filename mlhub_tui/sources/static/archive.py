"""Tar archives of static catalogs: fetched, read in one pass, and by an offset table document by document.

Nothing is unpacked to the disk. gzip cannot be read from the middle, so the table of a packed archive holds
its documents too, each compressed again with the first one as a dictionary; for a plain tar the offsets do.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ... import paths
from ...errors import EntityDoesNotExist, MLHubException, NoSpaceError, NotOffered, RequestError
from ...fileio import make_private_folder, shrink_folder, write_atomic
from ...http.cache import CachedResponse
from ...http.credentials import KeyRemoval, Link
from ...http.errors import PASSING, may_pass
from ...http.json_document import MAX_DOCUMENT, NestedTooDeep, NotJSON, value_of
from ...http.urls import shown
from ...models import JsonDict
from ...text import count, duration, one_line, size
from .document_loader import system_error, too_large, unreadable
from .document_urls import ROOT_NAMES, file_url, is_member, member_names, member_url, split_member
from .tar_reader import (
    ArchiveReadCancelled,
    Cancelled,
    DamagedArchive,
    Progress,
    TarReader,
    is_apple_double,
    is_packed,
)

if TYPE_CHECKING:
    import httpx

    from ...http.session import Session

MAX_BODIES = 2 * 1024**3
"""Bytes of documents in one table; those after that are read from the archive's beginning on."""
MAX_CACHED = 8 * 1024**3
"""Bytes of all tables and fetched archives together; the least recently used are removed first."""
MAX_MEMBERS = 20_000_000
"""Members of one archive; a few packed gigabytes can hold billions of empty ones, which would fill a disk."""
_DOCUMENT_NAMES = (".json", ".geojson", ".ndjson", ".geojsonl", ".jsonl")
_DICTIONARY = 4096  # bytes
_PIECE = 1 << 20  # bytes to write at a time
_TRIES = 5  # in a row without a byte in between
_VERSION = "3"
_SCHEMA = """
PRAGMA journal_mode = OFF;  -- it is renamed into its place when it is whole
PRAGMA synchronous = OFF;
CREATE TABLE about (version TEXT, root TEXT, notes TEXT, damage TEXT, dictionary BLOB);
CREATE TABLE members (name TEXT PRIMARY KEY, offset INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB);
"""
# Of two members of one name the later one counts, as it would on unpacking.
_ADD_MEMBER = "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)"


class IndexNotWritten(MLHubException):
    """There is no room for an offset table, or no permission."""

    default_hint = "free disk space, or set MLHUB_HOME to a folder that can be written"

    def __init__(self, error: Exception) -> None:
        why = one_line(getattr(error, "strerror", None) or error, 80)
        super().__init__(f"the index of the archive cannot be written in {one_line(folder(), 120)}: {why}")


class SkipReport:
    """Members left out of an archive, counted by reason; the first name of each reason is saved."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, reason: str, name: str) -> None:
        """Count a member that was left out."""
        self._counts[reason] += 1
        self._first.setdefault(reason, one_line(name, 80))

    def lines(self) -> tuple[str, ...]:
        """Return a line for each reason."""
        return tuple(
            f"{count(number, 'member')} left out ({reason}): {self._first[reason]}"
            for reason, number in self._counts.items()
        )


class ArchiveMember(NamedTuple):
    """A regular file of an archive.

    - `name`: Its path with forward slashes, without `./`; never absolute, never with `..`.
    - `offset`, `size`: Where its data is in the unpacked archive, in bytes.
    - `content`: Its data; None of a file that is no document.
    """

    name: str
    offset: int
    size: int
    content: bytes | None


def members(
    path: Path, report: SkipReport, *, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> Iterator[ArchiveMember]:
    """Yield the regular files of an archive in order.

    `report` gets what is left out: members whose names lead outside, links, devices, documents too large.

    Raises as `TarReader`.
    """
    with TarReader(path, progress=progress, cancelled=cancelled) as archive:
        for header in archive.headers():
            name = _safe_name(header, report)
            is_document = name.lower().endswith(_DOCUMENT_NAMES) and not is_apple_double(name)
            if is_document and header.size > MAX_DOCUMENT:
                report.add("too large to be read", f"{name} ({size(header.size)})")
            elif name:
                content = b"".join(data for _, data in archive.pieces(header)) if is_document else None
                yield ArchiveMember(name, header.offset_data, header.size, content)


def documents(
    path: Path,
    *,
    report: SkipReport | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    keys: KeyRemoval | None = None,
) -> Iterator[tuple[str, JsonDict]]:
    """Yield the member path and the JSON object of each document of an archive; ends early when cancelled.

    `keys` are taken out of the documents.
    """
    report = report if report is not None else SkipReport()
    with suppress(ArchiveReadCancelled):
        for member in members(path, report, progress=progress, cancelled=cancelled):
            if member.content is None:
                continue
            try:
                value = value_of(member.content, keys=keys)
            except NotJSON as error:
                deep = isinstance(error, NestedTooDeep)
                report.add("nested too deep to be read" if deep else "not JSON", member.name)
                continue
            if isinstance(value, dict):
                yield member.name, value
            else:
                report.add("not JSON", member.name)
        if progress is not None:
            progress(path.stat().st_size, path.stat().st_size)


def _safe_name(header: tarfile.TarInfo, report: SkipReport) -> str:
    """Return the name under which a member is known; empty if it is left out."""
    if not header.isreg() or header.issparse():
        if not header.isdir():
            report.add("a link or device", header.name)
        return ""
    name = header.name.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or "/../" in f"/{name}/":
        report.add("its name leads out of the archive", name)
        return ""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def folder() -> Path:
    """Return where offset tables and fetched archives are."""
    return paths.cache() / "archives"


def make_folder() -> None:
    """Create the folder of offset tables and fetched archives."""
    make_private_folder(folder().parent)
    make_private_folder(folder())


def index_of(
    archive: Path,
    *,
    cancelled: Cancelled | None = None,
    max_bodies: int = MAX_BODIES,
    max_members: int = MAX_MEMBERS,
) -> Path:
    """Return the path of an archive's offset table, built if it is missing or the archive changed.

    Several programs may do this at once: each makes its own, the last one stays.
    """
    status = archive.stat()
    version = f"{_VERSION} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
    path = folder() / f"{hashlib.sha256(os.fsencode(archive)).hexdigest()[:32]}.index"
    if path.is_file():
        with suppress(sqlite3.Error, OSError), closing(sqlite3.connect(path)) as db:
            if db.execute("SELECT version FROM about").fetchone() == (version,):
                os.utime(path)
                return path
    temporary = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}.new")
    try:
        make_folder()
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise IndexNotWritten(error) from None
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            bodies = max_bodies if is_packed(archive) else 0
            _Builder(db, bodies, max_members).build(archive, version, cancelled)
        temporary.replace(path)
    except sqlite3.Error as error:
        raise IndexNotWritten(error) from None
    finally:
        temporary.unlink(missing_ok=True)
    shrink_folder(folder(), MAX_CACHED, keep=path.name)
    return path


class _Builder:
    """Fills a new offset table in one pass; documents are stored as long as there are bytes left for them."""

    def __init__(self, db: sqlite3.Connection, bodies_left: int, max_members: int) -> None:
        self._db = db
        self._bodies_left = bodies_left
        self._max_members = max_members
        self._root: tuple[int, int, str] | None = None
        self._dictionary = b""

    def build(self, archive: Path, version: str, cancelled: Cancelled | None) -> None:
        """Fill the table; damage of the archive is a note in it."""
        report, damage = SkipReport(), ""
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN")
        try:
            self._db.executemany(_ADD_MEMBER, map(self._row, members(archive, report, cancelled=cancelled)))
        except DamagedArchive as error:
            damage = error.message
        notes = [*([damage] if damage else []), *report.lines()]
        about = (version, self._root[2] if self._root else "", json.dumps(notes), damage, self._dictionary)
        self._db.execute("INSERT INTO about VALUES (?, ?, ?, ?, ?)", about)
        self._db.execute("COMMIT")

    def _row(self, member: ArchiveMember) -> tuple[str, int, int, bytes | None]:
        self._max_members -= 1
        if self._max_members < 0:
            raise DamagedArchive("the archive has too many members: only the first ones are read")
        name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        last = name.rpartition("/")[2]
        if last in ROOT_NAMES:  # the one nearest to the top, a `catalog.json` first
            rank = (name.count("/"), ROOT_NAMES.index(last), name)
            self._root = min(self._root or rank, rank)
        body = None
        if member.content is not None and self._bodies_left > 0:
            self._dictionary = self._dictionary or member.content[:_DICTIONARY]
            packer = zlib.compressobj(1, wbits=13, memLevel=6, zdict=self._dictionary)  # 7 us; 67 with 15, 8
            body = packer.compress(member.content) + packer.flush()
            self._bodies_left -= len(body)
        return name, member.offset, member.size, body


class ArchiveMembers:
    """Documents of one archive by place URL, through its offset table; every call blocks.

    Raises OSError if the archive cannot be read.
    """

    def __init__(self, archive: Path, cancelled: Cancelled | None = None) -> None:
        self._archive = archive
        self._url = file_url(archive)
        self._db = sqlite3.connect(index_of(archive, cancelled=cancelled), check_same_thread=False)
        self._lock = threading.Lock()
        row = self._db.execute("SELECT root, notes, damage, dictionary FROM about").fetchone()
        root, notes, self.damage, self._dictionary = row
        self.root_url = member_url(self._url, root) if root else ""
        """The place URL of the root document; empty where there is none."""
        self.notes: tuple[str, ...] = tuple(json.loads(notes))
        """What was left out of the archive, and why; `damage` is why it cannot be read to its end."""

    def read(self, urls: Sequence[str]) -> list[CachedResponse | RequestError]:
        """Return the documents of place URLs, or for each why it cannot be read."""
        with self._lock:
            return [self._read(url) for url in urls]

    def link(self, href: str) -> Link:
        """Return the link to a member's bytes; raises `NotOffered` for files outside of this archive.

        Who made the archive must not make anybody copy their own files.
        """
        if not is_member(href) or split_member(href)[0] != self._url:
            words = f"a file outside of the archive is not followed: {shown(href)}"
            raise NotOffered(
                words, hint="nothing can be fetched for it: report it to the owner of the catalog"
            )
        return Link(href)

    def close(self) -> None:
        """Close the table."""
        with self._lock:
            self._db.close()

    def _read(self, url: str) -> CachedResponse | RequestError:
        if split_member(url)[0] != self._url:
            return unreadable(url, "a member of another archive is not followed")
        query = "SELECT offset, size, body FROM members WHERE name = ?"
        try:
            rows = (self._db.execute(query, (name,)).fetchone() for name in member_names(url))
            row = next(filter(None, rows), None)
            if row is None:
                where = shown(url)
                return EntityDoesNotExist(
                    f"not in the archive: {where}", url=where, hint="the archive lacks it"
                )
            offset, length, body = row
            if length > MAX_DOCUMENT:
                return too_large(url, length)
            if body is not None:
                content = zlib.decompressobj(zdict=self._dictionary).decompress(body)
            else:
                opened = gzip.open if is_packed(self._archive) else open
                with opened(self._archive, "rb") as file:  # of a packed one all before it is unpacked too
                    file.seek(offset)
                    content = file.read(length)
            if len(content) != length:
                raise EOFError
            return CachedResponse(content, url)
        except OSError as error:
            return system_error(error, url)
        except (EOFError, zlib.error, sqlite3.Error) as error:
            return unreadable(url, f"the archive's index is damaged ({type(error).__name__})")


async def fetch_archive(
    session: Session, url: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> tuple[Path, tuple[str, ...]]:
    """Download the archive at a URL into the cache, unless it did not change; return its path.

    With it comes a note where it may be old, as the server is away. `sleep` waits before the next try.
    """
    name = session.cache_key(url)[:32]
    path, record = folder() / f"{name}.tar", folder() / f"{name}.json"
    await asyncio.to_thread(make_folder)
    cached: dict[str, object] = {}
    with suppress(OSError, ValueError):
        cached = dict(json.loads(record.read_bytes())) if path.is_file() else {}
    fetch = _Fetch(folder() / f"{name}.{os.getpid()}-{os.urandom(4).hex()}.part", url, cached)
    try:
        await fetch.run(session, sleep)
        if fetch.is_new:
            fetch.temporary.replace(path)
        text = json.dumps({**fetch.validators, "checked": time.time()})
        await asyncio.to_thread(write_atomic, record, text)
    except PASSING:
        if not cached:
            raise
        checked = cached.get("checked")
        age = time.time() - checked if isinstance(checked, float) else 0.0
        return path, (f"offline: as of {duration(age) or '0 s'} ago",)
    finally:
        fetch.temporary.unlink(missing_ok=True)
    with suppress(OSError):
        os.utime(path)
    await asyncio.to_thread(shrink_folder, folder(), MAX_CACHED, keep=path.name)
    return path, ()


class _Fetch:
    """One download into a temporary file; a connection that breaks is resumed where the server can."""

    def __init__(self, temporary: Path, url: str, cached: Mapping[str, object]) -> None:
        self.temporary = temporary
        self.is_new = False
        self.validators = {name: str(cached.get(name, "")) for name in ("etag", "last-modified")}
        self._url = url
        self._done = 0

    async def run(self, session: Session, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Fetch until all is there, or it did not change."""
        failures = 0
        while True:
            before = self._done
            try:
                async with session.stream(self._url, headers=self._headers()) as response:
                    return await self._take(response)
            except PASSING as error:
                failures = 1 if self._done > before else failures + 1
                if not self._done or failures >= _TRIES or not may_pass(error):
                    raise
            await sleep(0.2 * 2**failures)

    def _headers(self) -> dict[str, str]:
        """Return what to send: whether it changed, or a range of what is missing."""
        etag = self.validators["etag"]
        sent = {"Accept-Encoding": "identity"}
        if not self._done:
            sent |= {"If-None-Match": etag, "If-Modified-Since": self.validators["last-modified"]}
        elif etag.startswith('"'):  # a weak validator does not tell bytes apart (RFC 9110, 13.1.5)
            sent |= {"Range": f"bytes={self._done}-", "If-Range": etag}
        return {name: value for name, value in sent.items() if value}

    async def _take(self, response: httpx.Response) -> None:
        """Write the body of a response; nothing of one that says that it did not change."""
        if response.status_code == 304 and not self.is_new:
            return
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {self._done}-")
        if response.status_code != 206 or not resumed:
            await asyncio.to_thread(self._begin, response.headers)
        pending = bytearray()
        try:
            async for piece in response.aiter_raw():
                pending += piece
                if len(pending) >= _PIECE:
                    await asyncio.to_thread(self._write, bytes(pending))
                    pending.clear()
        finally:
            self._write(pending)  # what came before the connection broke counts

    def _begin(self, headers: Mapping[str, str]) -> None:
        """Start from the first byte."""
        self.validators = {name: headers.get(name, "") for name in self.validators}
        self._done, self.is_new = 0, True
        length, free = headers.get("content-length", ""), shutil.disk_usage(self.temporary.parent).free
        if length.isdigit() and int(length) > free:
            room = f"{self.temporary.parent} has room for {size(free)}"
            raise NoSpaceError(f"the archive has {size(int(length))}, {room}: {shown(self._url)}")
        self.temporary.touch(0o600)
        os.truncate(self.temporary, 0)

    def _write(self, piece: bytes | bytearray) -> None:
        with self.temporary.open("ab") as file:
            file.write(piece)
        self._done += len(piece)
