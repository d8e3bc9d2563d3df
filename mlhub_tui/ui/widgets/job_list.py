"""The transfers as lines: only what is seen is drawn, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...queue.job import Job, JobState
from ..commands import LISTS, bindings
from ..transfers.order import JobSort
from .changed_cells import changed_cells
from .job_line import Columns, columns_for, header, job_line

_ACTIONS = {"list.top": "cursor_to(0)", "list.bottom": "cursor_to(-1)"}


class JobList(ScrollView, can_focus=True):
    """A list of transfers with a cursor on one of them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LISTS, _ACTIONS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "job--cursor",
        "job--header",
        "job--good",
        "job--bad",
        "job--quiet",
        "job--busy",
    }
    DEFAULT_CSS = """
    JobList { background: $background; height: 1fr; overflow-x: hidden; }
    JobList > .job--header { color: $muted; }
    JobList > .job--cursor { background: $primary-muted; }
    JobList:focus > .job--cursor { background: $primary; color: $background; text-style: bold; }
    JobList > .job--good { color: $success; }
    JobList > .job--bad { color: $error; text-style: bold; }
    JobList > .job--quiet { color: $muted; }
    JobList > .job--busy { color: $primary; }
    """
    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Highlighted(Message):
        """The cursor is on another transfer."""

        job: Job | None

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._jobs: tuple[Job, ...] = ()
        self._sort = JobSort.QUEUE
        self.marked: set[int] = set()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The transfers that are shown."""
        return self._jobs

    @property
    def chosen(self) -> list[Job]:
        """The transfers that are marked, of those that are shown; the one under the cursor where none is."""
        marked = [job for job in self._jobs if job.id in self.marked] if self.marked else []
        return marked or ([self.current] if self.current is not None else [])

    @property
    def current(self) -> Job | None:
        """The transfer under the cursor."""
        return self._jobs[self.cursor] if 0 <= self.cursor < len(self._jobs) else None

    def show(self, jobs: tuple[Job, ...], sort: JobSort = JobSort.QUEUE) -> None:
        """Show the transfers as they are now, the cursor on the same one; only what changed is drawn again.

        Parameters
        ----------
        sort
            What they are sorted by, for the header.
        """
        before, self._jobs = self._jobs, jobs
        kept = before[self.cursor].id if 0 <= self.cursor < len(before) else None
        if len(jobs) != len(before):
            self.virtual_size = Size(self.size.width, len(jobs) + 1)
        if sort is not self._sort:
            self._sort = sort
            self.refresh(Region(0, 0, self.size.width, 1))
        top, height = self.scroll_offset.y, self.size.height
        for number in range(max(top - 1, 0), min(top + height, max(len(jobs), len(before)))):
            if jobs[number : number + 1] != before[number : number + 1]:
                self._refresh_job(number, before[number] if number < len(before) else None)
        if kept is None or self.current is None or self.current.id != kept:
            place = next((n for n, job in enumerate(jobs) if job.id == kept), min(self.cursor, len(jobs) - 1))
            self.cursor = max(place, 0)
        self.post_message(self.Highlighted(self.current))

    def mark(self, job_ids: Iterable[int]) -> None:
        """Have just these marked."""
        changed, self.marked = self.marked, set(job_ids)
        changed ^= self.marked
        for number, job in enumerate(self._jobs) if changed else ():
            if job.id in changed:
                self._refresh_job(number)

    def count_down(self) -> bool:
        """Draw the lines in sight that say when the next try is; return whether there are any."""
        top, height = self.scroll_offset.y, self.size.height
        shown = range(max(top - 1, 0), min(top + height, len(self._jobs)))
        waiting = [number for number in shown if self._jobs[number].state is JobState.RETRYING]
        for number in waiting:
            self._refresh_job(number)
        return bool(waiting)

    def _refresh_job(self, number: int, before: Job | None = None) -> None:
        """Draw a line again; where it is known what it showed before, no more of it than has changed."""
        y, width = number + 1 - self.scroll_offset.y, self.size.width
        if not 1 <= y < self.size.height:
            return
        start, end = 0, width
        if before is not None and number < len(self._jobs) and before.id == self._jobs[number].id:
            columns, base = columns_for(width), self.rich_style
            lines = [
                self._strip_of(job, number, columns, width, base) for job in (before, self._jobs[number])
            ]
            if all(len(strip.text) == strip.cell_length for strip in lines):
                start, end = changed_cells(*lines)
        if end > start:
            self.refresh(Region(start, y, end - start, 1))

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self.virtual_size = Size(self.size.width, len(self._jobs) + 1)
        self.call_after_refresh(self._keep_in_sight)

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a transfer."""
        return max(0, min(cursor, len(self._jobs) - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Draw the two lines that changed, and keep the cursor in sight."""
        self._refresh_job(before)
        self._refresh_job(after)
        self._keep_in_sight()
        self.post_message(self.Highlighted(self.current))

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the terminal's own cursor stands: on the transfer, where screen readers look for it."""
        return self.content_region.offset + Offset(0, 1 + self.cursor - self.scroll_offset.y)

    def _keep_in_sight(self) -> None:
        """Scroll as little as brings the cursor into view."""
        top, room = self.scroll_offset.y, self.size.height - 1
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif room > 0 and self.cursor >= top + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False, immediate=True)

    def action_cursor_down(self) -> None:
        """Go down a line."""
        self.cursor += 1

    def action_cursor_up(self) -> None:
        """Go up a line."""
        self.cursor -= 1

    def action_page_down(self) -> None:
        """Go down a page."""
        self.cursor += max(self.size.height - 2, 1)

    def action_page_up(self) -> None:
        """Go up a page."""
        self.cursor -= max(self.size.height - 2, 1)

    def action_cursor_to(self, number: int) -> None:
        """Go to a line; -1 is the last."""
        self.cursor = number if number >= 0 else len(self._jobs) - 1

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is."""
        number = event.y + self.scroll_offset.y - 1
        if event.y > 0 and 0 <= number < len(self._jobs):
            self.cursor = number

    def render_line(self, y: int) -> Strip:
        """Draw the header, which stays, or a transfer."""
        width, base = self.size.width, self.rich_style
        columns = columns_for(width)
        if y == 0:
            return _strip(
                header(columns, self._sort), base + self.get_component_rich_style("job--header"), width
            )
        number = y - 1 + self.scroll_offset.y
        if number >= len(self._jobs):
            return Strip.blank(width, base)
        return self._strip_of(self._jobs[number], number, columns, width, base)

    def _strip_of(self, job: Job, number: int, columns: Columns, width: int, base: Style) -> Strip:
        cells = job_line(job, columns, marked=job.id in self.marked)
        if number == self.cursor:
            return _strip("".join(cells), base + self.get_component_rich_style("job--cursor"), width)
        style = base + self.get_component_rich_style(_tone(job.state), partial=True)
        # Few segments: each costs 40 bytes of colours, and with many at work all lines change all the time.
        segments = [
            Segment(cells[0], base),
            Segment(cells[1] + cells[2], style),
            Segment("".join(cells[3:]), base),
        ]
        return Strip(segments).adjust_cell_length(width, base)


def _strip(text: str, style: Style, width: int) -> Strip:
    return Strip([Segment(text, style)]).adjust_cell_length(width, style)


def _tone(state: JobState) -> str:
    if state is JobState.DONE:
        return "job--good"
    if state in (JobState.FAILED, JobState.NEEDS_KEY, JobState.NO_SPACE, JobState.STALLED, JobState.RETRYING):
        return "job--bad"
    return "job--busy" if state.running else "job--quiet"
