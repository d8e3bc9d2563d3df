"""Probing a location: whether a source is at a URL or path, and of what kind; short, never a long wait."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from ..auth import Credentials, Kind, checked_root_url, is_url, normalise_root_url, other_spelling
from ..auth.location import HOSTED
from ..content import FORMATS
from ..errors import (
    AccessDenied,
    AnswerTooLarge,
    AuthenticationError,
    EntityDoesNotExist,
    MLHubException,
    RequestError,
    ServerError,
    ServerTimeout,
    UnexpectedAnswer,
)
from ..http.cache import CachingClient, DocumentCache
from ..http.errors import HOSTED_HINT, NO_RETRIES, PASSING, BeingPrepared
from ..http.json_document import (
    DEEP_HINT,
    MAX_DOCUMENT,
    SMALLER_HINT,
    NotJSON,
    decode,
    is_web_page,
    json_in,
    too_large,
    words_in,
)
from ..http.session import Session, SessionTimeouts
from ..http.urls import host, host_label, join, parse_url, shown
from ..models.document import identity, links_of
from ..text import count, nearest_word, one_line, size
from .base import Source
from .documents import DocumentKind, count_stac_items, is_datasets, kind_of, longer_answer, matched
from .open_source import open_session, open_source
from .stac.api_client import may_be_spelled_otherwise
from .stac.landing import Landing
from .static.document_urls import ROOT_NAMES, file_url, is_archive, local_path, name_of, split_member
from .static.item_lists import begins_with_items, is_large
from .static.source import NotASource, find_root
from .static.tar_reader import ArchiveReadCancelled, is_archive_head

if TYPE_CHECKING:
    import httpx

TIMEOUT = 25.0
"""Seconds for all requests together."""
_BUSY_WAIT, _LONGEST_WAIT = 1.0, 5.0  # seconds
_LARGE_LIST = "a large list of items: it is looked through whole each time that it is opened"
_STATIC = (DocumentKind.CATALOG, DocumentKind.COLLECTION)
_LISTING = re.compile(rb"<title>\s*(index of|directory listing)|<listbucketresult", re.IGNORECASE)
_ENDPOINT = re.compile(
    r"/(collections(/[^/]+(/items(/[^/]+)?|/queryables)?)?|search|conformance|queryables|datasets(/[^/]+)?"
    r"|models|api|api\.html|docs|openapi\.json|service-desc)/?$"
)
_MORE_OF = {
    "archive": ", which cannot be read in place: unpack it, and name the folder",
    "Parquet file": ": stac-geoparquet is not read here",
}


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A source that was found.

    - `kind`: What it speaks; None where it shows nothing without a key.
    - `location`: Where it is, as `Credentials.root_url` wants it; may differ from what was given.
    - `title`: What it calls itself, cleaned, on one line; may be empty.
    - `counts`: How many of what are directly in it, where that was cheap to learn: `collections`, `datasets`,
      `catalogs and collections`, `items`.
    - `needs_key`: Whether some or all of it requires a key that was not given.
    - `notes`: What else is to be known, a sentence each.
    """

    kind: Kind | None
    location: str
    title: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    needs_key: bool = False
    notes: tuple[str, ...] = ()

    @property
    def kind_words(self) -> str:
        """The kind for people."""
        return {
            Kind.MLHUB: "an MLHub API",
            Kind.STAC_API: "a STAC API",
            Kind.STATIC: "a static STAC catalog",
            None: "something that requires a key",
        }[self.kind]

    @property
    def counts_words(self) -> str:
        """The counts for people, empty where nothing was counted."""
        singular = {"catalogs and collections": "catalog or collection"}
        return ", ".join(count(n, singular.get(noun, noun[:-1]), noun) for noun, n in self.counts.items())


