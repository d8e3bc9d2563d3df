"""Dialogs of the queue: a transfer, its log, the job of a dataset with its files, and the limits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ...errors import MLHubException
from ...metadata.blocks import Block, FieldBlock, Heading, Paragraph
from ...planning.manifest import FileStatus
from ...planning.requests import DatasetRequest
from ...queue.job import Event, Job
from ...queue.runner import MOST, QueueSettings
from ...text import local_time, one_line, parse_rate, rate, redact
from ..terminal.characters import content
from ..transfers.job_files import FileList, FileQuery
from ..transfers.job_view import all_of, dataset_blocks
from ..widgets.detail_view import typeset
from ..widgets.form import ChoiceField, FormRow, TextField
from .base import FormDialog, FramedDialog, TextDialog

if TYPE_CHECKING:
    from ..context import AppContext


def _now(context: AppContext, job: Job) -> Job:
    """Return a transfer as the queue knows it now."""
    return next((one for one in context.jobs if one.id == job.id), job)


class JobScreen(TextDialog):
    """Shows a transfer; Enter or Esc closes, `L` shows its log, `y` copies the path.

    - `checks`: By the id of a transfer, what came of reading its file again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss(None)", "close", show=False),
        Binding("y", "copy_path", "copy path", show=False),
        Binding("l,L", "log", "log", show=False),
    ]
    CSS = """
    JobScreen > .dialog { width: 100; max-width: 98%; height: 90%; padding: 0 0 0 1; }
    """

    heading, keys = "Transfer", "j k scroll, L log, y copies the path, esc closes"

    def __init__(self, job: Job, checks: Mapping[Any, str]) -> None:
        super().__init__()
        self._job, self._checks = job, checks

    def on_mount(self) -> None:
        """Show it, and how long it waits from second to second."""
        self.on_queue_changed()
        self.set_interval(1.0, self.on_queue_changed)

    def on_queue_changed(self) -> None:
        """Show what changed."""
        job = self._job = _now(self.context, self._job)
        self.detail.show(all_of(job, self._checks.get(job.id, "")), keep_place=True)

    def action_log(self) -> None:
        """Show what happened to it."""
        self.app.push_screen(JobLogScreen(self._job))

    def action_copy_path(self) -> None:
        """Copy the path of the file."""
        self.context.copy_text(self._job.place, "Path")


EVERY = 1.0
"""Seconds between two looks for new entries."""
LONGEST_LOG = 2_000
"""Entries that are shown; of more, the later half."""


