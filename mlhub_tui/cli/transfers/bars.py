"""Bars of transfers on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...queue.job import IDLE_STATES, Job, JobState
from ...text import count, duration, one_line, rate
from .job_words import amount_of, end_lines, share_of, state_of


class Bars:
    """A block of lines at the bottom of a terminal, drawn over itself; the caller decides how often."""

    def __init__(self, console: Console | None = None) -> None:
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
        self._draw(Text(words, no_wrap=True, overflow="ellipsis"))

    def _draw(self, block: RenderableType) -> None:
        if self._live is None:
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
            cells = [f"{int(share * 100)}%" if share is not None else "?", amount_of(job)]
            cells += [rate(job.rate), duration(job.eta)]
            row: list[RenderableType] = [Text(_short(job)), *cells[: len(bars.columns) - 1]]
            if width >= 70:
                row.append(ProgressBar(1.0, share or 0.0, pulse=share is None))
            bars.add_row(*row)
        elif job.state is not JobState.QUEUED:
            lines.append(Text(f"{_short(job)}  {state_of(job)}", no_wrap=True, overflow="ellipsis"))
    if waiting := sum(job.state is JobState.QUEUED for job in jobs):
        lines.append(Text(f"{count(waiting, 'transfer')} waiting", no_wrap=True, overflow="ellipsis"))
    return Group(bars, *lines) if bars.row_count else Group(*lines)


def _short(job: Job) -> str:
    """Return the name of a job for a narrow column: ids differ at their ends, so the middle goes."""
    name = one_line(job.name).removesuffix(".tar.gz")
    return name if len(name) <= 22 else f"{name[:11]}…{name[-10:]}"
