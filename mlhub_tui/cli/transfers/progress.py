"""Progress of transfers on stderr: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO, TypeAlias

from ...queue.job import IDLE_STATES, Job, JobState
from ...text import count, duration, one_line, rate, size
from ..printing import given, is_terminal
from .job_words import end_lines, share_of, state_of, waits_for

if TYPE_CHECKING:
    from .bars import Bars

_LINE_SECONDS = 10.0
_LINE_PERCENT = 10
_REDRAW = 0.2
_WORKERS = re.compile(r", on [\d,]+ workers?\b")
_NUMBER = re.compile(r"\d+")  # seconds that count down are no news


def reporter() -> Reporter:
    """Return what shows progress on stderr.

    Lines of each step with --verbose, failures alone with --quiet; else bars where stderr is a terminal that
    can move its cursor, and lines of what waits or failed elsewhere.
    """
    if given("verbose") or given("quiet") or not can_redraw():
        return Lines(sys.stderr, steps=bool(given("verbose")), waits=not given("quiet"))
    from .bars import Bars  # rich

    return Bars()


def can_redraw() -> bool:
    """Whether stderr is a terminal that can move its cursor."""
    # Consoles of Windows older than its Terminal show escape sequences as they are.
    able = os.environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in os.environ)
    return is_terminal(sys.stderr) and able


class Lines:
    """A line when a transfer failed; when it begins to wait; and of each step: the start, progress, the end.

    Progress is a line every 10 % or 10 seconds. `steps` and `waits` are whether these are written.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        steps: bool = True,
        waits: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._steps, self._waits, self._clock = stream, steps, waits, clock
        self._last: dict[int, tuple[JobState, int, float]] = {}
        self._waited: dict[int, str] = {}

    def update(self, jobs: Sequence[Job]) -> None:
        """Print what is new."""
        for job in jobs:
            for line in self._news(job):
                self._stream.write(f"{line}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Nothing is ever in the way."""

    def _news(self, job: Job) -> list[str]:
        state, percent, at = self._last.get(job.id, (JobState.QUEUED, 0, self._clock()))
        now = int((share_of(job) or 0) * 100)
        moved = job.state is JobState.DOWNLOADING and (
            now - percent >= _LINE_PERCENT or self._clock() - at >= _LINE_SECONDS
        )
        waits = _NUMBER.sub("", waits_for(job))
        if waits and waits != self._waited.get(job.id) and job.state not in IDLE_STATES:
            self._waited[job.id] = waits
            self._last[job.id] = (job.state, percent, self._clock())
            return [f"{one_line(job.name)}: {state_of(job)}"] if self._waits else []
        if job.state is state and not moved:
            self._last[job.id] = (state, percent, at)
            return []
        self._last[job.id] = (job.state, now, self._clock())
        if job.state in IDLE_STATES:
            # What is done is no news, unless there is something to say of it.
            said = self._steps or job.state is not JobState.DONE or (self._waits and job.reason)
            return end_lines(job) if said else []
        if job.state in (JobState.RETRYING, JobState.STALLED):
            return [f"{one_line(job.name)}: {state_of(job)}"] if self._waits else []
        if not self._steps or job.state is JobState.VERIFYING:
            return []
        return [
            _progress(job, now)
            if job.state is JobState.DOWNLOADING
            else f"{one_line(job.name)}: {state_of(job)}"
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


Reporter: TypeAlias = "Bars | Lines"
"""What shows the jobs as they are now with `update`, and makes way for other output with `clear`."""
