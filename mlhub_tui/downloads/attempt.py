"""One try at a request: ask for the link, run the transfer, and ask once more if the link has expired."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .. import text
from ..errors import EntityDoesNotExist, MLHubException, RemoteChanged, VerificationFailed
from ..sources.link import Link
from .job import ArchiveRequest, AssetRequest, DatasetRequest, IfExists, Request
from .line import Line
from .live import Live
from .one import existing
from .one.answer import Digest
from .one.copying import Copy
from .one.journal import Journal
from .one.multihash import multihash, unverified
from .one.transfer import Outcome, Room, Task, Transfer
from .refusal import refusal
from .resolve import Found, Resolver
from .threads import in_thread
from .trouble import LinkRefused
from .tuning import BOUNDED, Patience, Tuning

_LOCAL = "file://"
RENEWED = "the link was renewed"
"""What the log says of a link that had expired."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What all transfers share; `tls` is None for the system's settings.

    `patience` is that with a file among many, whose failure holds up nothing else.
    """

    resolver: Resolver
    journal: Journal
    tuning: Tuning
    tls: ssl.SSLContext | None = None
    line: Line = field(default_factory=Line)
    patience: Patience = BOUNDED


async def attempt(request: Request, kit: Kit, live: Live, room: Room | None = None) -> Outcome:
    """Fetch what is requested, or go on with it.

    Raises
    ------
    MLHubException
        What went wrong, for `trouble.verdict` to judge.
    """
    if isinstance(request, DatasetRequest):
        # Imported when there is one: all that plans is needed by it alone.
        from .dataset.run import fetch_dataset

        return await fetch_dataset(request, kit, live, room)
    target = request.folder / request.name
    if (there := await in_thread(lambda: _there(target, request.if_exists))) is not None:
        return there
    if isinstance(request, AssetRequest):
        return await _asset(request, kit, live, room)
    return await _archive(request, kit, live, room)


async def _archive(request: ArchiveRequest, kit: Kit, live: Live, room: Room | None) -> Outcome:
    link = await kit.resolver.link(request)
    size = request.size
    if size is None and (info := await kit.resolver.info(request)) is not None:
        size = live.total = info.size
    task = _task(request, size)
    try:
        return await transfer_one(task, link, kit, live, room)
    except LinkRefused as error:
        # Links carry signatures that expire: the API gives a new one, and only that one counts.
        live.tell(f"{error}: asks for a new link")
        link = await kit.resolver.link(request)
        live.tell(RENEWED)
    try:
        return await transfer_one(task, link, kit, live, room)
    except LinkRefused as error:
        raise refusal(error, request, link) from error


async def _asset(request: AssetRequest, kit: Kit, live: Live, room: Room | None) -> Outcome:
    """Fetch an asset by the href it was queued with; where that does not do, by the one it has now."""
    refused: MLHubException | None = None
    if request.href:
        link = await kit.resolver.link(request)
        try:
            return await _noted(request, link, kit, live, room)
        except (LinkRefused, EntityDoesNotExist, RemoteChanged, VerificationFailed) as error:
            refused = error
            live.tell(f"{error}: looks the asset up again")
    found = await kit.resolver.again(request)
    if refused is not None and _same(found, request, link):
        raise (refusal(refused, request, link) if isinstance(refused, LinkRefused) else refused) from refused
    if refused is not None:
        live.tell(RENEWED)
    try:
        return await _noted(found.request, found.link, kit, live, room)
    except LinkRefused as error:
        raise refusal(error, request, found.link) from error


def _same(found: Found, request: AssetRequest, link: Link) -> bool:
    """Return whether a look-up brought nothing new, so that another try would end as the last one did."""
    told = (found.request.size, found.request.checksum)
    return found.link.url == link.url and told == (request.size, request.checksum)


async def _noted(request: AssetRequest, link: Link, kit: Kit, live: Live, room: Room | None) -> Outcome:
    """Fetch an asset, and say what of its document was of no use."""
    digest = multihash(request.checksum)
    task = _task(request, request.size, digests=(digest,) if digest else (), page=request.page)
    outcome = await transfer_one(task, link, kit, live, room)
    if not outcome.fetched:
        return outcome
    notes = [unverified(request.checksum)]
    if request.size is not None and request.size != outcome.size:
        notes.append(f"its document says {text.size(request.size)}")
    return replace(outcome, note="; ".join(filter(None, notes)))


def _task(
    request: Request, size: int | None, *, digests: tuple[Digest, ...] = (), page: bool = False
) -> Task:
    target = request.folder / request.name
    part, archive = target.with_name(f"{target.name}.part"), isinstance(request, ArchiveRequest)
    return Task(target, part, request.if_exists, size, digests, page, archive)


async def transfer_one(task: Task, link: Link, kit: Kit, live: Live, room: Room | None = None) -> Outcome:
    """Fetch one file from where a link says its bytes are, be it a server or this machine."""
    if is_local(link.url):
        copy = Copy(task, link.url, kit.journal, live, tuning=kit.tuning, room=room)
        return await in_thread(copy.run, interrupt=copy.abort)
    live.host = urlsplit(link.url).netloc.rpartition("@")[2]
    transfer = Transfer(
        task,
        link,
        kit.journal,
        live,
        tuning=kit.tuning,
        context=kit.tls,
        room=room,
        line=kit.line,
    )
    return await in_thread(transfer.run, interrupt=transfer.abort)


def is_local(url: str) -> bool:
    """Return whether a URL names a file of this machine."""
    return url.lower().startswith(_LOCAL)


def _there(target: Path, if_exists: IfExists) -> Outcome | None:
    """Return the outcome where nobody has to be asked."""
    if existing.settled(target, if_exists):
        return Outcome(target, target.stat().st_size, fetched=False)
    return None
