"""All about one transfer, brought up to date while it is looked at."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ...errors import MLHubException
from ...metadata.detail import Block, FieldBlock, Heading, Paragraph
from ...queue.job import Event, Job
from ...text import local_time
from ..context import QueueChanged
from ..terminal.characters import line
from ..terminal.dispatch import Dialog
from ..transfers.job_detail import all_of, speed_words
from ..transfers.job_order import HISTORY_LENGTH
from ..widgets.detail_view import DetailView

if TYPE_CHECKING:
    from ..context import AppContext


class JobScreen(Dialog[None]):
    """Shows a transfer; Enter or Esc closes, `l` shows its log, `y` copies the path.

    Parameters
    ----------
    checks
        By the id of a transfer, what came of reading its file again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "close", show=False),
        Binding("y", "copy_path", "copy path", show=False),
        Binding("l,L", "log", "log", show=False),
    ]
    CSS = """
    JobScreen > .dialog { width: 100; max-width: 98%; height: 90%; padding: 0 0 0 1; }
    """

    def __init__(self, job: Job, checks: Mapping[Any, str]) -> None:
        super().__init__()
        self._job, self._checks = job, checks
        self._detail = DetailView()

    def compose(self) -> ComposeResult:
        """Lay out the sheet."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Transfer")
            dialog.border_subtitle = line("j k scroll, l log, y copies the path, esc closes")
            yield self._detail

    def on_mount(self) -> None:
        """Show it, and how long it waits from second to second."""
        self._detail.focus()
        self._show()
        self.set_interval(1.0, self._show)

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show what changed."""
        message.stop()
        self._show()

    def _show(self) -> None:
        known = {job.id: job for job in cast("AppContext", self.app).jobs}
        self._job = known.get(self._job.id, self._job)
        speed = speed_words(self._job, self._speeds, self._detail.size.width - 14)
        self._detail.show(all_of(self._job, self._checks.get(self._job.id, ""), speed), keep_place=True)

    @property
    def _speeds(self) -> list[float]:
        return cast("AppContext", self.app).transfers.rates.of(self._job.id).last(HISTORY_LENGTH)

    def action_log(self) -> None:
        """Show what happened to it."""
        self.app.push_screen(JobLogScreen(self._job))

    def action_copy_path(self) -> None:
        """Copy the path of the file."""
        cast("AppContext", self.app).copy_text(self._job.place, "Path")


EVERY = 1.0
"""Seconds between two looks for new entries."""
MOST = 2_000
"""Entries that are shown; of more, the later half."""


class JobLogScreen(Dialog[None]):
    """Shows the log of a transfer, the last entries in sight; `y` copies it, Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,l,L", "dismiss(None)", "close", show=False),
        Binding("y", "copy_log", "copy", show=False),
    ]
    CSS = """
    JobLogScreen > .dialog { width: 110; max-width: 98%; height: 94%; padding: 0 0 0 1; }
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._events: list[Event] = []
        self._detail = DetailView()

    def compose(self) -> ComposeResult:
        """Lay out the sheet."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line(f"Log of {self._job.name}", limit=70)
            dialog.border_subtitle = line("j k scroll, G follows, y copies, esc closes")
            yield self._detail

    def on_mount(self) -> None:
        """Show it, and look for more from second to second."""
        self._detail.focus()
        self._look()
        self.set_interval(EVERY, self._look)

    @work(group="log", exclusive=True)
    async def _look(self) -> None:
        """Take up what is new; the end stays in sight where it was."""
        queue = cast("AppContext", self.app).queue
        if queue is None:
            return
        try:
            fresh = await queue.log(self._job.id, self._events[-1].number if self._events else 0)
        except MLHubException as error:
            self._events = []
            self._show([Paragraph(f"! {error.message}", "$error")], reset=True)
            return
        before, self._events = self._events, self._events + fresh
        if len(self._events) > MOST:
            before, self._events = [], self._events[-MOST // 2 :]
        if before and fresh:
            self._show(event_blocks(fresh, before[-1]), reset=False)
        elif not before:
            self._show(event_blocks(self._events), reset=True)

    def _show(self, blocks: Sequence[Block], *, reset: bool) -> None:
        """Show other blocks, or more; the end stays in sight where it was."""
        sheet = self._detail
        at_end = sheet.scroll_offset.y >= sheet.max_scroll_y
        if reset:
            sheet.show(blocks, keep_place=True)
        else:
            sheet.add(blocks)
        if at_end:
            self.call_after_refresh(sheet.scroll_end, animate=False)

    def action_copy_log(self) -> None:
        """Copy the log, a line an entry."""
        words = "\n".join(f"{local_time(event.at)}  {event.words}" for event in self._events)
        if words:
            cast("AppContext", self.app).copy_text(words, "Log")


def event_blocks(events: Sequence[Event], before: Event | None = None) -> list[Block]:
    """Return a log by days, in local time; a long one is shortened and says by how much.

    Parameters
    ----------
    before
        The last entry that is shown already.
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
