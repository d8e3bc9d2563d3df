"""The queue in the program that owns its jobs: commands for a scheduler that runs in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack

from .. import fileio
from ..concurrency import DaemonExecutor, in_thread
from ..errors import DownloadError, MLHubException, TargetBusy
from ..planning.requests import DownloadRequest
from ..text import one_line, redact
from .job import IDLE_STATES, Event, Job, JobAction, JobState, applies, left_of

if TYPE_CHECKING:
    from ..planning.resolver import Resolver
    from .job_store import JobStore
    from .repository import QueueCommand
    from .runner import EngineConfig, QueueSettings
    from .scheduler import Scheduler

P = ParamSpec("P")
T = TypeVar("T")
_PATIENCE = 5.0  # seconds to wait for a transfer that still has its part


def _in_loop(
    method: Callable[Concatenate[QueueService, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[QueueService, P], Coroutine[Any, Any, T]]:
    """Have a method of the queue run in the scheduler's loop, from whatever thread and loop it is awaited."""

    @functools.wraps(method)
    async def call(self: QueueService, /, *arguments: P.args, **named: P.kwargs) -> T:
        loop = self._loop
        if loop is None or self._end is not None:
            raise self._ended("the download queue is not running")

        async def run() -> T:
            await self._opened.wait()
            return await method(self, *arguments, **named)

        work = run()
        try:
            future = asyncio.run_coroutine_threadsafe(work, loop)
        except RuntimeError:
            work.close()
            raise self._ended("the download queue has ended") from None
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and task is not None and not task.cancelling():
                raise self._ended("the download queue has ended") from None
            raise

    return call


