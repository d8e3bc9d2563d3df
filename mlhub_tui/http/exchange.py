"""A GET of which the first bytes are looked at before the body is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .credentials import Link
from .errors import BodyNotWanted
from .representation import BodyCollector, raise_for_response
from .response import BodySink, Response

PEEK = 512
"""First bytes of a body that are looked at before anything is given up for it."""


class Exchange:
    """A GET of which the first bytes of the body are in `first`; the rest is read by `pour`.

    Statuses beside 200, 206 and the `allowed` ones are raised when it is entered; leaving it ends the
    request. `request` sends it, as `HTTPClient.request`, to the sink it is given; `link` is the one that it
    asks for, and `name` the file as the user knows it.
    """

    def __init__(
        self,
        request: Callable[[Callable[[Response], BodySink]], Coroutine[Any, Any, Response]],
        link: Link,
        name: str,
        allowed: frozenset[int],
    ) -> None:
        self._request, self._link, self._name, self._allowed = request, link, name, allowed
        self._ready = asyncio.Event()
        self._sink: BodySink | None = None
        self._opened: Response | None = None
        self._failed_body: BodyCollector | None = None
        self.first = bytearray()

    async def __aenter__(self) -> Exchange:
        """Send the request, and wait for the response and the first bytes of its body."""
        self._task = asyncio.create_task(self._request(self._open))
        self._task.add_done_callback(lambda _: self._ready.set())
        try:
            await self._ready.wait()
            if self._opened is None:
                await self._task
            elif self._failed_body is not None:
                await asyncio.wait({self._task})
                body = bytes(self._failed_body.data)
                raise_for_response(self._opened, self._name, body=body, hidden=self._link.hidden)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @property
    def response(self) -> Response:
        """The response."""
        assert self._opened is not None
        return self._opened

    async def pour(self, sink: BodySink) -> None:
        """Write the body to a sink, from its first byte to its end, or until the sink has enough.

        Raises RequestError if the connection is lost or stalls, and what the sink raises.
        """
        try:
            self._sink, first, self.first = sink, self.first, bytearray()
            self.response.resume()
            if first:
                sink.write(memoryview(first))
            await self._task
        except BodyNotWanted:
            pass

    def _open(self, response: Response) -> BodySink:
        if response.status in (200, 206):
            raise_for_response(response, self._name, page=True)  # by its first bytes: a label may be wrong
        elif response.status not in self._allowed:
            self._opened, self._failed_body = response, BodyCollector(PEEK)
            return self._failed_body
        self._opened = response
        return self

    def write(self, view: memoryview, /) -> None:
        """Hold the first bytes, or pass on the others."""
        if self._sink is not None:
            self._sink.write(view)
            return
        self.first += view
        if len(self.first) >= PEEK and not self._ready.is_set():
            self.response.pause()
            self._ready.set()

    async def _end(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # seen
