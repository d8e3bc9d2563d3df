"""One try at a request: ask for the link, run the transfer, and ask once more if the link has expired."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .. import text
from ..errors import AuthenticationError, EntityDoesNotExist, MLHubException
from ..sources.link import Link
from . import existing
from .job import ArchiveRequest, IfExists, archive_name
from .journal import Journal
from .line import Line
from .live import Live
from .resolve import Resolver
from .threads import in_thread
from .transfer import Outcome, Room, Task, Transfer
from .trouble import LinkRefused
from .tuning import Tuning

_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Kit:
    """What all transfers share; `tls` is None for the system's settings."""

    resolver: Resolver
    journal: Journal
    tuning: Tuning
    tls: ssl.SSLContext | None = None
    line: Line = field(default_factory=Line)


async def attempt(request: ArchiveRequest, kit: Kit, live: Live, room: Room | None = None) -> Outcome:
    """Fetch what is requested, or go on with it.

    Raises
    ------
    MLHubException
        What went wrong, for `trouble.verdict` to judge.
    """
    target = request.folder / archive_name(request.collection_id)
    if (there := await in_thread(lambda: _there(target, request.if_exists))) is not None:
        return there
    link = await kit.resolver.link(request)
    size = request.size
    if size is None and (info := await kit.resolver.info(request)) is not None:
        size = live.total = info.size
    task = Task(target, target.with_name(f"{target.name}.part"), request.if_exists, size)
    try:
        return await _transfer(task, link, kit, live, room)
    except LinkRefused:
        # Links carry signatures that expire: the API gives a new one, and only that one counts.
        link = await kit.resolver.link(request)
    try:
        return await _transfer(task, link, kit, live, room)
    except LinkRefused as error:
        raise _final(error, request, link) from error


async def _transfer(task: Task, link: Link, kit: Kit, live: Live, room: Room | None) -> Outcome:
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


def _there(target: Path, if_exists: IfExists) -> Outcome | None:
    """Return the outcome where nobody has to be asked."""
    if existing.settled(target, if_exists):
        return Outcome(target, target.stat().st_size, fetched=False)
    return None


def _final(error: LinkRefused, request: ArchiveRequest, link: Link) -> MLHubException:
    """Return what a link that was refused twice means."""
    if error.status in _GONE:
        name = text.one_line(request.collection_id, 80)
        words = f'the archive of collection "{name}" does not exist; it may still be generating'
        return EntityDoesNotExist(words, url=error.url, status=error.status)
    if error.status == 401 and link.auth is not None:
        return AuthenticationError(error.message, url=error.url, status=401)
    return error
