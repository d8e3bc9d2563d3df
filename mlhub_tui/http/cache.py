"""The cache of documents on disk: what was fetched stays, bounded in size, for several programs at once.

It is a convenience: a cache that cannot be opened, is locked, full or damaged is as good as an empty one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..errors import (
    EntityDoesNotExist,
    RequestError,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
)
from ..storage import make_private_folder
from ..text import duration
from .hrefs import host_of

if TYPE_CHECKING:
    import httpx

    from .session import Session


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
_CONFIRM = "UPDATE documents SET checked = ?, fresh_until = ?, used = ? WHERE key = ?"
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

    def get(self, keys: Sequence[str]) -> list[CachedResponse | None]:
        """Return what is kept under some keys, None for each under which nothing is."""
        with self._lock:
            if self._db is None and not self.path.exists():
                return [None] * len(keys)
            rows = self._try(lambda db: [self._row(db, key) for key in keys])
        return [_opened(row) for row in rows or [None] * len(keys)]

    def change(self, changes: Iterable[Change]) -> None:
        """Keep, confirm and drop documents; one that alone would fill a quarter of the cache is not kept."""
        rows = [(key, new, _packed(new) if isinstance(new, CachedResponse) else b"") for key, new in changes]
        with self._lock:
            self._try(lambda db: self._write(db, rows))
            if self._since_check >= min(_CHECK_EVERY, self._max_bytes // 8):
                self._since_check = 0
                self._try(self._shrink)

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
            with suppress(sqlite3.Error):
                db.execute("UPDATE documents SET used = ? WHERE key = ?", (now, key))
        return None if row is None else tuple(row[1:])

    def _write(
        self, db: sqlite3.Connection, rows: list[tuple[str, CachedResponse | Revalidated | None, bytes]]
    ) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            for key, new, body in rows:
                if isinstance(new, Revalidated):
                    db.execute(_CONFIRM, (new.checked, new.fresh_until, self._clock(), key))
                elif new is None or len(body) > self._max_bytes // 4:
                    db.execute("DELETE FROM documents WHERE key = ?", (key,))
                else:
                    db.execute(_INSERT, self._values(key, new, body))
                    self._since_check += len(body)
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _values(self, key: str, new: CachedResponse, body: bytes) -> tuple[Any, ...]:
        facts = (new.url, new.media_type, new.etag, new.modified, new.checked, new.fresh_until)
        return (key, *facts, self._clock(), len(body), len(new.content) >= _WORTH_PACKING, body)

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
            return work(self._connected())
        except sqlite3.OperationalError:
            return None
        except (sqlite3.DatabaseError, OSError):
            self._close()
            for name in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self.path.with_name(self.path.name + name).unlink()
            return None

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            make_private_folder(self.path.parent)
            with suppress(FileExistsError):
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
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _packed(new: CachedResponse) -> bytes:
    return zlib.compress(new.content, 1) if len(new.content) >= _WORTH_PACKING else new.content


def _opened(row: tuple[Any, ...] | None) -> CachedResponse | None:
    if row is None:
        return None
    try:
        return CachedResponse(zlib.decompress(row[1]) if row[0] else row[1], *row[2:])
    except zlib.error:
        return None


LONGEST = 7 * 86400.0
"""Seconds; whatever the server says, after this it is asked again."""
_HEURISTIC_PART = 0.1  # of the time since the last change: what RFC 9111, section 4.2.2, proposes
_HEURISTIC_LONGEST = 3600.0


def fresh_for(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that an answer stays fresh for a private cache, None if it must not be stored.

    Parameters
    ----------
    headers
        Those of the answer, by lower-case names or case-insensitive.
    now
        Seconds since the epoch.
    """
    control = _directives(headers.get("cache-control", ""))
    if "no-store" in control:
        return None
    if "no-cache" in control or headers.get("vary", "").strip() == "*":
        return 0.0
    lifetime = _lifetime(control, headers, now)
    return min(max(lifetime - _seconds(headers.get("age", "")), 0.0), LONGEST)


def _lifetime(control: Mapping[str, str], headers: Mapping[str, str], now: float) -> float:
    if "max-age" in control:
        return _seconds(control["max-age"])
    sent = _moment(headers.get("date")) or now
    if "expires" in headers:
        expires = _moment(headers.get("expires"))  # one that is no date means "expired already"
        return max(expires - sent, 0.0) if expires is not None else 0.0
    changed = _moment(headers.get("last-modified"))
    return min(max(sent - changed, 0.0) * _HEURISTIC_PART, _HEURISTIC_LONGEST) if changed is not None else 0.0


