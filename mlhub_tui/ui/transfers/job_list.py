"""Transfers as a virtual list, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from ...queue.job import Job, JobState
from ...text import count, duration, one_line, rate, size
from ..widgets.line_view import LineView
from .job_detail import why
from .job_order import JobSort, fraction

ELSEWHERE, MARKED = "»", "✓"
_STATE, _PERCENT, _BYTES, _SIZE, _RATE, _LINKS, _LEFT = 12, 5, 19, 9, 11, 5, 9
_NAME = 48
"""Cells of a name at most: on a wide screen the columns stay together."""
_NOTE = 36
"""Cells in which a reason makes sense."""
_ARROW = "↓"
_OF_WHAT = re.compile(r' of (?:collection|dataset|item) "[^"]*"')
"""What a reason is about: the line names it already, and has room for little more than the fact."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; 0 leaves a column out."""

    name: int
    state: int
    bar: int
    percent: int
    bytes: int
    rate: int = 0
    links: int = 0
    left: int = 0


def columns_for(width: int) -> Columns:
    """Return the widths for a line: the name has what the figures leave."""
    if width < 76:
        return Columns(max(width - _STATE - _PERCENT - 9, 8), _STATE, 8, _PERCENT, 0)
    bar, done = (8, _SIZE) if width < 100 else (12, _BYTES) if width < 120 else (22, _BYTES)
    links = _LINKS if width >= 110 else 0
    name = width - 1 - _STATE - bar - _PERCENT - done - _RATE - links - _LEFT
    return Columns(min(name, _NAME), _STATE, bar, _PERCENT, done, _RATE, links, _LEFT)


def header(columns: Columns, sort: JobSort = JobSort.QUEUE) -> str:
    """Return the column names, with an arrow at what is sorted by."""
    names = {"name": "Name", "state": "State", "bar": "", "percent": "", "bytes": "Done", "rate": "Speed"}
    names |= {"links": "Conn", "left": "Left"}
    if columns.bytes == _SIZE:
        names["bytes"] = "Size"
    match sort:
        case JobSort.NAME | JobSort.STATE:
            names[sort] += _ARROW
        case JobSort.PROGRESS:
            names["bar"] = f"Part{_ARROW}"
        case JobSort.SIZE:
            names["bytes"] = f"Size{_ARROW}"
        case JobSort.SPEED:
            names["rate"] += _ARROW
    return " " + "".join(_fit(name, getattr(columns, column)) for column, name in names.items())


def job_line(job: Job, columns: Columns, *, marked: bool = False) -> list[str]:
    """Return the cells of a transfer: name, state, bar, percent, bytes, rate, connections, time left.

    A sign before the name tells one that is selected, and one that another program runs. One that is stuck
    has the reason in the place of its figures, and of its bar where there is little room.
    """
    sign = MARKED if marked else ELSEWHERE if job.elsewhere else " "
    named = [
        sign + _fit_end(one_line(job.name).removesuffix(".tar.gz"), columns.name),
        _fit(str(job.state), columns.state),
    ]
    drawn = _fit(bar(job, columns.bar - 2), columns.bar)
    room = columns.percent + columns.bytes + columns.rate + columns.links + columns.left
    note = _note(job)
    if note and room >= _NOTE:
        return [*named, drawn, _fit(note, room)]
    if note and room + columns.bar >= _NOTE:
        return [*named, "", _fit(note, room + columns.bar)]
    runs = job.state is JobState.DOWNLOADING
    return [
        *named,
        drawn,
        _fit(_percent(job), columns.percent),
        _fit(_total(job) if columns.bytes == _SIZE else _bytes(job), columns.bytes),
        _fit(rate(job.rate) if runs else "", columns.rate),
        _fit(f"×{job.connections}" if job.connections > 1 else "", columns.links),
        _fit(_left(job.eta) if runs else "", columns.left),
    ]


def _note(job: Job) -> str:
    """Return the progress of a stopped transfer, and why it stopped; empty for the others."""
    if job.state is JobState.DOWNLOADING or job.state is JobState.DONE or not (words := one_line(why(job))):
        return ""
    words = _OF_WHAT.sub("", words)
    percent = f"{_percent(job)} " if job.bytes_done and fraction(job) is not None else ""
    return f"{percent}{words}"


def bar(job: Job, width: int) -> str:
    """Return a bar in half steps; what is done and what is not differ without colours too."""
    part = fraction(job)
    if part is None:
        return "┄" * width
    full, half = divmod(int(width * 2 * part), 2)
    drawn = "━" * full + "╸" * half
    return drawn + "┄" * (width - len(drawn))


