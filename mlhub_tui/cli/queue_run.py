"""Runs the queue in a command: the transfers of a `download`, or all of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import StringIO
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

import click

from .. import paths
from ..auth import Credentials
from ..debug import Clean
from ..errors import MLHubException, TargetBusy
from ..http.retry import COMMAND_RETRIES
from ..planning.requests import DatasetRequest, DownloadRequest
from ..planning.resolver import Resolver
from ..queue.background import log_file
from ..queue.job import IDLE_STATES, Job, JobState
from ..queue.run_job import credentials_for, open_for_job
from ..queue.runner import EngineConfig, RunnerKind, transfer_config
from ..queue.service import QueueService
from ..sample.on_demand import SampleOnDemand
from ..storage import make_private_folder
from ..text import count, one_line
from .failures import FAILED, NO_CREDENTIALS, exit_code, report
from .printing import given, note
from .progress import Lines, Reporter, reporter

if TYPE_CHECKING:
    from ..sources.base import Source

_REDRAW = 0.25
_PAUSE_LIMIT = 1.0
_LOG_BYTES, _LOG_FILES = 1_000_000, 3
_CODES = {JobState.DONE: 0, JobState.NEEDS_KEY: NO_CREDENTIALS}


async def transfer(requests: Sequence[DownloadRequest], credentials: Credentials) -> int:
    """Fetch everything and return the exit code: 0, 1, 3, or 128 and the number of a signal.

    The queue is the app's own, so that what is interrupted here can be resumed there and the other way round;
    jobs that others put into it are left alone.
    """
    return await _Download(requests, credentials).run()


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
        return await _WholeQueue(current, until_empty, RunnerKind.RUNNER, reporter(), click.echo).run()
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None:
        signal.signal(hang_up, signal.SIG_IGN)
    with open_log(current.api_key if current else None) as log:
        shown = Lines(_LogStream(log))
        try:
            code = await _WholeQueue(current, until_empty, RunnerKind.BACKGROUND, shown, log.info).run()
        except Exception as error:
            log.error(f"ended by {type(error).__name__}: {error}")
            raise
        log.info(f"ends with {code}")
    return code


class _Run:
    """Runs a queue service until its work is done or a signal comes, and shows its jobs meanwhile.

    `say` takes the path of each file that is whole.
    """

    def __init__(self, shown: Reporter, say: Callable[[str], object]) -> None:
        self._reporter, self._say = shown, say
        self._changed = asyncio.Event()
        self._signal: int | None = None
        self._notice = ""

    async def run(self) -> int:
        """Run to the end and return the exit code."""
        self._listen()
        queue = self._service()
        queue.start()
        try:
            await queue.add_many([])  # raises, once, if the queue cannot be opened
            await self.begin(queue)
            while self._signal is None:
                self._changed.clear()
                await self._pass_on(queue)
                self.show(queue)
                if self.is_done(queue):
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), timeout=1.0)
                if self._signal is None:
                    await asyncio.sleep(_REDRAW)
            self.show(queue)
            if self._signal is None:
                return self.code(queue)
            words = await self.interrupted(queue)
        finally:
            self._reporter.clear()
            await asyncio.to_thread(queue.stop)
            await asyncio.to_thread(self.close)
        with contextlib.suppress(OSError):  # a terminal that hung up
            click.echo(words, err=True)
        return 128 + self._signal

    def service_options(self) -> EngineConfig:
        """Return how the queue service is run."""
        raise NotImplementedError

    async def open(self, request: DownloadRequest) -> Source:
        """Return the open source of a job."""
        raise NotImplementedError

    async def begin(self, queue: QueueService) -> None:
        """Do what comes first."""
        raise NotImplementedError

    def show(self, queue: QueueService) -> None:
        """Show the jobs, and give out the paths of those that are done."""
        raise NotImplementedError

    def is_done(self, queue: QueueService) -> bool:
        """Whether nothing is left to do."""
        raise NotImplementedError

    def code(self, queue: QueueService) -> int:
        """Return the exit code of a run that no signal ended."""
        raise NotImplementedError

    async def interrupted(self, queue: QueueService) -> str:
        """Prepare the end after a signal, and return what it means for the user."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what was started besides the queue."""

    def done(self, *places: str) -> None:
        """Give out the paths of whole files."""
        self._reporter.clear()
        for place in places:
            self._say(place)

    def _service(self) -> QueueService:
        loop = asyncio.get_running_loop()

        def changed() -> None:
            loop.call_soon_threadsafe(self._changed.set)

        options = self.service_options()
        return QueueService(paths.queue(), Resolver(self.open), on_change=changed, **options)

    def _listen(self) -> None:
        """End in order at a signal, instead of being killed; nohup's SIGHUP stays ignored."""
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._stop, int(number))

    def _stop(self, number: int) -> None:
        self._signal = number
        self._changed.set()

    async def _pass_on(self, queue: QueueService) -> None:
        """Pass on the notices of the queue; a scheduler that ended raises its DownloadError."""
        if queue.notice != self._notice:
            self._notice = queue.notice
            if self._notice:
                self._reporter.clear()
                note(self._notice)
            await queue.add_many([])


