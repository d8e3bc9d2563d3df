"""The download queue as everybody else sees it: a handle to an engine in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import DownloadError, MLHubException
from ..planning.requests import DownloadRequest
from .job import Job, JobAction
from .job_table import JobTable

if TYPE_CHECKING:
    import ssl

    from ..http.retry import RetryPolicy
    from ..planning.resolver import Resolver
    from ..transfer.config import TransferConfig
    from .commands import CommandHandler
    from .events import Event
    from .process import Process, RunnerKind
    from .scheduler import Scheduler
    from .settings import QueueSettings

T = TypeVar("T")


class QueueService:
    """Transfers that survive the program: queued in a database, run by an engine in its own thread.

    Jobs that another running program works on are shown as it gets on with them, and commands for them are
    passed on to it.

    Nothing here blocks the caller: `snapshot` reads memory, commands are awaited while the engine's thread
    does the work, and importing this module loads neither the database nor an HTTP client. The methods
    may be called from any thread and any event loop.

    Parameters
    ----------
    path
        The database (`paths.queue()`), shared by all programs of this user; a job is run by one of them.
    resolver
        Finds the link of a request; called in the engine's event loop.
    concurrency, per_host
        Transfers at a time, and from one host, of this program whatever the settings say.
    on_change
        Called in the engine's thread: at once when a state changes, at most twice a second for progress.
    only_own
        Run what was added here and nothing else, for a command that has one thing to do.
    retries
        When to try again; by default for as long as it takes.
    config
        Time-outs and sizes of the transfers.
    look
        Seconds between two looks at them, and at what other programs did; 0.5 by default.
    tls
        TLS settings of the transfers; the system's by default.
    identity
        The program that runs the jobs; this one by default.
    kind
        What the program is for, so that others can say where a job runs; an app by default.
    room_every
        Seconds between two looks whether a disk that was full has room again; 10 by default.
    """

    def __init__(
        self,
        path: Path,
        resolver: Resolver,
        *,
        concurrency: int | None = None,
        per_host: int | None = None,
        on_change: Callable[[], None] | None = None,
        only_own: bool = False,
        retries: RetryPolicy | None = None,
        config: TransferConfig | None = None,
        look: float | None = None,
        tls: ssl.SSLContext | None = None,
        identity: Process | None = None,
        kind: RunnerKind | None = None,
        room_every: float | None = None,
    ) -> None:
        given = {
            "concurrency": concurrency,
            "per_host": per_host,
            "retries": retries,
            "config": config,
            "look": look,
            "tls": tls,
            "identity": identity,
            "kind": kind,
            "room_every": room_every,
        }
        self._options: dict[str, Any] = {
            "path": path,
            "resolver": resolver,
            "only_own": only_own,
            **{name: value for name, value in given.items() if value is not None},
        }
        self._on_change = on_change
        self._board = JobTable()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._engine: Scheduler | None = None
        self._control: CommandHandler | None = None
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
        return self._engine.ledger.notice if self._engine is not None else ""

    def snapshot(self) -> tuple[Job, ...]:
        """Return all jobs in their order, from memory."""
        return self._board.snapshot()

    def start(self) -> None:
        """Start the engine; what was unfinished at the last end, whatever ended it, goes on."""
        if self._thread is not None:
            return
        self._opened, self._engine, self._end = asyncio.Event(), None, None
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

    @property
    def settings(self) -> QueueSettings | None:
        """How fast, and how much at a time, as it is in force; None while the queue is not open."""
        return self._engine.ledger.settings if self._engine is not None else None

    async def change(self, **changes: int | None) -> QueueSettings:
        """Change settings by their names, from now on and for all programs at this queue.

        See `settings.Settings`; transfers that run are slowed down, and none is interrupted.
        """
        return await self._ask(lambda control: control.change(changes))

    async def add(self, request: DownloadRequest) -> Job:
        """Queue an archive; the job that is there for the same file is used again, not doubled."""
        return (await self.add_many([request]))[0]

    async def add_many(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue archives, in one transaction."""
        return await self._ask(lambda control: control.add(requests))

    async def pause(self, job_id: int) -> None:
        """Pause a job."""
        await self._ask(lambda control: control.order(JobAction.PAUSE, [job_id]))

    async def resume(self, job_id: int) -> None:
        """Let a job go on that is paused, or waits for a key or for room on the disk."""
        await self._ask(lambda control: control.order(JobAction.RESUME, [job_id]))

    async def retry(self, job_id: int) -> None:
        """Try a job again that failed, was cancelled, or waits for its next try."""
        await self._ask(lambda control: control.order(JobAction.RETRY, [job_id]))

    async def cancel(self, job_id: int, *, delete_part: bool = True) -> None:
        """Give a job up; what was fetched of it is deleted unless it is to be kept."""
        await self._ask(lambda control: control.order(JobAction.CANCEL, [job_id], delete_part=delete_part))

    async def clear_finished(self, only: Sequence[int] | None = None) -> None:
        """Remove what is done, failed or cancelled (of some jobs) from the list; no file is touched."""
        await self._ask(lambda control: control.clear_finished(only))

    async def order(self, verb: JobAction, job_ids: Sequence[int], *, delete_part: bool = False) -> None:
        """Do something to several jobs at once: those that the verb applies to in their state.

        Parameters
        ----------
        delete_part
            Whether a cancel deletes what was fetched.
        """
        await self._ask(lambda control: control.order(verb, job_ids, delete_part=delete_part))

    async def tell(self, job_id: int, words: str) -> None:
        """Have the log of a job say what happened to it or to its files; keys are cut out."""
        await self._ask(lambda control: control.tell(job_id, words))

    async def log(self, job_id: int, after: int = 0) -> list[Event]:
        """Return what happened to a job, wherever it ran, from the entry behind number `after` on.

        Raises
        ------
        DownloadError
            If the queue's file cannot be read.
        """
        return await self._ask(lambda control: control.log_of(job_id, after))

    async def pause_all(self) -> None:
        """Pause everything that is not finished."""
        await self._ask(lambda control: control.order(JobAction.PAUSE))

    async def resume_all(self) -> None:
        """Let everything go on that is paused, or waits for a key or for room."""
        await self._ask(lambda control: control.order(JobAction.RESUME))

    async def move(self, job_id: int, delta: int) -> None:
        """Move a job in the queue: so many places down, or up if negative."""
        await self._ask(lambda control: control.shift(job_id, delta))

    async def wait(self, job_ids: Sequence[int]) -> list[Job]:
        """Wait until the jobs are finished, or stay as they are until somebody does something."""
        return await self._ask(lambda control: control.at_rest(job_ids))

    async def _ask(self, command: Callable[[CommandHandler], Awaitable[T]]) -> T:
        loop = self._loop
        if loop is None or self._end is not None:
            raise self._ended("the download queue is not running")
        order = self._obey(command)
        try:
            future = asyncio.run_coroutine_threadsafe(order, loop)
        except RuntimeError:
            order.close()
            raise self._ended("the download queue has ended") from None
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and task is not None and not task.cancelling():
                raise self._ended("the download queue has ended") from None
            raise

    def _ended(self, otherwise: str) -> MLHubException:
        """Return why the queue does not run, as a new exception: a caller's traceback is its own."""
        error = self._end
        return DownloadError(otherwise) if error is None else type(error)(error.message, hint=error.hint)

    async def _obey(self, command: Callable[[CommandHandler], Awaitable[T]]) -> T:
        await self._opened.wait()
        assert self._control is not None
        return await command(self._control)

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
                from .scheduler import broken

                self._end = DownloadError(broken(error))
                self._changed()

    async def _main(self) -> None:
        # Imported here, in the engine's thread: nothing of it is needed to draw the first screen.
        from .commands import CommandHandler
        from .scheduler import EngineConfig, Scheduler

        self._engine = engine = Scheduler(EngineConfig(**self._options), self._board, self._changed)
        self._control = control = CommandHandler(engine, self._board)
        engine.obey = control.obey
        self._opened.set()
        await engine.run()

    def _stop(self) -> None:
        if self._engine is not None:
            self._engine.stop()

    def _changed(self) -> None:
        self._loaded = True
        if self._on_change is not None:
            # A listener that is going down must not take the transfers with it.
            with contextlib.suppress(Exception):
                self._on_change()
