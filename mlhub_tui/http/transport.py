"""The way to the network: the key is put on a request at the last moment, and for its own origin only.

Imports httpx; imported when the first request is made.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import ssl
import sys
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import anyio
import httpcore
import httpx

from ..errors import AnswerTooLarge, KeyWithheld, UnexpectedAnswer
from ..text import one_line
from .credentials import OriginCredentials
from .errors import ProxyFailure, causes, connect_reason
from .json_document import too_large
from .proxies import ProxySettings, parse_proxy, trusted_context
from .urls import DEFAULT_PORTS, Origin, RequestURL, shown


def warm_up() -> None:
    """Load what httpx loads at its first connection; call it in a thread.

    It takes about 35 ms, which would be felt if an event loop with a screen on it did it.
    """
    # httpcore looks for sniffio seven times a request. Where it is not installed, each look would search the
    # whole path again, a quarter of the time that a request costs here; None means "not there" (sys.modules).
    if importlib.util.find_spec("sniffio") is None:
        sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # documented, not in typeshed
    httpcore.AnyIOBackend()
    anyio.run(anyio.sleep, 0)


def requested(url: httpx.URL) -> RequestURL:
    """Return a URL in parts: those of the very object that the connection is made by, not of its text."""
    host, port = url.raw_host.decode("ascii").rstrip("."), url.port or DEFAULT_PORTS.get(url.scheme, 0)
    user = f"Basic {base64.b64encode(unquote_to_bytes(url.userinfo)).decode()}" if url.userinfo else ""
    return RequestURL(Origin(url.scheme, host, port), url.raw_path.decode("ascii"), user)


class OriginAuthTransport(httpx.AsyncBaseTransport):
    """Adds the key to requests to its own origin, below everything that logs, redirects or reports.

    httpx logs each URL and saves it in its exceptions; what it sees has no key, because the key is added
    here. Each hop of a redirect passes through here too, so no other origin gets the key.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, credentials: OriginCredentials) -> None:
        self._inner = inner
        self._credentials = credentials

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on, with the key or without it.

        Raises KeyWithheld if the key is in a request to another origin in a way that cannot be cut out.
        """
        credentials = self._credentials
        url = credentials.without_keys(requested(request.url))
        asked, added = credentials.apply(url)
        headers, is_home = request.headers.raw, credentials.is_home(url.origin)
        if added or not is_home:
            own = {name.lower() for name, _ in added} or credentials.own_headers()
            headers = [(name, value) for name, value in headers if name.lower().decode("ascii") not in own]
        if not is_home and (keys := credentials.key_removal()) is not None:
            sent = [*(value for _, value in headers), await request.aread()]
            if any(keys.in_text(value.decode("utf-8", "replace")) for value in sent):
                place = one_line(request.url.host, 100)
                raise KeyWithheld(f"a request would carry the API key to {place}: not sent")
        return await self._inner.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(
                    raw_path=asked.target.encode("ascii"), username="", password="", fragment=None
                ),
                headers=[*headers, *((name.encode("ascii"), value.encode()) for name, value in added)],
                stream=request.stream,
                extensions=request.extensions,
            )
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class ProxyTransport(httpx.AsyncBaseTransport):
    """Connects directly, or through the proxy that the environment or the system names, as transfers do.

    httpx does this itself, but only for a client without a transport of its own; it would send loopback
    addresses to the proxy, and it knows no networks (10.0.0.0/8) in NO_PROXY. Certificates are loaded in a
    thread, when the first `https` URL is asked for: that takes 30 ms, which the sample catalog on loopback
    does not need.
    """

    def __init__(self, connections: int) -> None:
        self._limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._proxies = ProxySettings()
        self._ways: dict[tuple[str, str], httpx.AsyncHTTPTransport] = {}
        self._loading = asyncio.Lock()
        self._trusted: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request the way its host needs."""
        scheme, host = request.url.scheme, request.url.host
        proxy = ""
        if self._proxies and scheme in DEFAULT_PORTS:
            proxy = self._proxies.url_for(Origin(scheme, host, request.url.port or DEFAULT_PORTS[scheme]))
        transport = await self._way(scheme, proxy)
        try:
            return await transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            if not proxy or any(isinstance(cause, ssl.SSLError) for cause in causes(error)):
                raise
            why = "no answer in time" if isinstance(error, httpx.ConnectTimeout) else one_line(error, 80)
            if isinstance(error, httpx.ConnectError):
                why = connect_reason(error.__cause__ or error)
            label = parse_proxy(proxy).label
            words = f"cannot reach {one_line(host, 100)} through the proxy {label}: {why}"
            raise ProxyFailure(words) from None

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in self._ways.values():
            await transport.aclose()

    async def _way(self, scheme: str, proxy: str) -> httpx.AsyncHTTPTransport:
        way = (scheme, proxy)
        if way in self._ways:
            return self._ways[way]
        secure = scheme == "https" or proxy.startswith("https:")
        # A context that trusts nobody: plain http has no use for one, and the transport wants one.
        context = await self._certificates() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if way not in self._ways:
            try:
                self._ways[way] = httpx.AsyncHTTPTransport(
                    verify=context, limits=self._limits, proxy=proxy or None
                )
            except (ImportError, ValueError) as error:
                words = f"the proxy {parse_proxy(proxy).label} cannot be used: {one_line(error, 160)}"
                raise ProxyFailure(words) from None
        return self._ways[way]

    async def _certificates(self) -> ssl.SSLContext:
        async with self._loading:
            if self._trusted is None:
                self._trusted = await asyncio.to_thread(trusted_context)
            return self._trusted


