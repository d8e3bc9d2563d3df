"""The store: a second origin that hands out bytes without asking for a key, as a public blob container does.

Partial and conditional requests follow RFC 9110, sections 13 and 14. The key has no business here: requests
that carry one are answered all the same, and remembered, so that a test can tell.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from . import assets
from .archives import Archive, catalog_bytes, known_sums, own_content
from .catalog import DOCUMENTATION, SampleCatalog
from .items import item_index

_ROOT = "/mlhub"
_MODIFIED = "Thu, 26 Aug 2021 19:16:05 GMT"
_PIECE = 256 * 1024
_UPDATES = 20
_MOST_ARCHIVES, _MOST_CATALOGS = 8, 4  # in memory
_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One request that the store saw; it records whether a key came with it, not the key."""

    method: str
    path: str
    range: str | None
    carried_key: bool


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in the store: its size in bytes, validators, and its bytes from one place to another."""

    size: int
    etag: str
    md5: str | None
    media_type: str
    chunks: Callable[[int, int], Iterator[bytes]]
    paced: bool = False


@dataclass
class Store:
    """Finds and remembers blobs, and serves them; not shared between event loops.

    - `url`: Its own address with a slash at its end: dataset catalogs name it.
    - `rate`: Bytes per second of one archive's answer, None for as fast as it goes.
    - `requests`: The last ones it saw.
    """

    catalog: SampleCatalog
    url: str
    rate: int | None
    requests: deque[StoreRequest] = field(default_factory=lambda: deque(maxlen=10_000))
    _sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        datasets, collections = self.catalog.datasets, self.catalog.collections

        @lru_cache(_MOST_ARCHIVES)
        def archive(name: str) -> Archive:
            return Archive(collections[name], datasets[collections[name].dataset])

        @lru_cache(_MOST_CATALOGS)
        def catalog(name: str) -> bytes:
            return catalog_bytes(datasets[name], self.url)

        self._made_archive, self._made_catalog = archive, catalog

    def app(self) -> Router:
        """Return the ASGI application."""
        finders: dict[str, Callable[..., Awaitable[Blob | None]]] = {
            "archives/{name}.tar.gz": self.archive,
            "catalogs/{name}.tar.gz": self.catalog_archive,
            "assets/{collection}/{folder}/{name}": self.asset,
        }

        def route(path: str, find: Callable[..., Awaitable[Blob | None]]) -> Route:
            async def answer(request: Request) -> Response:
                return self._answer(request, await find(**request.path_params))

            return Route(f"{_ROOT}/{path}", answer, methods=["GET", "HEAD"])

        return Router([route(path, find) for path, find in finders.items()], redirect_slashes=False)

    async def archive(self, name: str) -> Blob | None:
        """Return the archive of a collection, None where there is none (yet)."""
        entry = self.catalog.collections.get(name)
        if entry is None or entry.archive_size is None:
            return None
        archive = await asyncio.to_thread(self._made_archive, name)
        sums = await asyncio.to_thread(known_sums)
        etag, md5 = f'"{archive.fingerprint}"', sums.get(archive.fingerprint)
        return Blob(archive.size, etag, md5, "application/x-tar", archive.chunks, paced=True)

    async def archive_size(self, name: str) -> int | None:
        """Return the size in bytes of a collection's archive, None where there is none (yet)."""
        if name not in self._sizes:
            if (blob := await self.archive(name)) is None:
                return None
            self._sizes[name] = blob.size
        return self._sizes[name]

    async def catalog_archive(self, name: str) -> Blob | None:
        """Return the catalog archive of a dataset, None for an unknown one."""
        if name not in self.catalog.datasets:
            return None
        content = await asyncio.to_thread(self._made_catalog, name)
        return _small(content, "application/x-tar", paced=True)

    async def asset(self, collection: str, folder: str, name: str) -> Blob | None:
        """Return an asset of an item, the file a collection's items share (`_common`), or a model's file."""
        content, media_type = await asyncio.to_thread(self._asset, collection, folder, name)
        return None if content is None else _small(content, media_type)

    def _asset(self, collection: str, folder: str, name: str) -> tuple[bytes | None, str]:
        if (model := self.catalog.model_collections.get(collection)) is not None:
            return assets.model_file(model, name), "application/octet-stream"
        if (entry := self.catalog.collections.get(collection)) is None:
            return None, ""
        if name == DOCUMENTATION.file_name:
            return assets.documentation(entry), DOCUMENTATION.media_type
        if folder == "_common" and (shared := own_content(entry, name)) is not None:
            return shared, "text/csv"
        kind = next((kind for kind in entry.look.assets if kind.file_name == name), None)
        index = item_index(entry, folder)
        if kind is None or index is None:
            return None, ""
        return assets.asset_bytes(entry, index, kind), kind.media_type

    def _answer(self, request: Request, blob: Blob | None) -> Response:
        wanted = request.headers.get("range")
        carried = "key" in request.query_params or "authorization" in request.headers
        self.requests.append(StoreRequest(request.method, request.url.path, wanted, carried))
        if blob is None:
            return Response("The specified blob does not exist.\n", 404, media_type="text/plain")
        headers = {"Accept-Ranges": "bytes", "ETag": blob.etag, "Last-Modified": _MODIFIED}
        status = failed_condition(request.headers, blob.etag)
        if status is not None:
            return Response(status_code=status, headers=headers)
        span = None
        # A part of the same version alone: strong comparison, or the very same date (section 13.1.5).
        if request.method == "GET" and request.headers.get("if-range", blob.etag).strip() in (
            blob.etag,
            _MODIFIED,
        ):
            span = requested_range(wanted, blob.size)
        if span is not None and not span:
            headers["Content-Range"] = f"bytes */{blob.size}"
            return Response(status_code=416, headers=headers)
        start, stop = (0, blob.size) if span is None else (span.start, span.stop)
        headers["Content-Length"] = str(stop - start)
        if span is not None:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
        if blob.md5:
            headers["x-ms-blob-content-md5" if span else "Content-MD5"] = blob.md5
        if request.method == "HEAD":
            return Response(headers=headers, media_type=blob.media_type)
        body = _paced(blob, start, stop, self.rate if blob.paced else None)
        return StreamingResponse(body, 206 if span else 200, headers, blob.media_type)


