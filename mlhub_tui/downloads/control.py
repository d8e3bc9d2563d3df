"""What the user can do to the queue; each command is acknowledged after it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ..errors import DownloadError
from . import folder
from .board import Board
from .engine import Engine
from .job import AT_REST, ArchiveRequest, Job, State
from .part import Part
from .states import MOVES
from .threads import in_thread
from .trouble import QueueNotWritable

T = TypeVar("T")

_PATIENCE = 5.0  # seconds to wait for another program's transaction
_PAUSABLE = frozenset(state for state in State if State.PAUSED in MOVES[state])
_RESUMABLE = frozenset({State.PAUSED, State.NEEDS_KEY, State.NO_SPACE})
_RETRIABLE = frozenset({State.RETRYING, State.NEEDS_KEY, State.NO_SPACE, State.FAILED, State.CANCELLED})
_CANCELLABLE = frozenset(state for state in State if State.CANCELLED in MOVES[state])


class Control:
    """The commands; all of them run in the engine's event loop.

    A command that does not apply (pausing what is done, anything to a job that is gone or another running
    program's) does nothing.
    """

    def __init__(self, engine: Engine, board: Board) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._board = board

    async def add(self, requests: Sequence[ArchiveRequest]) -> list[Job]:
        """Queue requests; see `Store.add` for what is there already."""
        wanted = [replace(request, folder=folder.normal(request.folder)) for request in requests]
        jobs = await self._patiently(lambda: self._ledger.store.add(wanted))
        fresh = [job for job in jobs if job.state is State.QUEUED]
        self._engine.want(job.id for job in jobs)
        self._engine.forget_failures(job.id for job in fresh)
        # What runs already is on the board with more than the store knows of it.
        self._ledger.show([*fresh, *(job for job in jobs if self._board.get(job.id) is None)])
        self._engine.wake()
        return [self._board.get(job.id) or job for job in jobs]

    async def pause(self, job_ids: Sequence[int] | None = None) -> None:
        """Pause jobs; None for all."""
        clean = {"reason": "", "hint": "", "next_try": None}
        moved = await self._move(job_ids, _PAUSABLE, State.PAUSED, clean)
        await self._engine.interrupt(moved)

    async def resume(self, job_ids: Sequence[int] | None = None) -> None:
        """Let jobs go on that are paused, or wait for a key or for room; None for all."""
        await self._move(job_ids, _RESUMABLE, State.QUEUED, {"reason": "", "hint": ""})

    async def retry(self, job_ids: Sequence[int]) -> None:
        """Try jobs again now that failed, were cancelled, or wait for their next try."""
        await self._move(
            job_ids, _RETRIABLE, State.QUEUED, {"reason": "", "hint": "", "next_try": None, "tries": 0}
        )

    async def cancel(self, job_id: int, delete_part: bool) -> None:
        """Give a job up, and with it what was fetched if that is wanted."""
        job = self._board.get(job_id)
        moved = await self._move([job_id], _CANCELLABLE, State.CANCELLED, {"reason": "", "hint": ""})
        await self._engine.interrupt(moved, wait=True)
        if job is not None and moved and delete_part:
            with contextlib.suppress(DownloadError):  # another program is at it
                await in_thread(lambda: self._delete_part(job))
            self._board.put(replace(self._board.get(job_id) or job, bytes_done=0, rate=None, eta=None))

    async def clear_finished(self) -> None:
        """Remove what is done, failed or cancelled from the list."""
        self._board.remove(await self._patiently(self._ledger.store.remove_finished))
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
            if all(job.state in AT_REST for job in jobs):
                return jobs
            await self._engine.news()

    async def _move(
        self,
        job_ids: Sequence[int] | None,
        starts: frozenset[State],
        end: State,
        fields: Mapping[str, object],
    ) -> list[int]:
        ids = self._board.ids if job_ids is None else job_ids
        jobs = [job for i in ids if (job := self._board.get(i)) is not None and not job.elsewhere]
        chosen = [job.id for job in jobs if job.state in starts]
        if not chosen:
            return []
        moved = await self._patiently(lambda: self._ledger.store.move_all(chosen, end, **fields))
        self._engine.forget_failures(chosen)
        shown = {job.id: self._board.get(job.id) for job in moved}
        # The board knows better than the store how far a running transfer is.
        self._ledger.show(
            replace(job, bytes_done=max(job.bytes_done, known.bytes_done if known else 0))
            for job in moved
            for known in [shown[job.id]]
        )
        self._engine.wake()
        return [job.id for job in moved]

    def _delete_part(self, job: Job) -> None:
        journal = self._ledger.journal
        journal.claim(job.part)
        try:
            if job.part.exists():
                with Part(job.part):
                    job.part.unlink(missing_ok=True)
            journal.forget(job.part)
        finally:
            journal.release(job.part)

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Do something to the store, waiting for another program that holds it."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return work()
            except sqlite3.Error as error:
                if time.monotonic() > deadline:
                    raise QueueNotWritable(f"the download queue cannot be written: {error}") from error
            await asyncio.sleep(0.05)
