"""The queue for a program that runs nothing: look at it, add to it, ask whoever runs it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from .. import fileio
from ..errors import DownloadError
from ..planning.requests import DownloadRequest
from ..transfer.failures import JournalNotWritable
from ..transfer.part_file import PartJournal
from . import part_cleanup
from .channel import CommandQueue
from .database import Database
from .events import Event
from .job import TRANSITIONS, Job, JobAction, JobState, applies
from .process import RunnerKind
from .repository import JobRepository
from .settings import QueueSettings, load, save

T = TypeVar("T")

_PATIENCE = 5.0  # seconds to wait for another program's transaction


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of a command.

    Parameters
    ----------
    done
        The jobs it was carried out on here: nobody runs them at the moment.
    passed
        The jobs it was passed on for, to the program that runs them.
    refused
        The jobs it does not apply to in their state.
    missing
        Ids that are not in the queue.
    orders
        The ids of what was passed on, for `QueueClient.settled`.
    """

    done: Sequence[Job] = ()
    passed: Sequence[Job] = ()
    refused: Sequence[Job] = ()
    missing: Sequence[int] = ()
    orders: Sequence[int] = ()


class QueueClient:
    """The shared queue, opened for a moment; a context manager. What it does may block, so not on a loop.

    Parameters
    ----------
    path
        The database; it is made if it is not there.

    Raises
    ------
    QueueUnusable
        If the file cannot be used: a queue in memory is of no use to a program that ends at once.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._store = JobRepository(self._database, kind=RunnerKind.CLIENT)
        self._channel = CommandQueue(self._database, self._store)
        self._journal = PartJournal(self._database, self._store)
        self._registered = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._registered:
            with contextlib.suppress(sqlite3.Error):
                self._store.leave()
        self._database.close()

    def jobs(self) -> list[Job]:
        """Return all jobs in their order.

        Those that a program is at are as it noted them a second ago; what a program that is gone was at is
        queued, whatever it noted last.
        """
        return [_now(job) for job in self._store.load()]

    def log(self, job_id: int, after: int = 0) -> list[Event]:
        """Return what happened to a job, from the entry behind number `after` on."""
        return self._store.log_of(job_id, after)

    def runners(self) -> list[tuple[RunnerKind, int]]:
        """Return what runs jobs at this moment: what it is for, and its pid."""
        return self._store.runners()

    def settings(self) -> QueueSettings:
        """Return what is in force."""
        return load(self._database)

    def change(self, changes: Mapping[str, int | None]) -> QueueSettings:
        """Change settings, for all programs at the queue; those that run heed them at their next look."""
        return _patiently(lambda: save(self._database, changes))

    def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue archives for whoever runs the queue; see `JobRepository.add` for what is there already."""
        wanted = [replace(request, folder=fileio.absolute(request.folder)) for request in requests]
        jobs = _patiently(lambda: self._store.add(wanted))
        resting = [
            job.id for job in jobs if job.elsewhere and job.state in TRANSITIONS[JobAction.RESUME].starts
        ]
        if resting:
            _patiently(lambda: self._channel.post(JobAction.RESUME, resting))
        return jobs

    def ask(
        self, verb: JobAction, job_ids: Iterable[int] | None = None, *, delete_part: bool = False
    ) -> CommandResult:
        """Do something to jobs, or ask the programs that run them to.

        Parameters
        ----------
        job_ids
            The jobs; None for all that the verb applies to.
        delete_part
            Whether a cancel deletes what was fetched.
        """
        known = {job.id: job for job in self.jobs()}
        ids = list(known) if job_ids is None else list(dict.fromkeys(job_ids))
        there = [known[job_id] for job_id in ids if job_id in known]
        named = job_ids is not None
        fit = [
            job for job in there if (applies(verb, job) if named else job.state in TRANSITIONS[verb].starts)
        ]
        theirs = [job for job in fit if job.elsewhere]
        orders: list[int] = []
        if theirs:
            numbers = [job.id for job in theirs]
            orders = _patiently(lambda: self._channel.post(verb, numbers, delete_part=delete_part))
        return CommandResult(
            done=self._do(verb, [job for job in fit if not job.elsewhere], delete_part),
            passed=theirs,
            refused=[job for job in there if job not in fit] if job_ids is not None else [],
            missing=[job_id for job_id in ids if job_id not in known],
            orders=orders,
        )

    def clear(self, job_ids: Iterable[int] | None = None) -> CommandResult:
        """Remove finished jobs from the list, all or some; no file is touched."""
        known = {job.id: job for job in self.jobs()}
        ids = None if job_ids is None else frozenset(job_ids)
        gone = set(_patiently(lambda: self._store.remove_finished(ids)))
        left = [] if ids is None else [known[i] for i in sorted(ids & known.keys()) if i not in gone]
        missing = [] if ids is None else sorted(ids - known.keys())
        return CommandResult(
            done=[job for job in known.values() if job.id in gone], refused=left, missing=missing
        )

    def settled(self, asked: CommandResult, seconds: float) -> bool:
        """Wait until the programs that were asked have carried out everything; False where one has not."""
        deadline = time.monotonic() + seconds
        while self._channel.pending(asked.orders):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _do(self, verb: JobAction, jobs: Sequence[Job], delete_part: bool) -> list[Job]:
        if not jobs:
            return []
        end, fields = TRANSITIONS[verb].end, dict(TRANSITIONS[verb].fields)
        groups: dict[str, list[Job]] = {}
        for job in jobs:
            groups.setdefault(repr(part_cleanup.left_of(job)) if delete_part else "", []).append(job)
        moved = [job for group in groups.values() for job in self._move(group, end, fields, delete_part)]
        if verb is JobAction.CANCEL and delete_part:
            # Who claims parts has to be known as a running program, so that no other takes them meanwhile.
            _patiently(self._store.register)
            self._registered = True
            for job in moved:
                with contextlib.suppress(DownloadError):  # another program is at it
                    part_cleanup.delete(job.part, self._journal)
        return moved

    def _move(
        self, jobs: Sequence[Job], end: JobState, fields: Mapping[str, object], delete_part: bool
    ) -> list[Job]:
        """Move jobs of which the same is left, in one transaction."""
        left = part_cleanup.left_of(jobs[0]) if delete_part else {}
        ids = [job.id for job in jobs]
        return _patiently(lambda: self._store.move_all(ids, end, **{**fields, **left}))


def _now(job: Job) -> Job:
    return replace(job, state=JobState.QUEUED) if job.state.running and not job.elsewhere else job


def _patiently(work: Callable[[], T]) -> T:
    """Do something to the store, waiting for another program that holds it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return work()
        except sqlite3.Error as error:
            if time.monotonic() > deadline:
                raise JournalNotWritable(f"the download queue cannot be written: {error}") from error
        time.sleep(0.05)
