"""Opening a source of any kind with the credentials that apply; nothing is asked before the first use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import MLHubException, NotOffered
from ..profiles import Kind, is_url

if TYPE_CHECKING:
    from ..profiles import Credentials
    from .base import Source
    from .http import Session
    from .mlhub import MLHubSource


def open_session(credentials: Credentials) -> Session:
    """Return a session with the server of the credentials.

    For a static catalog it is pinned to the origin of its URL, and for one on disk it has no secret.
    """
    from .http import Session

    if credentials.kind in (None, Kind.STATIC):
        return _session_of_document(credentials)
    # What is a key by its name is an MLHub API's business; elsewhere `key` may name a file.
    plain = credentials.kind is Kind.MLHUB and credentials.auth == type(credentials.auth)()
    auth = None if plain else credentials.auth
    return Session(api_key=credentials.api_key, root_url=credentials.root_url, auth=auth)


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
            from .static import StaticSource

            return StaticSource(credentials.root_url, open_session(credentials))
    raise MLHubException("the kind of the source is not known yet")


def open_mlhub(credentials: Credentials) -> MLHubSource:
    """Return the source of credentials for what only an MLHub API has: archives, key checks.

    Raises
    ------
    NotOffered
        If the credentials are of a source of another kind.
    """
    if credentials.kind is not Kind.MLHUB:
        from .origin import shown

        raise NotOffered(
            f"only MLHub APIs have archives of collections: {shown(credentials.root_url)} is none",
            hint="download the assets of its items instead",
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
    """Return credentials with their kind, found out by a look at what is there if need be."""
    if credentials.kind is not None:
        return credentials
    from .detect import detect

    found = await detect(credentials)
    return replace(credentials, kind=found.kind, root_url=found.location)


def _session_of_document(credentials: Credentials) -> Session:
    from .http import Session

    if not is_url(credentials.root_url):
        return Session(root_url="https://nowhere.invalid/", auth=credentials.auth)
    parts = urlsplit(credentials.root_url)
    root = f"{parts.scheme}://{parts.netloc}/"
    return Session(api_key=credentials.api_key, root_url=root, auth=credentials.auth)
