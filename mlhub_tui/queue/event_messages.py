"""What the log of a job says of its moves from state to state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import RequestError
from ..text import count, duration, rate, size
from .job import Job, JobState

if TYPE_CHECKING:
    from ..http.response_headers import Checksum
    from ..transfer.config import DownloadResult
    from ..transfer.failures import Failure

QUEUED, AGAIN = "queued", "queued again"
TAKEN_OVER = "taken over: the program that ran it is gone"
ROOM_AGAIN = "the disk has room again"
"""Words of what happens to a job beside its transfer."""

_ASKED: Mapping[JobState, str] = {JobState.PAUSED: "paused", JobState.CANCELLED: "cancelled"}
_RESUMED = frozenset({JobState.PAUSED, JobState.NEEDS_KEY, JobState.NO_SPACE})


def asked(start: JobState, end: JobState) -> str:
    """Return what is said of a move that a person asked for."""
    if end is JobState.QUEUED:
        return "resumed" if start in _RESUMED else AGAIN
    return _ASKED.get(end, str(end))


def moved(start: JobState, end: JobState, fields: Mapping[str, Any]) -> str:
    """Return what is said of a move that a transfer made by itself; empty where it speaks for itself."""
    if end is JobState.STALLED:
        return "nothing comes at the moment"
    if end is JobState.VERIFYING:
        return "all bytes are there: verifying"
    if end in (JobState.CONNECTING, JobState.PREPARING, JobState.DOWNLOADING):
        return "bytes come again" if start is JobState.STALLED else ""
    reason = fields.get("reason")
    return f"{end}: {reason}" if reason else str(end)


def interrupted(job: Job) -> str:
    """Return what is said of a job whose program ended while it was at it."""
    return f"interrupted: its program ended, {size(job.bytes_done)} are kept"


def failed(error: BaseException, failure: Failure, failures: int) -> str:
    """Return what is said of a try that ended by an error.

    Parameters
    ----------
    failures
        In a row, this one counted.
    """
    after = error.retry_after if isinstance(error, RequestError) else None
    asked_for = f" with Retry-After {duration(after)}" if after else ""
    if failure.delay is None:
        return f"{failure.action}: {failure.reason}{asked_for}"
    row = f", {count(failures, 'try', 'tries')} without progress" if failures > 1 else ""
    return f"{failure.reason}{asked_for}; next try in {_moment(failure.delay)}{row}"


def done(outcome: DownloadResult, fetched: int | None, seconds: float) -> str:
    """Return what is said of a try that ended well.

    Parameters
    ----------
    fetched
        Bytes that came in it; None where nobody counted.
    seconds
        How long it took.
    """
    if not outcome.fetched:
        return f"done: {outcome.note or 'already there'}"
    words = [f"done: {size(outcome.size)}"]
    if fetched is not None:
        part = f"{size(fetched)} of them " if fetched < outcome.size else ""
        mean = rate(fetched / max(seconds, 0.001))
        words.append(f"{part}in {_moment(seconds)}" + (f", {mean} on average" if mean else ""))
    return "; ".join(filter(None, [", ".join(words), _verified(outcome.checksums), outcome.note]))


def _verified(digests: Sequence[Checksum]) -> str:
    names = dict.fromkeys(digest.algorithm for digest in digests)
    return f"verified with {', '.join(names)}" if names else ""


def _moment(seconds: float) -> str:
    return duration(seconds) if seconds >= 9.5 else f"{max(seconds, 0.1):.1f} s"
