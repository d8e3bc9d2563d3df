"""Jobs in memory and in the database, in step; what cannot be written is shown, and written later."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import DownloadError
from ..text import one_line
from .database import ROOM, Database, is_locked, not_writable, writing
from .job import ACTIVE_STATES, FILE_COUNTS, Event, Job, JobState
from .job_rows import LIVE_FIELDS
from .repository import AT_START, JobRepository, QueueCommand
from .runner import Process, QueueSettings, RunnerKind

T = TypeVar("T")
_PATIENCE = 5.0  # seconds that a person's command waits for another program's transaction


class JobStore:
    """The jobs of a program that runs the queue, as they are now.

    `snapshot` and `get` read memory, from any thread; the rest belongs to the loop of the scheduler.
    `owned_ids` are the jobs that it may run; `orphans` is whether the last `refresh` found unfinished ones
    that no running program has; `failing` says why the database cannot be written, while something waits for
    that.

    Raises QueueUnusable if the database cannot be used, by a program for which one in memory is of no use;
    JournalNotWritable or NoSpaceError if this program cannot be registered in it.
    """

    def __init__(self, path: Path, identity: Process | None = None, kind: RunnerKind | None = None) -> None:
        kind = kind or RunnerKind.APP
        in_memory = kind in (RunnerKind.APP, RunnerKind.COMMAND)
        database = Database(path, in_memory=in_memory, room=ROOM)
        with writing():
            self.repository = JobRepository(database, identity=identity, kind=kind)
        self._opened = database.notice
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._view: tuple[Job, ...] | None = ()
        self._unsaved: set[int] = set()
        self.failing = ""
        self.orphans = False
        self.owned_ids: set[int] = set()
        self.settings = QueueSettings()

    @property
    def notice(self) -> str:
        """One line for the user if the queue cannot be written, or is in memory."""
        return self.failing or self._opened

    @property
    def owned(self) -> list[Job]:
        """The jobs that this program may run."""
        return [job for job in self.snapshot() if job.id in self.owned_ids]

    def snapshot(self) -> tuple[Job, ...]:
        """Return all jobs in the order of the queue."""
        with self._lock:
            if self._view is None:
                self._view = tuple(sorted(self._jobs.values(), key=lambda job: (job.position, job.id)))
            return self._view

    def get(self, job_id: int) -> Job | None:
        """Return one job."""
        return self._jobs.get(job_id)

    def known(self, job_ids: Iterable[int] | None) -> list[Job]:
        """Return those jobs that there are; None for all."""
        if job_ids is None:
            return list(self.snapshot())
        return [job for job_id in job_ids if (job := self._jobs.get(job_id)) is not None]

    def put(self, *jobs: Job) -> None:
        """Add or replace jobs in memory."""
        with self._lock:
            self._jobs.update((job.id, job) for job in jobs)
            self._view = None

    def remove(self, job_ids: Iterable[int]) -> None:
        """Forget jobs."""
        with self._lock:
            for job_id in job_ids:
                self._jobs.pop(job_id, None)
            self._view = None

    def load(self, *, adopt: bool) -> None:
        """Read all jobs; those of programs that are gone become ours if they are to be adopted."""
        with writing():
            if adopt:
                self.owned_ids.update(job.id for job in self.repository.adopt(patience=AT_START))
                with contextlib.suppress(sqlite3.Error):  # at another start then
                    self.repository.tidy()
            self.settings = self.repository.settings()
            self.put(*self.repository.load())

    def show(self, jobs: Iterable[Job], *, newer: bool = False) -> None:
        """Put jobs of the database into the table; those that are not another program's are ours.

        Their progress is `newer` in the database, or else in the table.
        """
        for job in jobs:
            if not job.elsewhere:
                self.owned_ids.add(job.id)
                job = job if newer else _with_progress(job, self.get(job.id))
            self.put(job)

    async def write(self, work: Callable[[JobRepository], T]) -> T:
        """Change the database for a person, who waits for another program that holds it."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return work(self.repository)
            except sqlite3.Error as error:
                if not is_locked(error) or time.monotonic() > deadline:
                    raise not_writable(error) from error
            await asyncio.sleep(0.05)

    def move(self, job_id: int, state: JobState, message: str | None = None, **fields: Any) -> Job | None:
        """Move a job as `JobRepository.move`; None if it cannot go there, or is not ours any more."""
        before = self.get(job_id)
        moved = self._try(lambda: self.repository.move([job_id], state, message, **fields))
        if moved is None:
            if before is None:
                return None
            self._unsaved.add(job_id)
            moved = [replace(before, state=state, **fields)]
        if not moved:
            self._reread(job_id)
            return None
        self.show(moved, newer=state not in ACTIVE_STATES)
        return self.get(job_id)

    def save(self, jobs: Iterable[Job]) -> None:
        """Write the progress of jobs, a heartbeat, and what could not be written before."""
        unsaved = [job for job_id in self._unsaved if (job := self.get(job_id)) is not None]

        def write() -> bool:
            self.repository.save([*jobs, *unsaved])
            self.repository.journal.flush()  # with a heartbeat
            return True

        if self._try(write):
            self._unsaved.clear()
            self.failing = ""

    def refresh(self) -> bool:
        """Take over what other programs changed; return whether anything did."""
        before, changes = self.settings, self._try(self.repository.changes)
        if changes is None:
            return False
        self.settings = self._try(self.repository.settings) or before
        jobs, ids = changes
        others = [job for job in jobs if job.elsewhere or job.id not in self.owned_ids]
        self.owned_ids.difference_update(job.id for job in others if job.elsewhere)
        self.orphans = any(not job.elsewhere and not job.state.finished for job in others)
        for job in jobs:  # another program may have given our jobs a new position, and nothing else
            known = self.get(job.id) if job.id in self.owned_ids else None
            if known is not None and known.position != job.position:
                others.append(replace(known, position=job.position))
        self.put(*others)
        gone = self._jobs.keys() - ids - self._unsaved
        self.remove(gone)
        self.owned_ids.difference_update(gone)
        return bool(others or gone) or self.settings != before

    def commands(self) -> list[QueueCommand]:
        """Return the commands of other programs."""
        return self._try(self.repository.commands) or []

    def adopt(self, only: frozenset[int] | None = None) -> bool:
        """Take over what programs that are gone left behind; return whether there was anything."""
        jobs = self._try(lambda: self.repository.adopt(only)) or []
        self.show(jobs)
        return bool(jobs)

    def log(self, job_id: int, words: str) -> None:
        """Add an entry to the log of a job."""
        self.repository.log(job_id, words)
        with contextlib.suppress(sqlite3.Error):  # with what is written next then
            self.repository.save(())

    def log_of(self, job_id: int, after: int) -> list[Event]:
        """Return the log of a job, from the entry behind number `after` on; blocks."""
        try:
            return self.repository.log_of(job_id, after)
        except sqlite3.Error as error:
            raise DownloadError(f"the log cannot be read: {one_line(error, 120)}") from error

    def close(self) -> None:
        """End: what runs goes back to the queue, for the next start."""
        jobs = [job for job in self.owned if job.state.running]
        with contextlib.suppress(sqlite3.Error):
            self.repository.journal.flush()
            self.repository.leave(jobs)
        self.repository.close()
        self.put(*(replace(job, state=JobState.QUEUED, rate=None, eta=None) for job in jobs))

    def _reread(self, job_id: int) -> None:
        found = self.repository.find([job_id])
        self.put(*found)
        if not found:
            self.remove([job_id])
        if not found or found[0].elsewhere:
            self.owned_ids.discard(job_id)

    def _try(self, work: Callable[[], T]) -> T | None:
        """Return what the database gives; None, and why in `failing`, where it cannot be used now."""
        try:
            return work()
        except sqlite3.Error as error:
            self.failing = not_writable(error).message
            return None


def _with_progress(stored: Job, shown: Job | None) -> Job:
    """Return a stored job with the progress of the table, which is newer, unless it begins again."""
    if shown is None or shown.state.finished:
        return stored
    known: dict[str, Any] = {"bytes_done": max(shown.bytes_done, stored.bytes_done)}
    if shown.files_total is not None:
        known |= {name: getattr(shown, name) for name in FILE_COUNTS}
    if stored.state in ACTIVE_STATES:
        known |= {name: getattr(shown, name) for name in LIVE_FIELDS}
    return replace(stored, **known)
