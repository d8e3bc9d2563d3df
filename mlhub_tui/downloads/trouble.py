"""What an error means for a transfer: which state, which words, and whether to try again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from .. import errors, text
from ..http.errors import BeingPrepared, ConnectionLost, LinkRejected, TLSFailure
from ..http.retry import RetryPolicy
from ..transfer import part_file
from .job import Job, State


class QueueNotWritable(errors.DownloadError):
    """The record of a transfer cannot be written."""

    default_hint = "make room where the queue is kept, or close what holds it"


_DOUBTFUL = (errors.UnexpectedAnswer, LinkRejected, TLSFailure)
_PASSING = (
    errors.ServerUnreachable,
    errors.ServerTimeout,
    errors.ServerError,
    errors.RemoteChanged,
    QueueNotWritable,
    BeingPrepared,
    *_DOUBTFUL,
)
_KEY = (errors.APIKeyNotFound, errors.AuthenticationError)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a failure takes a job; `delay` in seconds until the next try while it is retrying."""

    state: State
    reason: str
    hint: str
    delay: float | None = None


def verdict(error: BaseException, failures: int, retries: RetryPolicy, job: Job) -> Verdict:
    """Return what becomes of a job after so many failures in a row without progress."""
    error = known(error, job)
    reason, hint = text.one_line(text.redact(str(error)), 300), text.one_line(error.hint, 200)
    if isinstance(error, _KEY):
        return Verdict(State.NEEDS_KEY, reason, hint)
    if isinstance(error, errors.NoSpaceError):
        return Verdict(State.NO_SPACE, reason, hint)
    if isinstance(error, BeingPrepared) and error.retry_after is not None:
        failures = 1  # the server works on it, and says when to ask again: waiting is no failure
    if not isinstance(error, _PASSING) or retries.exhausted(failures, doubtful=isinstance(error, _DOUBTFUL)):
        return Verdict(State.FAILED, reason, hint)
    if isinstance(error, ConnectionLost):
        hint = "it resumes by itself where it stopped"
    retry_after = error.retry_after if isinstance(error, errors.RequestError) else None
    return Verdict(State.RETRYING, reason, hint, retries.delay(failures, retry_after))


def known(error: BaseException, job: Job) -> errors.MLHubException:
    """Return an error of the package's own tree for any error."""
    if isinstance(error, errors.MLHubException):
        return error
    if isinstance(error, OSError):
        return part_file.translate_os_error(error, job.part)
    if isinstance(error, sqlite3.Error):
        return QueueNotWritable(f"the download queue cannot be written: {text.one_line(error, 120)}")
    what = text.one_line(text.redact(f"{type(error).__name__}: {error}"), 200)
    return errors.DownloadError(
        f"the transfer of {job.name} broke: {what}", hint="retry; if it stays so, report it"
    )


class Budget:
    """Counts failures in a row; bytes that were not there before make it forget them."""

    _STEP = 16 << 10  # a trickle that dies again and again is no progress

    def __init__(self, done: int = 0) -> None:
        self._high = done
        self._failures = 0

    def failed(self, done: int) -> int:
        """Return the failures in a row, this one counted, with so many bytes there at its end."""
        if done >= self._high + self._STEP:
            self._high, self._failures = done, 0
        self._failures += 1
        return self._failures
