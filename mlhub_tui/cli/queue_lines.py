"""A job of the queue as a row of a table, and as JSON."""

from __future__ import annotations

from typing import Any

from ..planning.requests import AssetRequest, DatasetRequest
from ..queue.job import Job, JobState
from ..text import duration, rate, redact, size

HEADERS = ("ID", "NAME", "STATE", "DONE", "SPEED", "NOTE")
_ERRORS = frozenset({JobState.RETRYING, JobState.NEEDS_KEY, JobState.NO_SPACE, JobState.FAILED})


def row(job: Job) -> tuple[object, ...]:
    """Return the cells of a job, in the order of `HEADERS`."""
    left = f"{duration(job.eta)} left" if job.eta else ""
    note = redact(job.reason) or left
    if job.files_total is not None and job.state.running and left and note != left:
        note += f", {left}"
    return (
        job.id,
        job.name,
        job.state,
        _done(job),
        rate(job.rate),
        ", ".join(filter(None, (note, job.where))),
    )


def document(job: Job) -> dict[str, Any]:
    """Return a job as JSON: sizes in bytes, `rate` in bytes per second, `error` why it is stuck or null.

    `item` and `asset` are null for an archive, and `item` for an asset of a collection itself. A job for a
    dataset has its id as `dataset`, which is null for others, and counts its files.
    """
    asset = job.request if isinstance(job.request, AssetRequest) else None
    whole = isinstance(job.request, DatasetRequest)
    return {
        "id": job.id,
        "name": job.name,
        "state": str(job.state),
        "bytes_done": job.bytes_done,
        "bytes_total": job.bytes_total,
        "error": redact(job.reason) or str(job.state) if job.state in _ERRORS else None,
        "path": job.place,
        "collection": None if whole else job.request.collection_id,
        "dataset": job.request.collection_id if whole else None,
        "item": (asset.item_id or None) if asset else None,
        "asset": asset.key if asset else None,
        "source": job.request.source,
        "profile": job.request.profile,
        "files_done": job.files_done if whole else None,
        "files_failed": job.files_failed if whole else None,
        "files_total": job.files_total,
        "rate": job.rate,
        "next_try": job.next_try,
        "runs": job.where or None,
    }


def _done(job: Job) -> str:
    if job.state is JobState.DONE:
        return size(job.bytes_done)
    if not job.bytes_total:
        return size(job.bytes_done) if job.bytes_done else ""
    return f"{min(job.bytes_done * 100 // job.bytes_total, 100)}% of {size(job.bytes_total)}"