def _bytes(job: Job) -> str:
    if job.files_total is not None:
        if job.state is JobState.DONE:
            return count(job.files_total, "file")
        words = f"{job.files_done:,}/{job.files_total:,}"
        return f"{words} files" if len(words) + 6 < _BYTES else words
    if job.state is JobState.DONE:
        return size(job.bytes_total if job.bytes_total is not None else job.bytes_done)
    if job.bytes_total is None:
        return size(job.bytes_done) if job.bytes_done else "" if job.state.finished else "unknown size"
    if not job.bytes_done:
        return size(job.bytes_total)
    return f"{size(job.bytes_done)}/{size(job.bytes_total)}".replace(" ", "")


def _total(job: Job) -> str:
    if job.bytes_total is None:
        return count(job.files_total, "file") if job.files_total is not None else ""
    return size(job.bytes_total)


def _left(seconds: float | None) -> str:
    """Return a time as a clock shows it, from a day on in words."""
    if seconds is None or not seconds < 86400:
        return duration(seconds)
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _percent(job: Job) -> str:
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
    """Return an id in a column, cut at its start: its end distinguishes it from its neighbours."""
    if cell_len(text) == len(text) > width - 1:
        text = "…" + text[len(text) - width + 2 :]
    return _fit(text, width)


class JobList(LineView):
    """A list of transfers."""

    DEFAULT_CSS = """
    JobList { background: $background; height: 1fr; overflow-x: hidden; }
    JobList > .line--good { color: $success; }
    JobList > .line--bad { color: $error; text-style: bold; }
    JobList > .line--busy { color: $primary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--good", "line--bad", "line--busy"}
    header = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.jobs: tuple[Job, ...] = ()
        """The transfers that are shown."""
        self.marked: set[int] = set()
        self._sort = JobSort.QUEUE

    @property
    def line_count(self) -> int:
        """How many transfers there are."""
        return len(self.jobs)

    @property
    def current(self) -> Job | None:
        """The transfer under the cursor."""
        return self.jobs[self.cursor_line] if self.cursor_line < len(self.jobs) else None

    @property
    def chosen(self) -> list[Job]:
        """The selected transfers, of those that are shown; where none is, the one under the cursor."""
        marked = [job for job in self.jobs if job.id in self.marked] if self.marked else []
        return marked or ([self.current] if self.current is not None else [])

    def show(self, jobs: tuple[Job, ...], sort: JobSort = JobSort.QUEUE) -> None:
        """Show the transfers as they are now, the cursor on the same one.

        - `sort`: What they are sorted by, for the header.
        """
        current = self.current
        self.jobs, self._sort = jobs, sort
        self.count_changed()
        self.refresh()
        if current is None or self.current is None or self.current.id != current.id:
            known = current.id if current is not None else None
            self.cursor_line = next((n for n, job in enumerate(jobs) if job.id == known), self.cursor_line)
        self.post_message(self.Moved())

    def mark(self, job_ids: Iterable[int]) -> None:
        """Have just these selected."""
        self.marked = set(job_ids)
        self.refresh()

    def count_down(self) -> bool:
        """Draw the lines again that say when the next try is; return whether there are any."""
        waiting = any(job.state is JobState.RETRYING for job in self.jobs)
        if waiting:
            self.refresh()
        return waiting

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw the names of the columns."""
        return Strip([Segment(header(columns_for(width), self._sort), self.look("") + self.look("header"))])

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a transfer."""
        job = self.jobs[number]
        cells = job_line(job, columns_for(width), marked=job.id in self.marked)
        base = self.line_style(number)
        if number == self.cursor_line:
            cursor = base + self.look("cursor")
            return Strip([Segment("".join(cells), cursor)]).adjust_cell_length(width, cursor)
        # Few segments: each costs 40 bytes of colours, and with many at work all lines change all the time.
        tone = base + self.look(_tone(job.state))
        segments = [
            Segment(cells[0], base),
            Segment(cells[1] + cells[2], tone),
            Segment("".join(cells[3:]), base),
        ]
        return Strip(segments).adjust_cell_length(width, base)

    async def clicked(self, x: int) -> None:
        """Move the cursor alone: a click opens nothing."""


def _tone(state: JobState) -> str:
    if state is JobState.DONE:
        return "good"
    if state in (JobState.FAILED, JobState.NEEDS_KEY, JobState.NO_SPACE, JobState.STALLED, JobState.RETRYING):
        return "bad"
    return "busy" if state.running else "quiet"
