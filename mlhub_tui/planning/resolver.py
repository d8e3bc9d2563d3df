"""From a download request to the link of its bytes, and what all jobs of a program share."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from .. import models, transfer
from ..auth.location import Kind
from ..errors import AccessDenied, AuthenticationError, EntityDoesNotExist, MLHubException, NotOffered
from ..http.credentials import Link
from ..http.errors import COMMAND_RETRIES, LinkRejected, RetryPolicy
from ..http.urls import shown
from ..models import Entry, EntryKind
from ..sources.asset_links import (
    NOTHING,
    STORE,
    StorageTerms,
    azure_headers,
    https_of,
    is_store,
    known_to_pay,
)
from ..transfer.config import (
    DownloadResult,
    DownloadSpec,
    ReserveSpace,
    TransferConfig,
    TransferContext,
    TransferProgress,
)
from ..transfer.engine import SharedLimits, TransferCancelled, shared_engine
from .assets import asset_now, entry_of, renewed
from .requests import SAMPLE, ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest

if TYPE_CHECKING:
    from ..models import ArchiveInfo, Document
    from ..sources.base import Source  # not needed before the first request of a download
    from ..transfer.part_file import PartJournal

T = TypeVar("T")

_RECENT = 10.0  # seconds
_EVERY = 0.2  # seconds between two reports
_GONE = frozenset({404, 410})
RENEWED = "the link was renewed"
"""What the log of a job says after it has got a new link."""


class RenewedAsset(NamedTuple):
    """An asset that was looked up again: its request by its current document, and its link.

    `sign_in` is how to sign in for it as its document states that; empty where it does not.
    """

    request: AssetRequest
    link: Link
    sign_in: str = ""


class Resolver:
    """What the queue asks about a request, in its own event loop.

    `open` returns a source for a request, which is closed after each look-up, so that a key that was just
    saved counts.
    """

    def __init__(self, open: Callable[[DownloadRequest], Awaitable[Source]]) -> None:
        self._open = open

    @asynccontextmanager
    async def opened(self, request: DownloadRequest) -> AsyncIterator[Source]:
        """Give the source of a request while it is needed."""
        source = await self._open(request)
        try:
            yield source
        finally:
            await source.aclose()

    async def link(self, request: DownloadRequest) -> Link:
        """Return the current link of an archive, or of an asset by the href it has.

        Raises APIKeyNotFound, AuthenticationError if a key is missing or refused: the job waits for one;
        EntityDoesNotExist if there is no such archive: the job fails; RequestError what else may happen;
        temporary failures are retried.
        """
        async with self.opened(request) as source:
            if isinstance(request, AssetRequest):
                return await source.asset_link(request.href)
            return await source.archive_link(request.collection_id)

    async def again(self, request: AssetRequest) -> RenewedAsset:
        """Look an asset up in its document: its href may have changed or expired; errors as of `link`."""
        async with self.opened(request) as source:
            terms = StorageTerms(source.collection)
            document = await terms.of(await source.document(entry_of(request)), request.collection_id)
            now, href = renewed(request, document)
            stated = models.sign_in_words(document, asset_now(document, request.key)[0], href)
            return RenewedAsset(now, await source.asset_link(href, fresh=True), stated)

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return what the API knows of the archive; None if nothing."""
        try:
            async with self.opened(request) as source:
                return await source.archive_info(request.collection_id)
        except MLHubException:
            return None


class OneSource(Resolver):
    """A resolver over one source that belongs to the caller, who closes it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @asynccontextmanager
    async def opened(self, request: DownloadRequest) -> AsyncIterator[Source]:
        """Give the source."""
        yield self._source


async def links_of(request: DatasetRequest, source: Source) -> DatasetLinks:
    """Return what gives the links of a dataset's assets."""
    store = ""
    if request.source == SAMPLE and request.kind is Kind.MLHUB:
        store = urlsplit((await source.catalog_link(request.dataset_id)).url).netloc
    return DatasetLinks(source, asyncio.get_running_loop(), store)


