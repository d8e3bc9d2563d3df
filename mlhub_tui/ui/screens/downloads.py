"""Downloads: what is done with the files of finished transfers, reading them again and unpacking them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from ...errors import MLHubException
from ...metadata.detail import FieldBlock
from ...planning.requests import DatasetRequest
from ...queue.job import TRANSITIONS, Job, JobAction, JobState
from ...text import count
from ..detail.job_detail import job_blocks, speed_words, totals, view_words
from ..detail.typesetting import NAME_WIDTH, typeset
from ..key_bindings import DOWNLOADS, AppCommand, bindings, hints, of
from ..messages import QueueChanged
from ..terminal.characters import content, line
from ..transfers.job_list import JobList
from ..transfers.job_order import JobGroup, JobOrder, JobSort
from ..transfers.statistics import KEPT
from ..widgets.filter_bar import FindBar
from .place_screen import PlaceScreen


class FilesScreen(PlaceScreen):
    """A screen that reads and unpacks the files of transfers, and keeps what came of it by transfer."""

    def __init__(self) -> None:
        super().__init__()
        self._checks: dict[int, str] = {}
        self._checking: dict[int, threading.Event] = {}
        self._unpacked: dict[int, str] = {}
        self._unpacking: dict[int, threading.Event] = {}
        self._reader = asyncio.Lock()

    @property
    def job(self) -> Job | None:
        """The transfer under the cursor."""
        return None

    def show_job(self) -> None:
        """Show the transfer under the cursor anew."""

    @work(group="unpack")
    async def action_unpack(self) -> None:
        """Unpack a finished archive, after a question; or stop doing so."""
        from ..actions import finished_files
        from ..dialogs.questions import ConfirmScreen

        job = self.job
        if job is None or not finished_files.is_archive(job):
            return
        if (running := self._unpacking.pop(job.id, None)) is not None:
            running.set()
            return
        asked = await asyncio.to_thread(finished_files.unpack_question, job)
        if not await self.app.push_screen_wait(ConfirmScreen(*asked, yes="Unpack")):
            return
        stop = self._unpacking[job.id] = threading.Event()

        def say(words: str) -> None:
            self._unpacked[job.id] = words
            self.show_job()

        try:
            done = await finished_files.unpack_archive(job, stop, say)
            say("stopped; u resumes it" if done is None else finished_files.unpack_outcome(done))
        except MLHubException as error:
            say(f"{error.message}: {error.hint}" if error.hint else error.message)
            self.context.report(error)
        finally:
            if self._unpacking.get(job.id) is stop:
                del self._unpacking[job.id]

    def action_verify(self) -> None:
        """Read a finished file again, of a dataset look at the sizes of all; or stop doing so."""
        job = self.job
        if job is None or job.state is not JobState.DONE:
            return
        if (stop := self._checking.pop(job.id, None)) is not None:
            stop.set()
        else:
            self._checking[job.id] = threading.Event()
            self._check(job, self._checking[job.id])

    @work(group="verify")
    async def _check(self, job: Job, stop: threading.Event) -> None:
        """Read a file in a thread, one at a time, and say what came of it."""
        from ..actions.finished_files import check

        def say(words: str) -> None:
            self._checks[job.id] = words
            self.show_job()

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
        if self.context.queue is not None:
            with contextlib.suppress(MLHubException):  # it was said on the screen
                await self.context.queue.tell(job.id, f"read again: {found}")
        self.notify(
            f"{job.name}: {found}", severity="error" if found.trouble else "information", markup=False
        )


UNDO_TIME = 10.0
"""Seconds in which cleared transfers can be brought back."""
EMPTY = "Nothing is queued. Press 1, put the cursor on a collection and press d."


class DownloadsScreen(FilesScreen):
    """The download queue."""

    place = DOWNLOADS
    mode = "downloads"
    CSS_PATH = "downloads.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(DOWNLOADS),
        Binding("escape", "step_back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._order = JobOrder()
        self._states: list[tuple[int, JobState, str]] = []
        self._shown_at = 0.0
        self._later: Timer | None = None
        self._clear_timer: Timer | None = None
        self._list = JobList(id="jobs")
        self._texts = {name: Static(id=name) for name in ("empty", "view", "totals", "speed", "job")}
        self._bar: FindBar | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the list, the totals and the details."""
        yield self._texts["empty"]
        yield self._texts["view"]
        yield self._list
        yield self._texts["totals"]
        yield self._texts["speed"]
        yield self._texts["job"]

    def on_mount(self) -> None:
        """Show the queue."""
        super().on_mount()
        if self.closing:
            return
        if self.context.memory.sort in set(JobSort):
            self._order.sort = JobSort(self.context.memory.sort)
        self._list.focus()
        self._show()
        self.set_interval(1.0, self._count_down)

    def on_screen_resume(self) -> None:
        """Catch up."""
        super().on_screen_resume()
        self._show()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show what changed."""
        super().on_queue_changed(message)
        if self.is_current and not self._soon(self.context.jobs):
            self._show()

    def _soon(self, jobs: Sequence[Job]) -> bool:
        """Return whether there is nothing but progress to show, and it is shown a little later.

        With many at work the lines of a second are all that an SSH connection should have to carry.
        """
        states = [(job.id, job.state, job.reason) for job in jobs]
        changed, self._states = states != self._states, states
        at_work = sum(job.state is JobState.DOWNLOADING for job in jobs)
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
        jobs, listed = self._jobs, self._list
        self.set_class(not jobs, "-empty")
        queue, error = self.context.queue, self.context.queue_error
        why = error.message if error is not None else queue.notice if queue is not None else ""
        self._say("empty", content(why or EMPTY, "$muted"))
        listed.mark(listed.marked & {job.id for job in jobs} if listed.marked else ())
        listed.show(self._order.shown(jobs), self._order.sort)
        self._show_view(jobs, listed)
        settings = self.context.queue.settings if self.context.queue is not None else None
        limit = settings.limit if settings is not None else None
        speeds = self.context.transfers.rates.total.last(KEPT)
        self._say("totals", content(totals(jobs, self.size.width - 1, limit, speeds)))
        self.refresh_hints()

    @property
    def _jobs(self) -> Sequence[Job]:
        """The transfers, without those that were cleared and not removed yet."""
        cleared = self.context.cleared
        return [job for job in self.context.jobs if job.id not in cleared] if cleared else self.context.jobs

    def _show_view(self, jobs: Sequence[Job], listed: JobList) -> None:
        """Say what is shown of the transfers and how, where that is not all of them as they were queued."""
        words = view_words(self._order, len(listed.jobs), len(jobs), len(listed.marked))
        self.set_class(bool(words), "-view")
        self._say("view", line(words, "$accent"))
        if self._bar is not None:
            self._bar.say(f"{len(listed.jobs):,} of {len(jobs):,}")

    def _count_down(self) -> None:
        """Bring the waits for next tries up to date; where none is, nothing is drawn."""
        if self.is_current and not self.closing and self._list.count_down():
            self.show_job()

    def _say(self, where: str, words: Content) -> None:
        """Fill a text; what has not changed is not drawn again, and its place has a height of its own."""
        place = self._texts[where]
        before = place.content
        if not isinstance(before, Content) or not before.is_same(words):
            place.update(words, layout=False)

    def hint_commands(self) -> list[AppCommand]:
        """Leave out what the transfer under the cursor cannot do."""
        job = self.job if self.is_mounted else None
        whole = job is not None and job.state is JobState.DONE
        many = job is not None and isinstance(job.request, DatasetRequest)
        gone: list[str] = [] if whole else ["downloads.verify", "downloads.unpack"]
        gone += ["downloads.unpack"] if many else []
        if job is None:
            stay = _ALWAYS | _OF_LISTS if self.context.jobs else _ALWAYS
            gone += [command.id for command in of(DOWNLOADS) if command.id not in stay]
        elif job.state.finished:
            gone += ["downloads.pause", "downloads.cancel"]
            gone += ["downloads.retry"] if job.state is JobState.DONE else []
        else:
            gone += [] if job.state in _STUCK or job.state is JobState.RETRYING else ["downloads.retry"]
        return hints(DOWNLOADS, gone)

    @on(JobList.Highlighted)
    def _highlighted(self, message: JobList.Highlighted) -> None:
        message.stop()
        self.show_job()
        self.refresh_hints()

    def show_job(self) -> None:
        """Show a few lines of the transfer under the cursor, and its speed in the last seconds."""
        if self.closing:
            return
        job, width = self.job, max(self.size.width - 2, 20)
        texts = (self._checks.get(job.id, ""), self._unpacked.get(job.id, "")) if job else ()
        details = typeset(job_blocks(job, *texts) if job else [], width)
        self._say("job", details)
        speeds = self.context.transfers.rates.of(job.id).last(KEPT) if job else []
        words = speed_words(job, speeds, width - NAME_WIDTH) if job else ""
        room = self._texts["job"].size.height - len(details.split("\n"))
        self._texts["speed"].set_class(bool(words) and room > 0, "-on")
        self._say("speed", typeset([FieldBlock("Speed", words)], width))

    def on_resize(self) -> None:
        """Fit the texts to the new width."""
        if self.is_mounted:
            self._show()
            self.show_job()

    @property
    def job(self) -> Job | None:
        """The transfer under the cursor."""
        return self._list.current

    # What is shown, and how

    async def action_filter(self) -> None:
        """Type a filter."""
        if self._bar is None:
            self._bar = FindBar(self._order.words, "name, collection, running, failed, done…")
        await self._bar.open_in(self, before=self.hint_bar)
        self._show()

    @on(FindBar.Edited)
    def _filter_edited(self, message: FindBar.Edited) -> None:
        message.stop()
        self._order.words = message.value
        self._show()

    @on(FindBar.Closed)
    def _filter_closed(self, message: FindBar.Closed) -> None:
        message.stop()
        if self._bar is not None:
            self._bar.remove()
            self._bar = None
        if not message.keep:
            self._order.words = ""
        self.set_focus(self._list)
        self._show()

    def action_group(self) -> None:
        """Show the transfers of one state, the next of which there are any; after the last, all."""
        self._order.group = self._order.next_group(self._jobs)
        self._show()

    def action_sort(self) -> None:
        """Sort by something else; that is remembered."""
        self._order.sort = self._order.sort.next
        self.context.memory.sort = self._order.sort
        self._show()

    def action_mark(self) -> None:
        """Mark the transfer under the cursor, or no more, and go on to the next."""
        listed = self._list
        if listed.current is not None:
            listed.mark(listed.marked ^ {listed.current.id})
            listed.action_cursor_down()
            self._show()

    def action_mark_all(self) -> None:
        """Mark all that is shown; nothing where all is marked."""
        listed = self._list
        shown = {job.id for job in listed.jobs}
        listed.mark(listed.marked - shown if shown <= listed.marked else listed.marked | shown)
        self._show()

    def action_step_back(self) -> None:
        """Take back marks, then the filter."""
        listed = self._list
        if listed.marked:
            listed.mark(())
        elif self._order.filters:
            self._order.words, self._order.group = "", JobGroup.ALL
        self._show()

    # What is done with transfers: those that are marked, else the one under the cursor

    @property
    def _chosen(self) -> list[Job]:
        return self._list.chosen

    def action_pause_or_resume(self) -> None:
        """Pause what runs or waits; where nothing does, resume what is paused or stuck."""
        self._toggle(self._chosen)

    def action_toggle_all(self) -> None:
        """Pause all that is shown, or resume all of it where nothing runs or waits."""
        self._toggle(self._list.jobs)

    def _toggle(self, jobs: Sequence[Job]) -> None:
        active = [job for job in jobs if job.state.running or job.state is JobState.QUEUED]
        self._order_all(JobAction.PAUSE if active else JobAction.RESUME, active or jobs)

    def action_retry(self) -> None:
        """Try again; what is stuck goes on."""
        stuck = [job for job in self._chosen if job.state in _STUCK]
        self._order_all(JobAction.RESUME, stuck)
        self._order_all(JobAction.RETRY, [job for job in self._chosen if job not in stuck])

    def _order_all(self, verb: JobAction, jobs: Sequence[Job], *, delete_part: bool = False) -> None:
        """Have a verb carried out on those jobs that it applies to."""
        fit = [job.id for job in jobs if job.state in TRANSITIONS[verb].starts]
        if fit and self.context.queue is not None:
            self._do(self.context.queue.order(verb, fit, delete_part=delete_part))

    @work(group="cancel", exclusive=True)
    async def action_cancel(self) -> None:
        """Cancel, after a question: what was downloaded is deleted, or kept for a later retry."""
        from ..dialogs.questions import CancelScreen, ConfirmScreen

        jobs = [job for job in self._chosen if not job.state.finished]
        if not jobs or self.context.queue is None:
            return
        downloaded = sum(job.bytes_done for job in jobs)
        what = jobs[0].name if len(jobs) == 1 else count(len(jobs), "transfer")
        if downloaded:
            answer = await self.app.push_screen_wait(CancelScreen(what, downloaded))
        else:
            yes = await self.app.push_screen_wait(ConfirmScreen(f"Cancel {what}?", yes="Cancel it"))
            answer = "delete" if yes else "no"
        if answer != "no":
            self._order_all(JobAction.CANCEL, jobs, delete_part=answer == "delete")

    @work(group="clear", exclusive=True)
    async def action_clear(self) -> None:
        """Remove finished transfers, of the marked or the shown ones; failed ones after a question.

        They are hidden for some seconds, in which the removal can be undone, and removed then.
        """
        from ..dialogs.questions import ConfirmScreen

        listed = self._list
        jobs = self._chosen if listed.marked else listed.jobs
        gone = [job for job in jobs if job.state in (JobState.DONE, JobState.CANCELLED)]
        failed = [job for job in jobs if job.state is JobState.FAILED]
        if failed and (listed.marked or not gone):
            names = ", ".join(job.name for job in failed[:_NAMED])
            more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
            question = f"Remove {count(len(failed), 'failed transfer')} from the list?"
            detail = f"{names}{more}. They can then not be retried."
            if await self.app.push_screen_wait(ConfirmScreen(question, detail, yes="Remove")):
                gone += failed
        if not gone or self.context.queue is None:
            self.notify("There are no finished transfers to clear.", markup=False)
            return
        self.context.cleared |= {job.id for job in gone}
        self._clear_timer = self._restarted(self._clear_timer)
        self.notify(f"{count(len(gone), 'transfer')} cleared. U undoes it.", timeout=UNDO_TIME, markup=False)
        self._show()

    def _restarted(self, timer: Timer | None) -> Timer:
        if timer is not None:
            timer.stop()
        return self.set_timer(UNDO_TIME, self._remove_cleared)

    def _remove_cleared(self) -> None:
        """Remove what was cleared, now that the time to undo it is over."""
        self._do(self.context.remove_cleared())

    def action_undo_clear(self) -> None:
        """Show again what was cleared a moment ago."""
        if not self.context.cleared:
            self.notify("There is nothing to undo.", markup=False)
            return
        if self._clear_timer is not None:
            self._clear_timer.stop()
        self.context.cleared.clear()
        self._show()

    def action_move(self, step: int) -> None:
        """Move a transfer in the queue."""
        job, queue = self.job, self.context.queue
        if self._order.sort is not JobSort.QUEUE:
            self.notify("The list is sorted: press s for the order of the queue.", markup=False)
        elif job is not None and queue is not None:
            self._do(queue.move(job.id, step))

    def action_copy_path(self) -> None:
        """Copy the path of the file; of those that are marked, a line each."""
        if jobs := self._chosen:
            self.context.copy_text(
                "\n".join(job.place for job in jobs), "Path" if len(jobs) == 1 else "Paths"
            )

    def action_details(self) -> None:
        """Show all about the transfer."""
        job = self.job
        if job is not None and isinstance(job.request, DatasetRequest):
            from ..dialogs.dataset_job_dialog import DatasetJobScreen

            self.app.push_screen(DatasetJobScreen(job))
        elif job is not None:
            from ..dialogs.job_dialog import JobScreen

            self.app.push_screen(JobScreen(job, self._checks))

    def action_log(self) -> None:
        """Show what happened to the transfer."""
        if self.job is not None:
            from ..dialogs.job_dialog import JobLogScreen

            self.app.push_screen(JobLogScreen(self.job))

    @work(group="limits", exclusive=True)
    async def action_limits(self) -> None:
        """Change how fast the queue is, and how much it does at a time."""
        from ..dialogs.limits_dialog import LimitsScreen

        queue = self.context.queue
        settings = queue.settings if queue is not None else None
        if queue is None or settings is None:
            return
        if changes := await self.app.push_screen_wait(LimitsScreen(settings)):
            self._do(queue.change(**changes))

    @work(group="queue-command")
    async def _do(self, command: Awaitable[object]) -> None:
        """Carry out a command of the queue."""
        try:
            await command
        except MLHubException as error:
            self.context.report(error)


_NAMED = 3  # failed transfers that a question names
_MANY, _CALM = 4, 0.95  # with more than so many at work, seconds between two looks at their progress
_STUCK = frozenset({JobState.NEEDS_KEY, JobState.NO_SPACE})
_ALWAYS = frozenset({"downloads.limits"})
_OF_LISTS = frozenset({"downloads.filter", "downloads.group", "downloads.sort"})
