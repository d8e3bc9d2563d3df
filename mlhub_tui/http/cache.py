"""The HTTP cache (RFC 9111): documents on disk, revalidated, stale ones when offline; and last listings.

The file is a convenience: one that cannot be opened, is locked, full or damaged is as good as an empty one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..errors import EntityDoesNotExist, MLHubException, RequestError
from ..fileio import make_private_folder, remove_database
from ..models import Dataset, Entry, EntryKind
from ..text import duration, redact
from .errors import PASSING
from .urls import host

if TYPE_CHECKING:
    import httpx

    from .session import Session

MAX_BYTES = 512 * 1024 * 1024
LONGEST = 7 * 86400.0
"""Seconds; whatever the server says, after this it is asked again."""
_HEURISTIC_PART = 0.1  # of the time since the last change: what RFC 9111, section 4.2.2, proposes
_HEURISTIC_LONGEST = 3600.0
_TRY_AGAIN = 30.0  # seconds without a request to a host that could not be reached, while the cache can answer
_LOGIN_FIRST = 511  # of the network, not of the server (RFC 6585, section 6)

_PATIENCE = 2.0  # seconds another connection may hold the database
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_LOCKED)
_CHECK_EVERY = 2 * 1024 * 1024  # bytes stored between two checks of the whole size
_SHRINK_TO = 0.9
_USED_STEP = 3600.0  # seconds: reading marks a document as used, but not each time
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


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A document as the server or the cache gives it.

    - `content`: The body, decoded.
    - `url`: Where it came from in the end, without keys; in the cache empty where there was no redirect.
    - `media_type`: What the server calls it.
    - `etag`, `modified`: The validators as received (RFC 9110, section 8.8); may be empty.
    - `checked`: When the server last said that this is it; seconds since the epoch.
    - `fresh_until`: Until when it need not be requested again.
    """

    content: bytes = field(repr=False)
    url: str = ""
    media_type: str = ""
    etag: str = ""
    modified: str = ""
    checked: float = 0.0
    fresh_until: float = 0.0


