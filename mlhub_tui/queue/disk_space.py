"""Disk space: what the queue has promised of it, and when a job that lacked it may be tried again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping

from .. import fileio
from ..errors import DownloadError
from ..transfer.config import TransferProgress
from .job import ACTIVE_STATES, Job, JobState

_LEAST = 1 << 20  # bytes that have to be free for a file of unknown size
_LONGEST = 600.0


def reserved(job: Job, jobs: Iterable[Job], running: Mapping[int, TransferProgress]) -> int:
    """Return the bytes of a job's disk that others have a right to before it.

    These are the rest of what runs, here or in another program, and all of what waits before it in the
    queue, as far as the sizes are known. `running` has what runs in this program.
    """
    device = functools.cache(fileio.device)
    total = 0
    for other in jobs:
        if other.id == job.id or other.state.finished:
            continue
        live = running.get(other.id)
        ahead = other.state in (JobState.QUEUED, JobState.RETRYING) and other.position < job.position
        if live is None and not ahead and not (other.elsewhere and other.state in ACTIVE_STATES):
            continue
        size = live.reserved if live is not None else other.bytes_total or 0
        done = (live.done if live is not None else 0) or other.bytes_done
        if size > done and device(other.disk) == device(job.disk):
            total += size - done
    return total


def has_space(job: Job, jobs: Iterable[Job], running: Mapping[int, TransferProgress]) -> bool:
    """Return whether the disk has what a job still needs, beside what others were promised; may block."""
    size = job.bytes_total or job.request.size or 0
    promised = reserved(job, jobs, running)
    try:
        fileio.check_free_space(job.disk, max(size - job.bytes_done, _LEAST), reserved=promised)
    except DownloadError:
        return False
    return True


class DiskSpaceWaiters:
    """The jobs that wait for disk space: checked each `every` seconds, less often where that did not help."""

    def __init__(self, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._glance = 0.0
        self._next: dict[int, float] = {}
        self._pause: dict[int, float] = {}

    def due(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs whose disk is to be checked now."""
        now, due = self._clock(), list[Job]()
        if now < self._glance:
            return due
        self._glance = now + min(self._every, 1.0)
        for job in jobs:
            if job.state is JobState.NO_SPACE:
                pause = self._pause.setdefault(job.id, self._every)
                if now >= self._next.setdefault(job.id, now + pause):
                    self._next[job.id] = now + pause
                    due.append(job)
            else:
                self._next.pop(job.id, None)
                if job.state.finished:
                    self._pause.pop(job.id, None)
        return due

    def released(self, job: Job) -> None:
        """Take note that a job is queued again; should it come back, it waits twice as long (quotas lie)."""
        self._next.pop(job.id, None)
        self._pause[job.id] = min(self._pause.get(job.id, self._every) * 2, _LONGEST)