MAX_REDIRECTS = 10
_OF_ERRORS = 1_000_000  # bytes that are read of an error response


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, bare: Callable[[str], str], follow: bool
) -> httpx.Response:
    """Send a request and return the answer, unread; `bare` cuts keys out of the redirects on the way.

    Raises httpx.TooManyRedirects after ten of them.
    """
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        if not follow or response.next_request is None:
            return response
        await response.aclose()
        request = response.next_request
        request.url = httpx.URL(bare(str(request.url)))
    raise httpx.TooManyRedirects("too many redirects", request=request)


async def finished(response: httpx.Response, read: bool, max_body: int) -> httpx.Response:
    """Return an answer with its body read, or closed without it; of an error's body the start is enough.

    Raises UnexpectedAnswer if the body is larger than `max_body` bytes, by its Content-Length or
    decompressed.
    """
    try:
        content = await _read_body(response, max_body) if read else b""
    finally:
        await response.aclose()
    headers = httpx.Headers(response.headers)
    headers.pop("Content-Encoding", None)  # the body is decoded already
    whole = httpx.Response(response.status_code, headers=headers, content=content, request=response.request)
    whole.next_request = response.next_request
    return whole


async def _read_body(response: httpx.Response, max_body: int) -> bytes:
    if response.request.method == "HEAD":
        return b""
    refused = response.status_code >= 400
    most = min(max_body, _OF_ERRORS) if refused else max_body
    length = response.headers.get("Content-Length", "")
    if not refused and length.isdigit() and int(length) > most:
        raise _too_large(response, int(length), most)
    if "," in response.headers.get("Content-Encoding", ""):
        # Each coding makes a thousand bytes of one at most: two of them make gigabytes of one piece.
        where = shown(response.url)
        raise UnexpectedAnswer(f"the answer is compressed more than once: {where}", url=where)
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        pieces.append(piece)
        if size > most:
            if refused:
                break
            raise _too_large(response, None, most)
    return b"".join(pieces)[:most] if refused else b"".join(pieces)


def _too_large(response: httpx.Response, length: int | None, most: int) -> AnswerTooLarge:
    where = shown(response.url)
    words = f"the answer is too large: {too_large(length, most)}: {where}"
    return AnswerTooLarge(words, url=where, status=response.status_code)
