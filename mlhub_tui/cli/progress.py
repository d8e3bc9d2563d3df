"""Progress of transfers on stderr: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import click

from ..queue.job import IDLE_STATES, Job, JobState
from ..text import count, duration, one_line, rate, redact, size
from .failures import asking_here
from .printing import given, is_terminal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live  # likewise

_LINE_SECONDS = 10.0
_LINE_PERCENT = 10
_REDRAW = 0.2
_WORKERS = re.compile(r", on [\d,]+ workers?\b")
_NUMBER = re.compile(r"\d+")  # seconds that count down are no news
_WAITS = re.compile(r"; waiting: (.+)", re.DOTALL)


def reporter() -> Reporter:
    """Return what shows progress on stderr.

    Lines of each step with --verbose, failures and warnings alone with --quiet; else bars where stderr is a
    terminal that can move its cursor, and lines of what waits or failed elsewhere.
    """
    if given("verbose") or given("quiet") or not _can_redraw():
        write = partial(click.echo, err=True)
        return Lines(write, steps=bool(given("verbose")), waits=not given("quiet"))
    return Bars()


def _can_redraw() -> bool:
    # Consoles of Windows older than its Terminal show escape sequences as they are.
    able = os.environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in os.environ)
    return is_terminal(sys.stderr) and able


class Bars:
    """A block of lines at the bottom of a terminal, drawn over itself; the caller decides how often."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console  # where bars are drawn: most commands run without a terminal

        self._console = console or Console(file=sys.stderr)
        self._live: Live | None = None
        self._ended: set[int] = set()

    def update(self, jobs: Sequence[Job]) -> None:
        """Print the jobs that ended for good, then draw those at work, and how many wait."""
        ended = [job for job in jobs if job.state in IDLE_STATES and job.id not in self._ended]
        self._ended.update(job.id for job in ended)
        for line in (line for job in ended for line in end_lines(job)):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        left = [job for job in jobs if job.state not in IDLE_STATES]
        if left:
            self._draw(_block(left, self._console.width))
        else:
            self.clear()

    def show(self, words: str) -> None:
        """Draw a line of words in place of bars."""
        from rich.text import Text  # likewise

        self._draw(Text(words, no_wrap=True, overflow="ellipsis"))

    def _draw(self, block: RenderableType) -> None:
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(block, refresh=True)

    def clear(self) -> None:
        """Wipe the block."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def _block(jobs: Sequence[Job], width: int) -> RenderableType:
    """Return a bar for each job that moves bytes, the state of others that are at work, and how many wait."""
    from rich.console import Group  # likewise
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    bars = Table.grid(padding=(0, 2, 0, 0), expand=True)
    bars.add_column(no_wrap=True, ratio=2, max_width=24)
    for _ in range(4 if width >= 70 else 2 if width >= 40 else 1):
        bars.add_column(no_wrap=True, justify="right")
    if width >= 70:
        bars.add_column(ratio=1)
    lines = []
    for job in jobs:
        if job.state is JobState.DOWNLOADING:
            share = share_of(job)
            cells = [f"{int(share * 100)}%" if share is not None else "?", _amount(job)]
            cells += [rate(job.rate), duration(job.eta)]
            row: list[RenderableType] = [Text(_short(job)), *cells[: len(bars.columns) - 1]]
            if width >= 70:
                row.append(ProgressBar(1.0, share or 0.0, pulse=share is None))
            bars.add_row(*row)
        elif job.state is not JobState.QUEUED:
            lines.append(Text(f"{_short(job)}  {_state(job)}", no_wrap=True, overflow="ellipsis"))
    if waiting := sum(job.state is JobState.QUEUED for job in jobs):
        lines.append(Text(f"{count(waiting, 'transfer')} waiting", no_wrap=True, overflow="ellipsis"))
    return Group(bars, *lines) if bars.row_count else Group(*lines)


def _short(job: Job) -> str:
    """Return the name of a job for a narrow column: ids differ at their ends, so the middle goes."""
    name = one_line(job.name).removesuffix(".tar.gz")
    return name if len(name) <= 22 else f"{name[:11]}…{name[-10:]}"


def _amount(job: Job) -> str:
    if job.files_total is not None:
        return f"{job.files_done:,}/{job.files_total:,} files"
    return f"{size(job.bytes_done)}/{size(job.bytes_total)}" if job.bytes_total else size(job.bytes_done)


def share_of(job: Job) -> float | None:
    """Return how much of a job is done: of its bytes, or of its files where bytes are not known."""
    if job.bytes_total:
        return min(job.bytes_done / job.bytes_total, 1.0)
    return min(job.files_done / job.files_total, 1.0) if job.files_total else None


def _state(job: Job) -> str:
    """Return the state of a job that is not moving bytes, and why."""
    where = " in another program" if job.elsewhere else ""
    why = one_line(redact(_waits(job) or job.reason))
    return f"{job.state}{where}" + (f": {why}" if why else "")


def _waits(job: Job) -> str:
    """Return what a dataset waits for, as its words say it; empty where it does not."""
    found = _WAITS.search(job.reason)
    return found[1] if found else ""


def end_lines(job: Job) -> list[str]:
    """Return the last lines about a job that came to rest: what became of it, and what to do next."""
    reason, *more = redact(job.reason).splitlines() or [""]
    why = f": {one_line(reason)}" if reason else ""
    details = [f"  {one_line(line)}" for line in more]
    if job.state is JobState.DONE:
        amount = f", {size(job.bytes_total)}" if job.bytes_total is not None else ""
        return [f"done {one_line(job.name)}{why or amount}", *details]
    lines = [f"{job.state} {one_line(job.name)}{why}", *details]
    return [*lines, f"  {one_line(redact(asking_here(job.hint, job.request.source)))}"] if job.hint else lines


@dataclass(slots=True)
class Lines:
    """A line when a transfer failed; when it begins to wait; and of each step: the start, progress, the end.

    Progress is a line every 10 % or 10 seconds. `steps` and `waits` are whether these are written.
    """

    write: Callable[[str], object]
    steps: bool = True
    waits: bool = True
    clock: Callable[[], float] = time.monotonic
    _last: dict[int, tuple[JobState, int, float]] = field(default_factory=dict)
    _waited: dict[int, str] = field(default_factory=dict)

    def update(self, jobs: Sequence[Job]) -> None:
        """Print what is new."""
        for job in jobs:
            for line in self._news(job):
                self.write(line)

    def clear(self) -> None:
        """Nothing is ever in the way."""

    def _news(self, job: Job) -> list[str]:
        state, percent, at = self._last.get(job.id, (JobState.QUEUED, 0, self.clock()))
        now = int((share_of(job) or 0) * 100)
        moved = job.state is JobState.DOWNLOADING and (
            now - percent >= _LINE_PERCENT or self.clock() - at >= _LINE_SECONDS
        )
        waits = _NUMBER.sub("", _waits(job))
        if waits and waits != self._waited.get(job.id) and job.state not in IDLE_STATES:
            self._waited[job.id] = waits
            self._last[job.id] = (job.state, percent, self.clock())
            return [f"{one_line(job.name)}: {_state(job)}"] if self.waits else []
        if job.state is state and not moved:
            self._last[job.id] = (state, percent, at)
            return []
        self._last[job.id] = (job.state, now, self.clock())
        if job.state in IDLE_STATES:
            # What is done is no news, unless it has a note; behind the number of its files that is a warning.
            warned = ";" in job.reason or "\n" in job.reason
            shown = self.steps or job.state is not JobState.DONE or (job.reason if self.waits else warned)
            return end_lines(job) if shown else []
        if job.state in (JobState.RETRYING, JobState.STALLED):
            return [f"{one_line(job.name)}: {_state(job)}"] if self.waits else []
        if not self.steps or job.state is JobState.VERIFYING:
            return []
        return [
            _progress(job, now)
            if job.state is JobState.DOWNLOADING
            else f"{one_line(job.name)}: {_state(job)}"
        ]


def _progress(job: Job, percent: int) -> str:
    speed = f", {rate(job.rate)}" if job.rate else ""
    if job.files_total is not None:
        done = f"{job.files_done:,} of {count(job.files_total, 'file')}, {size(job.bytes_done)}"
        failed = f", {job.files_failed:,} failed" if job.files_failed else ""
        workers = _WORKERS.search(job.reason)
        return f"{one_line(job.name)}: {done}{failed}{speed}{workers[0] if workers else ''}"
    if not job.bytes_total:
        return f"{one_line(job.name)}: {size(job.bytes_done)}, total size unknown"
    left = f", {duration(job.eta)} left" if job.eta else ""
    return f"{one_line(job.name)}: {percent}% of {size(job.bytes_total)}{speed}{left}"


Reporter = Bars | Lines
"""What shows the jobs as they are now with `update`, and makes way for other output with `clear`."""


class StatusLine:
    """A line on a terminal that shows how far the reading of a catalog is; none elsewhere."""

    def __init__(self) -> None:
        self._bars = Bars() if _can_redraw() and not given("quiet") else None
        self._last = 0.0

    def __call__(self, words: str, done: int, whole: int | None) -> None:
        """Show words, and how many bytes of how many are read."""
        now = time.monotonic()
        if self._bars is not None and now - self._last >= _REDRAW:
            self._last = now
            self._bars.show(f"{words}{f', {size(done)} of {size(whole)}' if whole else ''}")

    def clear(self) -> None:
        """Wipe it."""
        if self._bars is not None:
            self._bars.clear()
