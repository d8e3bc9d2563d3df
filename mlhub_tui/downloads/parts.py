"""Deletes the part file of a transfer that was given up, unless another one is writing it."""

from __future__ import annotations

from pathlib import Path

from .journal import Journal
from .part import Part


def delete(part: Path, journal: Journal) -> None:
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
            with Part(part):
                part.unlink(missing_ok=True)
        journal.forget(part)
    finally:
        journal.release(part)
