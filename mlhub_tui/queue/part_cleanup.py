"""Deletes the part file of a transfer that was given up, unless another one is writing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..planning.requests import DatasetRequest
from ..text import count, one_line
from ..transfer.part_file import PartFile, PartJournal
from .job import Job


def delete(part: Path, journal: PartJournal) -> None:
    """Delete a part file and its record.

    Raises
    ------
    TargetBusy
        If another transfer, of this program or another one, is writing it.
    OutputFolderError
        If it cannot be deleted.
    """
    journal.claim(part)
    try:
        if part.exists():
            with PartFile(part):
                part.unlink(missing_ok=True)
        journal.forget(part)
    finally:
        journal.release(part)


def left_of(job: Job) -> dict[str, Any]:
    """Return the fields of a job that was given up and whose part was deleted: of a dataset, files stay."""
    if not isinstance(job.request, DatasetRequest):
        return {"bytes_done": 0}
    if not job.files_done:
        return {}
    folder = one_line(job.request.asset_place, 200)
    return {"reason": f"{count(job.files_done, 'file')} are saved in {folder}"}
