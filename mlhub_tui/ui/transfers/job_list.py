"""Transfers as a virtual list, one a line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
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
from ...text import count, duration, one_line, rate, size
from ..detail.job_detail import why
from ..key_bindings import LISTS, bindings
from ..terminal.diff_rendering import changed_cells
from .job_order import JobSort, fraction

STATE_WIDTH = 12
BYTES_WIDTH = 19
PERCENT_WIDTH = 6
RATE_WIDTH = 11
ETA_WIDTH = 12
LINKS_WIDTH = 5
NOTE_WIDTH = 36
ELSEWHERE = "»"
MARKED = "✓"
_ARROW = "↓"


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; 0 leaves a column out."""

    name: int
    state: int
    bar: int
    bytes: int
    rate: int
    eta: int
    links: int = 0


def columns_for(width: int) -> Columns:
    """Return the widths for a line: name and bar share what the figures leave."""
    figures = STATE_WIDTH + BYTES_WIDTH + RATE_WIDTH
    eta = ETA_WIDTH if width >= 90 else 0
    links = LINKS_WIDTH if width >= 110 else 0
    rest = width - figures - eta - links - 1
    if rest < 24:
        return Columns(max(width - STATE_WIDTH - PERCENT_WIDTH - 9, 8), STATE_WIDTH, 8, PERCENT_WIDTH, 0, 0)
    bar = 12 if width < 110 else 22
    return Columns(rest - bar, STATE_WIDTH, bar, BYTES_WIDTH, RATE_WIDTH, eta, links)


def header(columns: Columns, sort: JobSort = JobSort.QUEUE) -> str:
    """Return the column names, with an arrow at what is sorted by."""
    names = ["Name", "State", "", "Done", "Speed", "Conn", "Left"]
    match sort:
        case JobSort.NAME | JobSort.STATE:
            names[0 if sort is JobSort.NAME else 1] += _ARROW
        case JobSort.PROGRESS:
            names[2] = f"Part{_ARROW}"
        case JobSort.SIZE:
            names[3] = f"Size{_ARROW}"
        case JobSort.SPEED:
            names[4] += _ARROW
    widths = (
        columns.name,
        columns.state,
        columns.bar,
        columns.bytes,
        columns.rate,
        columns.links,
        columns.eta,
    )
    return " " + "".join(_fit(name, width) for name, width in zip(names, widths, strict=True))


def job_line(job: Job, columns: Columns, *, marked: bool = False) -> list[str]:
    """Return the cells of a transfer: name, state, bar, bytes, rate, connections, time left.

    A sign before the name tells one that is marked, and one that another program runs. One that is stuck has
    the reason in the place of its figures, and of its bar where there is little room.
    """
    named = [
        (MARKED if marked else ELSEWHERE if job.elsewhere else " ")
        + _fit_end(one_line(job.name).removesuffix(".tar.gz"), columns.name),
        _fit(str(job.state), columns.state),
    ]
    drawn = _fit(bar(job, columns.bar - 2), columns.bar)
    room = columns.bytes + columns.rate + columns.links + columns.eta
    note = _note(job)
    if note and room >= NOTE_WIDTH:
        return [*named, drawn, _fit(note, room)]
    if note and room + columns.bar >= NOTE_WIDTH:
        return [*named, "", _fit(note, room + columns.bar)]
    eta = duration(job.eta) if job.state is JobState.DOWNLOADING else ""
    speed = rate(job.rate) if job.state is JobState.DOWNLOADING else ""
    links = f"×{job.connections}" if job.connections > 1 else ""
    return [
        *named,
        drawn,
        _fit(_percent(job) if columns.bytes <= PERCENT_WIDTH else _bytes(job), columns.bytes),
        _fit(speed, columns.rate),
        _fit(links, columns.links),
        _fit(eta, columns.eta),
    ]


def _note(job: Job) -> str:
    """Return how far a transfer is that does not go on, and why; empty for the others."""
    if job.state is JobState.DOWNLOADING or job.state is JobState.DONE or not (words := one_line(why(job))):
        return ""
    percent = f"{_percent(job)} " if job.bytes_done and fraction(job) is not None else ""
    return f"{percent}{words}"


def bar(job: Job, width: int) -> str:
    """Return a bar in half steps; what is done and what is not differ without colours too."""
    if job.state is JobState.DONE:
        return "━" * width
    part = fraction(job)
    if part is None:
        return "┄" * width
    full, half = divmod(int(width * 2 * part), 2)
    drawn = "━" * full + "╸" * half
    return drawn + "┄" * (width - len(drawn))


def _bytes(job: Job) -> str:
    if job.files_total is not None:
        return _files(job)
    if job.state is JobState.DONE:
        return size(job.bytes_total if job.bytes_total is not None else job.bytes_done)
    if job.bytes_total is None:
        return size(job.bytes_done) if job.bytes_done else "" if job.state.finished else "unknown size"
    if not job.bytes_done:
        return size(job.bytes_total)
    return f"{size(job.bytes_done)}/{size(job.bytes_total)}".replace(" ", "")


def _files(job: Job) -> str:
    """Return how many files are done; those that failed are in the note."""
    if job.state is JobState.DONE:
        return count(job.files_total or 0, "file")
    words = f"{job.files_done:,}/{job.files_total or 0:,}"
    return f"{words} files" if len(words) + 6 < BYTES_WIDTH else words


def _percent(job: Job) -> str:
    if job.state is JobState.DONE:
        return "100%"
    part = fraction(job)
    return f"{int(part * 100)}%" if part is not None else ""


def _fit(text: str, width: int) -> str:
    """Return text in a column: cut with an ellipsis, one cell of space behind it."""
    if width <= 0:
        return ""
    if cell_len(text) > width - 1:
        text = set_cell_size(text, max(width - 2, 0)) + "…"
    return set_cell_size(text, width)


def _fit_end(text: str, width: int) -> str:
    """Return an id in a column: its end is kept, which is what tells it from its neighbours."""
    if cell_len(text) == len(text) > width - 1:
        text = "…" + text[len(text) - width + 2 :]
    return _fit(text, width)


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
