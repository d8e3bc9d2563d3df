"""Jobs in memory and in the database, kept in step; what cannot be written is shown, and written later."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import text
from .database import Database
from .job import ACTIVE_STATES, IllegalTransition, Job, JobState
from .job_rows import FILE_COUNTS
from .job_table import JobTable
from .process import Process, RunnerKind
from .repository import AT_START, JobRepository, NotOwned, QueueCommand
from .settings import QueueSettings


class JobStore:
    """The jobs of a program that runs the queue.

    `owned_ids` are those that it may run; `orphans` is whether the last `refresh` found unfinished jobs that
    no running program has; `failing` says why the database cannot be written, while something waits for that.
    """

    def __init__(
        self,
        path: Path,
        table: JobTable,
        identity: Process | None = None,
        kind: RunnerKind = RunnerKind.APP,
    ) -> None:
        database = Database(path, in_memory=kind in (RunnerKind.APP, RunnerKind.COMMAND))
        self.repository = JobRepository(database, identity=identity, kind=kind)
        self._table = table
        self._opened = database.notice
        self._unsaved: set[int] = set()
        self._commands_expected = True
        self.failing = ""
        self.orphans = False
        self.owned_ids: set[int] = set()
        self.settings = QueueSettings()

    @property
    def notice(self) -> str:
        """One line for the user if the queue cannot be written, or is in memory."""
        return self.failing or self._opened

    def load(self, *, adopt: bool) -> None:
        """Read all jobs; those of programs that are gone become ours if they are to be adopted."""
        if adopt:
            self.owned_ids.update(job.id for job in self.repository.adopt(patience=AT_START))
            with contextlib.suppress(sqlite3.Error):  # at another start then
                self.repository.tidy()
        self._commands_expected = True
        self.settings = self.repository.settings()
        self._table.put(*self.repository.load())

    def show(self, jobs: Iterable[Job]) -> None:
        """Put jobs of the database into the table; those that are not another program's are ours."""
        jobs = list(jobs)
        self.owned_ids.update(job.id for job in jobs if not job.elsewhere)
        self._table.put(*jobs)

    def move(self, job_id: int, state: JobState, message: str | None = None, **fields: Any) -> Job | None:
        """Move a job as `JobRepository.move`; None if it cannot go there, or is not ours any more."""
        before = self._table.get(job_id)
        try:
            job = self.repository.move(job_id, state, message, **fields)
        except (IllegalTransition, NotOwned):
            self._reread(job_id)
            return None
        except sqlite3.Error as error:
            if before is None:
                return None
            self._failed(error)
            self._unsaved.add(job_id)
            job = replace(before, state=state, **fields)
        if before is not None and state in ACTIVE_STATES:  # the table knows better how far it is
            known = ("rate", "eta", "bytes_done", "connections", *FILE_COUNTS)
            job = replace(job, **{name: getattr(before, name) for name in known})
        self.show([job])
        return job

    def save(self, jobs: Iterable[Job]) -> None:
        """Write the progress of jobs, a heartbeat, and what could not be written before."""
        unsaved = [job for job_id in self._unsaved if (job := self._table.get(job_id)) is not None]
        try:
            self.repository.save([*jobs, *unsaved])
            self.repository.beat()
            self.repository.journal.flush()
        except sqlite3.Error as error:
            self._failed(error)
        else:
            self._unsaved.clear()
            self.failing = ""

    def refresh(self) -> bool:
        """Take over what other programs changed; return whether anything did."""
        before = self.settings
        try:
            changes = self.repository.changes()
            if changes is not None:
                self.settings = self.repository.settings()
        except sqlite3.Error as error:
            self._failed(error)
            return False
        if changes is None:
            return False
        self._commands_expected = True
        jobs, ids = changes
        others = [job for job in jobs if job.elsewhere or job.id not in self.owned_ids]
        self.owned_ids.difference_update(job.id for job in others if job.elsewhere)
        self.orphans = any(not job.elsewhere and not job.state.finished for job in others)
        for job in jobs:  # another program may have given our jobs a new position, and nothing else
            known = self._table.get(job.id) if job.id in self.owned_ids else None
            if known is not None and known.position != job.position:
                others.append(replace(known, position=job.position))
        self._table.put(*others)
        gone = self._table.ids - ids - self._unsaved
        self._table.remove(gone)
        self.owned_ids.difference_update(gone)
        return bool(others or gone) or self.settings != before

    def commands(self) -> list[QueueCommand]:
        """Return the commands of other programs; reads the database only where something changed in it."""
        if not self._commands_expected:
            return []
        try:
            commands = self.repository.commands()
        except sqlite3.Error as error:
            self._failed(error)
            return []
        self._commands_expected = False
        return commands

    def expect_commands(self) -> None:
        """Have `commands` read the database the next time: one could not be carried out."""
        self._commands_expected = True

    def adopt(self, only: frozenset[int] | None = None) -> bool:
        """Take over what programs that are gone left behind; return whether there was anything."""
        try:
            jobs = self.repository.adopt(only)
        except sqlite3.Error as error:
            self._failed(error)
            return False
        self.orphans = False
        self._commands_expected |= bool(jobs)
        self.show(jobs)
        return bool(jobs)

    def close(self) -> None:
        """End: what runs goes back to the queue, for the next start."""
        jobs = [j for j in self._table.snapshot() if j.id in self.owned_ids and j.state.running]
        with contextlib.suppress(sqlite3.Error):
            self.repository.journal.flush()
            self.repository.leave(jobs)
        self.repository.close()
        self._table.put(*(replace(job, state=JobState.QUEUED, rate=None, eta=None) for job in jobs))

    def _reread(self, job_id: int) -> None:
        job = self.repository.job(job_id)
        if job is None:
            self._table.remove([job_id])
        else:
            self._table.put(job)
        if job is None or job.elsewhere:
            self.owned_ids.discard(job_id)

    def _failed(self, error: sqlite3.Error) -> None:
        self.failing = f"the download queue cannot be written: {text.one_line(error, 120)}"
