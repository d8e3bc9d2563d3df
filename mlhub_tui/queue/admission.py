"""Admission of queued jobs: limits of their number, space on their disks."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from .. import fileio
from ..errors import DownloadError
from ..transfer.config import TransferProgress
from .job import ACTIVE_STATES, Job, JobState
from .runner import QueueSettings

_LEAST = 1 << 20  # bytes that have to be free for a file of unknown size
_LONGEST = 600.0  # seconds between two checks of a disk


class ConcurrencyLimiter:
    """How many jobs run at a time in one program, in all and from one host.

    The jobs of other programs count too, but each program may run one whatever they do. `total` and
    `per_host` override the settings.
    """

    def __init__(self, total: int | None, per_host: int | None) -> None:
        self._total, self._per_host = total, per_host
        self._hosts: dict[str, str] = {}

    def total(self, settings: QueueSettings) -> int:
        """Return how many may run here at a time, if no other program runs any."""
        return settings.transfers if self._total is None else self._total

    def fill(
        self, settings: QueueSettings, jobs: Sequence[Job], mine: Sequence[str], start: Callable[[Job], bool]
    ) -> None:
        """Start queued jobs up to the limits.

        `jobs` are those of all programs in the order of the queue, `mine` the hosts of those that run here;
        `start` starts a job if it may, and returns whether it did.
        """
        per_host = settings.per_host if self._per_host is None else self._per_host
        theirs = [job for job in jobs if job.elsewhere and job.state in ACTIVE_STATES]
        busy = Counter((*mine, *map(self.host, theirs)))
        running, total = len(mine), max(self.total(settings) - len(theirs), 1)
        for job in jobs:
            if running >= total:
                return
            host = self.host(job)
            if job.state is JobState.QUEUED and (not running or busy[host] < per_host) and start(job):
                busy[host] += 1
                running += 1

    def host(self, job: Job, known: str = "") -> str:
        """Return where a job's bytes come from: `known` if it runs, else as of its source's last."""
        if known:
            self._hosts[job.request.source] = known
        return self._hosts.get(job.request.source, job.request.source)


def reserved_space(job: Job, jobs: Iterable[Job], running: Mapping[int, TransferProgress]) -> int:
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
    promised = reserved_space(job, jobs, running)
    try:
        fileio.check_free_space(job.disk, max(size - job.bytes_done, _LEAST), reserved=promised)
    except DownloadError:
        return False
    return True


class DiskSpaceWaiters:
    """The jobs that wait for disk space: checked each `every` seconds, less often where that did not help."""

    def __init__(self, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every, clock
        self._checks: dict[int, tuple[float, float]] = {}  # the time of the next one, and the pause between

    def due(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the jobs whose disk is to be checked now."""
        now, due = self._clock(), list[Job]()
        for job in jobs:
            if job.state is JobState.NO_SPACE:
                at, pause = self._checks.setdefault(job.id, (now + self._every, self._every))
                if now >= at:
                    self._checks[job.id] = now + pause, pause
                    due.append(job)
            elif job.state.finished:
                self._checks.pop(job.id, None)
        return due

    def released(self, job: Job) -> None:
        """Take note that a job is queued again; should it come back, it waits twice as long (quotas lie)."""
        pause = min(2 * self._checks.get(job.id, (0.0, self._every))[1], _LONGEST)
        self._checks[job.id] = self._clock() + pause, pause
