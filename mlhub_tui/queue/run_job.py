"""One try at a request: ask for the link, run the transfer, and ask once more if the link has expired."""

from __future__ import annotations

from dataclasses import replace

from .. import text
from ..errors import EntityDoesNotExist, MLHubException, RemoteChanged, VerificationFailed
from ..http.errors import LinkRejected
from ..http.link import Link
from ..http.response_headers import Checksum
from ..planning.job_context import JobContext, already_there
from ..planning.requests import ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest
from ..planning.resolver import RenewedAsset
from ..threads import in_thread
from ..transfer.checksums import multihash, unverified
from ..transfer.config import DownloadResult, DownloadSpec, ReserveSpace, TransferProgress
from .refusal import refusal

RENEWED = "the link was renewed"
"""What the log says of a link that had expired."""


async def run_job(
    request: DownloadRequest, kit: JobContext, live: TransferProgress, room: ReserveSpace | None = None
) -> DownloadResult:
    """Fetch what is requested, or go on with it.

    Raises
    ------
    MLHubException
        What went wrong, for `transfer.failures` to judge.
    """
    if isinstance(request, DatasetRequest):
        # Imported when there is one: all that plans is needed by it alone.
        from ..planning.dataset_job import fetch_dataset

        return await fetch_dataset(request, kit, live, room)
    if (there := await in_thread(lambda: already_there(_spec(request, Link(""))))) is not None:
        return there
    if isinstance(request, AssetRequest):
        return await _asset(request, kit, live, room)
    return await _archive(request, kit, live, room)


async def _archive(
    request: ArchiveRequest, kit: JobContext, live: TransferProgress, room: ReserveSpace | None
) -> DownloadResult:
    link = await kit.resolver.link(request)
    size = request.size
    if size is None and (info := await kit.resolver.info(request)) is not None:
        size = live.total = info.size
    spec = replace(_spec(request, link), size=size, archive=True)
    try:
        return await kit.fetch(spec, live, reserve=room)
    except LinkRejected as error:
        # Links carry signatures that expire: the API gives a new one, and only that one counts.
        live.log(f"{error}: requests a new link")
        link = await kit.resolver.link(request)
        live.log(RENEWED)
    try:
        return await kit.fetch(replace(spec, link=link), live, reserve=room)
    except LinkRejected as error:
        raise refusal(error, request, link) from error


async def _asset(
    request: AssetRequest, kit: JobContext, live: TransferProgress, room: ReserveSpace | None
) -> DownloadResult:
    """Fetch an asset by the href it was queued with; where that does not do, by the one it has now."""
    refused: MLHubException | None = None
    if request.href:
        link = await kit.resolver.link(request)
        try:
            return await _noted(request, link, kit, live, room)
        except (LinkRejected, EntityDoesNotExist, RemoteChanged, VerificationFailed) as error:
            refused = error
            live.log(f"{error}: looks the asset up again")
    found = await kit.resolver.again(request)
    if refused is not None and _same(found, request, link):
        raise (refusal(refused, request, link) if isinstance(refused, LinkRejected) else refused) from refused
    if refused is not None:
        live.log(RENEWED)
    try:
        return await _noted(found.request, found.link, kit, live, room)
    except LinkRejected as error:
        raise refusal(error, request, found.link) from error


def _same(found: RenewedAsset, request: AssetRequest, link: Link) -> bool:
    """Return whether a look-up brought nothing new, so that another try would end as the last one did."""
    told = (found.request.size, found.request.checksum)
    return found.link.url == link.url and told == (request.size, request.checksum)


async def _noted(
    request: AssetRequest, link: Link, kit: JobContext, live: TransferProgress, room: ReserveSpace | None
) -> DownloadResult:
    """Fetch an asset, and say what of its document was of no use."""
    checksum = multihash(request.checksum)
    known: tuple[Checksum, ...] = (checksum,) if checksum else ()
    spec = replace(_spec(request, link), size=request.size, checksums=known, page=request.page)
    outcome = await kit.fetch(spec, live, reserve=room)
    if not outcome.fetched:
        return outcome
    notes = [outcome.note, unverified(request.checksum)]
    if request.size is not None and request.size != outcome.size:
        notes.append(f"its document says {text.size(request.size)}")
    return replace(outcome, note="; ".join(filter(None, notes)))


def _spec(request: DownloadRequest, link: Link) -> DownloadSpec:
    return DownloadSpec(link, request.folder / request.name, request.if_exists)
