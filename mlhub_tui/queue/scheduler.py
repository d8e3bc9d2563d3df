"""The engine: one thread with its own event loop that decides what runs, and keeps the record of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import fileio, text
from ..http.retry import QUEUE_RETRIES, RetryPolicy
from ..planning.job_context import JobContext
from ..planning.requests import DatasetRequest
from ..planning.resolver import Resolver
from ..threads import in_thread
from ..transfer.checksums import digests_to_text
from ..transfer.config import DownloadResult, RateEstimator, TransferConfig, TransferPhase, TransferProgress
from ..transfer.failures import Failure, FailureAction, FailureCounter, judge
from ..transfer.limits import SharedLimits
from . import disk_space, event_messages
from .active_transfer import ActiveTransfer
from .connectivity import NO_NETWORK, ConnectivityMonitor, heard
from .job import ACTIVE_STATES, Job, JobState
from .job_progress import numbers
from .job_table import JobTable
from .ledger import Ledger
from .limiter import ConcurrencyLimiter
from .process import Process, RunnerKind, place
from .run_job import run_job
from .settings import transfer_config

_BEAT, _IDLE_BEAT = 2.0, 20.0  # looks between two notes of progress and life, for other programs
_ADOPT = 5.0
_TRIES = 6  # of a file among many


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How a queue is run; see `queue.DownloadQueue`."""

    path: Path
    resolver: Resolver
    concurrency: int | None = None
    per_host: int | None = None
    only_own: bool = False
    retries: RetryPolicy = QUEUE_RETRIES
    config: TransferConfig = field(default_factory=transfer_config)
    look: float = 0.5
    tls: ssl.SSLContext | None = None
    identity: Process | None = None
    kind: RunnerKind = RunnerKind.APP
    room_every: float = 10.0


