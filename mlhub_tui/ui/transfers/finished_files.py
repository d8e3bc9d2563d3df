"""Files of finished transfers verified and unpacked, each in a thread, and what came of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ...concurrency import in_thread
from ...errors import MLHubException
from ...planning.requests import DatasetRequest
from ...queue.job import Job, JobState
from ...queue.library import VerificationResult, remedy, verify_job
from ...text import count, size
from ...transfer.engine import TransferCancelled
from ...unpack.archive import Unpacked, half_unpacked, unpack
from ..commands import DOWNLOADS, of

T = TypeVar("T")
_EVERY = 0.5
_GRACE = 2.0
_NAMED = 3  # skipped members
_ENDS = (".tar.gz", ".tgz", ".tar")


class FileWork:
    """One kind of work on files; one at a time, the others wait.

    - `changed`: Called when there is something else to show.

    - `words`: By the file's name to the caller (`Job.id`), what came of it, or how far it is.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._running: dict[Hashable, threading.Event] = {}
        self._turn = asyncio.Lock()
        self.words: dict[Any, str] = {}

    def stop(self, key: Hashable) -> bool:
        """Stop the work on a file; False where there is none."""
        stop = self._running.pop(key, None)
        if stop is not None:
            stop.set()
        return stop is not None

    def say(self, key: Hashable, words: str) -> None:
        """Show how far the work is, or what came of it."""
        self.words[key] = words
        self._changed()

    async def run(
        self, key: Hashable, work: Callable[[threading.Event], T], progress: Callable[[], str]
    ) -> T | None:
        """Work on a file in a thread; None if it was stopped.

        - `progress`: Asked twice a second how far it is.
        """
        stop = self._running[key] = threading.Event()

        async def report() -> None:
            while True:
                self.say(key, progress())
                await asyncio.sleep(_EVERY)

        self.say(key, "waiting for another file")
        try:
            async with self._turn:
                reporter = asyncio.create_task(report())
                try:
                    return await in_thread(lambda: work(stop), interrupt=stop.set, grace=_GRACE)
                finally:
                    reporter.cancel()
        except TransferCancelled:
            return None
        finally:
            if self._running.get(key) is stop:
                del self._running[key]


async def verify(checks: FileWork, job: Job) -> VerificationResult | None:
    """Read the file of a transfer again; return what came of it, None if it was stopped."""
    read = 0

    def tell(done: int) -> None:
        nonlocal read
        read = done

    def progress() -> str:
        total = job.bytes_total or 0
        return f"reading, {read * 100 // total} %; v stops" if total else "reading; v stops"

    found = await checks.run(job.id, lambda stop: verify_job(job, tell, stop), progress)
    if found is not None and found.trouble:
        found = VerificationResult((), f"{found.trouble}; {remedy(job)}")
    checks.say(job.id, str(found) if found is not None else "stopped")
    return found


def is_archive(job: Job) -> bool:
    """Whether a transfer has brought an archive that can be unpacked here."""
    whole = job.state is JobState.DONE and not isinstance(job.request, DatasetRequest)
    return whole and job.name.lower().endswith(_ENDS)


def unpack_question(job: Job) -> tuple[str, str]:
    """Return what is asked before an archive is unpacked, and what comes of it; may block."""
    again = "Its last unpacking was not finished; this one completes it. " if half_unpacked(job.path) else ""
    what = f"Into {job.path.parent}; files there of another size or time are replaced."
    return f"Unpack {job.name}?", f"{again}{what}"


async def unpack_archive(unpacking: FileWork, job: Job) -> None:
    """Unpack the archive of a transfer into its folder, and show what came of it.

    Raises DamagedArchive, OutputFolderError, TargetBusy as `unpack`.
    """
    far: tuple[int, int, int | None] = (0, 0, None)

    def show(files: int, read: int, whole: int | None) -> None:
        nonlocal far
        far = files, read, whole

    def progress() -> str:
        files, read, whole = far
        part = f", {read * 100 // whole} %" if whole else ""
        return f"unpacking, {count(files, 'file')}{part}; u stops"

    try:
        done = await unpacking.run(
            job.id, lambda stop: unpack(job.path, job.path.parent, show=show, stopped=stop), progress
        )
    except MLHubException as error:
        unpacking.say(job.id, error.full_message)
        raise
    unpacking.say(job.id, "stopped; u resumes it" if done is None else _outcome(done))


def _outcome(done: Unpacked) -> str:
    """Return what was unpacked, in words."""
    there = f", {done.existed:,} of them were there" if done.existed else ""
    words = f"{count(done.files, 'file')} unpacked{there}, {size(done.bytes)} written"
    if not done.skipped:
        return words
    more = done.skipped - len(done.notes[:_NAMED])
    named = (*done.notes[:_NAMED], f"and {count(more, 'more member')}") if more else done.notes
    return f"{words}; skipped {count(done.skipped, 'member')}: {'; '.join(named)}"


STUCK = frozenset({JobState.NEEDS_KEY, JobState.NO_SPACE})
"""States that wait for the user."""
_ALWAYS = frozenset({"downloads.limits"})
_OF_LISTS = frozenset({"downloads.filter", "downloads.group", "downloads.sort"})


def unavailable_for(job: Job | None, *, any_jobs: bool) -> list[str]:
    """Return the ids of the commands that cannot act on a transfer; None where there is none."""
    if job is None:
        stay = _ALWAYS | _OF_LISTS if any_jobs else _ALWAYS
        return [one.id for one in of(DOWNLOADS) if one.id not in stay]
    done = job.state is JobState.DONE
    gone = [] if done else ["downloads.verify"]
    gone += [] if is_archive(job) else ["downloads.unpack"]
    if job.state.finished:
        return [*gone, "downloads.pause", *(["downloads.cancel", "downloads.retry"] if done else [])]
    waits = job.state in STUCK or job.state is JobState.RETRYING
    return gone if waits else [*gone, "downloads.retry"]
