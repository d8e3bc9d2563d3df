"""From a wish to the place its bytes are at: the source is asked for the link, and for what it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..errors import MLHubException, NotOffered
from ..http.key_removal import KeyRemoval
from ..http.link import Link
from ..http.session import Session
from ..models import ArchiveInfo, CatalogInfo, Collection, Document, Entry, Item, Search
from ..sources.base import Page
from .asset_request import entry_of, renewed
from .requests import ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest


class JobSource(Protocol):
    """What the downloads need of any source."""

    @property
    def root_url(self) -> str:
        """Where the source is."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@runtime_checkable
class ArchiveSource(JobSource, Protocol):
    """What archives need of a source; `sources.mlhub.MLHubSource` is one."""

    async def archive_link(self, collection_id: str) -> Link:
        """Return where the bytes of an archive are."""
        ...

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what the API says of an archive."""
        ...


@runtime_checkable
class AssetSource(JobSource, Protocol):
    """What assets need of a source; every `sources.base.Source` is one."""

    async def document(self, entry: Entry) -> Document:
        """Return the document of an entry, as it is now."""
        ...

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset can be asked for now."""
        ...


@runtime_checkable
class ItemsSource(AssetSource, Protocol):
    """What a dataset needs of a source that has no archive of its catalog; every `Source` is one."""

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        ...

    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of a collection's items."""
        ...

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items that a search finds."""
        ...


@runtime_checkable
class CatalogSource(AssetSource, Protocol):
    """What a dataset needs of a source whose catalogs are archives; `sources.mlhub.MLHubSource` is one."""

    async def catalog_link(self, dataset_id: str) -> Link:
        """Return where the bytes of a dataset's catalog archive are."""
        ...

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Return what the API says of a dataset's catalog archive."""
        ...


@dataclass(frozen=True, slots=True)
class RenewedAsset:
    """An asset that was looked up again: what its document says now, and where its bytes are."""

    request: AssetRequest
    link: Link


def keys_of(source: JobSource) -> KeyRemoval | None:
    """Return what takes a source's key out of documents and URLs; None where it has no key."""
    session = getattr(source, "session", None)
    return session.keys if isinstance(session, Session) else None


def say_waits(source: JobSource, say: Callable[[str], object]) -> None:
    """Wait where a server asks for it, and say so."""
    session = getattr(source, "session", None)
    if isinstance(session, Session):
        session.on_wait = say


class Resolver(Protocol):
    """What the queue asks about a request; all in its own event loop."""

    async def link(self, request: DownloadRequest) -> Link:
        """Return where the bytes are now: an archive's as the API says, an asset's by the href it has.

        Raises
        ------
        APIKeyNotFound, AuthenticationError
            If a key is missing or refused: the job waits for one.
        EntityDoesNotExist
            If there is no such archive: the job fails.
        RequestError
            What else may happen; what may pass is tried again.
        """
        ...

    async def again(self, request: AssetRequest) -> RenewedAsset:
        """Look an asset up again in its document: its href may have changed or expired.

        Raises
        ------
        EntityDoesNotExist
            If the item is no more, or has no such asset any more.
        RequestError
            As `link`.
        """
        ...

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what is known of the archive; None if nothing."""
        ...


@runtime_checkable
class Opener(Protocol):
    """What else the queue asks for a dataset: its source, open as long as the job runs."""

    def opened(self, request: DatasetRequest) -> AbstractAsyncContextManager[JobSource]:
        """Return the source of a request, closed at the end if it was opened for it."""
        ...


class SourceResolver:
    """A resolver over sources, one opened for each look-up, so that a key that was just saved counts.

    Parameters
    ----------
    open
        Returns a source for a request; it is called in the queue's event loop and closed after use.
    """

    def __init__(self, open: Callable[[DownloadRequest], Awaitable[JobSource]]) -> None:
        self._open = open

    @asynccontextmanager
    async def opened(self, request: DatasetRequest) -> AsyncIterator[JobSource]:
        """Open the source of a dataset."""
        source = await self._open(request)
        try:
            yield source
        finally:
            await source.aclose()

    async def link(self, request: DownloadRequest) -> Link:
        """Return where the bytes are now."""
        source = await self._open(request)
        try:
            return await _link(source, request)
        finally:
            await source.aclose()

    async def again(self, request: AssetRequest) -> RenewedAsset:
        """Look an asset up again in its document."""
        source = await self._open(request)
        try:
            return await _again(source, request)
        finally:
            await source.aclose()

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what the API says of the archive; None where it says nothing."""
        try:
            source = await self._open(request)
            try:
                return await _archives(source).archive_info(request.collection_id)
            finally:
                await source.aclose()
        except MLHubException:
            return None


class OneSource:
    """A resolver over one source that belongs to the caller, who closes it."""

    def __init__(self, source: JobSource) -> None:
        self._source = source

    @asynccontextmanager
    async def opened(self, request: DatasetRequest) -> AsyncIterator[JobSource]:
        """Give the source."""
        yield self._source

    async def link(self, request: DownloadRequest) -> Link:
        """Return where the bytes are now."""
        return await _link(self._source, request)

    async def again(self, request: AssetRequest) -> RenewedAsset:
        """Look an asset up again in its document."""
        return await _again(self._source, request)

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what the API says of the archive; None where it says nothing."""
        try:
            return await _archives(self._source).archive_info(request.collection_id)
        except MLHubException:
            return None


async def _link(source: JobSource, request: DownloadRequest) -> Link:
    if isinstance(request, AssetRequest):
        return await _assets(source).asset_link(request.href)
    return await _archives(source).archive_link(request.collection_id)


async def _again(source: JobSource, request: AssetRequest) -> RenewedAsset:
    known = _assets(source)
    now, href = renewed(request, await known.document(entry_of(request)))
    return RenewedAsset(now, await known.asset_link(href, fresh=True))


def _archives(source: JobSource) -> ArchiveSource:
    if isinstance(source, ArchiveSource):
        return source
    raise NotOffered("only MLHub APIs have archives of collections")


def _assets(source: JobSource) -> AssetSource:
    if isinstance(source, AssetSource):
        return source
    raise NotOffered("the source has no assets")
