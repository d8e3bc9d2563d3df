"""HTTP client: pooled requests with redirects, cookies and credentials by origin."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import MLHubException, UnexpectedAnswer
from ..text import one_line, redact
from .connect import Proxy, ProxySettings, open_connection, trusted_context
from .connection import HTTP11Connection
from .credentials import (
    CookieJar,
    OriginCredentials,
    may_cross_origins,
    netrc_authorization,
    user_agent,
)
from .errors import DEFAULT_TIMEOUTS, BodyNotWanted, ConnectionLost, ProtocolError, Timeouts
from .limits import BandwidthLimiter
from .representation import BodyCollector, DecodingSink, codings
from .response import BodySink, Response
from .urls import Origin, RequestURL, address, parse_url, redirect_target, shown

_log = logging.getLogger(__name__)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_REDIRECT_BODY = 64 << 10  # bytes of a redirect's body that are read to keep its connection
_METHOD = re.compile(r"[A-Z]{1,20}")
_FIELD = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset({"host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "expect"})

_PoolKey = tuple[Origin | None, Proxy | None]


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Settings of an HTTP client.

    - `connect_timeout`: Seconds for name lookup, connecting, proxies and TLS together.
    - `idle_timeout`: Seconds after which an idle connection is closed.
    - `max_idle`: Idle connections in all; the longest idle is closed first. How many are active at a time is
      the caller's business (one limit for each host, shared by all jobs).
    - `tls_context`: Returns the TLS settings, called once in a thread at the first https URL.
    - `proxies`: The proxies to use; None for those of the environment.
    - `tick`: Seconds between two looks at all connections: the resolution of all other times.
    """

    connect_timeout: float = 15.0
    idle_timeout: float = 30.0
    max_idle: int = 128
    tls_context: Callable[[], ssl.SSLContext] = trusted_context
    proxies: ProxySettings | None = None
    tick: float = 1.0


