"""Commands on the queue, of people here and of other programs; each is acknowledged once it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from .. import fileio
from ..errors import DownloadError, TargetBusy
from ..planning.requests import DownloadRequest
from ..text import one_line
from ..threads import in_thread
from ..transfer.failures import JournalNotWritable
from . import part_cleanup
from .events import Event
from .job import IDLE_STATES, TRANSITIONS, Job, JobAction, JobState, applies
from .job_rows import FILE_COUNTS
from .job_table import JobTable
from .repository import QueueCommand
from .scheduler import Scheduler
from .settings import QueueSettings

T = TypeVar("T")

_PATIENCE = 5.0  # seconds to wait for another program's transaction


class CommandHandler:
    """Carries out commands; all of it runs in the scheduler's event loop.

    A command that does not apply (pausing what is done, anything to a job that is gone) does nothing; one
    for a job that another running program has is left for that program.
    """

    def __init__(self, scheduler: Scheduler, table: JobTable) -> None:
        self._scheduler = scheduler
        self._store = scheduler.store
        self._repository = scheduler.store.repository
        self._table = table
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue requests; see `JobRepository.add` for those that have a job already."""
        wanted = [replace(request, folder=fileio.absolute(request.folder)) for request in requests]
        jobs = await self._write(lambda: self._repository.add(wanted))
        fresh = [job for job in jobs if job.state is JobState.QUEUED]
        self._scheduler.want(job.id for job in jobs)
        self._scheduler.forget_failures(job.id for job in fresh)
        # The table knows more of what runs already than the database does.
        self._store.show([*fresh, *(job for job in jobs if self._table.get(job.id) is None)])
        self._scheduler.wake()
        await self.order(JobAction.RESUME, [job.id for job in jobs if job.elsewhere])
        return [self._table.get(job.id) or job for job in jobs]

    async def order(
        self, action: JobAction, job_ids: Sequence[int] | None = None, *, delete_part: bool = False
    ) -> None:
        """Apply an action to jobs (None for all), or post it to the programs that run them.

        With `delete_part`, a cancel deletes what was fetched.
        """
        known = self._jobs(self._table.ids if job_ids is None else job_ids)
        named = job_ids is not None
        jobs = [job for job in known if applies(action, job, named=named)]
        # What another program runs may be in another state by now, or will be by what it was asked before:
        # it judges by what it finds then. A retry is for what is known to need one.
        late = [j for j in known if j.elsewhere and not j.state.finished and action is not JobAction.RETRY]
        theirs = list(dict.fromkeys(job.id for job in (*jobs, *late) if job.elsewhere))
        if theirs:
            await self._write(lambda: self._repository.post(action, theirs, delete_part=delete_part))
        await self._apply(action, [job for job in jobs if not job.elsewhere], delete_part)

    async def obey(self) -> None:
        """Carry out commands of other programs; a cancel, which waits for its transfer, beside the rest."""
        commands = [command for command in self._store.commands() if command.id not in self._under_way]
        for (action, delete_part), group in itertools.groupby(commands, lambda c: (c.action, c.delete_part)):
            together = list(group)
            task = asyncio.create_task(self._carry_out(action, together, delete_part))
            self._under_way.update((command.id, task) for command in together)
            task.add_done_callback(functools.partial(self._carried_out, together))
            if action is not JobAction.CANCEL:
                await asyncio.wait([task])

    async def _carry_out(
        self, action: JobAction, commands: Sequence[QueueCommand], delete_part: bool
    ) -> None:
        jobs = self._jobs([command.job for command in commands])
        await self._apply(action, [job for job in jobs if applies(action, job)], delete_part)
        if action is JobAction.CANCEL:
            # Where the program that was asked first ended between the two halves of it.
            await self._delete_parts([j for j in jobs if j.state is JobState.CANCELLED], delete_part)
        await self._write(lambda: self._repository.settle(command.id for command in commands))

    def _carried_out(self, commands: Sequence[QueueCommand], task: asyncio.Task[None]) -> None:
        for command in commands:
            del self._under_way[command.id]
        if not task.cancelled() and task.exception() is not None:
            self._store.expect_commands()

    async def _apply(self, action: JobAction, jobs: Sequence[Job], delete_part: bool) -> None:
        if not jobs:
            return
        ids = [job.id for job in jobs]
        end, fields = TRANSITIONS[action].end, TRANSITIONS[action].fields
        moved = await self._write(lambda: self._repository.move_all(ids, end, **fields))
        self._scheduler.forget_failures(ids)
        self._store.show(_with_progress(job, self._table.get(job.id)) for job in moved)
        self._scheduler.wake()
        done = {job.id for job in moved}
        if action is JobAction.PAUSE:
            await self._scheduler.interrupt(done)
        elif action is JobAction.CANCEL:
            await self._scheduler.interrupt(done, wait=True)
            await self._delete_parts([job for job in jobs if job.id in done], delete_part)

    async def _delete_parts(self, jobs: Sequence[Job], wanted: bool) -> None:
        for job in jobs if wanted else ():
            if (now := self._table.get(job.id)) is not None and now.state is JobState.DONE:
                continue  # the cancel came too late
            await self._delete_part(job)
            shown = self._table.get(job.id)
            if shown is not None:  # else it was cleared from the list meanwhile, and must not come back
                left = replace(shown, **part_cleanup.left_of(shown), rate=None, eta=None)
                self._table.put(left)
                self._store.save([left])

    async def _delete_part(self, job: Job) -> None:
        """Delete a part; a transfer that was just interrupted may hold it for a moment longer."""
        delete = functools.partial(part_cleanup.delete, job.part, self._repository.journal)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return await in_thread(delete)
            except TargetBusy:
                if time.monotonic() > deadline:
                    return None  # another program writes it
            except DownloadError:
                return None
            await asyncio.sleep(0.05)

    async def change(self, changes: Mapping[str, int | None]) -> QueueSettings:
        """Change settings, here and in all programs at the queue; return what is in force."""
        settings = await self._write(lambda: self._repository.change_settings(changes))
        self._store.settings = settings
        self._scheduler.apply_settings()
        self._scheduler.wake()
        return settings

    async def log(self, job_id: int, words: str) -> None:
        """Add an entry to the log of a job."""
        self._repository.events.log(job_id, words)
        with contextlib.suppress(sqlite3.Error):  # with what is written next then
            self._repository.beat()

    async def log_of(self, job_id: int, after: int) -> list[Event]:
        """Return the log of a job, from the entry behind number `after` on."""
        try:
            return await in_thread(functools.partial(self._repository.log_of, job_id, after))
        except sqlite3.Error as error:
            raise DownloadError(f"the log cannot be read: {one_line(error, 120)}") from error

    async def clear_finished(self, only: Sequence[int] | None = None) -> None:
        """Remove what is done, failed or cancelled (of some jobs) from the list."""
        wanted = None if only is None else frozenset(only)
        self._table.remove(await self._write(lambda: self._repository.remove_finished(wanted)))
        self._scheduler.wake()

    async def shift(self, job_id: int, delta: int) -> None:
        """Move a job up (negative) or down in the queue."""
        jobs = list(self._table.snapshot())
        start = next((index for index, job in enumerate(jobs) if job.id == job_id), None)
        if start is None:
            return
        positions = [job.position for job in jobs]
        jobs.insert(min(max(start + delta, 0), len(jobs) - 1), jobs.pop(start))
        pairs = zip(jobs, positions, strict=True)
        changed = {job.id: position for job, position in pairs if job.position != position}
        await self._write(lambda: self._repository.arrange(changed))
        self._table.put(*(replace(job, position=changed[job.id]) for job in self._jobs(list(changed))))
        self._scheduler.wake()

    async def wait(self, job_ids: Sequence[int]) -> list[Job]:
        """Wait until nothing more happens to jobs by itself; return those that still exist."""
        while True:
            jobs = self._jobs(job_ids)
            if all(job.state in IDLE_STATES for job in jobs):
                return jobs
            await self._scheduler.changed()

    def _jobs(self, job_ids: Sequence[int] | frozenset[int]) -> list[Job]:
        return [job for job_id in job_ids if (job := self._table.get(job_id)) is not None]

    async def _write(self, work: Callable[[], T]) -> T:
        """Change the database; wait for another program that holds it."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return work()
            except sqlite3.Error as error:
                if time.monotonic() > deadline:
                    raise JournalNotWritable(f"the download queue cannot be written: {error}") from error
            await asyncio.sleep(0.05)


def _with_progress(stored: Job, shown: Job | None) -> Job:
    """Return a stored job with the progress of the table, which is newer."""
    if shown is None:
        return stored
    counts = {n: getattr(shown, n) for n in FILE_COUNTS} if shown.files_total is not None else {}
    return replace(stored, bytes_done=max(shown.bytes_done, stored.bytes_done), **counts)
