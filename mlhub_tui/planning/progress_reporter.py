"""What a dataset's transfer shows while its files come: counted in memory, put right from its work list."""

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

_EVERY = 0.2
_RARELY = 25  # times what it costs, before the list is asked again


class ProgressReporter:
    """Copies how far a run is to where everybody looks.

    Files that share a URL are done together without being counted in memory; the work list has them.

    Parameters
    ----------
    live
        Where everybody looks.
    stats
        What the run counts.
    before
        Bytes of what came before the files: the catalog's archive.
    standing
        The work list at the start.
    """

    def __init__(
        self, live: TransferProgress, stats: BatchStats, before: int, standing: ManifestStats
    ) -> None:
        self._live = live
        self._stats = stats
        self._before = before
        self._standing = standing
        self._counted = (0, 0, 0)
        self._seen = (0, 0, 0)
        self._said, self._where, self._failures = "", "", 1

    async def run(self, files: Manifest) -> None:
        """ProgressReporter until cancelled; the list is read through a connection of its own."""
        own = await in_thread(lambda: Manifest(files.path))
        due = time.monotonic() + 1.0
        try:
            while True:
                self.show()
                await asyncio.sleep(_EVERY)
                if time.monotonic() >= due:
                    began = time.monotonic()
                    now = self._now()
                    with contextlib.suppress(sqlite3.Error):  # shown later then
                        self._standing, self._counted = await in_thread(own.standing), now
                    ended = time.monotonic()
                    due = ended + max(1.0, _RARELY * (ended - began))
        finally:
            await in_thread(own.close)

    def show(self) -> None:
        """Copy once."""
        live, stats, standing = self._live, self._stats, self._standing
        done, failed, arrived = (a - b for a, b in zip(self._now(), self._counted, strict=True))
        large = list(stats.large.copy().values())
        live.files_total = standing.files
        live.files_done = min(standing.done + done, standing.files)
        live.files_failed = standing.failed + failed
        live.done = self._before + standing.bytes_done + arrived + sum(each.done for each in large)
        total = standing.bytes_total
        live.total = None if total is None else self._before + total
        live.connections = max(1, len(large))
        live.last_byte = max([live.last_byte, stats.heard, *(each.last_byte for each in large)])
        live.words = self.words()
        self._tell()
        moved = self._now() != self._seen
        if moved or (live.phase is TransferPhase.CONNECTING and any(each.done for each in large)):
            self._seen = self._now()
            live.enter(TransferPhase.DOWNLOADING)

    def _tell(self) -> None:
        """Have the log of the job tell who fetches, why nothing comes, and of failures when they doubled."""
        if self._stats.where != self._where:
            self._where = self._stats.where
            self._live.log(self._where)
        reason, failed = self._stats.reason, self._live.files_failed
        if reason != self._said:
            self._said = reason
            if reason:
                self._live.log(reason)
        if failed >= self._failures:
            self._failures = 2 * failed
            self._live.log(f"{count(failed, 'file')} failed so far")

    def words(self) -> str:
        """Return how far it is, in words."""
        where = f", {self._stats.where}" if self._stats.where else ""
        waits = f"; waiting: {self._stats.reason}" if self._stats.reason else ""
        return words_of(self._live) + where + waits

    def _now(self) -> tuple[int, int, int]:
        stats = self._stats
        return stats.fetched + stats.there, stats.failed, stats.bytes


def words_of(live: TransferProgress) -> str:
    """Return how many files are done, and how many failed."""
    failed = f", {live.files_failed:,} failed" if live.files_failed else ""
    return f"{live.files_done:,} of {live.files_total or 0:,} files{failed}"
