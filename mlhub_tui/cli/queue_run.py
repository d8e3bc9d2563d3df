"""Runs the queue in a command: the transfers of a `download`, or all of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

import click

from .. import paths, queue, sample
from ..auth import Credentials
from ..errors import AccessDenied, MLHubException, TargetBusy
from ..http.errors import COMMAND_RETRIES, NO_KEY_SENT
from ..planning.requests import CHOOSE_KEYS, DatasetRequest, DownloadRequest
from ..planning.resolver import Resolver
from ..queue.job import IDLE_STATES, Job, JobState
from ..queue.run_job import credentials_for, open_for_job
from ..queue.runner import EngineConfig, RunnerKind, transfer_config
from ..queue.service import QueueService
from ..text import count, one_line
from .failures import FAILED, NO_CREDENTIALS, USAGE, exit_code, report
from .printing import given, news, note
from .progress import Lines, Reporter, reporter

if TYPE_CHECKING:
    from ..sources.base import Source

_REDRAW, _LOOK = 0.25, 0.02  # seconds between two drawings, and between two looks whether all is done
_PAUSE_LIMIT = 1.0
_LOG_BYTES, _LOG_FILES = 1_000_000, 3
_CODES_OF_HINTS = {
    CHOOSE_KEYS: USAGE,
    **dict.fromkeys((AccessDenied.default_hint, NO_KEY_SENT), NO_CREDENTIALS),
}
_ENDED = (JobState.DONE, JobState.CANCELLED)
_HIGHEST = 127  # above it the codes of signals, whose own words are the last
_CODES = {JobState.DONE: 0, JobState.NEEDS_KEY: NO_CREDENTIALS}


async def transfer(requests: Sequence[DownloadRequest], credentials: Credentials) -> int:
    """Fetch everything and return the exit code: 0, 1, 3, or 128 and the number of a signal.

    The queue is the app's own, so that what is interrupted here can be resumed there and the other way round;
    jobs that others put into it are left alone.
    """

    async def opened(request: DownloadRequest) -> Source:
        return await open_for_job(request, lambda: credentials)

    run = _DownloadRun(
        reporter(),
        click.echo,
        opened,
        only_own=True,
        retries=COMMAND_RETRIES,
        config=transfer_config(given("first_byte_timeout")),
        kind=RunnerKind.COMMAND,
    )
    run.requests = requests
    code = await run.run()
    if code <= _HIGHEST and any(job.bytes_done and job.state not in _ENDED for job in run.jobs()):
        note("what arrived is saved: the same command fetches the rest")
    return code


async def run_queue(current: Credentials | None, *, until_empty: bool, background: bool) -> int:
    """Run the queue and return the exit code: 0, 1, 3, or 128 and the number of a signal.

    - `current`: The credentials for jobs that no profile goes with.
    - `until_empty`: End when there is nothing left to do; else only a signal ends it.
    - `background`: Whether it was detached: it writes a log instead of progress, survives a hang-up, and
      waits for room on the disk as long as it takes.
    """
    shared = sample.process.SampleOnDemand()

    async def opened(request: DownloadRequest) -> Source:
        return await open_for_job(request, lambda: credentials_for(request, current, shared.credentials))

    with contextlib.ExitStack() as stack:
        stack.callback(shared.stop)
        if not background:
            run = _WholeQueue(reporter(), click.echo, opened, kind=RunnerKind.RUNNER)
            run.until_empty = until_empty
            return await run.run()
        if (hang_up := getattr(signal, "SIGHUP", None)) is not None:
            signal.signal(hang_up, signal.SIG_IGN)
        log = stack.enter_context(open_log(current.secret if current else None))
        run = _WholeQueue(Lines(log.info), log.info, opened, kind=RunnerKind.BACKGROUND)
        # A background program is there for what takes long: it waits for room, others end.
        run.until_empty, run.at_rest = until_empty, IDLE_STATES - {JobState.NO_SPACE}
        try:
            code = await run.run()
        except Exception as error:
            log.error(f"ended by {type(error).__name__}: {error}")
            raise
        log.info(f"ends with {code}")
        return code


class _Run(ABC):
    """Runs the queue until its work is done or a signal comes, and shows its jobs meanwhile.

    `say` takes the path of each file that is whole, `opened` returns the source of a job, and `options` are
    those of the queue service.
    """

    cancelled = FAILED
    """The exit code of a job that somebody cancels."""

    def __init__(
        self,
        shown: Reporter,
        say: Callable[[str], object],
        opened: Callable[[DownloadRequest], Awaitable[Source]],
        **options: Unpack[EngineConfig],
    ) -> None:
        self._reporter, self._say = shown, say
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._signal: int | None = None
        self._notice = ""
        self._finished: set[int] = set()
        self.codes: dict[int, int] = {}
        self.queue = QueueService(paths.queue(), Resolver(opened), on_change=self._wake, **options)

    async def run(self) -> int:
        """Run to the end and return the exit code."""
        self._listen()
        self.queue.start()
        try:
            await self.queue.add_many([])  # raises, once, if the queue cannot be opened
            await self.begin()
            while self._signal is None:
                self._changed.clear()
                await self._pass_on_notice()
                self._show()
                if self.is_done():
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), timeout=1.0)
                await self._pause()
            self._show()
            if self._signal is None:
                return max(self.codes.values(), default=0)
            words = await self.interrupted()
        finally:
            self._reporter.clear()
            await asyncio.to_thread(self.queue.stop)
        with contextlib.suppress(OSError):  # a terminal that hung up
            click.echo(words, err=True)
        return 128 + self._signal

    @abstractmethod
    async def begin(self) -> None:
        """Do what comes first."""

    @abstractmethod
    def jobs(self) -> list[Job]:
        """Return the jobs that this run is about."""

    @abstractmethod
    def is_done(self) -> bool:
        """Whether nothing is left to do."""

    @abstractmethod
    async def interrupted(self) -> str:
        """Prepare the end after a signal, and return what it means for the user."""

    def _show(self) -> None:
        """Show the jobs, and give out the paths of those that are done."""
        jobs = self.jobs()
        self._reporter.update(jobs)
        for job in jobs:
            if job.state not in IDLE_STATES:
                self._finished.discard(job.id)
                self.codes[job.id] = 0
            elif job.id not in self._finished:
                self._finished.add(job.id)
                cancelled = job.state is JobState.CANCELLED
                code = _CODES_OF_HINTS.get(job.hint) or _CODES.get(job.state, FAILED)
                self.codes[job.id] = self.cancelled if cancelled else code
                self._reporter.clear()
                for place in _places(job) if job.state is JobState.DONE else ():
                    self._say(place)

    async def _pause(self) -> None:
        """Wait until it is time to draw again, or at an end: nobody waits for a display of what is done."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REDRAW):
                while self._signal is None and not self.is_done():
                    await asyncio.sleep(_LOOK)
                    await self._changed.wait()
                    self._changed.clear()

    def _listen(self) -> None:
        """End in order at a signal, instead of being killed; nohup's SIGHUP stays ignored."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                self._loop.add_signal_handler(number, self._stop, int(number))

    def _stop(self, number: int) -> None:
        self._signal = number
        self._changed.set()

    def _wake(self) -> None:
        """Look again, in the scheduler's thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def _pass_on_notice(self) -> None:
        """Pass on the notices of the queue; a scheduler that ended raises its DownloadError."""
        if self.queue.notice != self._notice:
            self._notice = self.queue.notice
            if self._notice:
                self._reporter.clear()
                note(self._notice)
            await self.queue.add_many([])


