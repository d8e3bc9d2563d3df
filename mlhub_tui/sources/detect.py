"""Is there a source at a URL or path, and of what kind? A short look, never a long wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..auth import Credentials, is_url
from ..errors import ServerTimeout
from ..http.hrefs import shown
from ..http.json_document import MAX_DOCUMENT
from ..http.retry import NO_RETRIES
from ..http.session import Timeouts
from .connect import open_session
from .found import Found, NotASource
from .look_local import look_at_path
from .look_remote import RemoteLook

__all__ = ["Found", "NotASource", "detect"]

QUICK = Timeouts(connect=5.0, read=8.0, total=15.0)
"""Seconds; a person waits."""
TOTAL = 25.0
"""Seconds for all requests together."""


async def detect(
    credentials: Credentials, *, timeouts: Timeouts = QUICK, total: float = TOTAL, largest: int = MAX_DOCUMENT
) -> Found:
    """Return what is at the location of credentials; `for_location` makes them of what a person typed.

    Their secret is sent as they say, to the location's own origin only. Their kind does not count.

    Parameters
    ----------
    timeouts
        Seconds for each request.
    total
        Seconds for all of them.
    largest
        Bytes of an answer that are read.

    Raises
    ------
    NotASource
        If there is something else; says what, and what to name instead.
    EntityDoesNotExist
        If nothing is there.
    RequestError
        If the server does not answer, or refuses the secret.
    MLHubException
        If a path cannot be read.
    """
    where = credentials.root_url
    if not is_url(where):
        return await asyncio.to_thread(look_at_path, Path(where))
    session = open_session(
        credentials, by_document=True, timeouts=timeouts, retry=NO_RETRIES, max_body=largest
    )
    try:
        async with session, asyncio.timeout(total):
            return await RemoteLook(session).at(where)
    except TimeoutError:
        raise ServerTimeout(
            f"timeout: {shown(where)} did not say within {total:g} s what it is", url=shown(where)
        ) from None
