"""What transfers look like on stderr: a bar each on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

from ..queue.job import IDLE_STATES, Job, JobState
from ..text import count, duration, one_line, rate, redact, size
from .tables import cells, cut, cut_middle

_NAME = 22
_NUMBERS = (5, 19, 12, 11)  # percent, bytes, rate, time left: columns with their gaps
_LINE_SECONDS = 10.0
_LINE_PERCENT = 10
_WORKERS = re.compile(r", on [\d,]+ workers?\b")
_NUMBER = re.compile(r"\d+")  # seconds that count down are no news
_WAITS = re.compile(r"; waiting: (.+)", re.DOTALL)
_WAITING = frozenset({JobState.QUEUED})


class Reporter(Protocol):
    """Shows how a list of jobs gets on."""

    def update(self, jobs: Sequence[Job]) -> None:
        """Show the jobs as they are now."""
        ...

    def clear(self) -> None:
        """Make way for other output."""
        ...


def reporter(stream: TextIO | None = None) -> Reporter:
    """Return bars where stderr is a terminal that can move its cursor, else lines."""
    stream = stream or sys.stderr
    # Consoles of Windows older than its Terminal show escape sequences as they are.
    able = os.environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in os.environ)
    return Bars(stream) if stream.isatty() and able else Lines(stream)


def bar_line(job: Job, width: int, *, fine: bool = True) -> str:
    """Return a job on one line of at most `width` columns.

    Parameters
    ----------
    fine
        Whether the terminal has the characters of a fine bar; else it is made of ASCII.
    """
    column = min(_NAME, max(width // 3, 8))
    name = cut_middle(one_line(job.name).removesuffix(".tar.gz"), column)
    name += " " * (column - cells(name))
    if job.state is not JobState.DOWNLOADING:
        return cut(f"{name}  {_state(job)}", width)
    total = job.bytes_total
    share = _share(job)
    if job.files_total is not None:
        amounts = f"{job.files_done:,}/{job.files_total:,}"
        amounts += " files" if len(amounts) < 13 else ""
    else:
        amounts = f"{size(job.bytes_done)}/{size(total)}" if total else size(job.bytes_done)
    percent = f"{int(share * 100)}%" if share is not None else "?"
    left = duration(job.eta)
    texts = (percent, amounts, rate(job.rate), left)
    line = name
    room = width - cells(name)
    for text, wide in zip(texts, _NUMBERS, strict=True):
        if room < wide:
            return line
        line += f"{text:>{wide}}"
        room -= wide
    return line + _bar(share, room, fine=fine)


def _share(job: Job) -> float | None:
    """Return how much of a job is done: of its bytes, or of its files where bytes are not known."""
    if job.bytes_total:
        return min(job.bytes_done / job.bytes_total, 1.0)
    return min(job.files_done / job.files_total, 1.0) if job.files_total else None


def _bar(share: float | None, room: int, *, fine: bool) -> str:
    """Return the bar itself, two columns away from the numbers; nothing where there is no room for one."""
    if room < 6 or share is None:
        return ""
    length = room - 2
    full = int(share * length)
    done, rest = ("━", "┄") if fine else ("#", "-")
    return "  " + done * full + rest * (length - full)


def _state(job: Job) -> str:
    """Return the state of a job that is not moving bytes, and why."""
    where = " in another program" if job.elsewhere else ""
    why = one_line(redact(_waits(job) or job.reason))
    return f"{job.state}{where}" + (f": {why}" if why else "")


def end_lines(job: Job) -> list[str]:
    """Return the last word on a job that came to rest: what became of it, and what to do next."""
    reason, *more = redact(job.reason).splitlines() or [""]
    why = f": {one_line(reason)}" if reason else ""
    details = [f"  {one_line(line)}" for line in more]
    if job.state is JobState.DONE:
        return [f"done {one_line(job.name)}{why or _of(job)}", *details]
    lines = [f"{job.state} {one_line(job.name)}{why}", *details]
    return [*lines, f"  {one_line(redact(job.hint))}"] if job.hint else lines


def _workers(job: Job) -> str:
    """Return on how many workers of a cluster a dataset is, as its words say it; empty where on none."""
    found = _WORKERS.search(job.reason)
    return found[0] if found else ""


def _waits(job: Job) -> str:
    """Return what a dataset waits for, as its words say it; empty where it does not."""
    found = _WAITS.search(job.reason)
    return found[1] if found else ""


def _of(job: Job) -> str:
    return f", {size(job.bytes_total)}" if job.bytes_total is not None else ""


class Bars:
    """A block of lines at the bottom of a terminal, drawn over itself; who calls decides how often."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0
        self._ended: set[int] = set()
        self._fine = (stream.encoding or "").lower().replace("-", "").startswith("utf")

    def update(self, jobs: Sequence[Job]) -> None:
        """Print the jobs that ended for good, then draw those at work, and how many wait."""
        screen = shutil.get_terminal_size()
        width = max(screen.columns - 1, 10)
        ended = [job for job in jobs if job.state in IDLE_STATES and job.id not in self._ended]
        self._ended.update(job.id for job in ended)
        lines = [line for job in ended for line in end_lines(job)]
        working = [job for job in jobs if job.state not in IDLE_STATES and job.state not in _WAITING]
        block = [bar_line(job, width, fine=self._fine) for job in working[: max(screen.lines - 3, 1)]]
        waiting = sum(job.state in _WAITING for job in jobs)
        if waiting:
            block.append(cut(f"{count(waiting, 'transfer')} waiting", width))
        self._write(lines, block)

    def clear(self) -> None:
        """Wipe the block."""
        self._write([], [])

    def _write(self, lines: list[str], block: list[str]) -> None:
        wipe = f"\x1b[{self._drawn}A\r\x1b[J" if self._drawn else ""
        text = wipe + "".join(f"{line}\n" for line in (*lines, *block))
        self._drawn = len(block)
        if text:
            self._stream.write(text)
            self._stream.flush()


