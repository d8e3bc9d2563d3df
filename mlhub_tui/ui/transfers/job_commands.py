"""Commands of the Downloads screen that a transfer's state leaves out of the footer."""

from __future__ import annotations

from ...queue.job import Job, JobState
from ..commands import DOWNLOADS, of
from .finished_files import is_archive

STUCK = frozenset({JobState.NEEDS_KEY, JobState.NO_SPACE})
"""States that wait for the user."""
_ALWAYS = frozenset({"downloads.limits"})
_OF_LISTS = frozenset({"downloads.filter", "downloads.group", "downloads.sort"})


def unavailable_for(job: Job | None, *, any_jobs: bool) -> list[str]:
    """Return the ids of the commands that cannot act on a transfer; None where there is none."""
    if job is None:
        stay = _ALWAYS | _OF_LISTS if any_jobs else _ALWAYS
        return [one.id for one in of(DOWNLOADS) if one.id not in stay]
    gone = [] if job.state is JobState.DONE else ["downloads.verify"]
    gone += [] if is_archive(job) else ["downloads.unpack"]
    if job.state.finished:
        gone += ["downloads.pause", "downloads.cancel"]
        return gone + (["downloads.retry"] if job.state is JobState.DONE else [])
    waits = job.state in STUCK or job.state is JobState.RETRYING
    return gone if waits else [*gone, "downloads.retry"]
