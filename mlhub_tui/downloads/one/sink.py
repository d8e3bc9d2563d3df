"""Where the bytes of a file go, over one connection or several: into the part, its record, its checksum."""

from __future__ import annotations

import threading
from typing import Self

from ..live import Live
from ..tuning import Tuning
from . import extents
from .answer import Digest
from .extents import Extents
from .journal import Entry, Journal
from .lane import Lane
from .part import Part
from .sync import Syncer
from .verify import Follower

ENDLESS = 1 << 62
"""The end of a file of unknown size."""

SEAM = 4 << 10
"""Bytes that are fetched twice where one connection's stretch ends and another's begins, and compared."""


class Sink:
    """A file that grows: which stretches are there, and who fetches which of the missing ones.

    What was written is flushed and recorded whatever happens.

    Parameters
    ----------
    part, entry
        The file and its record, which says what is there already.
    journal, live
        Where progress is recorded and shown.
    tuning
        Sizes and times.
    digests
        Checksums to verify beside those of the record.

    Attributes
    ----------
    version
        Which version of the file it is.
    total
        Size of the whole in bytes, `ENDLESS` if it is not known.
    failure
        What makes all lanes stop; set by anyone.
    digests
        The checksums that are verified at the end.
    """

    def __init__(
        self,
        part: Part,
        entry: Entry,
        journal: Journal,
        live: Live,
        tuning: Tuning,
        digests: tuple[Digest, ...] = (),
    ) -> None:
        self.part = part
        self.version = entry.remote
        self.total = ENDLESS if entry.remote.total is None else entry.remote.total
        self.failure: Exception | None = None
        self._entry = entry
        self._journal = journal
        self._live = live
        self._tuning = tuning
        self._kept = entry.extents
        self._kept_size = extents.covered(self._kept)
        self._lanes: tuple[Lane, ...] = ()
        self._seams: list[tuple[int, bytes]] = []
        self._lock = threading.Lock()
        self._syncer = Syncer(
            part, self.written, self._record, every=tuning.sync_every, volume=tuning.sync_bytes
        )
        self.digests = tuple(dict.fromkeys((*entry.remote.digests, *digests)))
        self._checked = False
        self._follower: Follower | None = None
        if self.digests:
            known = journal.hashed(part.path, entry.generation, part.changed)
            self._follower = Follower(part.path, self.digests, self._prefix, known)

    def __enter__(self) -> Self:
        self._syncer.start()
        if self._follower:
            self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._syncer.finish()
        if self._follower:
            self._follower.stop()
            if not self._checked:
                state = self._follower.state(self._entry.generation, self.part.changed)
                self._journal.remember(self.part.path, state)

    @property
    def done(self) -> int:
        """How many bytes are there."""
        return self._kept_size + sum(lane.at - lane.start for lane in self._lanes)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing of a file of known size."""
        return self.done >= self.total

    def written(self) -> Extents:
        """Return what is there."""
        return extents.merged([*self._kept, *((lane.start, lane.at) for lane in self._lanes)])

    def before(self, start: int, most: int) -> int:
        """Return how many bytes, `most` at most, are there just before an offset."""
        for first, end in self.written():
            if first < start <= end:
                return min(start - first, most)
        return 0

    def claim(self) -> Lane | None:
        """Return a stretch that nobody fetches, or half of the longest rest; None if that is too short."""
        with self._lock:
            for start, end in self._free():
                return self._add(Lane(start, end))
            busy = [lane for lane in self._lanes if lane.active and lane.left >= 2 * self._tuning.piece]
            if not busy or self.total == ENDLESS:
                return None
            longest = max(busy, key=lambda lane: lane.left)
            # A write that is under way ends within one buffer of `at`, and a piece is no shorter than that.
            middle, end = longest.at + longest.left // 2, longest.end
            longest.end = middle
            return self._add(Lane(middle, end))

    def extend(self, lane: Lane) -> bool:
        """Let a lane go on beyond its end, where its answer goes on and nobody else has taken over."""
        with self._lock:
            for start, end in self._free():
                if start == lane.end and lane.reach > start:
                    lane.end = min(end, lane.reach)
                    return True
            return False

    def claimable(self) -> bool:
        """Return whether there is a stretch for one more connection."""
        with self._lock:
            return bool(self._free()) or any(
                lane.active and lane.left >= 2 * self._tuning.piece for lane in self._lanes
            )

    def retire(self, count: int) -> None:
        """Make so many lanes stop, the youngest first; never the first one."""
        with self._lock:
            busy = [lane for lane in reversed(self._lanes[1:]) if lane.active and not lane.retired]
            for lane in busy[: max(count, 0)]:
                lane.retired = True

    def wrote(self, count: int) -> None:
        """Tell that so many bytes more are in the part."""
        self._syncer.wrote(count)
        self._live.wrote(self.done)
        if self._syncer.error is not None:
            self.failure = self._syncer.error

    def waiting(self) -> None:
        """Tell that it is the speed limit that is waited for, not the server."""
        self._live.waits()

    def seam(self, offset: int, tail: bytes) -> None:
        """Keep what one connection had beyond its stretch."""
        self._seams.append((offset, tail))

    def seams_agree(self) -> bool:
        """Return whether connections had the same bytes where their stretches meet (so far as they do)."""
        there = self.written()
        return all(
            self.part.read(offset, len(tail)) == tail
            for offset, tail in self._seams
            if any(start <= offset and offset + len(tail) <= end for start, end in there)
        )

    def flush(self) -> None:
        """Flush and record what is written; nothing more may come."""
        self._syncer.finish()
        if self._syncer.error is not None:
            raise self._syncer.error

    def check(self, size: int, interrupted: threading.Event) -> None:
        """Wait for the checksums of so many bytes; VerificationFailed if one differs."""
        self._checked = True
        if self._follower:
            self._follower.check(size, self._tuning.tick, interrupted)

    def _free(self) -> Extents:
        taken = ((lane.start, max(lane.end, lane.at) if lane.active else lane.at) for lane in self._lanes)
        return extents.gaps(extents.merged([*self._kept, *taken]), self.total)

    def _add(self, lane: Lane) -> Lane:
        self._lanes = (*self._lanes, lane)
        return lane

    def _prefix(self) -> int:
        return extents.prefix(self.written())

    def _record(self, written: Extents) -> None:
        self._journal.advance(self.part.path, self._entry.generation, written)