async def probe(
    credentials: Credentials,
    *,
    timeout: float = TIMEOUT,
    read_timeout: float = 8.0,
    largest: int = MAX_DOCUMENT,
    archive_timeout: float = 5.0,
) -> ProbeResult:
    """Return what is at the location of credentials; `for_location` makes them of what a person typed.

    Their secret is sent as they say, to the location's own origin only. Their kind does not count.

    - `timeout`: Seconds for all requests together.
    - `read_timeout`: Seconds to wait for the bytes of one.
    - `largest`: Bytes of an answer that are read.
    - `archive_timeout`: Seconds to read an archive on this machine.
    """
    where = credentials.root_url
    if not is_url(where):
        return await asyncio.to_thread(_at_path, Path(where), archive_timeout)
    timeouts = SessionTimeouts(connect=5.0, read=read_timeout, total=15.0)
    session = open_session(
        credentials, by_document=True, timeouts=timeouts, retry=NO_RETRIES, max_body=largest
    )
    try:
        async with session, asyncio.timeout(timeout):
            return await _URLProbe(session).at(where)
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
    except PASSING:
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
    """A response: JSON of some kind, or a description of what came instead."""

    url: str
    value: Any = None
    kind: DocumentKind | None = None
    what: str = ""
    error: RequestError | None = None


