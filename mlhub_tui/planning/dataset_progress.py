"""Progress of a dataset's transfer: counted in memory, corrected from its manifest from time to time."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time

from ..text import count
from ..threads import in_thread
from ..transfer.config import TransferPhase, TransferProgress
from ..transfer.work_source import BatchStats
from .manifest import Manifest, ManifestStats

_EVERY = 0.2  # seconds
_RARELY = 25  # times what it costs, before the manifest is read again


class ProgressReporter:
    """Copies how far a batch is to the progress of its job.

    Duplicates are done without being counted in memory; the manifest has them.

    Parameters
    ----------
    live
        The job's progress.
    stats
        What the batch counts.
    before
        Bytes of what came before the files: the catalog's archive.
    saved
        The manifest's numbers at the start.
    """

    def __init__(self, live: TransferProgress, stats: BatchStats, before: int, saved: ManifestStats) -> None:
        self._live = live
        self._stats = stats
        self._before = before
        self._saved = saved
        self._counted = self._seen = (0, 0, 0)
        self._reason, self._where, self._failures = "", "", 1

    async def run(self, manifest: Manifest) -> None:
        """Copy until cancelled; the manifest is read through a connection of its own."""
        own = await in_thread(lambda: Manifest(manifest.path))
        due = time.monotonic() + 1.0
        try:
            while True:
                self.show()
                await asyncio.sleep(_EVERY)
                if time.monotonic() >= due:
                    began, now = time.monotonic(), self._now()
                    with contextlib.suppress(sqlite3.Error):  # shown later then
                        self._saved, self._counted = await in_thread(own.stats), now
                    ended = time.monotonic()
                    due = ended + max(1.0, _RARELY * (ended - began))
        finally:
            await in_thread(own.close)

    def show(self) -> None:
        """Copy once."""
        live, stats, saved = self._live, self._stats, self._saved
        done, failed, arrived = (a - b for a, b in zip(self._now(), self._counted, strict=True))
        large = list(stats.large.copy().values())
        live.files_total = saved.files
        live.files_done = min(saved.done + done, saved.files)
        live.files_failed = saved.failed + failed
        live.done = self._before + saved.bytes_done + arrived + sum(each.done for each in large)
        total = saved.bytes_total
        live.total = None if total is None else self._before + total
        live.connections = max(1, len(large))
        live.last_byte = max([live.last_byte, stats.heard, *(each.last_byte for each in large)])
        where = f", {stats.where}" if stats.where else ""
        live.words = files_words(live) + where + (f"; waiting: {stats.reason}" if stats.reason else "")
        self._log()
        moved = self._now() != self._seen
        if moved or (live.phase is TransferPhase.CONNECTING and any(each.done for each in large)):
            self._seen = self._now()
            live.enter(TransferPhase.DOWNLOADING)

    def _log(self) -> None:
        """Log who fetches, why nothing comes, and failures whenever they doubled."""
        if self._stats.where != self._where:
            self._where = self._stats.where
            self._live.log(self._where)
        if self._stats.reason != self._reason:
            self._reason = self._stats.reason
            if self._reason:
                self._live.log(self._reason)
        if self._live.files_failed >= self._failures:
            self._failures = 2 * self._live.files_failed
            self._live.log(f"{count(self._live.files_failed, 'file')} failed so far")

    def _now(self) -> tuple[int, int, int]:
        stats = self._stats
        return stats.fetched + stats.there, stats.failed, stats.bytes


def files_words(live: TransferProgress) -> str:
    """Return how many files are done, and how many failed."""
    failed = f", {live.files_failed:,} failed" if live.files_failed else ""
    return f"{live.files_done:,} of {live.files_total or 0:,} files{failed}"
