"""Probing a location: whether a source is at a URL or path, and of what kind; short, never a long wait."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..auth import Credentials, Kind, checked_root_url, is_url, normalise_root_url, other_spelling
from ..errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    RequestError,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
)
from ..http.cache import CachingClient, DocumentCache
from ..http.errors import HOSTED, HOSTED_HINT
from ..http.hrefs import host, join, shown
from ..http.json_document import DEEP_HINT, MAX_DOCUMENT, decode, is_web_page
from ..http.retry import NO_RETRIES
from ..http.session import Session, SessionTimeouts
from ..text import one_line, size
from .base import Source
from .document_kind import (
    DocumentKind,
    count_links,
    count_stac_items,
    error_text,
    href_of,
    is_datasets,
    kind_of,
    root_above,
    root_document,
    title_of,
)
from .open_source import open_session, open_source
from .probe_path import NotASource, ProbeResult, of_document, probe_path
from .stac.api_client import may_be_spelled_otherwise
from .stac.landing import below_root
from .static.archive_index import ROOT_NAMES
from .static.document_loader import is_lines, list_of_lines
from .static.document_urls import is_archive
from .static.tar_archive import GZIP_MAGIC

TIMEOUT = 25.0
"""Seconds for all requests together."""
_LISTING = re.compile(rb"<title>\s*(index of|directory listing)|<listbucketresult", re.IGNORECASE)
_STATIC = (DocumentKind.CATALOG, DocumentKind.COLLECTION)


async def probe(
    credentials: Credentials,
    *,
    timeout: float = TIMEOUT,
    read_timeout: float = 8.0,
    largest: int = MAX_DOCUMENT,
) -> ProbeResult:
    """Return what is at the location of credentials; `for_location` makes them of what a person typed.

    Their secret is sent as they say, to the location's own origin only. Their kind does not count.

    Parameters
    ----------
    timeout
        Seconds for all requests together.
    read_timeout
        Seconds to wait for the bytes of one.
    largest
        Bytes of an answer that are read.
    """
    where = credentials.root_url
    if not is_url(where):
        return await asyncio.to_thread(probe_path, Path(where))
    timeouts = SessionTimeouts(connect=5.0, read=read_timeout, total=15.0)
    session = open_session(
        credentials, by_document=True, timeouts=timeouts, retry=NO_RETRIES, max_body=largest
    )
    try:
        async with session, asyncio.timeout(timeout):
            return await URLProbe(session).at(where)
    except TimeoutError:
        words = f"timeout: {shown(where)} did not answer within {timeout:g} s"
        raise ServerTimeout(words, url=shown(where)) from None


async def open_any(credentials: Credentials) -> Source:
    """Return the source of credentials, after a probe where its kind is not known; raises as `probe`."""
    return open_source(await with_kind(credentials))


async def with_kind(credentials: Credentials) -> Credentials:
    """Return credentials with their kind, detected by a probe if need be.

    Where the server is away, the kind is that of the root in the cache.
    """
    if credentials.kind is not None:
        return credentials
    try:
        found = await probe(credentials)
    except (ServerUnreachable, ServerTimeout, ServerError):
        if (cached := await _cached(credentials)) is not None:
            return cached
        raise
    if found.kind is None:
        raise AuthenticationError(
            found.notes[0] if found.notes else "the source requires a key",
            hint="add it with its key: `mlhub-tui sources add --help`",
        )
    return replace(credentials, kind=found.kind, root_url=found.location)


async def _cached(credentials: Credentials) -> Credentials | None:
    """Return the credentials of a static catalog of which the root document is in the cache."""
    cache = DocumentCache()
    bare = credentials.root_url.partition("?")[0]
    try:
        async with open_session(replace(credentials, kind=Kind.STATIC)) as session:
            client = CachingClient(session, cache)
            for url in (credentials.root_url, *(join(bare, name) for name in ROOT_NAMES)):
                if await client.holds(url):
                    return replace(credentials, kind=Kind.STATIC, root_url=url)
        return None
    finally:
        await asyncio.to_thread(cache.close)


@dataclass(frozen=True)
class _Response:
    """A response: JSON of some kind, or what there is instead, in words."""

    url: str
    value: Any = None
    kind: DocumentKind | None = None
    what: str = ""
    error: RequestError | None = None


@dataclass(frozen=True)
class URLProbe:
    """Probes URLs of one server.

    Parameters
    ----------
    session
        The session with it: short time-outs, small bodies, no retries.
    """

    session: Session
    _requested: dict[str, _Response] = field(default_factory=dict)

    async def at(self, url: str) -> ProbeResult:
        """Return the source behind a URL."""
        if is_archive(url):
            return await self._archive(url)
        first = await self._get(url)
        if (again := await self._spelled_otherwise(first, url)) is not None:
            url, first = again.url, again
        error = first.error
        if error is not None and error.status is None and not isinstance(error, UnexpectedAnswer):
            raise error  # unreachable: other paths of the server will be, too
        return await self._itself(first, url) or await self._around(first, url)

    async def _itself(self, seen: _Response, url: str) -> ProbeResult | None:
        """Return the source whose own document this is."""
        if seen.kind is DocumentKind.API:
            return await self._api(seen, url)
        if seen.kind is DocumentKind.COLLECTION and (root := root_above(url)):
            return await self._root(root, url) or self._static(seen, url)
        if seen.kind is DocumentKind.CATALOG and not seen.url.partition("?")[0].endswith(".json"):
            # A landing page without links may still have its parts.
            api = await self._unlinked_api(seen, url) if not count_links(seen.value, "child") else None
            return api or self._static(seen, url)
        return self._static(seen, url) if seen.kind in _STATIC else None

    async def _around(self, seen: _Response, url: str) -> ProbeResult:
        """Return the source that a URL is a part of, or the one in its folder."""
        if (root := root_above(url)) and (found := await self._root(root, url)):
            return found
        folder = url.partition("?")[0].partition("#")[0]
        if not folder.lower().endswith((".json", ".geojson")):
            names = asyncio.gather(*(self._get(join(folder, name)) for name in ROOT_NAMES))
            roots, mlhub = await asyncio.gather(names, self._mlhub(join(folder, "")))
            for one in roots:
                if one.kind in _STATIC:
                    return self._static(one, one.url)
            if mlhub is not None:
                return mlhub
        return self._refused(seen, url)

    async def _spelled_otherwise(self, seen: _Response, url: str) -> _Response | None:
        """Return the source at a refused URL with, or without, a slash at its end; None without one."""
        other = other_spelling(url)
        if seen.error is None or not other or not may_be_spelled_otherwise(seen.error):
            return None
        again = await self._get(other)
        return again if again.kind in (DocumentKind.API, *_STATIC) else None

    async def _root(self, root: str, url: str) -> ProbeResult | None:
        """Return the API at a root that was found in a longer URL."""
        seen = await self._get(root)
        seen = await self._spelled_otherwise(seen, root) or seen
        found = await (self._api(seen, root) if seen.kind is DocumentKind.API else self._mlhub(root))
        return found and replace(found, notes=(f"{shown(url)} is a part of it", *found.notes))

    async def _api(self, seen: _Response, url: str) -> ProbeResult:
        """Return a STAC API, or the MLHub API that looks like one."""
        # Behind a redirect, but with a secret never at another host.
        moved = host(url) != host(seen.url)
        root = checked_root_url((url if self.session.secret and moved else seen.url).partition("?")[0])
        mlhub, (counts, needs_key) = await asyncio.gather(self._mlhub(root), self._collections(seen, root))
        document = root_document(seen.value, seen.url)
        if mlhub is not None:
            return replace(mlhub, title=title_of(seen.value), document=document)
        notes = list(_moved(url, seen.url))
        if not seen.value.get("conformsTo"):
            notes.append("it does not say what it conforms to: an old or partial STAC API")
        words = document.description if document else ""
        return ProbeResult(
            Kind.STAC_API, root, title_of(seen.value), words, counts, needs_key, tuple(notes), document
        )

    async def _unlinked_api(self, seen: _Response, url: str) -> ProbeResult | None:
        listing = await self._get(join(seen.url.partition("?")[0], "collections"))
        if listing.kind is not DocumentKind.COLLECTIONS:
            return None
        found = await self._api(seen, url)
        return replace(found, notes=("its landing page has no links: its parts are detected", *found.notes))

    async def _collections(self, seen: _Response, root: str) -> tuple[dict[str, int], bool]:
        """Return how many collections an API has, where that is cheap, and whether they require a key."""
        href = href_of(seen.value, "data")
        try:
            place = below_root(href, seen.url, normalise_root_url(root)) if href else ""
        except UnexpectedAnswer:
            place = ""
        listing = await self._get(place or join(root, "collections"))
        if isinstance(listing.error, AuthenticationError | AccessDenied):
            return {}, True
        if listing.kind is not DocumentKind.COLLECTIONS:
            return {}, False
        matched = listing.value.get("numberMatched")
        if isinstance(matched, int) and not isinstance(matched, bool):
            return {"collections": matched}, False
        paged = href_of(listing.value, "next")
        return ({} if paged else {"collections": len(listing.value["collections"])}), False

    async def _mlhub(self, root: str) -> ProbeResult | None:
        """Return the MLHub API at a root: it has `datasets`, and often no landing page."""
        root = normalise_root_url(root)
        seen = await self._get(join(root, "datasets"))
        if not is_datasets(seen.value):
            return None
        notes = () if self.session.secret else ("its listings are open; items and archives require a key",)
        counts = {"datasets": len(seen.value)}
        return ProbeResult(Kind.MLHUB, root, "", "", counts, not self.session.secret, notes)

    def _static(self, seen: _Response, url: str) -> ProbeResult:
        """Return a static catalog; its location is what was given, so that a redirect may change."""
        found = of_document(seen.value, url, shown(url), seen.url)
        return replace(found, notes=(*_moved(url, seen.url), *found.notes))

    async def _archive(self, url: str) -> ProbeResult:
        """Return a remote archive: what its first bytes and its headers say; the rest is not fetched."""
        first = {"Range": "bytes=0-511"}
        head = await self.session.request("GET", url, headers=first, read=False)
        if is_web_page(head):
            raise NotASource(f"a web page, and no archive, is at {shown(url)}")
        if head.status_code == 206:
            head = await self.session.request("GET", url, headers=first)
            start = head.content[:512]
            if start[:2] != GZIP_MAGIC and start[257:262] != b"ustar":
                raise NotASource(f"{shown(url)} is neither a tar nor a tar.gz archive")
        ranged = head.headers.get("Content-Range", "").rpartition("/")[2]
        length = ranged or head.headers.get("Content-Length", "")
        big = f" ({size(int(length))})" if length.isdigit() else ""
        note = f"an archive{big}: it is downloaded as a whole when it is opened"
        name = one_line(PurePosixPath(urlsplit(url).path).name, 120)
        return ProbeResult(Kind.STATIC, url, name, notes=(note,))

    async def _get(self, url: str) -> _Response:
        """Return what is at a URL, requested once."""
        if url not in self._requested:
            self._requested[url] = await self._request(url)
        return self._requested[url]

    async def _request(self, url: str) -> _Response:
        try:
            response = await self.session.get(url)
        except RequestError as error:
            return _Response(url, error=error)
        final = self.session.bare(str(response.url))
        if _LISTING.search(response.content[:2048]):
            return _Response(final, what="a listing of files")
        try:
            value = await decode(response, self.session.keys)
        except UnexpectedAnswer as error:
            if error.hint == DEEP_HINT:
                return _Response(final, error=error)
            if not is_lines(final, response.headers.get("Content-Type", "")):
                what = "a web page" if is_web_page(response) else "no JSON"
                return _Response(final, what=what, error=error)
            value = list_of_lines(response.content)
        kind = kind_of(value)
        return _Response(final, value, kind, str(kind))

    def _refused(self, seen: _Response, url: str) -> ProbeResult:
        """Return that a key is required, or raise what is there instead of a source."""
        error, where = seen.error, shown(url)
        if isinstance(error, AuthenticationError | AccessDenied):
            if self.session.secret:
                raise error
            return ProbeResult(None, url, host(url), needs_key=True, notes=(error.message,))
        if isinstance(error, EntityDoesNotExist):
            hint = HOSTED_HINT if host(url) == HOSTED else "check the URL; no catalog.json is there either"
            raise EntityDoesNotExist(error.message, url=error.url, status=error.status, hint=hint)
        if error is not None and not seen.what:
            raise error
        if seen.kind is DocumentKind.ERROR:
            message = error_text(seen.value) or "no message"
            raise NotASource(f"{where} answers with {seen.what}: {message}")
        if seen.kind is DocumentKind.ITEMS and count_stac_items(seen.value):
            return self._static(seen, url)
        if seen.kind in (DocumentKind.ITEM, DocumentKind.ITEMS):
            raise NotASource(f"{where} is {seen.what}", hint=_owner(seen))
        raise NotASource(f"{where} is {seen.what}, and no STAC document is beside it")


def _moved(given: str, final: str) -> tuple[str, ...]:
    return () if host(given) == host(final) else (f"{host(given)} redirects to {host(final)}",)


def _owner(seen: _Response) -> str:
    """Return what to name instead of an item."""
    hrefs = (href_of(seen.value, relation) for relation in ("root", "parent", "collection"))
    href = next(filter(None, hrefs), "")
    try:
        better = shown(urljoin(seen.url, href)) if href else ""
    except ValueError:
        better = ""
    return f"name what it belongs to: {better or 'its catalog or collection'}"