class DatasetLinks:
    """Gives links to threads, while the source belongs to an event loop.

    Where a server's first link is its href and nothing else, or with the source's own key, so are its others:
    a turn of the loop for each of 300,000 files would cost a minute. `store` is host and port of the sample
    catalog's store, which differ at each start; empty for any other.
    """

    def __init__(self, source: Source, loop: asyncio.AbstractEventLoop, store: str = "") -> None:
        self._source = source
        self._loop = loop
        self.store = store
        self._known: dict[tuple[str, str], Link] = {}  # by scheme and authority
        self._documents: dict[tuple[str, str | None], Document] = {}
        self._read_again = -math.inf

    def __call__(self, href: str, rejected: bool) -> Link:
        """Return the link for an href.

        Raises NotOffered if nothing can be requested there; RequestError if a signature cannot be had.
        """
        if self.store and urlsplit(href).hostname == "127.0.0.1":
            href = urlunsplit(urlsplit(href)._replace(netloc=self.store))
        if is_store(href):
            raise NotOffered(STORE, hint="")
        url = https_of(href)
        scheme, _, rest = url.partition("://")
        known = self._known.get((scheme, rest.partition("/")[0]))
        if known is not None:
            return Link(url, known.headers, known.credentials)
        try:
            parts = urlsplit(url)
        except ValueError:
            raise NotOffered(f"{shown(href)} is no address of a file", hint=NOTHING) from None
        link = self._wait(self._source.asset_link(url, fresh=rejected))
        if link.url == url and parts.netloc and link.headers == azure_headers(url):
            self._known[parts.scheme, parts.netloc] = link
        return link

    def current_href(self, collection: str, item: str | None, key: str) -> str:
        """Return the href that an asset has now, for one whose signature has expired; empty if it has none.

        What was read a moment ago is not read again for each asset.
        """
        place, now = (collection, item), time.monotonic()
        if now - self._read_again > _RECENT:
            self._documents, self._read_again = {}, now
            self._loop.call_soon_threadsafe(self._source.refresh)
        read = self._documents
        try:
            if place not in read:
                kind = EntryKind.ITEM if item else EntryKind.COLLECTION
                entry = Entry(kind, item or collection, collection_id=collection)
                read[place] = self._wait(self._source.document(entry))
            return asset_now(read[place], key)[1]
        except MLHubException:
            return ""  # then the refusal of the link says what is wrong

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError:
            asked.close()
            raise TransferCancelled from None
        try:
            return future.result()
        except CancelledError:
            raise TransferCancelled from None


@dataclass(frozen=True, slots=True)
class JobContext:
    """What all transfers share; `tls` is None for the system's settings.

    `retries` is for a file among many, whose failure holds up nothing else.
    """

    resolver: Resolver
    journal: PartJournal
    config: TransferConfig
    tls: ssl.SSLContext | None = None
    limits: SharedLimits = field(default_factory=SharedLimits)
    retries: RetryPolicy = COMMAND_RETRIES

    async def fetch(
        self, spec: DownloadSpec, progress: TransferProgress, *, reserve: ReserveSpace | None = None
    ) -> DownloadResult:
        """Fetch one file on the loop of the transfer engine; see `transfer.single_file.fetch_file`."""

        async def work() -> DownloadResult:
            # Start-up time: not needed before the first request of a command.
            return await transfer.single_file.fetch_file(spec, self.context(), progress, reserve=reserve)

        return await shared_engine().run(work())

    async def fetch_renewed(
        self,
        spec: DownloadSpec,
        progress: TransferProgress,
        renew: Callable[[], Awaitable[Link]],
        missing: str,
        *,
        reserve: ReserveSpace | None = None,
    ) -> DownloadResult:
        """Fetch a file, and once more by a new link where its own is rejected: signatures of links expire.

        Raises what `refusal` returns where the new one is rejected too; `missing` is for what is not there.
        """
        try:
            return await self.fetch(spec, progress, reserve=reserve)
        except LinkRejected as error:
            progress.log(f"{error.message}: requests a new link")
        spec = replace(spec, link=await renew())
        progress.log(RENEWED)
        try:
            return await self.fetch(spec, progress, reserve=reserve)
        except LinkRejected as error:
            raise refusal(error, missing, spec.link) from error

    def context(self) -> TransferContext:
        """Return what transfers share, with the HTTP client of the engine; only on the engine's loop."""
        client = shared_engine().client(self.tls, self.config.connect_timeout)
        return TransferContext(client, self.journal, self.config, self.limits, self.retries)


def refusal(error: MLHubException, missing: str, link: Link, sign_in: str = "") -> MLHubException:
    """Return the error for a link that was rejected twice; others as they are.

    `missing` is what to say where nothing is there, `sign_in` how to sign in as its document states that.
    """
    if sign_in and isinstance(error, LinkRejected) and error.status in (401, 403):
        error.message += f"; it requires {sign_in}, as its document states"
    if not isinstance(error, LinkRejected):
        return error
    if error.status in _GONE:
        hint = f"the server answered {error.status}: check the ID, or retry later"
        return EntityDoesNotExist(missing, url=error.url, status=error.status, hint=hint)
    if why := known_to_pay(link.url):
        return AccessDenied(why, url=error.url, status=error.status, hint="fetch it with a tool of the store")
    if error.status == 401 and link.sends_key:
        return AuthenticationError(error.message, url=error.url, status=401)
    return error


@asynccontextmanager
async def showing(show: Callable[[], object]) -> AsyncIterator[None]:
    """Call `show` several times a second, and once at the end."""

    async def keep_showing() -> None:
        while True:
            show()
            await asyncio.sleep(_EVERY)

    task = asyncio.create_task(keep_showing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        show()


def already_there(spec: DownloadSpec) -> DownloadResult | None:
    """Return the result where nobody has to be asked; blocks."""
    if spec.is_settled():
        return DownloadResult(spec.target, spec.target.stat().st_size, fetched=False)
    return None


def cluster_package() -> Any:
    """Return the package `cluster`, which is above this one: loaded by name, when a request has a cluster."""
    return import_module("mlhub_tui.cluster")
