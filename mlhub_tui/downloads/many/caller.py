"""What one slot asks with: a connection for each place, redirects by hand, keys kept at home."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

import httpx

from ...errors import AuthenticationError, UnexpectedAnswer
from ...sources.link import Link
from ..limit import Limit
from ..one.wire import address, refuse
from ..trouble import Broken, LinkRefused
from ..tuning import Tuning
from .connection import Connection
from .item import Item
from .opening import reach
from .place import Place, call, home_call, joined, without_keys
from .reading import Answer

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_KEPT = 4  # connections of a slot that stay open


class Caller:
    """Asks for one thing at a time.

    Parameters
    ----------
    context
        Returns the TLS settings; loading them takes a while, so only when the first place needs them.
    limit
        The speed that all share.

    Attributes
    ----------
    reached
        Whether the last place that was asked took a connection.
    """

    def __init__(self, tuning: Tuning, limit: Limit, context: Callable[[], ssl.SSLContext]) -> None:
        self._tuning = tuning
        self._limit = limit
        self._context = context
        self._connections: dict[Place, Connection] = {}
        self.reached = False

    async def ask(self, method: str, link: Link, most: int) -> Answer:
        """Return the answer to a request for a link, after redirects, whatever its status is.

        Raises
        ------
        RequestError
            If there is none.
        """
        keys = link.keys
        if keys is not None:
            link = replace(link, url=without_keys(link.url, keys))
        url, asked = link.url, home_call(link)
        home = asked.place
        for _ in range(_HOPS + 1):
            answer = await self._exchange(asked.place, method, asked.request(method), most)
            answer.url = url
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            url = joined(url, answer.headers["location"])
            if keys is not None:
                url = without_keys(url, keys)
            asked = call(url)
            if asked.place == home:
                asked = home_call(Link(url, link.auth, link.headers))
        raise UnexpectedAnswer(f"{home.authority} redirects in a circle", url=address(link.url))

    def check(self) -> None:
        """Look at the clock, now and then."""
        now = time.monotonic()
        for connection in self._connections.values():
            connection.check(now)

    @property
    def heard(self) -> int:
        """The bytes that its connections have taken."""
        return sum(connection.heard for connection in self._connections.values())

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    async def _exchange(self, place: Place, method: str, request: bytes, most: int) -> Answer:
        connection, self.reached = self._connections.get(place), True
        if connection is not None and not connection.closed and connection.used:
            # A server may close what was idle just when we ask: RFC 9110, section 9.2.2, lets us ask again.
            with contextlib.suppress(Broken):
                return await connection.ask(method, request, most)
        connection = await self._open(place)
        return await connection.ask(method, request, most)

    async def _open(self, place: Place) -> Connection:
        old = self._connections.pop(place, None)
        if old is not None:
            old.close()
        while len(self._connections) >= _KEPT:
            self._connections.pop(next(iter(self._connections))).close()
        self.reached = False
        opened = await reach(place, self._tuning.connect, self._context)
        self.reached = True
        connection = self._connections[place] = Connection(opened, place, self._tuning, self._limit)
        return connection


def refuse_unless_good(answer: Answer, item: Item, *, body_follows: bool) -> None:
    """Raise what an answer means that is not the file of an item, as `wire.refuse` does.

    Parameters
    ----------
    body_follows
        Whether its body is looked at as well, which tells a web page better than its label.

    Raises
    ------
    AuthenticationError
        Also if the key of the link was refused.
    """
    kind = answer.headers.get("content-type", "").lower()
    if answer.status == 200 and "html" not in kind and "multipart" not in kind:
        return
    where = address(answer.url)
    # Without Content-Encoding: httpx would decode the body, which is not here.
    headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
    response = httpx.Response(answer.status, headers=headers, request=httpx.Request("GET", where))
    try:
        refuse(response, item.name, page=item.wish.page or body_follows)
    except LinkRefused as error:
        if error.status == 401 and item.link.auth is not None:
            raise AuthenticationError(error.message, url=error.url, status=401) from error
        raise
    if answer.status != 200:
        words = f"the server sent a piece of {item.name} without being asked for one"
        raise UnexpectedAnswer(words, url=where)