class JobLogScreen(TextDialog):
    """Shows the log of a transfer, the last entries in sight; `y` copies it, Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,L", "dismiss(None)", "close", show=False),
        Binding("y", "copy_log", "copy", show=False),
    ]
    CSS = """
    JobLogScreen > .dialog { width: 110; max-width: 98%; height: 94%; padding: 0 0 0 1; }
    """
    keys = "j k scroll, G follows, y copies, esc closes"

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._events: list[Event] = []
        self.heading = one_line(f"Log of {job.name}", 70)

    def on_mount(self) -> None:
        """Show it, and look for more from second to second."""
        self._look()
        self.set_interval(EVERY, self._look)

    @work(group="log", exclusive=True)
    async def _look(self) -> None:
        """Take up what is new; the end stays in sight where it was."""
        queue = self.context.queue
        if queue is None:
            return
        try:
            fresh = await queue.log(self._job.id, self._events[-1].number if self._events else 0)
        except MLHubException as error:
            self._events = []
            self.detail.show([Paragraph(f"! {error.message}", "$error")])
            return
        before, self._events = self._events, self._events + fresh
        if len(self._events) > LONGEST_LOG:
            before, self._events = [], self._events[-LONGEST_LOG // 2 :]
        detail = self.detail
        at_end = detail.scroll_offset.y >= detail.max_scroll_y
        if not before:
            detail.show(event_blocks(self._events), keep_place=True)
        elif fresh:
            detail.add(event_blocks(fresh, before[-1]))
        if at_end:
            self.call_after_refresh(detail.scroll_end, animate=False)

    def action_copy_log(self) -> None:
        """Copy the log, a line an entry."""
        words = "\n".join(f"{local_time(event.at)}  {event.words}" for event in self._events)
        if words:
            self.context.copy_text(words, "Log")


def event_blocks(events: Sequence[Event], before: Event | None = None) -> list[Block]:
    """Return a log by days, in local time; a long one is shortened and says by how much.

    - `before`: The last entry that is shown already.
    """
    if not events:
        return [Paragraph("Nothing has happened yet.")]
    blocks: list[Block] = []
    last, known = (before.number, _day(before)) if before is not None else (0, "")
    for day, entries in groupby(events, _day):
        blocks += [Heading(day)] if day != known else []
        for event in entries:
            if event.number > last + 1:
                blocks.append(FieldBlock("…", f"{event.number - last - 1:,} entries were left out"))
            last = event.number
            blocks.append(FieldBlock(time.strftime("%H:%M:%S", time.localtime(event.at)), event.words))
    return blocks


def _day(event: Event) -> str:
    return local_time(event.at)[:10]


_STATUSES = {"failed": FileStatus.FAILED, "wanted": FileStatus.WANTED, "done": FileStatus.DONE, "all": None}
_RARELY = 20  # times what a look costs, before the next one


class DatasetJobScreen(FramedDialog[None]):
    """Shows the job and its files; `f` filters, `r` tries the failed ones again, `L` shows the log."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "close", show=False),
        Binding("f,right,l", "step(1)", "filter", show=False),
        Binding("left,h", "step(-1)", "filter", show=False),
        Binding("r", "retry", "retry failed", show=False),
        Binding("y", "copy_path", "copy path", show=False),
        Binding("L", "log", "log", show=False),
    ]
    CSS = """
    DatasetJobScreen > .dialog { width: 100; max-width: 98%; height: 94%; padding: 0 1; }
    DatasetJobScreen #facts { height: auto; max-height: 50%; }
    DatasetJobScreen .row { height: 1; }
    DatasetJobScreen ChoiceField { background: $surface; }
    DatasetJobScreen #note { height: 2; color: $warning; }
    """
    AUTO_FOCUS = "FileList"
    heading, keys = "Dataset", "f filters, r retries, L log, y path, esc closes"

    def __init__(self, job: Job) -> None:
        super().__init__()
        assert isinstance(job.request, DatasetRequest)
        self._job, self._request = job, job.request
        self._look: FileQuery | None = None
        self._due = 0.0
        self._facts, self._note = Static(id="facts"), Static(id="note")
        self._choice, self._list = ChoiceField(list(_STATUSES), id="status"), FileList()
        self.rows = (self._facts, FormRow("Files", self._choice), self._list, self._note)

    def on_mount(self) -> None:
        """Show the failed files where there are some, else all."""
        self._choice.can_focus = False
        self._choice.choose("failed" if self._job.files_failed else "all")
        self._read(reset=True)
        self.set_interval(EVERY, self._again)

    def on_resize(self) -> None:
        """Fit the facts to the new width."""
        self.on_queue_changed()

    def on_queue_changed(self) -> None:
        """Show what changed."""
        self._job = _now(self.context, self._job)
        width = min(max(self.size.width * 98 // 100, 20), 100) - 4
        self._facts.update(typeset(dataset_blocks(self._job), width))

    # Files

    @property
    def _status(self) -> FileStatus | None:
        return _STATUSES[self._choice.value]

    def _again(self) -> None:
        """Look again while the job is at work, and once after it has ended."""
        job, look = self._job, self._look
        known = (look.stats.done, look.stats.failed) if look is not None else None
        counted = (job.files_done, job.files_failed) if job.files_total is not None else known
        is_behind = known is None or known != counted
        if time.monotonic() >= self._due and (job.state.running or is_behind):
            self._read(reset=False)

    @work(group="files", exclusive=True)
    async def _read(self, *, reset: bool) -> None:
        began = time.monotonic()
        try:
            look = await FileQuery.of(self._request, self._status)
            again = [] if reset else self._list.cached_pages[-2:]
            pages = {number: await look.page(number) for number in again}
        except MLHubException as error:
            self._say(f"! {error.message}")
            return
        ended = time.monotonic()
        self._look, self._due = look, ended + _RARELY * (ended - began)
        self._list.show(look.count, reset=reset)
        for number, entries in pages.items():
            self._list.fill(number, entries)
        self._explain()

    @on(FileList.Wanted)
    @work(group="page")
    async def _load(self, message: FileList.Wanted) -> None:
        look, number = self._look, message.page
        if look is None:
            return
        try:
            entries = await look.page(number)
        except MLHubException as error:
            self._say(f"! {error.message}")
            return
        if look.status is self._status:
            self._list.fill(number, entries)
            self._explain()

    @on(ChoiceField.Changed)
    def _filtered(self) -> None:
        if self._look is not None:
            self._read(reset=True)

    @on(FileList.Moved)
    def _explain(self) -> None:
        """Say why the file under the cursor failed, and where its bytes are."""
        entry = self._list.current
        if entry is None:
            nothing = self._look is not None and self._look.count == 0
            self._say("no such files" if nothing else "")
        elif entry.status is FileStatus.FAILED:
            self._say(f"{entry.error}: {entry.hint}" if entry.hint else entry.error)
        else:
            self._say(redact(entry.file.href))

    def _say(self, words: str) -> None:
        self._note.update(content(one_line(words, 300)))

    # Keys

    def action_step(self, step: int) -> None:
        """Show files of another kind."""
        self._choice.action_step(step)

    @work(group="retry", exclusive=True)
    async def action_retry(self) -> None:
        """Fetch those again that failed."""
        app = self.context
        if app.queue is None or not self._job.state.finished:
            self._say("it is at work: what failed is tried again when it is done")
            return
        try:
            await app.queue.retry(self._job.id)
        except MLHubException as error:
            app.report(error)

    def action_log(self) -> None:
        """Show what happened to the job."""
        self.app.push_screen(JobLogScreen(self._job))

    def action_copy_path(self) -> None:
        """Copy the path of the file under the cursor, or of the dataset's folder."""
        request, entry = self._request, self._list.current
        parts = [] if entry is None else entry.file.path.split("/")
        there = str(request.asset_folder.joinpath(*parts))
        path = "/".join([request.asset_place, *parts]) if request.url else there
        self.context.copy_text(path, "Path")


_ROWS = {
    "limit": ("Speed", "all together: 5M, 500k, off"),
    "transfers": ("Transfers", "at a time, in all programs"),
    "per_host": ("Per host", "transfers at a time from one host"),
    "connections": ("Connections", "to one file at most"),
}


class LimitsScreen(FormDialog[dict[str, int | None] | None]):
    """Asks; dismissed with what is to be changed. A field left empty stays as it is shown."""

    CSS = """
    LimitsScreen > .dialog Input { width: 14; }
    LimitsScreen .words { width: 1fr; color: $muted; }
    LimitsScreen .row > .words { padding: 0 0 0 1; }
    """
    heading, keys = "Limits", "enter next field, ctrl+s applies, esc cancels"
    button: ClassVar[str] = "apply"

    def __init__(self, settings: QueueSettings) -> None:
        super().__init__()
        shown = {name: str(getattr(settings, name)) for name in _ROWS}
        shown["limit"] = rate(settings.limit) or "off"
        self._fields = {name: TextField(placeholder=value, id=name) for name, value in shown.items()}
        rows = [
            FormRow(label, self._fields[name], Static(content(words), classes="words"))
            for name, (label, words) in _ROWS.items()
        ]
        self.rows = (*rows, Static(content("Saved with the queue; applies at once."), classes="words"))

    def action_submit(self) -> None:
        """Close with what was typed, if it makes sense."""
        typed = {name: text for name, field in self._fields.items() if (text := field.value.strip())}
        try:
            self.dismiss({name: _value(name, text) for name, text in typed.items()})
        except ValueError as error:
            self.warn(f"{error}", "$warning")


def _value(name: str, typed: str) -> int | None:
    if name == "limit":
        return parse_rate(typed)
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed) <= MOST):
        raise ValueError(f"{_ROWS[name][0]}: a number from 1 to {MOST}")
    return int(typed)
