"""The numbers of the engine in one place: time-outs, sizes, patience."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tuning:
    """How one transfer reads and writes.

    Parameters
    ----------
    connect
        Seconds to wait for a connection.
    answer
        Seconds to wait for the head of an answer.
    stall
        Seconds over which less than `least` bytes per second is as good as nothing: the try ends.
    least
        Bytes per second.
    hush
        Seconds without a byte after which a transfer is shown as stalled.
    tick
        Seconds that a read may block.
    buffer
        Bytes of the read buffer.
    sync_every
        Seconds between flushes to disk.
    sync_bytes
        Bytes after which it is flushed before its time.
    overlap
        Bytes before the resume point that are fetched again and compared.
    connections
        At most so many to one file, whatever the settings say; 1 turns that off.
    split_above
        Bytes a file must have to be worth more than one.
    piece
        Bytes worth a connection of their own; no fewer than `buffer`.
    window
        Seconds over which it is measured whether more connections made it faster.
    gain
        How many times as fast it must have become to try still more.
    look
        Seconds between two looks of the engine at its transfers, and at what other programs did.
    """

    connect: float = 15.0
    answer: float = 30.0
    stall: float = 30.0
    least: float = 100.0
    hush: float = 4.0
    tick: float = 0.2
    buffer: int = 1 << 20
    sync_every: float = 0.7
    sync_bytes: int = 64 << 20
    overlap: int = 64 << 10
    connections: int = 64
    split_above: int = 64 << 20
    piece: int = 1 << 20
    window: float = 0.5
    gain: float = 1.15
    look: float = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again: full jitter (the wait is drawn from the whole range), refilled by progress.

    Parameters
    ----------
    tries
        Tries in a row without progress before giving up; None for as long as it takes.
    doubtful
        The same where the answer does not make sense (a portal's page, a refused link).
    base, cap
        Seconds: the first range is `base`, each next one twice that, up to `cap`.
    longest
        Seconds up to which a server's Retry-After is followed.
    draw
        Returns a number between two, for tests.
    """

    tries: int | None = None
    doubtful: int = 4
    base: float = 1.0
    cap: float = 60.0
    longest: float = 3600.0
    draw: Callable[[float, float], float] = field(default=random.uniform, repr=False)

    def delay(self, failures: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after so many failures in a row (1 or more)."""
        ceiling = min(self.cap, self.base * 2.0 ** min(failures - 1, 16))
        wait = self.draw(min(0.2, ceiling) / 2, ceiling)
        return max(wait, min(retry_after, self.longest)) if retry_after else wait

    def exhausted(self, failures: int, *, doubtful: bool) -> bool:
        """Return whether so many failures in a row are enough."""
        limits = [limit for limit in (self.tries, self.doubtful if doubtful else None) if limit is not None]
        return bool(limits) and failures >= min(limits)


BOUNDED = Patience(tries=6, cap=20.0, longest=120.0)
"""For commands and scripts, which must come to an end."""