class QueueService:
    """Transfers that survive the program: queued in a database, run by a scheduler in its own thread.

    Jobs that another running program owns are shown with their progress, and commands for them are passed
    on to it. Nothing here blocks the caller: `snapshot` reads memory, commands are awaited while the thread
    does the work, and importing this module loads neither the database nor an HTTP client. The methods may
    be called from any thread and any event loop.

    The database at `path` is shared by all programs of this user. `resolver` finds the link of a request, in
    the scheduler's event loop; `on_change` is called in its thread: at once when a state changes, at most
    twice a second for progress.

    A command that does not apply (pausing what is done, anything to a job that is gone) does nothing; it is
    acknowledged once it is on disk.
    """

    def __init__(
        self,
        path: Path,
        resolver: Resolver,
        *,
        on_change: Callable[[], None] | None = None,
        **options: Unpack[EngineConfig],
    ) -> None:
        self._path, self._resolver, self._options = path, resolver, options
        self._on_change = on_change
        self._shown: JobStore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._running: Scheduler | None = None
        self._opened = asyncio.Event()
        self._end: MLHubException | None = None
        self._loaded = False
        self._under_way: dict[int, asyncio.Task[None]] = {}

    @property
    def loaded(self) -> bool:
        """Whether `snapshot` shows what the queue holds: what was in it at the start counts as no news."""
        return self._loaded

    @property
    def notice(self) -> str:
        """What the user should read: the queue cannot be opened, or written; empty if all is well."""
        if self._end is not None:
            return f"{self._end.message}; {self._end.hint}" if self._end.hint else self._end.message
        return self._running.store.notice if self._running is not None else ""

    @property
    def settings(self) -> QueueSettings | None:
        """The settings in force; None while the queue is not open."""
        return self._running.store.settings if self._running is not None else None

    def snapshot(self) -> tuple[Job, ...]:
        """Return all jobs in their order, from memory."""
        return self._shown.snapshot() if self._shown is not None else ()

    def start(self) -> None:
        """Start the scheduler; what was unfinished at the last end, whatever ended it, is resumed."""
        if self._thread is not None:
            return
        self._opened, self._running, self._end = asyncio.Event(), None, None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=[self._loop], name="downloads", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 0.4) -> None:
        """End the transfers, keep their place, and return within about `timeout` seconds."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._stop)
        thread.join(timeout)
        self._thread = self._loop = None

    # Commands

    async def add(self, request: DownloadRequest) -> Job:
        """Queue a request; the job that exists for the same file is used again, not doubled."""
        return (await self.add_many([request]))[0]

    @_in_loop
    async def add_many(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue requests, in one transaction; see `JobRepository.add` for those that have a job already."""
        store = self._store
        wanted = [replace(request, folder=fileio.absolute(request.folder)) for request in requests]
        jobs = await store.write(lambda repository: repository.add(wanted))
        fresh = [job for job in jobs if job.state is JobState.QUEUED]
        self._scheduler.want(job.id for job in jobs)
        self._scheduler.forget_failures(job.id for job in fresh)
        # Memory knows more of what runs already than the database does.
        store.show([*fresh, *(job for job in jobs if store.get(job.id) is None)])
        self._scheduler.wake()
        await self._order(JobAction.RESUME, [job.id for job in jobs if job.elsewhere])
        return [store.get(job.id) or job for job in jobs]

    @_in_loop
    async def order(
        self, action: JobAction, job_ids: Sequence[int] | None = None, *, delete_part: bool = False
    ) -> None:
        """Apply an action to those jobs (None for all) that are in a state for it.

        With `delete_part`, a cancel deletes what was fetched.
        """
        await self._order(action, job_ids, delete_part=delete_part)

    async def pause(self, job_id: int) -> None:
        """Pause a job."""
        await self.order(JobAction.PAUSE, [job_id])

    async def resume(self, job_id: int) -> None:
        """Resume a job that is paused, or waits for a key or for disk space."""
        await self.order(JobAction.RESUME, [job_id])

    async def retry(self, job_id: int) -> None:
        """Try a job again that failed, was cancelled, or waits for its next try."""
        await self.order(JobAction.RETRY, [job_id])

    async def cancel(self, job_id: int, *, delete_part: bool = True) -> None:
        """Cancel a job; its part file is deleted unless `delete_part` is false."""
        await self.order(JobAction.CANCEL, [job_id], delete_part=delete_part)

    @_in_loop
    async def change(self, /, **changes: int | None) -> QueueSettings:
        """Change settings by their names, from now on and for all programs at this queue.

        See `QueueSettings`; transfers that run are slowed down, and none is interrupted.
        """
        store = self._store
        store.settings = await store.write(lambda repository: repository.change_settings(changes))
        self._scheduler.apply_settings()
        self._scheduler.wake()
        return store.settings

    @_in_loop
    async def clear_finished(self, only: Sequence[int] | None = None) -> None:
        """Remove what is done, failed or cancelled (of some jobs) from the list; no file is touched."""
        wanted = None if only is None else frozenset(only)
        self._store.remove(await self._store.write(lambda repository: repository.remove_finished(wanted)))
        self._scheduler.wake()

    @_in_loop
    async def move(self, job_id: int, delta: int) -> None:
        """Move a job in the queue: so many places down, or up if negative."""
        store, jobs = self._store, list(self._store.snapshot())
        start = next((index for index, job in enumerate(jobs) if job.id == job_id), None)
        if start is None:
            return
        positions = [job.position for job in jobs]
        jobs.insert(min(max(start + delta, 0), len(jobs) - 1), jobs.pop(start))
        pairs = zip(jobs, positions, strict=True)
        changed = {job.id: position for job, position in pairs if job.position != position}
        await store.write(lambda repository: repository.arrange(changed))
        store.put(*(replace(job, position=changed[job.id]) for job in store.known(changed)))
        self._scheduler.wake()

    @_in_loop
    async def wait(self, job_ids: Sequence[int]) -> list[Job]:
        """Wait until the jobs are finished, or stay as they are until somebody does something.

        Those that still exist are returned.
        """
        while True:
            jobs = self._store.known(job_ids)
            if all(job.state in IDLE_STATES for job in jobs):
                return jobs
            await self._scheduler.changed()

    @_in_loop
    async def tell(self, job_id: int, words: str) -> None:
        """Add an entry to the log of a job; keys are cut out."""
        self._store.log(job_id, words)

    @_in_loop
    async def log(self, job_id: int, after: int = 0) -> list[Event]:
        """Return what happened to a job, wherever it ran, from the entry behind number `after` on."""
        return await in_thread(functools.partial(self._store.log_of, job_id, after))

    # In the scheduler's loop

    @property
    def _scheduler(self) -> Scheduler:
        assert self._running is not None
        return self._running

    @property
    def _store(self) -> JobStore:
        return self._scheduler.store

    async def _order(
        self, action: JobAction, job_ids: Sequence[int] | None, *, delete_part: bool = False
    ) -> None:
        """Apply an action to jobs, or post it to the programs that run them."""

        def fits(job: Job) -> bool:
            if applies(action, job, named=job_ids is not None):
                return True
            # What another program runs may be in another state by now, or will be by what it was asked
            # before: it judges by what it finds then. A retry is for what is known to need one.
            return job.elsewhere and not job.state.finished and action is not JobAction.RETRY

        await self._apply(action, [*filter(fits, self._store.known(job_ids))], delete_part)

    async def _apply(self, action: JobAction, jobs: Sequence[Job], delete_part: bool) -> None:
        if not jobs:
            return
        scheduler, store = self._scheduler, self._store
        moved, *_ = await store.write(
            lambda repository: repository.order(action, jobs, delete_part=delete_part)
        )
        scheduler.forget_failures(job.id for job in jobs)
        store.show(moved)
        scheduler.wake()
        done = {job.id for job in moved}
        if action is JobAction.PAUSE:
            await scheduler.interrupt(done)
        elif action is JobAction.CANCEL:
            await scheduler.interrupt(done, wait=True)
            if delete_part:
                await self._delete_parts([job for job in jobs if job.id in done])

    async def _obey(self) -> None:
        """Carry out commands of other programs; a cancel, which waits for its transfer, beside the rest."""
        waiting = [one for one in self._store.commands() if one.id not in self._under_way]
        for (action, delete_part), group in itertools.groupby(waiting, lambda c: (c.action, c.delete_part)):
            commands = list(group)
            task = asyncio.create_task(self._carry_out(action, commands, delete_part))
            self._under_way.update((command.id, task) for command in commands)
            if action is not JobAction.CANCEL:
                await asyncio.wait([task])

    async def _carry_out(
        self, action: JobAction, commands: Sequence[QueueCommand], delete_part: bool
    ) -> None:
        store = self._store
        with contextlib.suppress(DownloadError):  # again at the next look
            jobs = store.known(command.job for command in commands)
            await self._apply(action, [job for job in jobs if applies(action, job)], delete_part)
            if delete_part:
                # Where the program that was asked first ended between the two halves of it.
                await self._delete_parts([job for job in jobs if job.state is JobState.CANCELLED])
            await store.write(lambda repository: repository.settle(command.id for command in commands))
        for command in commands:
            del self._under_way[command.id]

    async def _delete_parts(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if (now := self._store.get(job.id)) is not None and now.state is JobState.DONE:
                continue  # the cancel came too late
            await self._delete_part(job)
            shown = self._store.get(job.id)
            if shown is not None:  # else it was cleared from the list meanwhile, and must not come back
                left = replace(shown, **left_of(shown), rate=None, eta=None)
                self._store.put(left)
                self._store.save([left])

    async def _delete_part(self, job: Job) -> None:
        """Delete a part; a transfer that was just interrupted may hold it for a moment longer."""
        from .part_repository import delete_part  # when something is cancelled

        journal = self._store.repository.journal
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return await in_thread(functools.partial(delete_part, job.part, journal))
            except TargetBusy:
                if time.monotonic() > deadline:
                    return None  # another program writes it
            except DownloadError:
                return None
            await asyncio.sleep(0.05)

    # The thread

    def _ended(self, otherwise: str) -> MLHubException:
        """Return why the queue does not run, as a new exception: a caller's traceback is its own."""
        error = self._end
        return DownloadError(otherwise) if error is None else type(error)(error.message, hint=error.hint)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.set_default_executor(DaemonExecutor())
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(self._main())
            except DownloadError as error:
                self._end = error
                self._changed()
            except Exception as error:
                what = one_line(redact(f"{type(error).__name__}: {error}"), 200)
                words = f"the download engine stopped: {what}; start the program again to continue"
                self._end = DownloadError(words)
                self._changed()

    async def _main(self) -> None:
        # Imported in the scheduler's thread: nothing of it is needed to draw the first screen.
        from .job_store import JobStore
        from .scheduler import Scheduler

        store = JobStore(self._path, self._options.get("identity"), self._options.get("kind"))
        self._shown = store
        self._running = Scheduler(store, self._resolver, self._changed, self._obey, **self._options)
        self._opened.set()
        await self._running.run()

    def _stop(self) -> None:
        if self._running is not None:
            self._running.stop()

    def _changed(self) -> None:
        self._loaded = True
        if self._on_change is not None:
            # A listener that is shutting down must not take the transfers with it.
            with contextlib.suppress(Exception):
                self._on_change()
