"""A part file while its bytes arrive: its segments, what connections write, flushes, its record and hash."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass

from ..http.connection import Response
from ..http.errors import BodyNotWanted
from .checksums import StreamingHasher, verifiable
from .config import DownloadSpec, TransferContext
from .engine import in_thread, uncancelled
from .failures import RestartRequired
from .journal import Extents, PartRecord, covered, gaps, merge, prefix
from .limits import Throttle
from .part_file import PartFile
from .progress import TransferProgress

OVERLAP = 4 << 10
"""Bytes that are fetched twice where one connection's segment ends and another's begins, and compared."""

ENDLESS = 1 << 62
"""The end of a file of unknown size."""


@dataclass(slots=True, eq=False)
class Segment:
    """A stretch of a file that one connection fetches.

    Its connection moves `position`; others may lower `end`, to fetch the rest themselves.

    Parameters
    ----------
    start, end
        First byte, and the one after the last.

    Attributes
    ----------
    position
        Up to where it is written.
    reach
        Up to where the response goes, which may be further than `end`.
    active
        Whether somebody fetches it: the rest of one that is given up is free again.
    """

    start: int
    end: int
    position: int = 0
    reach: int = 0
    active: bool = True

    def __post_init__(self) -> None:
        self.position = self.start

    @property
    def left(self) -> int:
        """Bytes to come."""
        return self.end - self.position


class SegmentTable:
    """Which stretches of a file are there, and which of the missing ones are being fetched.

    Parameters
    ----------
    there
        What is there already.
    total
        Size of the file in bytes; `ENDLESS` if it is not known.
    min_segment
        Bytes that are worth a connection of their own.
    """

    def __init__(self, there: Extents, total: int, min_segment: int) -> None:
        self.total = total
        self._there = there
        self._there_size = covered(there)
        self._min_segment = min_segment
        self.segments: list[Segment] = []

    @property
    def done(self) -> int:
        """How many bytes are there."""
        return self._there_size + sum(segment.position - segment.start for segment in self.segments)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing of a file of known size."""
        return self.done >= self.total

    def written(self) -> Extents:
        """Return what is there."""
        return merge([*self._there, *((segment.start, segment.position) for segment in self.segments)])

    def known_before(self, start: int, most: int) -> int:
        """Return how many bytes, `most` at most, are there just before an offset."""
        for first, end in self.written():
            if first < start <= end:
                return min(start - first, most)
        return 0

    def claim(self) -> Segment | None:
        """Return a stretch that nobody fetches, or half of the longest rest; None if that is too short."""
        for start, end in self._free():
            return self._add(Segment(start, end))
        busy = [each for each in self.segments if each.active and each.left >= 2 * self._min_segment]
        if not busy or self.total == ENDLESS:
            return None
        longest = max(busy, key=lambda each: each.left)
        middle, end = longest.position + longest.left // 2, longest.end
        longest.end = middle
        return self._add(Segment(middle, end))

    def claimable(self) -> bool:
        """Return whether there is a stretch for one more connection."""
        return bool(self._free()) or any(
            each.active and each.left >= 2 * self._min_segment for each in self.segments
        )

    def extend(self, segment: Segment) -> bool:
        """Move the end of a segment on, where its response continues and nobody else has taken over."""
        for start, end in self._free():
            if start == segment.end and segment.reach > start:
                segment.end = min(end, segment.reach)
                return True
        return False

    def _free(self) -> Extents:
        taken = ((s.start, max(s.end, s.position) if s.active else s.position) for s in self.segments)
        return gaps(merge([*self._there, *taken]), self.total)

    def _add(self, segment: Segment) -> Segment:
        self.segments.append(segment)
        return segment