class Scheduler:
    """Runs jobs, so many at a time, in the order of the queue. All of it belongs to one event loop.

    Parameters
    ----------
    setup
        What it is told.
    board
        Where it shows what it does.
    announce
        Called when something changed, in the engine's thread.

    Attributes
    ----------
    obey
        Carries out what other programs ask for; called before anything is started.
    """

    def __init__(self, setup: EngineConfig, board: JobTable, announce: Callable[[], None]) -> None:
        self._setup = setup
        self._board = board
        self._announce = announce
        self.ledger = Ledger(setup.path, board, setup.identity, setup.kind)
        self._limits = SharedLimits()
        retries = replace(setup.retries, tries=min(setup.retries.tries or _TRIES, _TRIES))
        self._kit = JobContext(
            setup.resolver, self.ledger.journal, setup.config, setup.tls, self._limits, retries
        )
        self._every = setup.look
        self._places = ConcurrencyLimiter(setup.concurrency, setup.per_host)
        self._loop = asyncio.get_running_loop()
        self.obey: Callable[[], Awaitable[None]] | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: dict[int, ActiveTransfer] = {}
        self._due: dict[int, float] = {}
        self._budgets: dict[int, FailureCounter] = {}
        self._wanted: set[int] = set()
        self._room_lock = threading.Lock()
        self._network = ConnectivityMonitor(setup.retries)
        self._roomless = disk_space.DiskSpaceWaiters(setup.room_every)
        self._room_task: asyncio.Task[None] | None = None
        self._beaten = self._looked = self._adopted = self._told = 0.0
        self._untold = False
        self._where = place(self.ledger.store.identity, setup.kind)
        self._waiting: list[asyncio.Future[None]] = []

    async def run(self) -> None:
        """Work until told to stop, then put everything where the next start finds it."""
        self.ledger.load(adopt=not self._setup.only_own)
        self.heed()
        self._tell()
        try:
            async with asyncio.TaskGroup() as group:
                while not self._stopping:
                    self._queue_due()
                    if self.obey is not None:
                        await self.obey()
                    self._start(group)
                    await self._pause_until_news()
                    self._look()
                for running in self._running.values():
                    if running.task is not None:
                        running.task.cancel()
        finally:
            self.ledger.leave(job for job in self._board.snapshot() if self._interrupted(job))
            self._tell()

    def stop(self) -> None:
        """Make `run` end."""
        self._stopping = True
        self._wake.set()

    def heed(self) -> None:
        """Follow the settings, in the transfers that run too; those beyond the places end in their own time.

        Programs that fetch at the same time share the speed limit in equal parts.
        """
        settings = self.ledger.settings
        self._limits.connections = settings.connections
        rate: float | None = settings.limit
        if rate is not None:
            jobs = self._board.snapshot()
            rate /= 1 + len(
                {job.where for job in jobs if job.elsewhere and job.state is JobState.DOWNLOADING}
            )
        if rate != self._limits.bandwidth.rate:
            self._limits.bandwidth.set_rate(rate)

    def wake(self) -> None:
        """Make it look again at what there is to do."""
        self._wake.set()
        self._tell()

    async def news(self) -> None:
        """Wait until something changes."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        await future

    def _tell(self) -> None:
        """Announce a change now, and all progress with it."""
        self._told, self._untold = time.monotonic(), False
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        self._announce()

    def want(self, job_ids: Iterable[int]) -> None:
        """Take note of jobs that were asked for here, to be adopted should their program go."""
        self._wanted.update(job_ids)

    def forget_failures(self, job_ids: Iterable[int]) -> None:
        """Begin anew with the patience for jobs that somebody looked at."""
        for job_id in job_ids:
            self._budgets.pop(job_id, None)
            self._due.pop(job_id, None)

    async def interrupt(self, job_ids: Iterable[int], *, wait: bool = False) -> None:
        """End the transfers of jobs whose state says so already."""
        tasks = [r.task for i in job_ids if (r := self._running.get(i)) is not None and r.task is not None]
        for task in tasks:
            task.cancel()
        if tasks and wait:
            await asyncio.wait(tasks)

    def _interrupted(self, job: Job) -> bool:
        return job.id in self.ledger.ours and job.state.running

    def _queue_due(self) -> None:
        now = self._loop.time()
        for job_id in [job_id for job_id, due in self._due.items() if due <= now]:
            del self._due[job_id]
            self.ledger.move(job_id, JobState.QUEUED, "", next_try=None)

    def _start(self, group: asyncio.TaskGroup) -> None:
        """Start what there are places for."""
        if not self._places.free(self.ledger.settings, len(self._running)):
            return
        jobs = self._board.snapshot()
        allowed = self._network.allowed(job for job in jobs if job.id in self.ledger.ours)

        def start(job: Job) -> bool:
            mine = job.id in self.ledger.ours and job.id not in self._running
            return mine and (allowed is None or job.id in allowed) and self._begin(group, job)

        here = [(job, run.live.host) for i, run in self._running.items() if (job := self._board.get(i))]
        hosts = [self._places.host_of(job, host) for job, host in here]
        self._places.fill(self.ledger.settings, jobs, hosts, start)

    def _begin(self, group: asyncio.TaskGroup, job: Job) -> bool:
        place = f"starts {self._where}"
        if self.ledger.move(job.id, JobState.CONNECTING, place, hint="") is None:
            return False
        self._network.started(job)
        live = TransferProgress(self._on_phase)
        running = self._running[job.id] = ActiveTransfer(live, functools.partial(self.ledger.tell, job.id))
        running.task = group.create_task(self._work(job, live), name=job.name)
        running.task.add_done_callback(functools.partial(self._ended, job.id))
        self._tell()
        return True

    def _on_phase(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended first
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _pause_until_news(self) -> None:
        timeout = self._every
        if self._due:
            timeout = min(timeout, max(0.0, min(self._due.values()) - self._loop.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
        self._wake.clear()

    async def _work(self, job: Job, live: TransferProgress) -> None:
        """Run one try of one job; whatever comes of it becomes its state."""
        try:
            outcome = await run_job(job.request, self._kit, live, functools.partial(self._room, job))
        except asyncio.CancelledError:
            if live.committed is not None:  # too late: the file is whole and has its name
                self._done(job, live, DownloadResult(job.path, live.committed, fetched=True))
            raise
        except Exception as error:
            failures = self._budgets.setdefault(job.id, FailureCounter(job.bytes_done)).failed(live.done)
            judged = judge(error, failures, self._setup.retries, job.path)
            if judged.action is FailureAction.FAILED and isinstance(job.request, DatasetRequest):
                from ..planning.dataset_job import report_unfetched  # needed by datasets alone

                await report_unfetched(job.request, error)
            self._failed(job, live, error, judged, failures)
        else:
            self._done(job, live, outcome)

    def _ended(self, job_id: int, _: asyncio.Task[None]) -> None:
        """Free the place of a transfer; a task may end without having begun, so not in `_work`."""
        self._running[job_id].hear()
        del self._running[job_id]
        self._network.ended(job_id)
        self._wake.set()
        self._tell()

    def _done(self, job: Job, live: TransferProgress, outcome: DownloadResult) -> None:
        self._budgets.pop(job.id, None)
        if outcome.fetched:
            self._heard(job)
        reason = outcome.note or ("" if outcome.fetched else "already there")
        sums = digests_to_text(outcome.checksums)
        size = {"bytes_done": outcome.size, "bytes_total": outcome.size}
        ends = numbers(live, job) | size | {"sums": sums}
        told = self._running[job.id].end(outcome)
        self.ledger.move(job.id, JobState.DONE, told, reason=reason, hint="", tries=0, next_try=None, **ends)

    def _failed(
        self, job: Job, live: TransferProgress, error: Exception, judged: Failure, failures: int
    ) -> None:
        if heard(error):
            self._heard(job)
        held = self._network.failed(job, error, alive=self._hears_anything())
        if held is not None and judged.action is FailureAction.RETRYING:
            judged = replace(judged, reason=f"{NO_NETWORK}: {judged.reason}", delay=held)
            self._say_of_waiting("waits for the network")
        next_try = None if judged.delay is None else time.time() + judged.delay
        self._running[job.id].hear()
        moved = self.ledger.move(
            job.id,
            JobState(judged.action),
            event_messages.failed(error, judged, failures),
            reason=judged.reason,
            hint=judged.hint,
            tries=failures,
            next_try=next_try,
            **numbers(live, job),
        )
        if moved is not None and judged.delay is not None:
            self._due[job.id] = self._loop.time() + judged.delay

    def _hears_anything(self) -> bool:
        """Return whether bytes come from anywhere, just now."""
        lives = [running.live for running in self._running.values()]
        new = time.monotonic() - 2 * self._every
        return any(
            live.phase is TransferPhase.DOWNLOADING and live.done and live.last_byte > new for live in lives
        )

    def _heard(self, job: Job) -> None:
        """Take note that a server was heard: if the network was down, all goes on."""
        if self._network.worked(job):
            self._due = dict.fromkeys(self._due, self._loop.time())
            self._say_of_waiting("")
            self._wake.set()

    def _say_of_waiting(self, reason: str) -> None:
        """Say why the queued jobs wait, on the board only."""
        ours = [job for job in self._board.snapshot() if job.id in self.ledger.ours]
        waiting = [job for job in ours if job.state is JobState.QUEUED and not job.near]
        self._board.put(*(replace(job, reason=reason) for job in waiting))

    async def _release(self, jobs: Iterable[Job]) -> None:
        """Queue jobs that waited for room, and have it now."""
        for job in jobs:
            look = functools.partial(disk_space.has_room, job, self._board.snapshot(), self._lives())
            if await in_thread(look):
                self._roomless.released(job)
                self.ledger.move(job.id, JobState.QUEUED, event_messages.ROOM_AGAIN, reason="", hint="")
                self.wake()

    def _lives(self) -> dict[int, TransferProgress]:
        return {job_id: running.live for job_id, running in list(self._running.items())}

    def _look(self) -> None:
        """Bring the board up to date: progress, other programs, a sign of life."""
        for job_id, running in self._running.items():
            self._untold |= self._follow(job_id, running)
        changed, now = False, time.monotonic()
        beat = _BEAT if self._running or self.ledger.failing else _IDLE_BEAT
        if now - self._beaten >= beat * self._every:
            self._beaten = now
            jobs = [job for i in self._running if (job := self._board.get(i)) is not None]
            self.ledger.keep(job for job in jobs if job.state in ACTIVE_STATES)
        if now - self._looked >= self._every * 0.9:
            self._looked = now
            changed |= self.ledger.look()
            self.heed()
        waiting = self.ledger.orphans and not self._setup.only_own
        if waiting or now - self._adopted >= _ADOPT:
            self._adopted = now
            changed |= self.ledger.adopt(frozenset(self._wanted) if self._setup.only_own else None)
        roomless = self._roomless.due(job for job in self._board.snapshot() if job.id in self.ledger.ours)
        if roomless and (self._room_task is None or self._room_task.done()):
            self._room_task = asyncio.create_task(self._release(roomless))
        if changed or (self._untold and now - self._told >= self._every * 0.9):
            self._tell()

    def _follow(self, job_id: int, running: ActiveTransfer) -> bool:
        """Show how far a transfer is; return whether that changed."""
        job, live = self._board.get(job_id), running.live
        running.hear()
        if job is None or job.state not in ACTIVE_STATES:
            return False
        now = time.monotonic()
        hushed = (
            live.phase is TransferPhase.DOWNLOADING and now - live.last_byte > self._setup.config.quiet_time
        )
        state = JobState.STALLED if hushed else JobState(live.phase.value)
        if state is not job.state:
            reason = live.words or ("nothing comes at the moment" if hushed else "")
            moved = self.ledger.move(job_id, state, reason=reason)
            if moved is None:
                return True
            if state in (JobState.DOWNLOADING, JobState.VERIFYING):
                self._heard(job)
            if job.state is not JobState.STALLED:
                running.meter = RateEstimator(now, live.done)
            job = moved
            self._tell()
        running.meter.add(now, live.done)
        shown = replace(
            job,
            **numbers(live, job),
            reason=live.words or job.reason,
            rate=running.meter.rate if state is JobState.DOWNLOADING else None,
            eta=running.meter.eta(live.total) if state is JobState.DOWNLOADING else None,
            connections=live.connections if state in (JobState.DOWNLOADING, JobState.STALLED) else 0,
        )
        self._board.put(shown)
        return shown != job

    def _room(self, job: Job, needed: int, size: int) -> None:
        """Raise NoSpaceError if the disk has not what this and what runs or waits before it need.

        Called in the transfer's thread.
        """
        mine = self._running.get(job.id)
        with self._room_lock:
            others = disk_space.reserved(
                self._board.get(job.id) or job, self._board.snapshot(), self._lives()
            )
            fileio.check_free_space(job.disk, needed, reserved=others)
            if mine is not None:
                mine.live.reserved = size


def broken(error: BaseException) -> str:
    """Return a line for an engine that ended by an error nobody expected."""
    what = text.one_line(text.redact(f"{type(error).__name__}: {error}"), 200)
    return f"the download engine stopped: {what}; start the program again to go on"
