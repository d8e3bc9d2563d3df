"""Downloads: the queue, what is done with its transfers, and with the files of finished ones."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from ...errors import MLHubException
from ...planning.requests import DatasetRequest
from ...queue.job import TRANSITIONS, Job, JobAction, JobState
from ...queue.library import remedy, verify_job
from ...text import count
from .. import dialogs
from ..commands import DOWNLOADS, bindings
from ..context import UNDO_TIME, QueueChanged
from ..terminal.characters import content, line
from ..transfers import job_files
from ..transfers.job_list import JobList
from ..transfers.job_view import JobGroup, JobOrder, JobSort, job_blocks, removal_question, totals
from ..widgets.detail_view import typeset
from .place_screen import PlaceScreen

EMPTY = "Nothing is queued. Press 1, put the cursor on a collection and press d."
NONE = "Put the cursor on a transfer first."
_MANY, _CALM = 4, 0.95
"""With more than so many transfers at work, seconds between two drawings of their progress."""


class DownloadsScreen(PlaceScreen):
    """The download queue."""

    place = DOWNLOADS
    mode = "downloads"
    CSS = """
    DownloadsScreen #view { display: none; height: 1; padding: 0 1; }
    DownloadsScreen.-view #view { display: block; }
    DownloadsScreen #jobs { height: 1fr; }
    DownloadsScreen #empty { display: none; height: 1fr; width: 1fr; content-align: center middle; }
    DownloadsScreen.-empty #empty { display: block; }
    DownloadsScreen.-empty #jobs, DownloadsScreen.-empty #totals,
        DownloadsScreen.-empty #job, DownloadsScreen.-empty #view { display: none; }
    DownloadsScreen #totals { height: 1; color: $muted; background: $surface; }
    DownloadsScreen #job { height: 5; padding: 0 1; overflow: hidden; }
    DownloadsScreen.-short #job { height: 4; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DOWNLOADS), Binding("escape", "step_back", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._order = JobOrder()
        self._checks = job_files.FileWork(self._show_job)
        self._unpacking = job_files.FileWork(self._show_job)
        self._states: list[tuple[int, JobState, str]] = []
        self._drawn_at = 0.0
        self._later: Timer | None = None
        self.filtered = self._list = JobList(id="jobs")
        self._texts = {name: Static(id=name) for name in ("empty", "view", "totals", "job")}

    def compose_body(self) -> ComposeResult:
        """Lay out the list, the totals and the details."""
        empty, view, totals, job = self._texts.values()
        yield from (empty, view, self._list, totals, job)

    def begin(self) -> None:
        """Show the queue."""
        if self.context.memory.sort in set(JobSort):
            self._order.sort = JobSort(self.context.memory.sort)
        self._list.focus()
        self._show()
        self.set_interval(1.0, self._count_down)

    def on_screen_resume(self) -> None:
        """Catch up."""
        super().on_screen_resume()
        self._show()

    def unavailable(self) -> list[str]:
        """Return what the transfer under the cursor cannot do."""
        return job_files.unavailable_for(self._list.current, any_jobs=bool(self.context.jobs))

    # Showing

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show what changed: a state at once; with many at work the progress of a second in one go."""
        super().on_queue_changed(message)
        if not self.is_current:
            return
        before, jobs = self._states, self.context.jobs
        self._states = [(job.id, job.state, job.reason) for job in jobs]
        many = sum(job.state is JobState.DOWNLOADING for job in jobs) > _MANY
        wait = self._drawn_at + (_CALM if many else 0.0) - time.monotonic()
        if self._states != before or wait <= 0:
            self._show()
        elif self._later is None:
            self._later = self.set_timer(wait, self._show)

    def _show(self) -> None:
        if self._later is not None:
            self._later.stop()
        self._later, self._drawn_at = None, time.monotonic()
        if self.closing:
            return
        jobs, listed, queue = self.context.listed_jobs, self._list, self.context.queue
        self.set_class(not jobs, "-empty")
        error = self.context.queue_error
        why = error.message if error is not None else queue.notice if queue is not None else ""
        self._say("empty", content(why or EMPTY, "$muted"))
        listed.mark(listed.marked & {job.id for job in jobs} if listed.marked else ())
        listed.show(self._order.shown(jobs), self._order.sort)
        words = self._order.view_words(len(listed.lines), len(jobs), len(listed.marked))
        self.set_class(bool(words), "-view")
        self._say("view", line(words, "$accent"))
        if self.find_bar is not None:
            self.find_bar.say(f"{len(listed.lines):,} of {len(jobs):,}")
        limit = queue.settings.limit if queue is not None and queue.settings is not None else None
        speeds = self.context.transfers.rates.values
        self._say("totals", content(totals(jobs, self.size.width - 1, limit, speeds)))
        self.refresh_hints()

    def _count_down(self) -> None:
        """Bring the waits for next tries up to date; where none is, nothing is drawn."""
        if self.is_current and not self.closing and self._list.count_down():
            self._show_job()

    def _say(self, where: str, words: Content) -> None:
        """Fill a text, whose place has a height of its own."""
        self._texts[where].update(words, layout=False)

    @on(JobList.Moved)
    def _moved(self) -> None:
        self._show_job()
        self.refresh_hints()

    def _show_job(self) -> None:
        """Show a few lines of the transfer under the cursor."""
        if not self.closing:
            job = self._list.current
            texts = [work.words.get(job.id, "") for work in (self._checks, self._unpacking)] if job else []
            self._say("job", typeset(job_blocks(job, *texts) if job else [], max(self.size.width - 2, 20)))

    def on_resize(self) -> None:
        """Fit the texts to the new width."""
        if self.is_mounted:
            self._show()
            self._show_job()

    # What is shown, and how

    async def action_filter(self) -> None:
        """Type a filter."""
        await self.type_filter(self._order.words, "name, collection, running, failed, done…")
        self._show()

    def apply_filter(self, words: str) -> None:
        """Show the transfers in whose names, collections or states every word occurs."""
        self._order.words = words
        self._show()

    def action_group(self) -> None:
        """Show the transfers of one state, the next of which there are any; after the last, all."""
        self._order.group = self._order.next_group(self.context.listed_jobs)
        self._show()

    def action_sort(self) -> None:
        """Sort by something else; that is remembered."""
        self._order.sort = self._order.sort.next
        self.context.memory.sort = self._order.sort
        self._show()

    def action_mark(self) -> None:
        """Toggle the selection of the transfer under the cursor, and move to the next."""
        if (job := self._list.current) is None:
            self.refuse(NONE)
            return
        self._list.mark(self._list.marked ^ {job.id})
        self._list.action_cursor_down()
        self._show()

    def action_mark_all(self) -> None:
        """Select all that is shown; nothing where all is selected."""
        marked, shown = self._list.marked, {job.id for job in self._list.lines}
        self._list.mark(marked - shown if shown <= marked else marked | shown)
        self._show()

    def action_step_back(self) -> None:
        """Take back the selection, then the filter."""
        if self._list.marked:
            self._list.mark(())
        elif self._order.filters:
            self._order.words, self._order.group = "", JobGroup.ALL
        self._show()

    # What is done with transfers: those that are selected, else the one under the cursor

    def action_pause_or_resume(self) -> None:
        """Pause what runs or waits; where nothing does, resume what is paused or stuck."""
        self._toggle(self._list.chosen)

    def action_toggle_all(self) -> None:
        """Pause all that is shown, or resume all of it where nothing runs or waits."""
        self._toggle(self._list.lines)

    def _toggle(self, jobs: Sequence[Job]) -> None:
        active = [job for job in jobs if job.state.running or job.state is JobState.QUEUED]
        if not self._order_all(JobAction.PAUSE if active else JobAction.RESUME, active or jobs):
            self.refuse("Finished transfers cannot be paused or resumed." if jobs else NONE)

    def action_retry(self) -> None:
        """Retry what failed or was cancelled; resume what is stuck."""
        chosen = self._list.chosen
        stuck = [job for job in chosen if job.state in job_files.STUCK]
        resumed = self._order_all(JobAction.RESUME, stuck)
        retried = self._order_all(JobAction.RETRY, [job for job in chosen if job not in stuck])
        if not resumed and not retried:
            self.refuse("Only failed, cancelled and stuck transfers are retried." if chosen else NONE)

    def _order_all(self, action: JobAction, jobs: Sequence[Job], *, delete_part: bool = False) -> bool:
        """Have an action carried out on those jobs that it applies to; False where it is none."""
        fit = [job.id for job in jobs if job.state in TRANSITIONS[action].starts]
        if fit and self.context.queue is not None:
            self._do(self.context.queue.order(action, fit, delete_part=delete_part))
        return bool(fit)

    @work(group="cancel", exclusive=True)
    async def action_cancel(self) -> None:
        """Cancel, after a question: the part files are deleted, or left for a later retry.

        Transfers that failed or were cancelled are removed from the list instead, by name.
        """
        chosen = self._list.chosen
        jobs = [job for job in chosen if not job.state.finished]
        if self.context.queue is None or not chosen:
            self.refuse(NONE)
            return
        if not jobs:
            await self._remove_by_name([job for job in chosen if job.state is not JobState.DONE])
            return
        downloaded = sum(job.bytes_done for job in jobs)
        what = jobs[0].name if len(jobs) == 1 else count(len(jobs), "transfer")
        answer = await self.app.push_screen_wait(dialogs.base.cancel_question(what, downloaded))
        if answer != "n":
            self._order_all(JobAction.CANCEL, jobs, delete_part=answer == "y")

    async def _remove_by_name(self, jobs: Sequence[Job]) -> None:
        """Remove failed and cancelled transfers from the list, after a question that names them."""
        if not jobs:
            self.refuse("This transfer is done: c clears it from the list.")
        elif await dialogs.base.confirm(self.app, *removal_question(jobs), yes="Remove"):
            self._clear(jobs, "removed")

    def action_clear(self) -> None:
        """Clear the transfers that are done, of the selected or the shown ones; no others.

        They are hidden for some seconds, in which that can be undone, and removed from the queue then.
        """
        jobs = self._list.chosen if self._list.marked else self._list.lines
        if done := [job for job in jobs if job.state is JobState.DONE]:
            self._clear(done, "cleared")
        elif any(job.state.finished for job in jobs):
            self.refuse("No transfer is done: x removes failed and cancelled ones.")
        else:
            self.refuse("There are no finished transfers to clear.")

    def _clear(self, jobs: Sequence[Job], what: str) -> None:
        if self.context.queue is None:
            return
        self.context.clear_jobs(job.id for job in jobs)
        words = f"{count(len(jobs), 'transfer')} {what}. U undoes it for {UNDO_TIME:.0f} s."
        self.notify(words, timeout=UNDO_TIME)
        self._show()

    def action_undo_clear(self) -> None:
        """Show again what was cleared a moment ago."""
        if self.context.undo_clear():
            self.notify("The cleared transfers are back.")
            self._show()
        else:
            self.refuse("There is nothing to undo.")

    def action_move(self, step: int) -> None:
        """Move a transfer in the queue."""
        job, queue = self._list.current, self.context.queue
        if self._order.sort is not JobSort.QUEUE:
            self.refuse("The list is sorted: press z until it is as queued.")
        elif job is not None and queue is not None:
            self._do(queue.move(job.id, step))

    def action_copy_path(self) -> None:
        """Copy the path of the file; of those that are selected, a line each."""
        if jobs := self._list.chosen:
            paths = "\n".join(job.place for job in jobs)
            self.context.copy_text(paths, "Path" if len(jobs) == 1 else "Paths")
        else:
            self.refuse(NONE)

    @on(JobList.Chosen)
    def action_details(self) -> None:
        """Show all about the transfer."""
        if (job := self._list.current) is None:
            self.refuse(NONE)
        elif isinstance(job.request, DatasetRequest):
            self.app.push_screen(dialogs.job_dialog.DatasetJobScreen(job))
        else:
            self.app.push_screen(dialogs.job_dialog.JobScreen(job, self._checks.words))

    def action_log(self) -> None:
        """Show what happened to the transfer."""
        if (job := self._list.current) is None:
            self.refuse(NONE)
        else:
            self.app.push_screen(dialogs.job_dialog.JobLogScreen(job))

    async def action_limits(self) -> None:
        """Change how fast the queue is, and how much it does at a time."""
        await self.context.opening(self._change_limits())

    @work(group="limits", exclusive=True)
    async def _change_limits(self) -> None:
        queue = self.context.queue
        if queue is None or queue.settings is None:
            self.refuse("The queue is not open yet.")
        elif changes := await self.app.push_screen_wait(dialogs.job_dialog.LimitsScreen(queue.settings)):
            self._do(queue.change(**changes))

    @work(group="queue-command")
    async def _do(self, command: Awaitable[object]) -> None:
        """Carry out a command of the queue."""
        try:
            await command
        except MLHubException as error:
            self.context.report(error)

    # The files of finished transfers

    @work(group="verify")
    async def action_verify(self) -> None:
        """Read a finished file again, of a dataset look at the sizes of all; or stop doing so."""
        job = self._list.current
        if job is None or job.state is not JobState.DONE:
            self.refuse("Only finished transfers can be verified.")
            return
        if self._checks.stop(job.id):
            return
        work = partial(verify_job, job)
        if (found := await self._checks.verify(job.id, job.bytes_total, work, remedy(job))) is None:
            return
        if self.context.queue is not None:
            with contextlib.suppress(MLHubException):  # the screen shows the result in any case
                await self.context.queue.tell(job.id, f"read again: {found}")
        severity = "error" if found.trouble else "information"
        self.notify(f"{job.name}: {found}", severity=severity)  # type: ignore[arg-type] # either

    @work(group="unpack")
    async def action_unpack(self) -> None:
        """Unpack a finished archive, after a question; or stop doing so."""
        job = self._list.current
        if job is None or not job_files.is_archive(job):
            self.refuse("Only finished archives can be unpacked.")
            return
        if self._unpacking.stop(job.id):
            return
        question = await asyncio.to_thread(job_files.unpack_question, job)
        if await dialogs.base.confirm(self.app, *question, yes="Unpack"):
            self._do(job_files.unpack_archive(self._unpacking, job))
