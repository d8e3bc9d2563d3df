"""Sessions of the Python API: which key and which root URL, and one that closes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType

from .. import auth, sources
from ..errors import DownloadError, InvalidSearch, MLHubException, OutputFolderError
from ..http.session import Session as Session
from ..models import Document
from ..sources.mlhub import MLHubSource


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
    session = sources.open_source.open_session(
        auth.resolve(api_key=api_key, profile=profile, root_url=root_url)
    )
    session.boundary = builtin_kinds
    return session


class _Opened(AbstractAsyncContextManager[MLHubSource]):
    """A source that is opened with a block, and closed at its end.

    It is no generator: an event loop that ends closes those that are left all at once, so that one within
    another one would be closed twice.
    """

    def __init__(self, api_key: str | None, profile: str | None) -> None:
        self._given = api_key, profile
        self._blocks = AsyncExitStack()

    async def __aenter__(self) -> MLHubSource:
        api_key, profile = self._given
        with builtin_kinds():
            source = MLHubSource(get_session(api_key=api_key, profile=profile))
        self._blocks.enter_context(builtin_kinds())
        self._blocks.push_async_callback(source.aclose)
        return source

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._blocks.__aexit__(kind, error, trace)


def opened(api_key: str | None, profile: str | None) -> AbstractAsyncContextManager[MLHubSource]:
    """Give a source over a session as `get_session` makes it, closed at the end."""
    return _Opened(api_key, profile)


@dataclass(frozen=True, eq=False, repr=False)
class Remembering(Document):
    """A document that can ask for more with what it was fetched with.

    Parameters
    ----------
    raw
        The JSON as received.
    api_key, profile
        See `get_session`; never printed.
    """

    api_key: str | None = field(default=None, repr=False)
    profile: str | None = field(default=None, repr=False)

    def _opened(
        self, api_key: str | None = None, profile: str | None = None
    ) -> AbstractAsyncContextManager[MLHubSource]:
        """Open a source with the arguments of a call, or else with what is remembered."""
        if api_key or profile:
            return opened(api_key, profile)
        return opened(self.api_key, self.profile)


_KINDS: tuple[tuple[type[MLHubException], tuple[type[Exception], ...]], ...] = (
    (OutputFolderError, (OSError, ValueError)),
    (DownloadError, (OSError,)),
    (InvalidSearch, (ValueError,)),
)
"""Which built-in exceptions a kind of error is; the first that fits counts.

Inside the program they are not: an `except OSError` there means what the system says.
"""


@contextmanager
def builtin_kinds() -> Iterator[None]:
    """Raise errors of the block with their hint, as kinds of the built-in exceptions that they amount to."""
    try:
        yield
    except MLHubException as error:
        error.shows_hint = True
        for kind, builtins in _KINDS:
            if isinstance(error, kind) and not isinstance(error, builtins):
                raise _rebuilt(type(error), builtins, error.message, error.hint) from error.__cause__
        raise


def _rebuilt(
    kind: type[MLHubException], builtins: tuple[type[Exception], ...], message: str, hint: str
) -> MLHubException:
    error = _also(kind, builtins)(message, hint=hint)  # type: ignore[arg-type]  # classes are hashable
    error.shows_hint = True
    return error


@lru_cache
def _also(kind: type[MLHubException], builtins: tuple[type[Exception], ...]) -> type[MLHubException]:
    """Return the error's class, which is also the built-in ones; pickled by what it is made of."""

    def reduce(self: MLHubException) -> tuple[object, ...]:
        return _rebuilt, (kind, builtins, self.message, self.hint)

    names = {"__doc__": kind.__doc__, "__module__": kind.__module__, "__reduce__": reduce}
    return type(kind.__name__, (kind, *builtins), names)
