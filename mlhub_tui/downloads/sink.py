"""Where the bytes of one answer go: into the part, its record, its checksum, and what is shown."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Self

from .. import errors, text
from .answer import Digest
from .body import Body
from .journal import Entry, Journal
from .live import Live
from .part import Part
from .sync import Syncer
from .tuning import Tuning
from .verify import Follower

_FLUSH = 256 << 10  # bytes worth a write of their own


class Sink:
    """Takes the bytes from `entry.synced` on; what was written is flushed and recorded whatever happens.

    Parameters
    ----------
    part, entry
        The file and its record, which says where to begin.
    journal, live
        Where progress is recorded and shown.
    digests
        Checksums to compute along the way.
    """

    def __init__(
        self,
        part: Part,
        entry: Entry,
        journal: Journal,
        live: Live,
        tuning: Tuning,
        digests: tuple[Digest, ...],
    ) -> None:
        self._part = part
        self._entry = entry
        self._journal = journal
        self._live = live
        self._tuning = tuning
        self._follower = Follower(part.path, digests) if digests else None

    def __enter__(self) -> Self:
        if self._follower:
            self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._follower:
            self._follower.stop()

    def pour(self, body: Body, view: memoryview, filled: int) -> int:
        """Copy what is filled of a buffer, and the rest of a body through it; return where it ends.

        Raises
        ------
        RequestError
            If the connection breaks or stalls.
        OutputFolderError
            If the disk does not take it.
        """
        at, pace, syncer = self._entry.synced, _Pace(self._tuning, self._entry.synced), self._syncer()
        syncer.start()
        try:
            while True:
                count = body.readinto(view[filled:])
                filled += count or 0
                if filled and (filled >= _FLUSH or not count or pace.late()):
                    self._part.write(at, view[:filled])
                    at, filled = at + filled, 0
                    self._tell(at, syncer)
                pace.check(at + filled)
                if syncer.error is not None:
                    raise syncer.error
                if count == 0:
                    return at
        finally:
            if filled:  # the connection broke with bytes in hand; if it was the disk, it says no again
                with contextlib.suppress(errors.DownloadError):
                    self._part.write(at, view[:filled])
                    self._tell(at + filled, syncer)
            syncer.finish()

    def check(self, size: int, interrupted: threading.Event) -> None:
        """Wait for the checksums of so many bytes; VerificationFailed if one differs."""
        if self._follower:
            self._follower.check(size, self._tuning.tick, interrupted)

    def _syncer(self) -> Syncer:
        def record(synced: int) -> None:
            self._journal.advance(self._part.path, self._entry.generation, ((0, synced),))

        tuning = self._tuning
        start = self._entry.synced
        return Syncer(self._part, record, start, every=tuning.sync_every, volume=tuning.sync_bytes)

    def _tell(self, at: int, syncer: Syncer) -> None:
        syncer.wrote(at)
        self._live.wrote(at)
        if self._follower:
            self._follower.wrote(at)


class _Pace:
    """Notices a transfer that gets nowhere, and bytes that wait too long in the buffer."""

    def __init__(self, tuning: Tuning, at: int) -> None:
        self._tuning = tuning
        now = time.monotonic()
        self._at, self._since = at, now
        self._last, self._heard = at, now
        self._written = now

    def late(self) -> bool:
        """Return whether it is time to write what there is."""
        now = time.monotonic()
        if now - self._written < self._tuning.tick / 2:
            return False
        self._written = now
        return True

    def check(self, at: int) -> None:
        """Raise ServerTimeout after `stall` seconds of nothing, or of next to nothing."""
        now = time.monotonic()
        if at != self._last:
            self._last, self._heard = at, now
        if now - self._heard > self._tuning.stall:
            raise errors.ServerTimeout(f"nothing came for {text.duration(self._tuning.stall)}")
        if now - self._since > self._tuning.stall:
            if at - self._at < self._tuning.least * self._tuning.stall:
                raise errors.ServerTimeout(f"next to nothing came for {text.duration(self._tuning.stall)}")
            self._at, self._since = at, now
