"""Flushing a growing file to disk now and then, and writing down how far."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..errors import DownloadError
from .part import Part


class Syncer(threading.Thread):
    """Flushes a part beside its writer, so that a slow disk delays the record and not the transfer.

    Parameters
    ----------
    part
        The file.
    record
        Called with the number of bytes that were written before a flush, after it.
    start
        Bytes that are on disk already.
    every, volume
        Seconds, and bytes, after which a flush is due.
    """

    def __init__(
        self, part: Part, record: Callable[[int], None], start: int, *, every: float, volume: int
    ) -> None:
        super().__init__(name=f"sync {part.path.name}", daemon=True)
        self._part = part
        self._record = record
        self._written = self._synced = start
        self._every, self._volume = every, volume
        self._due = threading.Event()
        self._ended = False
        self.error: DownloadError | None = None

    def wrote(self, end: int) -> None:
        """Tell that the file is written up to an offset."""
        self._written = end
        if end - self._synced >= self._volume:
            self._due.set()

    def finish(self) -> None:
        """Flush and record the rest, then end."""
        self._ended = True
        self._due.set()
        self.join()

    def run(self) -> None:
        """Flush when it is due, until the end."""
        while True:
            self._due.wait(self._every)
            ended = self._ended
            self._due.clear()
            if not self._flush() or ended:
                return

    def _flush(self) -> bool:
        written = self._written
        if written <= self._synced:
            return True
        try:
            self._part.sync()
        except DownloadError as error:
            self.error = error
            return False
        self._synced = written
        self._record(written)
        return True
