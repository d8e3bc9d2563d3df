"""Event log of each job: what happened to it, in messages without keys, bounded, stored with the queue."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import RequestError
from ..text import count, duration, one_line, rate, redact, size
from .job import Job, JobState

if TYPE_CHECKING:
    import sqlite3

    from ..transfer.config import DownloadResult
    from ..transfer.failures import Failure

FIRST, LAST = 50, 450
"""Of a job's log, so many entries are stored from its beginning, and so many from its end."""
MOST = 200_000
"""Entries of all jobs together; beyond that the oldest are deleted at the next start."""
LONGEST = 300
"""Characters of an entry."""
_PENDING = 50_000  # entries that wait for a database that cannot be written
_SLACK = 50  # entries of a job between two checks whether some have to go

# What `redact` leaves: it takes keys out of URLs; here whole queries go, and keys that stand in a sentence.
_QUERY = re.compile(r"(?<=[\w/%])\?[^\s'\")]*=[^\s'\")]*")
_NAMES = r"(?:[\w-]*[_-])?(?:key|token|signature|sig|secret|password|credential)"
_IN_WORDS = re.compile(rf"(?i)\b({_NAMES}\s*[=:])[\s'\"]*[^\s,;&'\")]+|\b(bearer|basic)\s+[\w+/=.~-]{{8,}}")

QUEUED, AGAIN = "queued", "queued again"
TAKEN_OVER = "taken over: the program that ran it is gone"
SPACE_AGAIN = "the disk has space again"
_RESUMED = frozenset({JobState.PAUSED, JobState.NEEDS_KEY, JobState.NO_SPACE})

Line: TypeAlias = tuple[int, float, str]
"""The id of a job, when something happened to it (seconds since the epoch), and what."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's log: its number from 1, seconds since the epoch, one clean line without keys.

    Where numbers are missing, entries were left out.
    """

    number: int
    at: float
    words: str


def safe(words: object) -> str:
    """Return words as they may be stored: one line, without keys, tokens and the queries of links."""
    return one_line(_IN_WORDS.sub(r"\1\2 …", _QUERY.sub("?…", redact(one_line(words)))), LONGEST)


class EventLog:
    """Entries that are not written yet; they go into the database with the next transaction.

    Any thread may log: that takes no lock of the database and no time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._pending: list[Line] = []
        self._written: dict[int, int] = {}

    def log(self, job_id: int, words: str, at: float | None = None) -> None:
        """Log what happened to a job, now or at a moment."""
        if words:
            with self._guard:
                self._pending.append((job_id, self._clock() if at is None else at, words))
                del self._pending[:-_PENDING]

    def take(self) -> list[Line]:
        """Return the entries to write, in the order they happened; give them back if that fails."""
        with self._guard:
            taken, self._pending = self._pending, []
        return sorted(taken, key=lambda line: line[1])

    def give_back(self, lines: list[Line]) -> None:
        """Take back what could not be written, for the next time."""
        with self._guard:
            self._pending = (lines + self._pending)[-_PENDING:]

    def write(self, db: sqlite3.Connection, lines: Iterable[Line]) -> None:
        """Write lines in a transaction that is under way; those of jobs that are gone are dropped."""
        touched = set()
        for job_id, at, words in lines:
            db.execute(
                "INSERT INTO events (job, number, at, words)"
                " SELECT :job, 1 + coalesce((SELECT max(number) FROM events WHERE job = :job), 0),"
                " :at, :words WHERE EXISTS (SELECT 1 FROM jobs WHERE id = :job)",
                {"job": job_id, "at": at, "words": safe(words)},
            )
            self._written[job_id] = self._written.get(job_id, 0) + 1
            touched.add(job_id)
        for job_id in touched:
            if self._written[job_id] >= _SLACK:
                self._written[job_id] = 0
                db.execute(
                    "DELETE FROM events WHERE job = :job AND number > :first"
                    " AND number <= (SELECT max(number) FROM events WHERE job = :job) - :last",
                    {"job": job_id, "first": FIRST, "last": LAST},
                )


def tidy(db: sqlite3.Connection) -> None:
    """Delete the logs of jobs that are gone, and of far too many entries the oldest."""
    db.execute("DELETE FROM events WHERE job NOT IN (SELECT id FROM jobs)")
    if db.execute("SELECT count(*) FROM events").fetchone()[0] > MOST:
        oldest = "SELECT at FROM events ORDER BY at DESC LIMIT 1 OFFSET ?"
        db.execute(f"DELETE FROM events WHERE at <= ({oldest})", (MOST,))  # noqa: S608 - no value in it


def action_message(start: JobState, end: JobState) -> str:
    """Return the message for a move that a person requested."""
    if end is JobState.QUEUED:
        return "resumed" if start in _RESUMED else AGAIN
    return str(end)


def move_message(start: JobState, end: JobState, fields: Mapping[str, Any]) -> str:
    """Return the message for a move that a transfer made by itself; empty where none is needed."""
    if end is JobState.STALLED:
        return "nothing comes at the moment"
    if end is JobState.VERIFYING:
        return "all bytes are there: verifying"
    if end in (JobState.CONNECTING, JobState.PREPARING, JobState.DOWNLOADING):
        return "bytes come again" if start is JobState.STALLED else ""
    reason = fields.get("reason")
    return f"{end}: {reason}" if reason else str(end)


def interruption_message(job: Job) -> str:
    """Return the message for a job whose program ended while it ran."""
    return f"interrupted: its program ended, {size(job.bytes_done)} are saved"


def failure_message(error: BaseException, failure: Failure, failures: int) -> str:
    """Return the message for a try that ended by an error, the last of so many failures in a row."""
    after = error.retry_after if isinstance(error, RequestError) else None
    told = f" with Retry-After {duration(after)}" if after else ""
    if failure.delay is None:
        return f"{failure.action}: {failure.reason}{told}"
    row = f", {count(failures, 'try', 'tries')} without progress" if failures > 1 else ""
    return f"{failure.reason}{told}; next try in {_moment(failure.delay)}{row}"


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
