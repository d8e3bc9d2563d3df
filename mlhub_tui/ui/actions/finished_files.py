"""Files of finished jobs verified and unpacked; the queue handed to a background runner."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...planning.requests import DatasetRequest
from ...queue.job import Job, JobState
from ...queue.job_files import VerificationResult, remedy, verify_job
from ...text import count, size
from ...threads import in_thread
from ...transfer.engine import TransferCancelled
from ...unpack.archive import Unpacked, half_unpacked, unpack

if TYPE_CHECKING:
    from ...auth import Credentials
    from ...queue.service import QueueService


_EVERY = 0.5


async def check(job: Job, stop: threading.Event, say: Callable[[str], None]) -> VerificationResult | None:
    """Read the file of a job; return what came of it, or None if it was stopped.

    Parameters
    ----------
    stop
        Ends it, as the end of the task does.
    say
        Takes a few words twice a second.
    """
    read = 0

    def tell(done: int) -> None:
        nonlocal read
        read = done

    async def report() -> None:
        while True:
            total = job.bytes_total or 0
            say(f"reading, {read * 100 // total} %; v stops" if total else "reading; v stops")
            await asyncio.sleep(_EVERY)

    reporter = asyncio.create_task(report())
    try:
        found = await in_thread(lambda: verify_job(job, tell, stop), interrupt=stop.set)
    except TransferCancelled:
        return None
    finally:
        reporter.cancel()
    return VerificationResult((), f"{found.trouble}; {remedy(job)}") if found.trouble else found


_GRACE = 2.0
_NAMED = 3  # skipped members
_ENDS = (".tar.gz", ".tgz", ".tar")


def is_archive(job: Job) -> bool:
    """Whether a transfer has brought an archive that can be unpacked here."""
    whole = job.state is JobState.DONE and not isinstance(job.request, DatasetRequest)
    return whole and job.name.lower().endswith(_ENDS)


def unpack_question(job: Job) -> tuple[str, str]:
    """Return what is asked before an archive is unpacked, and what comes of it; may block."""
    again = "Its last unpacking was not finished; this one completes it. " if half_unpacked(job.path) else ""
    what = f"Into {job.path.parent}; files there of another size or time are replaced."
    return f"Unpack {job.name}?", f"{again}{what}"


async def unpack_archive(job: Job, stop: threading.Event, say: Callable[[str], None]) -> Unpacked | None:
    """Unpack the archive of a job into its folder; None if it was stopped.

    Parameters
    ----------
    stop
        Ends it, as the end of the task does.
    say
        Takes a few words twice a second.

    Raises
    ------
    DamagedArchive, OutputFolderError, TargetBusy
        As `downloads.unpack.unpack`.
    """
    far: tuple[int, int, int | None] = (0, 0, None)

    def show(files: int, read: int, whole: int | None) -> None:
        nonlocal far
        far = files, read, whole

    async def report() -> None:
        while True:
            files, read, whole = far
            part = f", {read * 100 // whole} %" if whole else ""
            say(f"unpacking, {count(files, 'file')}{part}; u stops")
            await asyncio.sleep(_EVERY)

    reporter = asyncio.create_task(report())
    try:
        return await in_thread(
            lambda: unpack(job.path, job.path.parent, show=show, stopped=stop),
            interrupt=stop.set,
            grace=_GRACE,
        )
    except TransferCancelled:
        return None
    finally:
        reporter.cancel()


def unpack_outcome(done: Unpacked) -> str:
    """Return what was unpacked, in words."""
    kept = f", {done.kept:,} of them were there" if done.kept else ""
    words = f"{count(done.files, 'file')} unpacked{kept}, {size(done.bytes)} written"
    if not done.skipped:
        return words
    more = done.skipped - len(done.notes[:_NAMED])
    named = (*done.notes[:_NAMED], f"and {count(more, 'more member')}") if more else done.notes
    return f"{words}; skipped {count(done.skipped, 'member')}: {'; '.join(named)}"


_LIMIT = 2.0  # seconds for the transfers to end; usually a tenth is enough


async def hand_over(queue: QueueService, current: Credentials | None) -> str:
    """Stop the queue here, start it in the background, and return what to say of it.

    Parameters
    ----------
    current
        The credentials in use, for jobs that no profile goes with; None for those of the environment.

    Raises
    ------
    MLHubException
        If the background program does not start; then the queue runs here again.
    """
    from ...queue import background

    await asyncio.to_thread(queue.stop, _LIMIT)
    try:
        started = await asyncio.to_thread(background.start, current)
    except MLHubException:
        await asyncio.to_thread(queue.start)
        raise
    said = (
        f"Downloads continue in the background, pid {started.pid}.\n"
        "  `mlhub-tui queue list` shows them, and so does the app;"
        f" the log is {background.log_file()}"
    )
    return f"{said}\n  note: {started.note}" if started.note else said
