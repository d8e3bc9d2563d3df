"""Progress of transfers: fields that the engine's thread writes and others read, and a rate estimator."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

_MAX_EVENTS = 200  # events between two readings of the log; older ones are dropped
_MEMORY = 4.0  # seconds after which a change of speed shows to about two thirds
_SETTLED = 1.0  # seconds of evidence before an estimate of the time left is worth showing


class TransferPhase(StrEnum):
    """What a transfer is doing; the values are those of the queue's job states of the same name."""

    CONNECTING = "connecting"
    PREPARING = "preparing"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"


class TransferProgress:
    """The present of one transfer, written by the engine's thread and read by any other without a lock.

    Parameters
    ----------
    on_phase
        Called from the engine's thread when the phase changes.

    Attributes
    ----------
    done
        Bytes in the part file.
    total
        Bytes of the whole file; None until known.
    last_byte
        Monotonic time in seconds of the last byte.
    host
        Host and port that the bytes come from; empty until known.
    connections
        Open connections to the file.
    committed
        Size in bytes of the whole file once it has its final name, which no cancellation takes back.
    reserved
        Bytes the part file will have in the end, for which the disk must have room.
    words
        What it is doing, where the phase does not say it all.
    files_done, files_failed, files_total
        Files of a dataset; the total is None until known, and for a single file.
    resumed_from
        Bytes that were there before this try; None until known.
    events
        What happened, with its time in seconds since the epoch, oldest first; the reader takes them out.
    """

    def __init__(self, on_phase: Callable[[], None] | None = None) -> None:
        self.phase = TransferPhase.CONNECTING
        self.done = 0
        self.total: int | None = None
        self.last_byte = time.monotonic()
        self.reserved = 0
        self.host = ""
        self.connections = 1
        self.committed: int | None = None
        self.words = ""
        self.files_done = 0
        self.files_failed = 0
        self.files_total: int | None = None
        self.resumed_from: int | None = None
        self.events: deque[tuple[float, str]] = deque(maxlen=_MAX_EVENTS)
        self._on_phase = on_phase

    def log(self, words: str) -> None:
        """Add an event for the log of the job."""
        self.events.append((time.time(), words))

    def take_events_of(self, other: TransferProgress) -> None:
        """Move the events of another transfer, which is a part of this one, to this one."""
        while other.events:
            self.events.append(other.events.popleft())

    def enter(self, phase: TransferPhase) -> None:
        """Change the phase."""
        self.last_byte = time.monotonic()
        if phase != self.phase:
            self.phase = phase
            if self._on_phase is not None:
                self._on_phase()

    def begin_at(self, done: int) -> None:
        """Record how many bytes this try begins with; of several beginnings the first counts."""
        if self.resumed_from is None:
            self.resumed_from = done

    def wrote(self, done: int) -> None:
        """Record the bytes that are in the part file."""
        self.done = done
        self.last_byte = time.monotonic()

    def throttled(self) -> None:
        """Record that the transfer waits for the bandwidth limit, not for the server."""
        self.last_byte = time.monotonic()


class RateEstimator:
    """Exponentially weighted rate over byte counts at irregular times.

    Parameters
    ----------
    now
        Monotonic time in seconds of the first count.
    done
        Bytes that were there already, which do not count as fetched.
    """

    def __init__(self, now: float, done: int = 0) -> None:
        self._start = now
        self._time = now
        self._done = done
        self._rate: float | None = None

    def add(self, now: float, done: int) -> None:
        """Add a sample: `done` bytes at monotonic time `now` in seconds."""
        passed = now - self._time
        if passed <= 0:
            return
        if done < self._done:  # started over: what was fetched before tells nothing
            self._done, self._time = done, now
            return
        sample = (done - self._done) / passed
        weight = 1 - math.exp(-passed / _MEMORY)
        self._rate = sample if self._rate is None else self._rate + weight * (sample - self._rate)
        self._time, self._done = now, done

    @property
    def rate(self) -> float | None:
        """Bytes per second; None before there is a sample."""
        return self._rate

    def eta(self, total: int | None) -> float | None:
        """Return the seconds until `total` bytes are there; None while that is not known."""
        if total is None or not self._rate or self._rate < 1 or self._time - self._start < _SETTLED:
            return None
        return max(0.0, (total - self._done) / self._rate)
