"""What is said of transfers: the line of totals, the few lines below the list, and all about one."""

from __future__ import annotations

import time

from ...planning.requests import SAMPLE
from ...queue.job import Job, JobState
from ...text import duration, rate, redact, size
from .blocks import Block, FieldBlock, Heading, Title
from .dataset_jobs import files_words, report_path


def why(job: Job, now: float | None = None) -> str:
    """Return why a transfer is in its state, and when it is tried again; empty where there is nothing to say.

    Parameters
    ----------
    now
        Seconds since the epoch.
    """
    reason = redact(job.reason)
    if job.state is not JobState.RETRYING or job.next_try is None:
        return reason
    left = duration(max(job.next_try - (time.time() if now is None else now), 0))
    return f"in {left}: {reason}" if reason else f"in {left}"


def job_blocks(job: Job, check: str = "", unpacked: str = "") -> list[Block]:
    """Return the details of a transfer in a few lines: why it is where it is, and where it goes.

    Parameters
    ----------
    check
        What came of reading the file again, or how far that is.
    unpacked
        The same of unpacking it.
    """
    words, extra = redact(job.reason), ""
    if job.state.running and (files := files_words(job)) and files not in words:
        words = "; ".join(filter(None, (files, words)))
    if job.next_try is not None and job.state is JobState.RETRYING:
        words += f"; next try in {duration(max(job.next_try - time.time(), 0))}"
        words += f", {job.tries} without progress" if job.tries > 1 else ""
    if job.connections > 1:
        extra = f" over {job.connections} connections"
    return [
        FieldBlock("JobState", f"{job.state}{extra}{f': {words}' if words else ''}"),
        FieldBlock("Runs", job.where),
        FieldBlock("Check", check),
        FieldBlock("Unpack", unpacked),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("File", job.place),
        FieldBlock("Report", report_path(job)),
    ]


def all_of(job: Job, check: str = "", speed: str = "") -> list[Block]:
    """Return everything that is known of a transfer.

    Parameters
    ----------
    check
        What came of reading the file again, or how far that is.
    speed
        That of the last seconds, where there is more to say of it than how fast it is now.
    """
    request = job.request
    retrying = job.state is JobState.RETRYING and job.next_try is not None
    wait = duration(max((job.next_try or 0) - time.time(), 0)) if retrying else ""
    known = {"collection_id": "Collection", "item_id": "Item", "key": "Asset"}
    return [
        Title(job.name),
        Heading("JobState"),
        FieldBlock("JobState", str(job.state)),
        FieldBlock("Reason", redact(job.reason)),
        FieldBlock("Next try", f"in {wait}" if wait else ""),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("Tries", f"{job.tries} without progress" if job.tries else ""),
        FieldBlock("Runs", job.where or ("here" if job.state.running else "")),
        Heading("Bytes"),
        FieldBlock("Fetched", _exact(job.bytes_done)),
        FieldBlock("Size", _exact(job.bytes_total) if job.bytes_total is not None else "unknown"),
        FieldBlock("Speed", speed or rate(job.rate)),
        FieldBlock("Left", duration(job.eta)),
        FieldBlock("Connections", str(job.connections) if job.connections else ""),
        Heading("File"),
        FieldBlock("Path", job.place),
        FieldBlock(
            "Part", "" if job.state in (JobState.DONE, JobState.QUEUED) and not job.bytes_done else _part(job)
        ),
        FieldBlock("If there", str(request.if_exists)),
        FieldBlock("Checksums", ", ".join(job.sums.split())),
        FieldBlock("Check", check),
        Heading("Source"),
        FieldBlock("Source", "the sample catalogue" if request.source == SAMPLE else redact(request.source)),
        FieldBlock("Profile", request.profile or ""),
        *(FieldBlock(name, str(getattr(request, field, ""))) for field, name in known.items()),
    ]


def _exact(count_: int) -> str:
    return f"{size(count_)} ({count_:,} bytes)" if count_ >= 1000 else f"{count_} bytes"


def _part(job: Job) -> str:
    return "" if job.state is JobState.DONE else str(job.part)
