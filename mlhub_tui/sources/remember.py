"""Asking a server for documents through the cache: fresh ones from disk, others revalidated, offline marked.

The seam is generic: it asks through any `Session`, for a static catalog's documents or an API's landing page.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import EntityDoesNotExist, RequestError, ServerError, ServerTimeout, ServerUnreachable
from ..text import duration
from .freshness import fresh_for
from .hrefs import host_of
from .kept import Change, Confirmed, Kept

if TYPE_CHECKING:
    import httpx

    from .cache import DocumentCache
    from .http import Session

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


class Remembering:
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
        self, url: str, key: str, kept: Kept | None, changes: list[Change]
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
        self, url: str, key: str, kept: Kept | None, response: httpx.Response, changes: list[Change]
    ) -> Answer:
        """Return what the server answered, and note what is to be kept of it."""
        self._unreachable.pop(host_of(url), None)
        if not self._unreachable:
            self._oldest = None
        now = self._clock()
        seconds = fresh_for(response.headers, now)
        if response.status_code == 304 and kept is not None:
            changes.append((key, Confirmed(now, now + (seconds or 0.0))))
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

    def _away(self, url: str, kept: Kept, reason: str) -> Answer:
        """Note that a server cannot be reached, and return what is kept in its place."""
        self._unreachable[host_of(url)] = (self._clock() + _TRY_AGAIN, reason)
        return self._stale(url, kept)

    def _usable(self, url: str, kept: Kept) -> bool:
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

    def _stale(self, url: str, kept: Kept) -> Answer:
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


def _of(url: str, kept: Kept, checked: float | None = None, *, offline: bool = False) -> Answer:
    when = kept.checked if checked is None else checked
    return Answer(kept.url or url, kept.content, kept.media_type, when, offline)


def _kept(url: str, answer: Answer, response: httpx.Response, fresh_until: float) -> Kept:
    # A redirect's target often carries a signature: relative links do not need its query.
    moved = "" if answer.url == url else answer.url.partition("?")[0]
    headers = response.headers
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    return Kept(answer.content, moved, answer.media_type, etag, modified, answer.checked, fresh_until)


def _is_data(response: httpx.Response) -> bool:
    """Whether an answer is JSON by its looks."""
    if "html" in response.headers.get("Content-Type", "").lower():
        return False
    return response.content[:512].lstrip(b"\xef\xbb\xbf\x1e \t\r\n").startswith((b"{", b"["))
