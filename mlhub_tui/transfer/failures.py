"""Failures of transfers: the engine's errors, what they mean for a job, and bodies that are not the file."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .. import errors, text
from ..fileio import translate_os_error
from ..http.errors import BeingPrepared, ConnectionLost, LinkRejected, TLSFailure
from ..http.retry import RetryPolicy


class TransferCancelled(Exception):
    """Blocking work was told to stop."""


class RestartRequired(Exception):
    """What is there cannot be continued; the message says why."""


class JournalNotWritable(errors.DownloadError):
    """The record of a transfer cannot be written."""

    default_hint = "make room where the queue is kept, or close what holds it"


class FailureAction(StrEnum):
    """What becomes of a job after a failure; the values are those of the job states of the same name."""

    RETRYING = "retrying"
    NEEDS_KEY = "needs a key"
    NO_SPACE = "no space"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a job in words; `delay` is the seconds until the next try where it is retried."""

    action: FailureAction
    reason: str
    hint: str
    delay: float | None = None


_DOUBTFUL = (errors.UnexpectedAnswer, LinkRejected, TLSFailure)
_PASSING = (
    errors.ServerUnreachable,
    errors.ServerTimeout,
    errors.ServerError,
    errors.RemoteChanged,
    BeingPrepared,
    JournalNotWritable,
    *_DOUBTFUL,
)
_KEY = (errors.APIKeyNotFound, errors.AuthenticationError)


def judge(error: BaseException, failures: int, retries: RetryPolicy, path: Path) -> Failure:
    """Return what becomes of a job after so many failures in a row without progress.

    Parameters
    ----------
    path
        The file, for errors of the file system.
    """
    known = translate(error, path)
    reason, hint = text.one_line(text.redact(str(known)), 300), text.one_line(known.hint, 200)
    if isinstance(known, _KEY):
        return Failure(FailureAction.NEEDS_KEY, reason, hint)
    if isinstance(known, errors.NoSpaceError):
        return Failure(FailureAction.NO_SPACE, reason, hint)
    if not isinstance(known, _PASSING):
        return Failure(FailureAction.FAILED, reason, hint)
    retry_after = known.retry_after if isinstance(known, errors.RequestError) else None
    preparing = isinstance(known, BeingPrepared) and retry_after is not None
    tried = 1 if preparing else failures  # the server works on it, and says when: waiting is no failure
    delay = retries.wait(tried, retry_after=retry_after, doubtful=isinstance(known, _DOUBTFUL))
    if delay is None:
        return Failure(FailureAction.FAILED, reason, hint)
    if isinstance(known, ConnectionLost):
        hint = "it resumes by itself where it stopped"
    return Failure(FailureAction.RETRYING, reason, hint, delay)


def translate(error: BaseException, path: Path) -> errors.MLHubException:
    """Return an error of the package's own tree for any error of a transfer to a path."""
    if isinstance(error, errors.MLHubException):
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
    """Counts failures in a row; bytes that were not there before reset it.

    Parameters
    ----------
    done
        Bytes that are there at the beginning.
    """

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
