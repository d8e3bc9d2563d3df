"""The transfers that go on together: begun since the last time that nothing was left to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...queue.job import IDLE_STATES, Job, JobState
from .order import fraction


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
