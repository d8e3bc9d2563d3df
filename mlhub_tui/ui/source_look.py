"""A look at what was typed in the form for a source."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..auth import Credentials, SecretDraft, for_location
from .source_entry import SourceEntry

if TYPE_CHECKING:
    from ..sources.probe_path import ProbeResult


def bare(text: str) -> tuple[str, SecretDraft | None]:
    """Return a location without the key that was pasted with it, and that key.

    Raises
    ------
    InvalidRootURL
        If it can be no location.
    """
    from ..sources.well_known import by_name

    known = by_name(text)
    credentials = for_location(known.root_url if known else text, origin="form")
    if not credentials.secret:
        return credentials.root_url, None
    auth = credentials.auth
    return credentials.root_url, SecretDraft(auth.scheme, auth.name, "", credentials.secret)


async def look(location: str, secret: SecretDraft) -> ProbeResult:
    """Return what is at a location; the HTTP client is imported in a thread.

    Raises
    ------
    MLHubException
        As `probe`; and if the secret is not given, or cannot be sent.
    """
    credentials = SourceEntry(location, None, secret).credentials()
    probe = await asyncio.to_thread(_imported)
    return await probe(credentials)


def _imported() -> Callable[[Credentials], Awaitable[ProbeResult]]:
    from ..sources.probe import probe

    return probe
