"""The queue in the program that owns its jobs: a handle to a scheduler in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Unpack

from ..errors import DownloadError, MLHubException
from ..planning.requests import DownloadRequest
from ..text import one_line, redact
from .job import Job, JobAction
from .job_table import JobTable

if TYPE_CHECKING:
    from ..planning.resolver import Resolver
    from .commands import CommandHandler
    from .events import Event
    from .scheduler import Scheduler
    from .settings import EngineConfig, QueueSettings

T = TypeVar("T")


class QueueService:
    """Transfers that survive the program: queued in a database, run by a scheduler in its own thread.

    Jobs that another running program owns are shown with their progress, and commands for them are passed
    on to it. Nothing here blocks the caller: `snapshot` reads memory, commands are awaited while the thread
    does the work, and importing this module loads neither the database nor an HTTP client. The methods may
    be called from any thread and any event loop.

    The database at `path` is shared by all programs of this user. `resolver` finds the link of a request, in
    the scheduler's event loop; `on_change` is called in its thread: at once when a state changes, at most
    twice a second for progress.
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
        self._table = JobTable()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._scheduler: Scheduler | None = None
        self._commands: CommandHandler | None = None
        self._opened = asyncio.Event()
        self._end: MLHubException | None = None
        self._loaded = False

    @property
    def loaded(self) -> bool:
        """Whether `snapshot` shows what the queue holds: what was in it at the start counts as no news."""
        return self._loaded

    @property
    def notice(self) -> str:
        """What the user should read: the queue cannot be opened, or written; empty if all is well."""
        if self._end is not None:
            return f"{self._end.message}; {self._end.hint}" if self._end.hint else self._end.message
        return self._scheduler.store.notice if self._scheduler is not None else ""

    @property
    def settings(self) -> QueueSettings | None:
        """The settings in force; None while the queue is not open."""
        return self._scheduler.store.settings if self._scheduler is not None else None

    def snapshot(self) -> tuple[Job, ...]:
        """Return all jobs in their order, from memory."""
        return self._table.snapshot()

    def start(self) -> None:
        """Start the scheduler; what was unfinished at the last end, whatever ended it, is resumed."""
        if self._thread is not None:
            return
        self._opened, self._scheduler, self._end = asyncio.Event(), None, None
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

    async def change(self, **changes: int | None) -> QueueSettings:
        """Change settings by their names, from now on and for all programs at this queue.

        See `QueueSettings`; transfers that run are slowed down, and none is interrupted.
        """
        return await self._call(lambda commands: commands.change(changes))

    async def add(self, request: DownloadRequest) -> Job:
        """Queue a request; the job that exists for the same file is used again, not doubled."""
        return (await self.add_many([request]))[0]

    async def add_many(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue requests, in one transaction."""
        return await self._call(lambda commands: commands.add(requests))

    async def order(
        self, action: JobAction, job_ids: Sequence[int] | None = None, *, delete_part: bool = False
    ) -> None:
        """Apply an action to those jobs (None for all) that are in a state for it.

        With `delete_part`, a cancel deletes what was fetched.
        """
        await self._call(lambda commands: commands.order(action, job_ids, delete_part=delete_part))

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
        """Cancel a job; what was fetched of it is deleted unless it is to be kept."""
        await self.order(JobAction.CANCEL, [job_id], delete_part=delete_part)

    async def clear_finished(self, only: Sequence[int] | None = None) -> None:
        """Remove what is done, failed or cancelled (of some jobs) from the list; no file is touched."""
        await self._call(lambda commands: commands.clear_finished(only))

    async def move(self, job_id: int, delta: int) -> None:
        """Move a job in the queue: so many places down, or up if negative."""
        await self._call(lambda commands: commands.shift(job_id, delta))

    async def wait(self, job_ids: Sequence[int]) -> list[Job]:
        """Wait until the jobs are finished, or stay as they are until somebody does something."""
        return await self._call(lambda commands: commands.wait(job_ids))

    async def tell(self, job_id: int, words: str) -> None:
        """Add an entry to the log of a job; keys are cut out."""
        await self._call(lambda commands: commands.log(job_id, words))

    async def log(self, job_id: int, after: int = 0) -> list[Event]:
        """Return what happened to a job, wherever it ran, from the entry behind number `after` on."""
        return await self._call(lambda commands: commands.log_of(job_id, after))

    async def _call(self, command: Callable[[CommandHandler], Awaitable[T]]) -> T:
        """Run a command in the scheduler's loop."""
        loop = self._loop
        if loop is None or self._end is not None:
            raise self._ended("the download queue is not running")
        work = self._opened_and(command)
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

    async def _opened_and(self, command: Callable[[CommandHandler], Awaitable[T]]) -> T:
        await self._opened.wait()
        assert self._commands is not None
        return await command(self._commands)

    def _ended(self, otherwise: str) -> MLHubException:
        """Return why the queue does not run, as a new exception: a caller's traceback is its own."""
        error = self._end
        return DownloadError(otherwise) if error is None else type(error)(error.message, hint=error.hint)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        from ..threads import DaemonExecutor

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
        from .commands import CommandHandler
        from .scheduler import Scheduler

        scheduler = Scheduler(self._path, self._resolver, self._table, self._changed, **self._options)
        self._scheduler = scheduler
        self._commands = CommandHandler(scheduler, self._table)
        scheduler.obey = self._commands.obey
        self._opened.set()
        await scheduler.run()

    def _stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.stop()

    def _changed(self) -> None:
        self._loaded = True
        if self._on_change is not None:
            # A listener that is shutting down must not take the transfers with it.
            with contextlib.suppress(Exception):
                self._on_change()