async def _paced(blob: Blob, start: int, stop: int, rate: int | None) -> AsyncIterator[bytes]:
    """Yield the bytes no faster than `rate` per second; a client that goes away ends this at a sleep."""
    piece = _PIECE if rate is None else max(1024, min(_PIECE, rate // _UPDATES))
    began, sent = time.monotonic(), 0
    for chunk in blob.chunks(start, stop):
        for place in range(0, len(chunk), piece):
            part = chunk[place : place + piece]
            yield part
            sent += len(part)
            ahead = 0.0 if rate is None else began + sent / rate - time.monotonic()
            await asyncio.sleep(max(0.0, ahead))


def _small(content: bytes, media_type: str, *, paced: bool = False) -> Blob:
    digest = hashlib.md5(content, usedforsecurity=False).digest()
    etag, md5 = f'"{digest.hex()}"', base64.b64encode(digest).decode()
    return Blob(len(content), etag, md5, media_type, lambda start, stop: iter([content[start:stop]]), paced)


def requested_range(value: str | None, size: int) -> range | None:
    """Return the bytes that a `Range` header asks for, none where it starts behind the last one.

    None means all of them: a header that is malformed or asks for several ranges may be ignored (section
    14.2), and is.
    """
    match = _RANGE.fullmatch(value or "")
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def failed_condition(headers: Mapping[str, str], etag: str) -> int | None:
    """Return 304 or 412 where a precondition fails, in the order of section 13.2.2; None to continue."""
    if "if-match" in headers:
        if not _names(headers["if-match"], etag):
            return 412
    elif _later_than(headers.get("if-unmodified-since")):
        return 412
    if "if-none-match" in headers:
        if _names(headers["if-none-match"].replace("W/", ""), etag):
            return 304
    elif "if-modified-since" in headers and _later_than(headers["if-modified-since"]) is False:
        return 304
    return None


def _names(value: str, etag: str) -> bool:
    return value.strip() == "*" or etag in (part.strip() for part in value.split(","))


def _later_than(text: str | None) -> bool | None:
    """Return whether the blobs were modified later than a date; None where it is no date."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return parsedate_to_datetime(_MODIFIED) > moment if moment.tzinfo else None
