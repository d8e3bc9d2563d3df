"""Opening a source of any kind with the credentials that apply; nothing is asked before the first use."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ..auth import Auth, Kind, is_url
from ..errors import (
    AuthenticationError,
    MLHubException,
    NotOffered,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
)

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..http.session import Session
    from .base import Source
    from .mlhub import MLHubSource


def open_session(credentials: Credentials, *, by_document: bool = False, **options: Any) -> Session:
    """Return a session with the server of the credentials.

    For a static catalog it is pinned to the origin of its URL, and for one on disk it has no secret.

    Parameters
    ----------
    by_document
        Treat the location as the URL of a document, whatever the kind.
    options
        Further arguments of `Session`.
    """
    from ..http.errors import HOSTED
    from ..http.hrefs import host
    from ..http.retry import NO_RETRIES
    from ..http.session import Session, Timeouts

    secret, root = credentials.secret, credentials.root_url
    if by_document or credentials.kind in (None, Kind.STATIC):
        secret, root = (secret, urljoin(root, "/")) if is_url(root) else (None, "https://nowhere.invalid/")
    if host(root) == HOSTED:
        # Nobody has answered there since 2023: no use in waiting long to say so.
        options = {"timeouts": Timeouts(connect=4.0, read=8.0, total=12.0), "retry": NO_RETRIES} | options
    # What is a key by its name is an MLHub API's business; elsewhere `key` may name a file.
    as_mlhub = credentials.kind is Kind.MLHUB and credentials.auth == Auth() and not by_document
    return Session(api_key=secret, root_url=root, auth=None if as_mlhub else credentials.auth, **options)


def open_source(credentials: Credentials) -> Source:
    """Return the source of credentials whose kind is known; close it with `aclose`.

    Raises
    ------
    MLHubException
        If the kind is not known: `open_any` finds it out.
    """
    match credentials.kind:
        case Kind.MLHUB:
            return open_mlhub(credentials)
        case Kind.STAC_API:
            from .stac_api import STACAPISource

            return STACAPISource(open_session(credentials))
        case Kind.STATIC:
            from .static.source import StaticSource

            session = open_session(credentials) if is_url(credentials.root_url) else None
            return StaticSource(credentials.root_url, session)
    raise MLHubException("the kind of the source is not known yet")


def open_mlhub(credentials: Credentials) -> MLHubSource:
    """Return the source of credentials for what only an MLHub API has: archives, key checks.

    Raises
    ------
    NotOffered
        If the credentials are of a source of another kind.
    """
    if credentials.kind is not Kind.MLHUB:
        from ..http.hrefs import shown
        from .base import ASSETS_INSTEAD

        raise NotOffered(
            f"only MLHub APIs have archives of collections: {shown(credentials.root_url)} is none",
            hint=ASSETS_INSTEAD,
        )
    from .mlhub import MLHubSource

    return MLHubSource(open_session(credentials))


async def open_any(credentials: Credentials) -> Source:
    """Return the source of credentials, after a look at what is there where the kind is not known.

    Raises
    ------
    MLHubException
        As `detect`, where there is nothing that can be browsed.
    """
    return open_source(await settled(credentials))


async def settled(credentials: Credentials) -> Credentials:
    """Return credentials with their kind, found out by a look at what is there if need be.

    Where the server is away, a catalog whose root was kept is what it was.
    """
    if credentials.kind is not None:
        return credentials
    from .detect import detect

    try:
        found = await detect(credentials)
    except (ServerUnreachable, ServerTimeout, ServerError) as error:
        if (kept := await _kept(credentials)) is not None:
            return kept
        raise error
    if found.kind is None:
        raise AuthenticationError(
            found.notes[0] if found.notes else "the source wants a key",
            hint="add it with its key: `mlhub-tui sources add --help`",
        )
    return replace(credentials, kind=found.kind, root_url=found.location)


async def _kept(credentials: Credentials) -> Credentials | None:
    """Return the credentials of a static catalog of which the root document is in the cache."""
    from ..http.cache import CachingClient, DocumentCache
    from ..http.hrefs import join
    from .look_local import ROOTS

    where = credentials.root_url
    cache = DocumentCache()
    async with open_session(replace(credentials, kind=Kind.STATIC)) as session:
        remembering = CachingClient(session, cache)
        bare = where.partition("?")[0]
        for url in (where, *(join(bare, name) for name in ROOTS)):
            if await remembering.holds(url):
                found = replace(credentials, kind=Kind.STATIC, root_url=url)
                break
        else:
            found = None
    await asyncio.to_thread(cache.close)
    return found