def _directives(value: str) -> dict[str, str]:
    """Return the directives of `Cache-Control`; quotes around a value are dropped."""
    pairs = (part.partition("=") for part in value.split(","))
    return {name.strip().lower(): argument.strip().strip('"') for name, _, argument in pairs if name.strip()}


def _seconds(value: str) -> float:
    text = value.strip()
    return float(text[:12]) if text.isascii() and text.isdigit() else 0.0


def _moment(value: str | None) -> float | None:
    """Return an HTTP date as seconds since the epoch, None where it is none."""
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A document as it is kept.

    Parameters
    ----------
    content
        The body, decoded.
    url
        Where a redirect led to; empty where there was none.
    media_type
        What the server calls it.
    etag, modified
        The validators of the answer as received (RFC 9110, section 8.8); may be empty.
    checked
        When the server last said that this is it; seconds since the epoch.
    fresh_until
        Until when it need not be asked again.
    """

    content: bytes = field(repr=False)
    url: str = ""
    media_type: str = ""
    etag: str = ""
    modified: str = ""
    checked: float = 0.0
    fresh_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Revalidated:
    """That the server said of what is kept that it is still the document (304).

    Parameters
    ----------
    checked
        When; seconds since the epoch.
    fresh_until
        Until when it need not be asked again.
    """

    checked: float
    fresh_until: float


Change = tuple[str, CachedResponse | Revalidated | None]
"""A key and what is new of it: a document, its confirmation, or that it is gone (None)."""


_TRY_AGAIN = 30.0  # seconds without asking a host that could not be reached, while the cache can answer
_LOGIN_FIRST = 511  # of the network, not of the server (RFC 6585, section 6)
_VALIDATORS = (("etag", "If-None-Match"), ("modified", "If-Modified-Since"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A document as the server or the cache gives it.

    Parameters
    ----------
    url
        Where it came from in the end, without keys.
    content
        The body.
    media_type
        What the server calls it.
    checked
        When the server last said that this is it; seconds since the epoch.
    offline
        Whether the server could not be asked now.
    """

    url: str
    content: bytes = field(repr=False)
    media_type: str = ""
    checked: float = 0.0
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Offline:
    """That a server cannot be reached and the cache answers in its place.

    Parameters
    ----------
    age
        Seconds since the server last confirmed the oldest document that was given.
    reason
        Why it cannot be reached, in one line.
    """

    age: float
    reason: str

    def __str__(self) -> str:
        return f"offline: as of {duration(self.age) or '0 s'} ago"


