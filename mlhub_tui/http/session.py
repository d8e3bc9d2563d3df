"""The session: requests of listings and documents to one API, with its key, its retries and our errors."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..auth import DEFAULT_ROOT_URL, Auth, Scheme, checked_root_url, normalise_root_url
from ..errors import MLHubException, RequestError, ServerTimeout, ServerUnreachable
from ..models import JsonDict
from ..text import duration, mask
from .credentials import KeyRemoval, OriginCredentials, forms, user_agent
from .errors import (
    ADD_KEY,
    LONGEST_WAIT,
    MLHUB_KEY,
    RetryPolicy,
    Timeouts,
    hosted_hint,
    may_pass,
    status_error,
)
from .json_document import MAX_DOCUMENT, as_object, decode
from .pagination import (
    ACCEPT,
    FetchedPage,
    PageGuard,
    PageRequest,
    Params,
    following,
    may_be_size,
    smaller,
    with_params,
)
from .urls import KEY_NAMES, host, join, origin_of, parse_url, shown, without_key

if TYPE_CHECKING:
    import httpx

    from .transport import Transport

_SHOWN = 1.0  # seconds of a wait that a server asks for
_LONGEST_STEP = 60.0  # seconds between two requests of a server that asks for less
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_WANTED = re.compile(rb'"(?:features|collections|children|stac_version)"')


def _is_put_off(response: httpx.Response, read: bool) -> bool:
    """Whether 202 (accepted) stands for "later": some servers send it with the answer itself."""
    is_said = read and response.request.method != "HEAD"
    return "Retry-After" in response.headers or (is_said and not _WANTED.search(response.content))


@dataclass(frozen=True, slots=True)
class SessionTimeouts:
    """Seconds to wait: to connect, between two pieces of an answer, and for an answer as a whole."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 300.0


