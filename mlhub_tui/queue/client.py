"""Client of the queue, for a program that runs no jobs: lists, adds, and sends commands to the runner."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from .. import fileio
from ..errors import DownloadError
from ..planning.requests import DownloadRequest
from .database import Database, writing
from .job import Job, JobAction, JobState, applies
from .part_repository import delete_part as delete_part_file
from .repository import JobRepository
from .runner import QueueSettings, RunnerKind

_PATIENCE = 5.0  # seconds to wait for another program's transaction


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of a command for jobs.

    `done` nobody runs, so it was carried out here; for those in `passed` it was passed on to who runs them,
    under the ids in `commands`; it does not apply to `refused`; `missing` are not in the queue.
    """

    done: Sequence[Job] = ()
    passed: Sequence[Job] = ()
    refused: Sequence[Job] = ()
    missing: Sequence[int] = ()
    commands: Sequence[int] = ()


class QueueClient:
    """The shared queue, opened for a moment; a context manager. Its methods block, so not on a loop.

    `repository` has logs, settings and the programs that run jobs.

    Raises QueueUnusable if the file cannot be used: a queue in memory is of no use to a program that ends.
    """

    def __init__(self, path: Path) -> None:
        database = Database(path)
        self.repository = JobRepository(database, kind=RunnerKind.CLIENT, patience=_PATIENCE)
        self._registered = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._registered:
            with contextlib.suppress(sqlite3.Error):
                self.repository.leave()
        self.repository.close()

    def jobs(self) -> list[Job]:
        """Return all jobs in their order; what a program ran that is gone is queued."""
        return [
            job if job.elsewhere or not job.state.running else replace(job, state=JobState.QUEUED)
            for job in self.repository.load()
        ]

    def change(self, changes: Mapping[str, int | None]) -> QueueSettings:
        """Change settings, for all programs at the queue."""
        with writing():
            return self.repository.change_settings(changes)

    def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue requests for the process that runs the queue; see `JobRepository.add` for known ones."""
        wanted = [replace(request, folder=fileio.absolute(request.folder)) for request in requests]
        with writing():
            jobs = self.repository.add(wanted)
            idle = [job.id for job in jobs if job.elsewhere and applies(JobAction.RESUME, job)]
            if idle:
                self.repository.post(JobAction.RESUME, idle)
        return jobs

    def order(
        self, action: JobAction, job_ids: Iterable[int] | None = None, *, delete_part: bool = False
    ) -> CommandResult:
        """Apply an action to jobs (None for all), or post it to the programs that run them.

        With `delete_part`, a cancel deletes what was fetched.
        """
        known = {job.id: job for job in self.jobs()}
        named = job_ids is not None
        ids = list(known) if job_ids is None else list(dict.fromkeys(job_ids))
        there = [known[job_id] for job_id in ids if job_id in known]
        fit = [job for job in there if applies(action, job, named=named)]
        with writing():
            done, passed, commands = self.repository.order(action, fit, delete_part=delete_part)
            if action is JobAction.CANCEL and delete_part and done:
                self._delete_parts(done)
        refused = [job for job in there if job not in fit] if named else []
        missing = [job_id for job_id in ids if job_id not in known]
        return CommandResult(done, passed, refused, missing, commands)

    def clear(self, job_ids: Iterable[int] | None = None) -> CommandResult:
        """Remove finished jobs from the list, all or some; no file is touched."""
        known = {job.id: job for job in self.jobs()}
        ids = None if job_ids is None else frozenset(job_ids)
        with writing():
            gone = set(self.repository.remove_finished(ids))
        return CommandResult(
            done=[job for job in known.values() if job.id in gone],
            refused=[job for job in known.values() if job.id in (ids or ()) and job.id not in gone],
            missing=sorted((ids or frozenset()) - known.keys()),
        )

    def settled(self, result: CommandResult, seconds: float) -> bool:
        """Wait until all commands that were passed on are carried out; return False if one is not in time."""
        deadline = time.monotonic() + seconds
        while self.repository.pending(result.commands):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _delete_parts(self, jobs: Sequence[Job]) -> None:
        """Delete parts, as a program that is known to run, so that no other one takes them meanwhile."""
        self.repository.register()
        self._registered = True
        for job in jobs:
            with contextlib.suppress(DownloadError):  # another program writes it
                delete_part_file(job.part, self.repository.journal)