class _Download(_Run):
    """The transfers of one command; jobs of others in the queue are not touched."""

    def __init__(self, requests: Sequence[DownloadRequest], credentials: Credentials) -> None:
        super().__init__(reporter(), click.echo)
        self._requests, self._credentials = requests, credentials
        self._ids: list[int] = []
        self._printed: set[int] = set()
        self._worst = 0

    def service_options(self) -> EngineConfig:
        config = transfer_config(given("first_byte_timeout"))
        return {"only_own": True, "retries": COMMAND_RETRIES, "config": config}

    async def open(self, request: DownloadRequest) -> Source:
        return await open_for_job(request, lambda: self._credentials)

    async def begin(self, queue: QueueService) -> None:
        """Queue the requests; report those that cannot be queued and queue the others."""
        for request in self._requests:
            try:
                job = await queue.add(request)
                _refuse_another(job, request)
                self._ids.append(job.id)
            except MLHubException as error:
                report(error)
                self._worst = max(self._worst, exit_code(error))

    def show(self, queue: QueueService) -> None:
        jobs = self._mine(queue)
        self._reporter.update(jobs)
        for job in jobs:
            if job.state in IDLE_STATES and job.id not in self._printed:
                self._printed.add(job.id)
                self._worst = max(self._worst, _CODES.get(job.state, FAILED))
                if job.state is JobState.DONE:
                    self.done(*_places(job))

    def is_done(self, queue: QueueService) -> bool:
        return all(job.state in IDLE_STATES for job in self._mine(queue))

    def code(self, queue: QueueService) -> int:
        return self._worst

    async def interrupted(self, queue: QueueService) -> str:
        """Pause what is not done, with its parts."""
        left = [job for job in self._mine(queue) if job.state not in IDLE_STATES and not job.elsewhere]
        with contextlib.suppress(TimeoutError, MLHubException):
            async with asyncio.timeout(_PAUSE_LIMIT):
                for job in left:
                    await queue.pause(job.id)
        return (
            f"interrupted: the progress of {count(len(left), 'transfer')} is saved\n"
            "  give the command again to resume, or resume in the app"
        )

    def _mine(self, queue: QueueService) -> list[Job]:
        known = {job.id: job for job in queue.snapshot()}
        return [known[job_id] for job_id in self._ids if job_id in known]


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

    def __init__(
        self,
        current: Credentials | None,
        until_empty: bool,
        kind: RunnerKind,
        shown: Reporter,
        say: Callable[[str], object],
    ) -> None:
        super().__init__(shown, say)
        self._current, self._until_empty, self._kind = current, until_empty, kind
        self._house = SampleOnDemand()
        self._old: set[int] = set()
        self._printed: set[int] = set()
        self._codes: dict[int, int] = {}
        self._waited_for: set[str] = set()
        # A background program is there for what takes long: it waits for room, others end.
        self._rest = IDLE_STATES - {JobState.NO_SPACE} if kind is RunnerKind.BACKGROUND else IDLE_STATES

    def service_options(self) -> EngineConfig:
        return {"kind": self._kind}

    async def open(self, request: DownloadRequest) -> Source:
        return await open_for_job(
            request, lambda: credentials_for(request, self._current, self._house.credentials)
        )

    async def begin(self, queue: QueueService) -> None:
        """Resume what was waiting for a key, which may be there now."""
        self._old.update(job.id for job in queue.snapshot() if job.state in IDLE_STATES)
        for job in self._ours(queue):
            if job.state is JobState.NEEDS_KEY:
                await queue.resume(job.id)

    def is_done(self, queue: QueueService) -> bool:
        """Whether nothing is left to do, here or in other programs; which those are is noted once.

        If one of them ends, its jobs are taken over here.
        """
        if not self._until_empty or not all(job.state in self._rest for job in self._ours(queue)):
            return False
        others = {job.where for job in queue.snapshot() if job.elsewhere and job.state not in IDLE_STATES}
        if others - self._waited_for:
            self._waited_for |= others
            self._reporter.clear()
            note(f"waits for transfers that other programs run ({', '.join(sorted(others))})")
        return not others

    def show(self, queue: QueueService) -> None:
        """Show the jobs that are worked on here; what came to rest before, or elsewhere, is old news."""
        for job in queue.snapshot():
            if job.elsewhere:
                # And when its program has ended, what that one finished is nobody's, but not our work.
                self._old.add(job.id)
            elif job.state not in IDLE_STATES:
                self._old.discard(job.id)
                self._printed.discard(job.id)
        mine = [job for job in self._ours(queue) if job.id not in self._old]
        self._reporter.update(mine)
        for job in mine:
            stuck = job.state in IDLE_STATES and job.state is not JobState.CANCELLED
            self._codes[job.id] = _CODES.get(job.state, FAILED) if stuck else 0
            if job.state is JobState.DONE and job.id not in self._printed:
                self._printed.add(job.id)
                self.done(job.place)

    def code(self, queue: QueueService) -> int:
        return max(self._codes.values(), default=0)

    async def interrupted(self, queue: QueueService) -> str:
        left = sum(job.state not in IDLE_STATES for job in self._ours(queue))
        return (
            f"stopped: the progress of {count(left, 'transfer')} is saved\n"
            "  `mlhub-tui queue run` or the app resumes it"
        )

    def close(self) -> None:
        self._house.stop()

    def _ours(self, queue: QueueService) -> list[Job]:
        return [job for job in queue.snapshot() if not job.elsewhere]


@contextlib.contextmanager
def open_log(key: str | None) -> Iterator[logging.Logger]:
    """Give a logger that writes to `log/queue.log` in MLHUB_HOME; where that fails, one that writes nowhere.

    The `key` in use is cut out of whatever is written, as all that profiles and environment hold.
    """
    log = logging.Logger("mlhub_tui.queue", logging.INFO)
    handler: logging.Handler
    try:
        make_private_folder(log_file().parent)
        handler = RotatingFileHandler(
            log_file(), maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
        )
        log_file().chmod(0o600)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(Clean([key]))
    log.addHandler(handler)
    log.info("starts")
    try:
        yield log
    finally:
        handler.close()


class _LogStream(StringIO):
    """A stream whose lines are records of a log."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._log.info(line)
        return len(text)
