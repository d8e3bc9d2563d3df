"""Sessions of the Python API: which key and which root URL, and one that closes by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .. import sources
from ..http.session import Session as Session
from ..sources.mlhub import MLHubSource
from .failures import builtin_kinds


def get_session(
    *, api_key: str | None = None, profile: str | None = None, root_url: str | None = None
) -> Session:
    """Return a session with the API; close it with `async with` or `await session.aclose()`.

    The key is the first of five: the `api_key` argument, the variable `MLHUB_API_KEY`, the `profile`
    argument, the variable `MLHUB_PROFILE`, the profile `default`; profiles are in the file `profiles` in
    `~/.mlhub` or `MLHUB_HOME`. The profile `__anonymous__` sends no key. These are the rules of the
    `radiant_mlhub` library.

    Parameters
    ----------
    api_key
        The key to use.
    profile
        The name of a profile.
    root_url
        The root of another deployment; default `MLHUB_ROOT_URL`, then the profile's, then the hosted API.

    Raises
    ------
    APIKeyNotFound
        If none of the five gives a key; `ProfileNotFound` and `ProfilesFileError` are kinds of it.
    InvalidRootURL
        If the root URL cannot be one.

    Examples
    --------
    A path may be relative to the root URL, with or without a leading slash, or an absolute URL; the key goes
    along where the URL is on the API's own origin:

    >>> from mlhub_tui import get_session
    >>> async with get_session() as session:
    ...     relative = await session.get("collections/bigearthnet_v1_source")
    ...     slashed = await session.get("/collections/bigearthnet_v1_source")
    ...     absolute = await session.get(f"{session.root_url}collections/bigearthnet_v1_source")
    >>> relative.json()["id"]
    'bigearthnet_v1_source'
    >>> relative.json() == slashed.json() == absolute.json()
    True

    The key is among the parameters and is never printed:

    >>> session = get_session(api_key="some-long-api-key")
    >>> session.params["key"]
    'some-long-api-key'
    >>> session.params
    {'key': '****-key'}
    >>> await session.aclose()

    Pages of a listing are asked for one by one:

    >>> async with get_session() as session:
    ...     sizes = []
    ...     async for page in session.paginate(
    ...         "collections/ref_african_crops_kenya_02_source/items", params={"limit": 5}
    ...     ):
    ...         sizes.append(len(page["features"]))
    ...         if len(sizes) == 2:
    ...             break
    >>> sizes
    [5, 5]
    """
    from ..auth import resolve

    session = sources.open_source.open_session(resolve(api_key=api_key, profile=profile, root_url=root_url))
    session.boundary = builtin_kinds
    return session


@asynccontextmanager
async def opened(api_key: str | None, profile: str | None) -> AsyncIterator[MLHubSource]:
    """Give a source over a session as `get_session` makes it, closed at the end."""
    with builtin_kinds():
        source = MLHubSource(get_session(api_key=api_key, profile=profile))
        try:
            yield source
        finally:
            await source.aclose()