class _DownloadRun(_Run):
    """The transfers of one command; jobs of others in the queue are not touched."""

    requests: Sequence[DownloadRequest] = ()
    _ids: Sequence[int] = ()

    async def begin(self) -> None:
        """Queue the requests; report those that cannot be queued and queue the others."""
        ids = []
        for number, request in enumerate(self.requests):
            try:
                job = await self.queue.add(request)
                _refuse_another(job, request)
                ids.append(job.id)
            except MLHubException as error:
                report(error)
                self.codes[-1 - number] = exit_code(error)
        self._ids = ids

    def jobs(self) -> list[Job]:
        known = {job.id: job for job in self.queue.snapshot()}
        return [known[job_id] for job_id in self._ids if job_id in known]

    def is_done(self) -> bool:
        return all(job.state in IDLE_STATES for job in self.jobs())

    async def interrupted(self) -> str:
        """Pause what is not done, with its parts."""
        left = [job for job in self.jobs() if job.state not in IDLE_STATES and not job.elsewhere]
        with contextlib.suppress(TimeoutError, MLHubException):
            async with asyncio.timeout(_PAUSE_LIMIT):
                for job in left:
                    await self.queue.pause(job.id)
        return (
            f"interrupted: the progress of {count(len(left), 'transfer')} is saved\n"
            "  give the command again to resume, or resume in the app"
        )


