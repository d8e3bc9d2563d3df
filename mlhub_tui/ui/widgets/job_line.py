"""How one transfer fits on one line of any width."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from ...queue.job import Job, JobState
from ...text import count, duration, one_line, rate, size
from ..sheets.jobs import why
from ..transfers.order import JobSort, fraction

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
    names = ["Name", "JobState", "", "Done", "Speed", "Conn", "Left"]
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