class SecretParams(dict[str, Any]):
    """Query parameters sent to the API's own origin; the key is masked when printed.

    - `key_name`: The name of the one that is the key; empty where the key is sent in another way.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, key_name: str = "key") -> None:
        super().__init__(values or {})
        self.key_name = key_name

    def __repr__(self) -> str:
        return repr({name: mask(str(v)) if name == self.key_name else v for name, v in self.items()})

    __str__ = __repr__

    def copy(self) -> SecretParams:
        """Return a copy that keeps the secret too."""
        return SecretParams(self, self.key_name)

    @property
    def secret(self) -> str | None:
        """The key, None without one."""
        value = self.get(self.key_name)
        return str(value) if value else None


class Session:
    """A session with one server; use it with `async with`, or close it with `aclose`.

    The key is sent, by default as the query parameter `key`, to the origin (scheme, host, port) of the root
    URL only: not to where a redirect or a link leads. Keys that the server writes into its links are dropped.
    Nothing is opened before the first request.

    - `api_key`: The key; None sends none.
    - `root_url`: What relative paths are joined to; the hosted API's by default. The landing page is
      requested as it is spelled here, with or without a slash at its end.
    - `auth`: How the key is sent. Where it is given, only its own parameter is a key by its name; without it,
      as at an MLHub API, `key`, `api_key` and `apikey` are.
    - `timeouts`: Seconds to wait for connections and answers.
    - `retry`: When to try again what may pass: connection errors and the statuses 408, 429, 500, 502 to 504.
    - `max_body`: The largest answer in bytes that is read, after decompression.
    - `connections`: How many connections are open at a time.

    Raises InvalidRootURL if the root URL cannot be one.

    Examples
    --------
    >>> async with Session(api_key="my-key") as session:  # doctest: +SKIP
    ...     response = await session.get("collections")
    ...     response.json()["collections"][0]["id"]
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        root_url: str | None = None,
        auth: Auth | None = None,
        timeouts: SessionTimeouts | None = None,
        retry: RetryPolicy | None = None,
        max_body: int = MAX_DOCUMENT,
        connections: int = 8,
    ) -> None:
        given = DEFAULT_ROOT_URL if root_url is None else root_url
        self.root_url = normalise_root_url(given)
        self.landing_url = checked_root_url(given)
        self.auth = auth or Auth()
        self._mlhub = auth is None
        name = self.auth.name if self.auth.scheme is Scheme.QUERY else ""
        self.params = SecretParams({name: api_key} if api_key and name else {}, name)
        self.key_names = KEY_NAMES if auth is None else frozenset({name.lower()} if api_key and name else ())
        self._secret = None if name else api_key
        self._credentials = OriginCredentials(self.root_url, lambda: self.secret, self.auth, self.key_names)
        self.headers: dict[str, str] = {"Accept": "application/json", "User-Agent": user_agent()}
        self.boundary: Callable[[], AbstractContextManager[object]] = nullcontext
        """Is entered around each request: what the Python API shows in errors, is added there."""
        self._timeouts = timeouts or SessionTimeouts()
        self._retry = retry or RetryPolicy()
        self._max_body = max_body
        self._connections = connections
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.on_wait: Callable[[str], object] | None = None
        """Is called with words for each wait that a server asks for; without it a long one is an error."""

    def __repr__(self) -> str:
        return f"Session(root_url={shown(self.root_url)!r}, key={mask(self.secret)!r})"

    @property
    def secret(self) -> str | None:
        """The key, however it is sent; None without one."""
        return self.params.secret if self.params.key_name else self._secret

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; the session cannot be used after that."""
        self._closed = True
        self._leave_ended_loop()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def get(self, url: str, *, params: Params = None, **options: Any) -> httpx.Response:
        """Return the answer of a GET request; see `request`."""
        return await self.request("GET", url, params=params, **options)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Params = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Any = None,
        follow_redirects: bool = True,
        read: bool = True,
        repeatable: bool | None = None,
    ) -> httpx.Response:
        """Return the answer of a request; what may pass is tried again.

        - `method`: `GET`, `HEAD`, `POST`, ...; only what can be repeated safely is tried again.
        - `url`: A path relative to the root URL, with or without a leading slash, or an absolute URL. A key
          in it is dropped: the session has its own.
        - `params`: Query parameters; a list gives one per entry.
        - `headers`: Headers over those of the session.
        - `json`, `data`: A body: as JSON, or bytes or text as they are; a mapping is sent as a form.
        - `follow_redirects`: Whether to return the answer behind redirects, at most ten, or the first one.
        - `read`: Whether to read the body; without, it is empty.
        - `repeatable`: Whether it is tried again where it fails; by default that depends on the method, but
          some POSTs change nothing, as a search.

        Raises one of the family of RequestError: `AuthenticationError` for 401, `AccessDenied` for 403,
        `EntityDoesNotExist` for 404, `RequestRefused`, `ServerError`, `ServerUnreachable`, `ServerTimeout`,
        `UnexpectedAnswer`.
        """
        target, method, sent = self.url_of(url, params), method.upper(), dict(headers or {})
        body = {"json": json, ("data" if isinstance(data, Mapping) else "content"): data}
        again = method in _REPEATABLE if repeatable is None else repeatable
        started, failures = self._retry.clock(), 0
        with self.boundary():
            while True:
                try:
                    response = await self._attempt(method, target, sent, follow_redirects, read, body)
                    if again and response.status_code == HTTPStatus.ACCEPTED and _is_put_off(response, read):
                        raise self._error(response)
                    return response
                except RequestError as error:
                    failures += 1
                    # What is refused for its number (429) was not done, so that it can be repeated.
                    patient = again or error.status == HTTPStatus.TOO_MANY_REQUESTS
                    wait = self._wait(error, failures, self._retry.clock() - started) if patient else None
                    if wait is None:
                        raise
                await self._retry.sleep(wait)

    def _wait(self, error: RequestError, failures: int, elapsed: float) -> float | None:
        """Return the seconds to wait before the next try; None to give up.

        A wait longer than the policy allows is accepted where the server asks for it and the user can see it;
        it grows where the server asks again and again.
        """
        if not may_pass(error):
            return None
        asked = error.retry_after
        wait = self._retry.wait(failures, elapsed, asked)
        if self.on_wait is None or not asked:
            return wait
        if wait is None and elapsed + asked <= LONGEST_WAIT:
            wait = max(asked, min(2.0 ** max(0, failures - 3), _LONGEST_STEP))
        if wait is not None and asked >= _SHOWN:
            self.on_wait(f"waiting {duration(wait)}, as {host(error.url)} asks ({error.status})")
        return wait

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Give the answer of one GET request behind redirects, unread: for what is too large to hold.

        It is not tried again, and only the waiting between two pieces is limited. Raises as `request`; also
        from within the block, where the reading of the body fails.
        """
        with self.boundary():
            response = await self._send(
                "GET", self.url_of(url), {"Accept": "*/*", **(headers or {})}, True, {}, None
            )
            try:
                yield response
            finally:
                await response.aclose()

    async def get_json(self, url: str, *, params: Params = None) -> Any:
        """Return the JSON of a GET request; a large one is decoded in a thread.

        Raises UnexpectedAnswer if the answer is no JSON, for example a captive portal's page.
        """
        with self.boundary():
            return await decode(await self.get(url, params=params), self.keys)

    async def paginate(self, url: str, *, params: Params = None) -> AsyncGenerator[JsonDict, None]:
        """Yield the pages of a listing, following `rel: next` links; stops on a link or page that repeats.

        One page is in memory at a time, and the next one is asked for when it is wanted.

        Examples
        --------
        >>> async for page in session.paginate("collections/x/items"):  # doctest: +SKIP
        ...     print(len(page["features"]))
        """
        guard = PageGuard()
        step: PageRequest | None = PageRequest(self.url_of(url, params))
        while step is not None and not guard.repeats_link(step.encoded()):
            with self.boundary():
                fetched = await self.fetch_page(step)
            entries = fetched.answer.get("features")
            if isinstance(entries, list) and guard.repeats_page(entries):
                return
            yield fetched.answer
            step = fetched.next and replace(fetched.next, url=with_params(fetched.next.url, params))

    async def fetch_page(self, step: PageRequest, *, bare: str = "") -> FetchedPage:
        """Return a page of a listing; a POST is a search here, which is safe to repeat as a GET is.

        A page that may be too large for the server is requested again in smaller ones, once for each size;
        one at another host that cannot be reached, often the server's inner name, at the API's own.
        Raises as `request`; the same step can be taken again.

        - `bare`: The name under which an answer that is a bare list is put; without one a list is refused.
        """
        try:
            return await self._page(step, bare, repeatable=True)
        except RequestError as error:
            if isinstance(error, ServerUnreachable) and not self.is_own(step.url):
                with suppress(RequestError):
                    return await self._page(replace(step, url=self._own(step.url)), bare, repeatable=False)
            if not may_be_size(error):
                raise
            failure = error
        for less in smaller(step, failure):
            try:
                return await self._page(less, bare, repeatable=False)
            except RequestError as error:
                if not may_be_size(error):
                    break
        raise failure

    def _own(self, url: str) -> str:
        """Return the URL of this API that one of another host stands for."""
        root, target = parse_url(self.root_url), parse_url(url).target
        return f"{root.origin}{target if target.startswith(root.path) else root.path.rstrip('/') + target}"

    async def _page(self, step: PageRequest, bare: str, *, repeatable: bool) -> FetchedPage:
        headers = {"Accept": ACCEPT, **step.headers}
        for _ in range(2):
            response = await self.request(
                step.method, step.url, headers=headers, json=step.body, repeatable=repeatable
            )
            if response.request.method == step.method:
                break
            # A redirect made a GET of our POST (RFC 9110, 15.4.2): that is another question, ask ours there.
            step = replace(step, url=str(response.url))
        value = await decode(response, self.keys)
        url = self.bare(str(response.url))
        answer = as_object({bare: value} if bare and isinstance(value, list) else value, url)
        link, stopped = following(answer, url, step, self.bare)
        if link is None and not stopped:  # OGC APIs may name the next page in the header alone (RFC 8288)
            links = [{"rel": rel, "href": named.get("url")} for rel, named in response.links.items()]
            link, stopped = following({"links": links}, url, step, self.bare)
        return FetchedPage(answer, url, link, stopped, step.number("limit"))

    def url_of(self, url: str, params: Params = None) -> str:
        """Return the absolute URL of a path, without keys."""
        return self.bare(with_params(join(self.root_url, url), params))

    def bare(self, url: str) -> str:
        """Return a URL without keys."""
        bare = without_key(url, self.key_names)
        keys = self.keys
        return bare if keys is None else keys.cut(bare)

    @property
    def keys(self) -> KeyRemoval | None:
        """Removes the key from URLs of other origins and from documents; None without a key."""
        return self._credentials.key_removal()

    def is_own(self, url: str) -> bool:
        """Whether a URL is on the API's own origin, the only one that gets the key; what is no URL is not."""
        return self._credentials.is_home(origin_of(str(url)))

    def cache_key(self, url: str) -> str:
        """Return the name of what is cached of a URL: another one with the secret, which it does not tell."""
        part = "secret" if self.secret is not None and self.is_own(url) else "public"
        written = f"{part} {self.bare(url.partition('#')[0])}"
        return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()

    def credentials(self) -> OriginCredentials | None:
        """Return what a transfer sends to the own origin; None without a key."""
        return self._credentials if self.secret is not None else None

    async def _attempt(
        self, method: str, url: str, headers: Mapping[str, str], follow: bool, read: bool, body: JsonDict
    ) -> httpx.Response:
        """Send a request once and return the answer, or raise our error; the key is in neither."""
        try:
            async with asyncio.timeout(self._timeouts.total):
                return await self._send(method, url, headers, follow, body, read)
        except TimeoutError:
            words = f"timeout: {shown(url)} did not answer in time"
            raise ServerTimeout(words, url=shown(url), hint=hosted_hint(url)) from None

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        follow: bool,
        body: JsonDict,
        read: bool | None,
    ) -> httpx.Response:
        """Return the answer to a request, unread where `read` is None; raise our error for a refusal."""
        transport = await self._open()
        others = {name: value for name, value in self.params.items() if name != self.params.key_name}
        if others and self.is_own(url):  # the key itself is the credentials' business
            url = with_params(url, others)
        fields = {"Accept-Encoding": "gzip", **self.headers, **headers}
        sent = {name.lower(): value for name, value in fields.items()}
        response = await transport.send(method, url, sent, body, follow)
        # Where redirects are followed, one that is the answer does not say where it leads.
        if response.status_code < (300 if follow else 400) or response.status_code == HTTPStatus.NOT_MODIFIED:
            return response if read is None else await transport.finish(response, read)
        raise self._error(await transport.finish(response, True))

    def _error(self, response: httpx.Response) -> RequestError:
        """Return what the status of an answer means."""
        where = str(response.url)
        return status_error(
            response.status_code,
            where,
            response.headers,
            response.content,
            secret=self.secret,
            hidden=forms(self.secret, self.auth),
            key_sent=self.secret is not None and self.is_own(where),
            key_hint=MLHUB_KEY if self._mlhub else ADD_KEY,
        )

    async def _open(self) -> Transport:
        """Return what sends requests; the first call makes it in a thread, as it takes a moment to import."""
        self._leave_ended_loop()
        self._loop = asyncio.get_running_loop()
        async with self._opening:
            if self._transport is None and not self._closed:
                self._transport = await asyncio.to_thread(self._build)
            transport = self._transport
        if transport is None or self._closed:
            await self.aclose()  # what was opened while the session was being closed
            raise MLHubException("the session is closed")
        return transport

    def _leave_ended_loop(self) -> None:
        """Forget connections of an event loop that has ended: scripts call `asyncio.run` more than once."""
        if self._loop is not None and self._loop.is_closed():
            self._transport, self._opening, self._loop = None, asyncio.Lock(), None

    def _build(self) -> Transport:
        from .client import ClientConfig, HTTPClient  # start-up time: with httpx, when there is a request
        from .transport import Transport

        limits = self._timeouts
        client = HTTPClient(ClientConfig(connect_timeout=limits.connect, tick=min(1.0, limits.read / 4)))
        timeouts = Timeouts(limits.read, limits.read, 1 / limits.read)
        return Transport(client, self._credentials, self._connections, timeouts, self._max_body)