class DocumentCache:
    """Documents by key, in one SQLite file that only its owner can read; every call may block for a moment.

    - `folder`: Where it lies; by default `cache` in MLHUB_HOME. Nothing is created before the first document.
    - `max_bytes`: The most it holds; what was not used for longest goes first.
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

    def get(self, key: str) -> CachedResponse | None:
        """Return what is cached under a key, None where nothing is."""
        with self._lock:
            row = self._read(lambda db: self._row(db, key))
        if row is not None:
            with suppress(zlib.error):
                return CachedResponse(zlib.decompress(row[1]) if row[0] else row[1], *row[2:])
        return None

    def put(self, key: str, document: CachedResponse | None) -> None:
        """Store a document, or drop it for None; one that would fill a quarter of the cache is not stored."""
        body = b"" if document is None else zlib.compress(document.content, 1)
        with self._lock:
            if document is None or len(body) > self._max_bytes // 4:
                self._read(lambda db: db.execute("DELETE FROM documents WHERE key = ?", (key,)))
                return
            facts = (document.url, document.media_type, document.etag, document.modified)
            times = (document.checked, document.fresh_until, self._clock())
            self._try(lambda db: db.execute(_INSERT, (key, *facts, *times, len(body), True, body)))
            self._since_check += len(body)
            if self._since_check >= min(_CHECK_EVERY, self._max_bytes // 8):
                self._since_check = 0
                self._try(self._shrink)

    def size(self) -> tuple[int, int]:
        """Return how many documents there are, and their bytes."""
        statement = "SELECT count(*), coalesce(sum(size), 0) FROM documents"
        with self._lock:
            row = self._read(lambda db: db.execute(statement).fetchone())
        return (row[0], row[1]) if row else (0, 0)

    def clear(self) -> int:
        """Drop all documents and return how many bytes of them there were."""
        _, before = self.size()
        with self._lock:
            self._read(lambda db: db.execute("DELETE FROM documents"))
            self._read(lambda db: db.execute("VACUUM"))
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

    def _shrink(self, db: sqlite3.Connection) -> None:
        """Drop what was not used for longest, down to nine tenths of the limit."""
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

    def _read(self, work: Callable[[sqlite3.Connection], object]) -> Any:
        """Do something with the database where there is one; None where there is none, or that fails."""
        return self._try(work) if self._db is not None or self.path.exists() else None

    def _try(self, work: Callable[[sqlite3.Connection], object]) -> Any:
        """Do something with the database; None where that fails. A damaged one is replaced."""
        try:
            return work(self._connected())
        except sqlite3.OperationalError:
            return None
        except (sqlite3.DatabaseError, OSError):
            self._close()
            with suppress(OSError):
                remove_database(self.path)
            return None

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            make_private_folder(self.path.parent)
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
            db = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                _set_up(db)
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


def _set_up(db: sqlite3.Connection) -> None:
    """Create what is missing; while another connection writes, wait: SQLite does not, to change the mode."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            # What a power cut takes can be fetched again.
            db.execute("PRAGMA synchronous = OFF")
            db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def fresh_for(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that an answer stays fresh for a private cache, None if it must not be stored.

    - `headers`: Those of the answer, by lower-case names or case-insensitive.
    """
    pairs = (part.partition("=") for part in headers.get("cache-control", "").split(","))
    control = {name.strip().lower(): argument.strip().strip('"') for name, _, argument in pairs}
    if "no-store" in control:
        return None
    if "no-cache" in control or headers.get("vary", "").strip() == "*":
        return 0.0
    sent, lifetime = _moment(headers.get("date")) or now, 0.0
    expires, changed = _moment(headers.get("expires")), _moment(headers.get("last-modified"))
    if "max-age" in control:
        lifetime = _seconds(control["max-age"])
    elif "expires" in headers:  # one that is no date means "expired already"
        lifetime = expires - sent if expires is not None else 0.0
    elif changed is not None:
        lifetime = min((sent - changed) * _HEURISTIC_PART, _HEURISTIC_LONGEST)
    return min(max(max(lifetime, 0.0) - _seconds(headers.get("age", "")), 0.0), LONGEST)


def _seconds(value: str) -> float:
    text = value.strip()
    return float(text[:12]) if text.isascii() and text.isdigit() else 0.0


def _moment(value: str | None) -> float | None:
    """Return an HTTP date as seconds since the epoch, None where it is none."""
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


class CachingClient:
    """Requests documents and stores the answers on disk.

    Answers to requests with a secret are stored apart from those without, and are never used without asking
    while the server can be reached: it alone knows whether the secret still opens them. What is neither JSON
    nor GeoJSON (the page of a captive portal), or holds the key, is not stored.
    """

    def __init__(
        self, session: Session, cache: DocumentCache, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.session = session
        self._cache = cache
        self._clock = clock
        self._since = 0.0
        self._unreachable: dict[str, float] = {}
        self._oldest: float | None = None

    @property
    def offline(self) -> str:
        """How old the oldest document is that was given in place of a server; empty while all is well."""
        if self._oldest is None:
            return ""
        return f"offline: as of {duration(max(self._clock() - self._oldest, 0.0)) or '0 s'} ago"

    def refresh(self) -> None:
        """Request everything again from now on, fresh or not, reachable before or not."""
        self._since = self._clock()
        self._unreachable.clear()
        self._oldest = None

    async def holds(self, url: str) -> bool:
        """Return whether a document is cached; nothing is requested."""
        return await asyncio.to_thread(self._cache.get, self.session.cache_key(url)) is not None

    async def get(self, url: str) -> CachedResponse:
        """Return a document; raises RequestError if it cannot be had."""
        key = self.session.cache_key(url)
        cached = await asyncio.to_thread(self._cache.get, key)
        if cached is None:
            return await self._received(url, key, None, await self.session.get(url))
        known = replace(cached, url=cached.url or url)
        if self._usable(url, cached):
            return known
        if self._unreachable.get(host(url), 0.0) <= self._clock():
            validators = {"If-None-Match": cached.etag, "If-Modified-Since": cached.modified}
            headers = {name: value for name, value in validators.items() if value}
            try:
                response = await self.session.get(url, headers=headers)
            except RequestError as error:
                if isinstance(error, EntityDoesNotExist):
                    await asyncio.to_thread(self._cache.put, key, None)
                if not _is_away(error):
                    raise
            else:
                if response.status_code == 304 or _is_data(response):
                    return await self._received(url, key, known, response)
            self._unreachable[host(url)] = self._clock() + _TRY_AGAIN
        self._oldest = cached.checked if self._oldest is None else min(self._oldest, cached.checked)
        return known

    async def _received(
        self, url: str, key: str, known: CachedResponse | None, response: httpx.Response
    ) -> CachedResponse:
        """Return what the server answered, and store it as far as it may be."""
        self._unreachable.pop(host(url), None)
        if not self._unreachable:
            self._oldest = None
        now, headers = self._clock(), response.headers
        seconds = fresh_for(headers, now)
        fresh_until = now + (seconds or 0.0)
        if response.status_code == 304 and known is not None:
            answer = replace(known, checked=now, fresh_until=fresh_until)
        else:
            media_type, etag, modified = (
                headers.get(name, "") for name in ("Content-Type", "ETag", "Last-Modified")
            )
            place = self.session.bare(str(response.url))
            answer = CachedResponse(response.content, place, media_type, etag, modified, now, fresh_until)
            if seconds is None or response.status_code != 200 or not self._may_be_stored(response):
                return answer
        # The target of a redirect may carry a signature.
        stored = replace(answer, url="" if answer.url == url else answer.url.partition("?")[0])
        await asyncio.to_thread(self._cache.put, key, stored)
        return answer

    def _may_be_stored(self, response: httpx.Response) -> bool:
        """Whether an answer is data, without the key in it: none is saved in the clear."""
        keys = self.session.keys
        return _is_data(response) and not (
            keys is not None and keys.in_text(response.content.decode("utf-8", "replace"))
        )

    def _usable(self, url: str, cached: CachedResponse) -> bool:
        """Whether a cached document may be used without asking (RFC 9111, section 4)."""
        is_fresh = cached.fresh_until > self._clock() and cached.checked >= self._since
        return is_fresh and (self.session.secret is None or not self.session.is_own(url))


def _is_away(error: RequestError) -> bool:
    """Whether an error says nothing of the document, but that its server cannot be reached now."""
    return isinstance(error, PASSING) or error.status == _LOGIN_FIRST


def _is_data(response: httpx.Response) -> bool:
    """Whether an answer is JSON by its looks."""
    if "html" in response.headers.get("Content-Type", "").lower():
        return False
    return response.content[:512].lstrip(b"\xef\xbb\xbf\x1e \t\r\n").startswith((b"{", b"["))


MOST = 500
"""Entries cached of one listing: more than a screen shows before the source has answered."""


class LastListing:
    """The listing of one source, by its location and a name of who reads it; both methods block."""

    def __init__(self, source: str, reader: str = "", *, clock: Callable[[], float] = time.time) -> None:
        name = json.dumps(["listing", redact(source), reader])
        self._key = hashlib.sha256(name.encode()).hexdigest()
        self._clock = clock

    def load(self) -> tuple[list[Entry], float]:
        """Return the cached entries and their age in seconds; none where nothing is cached."""
        with closing(DocumentCache()) as cache:
            cached = cache.get(self._key)
        if cached is None:
            return [], 0.0
        try:
            raw = json.loads(cached.content)
        except (ValueError, RecursionError):
            return [], 0.0
        found = [_entry(one) for one in raw[:MOST]] if isinstance(raw, list) else []
        return [entry for entry in found if entry is not None], max(self._clock() - cached.checked, 0.0)

    def save(self, entries: Sequence[Entry]) -> None:
        """Keep what was listed now."""
        text = json.dumps([_plain(entry) for entry in entries[:MOST]])
        with closing(DocumentCache()) as cache:
            cache.put(self._key, CachedResponse(text.encode(), "", "application/json", checked=self._clock()))


def _plain(entry: Entry) -> dict[str, Any]:
    # Of an MLHub record all is in the listing; of anything else the tree shows id and title alone.
    raw = entry.document.raw if isinstance(entry.document, Dataset) else None
    plain = {"kind": entry.kind.value, "id": entry.id, "title": entry.title, "url": entry.url, "raw": raw}
    return {name: value for name, value in plain.items() if value}


def _entry(plain: Any) -> Entry | None:
    """Return an entry from its cached JSON; None where that is malformed."""
    try:
        kind = EntryKind(plain["kind"])
        if kind is EntryKind.DATASET:
            return Entry.of(Dataset(plain["raw"]))
        words = {name: plain.get(name, "") for name in ("id", "title", "url")}
    except (KeyError, TypeError, ValueError, AttributeError, MLHubException):
        return None
    return Entry(kind, **words) if all(isinstance(word, str) for word in words.values()) else None
