"""The state and the progress of a job in words."""

from __future__ import annotations

import re

from ...queue.job import Job, JobState
from ...text import one_line, redact, size

_WAITS = re.compile(r"; waiting: (.+)", re.DOTALL)


def amount_of(job: Job) -> str:
    """Return how much of a job is done, of how much."""
    if job.files_total is not None:
        return f"{job.files_done:,}/{job.files_total:,} files"
    return f"{size(job.bytes_done)}/{size(job.bytes_total)}" if job.bytes_total else size(job.bytes_done)


def share_of(job: Job) -> float | None:
    """Return how much of a job is done: of its bytes, or of its files where bytes are not known."""
    if job.bytes_total:
        return min(job.bytes_done / job.bytes_total, 1.0)
    return min(job.files_done / job.files_total, 1.0) if job.files_total else None


def state_of(job: Job) -> str:
    """Return the state of a job that is not moving bytes, and why."""
    where = " in another program" if job.elsewhere else ""
    why = one_line(redact(waits_for(job) or job.reason))
    return f"{job.state}{where}" + (f": {why}" if why else "")


def waits_for(job: Job) -> str:
    """Return what a dataset waits for, as its words say it; empty where it does not."""
    found = _WAITS.search(job.reason)
    return found[1] if found else ""


def end_lines(job: Job) -> list[str]:
    """Return the last lines about a job that came to rest: what became of it, and what to do next."""
    reason, *more = redact(job.reason).splitlines() or [""]
    why = f": {one_line(reason)}" if reason else ""
    details = [f"  {one_line(line)}" for line in more]
    if job.state is JobState.DONE:
        amount = f", {size(job.bytes_total)}" if job.bytes_total is not None else ""
        return [f"done {one_line(job.name)}{why or amount}", *details]
    lines = [f"{job.state} {one_line(job.name)}{why}", *details]
    return [*lines, f"  {one_line(redact(job.hint))}"] if job.hint else lines
