"""The queue's memory and its database kept in step; what cannot be written is shown, and written later."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import text
from ..transfer.part_file import PartJournal
from .channel import CommandQueue, QueueCommand
from .database import Database
from .job import ACTIVE_STATES, IllegalTransition, Job, JobState
from .job_table import JobTable
from .process import Process, RunnerKind
from .repository import AT_START, JobRepository, NotOwned
from .settings import QueueSettings, load, save


class Ledger:
    """Jobs on the board and in the store.

    Parameters
    ----------
    path
        The database.
    board
        Where everybody looks.
    identity
        The program; this one by default.
    kind
        What the program is for.

    Attributes
    ----------
    ours
        The ids of the jobs that this program may run.
    notice
        One line for the user if the queue cannot be written, or is in memory.
    orphans
        Whether the last look found unfinished jobs that no running program has.
    settings
        What is in force.
    """

    def __init__(
        self, path: Path, board: JobTable, identity: Process | None = None, kind: RunnerKind = RunnerKind.APP
    ) -> None:
        self._database = Database(path, in_memory=kind in (RunnerKind.APP, RunnerKind.COMMAND))
        self.store = JobRepository(self._database, identity=identity, kind=kind)
        self.channel = CommandQueue(self._database, self.store)
        self.journal = PartJournal(self._database, self.store)
        self._board = board
        self._opened = self._database.notice
        self._failing = ""
        self._unsaved: set[int] = set()
        self._asked = True
        self.orphans = False
        self.ours: set[int] = set()
        self.settings = QueueSettings()

    @property
    def failing(self) -> bool:
        """Whether something waits to be written until the database can be."""
        return bool(self._failing)

    @property
    def notice(self) -> str:
        """What the user should know of the queue's file."""
        return self._failing or self._opened

    def load(self, *, adopt: bool) -> None:
        """Read all jobs; those of programs that are gone become ours if they are to be adopted."""
        adopted = self.store.adopt(patience=AT_START) if adopt else []
        if adopt:
            with contextlib.suppress(sqlite3.Error):  # at another start then
                self.store.tidy()
        self.ours.update(job.id for job in adopted)
        self._asked = True
        self.settings = load(self._database)
        self._board.put(*self.store.load())

    def change(self, changes: Mapping[str, int | None]) -> QueueSettings:
        """Change settings, for all programs; return what is in force."""
        self.settings = save(self._database, changes)
        return self.settings

    def show(self, jobs: Iterable[Job]) -> None:
        """Put jobs of the store on the board; those that are not another program's are ours."""
        jobs = list(jobs)
        self.ours.update(job.id for job in jobs if not job.elsewhere)
        self._board.put(*jobs)

    def tell(self, job_id: int, words: str, at: float | None = None) -> None:
        """Have the log of a job say what happened; it is written with what is written next."""
        self.store.book.tell(job_id, words, at)

    def move(self, job_id: int, state: JobState, told: str | None = None, **fields: Any) -> Job | None:
        """Move a job; None if it cannot go there, or is not ours any more; see `JobRepository.move`."""
        before = self._board.get(job_id)
        try:
            job = self.store.move(job_id, state, told, **fields)
        except (IllegalTransition, NotOwned):
            self._reread(job_id)
            return None
        except sqlite3.Error as error:
            if before is None:
                return None
            self._failed(error)
            self._unsaved.add(job_id)
            job = replace(before, state=state, **fields)
        if before is not None and state in ACTIVE_STATES:
            job = replace(
                job,
                rate=before.rate,
                eta=before.eta,
                bytes_done=before.bytes_done,
                connections=before.connections,
                files_done=before.files_done,
                files_failed=before.files_failed,
                files_total=before.files_total,
            )
        self.show([job])
        return job

    def keep(self, jobs: Iterable[Job]) -> None:
        """Write the progress of jobs, a heartbeat, and what could not be written before."""
        unsaved = [job for job_id in self._unsaved if (job := self._board.get(job_id)) is not None]
        try:
            self.store.note([*jobs, *unsaved])
            self.store.beat()
            self.journal.flush()
        except sqlite3.Error as error:
            self._failed(error)
        else:
            self._unsaved.clear()
            self._failing = ""

    def look(self) -> bool:
        """Take over what other programs changed; return whether anything did."""
        before = self.settings
        try:
            changes = self.store.changes()
            if changes is not None:
                self.settings = load(self._database)
        except sqlite3.Error as error:
            self._failed(error)
            return False
        if changes is None:
            return False
        self._asked = True
        jobs, ids = changes
        others = [job for job in jobs if job.elsewhere or job.id not in self.ours]
        self.ours.difference_update(job.id for job in others if job.elsewhere)
        self.orphans = any(not job.elsewhere and not job.state.finished for job in others)
        others += self._moved(jobs)
        self._board.put(*others)
        gone = self._board.ids - ids - self._unsaved
        self._board.remove(gone)
        self.ours.difference_update(gone)
        return bool(others or gone) or self.settings != before

    def _moved(self, jobs: Iterable[Job]) -> list[Job]:
        """Return jobs of ours that another program gave a new place in the queue, as the board has them."""
        pairs = [(job, self._board.get(job.id)) for job in jobs if job.id in self.ours]
        return [
            replace(known, position=job.position)
            for job, known in pairs
            if known is not None and known.position != job.position
        ]

    def orders(self) -> list[QueueCommand]:
        """Return what other programs ask for; looks into the database only where there is news in it."""
        if not self._asked:
            return []
        try:
            orders = self.channel.orders()
        except sqlite3.Error as error:
            self._failed(error)
            return []
        self._asked = False
        return orders

    def ask_again(self) -> None:
        """Look for orders at the next look, though there is no news: one could not be carried out."""
        self._asked = True

    def adopt(self, only: frozenset[int] | None = None) -> bool:
        """Take over what programs that are gone left behind; return whether there was anything."""
        try:
            jobs = self.store.adopt(only)
        except sqlite3.Error as error:
            self._failed(error)
            return False
        self.orphans = False
        self._asked |= bool(jobs)
        self.show(jobs)
        return bool(jobs)

    def leave(self, working: Iterable[Job]) -> None:
        """End: what is being worked on goes back to the queue, for the next start."""
        jobs = list(working)
        with contextlib.suppress(sqlite3.Error):
            self.journal.flush()
            self.store.leave(jobs)
        self._database.close()
        self._board.put(*(replace(job, state=JobState.QUEUED, rate=None, eta=None) for job in jobs))

    def _reread(self, job_id: int) -> None:
        job = self.store.job(job_id)
        if job is None:
            self._board.remove([job_id])
            self.ours.discard(job_id)
        else:
            self._board.put(job)
            if job.elsewhere:
                self.ours.discard(job_id)

    def _failed(self, error: sqlite3.Error) -> None:
        self._failing = f"the download queue cannot be written: {text.one_line(error, 120)}"
