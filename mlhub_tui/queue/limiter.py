"""Which of the queued jobs may start now: so many at a time, in the order of the queue, and from one host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from .job import ACTIVE_STATES, Job, JobState
from .settings import QueueSettings


class ConcurrencyLimiter:
    """The places at work of one program.

    What other programs run counts too, but a program that runs nothing has one place whatever they do.

    Parameters
    ----------
    total, per_host
        Transfers at a time, and from one host, whatever the settings say; None to follow them.
    """

    def __init__(self, total: int | None, per_host: int | None) -> None:
        self._total, self._per_host = total, per_host
        self._hosts: dict[str, str] = {}

    def free(self, settings: QueueSettings, running: int) -> bool:
        """Return whether there may be a place beside so many that run here; cheap, unlike `fill`."""
        return running < (settings.transfers if self._total is None else self._total)

    def fill(
        self,
        settings: QueueSettings,
        jobs: Sequence[Job],
        mine: Sequence[str],
        start: Callable[[Job], bool],
    ) -> None:
        """Start jobs that wait, until all places are taken.

        Parameters
        ----------
        jobs
            Those of all programs, in the order of the queue.
        mine
            The hosts of those that run here.
        start
            Starts a job if it may; returns whether it did.
        """
        total = settings.transfers if self._total is None else self._total
        per_host = settings.per_host if self._per_host is None else self._per_host
        theirs = [job for job in jobs if job.elsewhere and job.state in ACTIVE_STATES]
        busy = Counter((*mine, *map(self.host, theirs)))
        running, total = len(mine), max(total - len(theirs), 1)
        for job in _queued(jobs):
            if running >= total:
                return
            host = self.host(job)
            if (not running or busy[host] < per_host) and start(job):
                busy[host] += 1
                running += 1

    def host(self, job: Job) -> str:
        """Return where a job's bytes are: where those of its source were last."""
        return self._hosts.get(job.request.source, job.request.source)

    def host_of(self, job: Job, known: str) -> str:
        """Return where the bytes of a job that runs come from, if it is `known`, and remember it."""
        if known:
            self._hosts[job.request.source] = known
        return known or self.host(job)


def _queued(jobs: Iterable[Job]) -> Iterator[Job]:
    return (job for job in jobs if job.state is JobState.QUEUED)
