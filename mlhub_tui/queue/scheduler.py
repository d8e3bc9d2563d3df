"""Scheduler: the event loop that decides which jobs run, follows them, and records what becomes of them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Unpack

from .. import fileio
from ..concurrency import in_thread
from ..errors import DownloadError
from ..http.errors import QUEUE_RETRIES
from ..planning.resolver import JobContext, Resolver
from ..transfer.config import DownloadResult, TransferPhase, TransferProgress
from ..transfer.engine import SharedLimits
from .active_transfer import ActiveTransfer, RateEstimator, failure_message, progress_fields
from .job import ACTIVE_STATES, Job, JobState
from .job_store import JobStore
from .part_repository import digests_to_text
from .run_job import FailureCounter, judge, report_failed, run_job
from .runner import EngineConfig, RunnerKind, place, transfer_config

_BEAT, _IDLE_BEAT = 2.0, 20.0  # looks between two notes of progress and life, for other programs
_ADOPT = 5.0
_TRIES = 6  # of a file among many
_LEAST = 1 << 20  # bytes that have to be free for a file of unknown size
_LONGEST = 600.0  # seconds between two checks of a disk


class Scheduler:
    """Runs jobs, so many at a time, in the order of the queue. All of it belongs to one event loop.

    It shows the jobs in `store`, and calls `announce` in the loop's thread when something changed. `obey`
    carries out the commands of other programs, before anything is started.
    """

    def __init__(
        self,
        store: JobStore,
        resolver: Resolver,
        announce: Callable[[], None],
        obey: Callable[[], Awaitable[None]],
        **options: Unpack[EngineConfig],
    ) -> None:
        self.store, self._announce, self._obey = store, announce, obey
        self._log = store.repository.log
        self._place = place(store.repository.identity, options.get("kind", RunnerKind.APP))
        self._only_own = options.get("only_own", False)
        self._every = options.get("look", 0.5)
        self._retries = options.get("retries", QUEUE_RETRIES)
        self._config = options.get("config") or transfer_config()
        self._limits = SharedLimits()
        self._context = JobContext(
            resolver,
            store.repository.journal,
            self._config,
            options.get("tls"),
            self._limits,
            replace(self._retries, tries=min(self._retries.tries or _TRIES, _TRIES)),
        )
        self._transfers = options.get("transfers")
        self._hosts: dict[str, str] = {}
        self._without_space = DiskSpaceWaiters(options.get("room_every", 10.0))
        self._space_task: asyncio.Task[None] | None = None
        self._space_lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: dict[int, ActiveTransfer] = {}
        self._due: dict[int, float] = {}
        self._failures: dict[int, FailureCounter] = {}
        self._wanted: set[int] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._beaten = self._refreshed = self._adopted = self._announced = 0.0
        self._unannounced = False

    async def run(self) -> None:
        """Work until `stop`, then leave everything where the next start finds it."""
        self.store.load(adopt=not self._only_own)
        self.apply_settings()
        self._announce_now()
        try:
            async with asyncio.TaskGroup() as group:
                while not self._stopping:
                    self._queue_due()
                    await self._obey()
                    self._start_jobs(group)
                    await self._sleep()
                    self._update()
                await self.interrupt(list(self._running))
        finally:
            self.store.close()
            self._announce_now()

    def stop(self) -> None:
        """Make `run` end."""
        self._stopping = True
        self._wake.set()

    def wake(self) -> None:
        """Check again for jobs to start or stop."""
        self._wake.set()
        self._announce_now()

    async def changed(self) -> None:
        """Wait until something changes."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        await future

    def apply_settings(self) -> None:
        """Apply the settings, also to the transfers that run; those beyond the limit end in their own time.

        Programs that fetch at the same time share the speed limit in equal parts.
        """
        settings = self.store.settings
        self._limits.connections = settings.connections
        rate: float | None = settings.limit
        if rate is not None:
            others = [job for job in self.store.snapshot() if job.elsewhere]
            rate /= 1 + len({job.where for job in others if job.state is JobState.DOWNLOADING})
        if rate != self._limits.bandwidth.rate:
            self._limits.bandwidth.set_rate(rate)

    def want(self, job_ids: Iterable[int]) -> None:
        """Remember jobs that were added here, to be adopted should their program go."""
        self._wanted.update(job_ids)

    def forget_failures(self, job_ids: Iterable[int]) -> None:
        """Reset the failure counts of jobs that a person acted on."""
        for job_id in job_ids:
            self._failures.pop(job_id, None)
            self._due.pop(job_id, None)

    async def interrupt(self, job_ids: Iterable[int], *, wait: bool = False) -> None:
        """End the transfers of jobs whose state says so already."""
        tasks = [r.task for i in job_ids if (r := self._running.get(i)) is not None and r.task is not None]
        for task in tasks:
            task.cancel()
        if tasks and wait:
            await asyncio.wait(tasks)

    def _announce_now(self) -> None:
        """Announce a change now, and all progress with it."""
        self._announced, self._unannounced = time.monotonic(), False
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        self._announce()

    # Start

    def _queue_due(self) -> None:
        now = self._loop.time()
        for job_id in [job_id for job_id, due in self._due.items() if due <= now]:
            del self._due[job_id]
            self.store.move(job_id, JobState.QUEUED, "", next_try=None)

    def _start_jobs(self, group: asyncio.TaskGroup) -> None:
        """Start queued jobs up to the limits, in all and from one host.

        The jobs of other programs count too, but each program may run one whatever they do.
        """
        settings = self.store.settings
        most = settings.transfers if self._transfers is None else self._transfers
        if len(self._running) >= most:
            return  # before thousands of jobs are looked at
        jobs = self.store.snapshot()
        here = [job for job_id in self._running if (job := self.store.get(job_id))]
        theirs = [job for job in jobs if job.elsewhere and job.state in ACTIVE_STATES]
        busy = Counter(map(self._host, (*here, *theirs)))
        most = max(most - len(theirs), 1)
        for job in jobs:
            if len(self._running) >= most:
                return
            if job.state is not JobState.QUEUED or job.id not in self.store.owned_ids:
                continue
            host = self._host(job)
            free = not self._running or busy[host] < settings.per_host
            if free and job.id not in self._running and self._start(group, job):
                busy[host] += 1

    def _host(self, job: Job) -> str:
        """Return where a job's bytes come from: as its transfer tells, else as the last of its source did."""
        running = self._running.get(job.id)
        if running is not None and running.live.host:
            self._hosts[job.request.source] = running.live.host
        return self._hosts.get(job.request.source, job.request.source)

    def _start(self, group: asyncio.TaskGroup, job: Job) -> bool:
        if self.store.move(job.id, JobState.CONNECTING, f"starts {self._place}", hint="") is None:
            return False
        live = TransferProgress(self._wake_from_thread)
        running = self._running[job.id] = ActiveTransfer(live, functools.partial(self._log, job.id))
        running.task = group.create_task(self._run(job, live), name=job.name)
        running.task.add_done_callback(functools.partial(self._ended, job.id))
        self._announce_now()
        return True

    def _wake_from_thread(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended first
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _sleep(self) -> None:
        timeout = self._every
        if self._due:
            timeout = min(timeout, max(0.0, min(self._due.values()) - self._loop.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
        self._wake.clear()

    # End

    async def _run(self, job: Job, live: TransferProgress) -> None:
        """Run one try of one job; whatever comes of it becomes its state."""
        try:
            reserve, verify = functools.partial(self._reserve, job), job.id not in self._failures
            outcome = await run_job(job.request, self._context, live, reserve, verify=verify)
        except asyncio.CancelledError:
            if live.committed is not None:  # too late: the file is whole and has its name
                self._done(job, live, DownloadResult(job.path, live.committed, fetched=True))
            raise
        except Exception as error:
            await self._failed(job, live, error)
        else:
            self._done(job, live, outcome)

    def _ended(self, job_id: int, _: asyncio.Task[None]) -> None:
        """Forget a transfer; a task may end without having begun, so not in `_run`."""
        self._running.pop(job_id).flush_events()
        self._wake.set()
        self._announce_now()

    def _done(self, job: Job, live: TransferProgress, outcome: DownloadResult) -> None:
        self._failures.pop(job.id, None)
        fields = progress_fields(live, job) | {
            "bytes_done": outcome.size,
            "bytes_total": outcome.size,
            "sums": digests_to_text(outcome.checksums),
            "reason": outcome.note or ("" if outcome.fetched else "already there"),
        }
        message = self._running[job.id].success_message(outcome)
        self.store.move(job.id, JobState.DONE, message, hint="", tries=0, next_try=None, **fields)

    async def _failed(self, job: Job, live: TransferProgress, error: Exception) -> None:
        failures = self._failures.setdefault(job.id, FailureCounter(job.bytes_done)).failed(live.done)
        failure = judge(error, failures, self._retries, job.path)
        if failure.action is JobState.FAILED:
            await report_failed(job.request, error)
        self._running[job.id].flush_events()
        moved = self.store.move(
            job.id,
            failure.action,
            failure_message(error, failure, failures),
            reason=failure.reason,
            hint=failure.hint,
            tries=failures,
            next_try=None if failure.delay is None else time.time() + failure.delay,
            **progress_fields(live, job),
        )
        if moved is not None and failure.delay is not None:
            self._due[job.id] = self._loop.time() + failure.delay

    # Follow

    def _update(self) -> None:
        """Bring the table up to date: progress, other programs, a heartbeat."""
        for job_id, running in self._running.items():
            self._unannounced |= self._follow(job_id, running)
        changed = orphans = False
        now = time.monotonic()
        beat = _BEAT if self._running or self.store.failing else _IDLE_BEAT
        if now - self._beaten >= beat * self._every:
            self._beaten = now
            jobs = [job for i in self._running if (job := self.store.get(i)) is not None]
            self.store.save(job for job in jobs if job.state in ACTIVE_STATES)
        if now - self._refreshed >= self._every * 0.9:
            self._refreshed = now
            changed |= self.store.refresh()
            orphans = self.store.orphans and not self._only_own
            self.apply_settings()
            without_space = self._without_space.due(self.store.owned)
            if without_space and (self._space_task is None or self._space_task.done()):
                self._space_task = asyncio.create_task(self._queue_with_space(without_space))
        if orphans or now - self._adopted >= _ADOPT:
            self._adopted = now
            changed |= self.store.adopt(frozenset(self._wanted) if self._only_own else None)
        if changed or (self._unannounced and now - self._announced >= self._every * 0.9):
            self._announce_now()

    def _follow(self, job_id: int, running: ActiveTransfer) -> bool:
        """Show how far a transfer is; return whether that changed."""
        job, live = self.store.get(job_id), running.live
        running.flush_events()
        if job is None or job.state not in ACTIVE_STATES:
            return False
        now = time.monotonic()
        quiet = now - live.last_byte > self._config.quiet_time and not self._limits.bandwidth.busy
        stalled = quiet and live.phase is TransferPhase.DOWNLOADING
        state = JobState.STALLED if stalled else JobState(live.phase.value)
        if state is not job.state:
            reason = live.words or ("nothing comes at the moment" if stalled else "")
            moved = self.store.move(job_id, state, reason=reason)
            if moved is None:
                return True
            if job.state is not JobState.STALLED:
                running.rate = RateEstimator(now, live.done)
            job = moved
            self._announce_now()
        running.rate.add(now, live.done)
        loading = state is JobState.DOWNLOADING
        shown = replace(
            job,
            **progress_fields(live, job),
            reason=live.words or job.reason,
            rate=running.rate.rate if loading else None,
            eta=running.rate.eta(live.total) if loading else None,
            connections=live.connections if loading or stalled else 0,
        )
        self.store.put(shown)
        return shown != job

    # Disk space

    def _reserve(self, job: Job, needed: int, size: int) -> None:
        """Raise NoSpaceError if the disk lacks what this and what runs or waits before it need.

        Called in the transfer's thread.
        """
        mine = self._running.get(job.id)
        with self._space_lock:
            known = self.store.get(job.id) or job
            others = reserved_space(known, self.store.snapshot(), self._lives())
            fileio.check_free_space(job.disk, needed, reserved=others)
            if mine is not None:
                mine.live.reserved = size

    async def _queue_with_space(self, jobs: Iterable[Job]) -> None:
        """Queue jobs that waited for disk space, and have it now."""
        for job in jobs:
            check = functools.partial(has_space, job, self.store.snapshot(), self._lives())
            if await in_thread(check):
                self._without_space.released(job)
                self.store.move(job.id, JobState.QUEUED, "the disk has space again", reason="", hint="")
                self.wake()

    def _lives(self) -> dict[int, TransferProgress]:
        return {job_id: running.live for job_id, running in list(self._running.items())}


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