class HTTPClient:
    """HTTP/1.1 requests with pooled connections; belongs to one event loop and is shared by all jobs.

    Nothing is opened before the first request. Use it with `async with`, or close it with `aclose`.
    """

    def __init__(self, config: ClientConfig | None = None) -> None:
        self._config = config or ClientConfig()
        self._fields = {"user-agent": user_agent(), "accept": "*/*", "accept-encoding": "identity"}
        self._lines = "".join(f"{name.title()}: {value}\r\n" for name, value in self._fields.items())
        self._proxies = self._config.proxies or ProxySettings()
        self._idle: dict[HTTP11Connection, _PoolKey] = {}  # the longest idle first
        self._connections: set[HTTP11Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looked = 0.0
        self._context: asyncio.Task[ssl.SSLContext] | None = None
        self._closed = False

    async def __aenter__(self) -> HTTPClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def open_connections(self) -> int:
        """Connections that are open, active and idle."""
        return sum(not connection.closed for connection in self._connections)

    async def request(
        self,
        method: str,
        url: str,
        open_sink: Callable[[Response], BodySink],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        credentials: OriginCredentials | None = None,
        cookies: CookieJar | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        bandwidth: BandwidthLimiter | None = None,
        follow: bool = True,
    ) -> Response:
        """Send a request, follow redirects, return the response once its body is in the sink.

        Where a host requires a login (401), the request is repeated with that of the user's .netrc for it.
        `open_sink` is called once, for the final response whatever its status, and may raise (for example by
        `raise_for_response`): that ends the request. Cancelling closes the connection. A request is repeated
        here in one case only: once, if a reused connection ends before it brought a response.

        - `headers`: Sent to each origin, if they are no secrets (Range, If-Range, Accept, x-ms-version ...);
          all others go to the first origin only.
        - `body`: Sent again where a redirect does not make a GET of it (RFC 9110, section 15.4).
        - `credentials`: Sent to their own origin only.
        - `cookies`: Gets and gives the cookies of the redirects; None for a jar of this request alone.
        - `bandwidth`: The limit that the response's body is paid for.
        - `follow`: Whether to follow redirects; else the first one is the response.

        Raises ServerUnreachable, TLSFailure, ProxyFailure if there is no connection. Raises ConnectionLost if
        the connection ends before the response does; what the sink got is what the server sent. Raises
        ServerTimeout if there is no connection or response in time, or a stalled body. Raises ProtocolError
        if the response is not HTTP/1.1. Raises UnexpectedAnswer if the URL or a redirect cannot be followed.
        Raises KeyWithheld if the URL or a redirect would carry the secret to another origin. What
        `open_sink` and the sink raise comes as it is.
        """
        target, jar = parse_url(url), cookies if cookies is not None else CookieJar()
        first, authorization = target.origin, target.authorization
        own = {name.lower(): value for name, value in headers.items()} if headers else {}
        visited: list[RequestURL] = []
        while len(visited) <= _MAX_REDIRECTS:
            sent = own
            visited.append(target)
            if target.origin != first:
                sent = {name: value for name, value in own.items() if may_cross_origins(name)}
            elif authorization and not target.authorization:
                target = target._replace(authorization=authorization)
            hop = _Hop(method, target, sent, body, jar, open_sink, follow)
            response = await self._send(hop, credentials, timeouts, bandwidth)
            if hop.following is None:
                if bandwidth is not None and bandwidth.rate is not None:
                    await bandwidth.settle()
                return response
            if (response.status == 303 and method != "HEAD") or (
                response.status in (301, 302) and method == "POST"
            ):
                method, body = "GET", b""
                own = {name: value for name, value in own.items() if name != "content-type"}
            target = hop.following
        circle = len(set(visited)) < len(visited)
        raise UnexpectedAnswer(
            f"{target.origin.authority} redirects "
            + ("in a circle" if circle else f"more than {_MAX_REDIRECTS} times"),
            url=address(url),
            hint="open the link in a browser; it may require a login",
        )

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        credentials: OriginCredentials | None = None,
        cookies: CookieJar | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        decode: bool = True,
    ) -> tuple[Response, bytes]:
        """Return a response, whatever its status, and up to `limit` bytes of its body.

        Raises as `request`. `complete` of the response is False if its body is longer than `limit`.

        - `decode`: Whether to remove its content codings, where all of them are known here.
        """
        collector = BodyCollector(limit)
        decoding: DecodingSink | None = None
        opened: Response | None = None

        def open_sink(response: Response) -> BodySink:
            nonlocal decoding, opened
            opened = response
            found = codings(response.headers)[::-1] if decode else ()
            if found and {"gzip", "deflate"} >= set(found):
                decoding = DecodingSink(collector, found)
            return decoding or collector

        try:
            response = await self.request(
                method,
                url,
                open_sink,
                headers=headers,
                credentials=credentials,
                cookies=cookies,
                timeouts=timeouts,
            )
            if decoding is not None:
                decoding.finish()
        except BodyNotWanted:
            assert opened is not None
            response = opened
            response.complete = False
        return response, bytes(collector.data)

    async def aclose(self) -> None:
        """Close all connections; requests in progress fail with ConnectionLost."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in tuple(self._connections):
            connection.close()
        self._connections.clear()
        self._idle.clear()
        if self._context is not None:
            await asyncio.wait([self._context])
        await asyncio.sleep(0)  # the connections are aborted in the next turn of the loop

    def close_idle(self) -> None:
        """Close the connections that are not in use."""
        for connection in tuple(self._idle):
            self._forget(connection)

    async def _send(
        self,
        hop: _Hop,
        credentials: OriginCredentials | None,
        timeouts: Timeouts,
        bandwidth: BandwidthLimiter | None,
    ) -> Response:
        """Send one request and return its response."""
        asked, fields = hop.target, dict(hop.headers)
        if credentials is not None:
            hop.target = credentials.without_keys(hop.target)
            asked, added = credentials.apply(hop.target)
            if fields and not credentials.is_home(asked.origin):
                fields = credentials.without_secrets(fields, hop.body, asked.origin)
            fields |= {name.lower(): value for name, value in added}
            hop.logs_in = bool(added)
        proxy = self._proxies.for_origin(asked.origin)
        forwarded = proxy is not None and not proxy.is_socks and asked.origin.scheme == "http"
        head = self._head(hop, asked, fields, proxy if forwarded else None)
        key = (None if forwarded else asked.origin, proxy)
        connection, reused = self._take(key), True
        while True:
            if connection is None:
                connection, reused = await self._open(asked.origin, proxy), False
            try:
                response = await connection.request(
                    hop.method, head, hop.open, url=hop.target, timeouts=timeouts, bandwidth=bandwidth
                )
            except BodyNotWanted:
                if hop.following is None or hop.begun is None:
                    raise
                return hop.begun
            except (ConnectionLost, ProtocolError) as error:
                # A server may close what was idle just when we send (RFC 9112, section 9.3.1), and what it
                # sent too much before may come only now.
                if not reused or hop.begun is not None:
                    if proxy is None:
                        raise
                    through = f"{error.message} (through the proxy {proxy.label})"
                    raise type(error)(through, url=error.url) from error
                connection = None
                continue
            except BaseException:
                connection.close()
                raise
            if not connection.closed:
                self._release(key, connection)
            return response

    def _head(self, hop: _Hop, url: RequestURL, fields: dict[str, str], forward: Proxy | None) -> bytes:
        """Return the bytes of a request (RFC 9112, section 3); absolute-form for a proxy that forwards."""
        lines = self._lines
        if fields or url.authorization or forward is not None or len(hop.jar):
            if url.authorization:
                fields.setdefault("authorization", url.authorization)
            if (cookies := hop.jar.header(url)) and "cookie" not in fields:
                fields["cookie"] = cookies
            if forward is not None and forward.authorization:
                fields["proxy-authorization"] = forward.authorization
            for name, value in fields.items():
                if not _FIELD.fullmatch(name) or not _VALUE.fullmatch(value) or name in _FRAMING:
                    raise MLHubException(f"the request header {one_line(name, 40)} cannot be sent")
            lines = "".join(
                f"{name.title()}: {value}\r\n" for name, value in {**self._fields, **fields}.items()
            )
        if not _METHOD.fullmatch(hop.method):
            raise MLHubException(f"{one_line(hop.method, 20)} is no request method")
        if hop.body or hop.method not in ("GET", "HEAD"):
            lines += f"Content-Length: {len(hop.body)}\r\n"
        target = f"{url.origin}{url.target}" if forward is not None else url.target
        authority = url.origin.authority
        head = f"{hop.method} {target} HTTP/1.1\r\nHost: {authority}\r\n{lines}\r\n"
        return head.encode("latin-1") + hop.body

    def _take(self, key: _PoolKey) -> HTTP11Connection | None:
        """Return the idle connection that was used last; None if there is none that is open."""
        for connection in reversed([one for one, its_key in self._idle.items() if its_key == key]):
            del self._idle[connection]
            if not connection.closed:
                return connection
        return None

    def _release(self, key: _PoolKey, connection: HTTP11Connection) -> None:
        if self._closed:
            return connection.close()
        self._idle[connection] = key
        if len(self._idle) > self._config.max_idle:
            self._forget(next(iter(self._idle)))
        return None

    def _forget(self, connection: HTTP11Connection) -> None:
        """Close an idle connection."""
        del self._idle[connection]
        connection.close()
        self._connections.discard(connection)

    async def _open(self, origin: Origin, proxy: Proxy | None) -> HTTP11Connection:
        self._require_open()
        connection = await open_connection(origin, proxy, self._config.connect_timeout, self._tls)
        try:
            self._require_open()  # it may have been closed meanwhile
        except MLHubException:
            connection.close()
            raise
        self._connections.add(connection)
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._looked, self._timer = loop.time(), loop.call_later(self._config.tick, self._tick)
        return connection

    def _require_open(self) -> None:
        if self._closed:
            raise MLHubException("the HTTP client is closed")

    def _tick(self) -> None:
        """Look at all connections: one timer for all, in place of one for each read."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        # A tick counts twice its time at most: the loop was held up, or the machine slept.
        elapsed, self._looked = min(now - self._looked, 2 * self._config.tick), now
        for connection in tuple(self._connections):
            connection.check(elapsed)
            if connection in self._idle:
                if connection.closed or connection.idle >= self._config.idle_timeout:
                    self._forget(connection)
            elif connection.closed:
                self._connections.discard(connection)
        self._timer = loop.call_later(self._config.tick, self._tick) if self._connections else None

    async def _tls(self) -> ssl.SSLContext:
        """Return the TLS settings, loaded once, in a thread."""
        if self._context is None:
            self._context = asyncio.ensure_future(asyncio.to_thread(self._config.tls_context))
        loading = self._context
        try:
            return await asyncio.shield(loading)
        except Exception:
            self._context = None  # what the environment names may be there at the next request
            raise