class CachingClient:
    """Asks for documents and remembers the answers on disk.

    Answers to requests with a secret are kept apart from those without, and are never used without asking
    while the server can be reached: it alone knows whether the secret still opens them. What is neither
    JSON nor GeoJSON (the page of a captive portal) is not kept.

    Parameters
    ----------
    session
        Whom to ask through.
    cache
        What keeps the answers; None for no cache.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        session: Session,
        cache: DocumentCache | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.session = session
        self._cache = cache
        self._clock = clock
        self._since = 0.0
        self._unreachable: dict[str, tuple[float, str]] = {}
        self._oldest: float | None = None

    @property
    def offline(self) -> Offline | None:
        """Whether the cache answers in place of a server, and how old that is; None while all is well."""
        if not self._unreachable or self._oldest is None:
            return None
        _, reason = next(reversed(self._unreachable.values()))
        return Offline(max(self._clock() - self._oldest, 0.0), reason)

    def refresh(self) -> None:
        """Ask the server again for everything from now on, fresh or not, reachable before or not."""
        self._since = self._clock()
        self._unreachable.clear()
        self._oldest = None

    async def get(self, url: str) -> Answer:
        """Return a document.

        Raises
        ------
        RequestError
            As `Session.request`, where the cache cannot help.
        """
        (answer,) = await self.several([url])
        if isinstance(answer, RequestError):
            raise answer
        return answer

    async def holds(self, url: str) -> bool:
        """Return whether a document is kept; nothing is asked for."""
        if self._cache is None:
            return False
        (kept,) = await asyncio.to_thread(self._cache.get, [self._key(url)])
        return kept is not None

    async def several(self, urls: Sequence[str]) -> list[Answer | RequestError]:
        """Return documents one after the other, or for each why it cannot be had.

        The cache is looked at once before and written once after: for a few dozen documents at a time.
        """
        keys = [self._key(url) for url in urls]
        kept = await asyncio.to_thread(self._cache.get, keys) if self._cache else [None] * len(keys)
        changes: list[Change] = []
        answers = [
            await self._one(url, key, known, changes)
            for url, key, known in zip(urls, keys, kept, strict=True)
        ]
        if changes and self._cache:
            await asyncio.to_thread(self._cache.change, changes)
        return answers

    async def _one(
        self, url: str, key: str, kept: CachedResponse | None, changes: list[Change]
    ) -> Answer | RequestError:
        if kept is not None and self._usable(url, kept):
            return _of(url, kept)
        if kept is not None and self._known_offline(url):
            return self._stale(url, kept)
        headers = {
            header: getattr(kept, name) for name, header in _VALIDATORS if kept and getattr(kept, name)
        }
        try:
            response = await self.session.get(url, headers=headers)
        except RequestError as error:
            if isinstance(error, EntityDoesNotExist) and kept is not None:
                changes.append((key, None))
            if kept is None or not _is_away(error):
                return error
            return self._away(url, kept, error.message)
        if kept is not None and response.status_code != 304 and not _is_data(response):
            return self._away(url, kept, "a web page instead of data")
        return self._reached(url, key, kept, response, changes)

    def _reached(
        self, url: str, key: str, kept: CachedResponse | None, response: httpx.Response, changes: list[Change]
    ) -> Answer:
        """Return what the server answered, and note what is to be kept of it."""
        self._unreachable.pop(host_of(url), None)
        if not self._unreachable:
            self._oldest = None
        now = self._clock()
        seconds = fresh_for(response.headers, now)
        if response.status_code == 304 and kept is not None:
            changes.append((key, Revalidated(now, now + (seconds or 0.0))))
            return _of(url, kept, now)
        answer = self._answer(url, response)
        if seconds is not None and response.status_code == 200 and self._may_be_kept(response):
            changes.append((key, _kept(url, answer, response, now + seconds)))
        return answer

    def _may_be_kept(self, response: httpx.Response) -> bool:
        """Whether an answer is data, without the key in it: none is saved in the clear."""
        keys = self.session.keys
        if keys is not None and keys.in_text(response.content.decode("utf-8", "replace")):
            return False
        return _is_data(response)

    def _away(self, url: str, kept: CachedResponse, reason: str) -> Answer:
        """Note that a server cannot be reached, and return what is kept in its place."""
        self._unreachable[host_of(url)] = (self._clock() + _TRY_AGAIN, reason)
        return self._stale(url, kept)

    def _usable(self, url: str, kept: CachedResponse) -> bool:
        """Whether what is kept may be used without asking (RFC 9111, section 4)."""
        return kept.fresh_until > self._clock() and kept.checked >= self._since and not self._is_keyed(url)

    def _is_keyed(self, url: str) -> bool:
        return self.session.secret is not None and self.session.is_own(url)

    def _key(self, url: str) -> str:
        """Return the key of a URL; no secret can be found from it."""
        bare = self.session.bare(url.partition("#")[0])
        part = "secret" if self._is_keyed(url) else "public"
        return hashlib.sha256(f"{part} {bare}".encode("utf-8", "surrogatepass")).hexdigest()

    def _known_offline(self, url: str) -> bool:
        until, _ = self._unreachable.get(host_of(url), (0.0, ""))
        return until > self._clock()

    def _stale(self, url: str, kept: CachedResponse) -> Answer:
        self._oldest = kept.checked if self._oldest is None else min(self._oldest, kept.checked)
        return _of(url, kept, offline=True)

    def _answer(self, url: str, response: httpx.Response) -> Answer:
        came = self.session.bare(str(response.url))
        asked = self.session.url_of(url)
        media_type = response.headers.get("Content-Type", "")
        return Answer(asked if came == asked else came, response.content, media_type, self._clock())


def _is_away(error: RequestError) -> bool:
    """Whether an error says nothing of the document, but that its server cannot be asked now."""
    if isinstance(error, ServerUnreachable | ServerTimeout | ServerError):
        return True
    return error.status == _LOGIN_FIRST


def _of(url: str, kept: CachedResponse, checked: float | None = None, *, offline: bool = False) -> Answer:
    when = kept.checked if checked is None else checked
    return Answer(kept.url or url, kept.content, kept.media_type, when, offline)


def _kept(url: str, answer: Answer, response: httpx.Response, fresh_until: float) -> CachedResponse:
    # A redirect's target often carries a signature: relative links do not need its query.
    moved = "" if answer.url == url else answer.url.partition("?")[0]
    headers = response.headers
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    return CachedResponse(
        answer.content, moved, answer.media_type, etag, modified, answer.checked, fresh_until
    )


def _is_data(response: httpx.Response) -> bool:
    """Whether an answer is JSON by its looks."""
    if "html" in response.headers.get("Content-Type", "").lower():
        return False
    return response.content[:512].lstrip(b"\xef\xbb\xbf\x1e \t\r\n").startswith((b"{", b"["))
