"""The queue as it is kept: jobs and the programs that run them, each change one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..planning.requests import DownloadRequest
from . import event_messages, events, process
from .database import Database
from .events import Event, EventLog
from .job import ACTIVE_STATES, NEXT_STATES, Job, JobState, check_transition
from .job_progress import FILES
from .process import Process, RunnerKind
from .rows import find, job_of, target_of, values_of

# What a program that is gone was at: it is queued again by whoever adopts it.
_UNFINISHED_WORK = ACTIVE_STATES | {JobState.RETRYING}
_FIELDS = frozenset(
    {"bytes_done", "bytes_total", "reason", "hint", "tries", "next_try", "rate", "eta", "connections", "sums"}
    | set(FILES)
)

AT_START = 5.0  # seconds that a program that starts waits for another one's transaction
_BATCH = 500  # old builds of SQLite take 999 values at most


class NotOwned(Exception):
    """The job belongs to another running program, or is no more."""


class JobRepository:
    """Jobs in a database that several programs share; each job is run by one of them at a time.

    Parameters
    ----------
    database
        The open database.
    identity
        The program that runs jobs through this store.
    kind
        What it is for; a visitor owns nothing: what it adds or moves is nobody's, for any runner to take.
    clock
        Seconds since the epoch, for heartbeats and logs.

    Attributes
    ----------
    book
        What happened to jobs; it is written with whatever is written next.
    """

    def __init__(
        self,
        database: Database,
        *,
        identity: Process | None = None,
        kind: RunnerKind = RunnerKind.APP,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._clock = clock
        self.identity = identity or process.this_process()
        self.runner = uuid.uuid4().hex
        self.book = EventLog(clock)
        self._kind = kind
        self._owner = None if kind is RunnerKind.CLIENT else self.runner
        self._seen = 0
        self._data_version = -1
        if kind is not RunnerKind.CLIENT:
            self.register()

    def register(self) -> None:
        """Tell the other programs of this one; a visitor has to before it claims a part."""
        me = self.identity
        with self._transaction(AT_START) as db:
            db.execute(
                "INSERT OR REPLACE INTO runners (id, pid, host, token, beat, kind) VALUES (?, ?, ?, ?, ?, ?)",
                (self.runner, me.pid, me.host, me.token, self._clock(), self._kind),
            )

    def load(self) -> list[Job]:
        """Return all jobs in order, and take note of what has been seen."""
        rows = self._database.read("SELECT * FROM jobs ORDER BY position, id")
        self._seen = max((row["revision"] for row in rows), default=self._seen)
        return self._jobs(rows)

    def changes(self) -> tuple[list[Job], frozenset[int]] | None:
        """Return the jobs that changed since the last look, and the ids of all; None if nothing did."""
        version = self._database.read("PRAGMA data_version")[0][0]
        if version == self._data_version:
            return None
        self._data_version = version
        rows = self._database.read("SELECT * FROM jobs WHERE revision > ? ORDER BY position", (self._seen,))
        self._seen = max((row["revision"] for row in rows), default=self._seen)
        ids = frozenset(row["id"] for row in self._database.read("SELECT id FROM jobs"))
        return self._jobs(rows), ids

    def adopt(self, only: frozenset[int] | None = None, *, patience: float = 0.0) -> list[Job]:
        """Take over the unfinished jobs that are nobody's; what programs that are gone were at is queued.

        Of the finished ones, those come along for which there is a command to carry out.

        Parameters
        ----------
        only
            The ids of the jobs that are wanted; None for all.
        patience
            Seconds to wait for another program that holds the database.
        """
        with self._transaction(patience) as db:
            live = _live(db, self._clock())
            rows = db.execute("SELECT id, state, runner FROM jobs WHERE runner IS NOT ?", (self.runner,))
            orphans = [row for row in rows.fetchall() if row["runner"] not in live]
            asked = {row["job"] for row in db.execute("SELECT job FROM commands")}
            orphans = [row for row in orphans if not JobState(row["state"]).finished or row["id"] in asked]
            orphans = [row for row in orphans if only is None or row["id"] in only]
            for row in orphans:
                state = JobState(row["state"])
                if state in _UNFINISHED_WORK:
                    state = JobState.QUEUED
                    self.book.tell(row["id"], event_messages.TAKEN_OVER)
                self._update(db, row["id"], state=state, runner=self.runner, next_try=None)
            gone = [(runner,) for runner in _all_runners(db) - live]
            db.executemany("DELETE FROM runners WHERE id = ?", gone)
        return self._some([row["id"] for row in orphans])

    def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Return a job for each request: a new one, or the one that is there for the same target.

        A finished job, and one at rest, is queued again under the new request; one that is queued or
        running, here or in another live program, stays as it is.
        """
        with self._transaction() as db:
            live = _live(db, self._clock())
            ids = [self._add(db, request, live) for request in requests]
        return self._some(ids)

    def _add(self, db: sqlite3.Connection, request: DownloadRequest, live: frozenset[str]) -> int:
        request, row = find(db, request)
        position = db.execute("SELECT coalesce(max(position), 0) + 1 FROM jobs").fetchone()[0]
        values: dict[str, Any] = {**values_of(request), "runner": self._owner}
        if row is None:
            columns = {**values, "target": target_of(request), "name": request.name, "state": JobState.QUEUED}
            columns |= {"position": position, "revision": _tick(db)}
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            made = db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(columns.values()))  # noqa: S608
            assert made.lastrowid is not None
            self.book.tell(made.lastrowid, event_messages.QUEUED)
            return made.lastrowid
        state = JobState(row["state"])
        ours = row["runner"] not in live or row["runner"] == self.runner
        if state.finished:
            self.book.tell(row["id"], event_messages.AGAIN)
            self._update(
                db,
                row["id"],
                **values,
                state=JobState.QUEUED,
                position=position,
                bytes_done=0,
                files_done=0,
                files_failed=0,
                files_total=None,
                reason="",
                hint="",
                sums="",
            )
        elif ours and (row["runner"] != self.runner or state not in ACTIVE_STATES | {JobState.QUEUED}):
            self.book.tell(row["id"], event_messages.AGAIN)
            self._update(db, row["id"], **values, state=JobState.QUEUED, reason="", hint="", next_try=None)
        return int(row["id"])

    def move(self, job_id: int, state: JobState, told: str | None = None, **fields: Any) -> Job:
        """Move a job to another state, with whatever changes along.

        Parameters
        ----------
        told
            What its log says of it; by default what there is to say of such a move.

        Raises
        ------
        IllegalMove
            If the table of moves does not have it.
        NotOwned
            If the job is gone or another live program runs it.
        """
        with self._transaction() as db:
            self._own(db, job_id)
            before = self._state(db, job_id)
            check_transition(before, state)
            self._update(db, job_id, state=state, **fields)
            self.book.tell(job_id, event_messages.moved(before, state, fields) if told is None else told)
        return self._known(job_id)

    def move_all(self, job_ids: Iterable[int], state: JobState, **fields: Any) -> list[Job]:
        """Move those jobs for which it is legal, and which are nobody else's, in one transaction."""
        with self._transaction() as db:
            live = _live(db, self._clock())
            moved = []
            for job_id in job_ids:
                row = db.execute("SELECT state, runner FROM jobs WHERE id = ?", (job_id,)).fetchone()
                free = row is not None and (row["runner"] == self.runner or row["runner"] not in live)
                if free and state in NEXT_STATES[JobState(row["state"])]:
                    self._update(db, job_id, state=state, runner=self._owner, **fields)
                    moved.append(job_id)
                    self.book.tell(job_id, event_messages.asked(JobState(row["state"]), state))
        return self._some(moved)

    def note(self, jobs: Iterable[Job]) -> None:
        """Keep jobs of ours as they are in memory: progress, and what could not be written in its time.

        Their places in the queue are left alone, which another program may have changed.
        """
        with self._transaction() as db:
            for job in jobs:
                values = {name: getattr(job, name) for name in _FIELDS}
                self._update(db, job.id, only=self.runner, state=job.state, **values)

    def beat(self) -> None:
        """Tell the other programs that this one still runs."""
        with self._transaction() as db:
            self.beat_in(db)

    def beat_in(self, db: sqlite3.Connection) -> None:
        """Do so in a transaction that is under way."""
        db.execute("UPDATE runners SET beat = ? WHERE id = ?", (self._clock(), self.runner))

    def arrange(self, positions: dict[int, int]) -> None:
        """Give jobs new places in the queue."""
        with self._transaction() as db:
            for job_id, position in positions.items():
                self._update(db, job_id, position=position)

    def remove_finished(self, only: frozenset[int] | None = None) -> list[int]:
        """Remove the jobs (of those in `only`) that are done, failed or cancelled; return their ids."""
        with self._transaction() as db:
            ends = tuple(state for state in JobState if state.finished)
            marks = ", ".join("?" * len(ends))
            rows = db.execute(f"SELECT id FROM jobs WHERE state IN ({marks})", ends).fetchall()  # noqa: S608
            gone = [row["id"] for row in rows if only is None or row["id"] in only]
            db.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id in gone])
            db.executemany("DELETE FROM events WHERE job = ?", [(job_id,) for job_id in gone])
            _tick(db)
        return gone

    def leave(self, jobs: Iterable[Job] = ()) -> None:
        """End this program's part: what it was at is queued, and nobody's until the next start."""
        with self._transaction() as db:
            for job in jobs:
                values = {name: getattr(job, name) for name in ("bytes_done", "bytes_total", *FILES)}
                values["next_try"] = None
                self._update(db, job.id, only=self.runner, state=JobState.QUEUED, **values)
                self.book.tell(job.id, event_messages.interrupted(job))
            # A new revision, so that another program that runs the queue takes them at its next look.
            mine = (_tick(db), self.runner)
            db.execute("UPDATE jobs SET runner = NULL, revision = ? WHERE runner = ?", mine)
            db.execute("UPDATE parts SET runner = NULL WHERE runner = ?", (self.runner,))
            db.execute("DELETE FROM runners WHERE id = ?", (self.runner,))

    def log_of(self, job_id: int, after: int = 0) -> list[Event]:
        """Return the log of a job, from the entry behind number `after` on."""
        sql = "SELECT number, at, words FROM events WHERE job = ? AND number > ? ORDER BY number"
        return events.events_of(self._database.read(sql, (job_id, after)))

    def tidy(self) -> None:
        """Drop what no log needs any more."""
        with self._transaction() as db:
            events.tidy(db)

    @contextlib.contextmanager
    def _transaction(self, patience: float = 0.0) -> Iterator[sqlite3.Connection]:
        """Run statements as one transaction, with what happened since the last one written at its end."""
        lines: list[events.Line] = []
        try:
            with self._database.transaction(patience) as db:
                yield db
                lines = self.book.take()
                self.book.write(db, lines)
        except sqlite3.Error:
            self.book.give_back(lines)
            raise

    def job(self, job_id: int) -> Job | None:
        """Return one job; None if it is not there."""
        rows = self._database.read("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return self._jobs(rows)[0] if rows else None

    def _some(self, job_ids: Sequence[int]) -> list[Job]:
        """Return jobs in the order of their ids in the list."""
        rows = []
        for start in range(0, len(job_ids), _BATCH):
            batch = tuple(job_ids[start : start + _BATCH])
            marks = ", ".join("?" * len(batch))
            rows += self._database.read(f"SELECT * FROM jobs WHERE id IN ({marks})", batch)  # noqa: S608
        found = {job.id: job for job in self._jobs(rows)}
        return [found[job_id] for job_id in job_ids if job_id in found]

    def _known(self, job_id: int) -> Job:
        job = self.job(job_id)
        if job is None:
            raise NotOwned(job_id)
        return job

    def _own(self, db: sqlite3.Connection, job_id: int) -> None:
        row = db.execute("SELECT runner FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotOwned(job_id)
        if row["runner"] != self.runner:
            if row["runner"] in _live(db, self._clock()):
                raise NotOwned(job_id)
            db.execute("UPDATE jobs SET runner = ? WHERE id = ?", (self._owner, job_id))

    @staticmethod
    def _state(db: sqlite3.Connection, job_id: int) -> JobState:
        return JobState(db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()["state"])

    @staticmethod
    def _update(db: sqlite3.Connection, job_id: int, /, *, only: str = "", **values: Any) -> None:
        values["revision"] = _tick(db)
        assignments = ", ".join(f"{name} = ?" for name in values)
        guard, last = (" AND runner = ?", [only]) if only else ("", [])
        db.execute(
            f"UPDATE jobs SET {assignments} WHERE id = ?{guard}",  # noqa: S608 - names of columns, ours
            (*values.values(), job_id, *last),
        )

    def _jobs(self, rows: list[sqlite3.Row]) -> list[Job]:
        others = {row["runner"] for row in rows} - {self.runner, None}
        places = {row["id"]: _place(row) for row in self._runners()} if others else {}
        places.pop(self.runner, None)
        return [job_of(row, places.get(row["runner"], "")) for row in rows]

    def live(self) -> frozenset[str]:
        """Return the ids of the programs that run."""
        return frozenset(row["id"] for row in self._runners())

    def runners(self) -> list[tuple[RunnerKind, int]]:
        """Return what runs jobs at this moment: what it is for, and its pid."""
        return [
            (RunnerKind(row["kind"]), row["pid"])
            for row in self._runners()
            if row["kind"] != RunnerKind.CLIENT
        ]

    def _runners(self) -> list[sqlite3.Row]:
        return _living(self._database.read("SELECT * FROM runners"), self._clock())


def _tick(db: sqlite3.Connection) -> int:
    db.execute("UPDATE clock SET revision = revision + 1")
    return int(db.execute("SELECT revision FROM clock").fetchone()[0])


def _live(db: sqlite3.Connection, now: float) -> frozenset[str]:
    return frozenset(row["id"] for row in _living(db.execute("SELECT * FROM runners").fetchall(), now))


def _living(rows: list[sqlite3.Row], now: float) -> list[sqlite3.Row]:
    return [row for row in rows if process.alive(_process(row), now - row["beat"])]


def _process(row: sqlite3.Row) -> Process:
    return Process(row["pid"], row["host"], row["token"])


def _place(row: sqlite3.Row) -> str:
    return process.place(_process(row), row["kind"])


def _all_runners(db: sqlite3.Connection) -> frozenset[str]:
    return frozenset(row["id"] for row in db.execute("SELECT id FROM runners"))
