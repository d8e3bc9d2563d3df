"""Repository of jobs: the queue's database, shared by several programs, each change one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..planning.requests import DownloadRequest
from ..transfer.part_file import PartJournal
from . import events, process
from .database import Database
from .events import Event, EventLog
from .job import ACTIVE_STATES, NEXT_STATES, Job, JobAction, JobState, check_transition
from .job_rows import FILE_COUNTS, find, job_of, target_of, values_of
from .process import Process, RunnerKind
from .settings import NAMES, QueueSettings, defaults

_PROGRESS = ("bytes_done", "bytes_total", *FILE_COUNTS)
_FIELDS = (*_PROGRESS, "reason", "hint", "tries", "next_try", "rate", "eta", "connections", "sums")
_FRESH = {"bytes_done": 0, "files_done": 0, "files_failed": 0, "files_total": None, "sums": ""}

AT_START = 5.0  # seconds that a program that starts waits for another one's transaction
_BATCH = 500  # old builds of SQLite take 999 values at most


class NotOwned(Exception):
    """The job belongs to another running program, or no longer exists."""


@dataclass(frozen=True, slots=True)
class QueueCommand:
    """A command of another program for a job of this one; it is in the database until it is carried out."""

    id: int
    job: int
    action: JobAction
    delete_part: bool


class JobRepository:
    """Jobs in a database that several programs share; each job is run by one of them at a time.

    A program of kind CLIENT owns nothing: what it adds or moves is nobody's, for any runner to take. Each
    change waits up to `patience` seconds for another program that holds the database; `clock` gives seconds
    since the epoch. `events` is written with whatever is written next, `journal` has the records of part
    files, and `runner` is the id of this program in the database.
    """

    def __init__(
        self,
        database: Database,
        *,
        identity: Process | None = None,
        kind: RunnerKind = RunnerKind.APP,
        clock: Callable[[], float] = time.time,
        patience: float = 0.0,
    ) -> None:
        self._database = database
        self._patience = patience
        self._clock = clock
        self._kind = kind
        self.identity = identity or process.this_process()
        self.runner = uuid.uuid4().hex
        self.events = EventLog(clock)
        self.journal = PartJournal(database, self)
        self._owner = None if kind is RunnerKind.CLIENT else self.runner
        self._seen = 0
        self._data_version = -1
        if kind is not RunnerKind.CLIENT:
            self.register()

    def register(self) -> None:
        """Show this program to the others; a client has to before it claims a part."""
        me = self.identity
        with self._transaction(AT_START) as db:
            db.execute(
                "INSERT OR REPLACE INTO runners (id, pid, host, token, beat, kind) VALUES (?, ?, ?, ?, ?, ?)",
                (self.runner, me.pid, me.host, me.token, self._clock(), self._kind),
            )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # Jobs

    def load(self) -> list[Job]:
        """Return all jobs in order; `changes` reports what changes after that."""
        rows = self._database.read("SELECT * FROM jobs ORDER BY position, id")
        self._seen = max((row["revision"] for row in rows), default=self._seen)
        return self._jobs(rows)

    def changes(self) -> tuple[list[Job], frozenset[int]] | None:
        """Return the jobs that changed since the last call, and the ids of all; None if nothing did."""
        version = self._database.read("PRAGMA data_version")[0][0]
        if version == self._data_version:
            return None
        self._data_version = version
        rows = self._database.read("SELECT * FROM jobs WHERE revision > ? ORDER BY position", (self._seen,))
        self._seen = max((row["revision"] for row in rows), default=self._seen)
        ids = frozenset(row["id"] for row in self._database.read("SELECT id FROM jobs"))
        return self._jobs(rows), ids

    def job(self, job_id: int) -> Job | None:
        """Return one job; None if it does not exist."""
        found = self._some([job_id])
        return found[0] if found else None

    def adopt(self, only: frozenset[int] | None = None, *, patience: float = 0.0) -> list[Job]:
        """Take over the unfinished jobs (of those in `only`) that are nobody's; what ran is queued.

        Of the finished ones, those are taken for which there is a command to carry out.
        """
        with self._transaction(patience) as db:
            live = self._live_in(db)
            rows = db.execute("SELECT id, state, runner FROM jobs WHERE runner IS NOT ?", (self.runner,))
            orphans = [row for row in rows.fetchall() if row["runner"] not in live]
            commanded = {row["job"] for row in db.execute("SELECT job FROM commands")}
            orphans = [r for r in orphans if not JobState(r["state"]).finished or r["id"] in commanded]
            orphans = [row for row in orphans if only is None or row["id"] in only]
            for row in orphans:
                state = JobState(row["state"])
                if state.running:
                    state = JobState.QUEUED
                    self.events.log(row["id"], events.TAKEN_OVER)
                self._update(db, row["id"], state=state, runner=self.runner, next_try=None)
            gone = _ids(db.execute("SELECT id FROM runners").fetchall()) - live
            db.executemany("DELETE FROM runners WHERE id = ?", [(runner,) for runner in gone])
        return self._some([row["id"] for row in orphans])

    def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Return a job for each request: a new one, or the one that exists for the same target.

        A finished job, and one at rest, is queued again under the new request; one that is queued or
        running, here or in another live program, stays as it is.
        """
        with self._transaction() as db:
            live = self._live_in(db)
            ids = [self._add(db, request, live) for request in requests]
        return self._some(ids)

    def _add(self, db: sqlite3.Connection, request: DownloadRequest, live: frozenset[str]) -> int:
        request, row = find(db, request)
        position = db.execute("SELECT coalesce(max(position), 0) + 1 FROM jobs").fetchone()[0]
        values: dict[str, Any] = {**values_of(request), "runner": self._owner, "state": JobState.QUEUED}
        if row is None:
            values |= {"target": target_of(request), "name": request.name}
            values |= {"position": position, "revision": _tick(db)}
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            made = db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
            assert made.lastrowid is not None
            self.events.log(made.lastrowid, events.QUEUED)
            return made.lastrowid
        state = JobState(row["state"])
        mine = row["runner"] == self.runner
        if state.finished:
            changes = {"position": position, **_FRESH}
        elif (state in ACTIVE_STATES | {JobState.QUEUED}) if mine else row["runner"] in live:
            return int(row["id"])
        else:
            changes = {"next_try": None}
        self.events.log(row["id"], events.AGAIN)
        self._update(db, row["id"], **{**values, **changes}, reason="", hint="")
        return int(row["id"])

    def move(self, job_id: int, state: JobState, message: str | None = None, **fields: Any) -> Job:
        """Move a job to another state, and log `message`, by default the one for such a move.

        Raises IllegalTransition, or NotOwned if the job is gone or another live program runs it.
        """
        with self._transaction() as db:
            row = db.execute("SELECT state, runner FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None or (row["runner"] != self.runner and row["runner"] in self._live_in(db)):
                raise NotOwned(job_id)
            before = JobState(row["state"])
            check_transition(before, state)
            self._update(db, job_id, state=state, runner=self._owner, **fields)
            default = events.move_message(before, state, fields)
            self.events.log(job_id, default if message is None else message)
        moved = self.job(job_id)
        if moved is None:
            raise NotOwned(job_id)
        return moved

    def move_all(self, job_ids: Iterable[int], state: JobState, **fields: Any) -> list[Job]:
        """Move those jobs for which it is legal, and which are nobody else's, in one transaction."""
        moved = []
        with self._transaction() as db:
            live = self._live_in(db)
            for job_id in job_ids:
                row = db.execute("SELECT state, runner FROM jobs WHERE id = ?", (job_id,)).fetchone()
                free = row is not None and (row["runner"] == self.runner or row["runner"] not in live)
                if free and state in NEXT_STATES[JobState(row["state"])]:
                    self._update(db, job_id, state=state, runner=self._owner, **fields)
                    self.events.log(job_id, events.action_message(JobState(row["state"]), state))
                    moved.append(job_id)
        return self._some(moved)

    def save(self, jobs: Iterable[Job]) -> None:
        """Save own jobs as they are in memory: progress, and what could not be written in its time.

        Their positions are left alone, which another program may have changed.
        """
        with self._transaction() as db:
            for job in jobs:
                values = {name: getattr(job, name) for name in _FIELDS}
                self._update(db, job.id, only=self.runner, state=job.state, **values)

    def arrange(self, positions: Mapping[int, int]) -> None:
        """Give jobs new positions in the queue."""
        with self._transaction() as db:
            for job_id, position in positions.items():
                self._update(db, job_id, position=position)

    def remove_finished(self, only: frozenset[int] | None = None) -> list[int]:
        """Remove the jobs (of those in `only`) that are done, failed or cancelled; return their ids."""
        with self._transaction() as db:
            rows = db.execute("SELECT id, state FROM jobs").fetchall()
            gone = [row["id"] for row in rows if JobState(row["state"]).finished]
            gone = [job_id for job_id in gone if only is None or job_id in only]
            db.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id in gone])
            db.executemany("DELETE FROM events WHERE job = ?", [(job_id,) for job_id in gone])
            _tick(db)
        return gone

    def leave(self, jobs: Iterable[Job] = ()) -> None:
        """End this program's part: what it ran is queued, and nobody's until the next start."""
        with self._transaction() as db:
            for job in jobs:
                values = {name: getattr(job, name) for name in _PROGRESS}
                self._update(db, job.id, only=self.runner, state=JobState.QUEUED, next_try=None, **values)
                self.events.log(job.id, events.interruption_message(job))
            # A new revision, so that another program that runs the queue takes them the next time.
            mine = (_tick(db), self.runner)
            db.execute("UPDATE jobs SET runner = NULL, revision = ? WHERE runner = ?", mine)
            db.execute("UPDATE parts SET runner = NULL WHERE runner = ?", (self.runner,))
            db.execute("DELETE FROM runners WHERE id = ?", (self.runner,))

    # Logs

    def log_of(self, job_id: int, after: int = 0) -> list[Event]:
        """Return the log of a job, from the entry behind number `after` on."""
        sql = "SELECT number, at, words FROM events WHERE job = ? AND number > ? ORDER BY number"
        rows = self._database.read(sql, (job_id, after))
        return [Event(row["number"], row["at"], row["words"]) for row in rows]

    def tidy(self) -> None:
        """Delete what no log needs any more."""
        with self._transaction() as db:
            events.tidy(db)

    # Programs

    def beat(self) -> None:
        """Record that this program still runs."""
        with self._transaction() as db:
            self.beat_in(db)

    def beat_in(self, db: sqlite3.Connection) -> None:
        """Do so in a transaction that is under way."""
        db.execute("UPDATE runners SET beat = ? WHERE id = ?", (self._clock(), self.runner))

    def live(self) -> frozenset[str]:
        """Return the ids of the programs that run."""
        return _ids(self._living(self._database.read("SELECT * FROM runners")))

    def runners(self) -> list[tuple[RunnerKind, int]]:
        """Return the programs that run jobs at this moment: what each is for, and its pid."""
        living = self._living(self._database.read("SELECT * FROM runners"))
        return [(RunnerKind(row["kind"]), row["pid"]) for row in living if row["kind"] != RunnerKind.CLIENT]

    # Commands for other programs

    def post(self, action: JobAction, job_ids: Iterable[int], *, delete_part: bool = False) -> list[int]:
        """Post commands for the programs that run jobs; return their ids.

        A command stays with the job: if the program that ran it is gone, whoever adopts the job finds it.
        """
        author = f"{self.identity.pid}@{self.identity.host}"
        posted = []
        with self._transaction() as db:
            db.execute("DELETE FROM commands WHERE job NOT IN (SELECT id FROM jobs)")
            for job_id in job_ids:
                made = db.execute(
                    "INSERT INTO commands (job, verb, delete_part, author, at) VALUES (?, ?, ?, ?, ?)",
                    (job_id, action, int(delete_part), author, time.time()),
                )
                posted.append(int(made.lastrowid or 0))
        return posted

    def commands(self) -> list[QueueCommand]:
        """Return the commands for this program, oldest first."""
        sql = "SELECT commands.* FROM commands JOIN jobs ON jobs.id = commands.job WHERE jobs.runner = ?"
        rows = self._database.read(f"{sql} ORDER BY commands.id", (self.runner,))
        return [QueueCommand(r["id"], r["job"], JobAction(r["verb"]), bool(r["delete_part"])) for r in rows]

    def settle(self, command_ids: Iterable[int]) -> None:
        """Delete commands that were carried out, or are of no use any more."""
        with self._transaction() as db:
            db.executemany("DELETE FROM commands WHERE id = ?", [(number,) for number in command_ids])

    def pending(self, command_ids: Iterable[int]) -> set[int]:
        """Return those commands that nobody has carried out yet."""
        return {row["id"] for row in self._database.read("SELECT id FROM commands")} & set(command_ids)

    # Settings

    def settings(self) -> QueueSettings:
        """Return the settings in force: what nobody changed is as the config file, or the program, has it."""
        rows = self._database.read("SELECT name, value FROM settings")
        return replace(defaults(), **{row["name"]: row["value"] for row in rows if row["name"] in NAMES})

    def change_settings(self, changes: Mapping[str, int | None]) -> QueueSettings:
        """Change some settings, and return what is in force then; ValueError for an unknown name."""
        if unknown := changes.keys() - set(NAMES):
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = dict(changes)
        wanted = asdict(QueueSettings(**values))
        with self._transaction() as db:
            rows = [(name, wanted[name]) for name in changes]
            db.executemany("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", rows)
        return self.settings()

    @contextlib.contextmanager
    def _transaction(self, patience: float = 0.0) -> Iterator[sqlite3.Connection]:
        """Run statements as one transaction, with what happened since the last one written at its end."""
        lines: list[events.Line] = []
        try:
            with self._database.transaction(max(patience, self._patience)) as db:
                yield db
                lines = self.events.take()
                self.events.write(db, lines)
        except sqlite3.Error:
            self.events.give_back(lines)
            raise

    def _some(self, job_ids: Sequence[int]) -> list[Job]:
        """Return jobs in the order of their ids in the list."""
        rows = []
        for start in range(0, len(job_ids), _BATCH):
            batch = tuple(job_ids[start : start + _BATCH])
            marks = ", ".join("?" * len(batch))
            rows += self._database.read(f"SELECT * FROM jobs WHERE id IN ({marks})", batch)  # noqa: S608
        found = {job.id: job for job in self._jobs(rows)}
        return [found[job_id] for job_id in job_ids if job_id in found]

    def _jobs(self, rows: list[sqlite3.Row]) -> list[Job]:
        places: dict[str, str] = {}
        if {row["runner"] for row in rows} - {self.runner, None}:
            living = self._living(self._database.read("SELECT * FROM runners"))
            places = {row["id"]: process.place(_process(row), row["kind"]) for row in living}
            places.pop(self.runner, None)
        return [job_of(row, places.get(row["runner"], "")) for row in rows]

    def _live_in(self, db: sqlite3.Connection) -> frozenset[str]:
        return _ids(self._living(db.execute("SELECT * FROM runners").fetchall()))

    def _living(self, rows: list[sqlite3.Row]) -> list[sqlite3.Row]:
        now = self._clock()
        return [row for row in rows if process.alive(_process(row), now - row["beat"])]

    @staticmethod
    def _update(db: sqlite3.Connection, job_id: int, /, *, only: str = "", **values: Any) -> None:
        values["revision"] = _tick(db)
        assignments = ", ".join(f"{name} = ?" for name in values)
        guard, last = (" AND runner = ?", [only]) if only else ("", [])
        db.execute(
            f"UPDATE jobs SET {assignments} WHERE id = ?{guard}",  # noqa: S608 - names of columns, ours
            (*values.values(), job_id, *last),
        )


def _tick(db: sqlite3.Connection) -> int:
    db.execute("UPDATE clock SET revision = revision + 1")
    return int(db.execute("SELECT revision FROM clock").fetchone()[0])


def _ids(rows: list[sqlite3.Row]) -> frozenset[str]:
    return frozenset(row["id"] for row in rows)


def _process(row: sqlite3.Row) -> Process:
    return Process(row["pid"], row["host"], row["token"])
