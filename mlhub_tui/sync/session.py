"""Sessions: blocking requests to an API with its key, as `requests.Session` makes them."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from json import loads
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .. import api
from ..api.session import builtin_kinds
from ..auth import ANONYMOUS, DEFAULT_PROFILE, ProfilesFile
from ..auth import DEFAULT_ROOT_URL as _DEFAULT_ROOT_URL
from ..errors import APIKeyNotFound, ServerTimeout
from ..models import JsonDict
from ..models.document import identity
from ..text import one_line
from .loop import blocking_doc, iterate, run, running_loop

if TYPE_CHECKING:
    import httpx

ANONYMOUS_PROFILE = ANONYMOUS
_INSTEAD = {
    "cookies": "headers={'Cookie': ...}",
    "files": "data=",
    "auth": "headers={'Authorization': ...}",
    "proxies": "the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
    "hooks": "the answer itself",
    "verify": "the variable SSL_CERT_FILE",
    "cert": "a proxy that presents the certificate",
}
"""Arguments of requests that are not taken, and what to use in their place."""


_Opened = AbstractAsyncContextManager["httpx.Response"]


class SessionResponse:
    """An answer: what scripts use of that of requests."""

    def __init__(self, response: httpx.Response, opened: _Opened | None = None) -> None:
        self._response = response
        self._opened = opened
        self.status_code = response.status_code
        self.reason = response.reason_phrase
        self.headers = response.headers
        self.url = str(response.url)

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    @property
    def ok(self) -> bool:
        """Whether the status is less than 400."""
        return self.status_code < 400

    @property
    def content(self) -> bytes:
        """The body, decompressed."""
        if self._opened is not None:
            run(self._read())
        return self._response.content

    @property
    def text(self) -> str:
        """The body as text, in the encoding that its header names."""
        return self.content.decode(self._response.encoding or "utf-8", "replace")

    def json(self) -> Any:
        """Return the body as parsed JSON; raise ValueError if it is none."""
        return loads(self.content)

    def iter_content(self, chunk_size: int | None = 1) -> Iterator[bytes]:
        """Yield the body in pieces of at most `chunk_size` bytes; with `stream=True` as it arrives."""
        if self._opened is None:
            body, step = self.content, chunk_size or max(len(self.content), 1)
            yield from (body[start : start + step] for start in range(0, len(body), step))
        else:
            yield from iterate(self._pieces(chunk_size))

    def raise_for_status(self) -> None:
        """Do nothing: a refused request has raised its error already."""

    def close(self) -> None:
        """Give the connection of a streamed answer back."""
        run(self._close())

    async def _pieces(self, chunk_size: int | None) -> AsyncGenerator[bytes, None]:
        try:
            async for piece in self._response.aiter_bytes(chunk_size):
                yield piece
        finally:
            await self._close()

    async def _read(self) -> None:
        await self._response.aread()
        await self._close()

    async def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(None, None, None)


def _verb(method: str, **defaults: Any) -> Callable[..., SessionResponse]:
    def call(self: Session, url: str, data: Any = None, json: Any = None, **options: Any) -> SessionResponse:
        return self.request(method, url, **{**defaults, "data": data, "json": json, **options})

    call.__name__ = method.lower()
    call.__doc__ = f"Return the answer of a {method} request; see `request`."
    return call


class Session:
    """A blocking session with an MLHub API; close it with `close`, or use it in a `with` block.

    Parameters
    ----------
    api_key
        The key; it is sent to the origin of the root URL alone.
    """

    API_KEY_ENV_VARIABLE = "MLHUB_API_KEY"
    PROFILE_ENV_VARIABLE = "MLHUB_PROFILE"
    MLHUB_HOME_ENV_VARIABLE = "MLHUB_HOME"
    ROOT_URL_ENV_VARIABLE = "MLHUB_ROOT_URL"
    DEFAULT_ROOT_URL = _DEFAULT_ROOT_URL
    ROOT_URL = _DEFAULT_ROOT_URL

    def __init__(self, *, api_key: str | None) -> None:
        self._open(api_key=api_key or None, profile=None if api_key else ANONYMOUS)

    def _open(self, **arguments: Any) -> None:
        self._arguments = arguments
        self._session = api.get_session(**arguments)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.params: MutableMapping[str, Any] = self._session.params
        self.headers: MutableMapping[str, str] = self._session.headers
        self.root_url = self._session.root_url

    @classmethod
    def _of(cls, **arguments: Any) -> Self:
        session = cls.__new__(cls)
        session._open(**arguments)
        return session

    @classmethod
    def from_env(cls) -> Self:
        """Return a session with the key in MLHUB_API_KEY; raise APIKeyNotFound if it is unset or empty."""
        key = os.environ.get(cls.API_KEY_ENV_VARIABLE)
        if not key:
            raise APIKeyNotFound(f"{cls.API_KEY_ENV_VARIABLE} is not set")
        return cls._of(api_key=key)

    @classmethod
    def from_config(cls, profile: str | None = None) -> Self:
        """Return a session with the key of a profile, by default of the profile `default`.

        Raises
        ------
        APIKeyNotFound
            If there is no profiles file, no such profile, or no key in it.
        """
        name = profile or DEFAULT_PROFILE
        found = ProfilesFile.load().get(name)
        if not found.api_key:
            raise APIKeyNotFound(f"the profile {name} has no api_key")
        root_url = os.environ.get(cls.ROOT_URL_ENV_VARIABLE) or found.root_url
        return cls._of(api_key=found.api_key, root_url=root_url)

    def __repr__(self) -> str:
        return repr(self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        run(self._session.aclose())

    def _connected(self) -> api.Session:
        """Return the async session; a new one in a forked process, whose connections are not its own."""
        loop = running_loop()
        if self._loop is not None and self._loop is not loop:
            self._session = api.get_session(**self._arguments)
        self._loop = loop
        self._session.params, self._session.headers = self.params, self.headers  # type: ignore[assignment]
        return self._session

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | tuple[float | None, float | None] | None = None,
        allow_redirects: bool = True,
        stream: bool | None = None,
        json: Any = None,
        **others: Any,
    ) -> SessionResponse:
        """Return the answer of a request; what may pass is tried again.

        Parameters
        ----------
        method
            `GET`, `POST`, ...
        url
            A path relative to the root URL, with or without a leading slash, or an absolute URL.
        params, data, headers, json
            Query parameters, the body (a mapping is sent as a form), headers over the session's, a JSON body.
        timeout
            Seconds for the whole request; of a pair (connect, read) their sum.
        allow_redirects
            Whether to follow redirects.
        stream
            Whether to leave the body of a GET unread, for `iter_content`.

        Raises
        ------
        AuthenticationError
            For a 401.
        HTTPError
            For another status of 400 or more; its `response.status_code` is the status.
        TypeError
            For arguments of requests that do not exist here.
        """
        for name, value in others.items():
            if name not in _INSTEAD:
                raise TypeError(f"request() got an unexpected keyword argument {name!r}")
            if value is not None:
                raise TypeError(f"{name} is not supported: use {_INSTEAD[name]}")
        session = self._connected()
        given = [part for part in (timeout if isinstance(timeout, tuple) else [timeout]) if part is not None]

        async def answer() -> SessionResponse:
            if stream and method.upper() == "GET" and allow_redirects:
                opened = session.stream(session.url_of(url, params), headers=headers)
                return SessionResponse(await opened.__aenter__(), opened)
            return SessionResponse(
                await session.request(
                    method,
                    url,
                    params=params,
                    headers=headers,
                    json=json,
                    data=data,
                    follow_redirects=allow_redirects,
                )
            )

        async def in_time() -> SessionResponse:
            try:
                async with asyncio.timeout(sum(given) if given else None):
                    return await answer()
            except TimeoutError:
                where = session.url_of(url)
                raise ServerTimeout(f"no answer from {where} within {sum(given):g} s", url=where) from None

        with builtin_kinds():
            return run(in_time())

    get = _verb("GET")
    head = _verb("HEAD", allow_redirects=False)
    options = _verb("OPTIONS")
    post = _verb("POST")
    put = _verb("PUT")
    patch = _verb("PATCH")
    delete = _verb("DELETE")

    def paginate(self, url: str, *, params: Mapping[str, Any] | None = None) -> Iterator[JsonDict]:
        """Yield the pages of a listing, following its `next` links; see `api.Session.paginate`."""
        return iterate(self._connected().paginate(url, params=params))


def get_session(
    *, api_key: str | None = None, profile: str | None = None, root_url: str | None = None
) -> Session:
    return Session._of(api_key=api_key, profile=profile, root_url=root_url)


get_session.__doc__ = blocking_doc(api.get_session)

S = TypeVar("S", bound="SessionKwargs")


class SessionKwargs:
    """Holds the key or profile that an object was fetched with; neither is shown by its repr."""

    session_kwargs: dict[str, str | None]

    def remember(self, api_key: str | None, profile: str | None) -> Self:
        """Remember the key or profile for later requests, and return the object."""
        given = {"api_key": api_key, "profile": profile}
        self.session_kwargs = _Hidden({name: value for name, value in given.items() if value})
        return self

    @property
    def remembered(self) -> tuple[str | None, str | None]:
        """The key and profile that later requests use."""
        return self.session_kwargs.get("api_key"), self.session_kwargs.get("profile")


class _Hidden(dict[str, str | None]):
    def __repr__(self) -> str:
        return repr({name: "****" if name == "api_key" else value for name, value in self.items()})


def parsed(kind: type[S], records: Iterable[JsonDict], api_key: str | None, profile: str | None) -> list[S]:
    """Return the records of a listing as objects; of one that pystac refuses there is a warning."""
    made: list[S] = []
    for record in records:
        try:
            made.append(kind.from_dict(record).remember(api_key, profile))  # type: ignore[attr-defined]
        except Exception as error:  # hostile metadata raises anything from KeyError to RecursionError
            name = one_line(identity(record.get("id")), 80)
            warnings.warn(f"{name} is left out: not valid STAC: {one_line(error, 200)}", stacklevel=4)
    return made
