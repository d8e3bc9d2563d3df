"""Downloads: what is fetched, how far it is, and what to do about what is not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from ...downloads.job import DatasetRequest, Job, State
from ...errors import MLHubException
from ...text import size
from ..commands import DOWNLOADS, Command, bindings, hints
from ..draw import content
from ..messages import QueueChanged
from ..sheets.blocks import typeset
from ..sheets.jobs import job_blocks, totals
from ..widgets.job_list import JobList
from .base import PlaceScreen

EMPTY = "Nothing is queued. Press 1, put the cursor on a collection and press d."


class DownloadsScreen(PlaceScreen):
    """The download queue."""

    place = DOWNLOADS
    mode = "downloads"
    parts = ("#empty", "#jobs", "#totals", "#job")
    CSS_PATH = "downloads.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(DOWNLOADS)

    def __init__(self) -> None:
        super().__init__()
        self._checks: dict[int, str] = {}
        self._checking: dict[int, threading.Event] = {}
        self._unpacked: dict[int, str] = {}
        self._unpacking: dict[int, threading.Event] = {}
        self._reader = asyncio.Lock()
        self._states: list[tuple[int, State, str]] = []
        self._shown_at = 0.0
        self._later: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the list, the totals and the details."""
        yield Static(id="empty")
        yield JobList(id="jobs")
        yield Static(id="totals")
        yield Static(id="job")

    def on_mount(self) -> None:
        """Show the queue."""
        super().on_mount()
        self.query_one(JobList).focus()
        self._show()
        self.set_interval(1.0, self._count_down)

    def on_screen_resume(self) -> None:
        """Catch up."""
        super().on_screen_resume()
        self._show()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show what changed."""
        super().on_queue_changed(message)
        if self.is_current and not self._soon(self.hub.jobs):
            self._show()

    def _soon(self, jobs: Sequence[Job]) -> bool:
        """Return whether there is nothing but progress to show, and it is shown a little later.

        With many at work the lines of a second are all that an SSH connection should have to carry.
        """
        states = [(job.id, job.state, job.reason) for job in jobs]
        changed, self._states = states != self._states, states
        at_work = sum(job.state is State.DOWNLOADING for job in jobs)
        due = self._shown_at + (_CALM if at_work > _MANY else 0.0) - time.monotonic()
        if changed or due <= 0:
            return False
        if self._later is None:
            self._later = self.set_timer(due, self._show)
        return True

    def _show(self) -> None:
        if self._later is not None:
            self._later.stop()
        self._shown_at, self._later = time.monotonic(), None
        if self.closing:
            return
        jobs = self.hub.jobs
        self.set_class(not jobs, "-empty")
        why = self.hub.queue_error.message if self.hub.queue_error else EMPTY
        self._say("empty", content(why, "$muted"))
        self.query_one(JobList).show(jobs)
        settings = self.hub.queue.settings if self.hub.queue is not None else None
        limit = settings.limit if settings is not None else None
        self._say("totals", content(totals(jobs, self.size.width - 1, limit)))
        self.refresh_hints()

    def _count_down(self) -> None:
        """Bring the waits for next tries up to date; where none is, nothing is drawn."""
        if self.is_current and not self.closing and self.query_one(JobList).count_down():
            self._show_job()

    def _say(self, where: str, words: Content) -> None:
        """Fill a text; what has not changed is not drawn again, and its place has a height of its own."""
        place = self.query_one(f"#{where}", Static)
        before = place.content
        if not isinstance(before, Content) or not before.is_same(words):
            place.update(words, layout=False)

    def hint_commands(self) -> list[Command]:
        """Leave out what the transfer under the cursor cannot do."""
        job = self._job if self.is_mounted else None
        whole = job is not None and job.state is State.DONE
        many = job is not None and isinstance(job.request, DatasetRequest)
        gone: list[str] = [] if whole and not many else ["downloads.verify", "downloads.unpack"]
        if job is None:
            gone += [f"downloads.{name}" for name in _OF_JOBS]
        elif job.state.finished:
            gone += ["downloads.pause", "downloads.cancel"]
            gone += ["downloads.retry"] if job.state is State.DONE else []
        else:
            gone += [] if job.state in _STUCK or job.state is State.RETRYING else ["downloads.retry"]
        return hints(DOWNLOADS, gone)

    @on(JobList.Highlighted)
    def _highlighted(self, message: JobList.Highlighted) -> None:
        message.stop()
        self._show_job()
        self.refresh_hints()

    def _show_job(self) -> None:
        if self.closing:
            return
        job = self._job
        texts = (self._checks.get(job.id, ""), self._unpacked.get(job.id, "")) if job else ()
        blocks = job_blocks(job, *texts) if job else []
        self._say("job", typeset(blocks, max(self.size.width - 2, 20)))

    def on_resize(self) -> None:
        """Fit the texts to the new width."""
        if self.is_mounted:
            self._show()
            self._show_job()

    @property
    def _job(self) -> Job | None:
        return self.query_one(JobList).current

    # Keys

    def action_pause_or_resume(self) -> None:
        """Pause what runs or waits; resume what is paused or stuck."""
        job, queue = self._job, self.hub.queue
        if job is None or queue is None or job.state.finished:
            return
        resting = job.state is State.PAUSED or job.state in _STUCK
        self._do(queue.resume(job.id) if resting else queue.pause(job.id))

    def action_retry(self) -> None:
        """Try again."""
        job, queue = self._job, self.hub.queue
        if job is not None and queue is not None:
            self._do(queue.resume(job.id) if job.state in _STUCK else queue.retry(job.id))

    @work(group="cancel", exclusive=True)
    async def action_cancel(self) -> None:
        """Cancel, after a question: what was fetched is deleted."""
        from .confirm import ConfirmScreen

        job, queue = self._job, self.hub.queue
        if job is None or queue is None or job.state.finished:
            return
        fetched = f"{size(job.bytes_done)} that were fetched are deleted." if job.bytes_done else ""
        if await self.app.push_screen_wait(ConfirmScreen(f"Cancel {job.name}?", fetched, yes="Cancel it")):
            self._do(queue.cancel(job.id))

    def action_clear(self) -> None:
        """Remove what is finished from the list."""
        if self.hub.queue is not None:
            self._do(self.hub.queue.clear_finished())

    def action_move(self, step: int) -> None:
        """Move a transfer in the queue."""
        job, queue = self._job, self.hub.queue
        if job is not None and queue is not None:
            self._do(queue.move(job.id, step))

    def action_toggle_all(self) -> None:
        """Pause all, or resume all where nothing runs or waits."""
        queue = self.hub.queue
        if queue is not None:
            active = any(job.state.running or job.state is State.QUEUED for job in self.hub.jobs)
            self._do(queue.pause_all() if active else queue.resume_all())

    def action_copy_path(self) -> None:
        """Copy the path of the file."""
        if self._job is not None:
            self.hub.copy_text(str(self._job.path), "Path")

    def action_details(self) -> None:
        """Show all about the transfer."""
        job = self._job
        if job is not None and isinstance(job.request, DatasetRequest):
            from .dataset_job import DatasetJobScreen

            self.app.push_screen(DatasetJobScreen(job))
        elif job is not None:
            from .job import JobScreen

            self.app.push_screen(JobScreen(job, self._checks))

    @work(group="limits", exclusive=True)
    async def action_limits(self) -> None:
        """Change how fast the queue is, and how much it does at a time."""
        from .limits import LimitsScreen

        queue = self.hub.queue
        settings = queue.settings if queue is not None else None
        if queue is None or settings is None:
            return
        if changes := await self.app.push_screen_wait(LimitsScreen(settings)):
            self._do(queue.change(**changes))

    @work(group="unpack")
    async def action_unpack(self) -> None:
        """Unpack a finished archive, after a question; or stop doing so."""
        from .. import unpacking
        from .confirm import ConfirmScreen

        job = self._job
        if job is None or not unpacking.is_archive(job):
            return
        if (running := self._unpacking.pop(job.id, None)) is not None:
            running.set()
            return
        asked = await asyncio.to_thread(unpacking.question, job)
        if not await self.app.push_screen_wait(ConfirmScreen(*asked, yes="Unpack")):
            return
        stop = self._unpacking[job.id] = threading.Event()

        def say(words: str) -> None:
            self._unpacked[job.id] = words
            self._show_job()

        try:
            done = await unpacking.unpack_archive(job, stop, say)
            say("stopped; u goes on with it" if done is None else unpacking.outcome(done))
        except MLHubException as error:
            say(f"{error.message}: {error.hint}" if error.hint else error.message)
            self.hub.report(error)
        finally:
            if self._unpacking.get(job.id) is stop:
                del self._unpacking[job.id]

    def action_verify(self) -> None:
        """Read a finished file again, or stop doing so."""
        job = self._job
        if job is None or job.state is not State.DONE or isinstance(job.request, DatasetRequest):
            return
        if (stop := self._checking.pop(job.id, None)) is not None:
            stop.set()
        else:
            self._checking[job.id] = threading.Event()
            self._check(job, self._checking[job.id])

    @work(group="verify")
    async def _check(self, job: Job, stop: threading.Event) -> None:
        """Read a file in a thread, one at a time, and say what came of it."""
        from ..checking import check

        def say(words: str) -> None:
            self._checks[job.id] = words
            self._show_job()

        say("waits until another file is read")
        try:
            async with self._reader:
                found = await check(job, stop, say)
        finally:
            if self._checking.get(job.id) is stop:
                del self._checking[job.id]
        if found is None:
            say("stopped")
            return
        say(str(found))
        self.notify(
            f"{job.name}: {found}", severity="error" if found.trouble else "information", markup=False
        )

    @work(group="queue-command")
    async def _do(self, command: Awaitable[object]) -> None:
        """Carry out a command of the queue."""
        try:
            await command
        except MLHubException as error:
            self.hub.report(error)


_MANY, _CALM = 4, 0.95  # with more than so many at work, seconds between two looks at their progress
_STUCK = frozenset({State.NEEDS_KEY, State.NO_SPACE})
_OF_JOBS = ("pause", "retry", "cancel", "details", "down", "up", "copy", "clear", "all")
