"""Progress and speed of the running transfers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...queue.job import IDLE_STATES, Job, JobState
from .job_order import fraction


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """How far the batch is.

    Parameters
    ----------
    total, done, failed
        Transfers.
    open
        Those at which something happens by itself, now or later.
    part
        How far all together are, from 0 to 1.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    open: int = 0
    part: float = 0.0


class TransferGroup:
    """Takes note of the transfers; those that were at rest at the first look are no part of it."""

    def __init__(self) -> None:
        self._members: set[int] = set()
        self._over = True

    def look(self, jobs: Iterable[Job]) -> GroupProgress:
        """Take note of the jobs as they are now, and return how far the batch is."""
        jobs = list(jobs)
        open_ones = {job.id for job in jobs if job.state not in IDLE_STATES}
        if open_ones and self._over:
            self._members.clear()
        self._over = not open_ones
        self._members |= open_ones
        members = [job for job in jobs if job.id in self._members and job.state is not JobState.CANCELLED]
        return GroupProgress(
            total=len(members),
            done=sum(job.state is JobState.DONE for job in members),
            failed=sum(job.state is JobState.FAILED for job in members),
            open=len(open_ones),
            part=_part(members),
        )


def _part(jobs: list[Job]) -> float:
    """Return how far jobs are: by bytes where the sizes of all are known, else each counts the same."""
    if not jobs:
        return 0.0
    parts = [(job, fraction(job) or 0.0) for job in jobs]
    sizes = [job.bytes_total for job in jobs]
    if all(sizes):
        return sum(part * (job.bytes_total or 0) for job, part in parts) / sum(size or 0 for size in sizes)
    return sum(part for _, part in parts) / len(parts)


HISTORY_LENGTH = 240
"""Samples of a history: so many seconds."""
MOST_JOBS = 64
"""Transfers with a history in memory."""
BARS = "▁▂▃▄▅▆▇█"
"""From hardly anything to the most; nothing is a blank. ASCII has its own for them, see `glyphs`."""


class RateHistory:
    """Samples a second apart, the last at the end; what was not fed is 0."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=HISTORY_LENGTH)
        self._last = 0

    def feed(self, now: float, value: float) -> None:
        """Take a sample at a moment (seconds); of a second the last one counts."""
        second = int(now)
        missed = second - self._last if self._values else 1
        if missed <= 0:
            self._values[-1] = value
            return
        self._values.extend([0.0] * min(missed - 1, HISTORY_LENGTH))
        self._values.append(value)
        self._last = second

    def last(self, count: int) -> list[float]:
        """Return at most so many samples, the last at the end."""
        return list(self._values)[-count:] if count > 0 else []


class RateSampler:
    """The speed of all transfers together, and of each that runs."""

    def __init__(self) -> None:
        self.total = RateHistory()
        self._jobs: dict[int, RateHistory] = {}

    def feed(self, now: float, jobs: Iterable[Job]) -> None:
        """Take the speeds of a moment (seconds, on any clock that does not go back)."""
        whole = 0.0
        for job in jobs:
            if job.state is JobState.DOWNLOADING:
                rate = job.rate or 0.0
                whole += rate
                self._of(job.id).feed(now, rate)
        if whole or self.total.last(1) not in ([], [0.0]):
            self.total.feed(now, whole)

    def of(self, job_id: int) -> RateHistory:
        """Return the history of a transfer; an empty one where there is none."""
        return self._jobs.get(job_id) or RateHistory()

    def _of(self, job_id: int) -> RateHistory:
        history = self._jobs.get(job_id)
        if history is None:
            while len(self._jobs) >= MOST_JOBS:
                del self._jobs[next(iter(self._jobs))]
            history = self._jobs[job_id] = RateHistory()
        return history


def sparkline(values: Sequence[float], width: int) -> str:
    """Return samples as bars, one a cell, the last at the right; empty where there is nothing to see.

    Parameters
    ----------
    values
        None of them negative.
    width
        Cells; fewer samples leave the left blank.
    """
    shown = values[-width:] if width > 0 else ()
    most = max(shown, default=0.0)
    if most <= 0:
        return ""
    steps = len(BARS) - 1
    bars = (BARS[round(value / most * steps)] if value > 0 else " " for value in shown)
    return "".join(bars).rjust(width)
