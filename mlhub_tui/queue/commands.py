"""What the user can do to the queue; each command is acknowledged after it is on disk."""

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
from ..errors import DownloadError
from ..planning.requests import DownloadRequest
from ..text import one_line
from ..threads import in_thread
from ..transfer.failures import JournalNotWritable
from . import job_progress, part_cleanup
from .channel import QueueCommand
from .events import Event
from .job import IDLE_STATES, TRANSITIONS, Job, JobAction, JobState, applies
from .job_table import JobTable
from .scheduler import Scheduler
from .settings import QueueSettings

T = TypeVar("T")

_PATIENCE = 5.0  # seconds to wait for another program's transaction


class CommandHandler:
    """The commands; all of them run in the engine's event loop.

    A command that does not apply (pausing what is done, anything to a job that is gone) does nothing; one
    for a job that another running program has is left for that program.
    """

    def __init__(self, engine: Scheduler, board: JobTable) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._board = board
        self._at_work: dict[int, asyncio.Task[None]] = {}

    async def add(self, requests: Sequence[DownloadRequest]) -> list[Job]:
        """Queue requests; see `Store.add` for what is there already."""
        wanted = [replace(request, folder=fileio.absolute(request.folder)) for request in requests]
        jobs = await self._patiently(lambda: self._ledger.store.add(wanted))
        fresh = [job for job in jobs if job.state is JobState.QUEUED]
        self._engine.want(job.id for job in jobs)
        self._engine.forget_failures(job.id for job in fresh)
        # What runs already is on the board with more than the store knows of it.
        self._ledger.show([*fresh, *(job for job in jobs if self._board.get(job.id) is None)])
        self._engine.wake()
        await self.order(JobAction.RESUME, [job.id for job in jobs if job.elsewhere])
        return [self._board.get(job.id) or job for job in jobs]

    async def order(
        self, verb: JobAction, job_ids: Sequence[int] | None = None, *, delete_part: bool = False
    ) -> None:
        """Do to jobs what a verb says, or ask the programs that run them to; None for all jobs.

        Parameters
        ----------
        delete_part
            Whether a cancel deletes what was fetched.
        """
        ids = self._board.ids if job_ids is None else job_ids
        known = [job for job_id in ids if (job := self._board.get(job_id)) is not None]
        named = job_ids is not None
        jobs = [
            job for job in known if (applies(verb, job) if named else job.state in TRANSITIONS[verb].starts)
        ]
        # What another program runs may be in another state by now, or will be by what it was asked before:
        # it judges by what it finds then. A retry is for what is known to need one.
        late = [
            job for job in known if job.elsewhere and not job.state.finished and verb is not JobAction.RETRY
        ]
        theirs = list(dict.fromkeys(job.id for job in (*jobs, *late) if job.elsewhere))
        if theirs:
            channel = self._ledger.channel
            await self._patiently(lambda: channel.post(verb, theirs, delete_part=delete_part))
        await self._do(verb, [job for job in jobs if not job.elsewhere], delete_part)

    async def obey(self) -> None:
        """Carry out what other programs ask for; a cancel, which waits for its transfer, beside the rest."""
        orders = [order for order in self._ledger.orders() if order.id not in self._at_work]
        for (verb, delete_part), group in itertools.groupby(orders, lambda o: (o.verb, o.delete_part)):
            together = list(group)
            task = asyncio.create_task(self._carry_out(verb, together, delete_part), name=f"ordered {verb}")
            self._at_work.update((order.id, task) for order in together)
            task.add_done_callback(functools.partial(self._carried_out, together))
            if verb is not JobAction.CANCEL:
                await asyncio.wait([task])

    async def _carry_out(self, verb: JobAction, orders: Sequence[QueueCommand], delete_part: bool) -> None:
        jobs = [job for order in orders if (job := self._board.get(order.job)) is not None]
        await self._do(verb, [job for job in jobs if applies(verb, job)], delete_part)
        if verb is JobAction.CANCEL:
            # Where the program that was asked first ended between the two halves of it.
            await self._drop_parts([job for job in jobs if job.state is JobState.CANCELLED], delete_part)
        await self._patiently(lambda: self._ledger.channel.settle(order.id for order in orders))

    def _carried_out(self, orders: Sequence[QueueCommand], task: asyncio.Task[None]) -> None:
        for order in orders:
            del self._at_work[order.id]
        if not task.cancelled() and task.exception() is not None:
            self._ledger.ask_again()

    async def _do(self, verb: JobAction, jobs: Sequence[Job], delete_part: bool) -> None:
        moved = set(await self._move(verb, [job.id for job in jobs]))
        if verb is JobAction.PAUSE:
            await self._engine.interrupt(moved)
        elif verb is JobAction.CANCEL:
            await self._engine.interrupt(moved, wait=True)
            await self._drop_parts([job for job in jobs if job.id in moved], delete_part)

    async def _drop_parts(self, jobs: Sequence[Job], wanted: bool) -> None:
        for job in jobs if wanted else ():
            if (now := self._board.get(job.id)) is not None and now.state is JobState.DONE:
                continue  # the cancel came too late
            with contextlib.suppress(DownloadError):  # another program is at it
                await in_thread(functools.partial(part_cleanup.delete, job.part, self._ledger.journal))
            shown = self._board.get(job.id)
            if shown is not None:  # else it was cleared from the list meanwhile, and must not come back
                left = replace(shown, **part_cleanup.left_of(shown), rate=None, eta=None)
                self._board.put(left)
                self._ledger.keep([left])

    async def change(self, changes: Mapping[str, int | None]) -> QueueSettings:
        """Change settings, here and in all programs at the queue; return what is in force."""
        settings = await self._patiently(lambda: self._ledger.change(changes))
        self._engine.heed()
        self._engine.wake()
        return settings

    async def tell(self, job_id: int, words: str) -> None:
        """Have the log of a job say what happened, at once."""
        self._ledger.tell(job_id, words)
        with contextlib.suppress(sqlite3.Error):  # with what is written next then
            self._ledger.store.beat()

    async def log_of(self, job_id: int, after: int) -> list[Event]:
        """Return the log of a job, from the entry behind number `after` on."""
        store = self._ledger.store
        try:
            return await in_thread(lambda: store.log_of(job_id, after))
        except sqlite3.Error as error:
            raise DownloadError(f"the log cannot be read: {one_line(error, 120)}") from error

    async def clear_finished(self, only: Sequence[int] | None = None) -> None:
        """Remove what is done, failed or cancelled (of some jobs) from the list."""
        wanted = None if only is None else frozenset(only)
        store = self._ledger.store
        self._board.remove(await self._patiently(lambda: store.remove_finished(wanted)))
        self._engine.wake()

    async def shift(self, job_id: int, delta: int) -> None:
        """Move a job up (negative) or down in the queue."""
        jobs = list(self._board.snapshot())
        start = next((index for index, job in enumerate(jobs) if job.id == job_id), None)
        if start is None:
            return
        end = min(max(start + delta, 0), len(jobs) - 1)
        places = [job.position for job in jobs]
        jobs.insert(end, jobs.pop(start))
        changed = {job.id: place for job, place in zip(jobs, places, strict=True) if job.position != place}
        await self._patiently(lambda: self._ledger.store.arrange(changed))
        for changed_id, place in changed.items():
            now = self._board.get(changed_id)
            if now is not None:
                self._board.put(replace(now, position=place))
        self._engine.wake()

    async def at_rest(self, job_ids: Sequence[int]) -> list[Job]:
        """Wait until nothing more happens to jobs by itself; return those that are still there."""
        while True:
            jobs = [job for job_id in job_ids if (job := self._board.get(job_id)) is not None]
            if all(job.state in IDLE_STATES for job in jobs):
                return jobs
            await self._engine.news()

    async def _move(self, verb: JobAction, chosen: Sequence[int]) -> list[int]:
        if not chosen:
            return []
        end, fields = TRANSITIONS[verb].end, TRANSITIONS[verb].fields
        moved = await self._patiently(lambda: self._ledger.store.move_all(chosen, end, **fields))
        self._engine.forget_failures(chosen)
        shown = {job.id: self._board.get(job.id) for job in moved}
        # The board knows better than the store how far a running transfer is.
        self._ledger.show(
            job if known is None else replace(job, **job_progress.known(known, job))
            for job in moved
            for known in [shown[job.id]]
        )
        self._engine.wake()
        return [job.id for job in moved]

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Do something to the store, waiting for another program that holds it."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return work()
            except sqlite3.Error as error:
                if time.monotonic() > deadline:
                    raise JournalNotWritable(f"the download queue cannot be written: {error}") from error
            await asyncio.sleep(0.05)
