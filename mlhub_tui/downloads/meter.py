"""How fast it goes and how long it takes: a smoothed rate out of byte counts."""

from __future__ import annotations

import math

_MEMORY = 4.0  # seconds after which a change of speed shows to about two thirds
_SETTLED = 1.0  # seconds of evidence before an ETA is worth showing


class Meter:
    """An exponentially weighted rate over irregular samples.

    Parameters
    ----------
    now
        Monotonic time in seconds of the first byte count.
    done
        Bytes that were there already, which do not count as fetched.
    """

    def __init__(self, now: float, done: int = 0) -> None:
        self._start = now
        self._time = now
        self._done = done
        self._rate: float | None = None

    def feed(self, now: float, done: int) -> None:
        """Take a sample: `done` bytes at monotonic time `now` (seconds)."""
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
        """Return seconds until `total` bytes are there; None while that is not known."""
        if total is None or not self._rate or self._rate < 1 or self._time - self._start < _SETTLED:
            return None
        return max(0.0, (total - self._done) / self._rate)
