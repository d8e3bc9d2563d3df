"""The files that the store hands out: made when first asked for, forgotten when others need the room."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from . import assets
from .archives import Archive, known_sums
from .catalog import SampleCatalog
from .catalog_archive import catalog_bytes, own_content
from .items import item_index
from .sensors import DOCUMENTATION, SENSORS

Value = TypeVar("Value")

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

    Parameters
    ----------
    catalog
        The datasets, collections and items to serve.
    store_url
        The store's own address with a slash at its end: dataset catalogs name it.
    """

    def __init__(self, catalog: SampleCatalog, store_url: str) -> None:
        self.catalog = catalog
        self._store_url = store_url
        self._archives: OrderedDict[str, Archive] = OrderedDict()
        self._catalogs: OrderedDict[str, bytes] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._sums: dict[str, str] | None = None

    async def archive(self, collection: str) -> Blob | None:
        """Return the archive of a collection, None where there is none (yet)."""
        entry = self.catalog.collections.get(collection)
        if entry is None or entry.archive_size is None:
            return None
        archive = self._archives.get(collection)
        if archive is None:
            archive = await asyncio.to_thread(Archive, entry, self.catalog.datasets[entry.dataset])
            _cache(self._archives, collection, archive, _MOST_ARCHIVES)
        if self._sums is None:
            self._sums = await asyncio.to_thread(known_sums)
        etag, md5 = f'"{archive.fingerprint}"', self._sums.get(archive.fingerprint)
        return Blob(archive.size, etag, md5, "application/x-tar", archive.chunks, paced=True)

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
        entry = self.catalog.datasets.get(dataset)
        if entry is None:
            return None
        content = self._catalogs.get(dataset)
        if content is None:
            content = await asyncio.to_thread(catalog_bytes, entry, self._store_url)
            _cache(self._catalogs, dataset, content, _MOST_CATALOGS)
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


def _cache(cached: OrderedDict[str, Value], name: str, value: Value, most: int) -> None:
    cached[name] = value
    while len(cached) > most:
        cached.popitem(last=False)


def _small(content: bytes, media_type: str, *, paced: bool = False) -> Blob:
    digest = hashlib.md5(content, usedforsecurity=False).digest()

    def chunks(start: int, stop: int) -> Iterator[bytes]:
        yield content[start:stop]

    return Blob(
        len(content), f'"{digest.hex()}"', base64.b64encode(digest).decode(), media_type, chunks, paced
    )
