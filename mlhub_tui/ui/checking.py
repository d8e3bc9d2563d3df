"""Reads a finished file again beside the app, and says how far that is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from ..queue.job import Job
from ..queue.verification import VerificationResult, remedy, verify_job
from ..threads import in_thread
from ..transfer.failures import TransferCancelled

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
