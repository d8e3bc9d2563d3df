"""The log of each job: what happened to it, in words without keys, kept with the queue and bounded."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..text import one_line, redact

if TYPE_CHECKING:
    import sqlite3

FIRST, LAST = 50, 450
"""Of the log of a job, so many entries are kept from its beginning, and so many from its end."""
MOST = 200_000
"""Entries of all jobs together; beyond that the oldest go at the next start."""
LONGEST = 300
"""Characters of an entry."""
_PENDING = 50_000  # entries that wait for a database that cannot be written
_SLACK = 50  # entries of a job between two looks whether some have to go

# What `redact` leaves: it takes keys out of URLs; here whole queries go, and keys that stand in a sentence.
_QUERY = re.compile(r"(?<=[\w/%])\?[^\s'\")]*=[^\s'\")]*")
_NAMES = r"(?:[\w-]*[_-])?(?:key|token|signature|sig|secret|password|credential)"
_IN_WORDS = re.compile(rf"(?i)\b({_NAMES}\s*[=:])[\s'\"]*[^\s,;&'\")]+|\b(bearer|basic)\s+[\w+/=.~-]{{8,}}")


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log of a job.

    Parameters
    ----------
    number
        Its place in the log, from 1; where numbers are missing, entries were left out.
    at
        When it happened, in seconds since the epoch.
    words
        What happened: one line, clean, without keys.
    """

    number: int
    at: float
    words: str


Line = tuple[int, float, str]
"""The id of a job, when something happened to it (seconds since the epoch), and what."""


def safe(words: object) -> str:
    """Return words as they may be kept: one line, without keys, tokens and the queries of links."""
    return one_line(_IN_WORDS.sub(r"\1\2 …", _QUERY.sub("?…", redact(one_line(words)))), LONGEST)


class EventLog:
    """What happened and is not written yet; it goes into the database with the next transaction.

    Any thread may tell something: that takes no lock of the database and no time.

    Parameters
    ----------
    clock
        Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._pending: list[Line] = []
        self._written: dict[int, int] = {}

    def tell(self, job_id: int, words: str, at: float | None = None) -> None:
        """Take note of what happened to a job, now or at a moment."""
        if words:
            with self._guard:
                self._pending.append((job_id, self._clock() if at is None else at, words))
                del self._pending[:-_PENDING]

    def take(self) -> list[Line]:
        """Return what is to be written, in the order it happened; whoever cannot write it gives it back."""
        with self._guard:
            taken, self._pending = self._pending, []
        return sorted(taken, key=lambda line: line[1])

    def give_back(self, lines: list[Line]) -> None:
        """Take what could not be written, for the next time."""
        with self._guard:
            self._pending = (lines + self._pending)[-_PENDING:]

    def write(self, db: sqlite3.Connection, lines: Iterable[Line]) -> None:
        """Write lines in a transaction that is under way; of jobs that are gone, nothing is kept."""
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
                _shorten(db, job_id)


def _shorten(db: sqlite3.Connection, job_id: int) -> None:
    """Leave the beginning and the end of a log, where it has become long."""
    db.execute(
        "DELETE FROM events WHERE job = :job AND number > :first"
        " AND number <= (SELECT max(number) FROM events WHERE job = :job) - :last",
        {"job": job_id, "first": FIRST, "last": LAST},
    )


def tidy(db: sqlite3.Connection) -> None:
    """Drop the logs of jobs that are gone, and of far too many entries the oldest."""
    db.execute("DELETE FROM events WHERE job NOT IN (SELECT id FROM jobs)")
    if db.execute("SELECT count(*) FROM events").fetchone()[0] > MOST:
        oldest = "SELECT at FROM events ORDER BY at DESC LIMIT 1 OFFSET ?"
        db.execute(f"DELETE FROM events WHERE at <= ({oldest})", (MOST,))  # noqa: S608 - no value in it


def events_of(rows: Iterable[sqlite3.Row]) -> list[Event]:
    """Return entries out of rows of the database."""
    return [Event(row["number"], row["at"], row["words"]) for row in rows]
