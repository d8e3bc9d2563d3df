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
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from . import assets
from .archives import Archive, catalog_bytes, known_sums, own_content
from .catalog import SampleCatalog
from .items import DOCUMENTATION, SENSORS, item_index

PREFIX = "/mlhub/"
_MODIFIED = "Thu, 26 Aug 2021 19:16:05 GMT"
_PIECE = 256 * 1024
_UPDATES = 20


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One request that the store saw; it records whether a key came with it, not the key."""

    method: str
    path: str
    range: str | None
    carried_key: bool


@dataclass
class Store:
    """The store's routes; `requests` are the last ones it saw.

    - `shelf`: Where the blobs are.
    - `rate`: Bytes per second of one archive's answer, None for as fast as it goes.
    """

    shelf: Shelf
    rate: int | None
    requests: deque[StoreRequest] = field(default_factory=lambda: deque(maxlen=10_000))

    def app(self) -> Router:
        """Return the ASGI application."""
        methods = ["GET", "HEAD"]
        return Router(
            [
                Route(f"{PREFIX}archives/{{name}}.tar.gz", self._archive, methods=methods),
                Route(f"{PREFIX}catalogs/{{name}}.tar.gz", self._catalog, methods=methods),
                Route(f"{PREFIX}assets/{{collection}}/{{folder}}/{{name}}", self._asset, methods=methods),
            ],
            redirect_slashes=False,
        )

    async def _archive(self, request: Request) -> Response:
        return self._answer(request, await self.shelf.archive(request.path_params["name"]))

    async def _catalog(self, request: Request) -> Response:
        return self._answer(request, await self.shelf.catalog_archive(request.path_params["name"]))

    async def _asset(self, request: Request) -> Response:
        names = request.path_params
        return self._answer(
            request, await self.shelf.asset(names["collection"], names["folder"], names["name"])
        )

    def _answer(self, request: Request, blob: Blob | None) -> Response:
        wanted = request.headers.get("range")
        carried = "key" in request.query_params or "authorization" in request.headers
        self.requests.append(StoreRequest(request.method, request.url.path, wanted, carried))
        if blob is None:
            return Response("The specified blob does not exist.\n", 404, media_type="text/plain")
        headers = {"Accept-Ranges": "bytes", "ETag": blob.etag, "Last-Modified": _MODIFIED}
        status = failed_condition(request.headers, blob.etag, _MODIFIED)
        if status is not None:
            return Response(status_code=status, headers=headers)
        return self._content(request, blob, headers, wanted)

    def _content(self, request: Request, blob: Blob, headers: dict[str, str], wanted: str | None) -> Response:
        span: ByteRange | None = None
        if request.method == "GET" and range_still_holds(
            request.headers.get("if-range"), blob.etag, _MODIFIED
        ):
            try:
                span = requested_range(wanted, blob.size)
            except Unsatisfiable:
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


_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to `stop`, which is not included."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """No byte of the range is in the representation."""


def requested_range(value: str | None, size: int) -> ByteRange | None:
    """Return the bytes that a `Range` header asks for, clamped to `size`; None means all of them.

    A header that is malformed or asks for several ranges may be ignored (section 14.2), and is.

    Raises Unsatisfiable where the range starts behind the last byte (section 15.5.17).
    """
    match = _RANGE.fullmatch(value or "")
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
        if int(last) == 0:
            raise Unsatisfiable
    else:
        start, stop = int(first), int(last) + 1 if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(stop, size))


def range_still_holds(if_range: str | None, etag: str, modified: str) -> bool:
    """Return whether `If-Range` allows a part: strong comparison, or the very same date (section 13.1.5)."""
    return if_range is None or if_range.strip() in (etag, modified)


def failed_condition(headers: Mapping[str, str], etag: str, modified: str) -> int | None:
    """Return 304 or 412 where a precondition fails, in the order of section 13.2.2; None to continue."""
    if "if-match" in headers:
        if not _names(headers["if-match"], etag):
            return 412
    elif _later(modified, headers.get("if-unmodified-since")):
        return 412
    if "if-none-match" in headers:
        if _names(headers["if-none-match"].replace("W/", ""), etag):
            return 304
    elif "if-modified-since" in headers and _later(modified, headers["if-modified-since"]) is False:
        return 304
    return None


def _names(value: str, etag: str) -> bool:
    return value.strip() == "*" or etag in (part.strip() for part in value.split(","))


def _later(modified: str, than: str | None) -> bool | None:
    moment = None if than is None else _date(than)
    return None if moment is None else parsedate_to_datetime(modified) > moment


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


_MOST_ARCHIVES = 8
_MOST_CATALOGS = 4


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in the store: its size in bytes, validators, and its bytes from one place to another."""

    size: int
    etag: str
    md5: str | None
    media_type: str
    chunks: Callable[[int, int], Iterator[bytes]]
    paced: bool = False


