"""A job that runs: its progress and rate, and the log messages of how it ends."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

from ..errors import RequestError
from ..text import count, duration, rate, size
from ..transfer.config import DownloadResult, TransferPhase, TransferProgress
from .job import FILE_COUNTS, Job
from .run_job import Failure

_MEMORY = 4.0  # seconds after which a change of speed shows to about two thirds
_SETTLED = 1.0  # seconds of evidence before an estimate of the time left is worth showing


class ActiveTransfer:
    """A job that runs, with its progress; `log` takes entries and their time (None for now)."""

    def __init__(self, live: TransferProgress, log: Callable[[str, float | None], None]) -> None:
        self.live = live
        self.task: asyncio.Task[None] | None = None
        self._log = log
        self._began = time.monotonic()
        self.rate = RateEstimator(self._began)
        self._connections = 1

    def flush_events(self) -> None:
        """Log the transfer's own events, and over how many connections it continues."""
        live = self.live
        while live.events:
            at, words = live.events.popleft()
            self._log(words, at)
        # Of a dataset it is the number of large files on their way, which changes all the time.
        single = live.files_total is None and live.phase is TransferPhase.DOWNLOADING
        if single and live.connections != self._connections:
            self._connections = live.connections
            self._log(count(live.connections, "connection"), None)

    def success_message(self, outcome: DownloadResult) -> str:
        """Return the log entry of a good end, after all that happened before it."""
        self.flush_events()
        begun = self.live.resumed_from
        fetched = None if begun is None else max(outcome.size - begun, 0)
        return success_message(outcome, fetched, time.monotonic() - self._began)


def progress_fields(progress: TransferProgress, job: Job) -> dict[str, Any]:
    """Return the fields of a job that a transfer counts; what is not known yet stays as it was."""
    done = progress.done or job.bytes_done
    if progress.files_total is None:
        return {"bytes_done": done, "bytes_total": progress.total or job.bytes_total}
    counts = {name: getattr(progress, name) for name in FILE_COUNTS}
    return {"bytes_done": done, "bytes_total": progress.total, **counts}


def failure_message(error: BaseException, failure: Failure, failures: int) -> str:
    """Return the message for a try that ended by an error, the last of so many failures in a row."""
    after = error.retry_after if isinstance(error, RequestError) else None
    asked = f" with Retry-After {duration(after)}" if after else ""
    if failure.delay is None:
        return f"{failure.action}: {failure.reason}{asked}"
    row = f", {count(failures, 'try', 'tries')} without progress" if failures > 1 else ""
    return f"{failure.reason}{asked}; next try in {_moment(failure.delay)}{row}"


def success_message(outcome: DownloadResult, fetched: int | None, seconds: float) -> str:
    """Return the message for a try that ended well; `fetched` bytes came in it, None where unknown."""
    if not outcome.fetched:
        return f"done: {outcome.note or 'already there'}"
    words = [f"done: {size(outcome.size)}"]
    if fetched is not None:
        part = f"{size(fetched)} of them " if fetched < outcome.size else ""
        mean = rate(fetched / max(seconds, 0.001))
        words.append(f"{part}in {_moment(seconds)}" + (f", {mean} on average" if mean else ""))
    names = dict.fromkeys(digest.algorithm for digest in outcome.checksums)
    verified = f"verified with {', '.join(names)}" if names else ""
    return "; ".join(filter(None, [", ".join(words), verified, outcome.note]))


def _moment(seconds: float) -> str:
    return duration(seconds) if seconds >= 9.5 else f"{max(seconds, 0.1):.1f} s"


class RateEstimator:
    """Exponentially weighted rate in bytes per second over byte counts at irregular times.

    Begins at a monotonic time in seconds with `done` bytes, which do not count as fetched.
    """

    def __init__(self, now: float, done: int = 0) -> None:
        self._start = self._time = now
        self._done = done
        self.rate: float | None = None

    def add(self, now: float, done: int) -> None:
        """Add a sample: `done` bytes at monotonic time `now` in seconds."""
        passed = now - self._time
        if passed <= 0:
            return
        if done >= self._done:  # else it started over: what was fetched before tells nothing
            sample = (done - self._done) / passed
            weight = 1 - math.exp(-passed / _MEMORY)
            self.rate = sample if self.rate is None else self.rate + weight * (sample - self.rate)
        self._time, self._done = now, done

    def eta(self, total: int | None) -> float | None:
        """Return the seconds until `total` bytes are there; None while that is not known."""
        if total is None or not self.rate or self.rate < 1 or self._time - self._start < _SETTLED:
            return None
        return max(0.0, (total - self._done) / self.rate)
