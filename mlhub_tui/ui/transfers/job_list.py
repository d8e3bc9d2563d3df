"""Transfers as a virtual list, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip

from ...queue.job import Job, JobState
from ...text import count, duration, one_line, rate, size
from ..terminal.characters import NEARBY, fit, fit_name
from ..widgets.line_view import LineView
from .job_view import JobSort, fraction, why

ELSEWHERE, MARKED = "»", "✓"
_STATE, _PERCENT, _BYTES, _SIZE, _RATE, _LINKS, _LEFT = 12, 5, 19, 9, 11, 5, 9
_NAME = 48
"""Cells of a name at most: on a wide screen the columns stay together."""
_NOTE = 36
"""Cells in which a reason makes sense."""
_SORTED = {JobSort.PROGRESS: "bar", JobSort.SIZE: "bytes", JobSort.SPEED: "rate"}
"""Columns that are not called what they are sorted by."""
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
    done = "Size" if columns.bytes == _SIZE or sort is JobSort.SIZE else "Done"
    names = {"name": "Name", "state": "State", "bar": "", "percent": "", "bytes": done, "rate": "Speed"}
    names |= {"links": "Conn", "left": "Left"}
    if sort is JobSort.PROGRESS:
        names["bar"] = "Part"
    sorted_by = _SORTED.get(sort, sort)
    named = {column: name + "↓" * (column == sorted_by) for column, name in names.items()}
    return " " + "".join(_fit(name, getattr(columns, column)) for column, name in named.items())


def job_line(job: Job, columns: Columns, *, marked: bool = False, nearby: Iterable[str] = ()) -> list[str]:
    """Return the cells of a transfer: name, state, bar, percent, bytes, rate, connections, time left.

    - `nearby`: The names of the transfers around it, no two of which look the same.

    A sign before the name tells one that is selected, and one that another program runs. One that is stuck
    has the reason in the place of its figures, and of its bar where there is little room.
    """
    sign = MARKED if marked else ELSEWHERE if job.elsewhere else " "
    name = fit_name(shown_name(job), columns.name - 1, nearby)
    named = [f"{sign}{name} ", _fit(str(job.state), columns.state)]
    room = columns.percent + columns.bytes + columns.rate + columns.links + columns.left
    if (note := _note(job)) and room + columns.bar >= _NOTE:
        drawn = columns.bar if room >= _NOTE else 0
        return [*named, _fit(bar(job, drawn - 2), drawn), _fit(note, room + columns.bar - drawn)]
    runs = job.state is JobState.DOWNLOADING
    return [
        *named,
        _fit(bar(job, columns.bar - 2), columns.bar),
        _fit(_percent(job), columns.percent),
        _fit(_total(job) if columns.bytes == _SIZE else _bytes(job), columns.bytes),
        _fit(rate(job.rate) if runs else "", columns.rate),
        _fit(f"×{job.connections}" if job.connections > 1 else "", columns.links),
        _fit(_left(job.eta) if runs else "", columns.left),
    ]


def _note(job: Job) -> str:
    """Return the progress of a stopped transfer, and why it stopped; empty for the others."""
    if job.state in (JobState.DOWNLOADING, JobState.DONE) or not (words := one_line(why(job))):
        return ""
    words = _OF_WHAT.sub("", words)
    return f"{_percent(job)} {words}".lstrip() if job.bytes_done else words


def bar(job: Job, width: int) -> str:
    """Return a bar in half steps; what is done and what is not differ without colours too."""
    full, half = divmod(int(max(width, 0) * 2 * (fraction(job) or 0)), 2)
    drawn = "━" * full + "╸" * half
    return drawn + "┄" * (width - len(drawn))


def _bytes(job: Job) -> str:
    is_done, total, done = job.state is JobState.DONE, job.bytes_total, job.bytes_done
    if job.files_total is not None:
        words = f"{job.files_done:,}/{job.files_total:,}"
        words = f"{words} files" if len(words) + 6 < _BYTES else words
        return count(job.files_total, "file") if is_done else words
    if total is None and not done and not is_done:
        return "" if job.state.finished else "unknown size"
    if is_done or total is None or not done:
        return size(done if total is None else total)
    return f"{size(done)}/{size(total)}".replace(" ", "")


def _total(job: Job) -> str:
    if job.bytes_total is None:
        return count(job.files_total, "file") if job.files_total is not None else ""
    return size(job.bytes_total)


def _left(seconds: float | None) -> str:
    """Return a time as a clock shows it, from a day on in words."""
    if seconds is None or not seconds < 86400:
        return duration(seconds)
    clock = str(timedelta(seconds=int(seconds))).removeprefix("0:")
    return clock.removeprefix("0") if len(clock) == 5 else clock


def _percent(job: Job) -> str:
    part = fraction(job)
    return f"{int(part * 100)}%" if part is not None else ""


def shown_name(job: Job) -> str:
    """Return the name of a transfer as its line has it, without the end that all archives have."""
    return one_line(job.name).removesuffix(".tar.gz")


def _fit(text: str, width: int) -> str:
    """Return text in a column, one cell of space behind it."""
    return fit(text, width - 1) + " " if width > 0 else ""


class JobList(LineView[Job]):
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
        self.marked: set[int] = set()
        self._sort = JobSort.QUEUE

    @property
    def chosen(self) -> list[Job]:
        """The selected transfers, of those that are shown; where none is, the one under the cursor."""
        marked = [job for job in self.lines if job.id in self.marked] if self.marked else []
        return marked or ([self.current] if self.current is not None else [])

    def show(self, jobs: tuple[Job, ...], sort: JobSort = JobSort.QUEUE) -> None:
        """Show the transfers as they are now, the cursor on the same one.

        - `sort`: What they are sorted by, for the header.
        """
        current = self.current
        self.lines, self._sort = jobs, sort
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
        waiting = any(job.state is JobState.RETRYING for job in self.lines)
        if waiting:
            self.refresh()
        return waiting

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw the names of the columns."""
        return Strip([Segment(header(columns_for(width), self._sort), self.look("") + self.look("header"))])

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a transfer."""
        job, base = self.lines[number], self.line_style(number)
        nearby = map(shown_name, self.lines[max(number - NEARBY, 0) : number + NEARBY])
        marked, columns = job.id in self.marked, columns_for(width)
        name, state, drawn, *rest = job_line(job, columns, marked=marked, nearby=nearby)
        if number == self.cursor_line:
            base += self.look("cursor")
            whole = Strip([Segment("".join((name, state, drawn, *rest)), base)])
            return whole.adjust_cell_length(width, base)
        # Few segments: each costs 40 bytes of colours, and with many at work all lines change all the time.
        tone = base + self.look(_TONES.get(job.state, "busy" if job.state.running else "quiet"))
        segments = [Segment(name, base), Segment(state + drawn, tone), Segment("".join(rest), base)]
        return Strip(segments)

    async def clicked(self, x: int) -> None:
        """Move the cursor alone: a click opens nothing."""


_BAD = (JobState.FAILED, JobState.NEEDS_KEY, JobState.NO_SPACE, JobState.STALLED, JobState.RETRYING)
_TONES = {JobState.DONE: "good", **dict.fromkeys(_BAD, "bad")}
