"""Failures of jobs: what an error means for a job, in words, and how many came in a row without progress."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .. import errors, text
from ..errors import MLHubException, RequestError
from ..fileio import translate_os_error
from ..http.errors import PASSING, BeingPrepared, ConnectionLost, LinkRejected, LoginRequired, TLSFailure
from ..http.retry import RetryPolicy
from .job import JobState


class JournalNotWritable(errors.DownloadError):
    """The record of a transfer cannot be written."""

    default_hint = "free space on the disk of the queue's database, or close the program that locks it"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a job in words; `delay` is the seconds until the next try where it is retried."""

    action: JobState
    reason: str
    hint: str
    delay: float | None = None


_KEY = (errors.APIKeyNotFound, errors.AuthenticationError)
_DOUBTFUL = (errors.UnexpectedAnswer, LinkRejected, TLSFailure)
_MAY_PASS = (*PASSING, errors.RemoteChanged, BeingPrepared, JournalNotWritable, *_DOUBTFUL)


def judge(error: BaseException, failures: int, retries: RetryPolicy, path: Path) -> Failure:
    """Return what becomes of a job that writes `path` after so many failures in a row without progress."""
    known = translate(error, path)
    reason, hint = text.one_line(text.redact(known.message), 300), text.one_line(known.hint, 200)
    if isinstance(known, _KEY):
        return Failure(JobState.NEEDS_KEY, reason, hint)
    if isinstance(known, errors.NoSpaceError):
        return Failure(JobState.NO_SPACE, reason, hint)
    delay = None
    if isinstance(known, _MAY_PASS) and not isinstance(known, LoginRequired):
        retry_after = known.retry_after if isinstance(known, RequestError) else None
        preparing = isinstance(known, BeingPrepared) and retry_after is not None
        tried = 1 if preparing else failures  # the server works on it, and says when: waiting is no failure
        delay = retries.wait(tried, retry_after=retry_after, doubtful=isinstance(known, _DOUBTFUL))
    if delay is None:
        return Failure(JobState.FAILED, reason, hint)
    if isinstance(known, ConnectionLost):
        hint = "it resumes by itself where it stopped"
    return Failure(JobState.RETRYING, reason, hint, delay)


def translate(error: BaseException, path: Path) -> MLHubException:
    """Return an error of the package's own tree for any error of a transfer to a path."""
    if isinstance(error, MLHubException):
        return error
    if isinstance(error, OSError):
        return translate_os_error(error, path)
    if isinstance(error, sqlite3.Error):
        return JournalNotWritable(f"the download queue cannot be written: {text.one_line(error, 120)}")
    what = text.one_line(text.redact(f"{type(error).__name__}: {error}"), 200)
    return errors.DownloadError(
        f"the transfer of {path.name} failed: {what}", hint="retry; if it fails again, report it"
    )


class FailureCounter:
    """Counts failures in a row; bytes that were not there before, `done` of them, reset it."""

    _STEP = 16 << 10  # a trickle that dies again and again is no progress

    def __init__(self, done: int = 0) -> None:
        self._high, self._failures = done, 0

    def failed(self, done: int) -> int:
        """Return the failures in a row, this one counted, with so many bytes there at its end."""
        if done >= self._high + self._STEP:
            self._high, self._failures = done, 0
        self._failures += 1
        return self._failures
