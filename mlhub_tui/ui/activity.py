"""What the top bar says of the work that goes on: how many transfers, and how far they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..queue.job import Job


def activity_words(jobs: Iterable[Job]) -> str:
    """Return what the top bar says of the work that goes on; empty where nothing does."""
    running = [job for job in jobs if job.state.running]
    if not running:
        return ""
    total = sum(job.bytes_total or 0 for job in running)
    done = sum(job.bytes_done for job in running)
    known = all(job.bytes_total for job in running)
    return f"↓{len(running)} {done * 100 // total}%" if known and total else f"↓{len(running)}"
