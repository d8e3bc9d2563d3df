"""Responses of httpx to requests of listings and documents, sent by the HTTP client of all transfers.

Imports httpx; imported when the first request is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import httpx

from ..errors import AnswerTooLarge, ServerTimeout, ServerUnreachable, UnexpectedAnswer, VerificationFailed
from ..text import one_line
from .client import HTTPClient
from .credentials import CookieJar, OriginCredentials
from .errors import ProxyFailure, Timeouts, hosted_hint
from .json_document import too_large
from .representation import Inflater, Undecodable, codings, to_undo
from .response import BodySink, Response
from .urls import host_label, parse_url, shown

_HELD = 256 << 10  # bytes of a body that wait for their reader
_START = 64  # bytes of a body that tell whether it is coded as its label says
_OF_ERRORS = 1_000_000  # bytes that are read of an error response
_OURS = frozenset({"connection", "content-length", "host", "transfer-encoding"})  # set by the client


class Transport:
    """Sends the requests of a session by the HTTP client, so that one set of rules holds for each byte.

    Redirects, cookies, .netrc, proxies, certificates and failures are those of transfers, and the key is
    added below all that httpx saves in its exceptions, for its own origin only.

    - `credentials`: What is sent to the API's own origin.
    - `connections`: How many responses are open at a time.
    - `timeouts`: Of each response.
    - `max_body`: The largest body in bytes that is read, after decompression.
    """

    def __init__(
        self,
        client: HTTPClient,
        credentials: OriginCredentials,
        connections: int,
        timeouts: Timeouts,
        max_body: int,
    ) -> None:
        self._client, self._credentials, self._timeouts = client, credentials, timeouts
        self._max_body = max_body
        self._cookies = CookieJar()
        self._free = asyncio.Semaphore(connections)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any], follow: bool
    ) -> httpx.Response:
        """Send a request and return its response, unread, with the request that it answers behind redirects.

        - `url`: Sent as it is spelled: a signature may depend on that.
        - `headers`: Names in lower case.
        - `body`: `json`, `data` or `content`, as of httpx.

        Raises as `HTTPClient.request`.
        """
        parse_url(url)
        try:
            request = httpx.Request(method, url, headers=headers, **body)
            undo = request.headers.get("Accept-Encoding") != "identity" and method != "HEAD"
            await self._free.acquire()
            stream = BodyStream(undo, self._free.release)
            return await stream.response(self._requested(request, url, follow, stream.open))
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            raise UnexpectedAnswer(f"{one_line(error, 160)}: {shown(url)}", url=shown(url)) from None

    async def _requested(
        self, request: httpx.Request, url: str, follow: bool, open_sink: Callable[[Response], BodySink]
    ) -> Response:
        try:
            return await self._client.request(
                request.method,
                url,
                open_sink,
                headers={name: value for name, value in request.headers.items() if name not in _OURS},
                body=await request.aread(),
                credentials=self._credentials,
                cookies=self._cookies,
                timeouts=self._timeouts,
                follow=follow,
            )
        except (ServerTimeout, ServerUnreachable) as error:
            words, place = error.message, host_label(url)
            if host_label(error.url) == place and not isinstance(error, ProxyFailure):
                words = words.replace(place, shown(url), 1)  # a wrong root URL is seen best as a whole
            # The hint of a timeout names a setting of transfers.
            hint = None if isinstance(error, ServerTimeout) else error.hint
            raise type(error)(words, url=error.url, hint=hosted_hint(url) or hint) from None

    async def finish(self, response: httpx.Response, read: bool) -> httpx.Response:
        """Read the body of a response, or close it unread; of an error's body the start is enough.

        Raises AnswerTooLarge if the body is larger than is read, by its Content-Length or decompressed.
        """
        refused = response.status_code >= 400
        limit = min(self._max_body, _OF_ERRORS) if refused else self._max_body
        length = response.headers.get("Content-Length", "")
        pieces: list[bytes] = []
        size = 0
        try:
            if response.request.method == "HEAD":
                await response.aread()
                return response
            if read and not refused and length.isdigit() and int(length) > limit:
                raise _too_large(response, int(length), limit)
            if read or refused:
                async for piece in response.aiter_raw():
                    pieces.append(piece)
                    size += len(piece)
                    if size > limit:
                        break
        finally:
            await response.aclose()
        if size > limit and not refused:
            raise _too_large(response, None, limit)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=b"".join(pieces)[:limit],
            request=response.request,
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class BodyStream(httpx.AsyncByteStream):
    """The body of a response as it comes, held back at the server while nobody takes it.

    - `undo`: Whether content codings are undone.
    - `release`: Called once, when the body is closed.
    """

    def __init__(self, undo: bool, release: Callable[[], None]) -> None:
        self._undo, self._release = undo, release
        self._opened: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._coded: tuple[str, ...] = ()
        self._held = bytearray()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[Response]

    async def response(self, requested: Coroutine[Any, Any, Response]) -> httpx.Response:
        """Send a request that opens this as its sink; return its response when that has begun."""
        self._task = asyncio.ensure_future(requested)
        self._task.add_done_callback(lambda _: self._changed.set())
        try:
            await asyncio.wait({self._task, self._opened}, return_when=asyncio.FIRST_COMPLETED)
            return self._begun(self._opened.result() if self._opened.done() else await self._task)
        except BaseException:
            await self.aclose()
            raise

    def _begun(self, begun: Response) -> httpx.Response:
        # As bytes: of text, httpx takes ASCII only, and a file's name is often in a field as UTF-8.
        headers = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, joined in begun.headers.items()
            if not self._coded or name not in ("content-encoding", "content-length")
            for value in joined.split("\n")
        ]
        return httpx.Response(
            begun.status,
            headers=headers,
            stream=self,
            request=httpx.Request(begun.method, begun.url),
            extensions={"reason_phrase": begun.reason.encode("ascii", "replace")},
        )

    def open(self, response: Response) -> BodySink:
        """Return where the body goes; UnexpectedAnswer if it has more than one coding."""
        self._coded, where = codings(response.headers) if self._undo else (), shown(response.url)
        if len(self._coded) > 1:
            # Each coding makes a thousand bytes of one at most: two of them make gigabytes of one piece.
            raise UnexpectedAnswer(f"the answer is compressed more than once: {where}", url=where)
        self._opened.set_result(response)
        return self

    def write(self, view: memoryview, /) -> None:
        """Hold the bytes until they are taken."""
        self._held += view
        if len(self._held) >= _HELD:
            self._opened.result().pause()
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes; RequestError if the connection is lost or stalls, or they cannot be decoded."""
        where, begun = shown(self._opened.result().url), False
        inflater: Inflater | None = None
        try:
            while self._held or not self._task.done():
                await self._changed.wait()
                self._changed.clear()
                if not begun and len(self._held) < _START and not self._task.done():
                    continue
                if not begun and not self._held.lstrip().startswith((b"{", b"[")):  # else the label is wrong
                    undone, _ = to_undo(self._coded, "", bytes(self._held), None)
                    inflater = Inflater(undone[0]) if undone else None
                begun = True
                data, self._held = bytes(self._held), bytearray()
                # A piece at a time: a thousandth of its size is enough to send a large one.
                for piece in inflater.pieces(data) if inflater is not None else (data,):
                    if piece:
                        yield piece
                self._opened.result().resume()
            await self._task
            if inflater is not None:
                inflater.finish()
        except (VerificationFailed, Undecodable):
            raise UnexpectedAnswer(f"the answer cannot be decompressed: {where}", url=where) from None

    async def aclose(self) -> None:
        """Stop what is still on its way."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # was raised to who read the body, or nobody wanted it
        release, self._release = self._release, _nothing
        release()


def _nothing() -> None:
    """Release nothing: that was done."""


def _too_large(response: httpx.Response, length: int | None, most: int) -> AnswerTooLarge:
    where = shown(str(response.url))
    words = f"the answer is too large: {too_large(length, most)}: {where}"
    return AnswerTooLarge(words, url=where, status=response.status_code)