class Lines:
    """A line when a transfer starts, every 10 % or 10 seconds, when it begins to wait, and when it ends."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._said: dict[int, tuple[JobState, int, float]] = {}
        self._waits: dict[int, str] = {}

    def update(self, jobs: Sequence[Job]) -> None:
        """Print what is new."""
        for job in jobs:
            for line in self._news(job):
                self._stream.write(f"{line}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Nothing is ever in the way."""

    def _news(self, job: Job) -> list[str]:
        state, percent, at = self._said.get(job.id, (JobState.QUEUED, 0, self._clock()))
        now = int((_share(job) or 0) * 100)
        moved = job.state is JobState.DOWNLOADING and (
            now - percent >= _LINE_PERCENT or self._clock() - at >= _LINE_SECONDS
        )
        waits = _NUMBER.sub("", _waits(job))
        if waits and waits != self._waits.get(job.id) and job.state not in IDLE_STATES:
            self._waits[job.id] = waits
            self._said[job.id] = (job.state, percent, self._clock())
            return [f"{one_line(job.name)}: {_state(job)}"]
        if job.state is state and not moved:
            self._said[job.id] = (state, percent, at)
            return []
        self._said[job.id] = (job.state, now, self._clock())
        if job.state in IDLE_STATES:
            return end_lines(job)
        if job.state is JobState.DOWNLOADING:
            return [self._progress(job, now)]
        return [f"{one_line(job.name)}: {_state(job)}"] if job.state is not JobState.VERIFYING else []

    def _progress(self, job: Job, percent: int) -> str:
        if job.files_total is not None:
            done = f"{job.files_done:,} of {count(job.files_total, 'file')}, {size(job.bytes_done)}"
            failed = f", {job.files_failed:,} failed" if job.files_failed else ""
            speed = f", {rate(job.rate)}" if job.rate else ""
            return f"{one_line(job.name)}: {done}{failed}{speed}{_workers(job)}"
        if not job.bytes_total:
            return f"{one_line(job.name)}: {size(job.bytes_done)}, total size unknown"
        speed = f", {rate(job.rate)}" if job.rate else ""
        left = f", {duration(job.eta)} left" if job.eta else ""
        return f"{one_line(job.name)}: {percent}% of {size(job.bytes_total)}{speed}{left}"
