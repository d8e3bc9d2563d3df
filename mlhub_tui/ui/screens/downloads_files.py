"""Downloads: what is done with the files of finished transfers, reading them again and unpacking them."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from textual import work

from ...errors import MLHubException
from ...queue.job import Job, JobState
from .base import PlaceScreen


class FilesScreen(PlaceScreen):
    """A screen that reads and unpacks the files of transfers, and keeps what came of it by transfer."""

    def __init__(self) -> None:
        super().__init__()
        self._checks: dict[int, str] = {}
        self._checking: dict[int, threading.Event] = {}
        self._unpacked: dict[int, str] = {}
        self._unpacking: dict[int, threading.Event] = {}
        self._reader = asyncio.Lock()

    @property
    def job(self) -> Job | None:
        """The transfer under the cursor."""
        return None

    def show_job(self) -> None:
        """Show the transfer under the cursor anew."""

    @work(group="unpack")
    async def action_unpack(self) -> None:
        """Unpack a finished archive, after a question; or stop doing so."""
        from .. import unpacking
        from .confirm import ConfirmScreen

        job = self.job
        if job is None or not unpacking.is_archive(job):
            return
        if (running := self._unpacking.pop(job.id, None)) is not None:
            running.set()
            return
        asked = await asyncio.to_thread(unpacking.unpack_question, job)
        if not await self.app.push_screen_wait(ConfirmScreen(*asked, yes="Unpack")):
            return
        stop = self._unpacking[job.id] = threading.Event()

        def say(words: str) -> None:
            self._unpacked[job.id] = words
            self.show_job()

        try:
            done = await unpacking.unpack_archive(job, stop, say)
            say("stopped; u goes on with it" if done is None else unpacking.unpack_outcome(done))
        except MLHubException as error:
            say(f"{error.message}: {error.hint}" if error.hint else error.message)
            self.context.report(error)
        finally:
            if self._unpacking.get(job.id) is stop:
                del self._unpacking[job.id]

    def action_verify(self) -> None:
        """Read a finished file again, of a dataset look at the sizes of all; or stop doing so."""
        job = self.job
        if job is None or job.state is not JobState.DONE:
            return
        if (stop := self._checking.pop(job.id, None)) is not None:
            stop.set()
        else:
            self._checking[job.id] = threading.Event()
            self._check(job, self._checking[job.id])

    @work(group="verify")
    async def _check(self, job: Job, stop: threading.Event) -> None:
        """Read a file in a thread, one at a time, and say what came of it."""
        from ..checking import check

        def say(words: str) -> None:
            self._checks[job.id] = words
            self.show_job()

        say("waits until another file is read")
        try:
            async with self._reader:
                found = await check(job, stop, say)
        finally:
            if self._checking.get(job.id) is stop:
                del self._checking[job.id]
        if found is None:
            say("stopped")
            return
        say(str(found))
        if self.context.queue is not None:
            with contextlib.suppress(MLHubException):  # it was said on the screen
                await self.context.queue.tell(job.id, f"read again: {found}")
        self.notify(
            f"{job.name}: {found}", severity="error" if found.trouble else "information", markup=False
        )