class Shelf:
    """Finds and remembers blobs; not shared between event loops.

    - `catalog`: The datasets, collections and items to serve.
    - `store_url`: The store's own address with a slash at its end: dataset catalogs name it.
    """

    def __init__(self, catalog: SampleCatalog, store_url: str) -> None:
        self.catalog = catalog
        self._store_url = store_url
        self._made_archive = lru_cache(_MOST_ARCHIVES)(self._make_archive)
        self._made_catalog = lru_cache(_MOST_CATALOGS)(self._make_catalog)
        self._sizes: dict[str, int] = {}

    async def archive(self, collection: str) -> Blob | None:
        """Return the archive of a collection, None where there is none (yet)."""
        entry = self.catalog.collections.get(collection)
        if entry is None or entry.archive_size is None:
            return None
        archive = await asyncio.to_thread(self._made_archive, collection)
        sums = await asyncio.to_thread(known_sums)
        etag, md5 = f'"{archive.fingerprint}"', sums.get(archive.fingerprint)
        return Blob(archive.size, etag, md5, "application/x-tar", archive.chunks, paced=True)

    def _make_archive(self, collection: str) -> Archive:
        entry = self.catalog.collections[collection]
        return Archive(entry, self.catalog.datasets[entry.dataset])

    def _make_catalog(self, dataset: str) -> bytes:
        return catalog_bytes(self.catalog.datasets[dataset], self._store_url)

    async def archive_size(self, collection: str) -> int | None:
        """Return the size in bytes of a collection's archive, None where there is none (yet)."""
        if collection not in self._sizes:
            blob = await self.archive(collection)
            if blob is None:
                return None
            self._sizes[collection] = blob.size
        return self._sizes[collection]

    async def catalog_archive(self, dataset: str) -> Blob | None:
        """Return the catalog archive of a dataset, None for an unknown one."""
        if dataset not in self.catalog.datasets:
            return None
        content = await asyncio.to_thread(self._made_catalog, dataset)
        return _small(content, "application/x-tar", paced=True)

    async def asset(self, collection: str, folder: str, file_name: str) -> Blob | None:
        """Return an asset of an item, the file a collection's items share (`_common`), or a model's file."""
        content, media_type = await asyncio.to_thread(self._asset, collection, folder, file_name)
        return None if content is None else _small(content, media_type)

    def _asset(self, collection: str, folder: str, file_name: str) -> tuple[bytes | None, str]:
        model = self.catalog.model_collections.get(collection)
        if model is not None:
            return assets.model_file(model, file_name), "application/octet-stream"
        entry = self.catalog.collections.get(collection)
        if entry is None:
            return None, ""
        if file_name == DOCUMENTATION.file_name:
            return assets.documentation(entry), DOCUMENTATION.media_type
        shared = own_content(entry, file_name) if folder == "_common" else None
        if shared is not None:
            return shared, "text/csv"
        kind = next((k for k in SENSORS[entry.sensor].assets if k.file_name == file_name), None)
        index = item_index(entry, folder)
        if kind is None or index is None:
            return None, ""
        return assets.asset_bytes(entry, index, kind), kind.media_type


def _small(content: bytes, media_type: str, *, paced: bool = False) -> Blob:
    digest = hashlib.md5(content, usedforsecurity=False).digest()

    def chunks(start: int, stop: int) -> Iterator[bytes]:
        yield content[start:stop]

    return Blob(
        len(content), f'"{digest.hex()}"', base64.b64encode(digest).decode(), media_type, chunks, paced
    )
