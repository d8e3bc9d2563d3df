"""Repository of jobs: rows of a database that several programs share, each change one transaction."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..planning.requests import DownloadRequest
from ..text import one_line, redact, size
from . import runner as runners
from .database import Database
from .job import ACTIVE_STATES, NEXT_STATES, TRANSITIONS, Event, Job, JobAction, JobState, left_of
from .job_rows import LIVE_FIELDS, PROGRESS_FIELDS, SHOWN_FIELDS, columns_of, find_existing, job_of, target_of
from .part_repository import PartRepository
from .runner import NAMES, Process, QueueSettings, RunnerKind

_FRESH = {"bytes_done": 0, "files_done": 0, "files_failed": 0, "files_total": None, "sums": ""}
AT_START = 5.0  # seconds that a program that starts waits for another one's transaction

FIRST, LAST = 50, 450
"""Of a job's log, so many entries are stored from its beginning, and so many from its end."""
LONGEST = 300
"""Characters of an entry."""
_MOST = 200_000  # entries of all jobs together; beyond that the oldest are deleted at the next start
_PENDING = 50_000  # entries that wait for a database that cannot be written

# What `redact` leaves: it takes keys out of URLs; here whole queries go, and keys that stand in a sentence.
_QUERY = re.compile(r"(?<=[\w/%])\?[^\s'\")]*=[^\s'\")]*")
_NAMES = r"(?:[\w-]*[_-])?(?:key|token|signature|sig|secret|password|credential)"
_IN_WORDS = re.compile(rf"(?i)\b({_NAMES}\s*[=:])[\s'\"]*[^\s,;&'\")]+|\b(bearer|basic)\s+[\w+/=.~-]{{8,}}")


