"""Runs the queue without the app, in a terminal or in the background."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable

import click

from .. import paths
from ..auth import Credentials
from ..planning.requests import DownloadRequest
from ..planning.resolver import JobSource, SourceResolver
from ..queue.job import IDLE_STATES, Job, JobState
from ..queue.run_job import credentials_for, open_for_job
from ..queue.runner import RunnerKind
from ..queue.service import QueueService
from ..sample.on_demand import SampleOnDemand
from ..text import count, one_line
from .failures import FAILED, NO_CREDENTIALS
from .progress import Reporter, reporter
from .signals import listen

_REDRAW = 0.25
_CODES = {
    JobState.FAILED: FAILED,
    JobState.NO_SPACE: FAILED,
    JobState.PAUSED: FAILED,
    JobState.NEEDS_KEY: NO_CREDENTIALS,
}


async def run_queue(current: Credentials | None, *, until_empty: bool, background: bool) -> int:
    """Run the queue and return the exit code: 0, 1, 3, or 128 and the number of a signal.

    Parameters
    ----------
    current
        The credentials for jobs that no profile goes with.
    until_empty
        End when there is nothing left to do; else only a signal ends it.
    background
        Whether it was detached: it writes a log instead of progress, survives a hang-up, and waits for room
        on the disk as long as it takes.
    """
    if not background:
        return await _Run(current, until_empty, RunnerKind.RUNNER, reporter(), click.echo).run()
    from .queue_log import log_reporter, open_log

    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None:
        signal.signal(hang_up, signal.SIG_IGN)
    with open_log(current.api_key if current else None) as log:
        try:
            code = await _Run(current, until_empty, RunnerKind.BACKGROUND, log_reporter(log), log.info).run()
        except Exception as error:
            log.error(f"ended by {type(error).__name__}: {error}")
            raise
        log.info(f"ends with {code}")
    return code


class _Run:
    """The queue, and what is said of the jobs that this program runs.

    Parameters
    ----------
    say
        Takes the path of each file that is whole.
    """

    def __init__(
        self,
        current: Credentials | None,
        until_empty: bool,
        kind: RunnerKind,
        shown: Reporter,
        say: Callable[[object], None],
    ) -> None:
        self._current = current
        self._until_empty = until_empty
        self._kind = kind
        self._reporter = shown
        self._say = say
        self._house = SampleOnDemand()
        self._changed = asyncio.Event()
        self._signal: int | None = None
        self._old: set[int] = set()
        self._said: set[int] = set()
        self._worst: dict[int, int] = {}
        self._notice = ""
        self._waited_for: set[str] = set()
        # A background program is there for what takes long: it waits for room, others end.
        self._rest = IDLE_STATES - {JobState.NO_SPACE} if kind is RunnerKind.BACKGROUND else IDLE_STATES

    async def run(self) -> int:
        loop = asyncio.get_running_loop()

        def changed() -> None:
            loop.call_soon_threadsafe(self._changed.set)

        listen(self._stop)
        queue = QueueService(paths.queue(), SourceResolver(self._open), on_change=changed, kind=self._kind)
        queue.start()
        try:
            # A key may be there now that was missing the last time.
            await queue.add_many([])
            self._old.update(job.id for job in queue.snapshot() if job.state in IDLE_STATES)
            for job in self._ours(queue):
                if job.state is JobState.NEEDS_KEY:
                    await queue.resume(job.id)
            await self._watch(queue)
            self._report(queue)
        finally:
            self._reporter.clear()
            left = sum(job.state not in IDLE_STATES for job in self._ours(queue))
            await asyncio.to_thread(queue.stop)
            await asyncio.to_thread(self._house.stop)
        if self._signal is None:
            return max(self._worst.values(), default=0)
        with contextlib.suppress(OSError):  # a terminal that hung up
            click.echo(
                f"stopped: the progress of {count(left, 'transfer')} is saved\n"
                "  `mlhub-tui queue run` or the app resumes it",
                err=True,
            )
        return 128 + self._signal

    def _stop(self, number: int) -> None:
        self._signal = number
        self._changed.set()

    async def _open(self, request: DownloadRequest) -> JobSource:
        return await open_for_job(
            request, lambda: credentials_for(request, self._current, self._house.credentials)
        )

    async def _watch(self, queue: QueueService) -> None:
        """Show what goes on until there is nothing left to do, or a signal came."""
        while self._signal is None:
            self._changed.clear()
            await self._heed(queue)
            self._report(queue)
            if self._until_empty and self._is_empty(queue):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout=1.0)
            if self._signal is None:
                await asyncio.sleep(_REDRAW)

    def _is_empty(self, queue: QueueService) -> bool:
        """Return whether nothing is left to do, here or in other programs; who those are is said once.

        Should one of them go, what it was at is taken over here.
        """
        if not all(job.state in self._rest for job in self._ours(queue)):
            return False
        others = {job.where for job in queue.snapshot() if job.elsewhere and job.state not in IDLE_STATES}
        if others - self._waited_for:
            self._waited_for |= others
            self._reporter.clear()
            words = f"waits for transfers that other programs run ({', '.join(sorted(others))})"
            click.echo(f"note: {one_line(words)}", err=True)
        return not others

    def _ours(self, queue: QueueService) -> list[Job]:
        return [job for job in queue.snapshot() if not job.elsewhere]

    def _report(self, queue: QueueService) -> None:
        """Show the jobs that are worked on here; what came to rest before, or elsewhere, is old news."""
        for job in queue.snapshot():
            if job.elsewhere:
                # And when its program has ended, what that one finished is nobody's, but not our work.
                self._old.add(job.id)
            elif job.state not in IDLE_STATES:
                self._old.discard(job.id)
                self._said.discard(job.id)
        mine = [job for job in self._ours(queue) if job.id not in self._old]
        self._reporter.update(mine)
        for job in mine:
            self._worst[job.id] = _CODES.get(job.state, 0)
            if job.state is JobState.DONE and job.id not in self._said:
                self._said.add(job.id)
                self._reporter.clear()
                self._say(job.place)

    async def _heed(self, queue: QueueService) -> None:
        """Pass on what the queue says of itself; an engine that ended raises its DownloadError."""
        if queue.notice == self._notice:
            return
        self._notice = queue.notice
        if self._notice:
            self._reporter.clear()
            click.echo(f"note: {one_line(self._notice)}", err=True)
        await queue.add_many([])
