"""Parallel ranges of one file: what connections write, and how many of these are worth it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from .. import errors
from ..concurrency import in_thread_to_end, uncancelled
from ..http.errors import PASSING, BodyNotWanted, ConnectionLost
from ..http.exchange import Exchange
from ..http.representation import codings
from ..http.response import BodySink
from ..http.urls import parse_url
from ..http.versions import Checksum, verifiable
from .config import TransferContext, TransferProgress
from .part_file import (
    ENDLESS,
    Extents,
    PartFile,
    PartRecord,
    RestartRequired,
    Segment,
    SegmentTable,
    StreamingHasher,
    prefix,
)
from .resumption import validate_range

OVERLAP = 4 << 10
"""Bytes that are fetched twice where one connection's segment ends and another's begins, and compared."""
FAST = 50e6  # bytes per second of one connection from which on many at once cost more than they may gain
_TRIAL = 4  # windows that more connections get to prove themselves: servers that limit send in bursts of 1 s
_PAUSE = 40  # windows after which it is tried again: lines change while 70 GB go by
_WORTH = 2.0  # windows that one more connection must have something to do for
_SETTLE = 0.4  # of a window, after which new connections have found their speed


class SegmentSink:
    """Writes a segment of a file at its place; compares what is before it, keeps the overlap after it.

    `known` are bytes before the segment that the response must begin with: validators have lied before.
    """

    def __init__(self, file: SegmentedFile, segment: Segment, known: bytes) -> None:
        self._file, self._segment = file, segment
        self._known = memoryview(known)
        self._overlap = bytearray()

    def write(self, view: memoryview, /) -> None:
        """Write the bytes at their place."""
        count = len(view)
        if self._known:
            expected = self._known[:count]
            if view[: len(expected)] != expected:
                raise RestartRequired("the bytes before the resume point are others")
            self._known = self._known[count:]
            view = view[len(expected) :]
        segment, table, part = self._segment, self._file.table, self._file.part
        while view and (segment.left > 0 or table.extend(segment)):
            piece = view[: segment.left]
            part.write_at(segment.position, piece)
            segment.position += len(piece)
            view = view[len(piece) :]
            self._file.wrote(len(piece))
        if segment.left <= 0 and not table.extend(segment):
            self._keep_overlap(view)

    def _keep_overlap(self, view: memoryview) -> None:
        """Keep the first bytes beyond the segment; BodyNotWanted where more of them would come."""
        segment = self._segment
        wanted = max(0, min(OVERLAP, self._file.table.total - segment.end, segment.reach - segment.end))
        self._overlap += view[: wanted - len(self._overlap)]
        if len(self._overlap) >= wanted:
            if self._overlap:
                self._file.overlaps.append((segment.end, bytes(self._overlap)))
                self._overlap.clear()
            if segment.reach > segment.end + wanted:
                raise BodyNotWanted


class SegmentedFile:
    """A part file while its bytes arrive: its segments, its periodic flushes and record, its hash.

    A flush runs beside the writing, so that a slow disk delays the record only: extents are looked at before
    a flush and recorded after it. `overlaps` are what connections had beyond their segments, by offset;
    `holes` is whether bytes beyond a gap may have been written. `checksums` are those to compare, of a
    catalog (`known`) and of the server; once verified, those that are the file's.
    """

    def __init__(
        self,
        known: tuple[Checksum, ...],
        context: TransferContext,
        progress: TransferProgress,
        part: PartFile,
        record: PartRecord,
    ) -> None:
        self.context, self.progress, self.part, self.record = context, progress, part, record
        total = ENDLESS if record.version.total is None else record.version.total
        self.table = SegmentTable(record.extents, total, context.config.min_segment)
        self.overlaps: list[tuple[int, bytes]] = []
        self.holes = len(record.extents) > 1
        self.checksums = verifiable((*known, *record.version.checksums))
        self._hasher: StreamingHasher | None = None
        self._checked = False
        self._unflushed = 0
        self._due = asyncio.Event()
        self._ended = False
        self._flush_error: Exception | None = None

    async def __aenter__(self) -> SegmentedFile:
        self._flushing = asyncio.create_task(self._flush_periodically(self.context.config.flush_interval))
        if self.checksums:
            path, hashers = self.part.path, self.context.journal.hashers
            state, previous = hashers.pop(path, ("", None))
            known = previous if state == self._state else None  # else somebody changed the file since
            self._hasher = StreamingHasher(path, self.checksums, lambda: prefix(self.table.written()), known)
            self._hasher.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._hasher is not None:
            self._hasher.stop()
            if not self._checked:
                self.context.journal.hashers[self.part.path] = self._state, self._hasher
        await self.flush()

    @property
    def _state(self) -> str:
        return f"{self.record.generation} {self.part.status.st_mtime_ns}"

    def wrote(self, count: int) -> None:
        """Count bytes that were written; raise what made a flush fail."""
        if self._flush_error is not None:
            raise self._flush_error
        self._unflushed += count
        if self._unflushed >= self.context.config.flush_bytes:
            self._due.set()
        self.progress.wrote(self.table.done)

    def make_holes(self) -> None:
        """Before the first byte beyond a gap: make the part longer than the file can be.

        So a part with holes whose record is lost is never taken for one that is half done.
        """
        if not self.holes:
            self.part.truncate(self.table.total + 1)
            self.holes = True

    async def flush(self) -> None:
        """Flush and record what is written, also when cancelled; nothing more may come."""
        self._ended = True
        self._due.set()
        await uncancelled(self._flushing)
        if self._flush_error is not None:
            raise self._flush_error

    def overlaps_match(self) -> bool:
        """Return whether connections had the same bytes where their segments meet (so far as they do)."""
        there = self.table.written()
        return all(
            self.part.read(offset, len(tail)) == tail
            for offset, tail in self.overlaps
            if any(start <= offset and offset + len(tail) <= end for start, end in there)
        )

    async def verify(self, size: int) -> str:
        """Wait for the checksums of so many bytes; return a note. VerificationFailed if one differs."""
        self._checked = True
        hasher = self._hasher
        if hasher is None:
            return ""
        note = await in_thread_to_end(lambda: hasher.finish(size), stop=hasher.stop)
        self.checksums = hasher.sums.matching
        return note

    async def _flush_periodically(self, interval: float) -> None:
        before: Extents = ()
        ended = False
        while not ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._due.wait()
            ended = self._ended
            self._due.clear()
            self._unflushed = 0
            written = self.table.written()
            if written != before:
                try:
                    await in_thread_to_end(functools.partial(self._flush, written))
                except Exception as error:
                    self._flush_error = error
                    return
            before = written

    def _flush(self, written: Extents) -> None:
        self.part.sync()
        self.context.journal.advance(self.part.path, self.record.generation, written)


class AdaptiveConcurrency:
    """Connections to a file: 1, then `most` or 2, 4 ... while the throughput of all together grows.

    One connection that brings 50 MB/s or more is joined by a second first: where one fills the line, four
    cost up to a quarter of the speed (measured on loopback). With twice as many it must have become `gain`
    times as fast to keep them.
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
        """Return the connections from now on, after a window with so many bytes per second.

        `overall` are those since the beginning: a limiting server's first burst says nothing of its rate.
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
            # A limit for each connection is likely where one is slow: all at once then.
            level = min(self.level * (8 if self.level == 1 and mean < FAST else 2), self.most)
            worth = self._gain ** math.log2(level / self.level)
            self._set(level, min(mean, overall) * worth, 0)
        else:
            self._set(self.level, None, 0)
        return self.level

    def cap(self, most: int) -> None:
        """Have so many at most from now on."""
        raised, self.most = most > self.most, most
        if raised or self.level > most:
            self._set(min(self.level, most), None, 0)

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
    them was written, the first connection continues alone; after that the file starts over. `coded` are the
    content codings that all responses must have.
    """

    def __init__(
        self,
        file: SegmentedFile,
        exchange: Callable[[Mapping[str, str]], Exchange],
        coded: tuple[str, ...] = (),
    ) -> None:
        self._file, self._exchange, self._coded = file, exchange, coded
        self._config, self._limits = file.context.config, file.context.limits
        self._concurrency = AdaptiveConcurrency(self._most(), self._config.gain)
        self._workers: dict[asyncio.Task[None], Segment] = {}
        self._host = parse_url(file.record.url).origin
        self._closed = self.ranges_doubted = False
        self._refused_at = -math.inf
        self._error: Exception | None = None
        self._fatal: BaseException | None = None

    async def run(self, first: Exchange, segment: Segment, sink: BodySink) -> None:
        """Write the whole file, or what can be had of it.

        Raises RestartRequired if there is a doubt about what was written, else what made the last connection
        end while something is missing.
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
            self._limits.hosts.forget(self)
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
            self._concurrency.cap(self._most())
            ending = table.total - done < rate * _WORTH * window
            if not ending and self._limits.bandwidth.rate is None:
                if len(self._workers) >= self._concurrency.level or not table.claimable():
                    self._concurrency.add(rate, (done - start) / (now - began))
                self._staff()
            self._retire()
            await asyncio.sleep(window * _SETTLE)

    def _staff(self) -> None:
        """Open connections up to the number that is wanted, none just after a server refused one."""
        if time.monotonic() - self._refused_at < self._config.window:
            return
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
        task.add_done_callback(self._worker_ended)
        return task

    def _worker_ended(self, task: asyncio.Task[None]) -> None:
        self._workers.pop(task).active = False
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
        except PASSING as error:
            self._failed(error)
        except Exception as error:
            self._doubted(error)

    async def _fetch(self, segment: Segment) -> None:
        """Request a segment, with an overlap of written bytes before it and a little after it."""
        file, version = self._file, self._file.record.version
        known = file.table.known_before(segment.start, self._config.resume_overlap)
        first, last = segment.start - known, min(segment.end + OVERLAP, file.table.total) - 1
        async with self._exchange(version.range_headers(first, last)) as exchange:
            response = exchange.response
            if response.status != 206:
                raise RestartRequired("the server does not give ranges")
            if codings(response.headers) != self._coded:
                raise RestartRequired("the server sends ranges in another content coding")
            segment.reach = validate_range(response, version, first)
            if segment.start > 0:
                file.make_holes()
            await exchange.pour(SegmentSink(file, segment, file.part.read(first, known)))
            if segment.position == segment.start:
                raise ConnectionLost("the connection ended before a byte came")

    def _failed(self, error: errors.RequestError) -> None:
        """Want half as many: the server refused one, or broke it off."""
        if self._closed:
            return
        self._error = error
        now = time.monotonic()
        if now - self._refused_at >= self._config.window:  # those that fail together count once
            self._refused_at = now
            self._file.progress.log(f"a connection failed: {error.message}")
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
            self.ranges_doubted = True
            self._file.progress.log(f"one connection only: {getattr(error, 'message', error)}")
