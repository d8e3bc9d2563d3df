"""Parallel ranges of one file: how many connections are worth it, and what each of them does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from .. import errors
from ..http.connection import BodySink, Response
from ..http.credentials import CookieJar
from ..http.decoding import BodyCollector, codings
from ..http.errors import BodyNotWanted, ConnectionLost
from ..http.link import Link
from ..http.response_headers import (
    RemoteVersion,
    parse_content_range,
    raise_for_response,
    remote_version,
    version_difference,
)
from ..http.urls import parse_url
from .config import TransferContext
from .failures import RestartRequired
from .segmented_file import OVERLAP, Segment, SegmentedFile, SegmentSink

PEEK = 512
"""First bytes of a body that are looked at before anything is given up for it."""

FAST = 50e6  # bytes per second of one connection from which on four at once cost more than they may gain
_TRIAL = 4  # windows that more connections get to prove themselves: servers that limit send in bursts of 1 s
_PAUSE = 40  # windows after which it is tried again: lines change while 70 GB go by
_PASSING = (errors.ServerUnreachable, errors.ServerTimeout, errors.ServerError)
_WORTH = 2.0  # windows that one more connection must have something to do for
_SETTLE = 0.4  # of a window, after which new connections have found their speed


class Exchange:
    """A request whose response is judged before its body is read.

    Opened, the first bytes of the body are in `first` and no more are read until `pour`. Use it with
    `async with`: leaving it ends the request.

    Parameters
    ----------
    name
        The file, as the user knows it.
    allowed
        Statuses beside 200 and 206 that are not raised.
    """

    def __init__(
        self,
        context: TransferContext,
        link: Link,
        name: str,
        headers: Mapping[str, str],
        cookies: CookieJar,
        *,
        allowed: frozenset[int] = frozenset(),
    ) -> None:
        self._context = context
        self._link = link
        self._name = name
        self._headers = {**link.headers, **headers}
        self._cookies = cookies
        self._allowed = allowed
        self._ready = asyncio.Event()
        self._sink: BodySink | None = None
        self._opened: Response | None = None
        self._failed_body: BodyCollector | None = None
        self.first = bytearray()

    async def __aenter__(self) -> Exchange:
        """Send the request, and wait for the response and the first bytes of its body."""
        self._task = asyncio.create_task(
            self._context.client.request(
                "GET",
                self._link.url,
                self._open,
                headers=self._headers,
                credentials=self._link.credentials,
                cookies=self._cookies,
                timeouts=self._context.config.timeouts,
            )
        )
        self._task.add_done_callback(lambda _: self._ready.set())
        try:
            await self._ready.wait()
            if self._opened is None:
                await self._task
            elif self._failed_body is not None:
                await asyncio.wait({self._task})
                if not self._task.cancelled():
                    self._task.exception()  # whatever became of the body of a refusal
                raise_for_response(self._opened, self._name, body=bytes(self._failed_body.data))
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

        Raises
        ------
        RequestError
            If the connection is lost or stalls.
        Exception
            What the sink raises.
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
        if response.status not in (200, 206) and response.status not in self._allowed:
            self._opened, self._failed_body = response, BodyCollector(PEEK)
            return self._failed_body
        if response.status < 300:
            raise_for_response(response, self._name, page=True)  # by its first bytes: a label may be wrong
        self._opened = response
        self._context.limits.bandwidth.apply(response)
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


class AdaptiveConcurrency:
    """Connections to a file: 1, then 4, 8 ... while the throughput of all together grows.

    One connection that brings 50 MB/s or more is joined by a second first: where one fills the line, four
    cost up to a quarter of the speed (measured on loopback).

    Parameters
    ----------
    most
        Connections at most; may be changed on the way, see `cap`.
    gain
        How many times as fast it must have become with twice as many, to try still more.
    """

    def __init__(self, most: int, gain: float) -> None:
        self.level = 1
        self.most = most
        self._gain = gain
        self._wanted: float | None = None  # bytes per second, with which the present ones are worth it
        self._level_before = 1
        self._rates: list[float] = []
        self._rest = 0

    def add(self, rate: float, overall: float) -> int:
        """Return the connections from now on.

        Parameters
        ----------
        rate
            Bytes per second in one window.
        overall
            Bytes per second since the beginning: a limiting server's first burst says nothing of its rate.
        """
        if self._rest:
            self._rest -= 1
            return self.level
        self._rates.append(rate)
        mean = sum(self._rates) / len(self._rates)
        if self._wanted is not None and mean < self._wanted:
            if len(self._rates) >= _TRIAL:
                self._set(max(1, min(self._level_before, self.level // 2)), None, _PAUSE)
        elif self.level < self.most:
            step = 4 if self.level == 1 and mean < FAST else 2
            level = min(self.level * step, self.most)
            worth = 1 + (level / self.level - 1) * (self._gain - 1)
            self._set(level, min(mean, overall) * worth, 0)
        else:
            self._set(self.level, None, 0)
        return self.level

    def cap(self, most: int) -> bool:
        """Have so many at most from now on; return whether that is fewer than there are."""
        raised, self.most = most > self.most, most
        if self.level > most:
            self._set(most, None, 0)
            return True
        if raised:
            self._set(self.level, None, 0)
        return False

    def refused(self) -> int:
        """Halve them: the server does not want so many; return the connections from now on."""
        self._set(max(1, self.level // 2), None, _PAUSE)
        return self.level

    def _set(self, level: int, wanted: float | None, rest: int) -> None:
        if level > self.level:
            self._level_before = self.level
        self.level, self._wanted, self._rest, self._rates = level, wanted, rest, []


class ParallelDownloader:
    """The connections to one file, as long as they make it come faster.

    One task for each connection takes segments until none is left or there are more connections than
    wanted. One that fails gives its segment back. When ranges are not answered right before any byte of
    them was written, the first connection continues alone; after that the file starts over.
    """

    def __init__(
        self,
        file: SegmentedFile,
        exchange: Callable[[Mapping[str, str]], Exchange],
        coded: tuple[str, ...] = (),
    ) -> None:
        self._file = file
        self._coded = coded
        self._exchange = exchange
        self._config = file.context.config
        self._limits = file.context.limits
        self._concurrency = AdaptiveConcurrency(self._most(), self._config.gain)
        self._workers: dict[asyncio.Task[None], Segment] = {}
        self._host = parse_url(file.record.url).origin
        self._closed = False
        self._refused_at = 0.0
        self._error: Exception | None = None
        self._fatal: BaseException | None = None

    async def run(self, first: Exchange, segment: Segment, sink: BodySink) -> None:
        """Write the whole file, or what can be had of it.

        Raises
        ------
        RestartRequired
            If there is a doubt about what was written.
        RequestError, DownloadError
            What made the last connection end while something is missing.
        """
        self._spawn(segment, self._work(segment, first.pour(sink)))
        measuring = asyncio.create_task(self._measure())
        try:
            while self._workers and self._fatal is None:
                await asyncio.wait(self._workers, return_when=asyncio.FIRST_COMPLETED)
                if self._error is None or self._workers:
                    self._staff()
        finally:
            self._closed = True
            measuring.cancel()
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(measuring, *self._workers, return_exceptions=True)
            self._file.progress.connections = 1
        if self._fatal is not None:
            raise self._fatal
        if not self._file.table.whole and self._error is not None:
            raise self._error

    def _most(self) -> int:
        return min(self._config.connections, self._limits.connections)

    async def _measure(self) -> None:
        """Measure, and have as many connections as pay."""
        began, start = time.monotonic(), self._file.table.done
        window, table = self._config.window, self._file.table
        while True:
            before, since = table.done, time.monotonic()
            await asyncio.sleep(window)
            now, done = time.monotonic(), table.done
            rate = (done - before) / (now - since)
            if self._concurrency.cap(self._most()):
                self._retire()
            ending = table.total - done < rate * _WORTH * window
            if not ending and self._limits.bandwidth.rate is None:
                if len(self._workers) >= self._concurrency.level or not table.claimable():
                    level = self._concurrency.level
                    if self._concurrency.add(rate, (done - start) / (now - began)) < level:
                        self._retire()
                self._staff()
            await asyncio.sleep(window * _SETTLE)

    def _staff(self) -> None:
        """Open connections up to the number that is wanted."""
        while len(self._workers) < self._concurrency.level and not self._closed:
            if not self._limits.extra_connections.acquire(blocking=False):
                break
            if not self._limits.hosts.try_acquire(self._host, self):
                self._limits.extra_connections.release()
                break
            segment = self._file.table.claim()
            if segment is None:
                self._release()
                break
            worker = self._spawn(segment, self._work(segment, self._fetch(segment)))
            worker.add_done_callback(lambda _: self._release())
        self._file.progress.connections = max(1, len(self._workers))

    def _release(self) -> None:
        self._limits.extra_connections.release()
        self._limits.hosts.release(self._host, self)

    def _spawn(self, segment: Segment, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._workers[task] = segment
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        segment = self._workers.pop(task)
        segment.active = False
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal = error
        self._file.progress.connections = max(1, len(self._workers))

    def _retire(self) -> None:
        """Close the youngest connections beyond the number that is wanted; what they have is written."""
        for worker in [*self._workers][max(1, self._concurrency.level) :]:
            worker.cancel()

    async def _work(self, segment: Segment | None, fetch: Coroutine[Any, Any, None]) -> None:
        """Be one connection: fetch one segment after the other."""
        task = asyncio.current_task()
        assert task is not None
        try:
            while segment is not None:
                try:
                    await fetch
                finally:
                    segment.active = False
                self._error = None
                if self._closed or len(self._workers) > self._concurrency.level:
                    return
                segment = self._file.table.claim()
                if segment is not None:
                    self._workers[task] = segment
                    fetch = self._fetch(segment)
        except _PASSING as error:
            self._failed(error)
        except Exception as error:
            self._doubted(error)

    async def _fetch(self, segment: Segment) -> None:
        """Request a segment, what is there before it, and a little of what comes after it."""
        file, config = self._file, self._config
        version = file.record.version
        known = file.table.known_before(segment.start, config.resume_overlap)
        first, last = segment.start - known, min(segment.end + OVERLAP, file.table.total) - 1
        async with self._exchange(range_headers(version, first, last)) as exchange:
            response = exchange.response
            if response.status != 206:
                raise RestartRequired("the server does not give ranges")
            if codings(response.headers) != self._coded:
                raise RestartRequired("the server sends ranges in another content coding")
            segment.reach = validate_range(response, version, first)
            if segment.start > 0:
                file.make_holes()
            await exchange.pour(
                SegmentSink(file, segment, response, file.part.read(segment.start - known, known))
            )
            if segment.position == segment.start:
                raise ConnectionLost("the connection ended before a byte came")

    def _failed(self, error: Exception) -> None:
        """Want half as many: the server refused one, or broke it off."""
        if self._closed:
            return
        self._error = error
        now = time.monotonic()
        if now - self._refused_at >= self._config.window:  # those that fail together count once
            self._refused_at = now
            self._file.progress.log(f"a connection failed: {error}")
            self._concurrency.refused()
            self._retire()

    def _doubted(self, error: Exception) -> None:
        """Continue alone if it was a refusal, or if nothing came of the others yet; else end everything."""
        was_open, self._closed = not self._closed, True
        if isinstance(error, errors.RequestError) and not isinstance(error, errors.UnexpectedAnswer):
            self._error = error
        elif self._file.holes or not isinstance(error, RestartRequired | errors.UnexpectedAnswer):
            self._fatal = error
        elif was_open:
            self._file.progress.log(f"one connection only: {error}")


def range_headers(version: RemoteVersion, first: int, last: int) -> dict[str, str]:
    """Return the headers that ask for bytes `first` to `last` of a version.

    Ranges are closed: old Azure storage versions do not know `bytes=a-`. If-Range only with a strong,
    quoted ETag (RFC 9110, section 13.1.5), and it is not trusted alone: some servers ignore it.
    """
    asked = {"Range": f"bytes={first}-{last}"}
    return {**asked, "If-Range": version.if_range} if version.if_range else asked


def validate_range(response: Response, version: RemoteVersion, first: int) -> int:
    """Return where a 206 ends (one after its last byte); it may be shorter than was asked for.

    Raises
    ------
    RestartRequired
        Unless it is the range that was asked for, of the version that is recorded.
    """
    span = parse_content_range(response.headers.get("content-range"))
    if span is None or span.first != first or span.last is None:
        raise RestartRequired("the server sent another range")
    if response.content_length not in (None, span.last - span.first + 1):
        raise RestartRequired("the range and its length do not agree")
    if why := version_difference(version, remote_version(response)):
        raise RestartRequired(why)
    return span.last + 1