class PeriodicFlush:
    """Flushes a part to disk and records how far, beside the writing: a slow disk delays the record only.

    Extents are looked at before a flush and recorded after it, by one flush at a time.
    """

    def __init__(
        self, part: PartFile, look: Callable[[], Extents], record: Callable[[Extents], None]
    ) -> None:
        self._part = part
        self._look = look
        self._record = record
        self._waiting = 0
        self._due = asyncio.Event()
        self._ended = False
        self._task: asyncio.Task[None] | None = None
        self.error: Exception | None = None

    def start(self, interval: float, volume: int) -> None:
        """Flush every so many seconds, or bytes."""
        self._volume = volume
        self._task = asyncio.create_task(self._run(interval))

    def wrote(self, count: int) -> None:
        """Count bytes that were written; raise what made a flush fail."""
        if self.error is not None:
            raise self.error
        self._waiting += count
        if self._waiting >= self._volume:
            self._due.set()

    async def finish(self) -> None:
        """Flush and record the rest, also when cancelled."""
        self._ended = True
        self._due.set()
        if self._task is not None:
            await uncancelled(self._task)
        if self.error is not None:
            raise self.error

    async def _run(self, interval: float) -> None:
        before: Extents = ()
        ended = False
        while not ended:
            try:
                async with asyncio.timeout(interval):
                    await self._due.wait()
            except TimeoutError:
                pass
            ended = self._ended
            self._due.clear()
            self._waiting = 0
            written = self._look()
            if written != before:
                try:
                    await in_thread(functools.partial(self._flush, written))
                except Exception as error:
                    self.error = error
                    return
            before = written

    def _flush(self, written: Extents) -> None:
        self._part.sync()
        self._record(written)


class SegmentSink:
    """Writes a segment of a file at its place; compares what is before it, keeps the overlap after it.

    Parameters
    ----------
    known
        Bytes before the segment that the response must begin with: validators have lied before.
    """

    def __init__(self, file: SegmentedFile, segment: Segment, response: Response, known: bytes = b"") -> None:
        self._file = file
        self._segment = segment
        self._known = memoryview(known)
        self._overlap = bytearray()
        self._throttle = Throttle(file.context.limits.bandwidth, response, file.progress.throttled)

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
            part.write(segment.position, piece)
            segment.position += len(piece)
            view = view[len(piece) :]
            self._file.wrote(len(piece))
        if segment.left <= 0 and not table.extend(segment):
            self._keep_overlap(view)
        self._throttle.consume(count)

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
    """A part file while its bytes arrive: its segments, its record, its hash.

    Attributes
    ----------
    overlaps
        What connections had beyond their segments, by offset.
    holes
        Whether bytes beyond a gap may have been written.
    """

    def __init__(
        self,
        spec: DownloadSpec,
        context: TransferContext,
        progress: TransferProgress,
        part: PartFile,
        record: PartRecord,
    ) -> None:
        self.spec = spec
        self.context = context
        self.progress = progress
        self.part = part
        self.record = record
        total = ENDLESS if record.version.total is None else record.version.total
        self.table = SegmentTable(record.extents, total, context.config.min_segment)
        self.overlaps: list[tuple[int, bytes]] = []
        self.holes = len(record.extents) > 1
        self.checksums = verifiable((*spec.checksums, *record.version.checksums))
        self._checked = False
        self._flush = PeriodicFlush(part, self.table.written, self._advance)
        self._hasher: StreamingHasher | None = None

    async def __aenter__(self) -> SegmentedFile:
        config = self.context.config
        self._flush.start(config.flush_interval, config.flush_bytes)
        if self.checksums:
            known = self.context.journal.take_hash(self.part.path, self.record.generation, self.part.changed)
            self._hasher = StreamingHasher(
                self.part.path, self.checksums, lambda: prefix(self.table.written()), known
            )
            self._hasher.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        hasher, changed = self._hasher, self.part.changed
        if hasher is not None:
            hasher.stop()
        try:
            await self._flush.finish()
        finally:
            if hasher is not None and not self._checked:
                state = hasher.state(self.record.generation, changed)
                self.context.journal.keep_hash(self.part.path, state)

    def wrote(self, count: int) -> None:
        """Count bytes that were written."""
        self._flush.wrote(count)
        self.progress.wrote(self.table.done)

    def make_holes(self) -> None:
        """Before the first byte beyond a gap: make the part longer than the file can be.

        So a part with holes whose record is lost is never taken for one that is half done.
        """
        if not self.holes:
            self.part.truncate(self.table.total + 1)
            self.holes = True

    async def flush(self) -> None:
        """Flush and record what is written; nothing more may come."""
        await self._flush.finish()

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
        return await in_thread(lambda: hasher.finish(size), stop=hasher.stop)

    def _advance(self, written: Extents) -> None:
        self.context.journal.advance(self.part.path, self.record.generation, written)
