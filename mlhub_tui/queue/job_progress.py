"""The numbers of a job: as its transfer has them, and as the queue shows and stores them."""

from __future__ import annotations

from typing import Any

from ..transfer.config import TransferProgress
from .job import Job

FILES = ("files_done", "files_failed", "files_total")
"""What jobs of many files count."""


def numbers(progress: TransferProgress, job: Job) -> dict[str, Any]:
    """Return the fields of a job that count; what is not known yet stays as it was."""
    found = {"bytes_done": progress.done or job.bytes_done, "bytes_total": progress.total or job.bytes_total}
    if progress.files_total is None:
        return found
    return found | {name: getattr(progress, name) for name in FILES} | {"bytes_total": progress.total}


def known(shown: Job, stored: Job) -> dict[str, Any]:
    """Return the numbers of a job that the board has newer than the store."""
    files = {name: getattr(shown, name) for name in FILES} if shown.files_total is not None else {}
    return files | {"bytes_done": max(shown.bytes_done, stored.bytes_done)}
