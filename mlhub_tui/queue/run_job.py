"""One try at a job: finds the link, transfers, and finds the link once more where it has expired."""

from __future__ import annotations

from dataclasses import replace

from .. import text
from ..errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    MLHubException,
    RemoteChanged,
    VerificationFailed,
)
from ..http.errors import LinkRejected
from ..http.link import Link
from ..http.response_headers import Checksum
from ..http.urls import shown_id
from ..planning.requests import ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest
from ..planning.resolver import JobContext, already_there
from ..sources.asset_hrefs import known_to_pay
from ..threads import in_thread
from ..transfer.checksums import multihash, unverified
from ..transfer.config import DownloadResult, DownloadSpec, ReserveSpace, TransferProgress

_RENEWED = "the link was renewed"
_GONE = frozenset({404, 410})


async def run_job(
    request: DownloadRequest, context: JobContext, live: TransferProgress, reserve: ReserveSpace | None = None
) -> DownloadResult:
    """Fetch what is requested, or resume it; errors are for `transfer.failures` to judge."""
    if isinstance(request, DatasetRequest):
        # Imported when there is one: all that plans is needed by it alone.
        from ..planning.dataset_job import fetch_dataset

        return await fetch_dataset(request, context, live, reserve)
    if (there := await in_thread(lambda: already_there(_spec(request, Link(""))))) is not None:
        return there
    if isinstance(request, AssetRequest):
        return await _fetch_asset(request, context, live, reserve)
    return await _fetch_archive(request, context, live, reserve)


async def _fetch_archive(
    request: ArchiveRequest, context: JobContext, live: TransferProgress, reserve: ReserveSpace | None
) -> DownloadResult:
    link = await context.resolver.link(request)
    size = request.size
    if size is None and (info := await context.resolver.info(request)) is not None:
        size = live.total = info.size
    spec = replace(_spec(request, link), size=size, archive=True)
    try:
        return await context.fetch(spec, live, reserve=reserve)
    except LinkRejected as error:
        # Links carry signatures that expire: the API gives a new one, and only that one counts.
        live.log(f"{error.message}: requests a new link")
        link = await context.resolver.link(request)
        live.log(_RENEWED)
    try:
        return await context.fetch(replace(spec, link=link), live, reserve=reserve)
    except LinkRejected as error:
        raise refusal(error, request, link) from error


async def _fetch_asset(
    request: AssetRequest, context: JobContext, live: TransferProgress, reserve: ReserveSpace | None
) -> DownloadResult:
    """Fetch an asset by the href it was queued with; where that fails, by the one it has now."""
    refused: MLHubException | None = None
    if request.href:
        link = await context.resolver.link(request)
        try:
            return await _fetch_link(request, link, context, live, reserve)
        except (LinkRejected, EntityDoesNotExist, RemoteChanged, VerificationFailed) as error:
            refused = error
            live.log(f"{error.message}: looks the asset up again")
    found = await context.resolver.again(request)
    if refused is not None:
        told = (found.request.size, found.request.checksum)
        if found.link.url == link.url and told == (request.size, request.checksum):  # nothing new
            raise refusal(refused, request, link) from refused
        live.log(_RENEWED)
    try:
        return await _fetch_link(found.request, found.link, context, live, reserve)
    except LinkRejected as error:
        raise refusal(error, request, found.link) from error


async def _fetch_link(
    request: AssetRequest,
    link: Link,
    context: JobContext,
    live: TransferProgress,
    reserve: ReserveSpace | None,
) -> DownloadResult:
    """Fetch an asset, and note what its document says wrongly."""
    checksum = multihash(request.checksum)
    known: tuple[Checksum, ...] = (checksum,) if checksum else ()
    spec = replace(_spec(request, link), size=request.size, checksums=known, page=request.page)
    outcome = await context.fetch(spec, live, reserve=reserve)
    if not outcome.fetched:
        return outcome
    notes = [outcome.note, unverified(request.checksum)]
    if request.size is not None and request.size != outcome.size:
        notes.append(f"its document says {text.size(request.size)}")
    return replace(outcome, note="; ".join(filter(None, notes)))


def _spec(request: DownloadRequest, link: Link) -> DownloadSpec:
    return DownloadSpec(link, request.folder / request.name, request.if_exists)


def refusal(error: MLHubException, request: DownloadRequest, link: Link) -> MLHubException:
    """Return the error of a job whose link was rejected twice; other errors as they are."""
    if not isinstance(error, LinkRejected):
        return error
    if error.status in _GONE:
        collection = f"collection {shown_id(request.collection_id)}"
        words = f"the archive of {collection} does not exist; it may still be generating"
        if isinstance(request, AssetRequest):
            place = f"item {shown_id(request.item_id)}" if request.item_id else collection
            words = f"the file of asset {shown_id(request.key)} of {place} does not exist"
        return EntityDoesNotExist(words, url=error.url, status=error.status)
    if why := known_to_pay(link.url):
        return AccessDenied(why, url=error.url, status=error.status, hint="fetch it with a tool of the store")
    if error.status == 401 and link.sends_key:
        return AuthenticationError(error.message, url=error.url, status=401)
    return error