@dataclass(slots=True)
class _Hop:
    """A request that may lead to another one: by a redirect, or to the same URL with a login of .netrc.

    `begun` is its response, `following` where that leads; None if it is the final one.
    """

    method: str
    target: RequestURL
    headers: Mapping[str, str]
    body: bytes
    jar: CookieJar
    open_sink: Callable[[Response], BodySink]
    follow: bool
    logs_in: bool = False
    begun: Response | None = None
    following: RequestURL | None = None

    def open(self, response: Response) -> BodySink:
        """Return where the body goes: of the final response to the caller's sink."""
        self.begun, target = response, self.target
        if _log.isEnabledFor(logging.INFO):  # a log of the caller's own, which cuts nothing out
            _log.info("%s %s: %d %s", self.method, shown(target), response.status, response.reason)
            plain = {name: value for name, value in response.headers.items() if name != "set-cookie"}
            _log.debug("headers: %s", redact(str(plain)))
        if "set-cookie" in response.headers:
            self.jar.store(target, response.headers["set-cookie"])
        unknown = response.status == 401 and not target.authorization and not self.logs_in
        if unknown and (authorization := netrc_authorization(target.origin)):
            self.following = target._replace(authorization=authorization)
        elif self.follow and response.status in _REDIRECTS:
            self.following = _following(response, target)
        return self.open_sink(response) if self.following is None else BodyCollector(_REDIRECT_BODY)


def _following(response: Response, url: RequestURL) -> RequestURL | None:
    """Return where a redirect leads; None for one that does not say, which is the final response."""
    if location := response.headers.get("location", ""):
        return redirect_target(url, location)
    if region := response.headers.get("x-amz-bucket-region", ""):
        # Where the bucket stands in the path, S3 names its region in place of a Location.
        return regional(url, region)
    return None


def regional(url: RequestURL, region: str) -> RequestURL | None:
    """Return the address of an object of Amazon S3 in the region of its bucket; None if it is none."""
    if url.origin.host != "s3.amazonaws.com" or not re.fullmatch(r"[a-z0-9-]{4,30}", region):
        return None
    return url._replace(origin=url.origin._replace(host=f"s3.{region}.amazonaws.com"))
