"""Opening a source of any kind with the credentials that apply; the first use makes the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from .. import http
from ..auth import Auth, Kind, is_url
from ..errors import MLHubException, NotOffered
from .base import ASSETS_INSTEAD

if TYPE_CHECKING:
    from ..auth import Credentials
    from .base import Source
    from .mlhub import MLHubSource


def open_session(
    credentials: Credentials, *, by_document: bool = False, **options: Any
) -> http.session.Session:
    """Return a session with the server of the credentials.

    For a static catalog it is pinned to the origin of its URL, and for one on disk it has no secret.

    - `by_document`: Treat the location as the URL of a document, whatever the kind.
    - `options`: Further arguments of `Session`.
    """
    secret, root = credentials.secret, credentials.root_url
    if by_document or credentials.kind in (None, Kind.STATIC):
        secret, root = (secret, urljoin(root, "/")) if is_url(root) else (None, "https://nowhere.invalid/")
    if http.urls.host(root) == http.errors.HOSTED:
        # Nobody has answered there since 2023: no use in waiting long to say so.
        options = {
            "timeouts": http.session.SessionTimeouts(connect=4.0, read=8.0, total=12.0),
            "retry": http.errors.NO_RETRIES,
        } | options
    # What is a key by its name is an MLHub API's business; elsewhere `key` may name a file.
    as_mlhub = credentials.kind is Kind.MLHUB and credentials.auth == Auth() and not by_document
    return http.session.Session(
        api_key=secret, root_url=root, auth=None if as_mlhub else credentials.auth, **options
    )


def open_source(credentials: Credentials) -> Source:
    """Return the source of credentials whose kind is known; close it with `aclose`."""
    match credentials.kind:
        case Kind.MLHUB:
            return open_mlhub(credentials)
        case Kind.STAC_API:
            from .stac.api_source import STACAPISource  # each kind of source is loaded when one is opened

            return STACAPISource(open_session(credentials))
        case Kind.STATIC:
            from .static.source import StaticSource

            session = open_session(credentials) if is_url(credentials.root_url) else None
            return StaticSource(credentials.root_url, session)
    raise MLHubException("the kind of the source is not known yet")


def open_mlhub(credentials: Credentials) -> MLHubSource:
    """Return the source of credentials for what only an MLHub API has: archives, key checks."""
    if credentials.kind is not Kind.MLHUB:
        raise no_archives(credentials.root_url)
    from .mlhub import MLHubSource

    return MLHubSource(open_session(credentials))


def no_archives(root_url: str) -> NotOffered:
    """Return the error for archives of a source of another kind."""
    words = f"only MLHub APIs have archives of collections: {http.urls.shown(root_url)} is none"
    return NotOffered(words, hint=ASSETS_INSTEAD)


async def check(source: Source) -> None:
    """Return if a source answers as one of its kind, and accepts the key where there is one.

    An MLHub API accepts any key for its listings, so something that requires one is requested.
    """
    from .mlhub import MLHubSource

    if isinstance(source, MLHubSource):
        await (source.check_key() if source.session.secret else source.collections())
        return
    await source.about()
    await source.entries(page_size=1)
