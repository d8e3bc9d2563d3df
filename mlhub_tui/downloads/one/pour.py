"""The loop that every byte goes through: from a connection into a stretch of the part file."""

from __future__ import annotations

import contextlib
import time

from ... import errors, text
from ..limit import Limit
from ..tuning import Tuning
from . import probe
from .body import Body
from .lane import Lane
from .sink import SEAM, Sink

_FLUSH = 256 << 10  # bytes worth a write of their own


def pour(body: Body, sink: Sink, lane: Lane, view: memoryview, filled: int, pace: Pace, limit: Limit) -> None:
    """Copy what is filled of a buffer, and the rest of a body through it, until the stretch is there.

    Parameters
    ----------
    body, view, filled
        An answer whose bytes begin at `lane.at`, a buffer, and how many of them are in it already.
    sink, lane
        Where they go.
    pace
        Notices when nothing comes.
    limit
        The speed that all transfers share.

    Raises
    ------
    RequestError
        If the connection breaks or stalls.
    OutputFolderError
        If the disk does not take it.
    """
    enough = min(_FLUSH, len(view))
    try:
        while not lane.retired:
            room = limit.share(len(view) - filled)
            count = body.readinto(view[filled : filled + room]) if room else None
            filled += count or 0
            if filled and (filled >= enough or not count or pace.late() or lane.left <= filled):
                over = _store(sink, lane, view[:filled])
                if lane.left <= 0:
                    filled = 0
                    return _keep_seam(body, sink, lane, over)
                filled = 0
            pace.check(lane.at + filled)
            if sink.failure is not None:
                raise sink.failure
            if count == 0:
                return None
            if count:
                _pay(body, sink, limit, count, pace)
        return None
    finally:
        if filled:  # the connection broke with bytes in hand; if it was the disk, it says no again
            with contextlib.suppress(errors.DownloadError):
                _store(sink, lane, view[:filled])
        lane.active = False


def _store(sink: Sink, lane: Lane, view: memoryview) -> memoryview:
    """Write what belongs to the lane; return what lies beyond."""
    while view and (lane.left > 0 or sink.extend(lane)):
        piece = view[: lane.left]
        sink.part.write(lane.at, piece)
        lane.at += len(piece)
        sink.wrote(len(piece))
        view = view[len(piece) :]
    if lane.left <= 0:
        sink.extend(lane)
    return view


def _keep_seam(body: Body, sink: Sink, lane: Lane, over: memoryview) -> None:
    """Keep the first bytes beyond the stretch, to be compared with what another connection has there."""
    wanted = min(SEAM, sink.total - lane.end, lane.reach - lane.end)
    tail = bytes(over[: max(wanted, 0)])
    if len(tail) < wanted:
        with contextlib.suppress(errors.RequestError):
            tail += probe.read(body, wanted - len(tail), patience=1.0)
    if tail:
        sink.seam(lane.end, tail)


def _pay(body: Body, sink: Sink, limit: Limit, count: int, pace: Pace) -> None:
    if limit.rate is None:
        return
    due = limit.book(count)
    while not limit.wait(due, pace.tick):
        pace.excuse()
        sink.waiting()
        body.check_cut()
        if sink.failure is not None:
            return


class Pace:
    """Notices a transfer that gets nowhere, and bytes that wait too long in the buffer."""

    def __init__(self, tuning: Tuning, at: int) -> None:
        self._tuning = tuning
        self.tick = tuning.tick
        now = time.monotonic()
        self._at, self._since = at, now
        self._last, self._heard = at, now
        self._written = now

    def late(self) -> bool:
        """Return whether it is time to write what there is."""
        now = time.monotonic()
        if now - self._written < self.tick / 2:
            return False
        self._written = now
        return True

    def excuse(self) -> None:
        """Begin to measure anew: it is us who wait."""
        self._since = self._heard = time.monotonic()
        self._at = self._last

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
