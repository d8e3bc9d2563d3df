"""From a wish to the place its bytes are at: the API is asked for the link, and for the size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ..errors import MLHubException
from ..models import ArchiveInfo
from ..sources.link import Link
from .job import ArchiveRequest


class ArchiveSource(Protocol):
    """What the downloads need of a source; `sources.mlhub.MLHubSource` is one."""

    @property
    def root_url(self) -> str:
        """The URL of the API."""
        ...

    async def archive_link(self, collection_id: str) -> Link:
        """Return where the bytes of an archive are."""
        ...

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what the API says of an archive."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Resolver(Protocol):
    """What the queue asks about a request; all in its own event loop."""

    async def link(self, request: ArchiveRequest) -> Link:
        """Return where the bytes are now.

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

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what is known of the archive; None if nothing."""
        ...


class SourceResolver:
    """A resolver over sources, one opened for each look-up, so that a key that was just saved counts.

    Parameters
    ----------
    open
        Returns a source for a request; it is called in the queue's event loop and closed after use.
    """

    def __init__(self, open: Callable[[ArchiveRequest], Awaitable[ArchiveSource]]) -> None:
        self._open = open

    async def link(self, request: ArchiveRequest) -> Link:
        """Return where the bytes are now."""
        source = await self._open(request)
        try:
            return await source.archive_link(request.collection_id)
        finally:
            await source.aclose()

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what the API says of the archive; None where it says nothing."""
        try:
            source = await self._open(request)
            try:
                return await source.archive_info(request.collection_id)
            finally:
                await source.aclose()
        except MLHubException:
            return None


class OneSource:
    """A resolver over one source that belongs to the caller, who closes it."""

    def __init__(self, source: ArchiveSource) -> None:
        self._source = source

    async def link(self, request: ArchiveRequest) -> Link:
        """Return where the bytes are now."""
        return await self._source.archive_link(request.collection_id)

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what the API says of the archive; None where it says nothing."""
        try:
            return await self._source.archive_info(request.collection_id)
        except MLHubException:
            return None