def safe(words: object) -> str:
    """Return words as they may be logged: one line, without keys, tokens and the queries of links."""
    return one_line(_IN_WORDS.sub(r"\1\2 …", _QUERY.sub("?…", redact(one_line(words)))), LONGEST)


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
    since the epoch. `journal` has the records of part files, and `runner` is the id of this program in the
    database.
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
        self._database, self._patience, self._clock, self._kind = database, patience, clock, kind
        self.identity = identity or runners.this_process()
        self.runner = os.urandom(16).hex()
        self.journal = PartRepository(database, self)
        self._owner = None if kind is RunnerKind.CLIENT else self.runner
        self._events: deque[tuple[int, float, str]] = deque(maxlen=_PENDING)
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
        return self._jobs(rows), _ids(self._database.read("SELECT id FROM jobs"))

    def find(self, job_ids: Sequence[int]) -> list[Job]:
        """Return the jobs that exist, in the order of their ids in the list."""
        sql = "SELECT * FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
        found = {job.id: job for job in self._jobs(self._database.read(sql, (json.dumps(job_ids),)))}
        return [found[job_id] for job_id in job_ids if job_id in found]

    def adopt(self, only: frozenset[int] | None = None, *, patience: float = 0.0) -> list[Job]:
        """Take over the unfinished jobs (of those in `only`) that are nobody's; what ran is queued.

        Of the finished ones, those are taken for which there is a command to carry out.
        """
        adopted = []
        with self._transaction(patience) as db:
            live = _ids(self._living(db))
            commanded = {row["job"] for row in db.execute("SELECT job FROM commands")}
            rows = db.execute("SELECT id, state, runner FROM jobs WHERE runner IS NOT ?", (self.runner,))
            for row in rows.fetchall():
                job_id, state = row["id"], JobState(row["state"])
                idle = state.finished and job_id not in commanded
                if row["runner"] in live or idle or (only is not None and job_id not in only):
                    continue
                if state.running:
                    state = JobState.QUEUED
                    self.log(job_id, "taken over: the program that ran it is gone")
                self._update(db, job_id, state=state, runner=self.runner, next_try=None)
                adopted.append(job_id)
            gone = {row["id"] for row in db.execute("SELECT id FROM runners")} - live
            db.executemany("DELETE FROM runners WHERE id = ?", [(runner,) for runner in gone])
        return self.find(adopted)

    def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Return a job for each request: a new one, or the one that exists for the same target.

        A finished job, and one at rest, is queued again under the new request; one that is queued or
        running, here or in another live program, stays as it is.
        """
        with self._transaction() as db:
            live = _ids(self._living(db))
            ids = [self._add(db, request, live) for request in requests]
        return self.find(ids)

    def _add(self, db: sqlite3.Connection, request: DownloadRequest, live: frozenset[str]) -> int:
        request, row = find_existing(db, request)
        position = db.execute("SELECT coalesce(max(position), 0) + 1 FROM jobs").fetchone()[0]
        values: dict[str, Any] = {**columns_of(request), "runner": self._owner, "state": JobState.QUEUED}
        if row is None:
            values |= {"target": target_of(request), "name": request.name}
            values |= {"position": position, "revision": _tick(db)}
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            made = db.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
            assert made.lastrowid is not None
            self.log(made.lastrowid, "queued")
            return made.lastrowid
        job_id, state = int(row["id"]), JobState(row["state"])
        mine = row["runner"] == self.runner
        if state.finished:
            values |= {"position": position, **_FRESH}
        elif (state in ACTIVE_STATES | {JobState.QUEUED}) if mine else row["runner"] in live:
            return job_id
        self.log(job_id, "queued again")
        self._update(db, job_id, **{**values, "next_try": None, "reason": "", "hint": ""})
        return job_id

    def move(
        self, job_ids: Iterable[int], state: JobState, message: str | None = None, **fields: Any
    ) -> list[Job]:
        """Move the jobs for which it is legal, and which are nobody else's, in one transaction; return them.

        `message` goes to the log of each, by default the one for such a move.
        """
        with self._transaction() as db:
            live = _ids(self._living(db))
            moved = [each for each in job_ids if self._move(db, live, each, state, message, fields)]
        return self.find(moved)

    def order(
        self, action: JobAction, jobs: Sequence[Job], *, delete_part: bool = False
    ) -> tuple[list[Job], list[Job], list[int]]:
        """Apply an action to jobs, or post it for the programs that run them.

        Returns the jobs that were moved, those it was posted for, and the ids of these commands. With
        `delete_part` the fields of a cancelled job say what is left once its part is deleted.
        """
        transition = TRANSITIONS[action]
        with self._transaction() as db:
            live, left = _ids(self._living(db)), []
            for job in jobs:
                gone = left_of(job) if action is JobAction.CANCEL and delete_part else {}
                if not self._move(db, live, job.id, transition.end, None, {**transition.fields, **gone}):
                    left.append(job.id)
        others = [job for job in self.find(left) if job.elsewhere]
        posted = self.post(action, [job.id for job in others], delete_part=delete_part) if others else []
        return self.find([job.id for job in jobs if job.id not in left]), others, posted

    def _move(
        self,
        db: sqlite3.Connection,
        live: frozenset[str],
        job_id: int,
        state: JobState,
        message: str | None,
        fields: Mapping[str, Any],
    ) -> bool:
        row = db.execute("SELECT state, runner FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None or (row["runner"] != self.runner and row["runner"] in live):
            return False
        before = JobState(row["state"])
        if state not in NEXT_STATES[before]:
            return False
        self._update(db, job_id, state=state, runner=self._owner, **fields)
        self.log(job_id, _move_message(before, state, fields.get("reason")) if message is None else message)
        return True

    def save(self, jobs: Iterable[Job]) -> None:
        """Save own jobs as they are in memory: progress, and what could not be written in its time.

        Their positions are left alone, which another program may have changed.
        """
        with self._transaction() as db:
            for job in jobs:
                values = {name: getattr(job, name) for name in (*SHOWN_FIELDS, *LIVE_FIELDS)}
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
                values = {name: getattr(job, name) for name in PROGRESS_FIELDS}
                self._update(db, job.id, only=self.runner, state=JobState.QUEUED, next_try=None, **values)
                self.log(job.id, f"interrupted: its program ended, {size(job.bytes_done)} are saved")
            # A new revision, so that another program that runs the queue takes them the next time.
            mine = (_tick(db), self.runner)
            db.execute("UPDATE jobs SET runner = NULL, revision = ? WHERE runner = ?", mine)
            db.execute("UPDATE parts SET runner = NULL WHERE runner = ?", (self.runner,))
            db.execute("DELETE FROM runners WHERE id = ?", (self.runner,))

    # Logs

    def log(self, job_id: int, words: str, at: float | None = None) -> None:
        """Log what happened to a job, now or at a moment, with the next transaction; any thread may."""
        if words:
            self._events.append((job_id, self._clock() if at is None else at, words))

    def log_of(self, job_id: int, after: int = 0) -> list[Event]:
        """Return the log of a job, from the entry behind number `after` on."""
        sql = "SELECT number, at, words FROM events WHERE job = ? AND number > ? ORDER BY number"
        return [Event(*row) for row in self._database.read(sql, (job_id, after))]

    def tidy(self) -> None:
        """Delete the logs of jobs that are gone, and of far too many entries the oldest."""
        with self._transaction() as db:
            db.execute("DELETE FROM events WHERE job NOT IN (SELECT id FROM jobs)")
            oldest = "SELECT at FROM events ORDER BY at DESC LIMIT 1 OFFSET ?"
            db.execute(f"DELETE FROM events WHERE at <= ({oldest})", (_MOST,))  # noqa: S608 - no value in it

    @staticmethod
    def _write_events(db: sqlite3.Connection, events: Iterable[tuple[int, float, str]]) -> None:
        """Write entries in the order they happened; those of jobs that are gone are dropped."""
        for job_id, at, words in sorted(events, key=lambda event: event[1]):
            last = db.execute("SELECT max(number) FROM events WHERE job = ?", (job_id,)).fetchone()[0] or 0
            db.execute(
                "INSERT INTO events (job, number, at, words) SELECT ?, ?, ?, ?"
                " WHERE EXISTS (SELECT 1 FROM jobs WHERE id = ?)",
                (job_id, last + 1, at, safe(words), job_id),
            )
            if last >= FIRST + LAST:
                between = "job = ? AND number > ? AND number <= ?"
                db.execute(f"DELETE FROM events WHERE {between}", (job_id, FIRST, last + 1 - LAST))  # noqa: S608

    # Programs

    def beat(self, db: sqlite3.Connection) -> None:
        """Record that this program still runs, in a transaction that is under way."""
        db.execute("UPDATE runners SET beat = ? WHERE id = ?", (self._clock(), self.runner))

    def live(self) -> frozenset[str]:
        """Return the ids of the programs that run."""
        return _ids(self._living())

    def runners(self) -> list[tuple[RunnerKind, int]]:
        """Return the programs that run jobs at this moment: what each is for, and its pid."""
        living = [row for row in self._living() if row["kind"] != RunnerKind.CLIENT]
        return [(RunnerKind(row["kind"]), row["pid"]) for row in living]

    # Commands for other programs

    def post(self, action: JobAction, job_ids: Iterable[int], *, delete_part: bool = False) -> list[int]:
        """Post commands for the programs that run jobs; return their ids.

        Commands stay with the job: a program that adopts it finds them.
        """
        author, now = f"{self.identity.pid}@{self.identity.host}", time.time()
        sql = "INSERT INTO commands (job, verb, delete_part, author, at) VALUES (?, ?, ?, ?, ?)"
        with self._transaction() as db:
            db.execute("DELETE FROM commands WHERE job NOT IN (SELECT id FROM jobs)")
            made = [db.execute(sql, (job_id, action, int(delete_part), author, now)) for job_id in job_ids]
        return [int(each.lastrowid or 0) for each in made]

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
        changed = {row["name"]: row["value"] for row in rows if row["name"] in NAMES}
        return replace(runners.defaults(), **changed)

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
        """Run statements as one transaction, with what was logged since the last one written at its end."""
        events = []
        try:
            with self._database.transaction(max(patience, self._patience)) as db:
                yield db
                while self._events:
                    events.append(self._events.popleft())
                self._write_events(db, events)
        except BaseException:
            self._events.extendleft(reversed(events))
            raise

    def _jobs(self, rows: list[sqlite3.Row]) -> list[Job]:
        places: dict[str, str] = {}
        if {row["runner"] for row in rows} - {self.runner, None}:
            places = {row["id"]: runners.place(_process(row), row["kind"]) for row in self._living()}
            places.pop(self.runner, None)
        return [job_of(row, places.get(row["runner"], "")) for row in rows]

    def _living(self, db: sqlite3.Connection | None = None) -> list[sqlite3.Row]:
        sql, now = "SELECT * FROM runners", self._clock()
        rows = self._database.read(sql) if db is None else db.execute(sql).fetchall()
        return [row for row in rows if runners.alive(_process(row), now - row["beat"])]

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


def _ids(rows: list[sqlite3.Row]) -> frozenset[Any]:
    return frozenset(row["id"] for row in rows)


def _process(row: sqlite3.Row) -> Process:
    return Process(row["pid"], row["host"], row["token"])


def _move_message(start: JobState, end: JobState, reason: object) -> str:
    """Return the log's message for a move; empty where none is needed."""
    if end is JobState.QUEUED:
        resumed = start in (JobState.PAUSED, JobState.NEEDS_KEY, JobState.NO_SPACE)
        return "resumed" if resumed else "queued again"
    if end is JobState.STALLED:
        return "nothing comes at the moment"
    if end is JobState.VERIFYING:
        return "all bytes are there: verifying"
    if end in (JobState.CONNECTING, JobState.PREPARING, JobState.DOWNLOADING):
        return "bytes come again" if start is JobState.STALLED else ""
    return f"{end}: {reason}" if reason else str(end)
