"""What a run shows of itself: plain numbers that one thread writes and others look at."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ...transfer.progress import TransferProgress
from .feed import Result


@dataclass(slots=True)
class Tally:
    """How far a run is; all of it is on disk and recorded.

    Attributes
    ----------
    fetched, there, failed
        Files that were fetched, were there already, could not be fetched.
    bytes
        Of the files that were fetched.
    reason
        Why nothing comes at the moment; empty while something does, or may.
    where
        Who fetches, where that is not this program alone; in words.
    next_try
        When it is tried again, monotonic, seconds; None while nothing waits.
    heard
        When bytes came last, monotonic, seconds.
    large
        The large files that are on their way, by path; copy it before walking it.
    """

    fetched: int = 0
    there: int = 0
    failed: int = 0
    bytes: int = 0
    reason: str = ""
    where: str = ""
    next_try: float | None = None
    heard: float = field(default_factory=time.monotonic)
    large: dict[str, TransferProgress] = field(default_factory=dict)

    def count(self, result: Result) -> None:
        """Count a result."""
        if result.error is not None:
            self.failed += 1
        elif result.fetched:
            self.fetched += 1
            self.bytes += result.size or 0
        else:
            self.there += 1