class _URLProbe:
    """Probes URLs of one server, each once, by a session of short time-outs, small bodies and no retries."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._responses: dict[str, _Response] = {}

    async def at(self, url: str) -> ProbeResult:
        """Return the source behind a URL."""
        if is_archive(url):
            return await self._archive(url)
        seen = await self._get(url)
        if (again := await self._spelled_otherwise(seen, url)) is not None:
            url, seen = again.url, again
        error = seen.error
        if error is not None and error.status is None and not isinstance(error, UnexpectedAnswer):
            raise error  # unreachable: other paths of the server will be, too
        if seen.kind is DocumentKind.API:
            return await self._api(seen, url)
        if seen.kind is DocumentKind.CATALOG:
            # A landing page without links may still have its parts.
            bare = not seen.url.partition("?")[0].endswith(".json") and not links_of(seen.value, "child")
            return (await self._unlinked_api(seen, url) if bare else None) or self._static(seen, url)
        if found := await self._above(url):
            return found
        if seen.kind is DocumentKind.COLLECTION:
            return self._static(seen, url)
        return await self._in_folder(url) or self._refused(seen, url)

    async def _in_folder(self, url: str) -> ProbeResult | None:
        """Return the source in the folder that a URL may name."""
        folder = url.partition("?")[0].partition("#")[0]
        if folder.lower().endswith((".json", ".geojson")):
            return None
        names = asyncio.gather(*(self._get(join(folder, name)) for name in ROOT_NAMES))
        roots, mlhub = await asyncio.gather(names, self._mlhub(join(folder, "")))
        root = next((root for root in roots if root.kind in _STATIC), None)
        return self._static(root, root.url) if root else mlhub

    async def _spelled_otherwise(self, seen: _Response, url: str) -> _Response | None:
        """Return the source that is at a URL with, or without, a slash at its end; None without one."""
        other = other_spelling(url)
        is_none = seen.kind in (DocumentKind.ERROR, DocumentKind.OTHER)
        if not other or not (is_none or (seen.error and may_be_spelled_otherwise(seen.error, url))):
            return None
        again = await self._get(other)
        return again if again.kind in (DocumentKind.API, *_STATIC) else None

    async def _above(self, url: str) -> ProbeResult | None:
        """Return the API that a URL is an endpoint of; None where it is no such endpoint."""
        match = _ENDPOINT.search(urlsplit(url).path)
        if match is None:
            return None
        root = url.partition("?")[0].partition("#")[0][: -len(match[0])] + "/"
        seen = await self._get(root)
        seen = await self._spelled_otherwise(seen, root) or seen
        found = await (self._api(seen, root) if seen.kind is DocumentKind.API else self._mlhub(root))
        return found and replace(found, notes=(f"{shown(url)} is a part of it", *found.notes))

    async def _api(self, seen: _Response, url: str) -> ProbeResult:
        """Return a STAC API, or the MLHub API that looks like one."""
        # Behind a redirect, but with a secret never at another origin.
        stays = self._session.secret and _is_elsewhere(url, seen.url)
        root = checked_root_url((url if stays else seen.url).partition("?")[0])
        mlhub, (counts, needs_key) = await asyncio.gather(self._mlhub(root), self._collections(seen, root))
        if mlhub is not None:
            return replace(mlhub, title=_title(seen.value))
        notes = list(_moved(url, seen.url))
        if not seen.value.get("conformsTo"):
            notes.append("it does not say what it conforms to: an old or partial STAC API")
        return ProbeResult(Kind.STAC_API, root, _title(seen.value), counts, needs_key, tuple(notes))

    async def _unlinked_api(self, seen: _Response, url: str) -> ProbeResult | None:
        listing = await self._get(join(seen.url.partition("?")[0], "collections"))
        if listing.kind is not DocumentKind.COLLECTIONS:
            return None
        found = await self._api(seen, url)
        return replace(found, notes=("its landing page has no links: its parts are detected", *found.notes))

    async def _collections(self, seen: _Response, root: str) -> tuple[dict[str, int], bool]:
        """Return how many collections an API has, where that is cheap, and whether they require a key."""
        listing = await self._get(Landing(seen.value, seen.url, normalise_root_url(root)).collections_url)
        if isinstance(listing.error, AuthenticationError | AccessDenied):
            return {}, True
        if listing.kind is not DocumentKind.COLLECTIONS:
            return {}, False
        total = matched(listing.value)
        if total is None and not links_of(listing.value, "next"):
            total = len(listing.value["collections"])
        return ({} if total is None else {"collections": total}), False

    async def _mlhub(self, root: str) -> ProbeResult | None:
        """Return the MLHub API at a root: it has `datasets`, and often no landing page."""
        root = normalise_root_url(root)
        seen = await self._get(join(root, "datasets"))
        if not is_datasets(seen.value):
            return None
        keyed = bool(self._session.secret)
        notes = () if keyed else ("its listings are open; items and archives require a key",)
        return ProbeResult(Kind.MLHUB, root, "", {"datasets": len(seen.value)}, not keyed, notes)

    def _static(self, seen: _Response, url: str) -> ProbeResult:
        """Return a static catalog; its location is what was given, so that a redirect may change."""
        found = _of_document(seen.value, url, shown(url), seen.url)
        return replace(found, notes=(*_moved(url, seen.url), *found.notes))

    async def _archive(self, url: str) -> ProbeResult:
        """Return a remote archive: what its first bytes and its headers say; the rest is not fetched."""
        first = {"Range": "bytes=0-511"}
        head = await self._session.request("GET", url, headers=first, read=False)
        if is_web_page(head):
            raise NotASource(f"a web page, and no archive, is at {shown(url)}")
        if head.status_code == 206:
            head = await self._session.request("GET", url, headers=first)
            if not is_archive_head(head.content[:512]):
                raise NotASource(f"{shown(url)} is neither a tar nor a tar.gz archive")
        ranged = head.headers.get("Content-Range", "").rpartition("/")[2]
        length = ranged or head.headers.get("Content-Length", "")
        big = f" ({size(int(length))})" if length.isdigit() else ""
        note = f"an archive{big}: it is downloaded as a whole when it is opened"
        name = one_line(PurePosixPath(urlsplit(url).path).name, 120)
        return ProbeResult(Kind.STATIC, url, name, notes=(note,))

    async def _get(self, url: str) -> _Response:
        """Return what is at a URL, requested once."""
        if url not in self._responses:
            self._responses[url] = await self._request(url)
        return self._responses[url]

    async def _request(self, url: str) -> _Response:
        try:
            response = await self._patiently(url)
        except RequestError as error:
            return _Response(url, error=error)
        final = self._session.bare(str(response.url))
        if _LISTING.search(response.content[:2048]):
            return _Response(final, what="a listing of files")
        try:
            value = await decode(response, self._session.keys)
        except UnexpectedAnswer as error:
            what = "a web page" if is_web_page(response) else "no JSON"
            return _Response(final, what="" if error.hint == DEEP_HINT else what, error=error)
        kind = kind_of(value)
        return _Response(final, value, kind, str(kind))

    async def _patiently(self, url: str) -> httpx.Response:
        """Request a URL; where the server says that it is busy, once more in a moment."""
        try:
            return await self._session.get(url)
        except (ServerError, BeingPrepared) as error:
            wait = _BUSY_WAIT if error.retry_after is None else error.retry_after
            if error.status not in (202, 429, 503) or wait > _LONGEST_WAIT:
                raise
        await asyncio.sleep(wait)
        return await self._session.get(url)

    def _refused(self, seen: _Response, url: str) -> ProbeResult:
        """Return that a key is required, or raise the error that says why this is no source."""
        error, where = seen.error, shown(url)
        if isinstance(error, AuthenticationError | AccessDenied) and not self._session.secret:
            return ProbeResult(None, url, host(url), needs_key=True, notes=(error.message,))
        if isinstance(error, EntityDoesNotExist):
            hint = HOSTED_HINT if host(url) == HOSTED else "check the URL; no catalog.json is there either"
            raise EntityDoesNotExist(error.message, url=error.url, status=error.status, hint=hint)
        if isinstance(error, AnswerTooLarge):
            hint = "download it, and name the file: a list of items may have any size there"
            raise AnswerTooLarge(error.message, url=error.url, hint=hint)
        if error is not None and not seen.what:
            raise error
        if seen.kind is DocumentKind.ERROR:
            said = one_line(words_in(seen.value), 160) or "no message"
            raise NotASource(f"{where} answers with {seen.what}: {said}")
        if seen.kind in (DocumentKind.ITEM, DocumentKind.ITEMS):
            return self._static(seen, url)
        raise NotASource(f"{where} is {seen.what}, and no STAC document is beside it")


def _moved(given: str, final: str) -> tuple[str, ...]:
    elsewhere = _is_elsewhere(given, final)
    return (f"{host_label(given)} redirects to {host_label(final)}",) if elsewhere else ()


def _is_elsewhere(given: str, final: str) -> bool:
    """Whether a redirect leads to another origin; from http to https at the same host it does not."""
    one, other = parse_url(given).origin, parse_url(final).origin
    is_upgrade = one.host == other.host and (one.port, other.port) == (80, 443)
    return one != other and not is_upgrade


def _title(value: dict[str, Any]) -> str:
    """Return what a document calls itself, on one line."""
    return one_line(value.get("title"), 120) or one_line(identity(value.get("id")), 120)


def _of_document(value: Any, location: str, where: str, url: str) -> ProbeResult:
    """Return what a document at a place that is no API is.

    - `location`: `ProbeResult.location`.
    - `where`: The place as it may be shown.
    - `url`: The URL of the document, without keys.
    """
    kind = kind_of(value)
    if kind is DocumentKind.ITEMS and (items := count_stac_items(value)):
        part = longer_answer(value, items) if isinstance(value, dict) else ""
        title = one_line(name_of(url), 120)
        return ProbeResult(Kind.STATIC, location, title, {"items": items}, notes=(part,) if part else ())
    if kind in (DocumentKind.ITEM, DocumentKind.ITEMS):
        none = ", none of which is STAC" if kind is DocumentKind.ITEMS else ""
        if kind is DocumentKind.ITEMS and isinstance(value, dict) and not value.get("features"):
            raise NotASource(f"{where} is a list of items without any")
        raise NotASource(f"{where} is {kind}{none}", hint=f"name what it belongs to: {_owner(value, url)}")
    if kind not in (*_STATIC, DocumentKind.API):
        raise NotASource(f"{where} is {kind}")
    relations = {"catalogs and collections": "child", "items": "item"}
    hrefs = {noun: {link["href"] for link in links_of(value, rel)} for noun, rel in relations.items()}
    counts = {noun: len(found) for noun, found in hrefs.items() if found}
    notes = []
    if kind is DocumentKind.API:
        notes.append("it was saved from an API: its links still lead there")
    elif not counts and not links_of(value, "items"):
        notes.append("it has no links to anything below it")
    if not identity(value.get("id")):
        notes.append("it has no id, which STAC requires")
    return ProbeResult(Kind.STATIC, location, _title(value), counts, False, tuple(notes))


def _owner(value: Any, url: str) -> str:
    """Return where the catalog or collection of an item is, in words where its links do not say."""
    raw = value if isinstance(value, dict) else {}
    found = (link["href"] for rel in ("root", "parent", "collection") for link in links_of(raw, rel))
    href = next(found, "")
    try:
        return shown(urljoin(url, href)) if href else "its catalog or collection"
    except ValueError:
        return "its catalog or collection"


def _at_path(path: Path, timeout: float) -> ProbeResult:
    """Return what is at an absolute path; it blocks, and reads of an archive what a few seconds allow."""
    where, end = one_line(path, 160), time.monotonic() + timeout
    try:
        if not path.exists():
            raise EntityDoesNotExist(f"no such file or folder: {where}", hint=_nearest(path))
        if not (path.is_dir() or path.is_file()):
            raise NotASource(f"{where} is neither a file nor a folder")
        url, members = find_root(file_url(path), lambda: time.monotonic() > end)
        path = local_path(split_member(url)[0] if members else url)
        where = one_line(path, 160)
        if members is None and is_large(url) and begins_with_items(url):
            return ProbeResult(Kind.STATIC, str(path), one_line(name_of(url), 120), notes=(_LARGE_LIST,))
        if members is None:
            return _of_document(_json_at(path, where), str(path), where, url)
    except ArchiveReadCancelled:
        note = "only the beginning of the archive was read"
        return ProbeResult(Kind.STATIC, str(path), one_line(path.name, 120), notes=(note,))
    except OSError as error:
        raise MLHubException(
            f"cannot read {where}: {error.strerror or type(error).__name__}",
            hint="fix its permissions, or copy it to where you may read it",
        ) from error
    with closing(members):
        (root,) = members.read([url])
    if isinstance(root, RequestError):
        raise root
    try:
        value = json_in(root.content, url)
    except NotJSON:
        value = None
    found = _of_document(value, str(path), where, path.as_uri())
    return replace(found, notes=(*found.notes, members.damage)) if members.damage else found


def _json_at(path: Path, where: str) -> Any:
    """Return the JSON of a file; raises NotASource that says what it is instead."""
    with path.open("rb") as file:
        head = file.read(512)
    if (found := path.stat().st_size) > MAX_DOCUMENT:
        raise NotASource(f"{where} is too large for a catalog: {too_large(found)}", hint=SMALLER_HINT)
    if what := next((words for magic, words in FORMATS.items() if head.startswith(magic)), ""):
        more = next((more for end, more in _MORE_OF.items() if what.endswith(end)), "")
        raise NotASource(f"{where} is {what}{more}")
    try:
        return json_in(path.read_bytes(), path.name)
    except NotJSON as error:
        raise NotASource(f"{where} is {error}") from None


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry, _ in zip(path.parent.iterdir(), range(500), strict=False)]
    except OSError:
        return "check the path"
    near = nearest_word(path.name, names, alike=0.7)
    return f"did you mean {one_line(path.parent / near, 160)}?" if near else "check the path"
