"""Small requests over the engine's HTTP client: whole bodies in memory, heads of those that are larger."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import AuthenticationError, ServerUnreachable, UnexpectedAnswer
from ...http.client import HTTPClient, Timeouts
from ...http.connection import BodySink, Response
from ...http.decoding import BodyCollector
from ...http.errors import BodyNotWanted, ConnectionLost, ConnectTimeout, LinkRejected
from ...http.link import Link
from ...http.response_headers import raise_for_response
from ...http.urls import address
from ...transfer.limits import BandwidthLimiter, Throttle
from .item import Item


@dataclass(slots=True)
class Answer:
    """A response with its body.

    Parameters
    ----------
    body
        All of it, unless it is `large`.
    large
        Whether the body was left unread because it is longer than what was allowed.
    encoded
        The body as it was sent, where it had a content coding that is undone in `body`.
    """

    response: Response
    body: bytes | bytearray = b""
    large: bool = False
    encoded: bytes | bytearray | None = None

    @property
    def framed(self) -> bool:
        """Whether the end of the body can be told from the end of the connection."""
        return self.response.content_length is not None or "transfer-encoding" in self.response.headers


class Caller:
    """Makes the small requests of one run; `heard` counts the bytes of their bodies."""

    def __init__(self, client: HTTPClient, timeouts: Timeouts, bandwidth: BandwidthLimiter) -> None:
        self._client = client
        self._timeouts = timeouts
        self._bandwidth = bandwidth
        self.heard = 0

    async def ask(self, method: str, link: Link, most: int) -> Answer:
        """Return the response to a request for a link, after redirects, whatever its status is.

        Parameters
        ----------
        most
            Bytes up to which a body is read.

        Raises
        ------
        RequestError
            If there is none.
        """
        opened: Response | None = None
        collector = BodyCollector(most)

        def open_sink(response: Response) -> BodySink:
            nonlocal opened
            opened = response
            if method == "GET" and (response.content_length or 0) > most:
                raise BodyNotWanted
            return _CountingSink(self, collector, Throttle(self._bandwidth, response))

        try:
            response = await self._client.request(
                method,
                link.url,
                open_sink,
                headers=link.headers,
                credentials=link.credentials,
                timeouts=self._timeouts,
            )
        except BodyNotWanted:
            assert opened is not None
            return Answer(opened, large=True)
        if self._bandwidth.rate is not None:
            # Small bodies are whole before they are paid for.
            await self._bandwidth.wait(self._bandwidth.consume(0))
        return Answer(response, collector.data)


class _CountingSink:
    """Passes a body on, and pays for it out of the bandwidth."""

    def __init__(self, caller: Caller, sink: BodySink, throttle: Throttle) -> None:
        self._caller = caller
        self._sink = sink
        self._throttle = throttle

    def write(self, view: memoryview, /) -> None:
        """Take the bytes."""
        self._caller.heard += len(view)
        self._sink.write(view)
        self._throttle.consume(len(view))


def reached(error: BaseException) -> bool:
    """Return whether a server took the connection of a request that failed."""
    silent = isinstance(error, ServerUnreachable) and not isinstance(error, ConnectionLost)
    return not silent and not isinstance(error, ConnectTimeout)


def refuse_unless_good(answer: Answer, item: Item, *, body_follows: bool) -> None:
    """Raise what a response means that is not the file of an item, as `raise_for_response` does.

    Parameters
    ----------
    body_follows
        Whether its body is looked at as well, which tells a web page better than its label.

    Raises
    ------
    AuthenticationError
        Also if the key of the link was refused.
    """
    response = answer.response
    try:
        raise_for_response(
            response, item.name, page=item.wish.page or body_follows, body=bytes(answer.body[:512])
        )
    except LinkRejected as error:
        if error.status == 401 and item.link.sends_key:
            raise AuthenticationError(error.message, url=error.url, status=401) from error
        raise
    if response.status != 200:
        words = f"the server sent a part of {item.name} without being asked for one"
        raise UnexpectedAnswer(words, url=address(response.url))