def _refuse_another(job: Job, request: DownloadRequest) -> None:
    """Raise TargetBusy where something else of a dataset is under way to the same folder."""
    known = job.request
    if isinstance(known, DatasetRequest) and isinstance(request, DatasetRequest):
        wanted = replace(request, folder=known.folder, request_id=known.request_id, title=known.title)
        if wanted != known:
            words = f"another download of {one_line(known.dataset_id, 80)} to this folder is under way"
            raise TargetBusy(words, hint=f"wait until it is done, or `mlhub-tui queue cancel {job.id}`")


def _places(job: Job) -> Sequence[str]:
    """Return what is whole: a file, or the folders of a dataset, which may be URLs."""
    request = job.request
    if isinstance(request, DatasetRequest):
        catalog = [] if request.collections else [job.place]
        assets = [] if request.filters.catalog_only else [request.asset_place]
        return list(dict.fromkeys([*catalog, *assets]))
    return [job.place]


class _WholeQueue(_Run):
    """All of the queue, without the app."""

    cancelled = 0
    until_empty = False
    at_rest = IDLE_STATES
    _waited_for: frozenset[str] = frozenset()

    async def begin(self) -> None:
        """Resume what was waiting for a key, which may be there now."""
        self._old = {job.id for job in self.queue.snapshot() if job.state in IDLE_STATES}
        for job in self._ours():
            if job.state is JobState.NEEDS_KEY:
                await self.queue.resume(job.id)

    def jobs(self) -> list[Job]:
        """Return the jobs that are worked on here; what came to rest before, or elsewhere, is old news."""
        for job in self.queue.snapshot():
            if job.elsewhere:
                # And when its program has ended, what that one finished is nobody's, but not our work.
                self._old.add(job.id)
            elif job.state not in IDLE_STATES:
                self._old.discard(job.id)
        return [job for job in self._ours() if job.id not in self._old]

    def is_done(self) -> bool:
        """Whether nothing is left to do, here or in other programs; which those are is noted once.

        If one of them ends, its jobs are taken over here.
        """
        if not self.until_empty or not all(job.state in self.at_rest for job in self._ours()):
            return False
        jobs = self.queue.snapshot()
        others = frozenset(job.where for job in jobs if job.elsewhere and job.state not in IDLE_STATES)
        if others - self._waited_for:
            self._waited_for |= others
            self._reporter.clear()
            news(f"waits for transfers that other programs run ({', '.join(sorted(others))})")
        return not others

    async def interrupted(self) -> str:
        left = sum(job.state not in IDLE_STATES for job in self._ours())
        return (
            f"stopped: the progress of {count(left, 'transfer')} is saved\n"
            "  `mlhub-tui queue run` or the app resumes it"
        )

    def _ours(self) -> list[Job]:
        return [job for job in self.queue.snapshot() if not job.elsewhere]


@contextlib.contextmanager
def open_log(key: str | None) -> Iterator[logging.Logger]:
    """Give a logger that writes to `log/queue.log` in MLHUB_HOME; where that fails, one that writes nowhere.

    The `key` in use is cut out of whatever is written, as all that profiles and environment hold.
    """
    from ..debug import file_handler  # no download needs to load it

    log = logging.Logger("mlhub_tui.queue", logging.INFO)
    handler = (
        file_handler(queue.background.log_file(), [key], most=_LOG_BYTES, files=_LOG_FILES)
        or logging.NullHandler()
    )
    log.addHandler(handler)
    log.info("starts")
    try:
        yield log
    finally:
        handler.close()
