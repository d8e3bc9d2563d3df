"""Flushing a growing file to disk now and then, and writing down how far."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...errors import DownloadError
from .extents import Extents
from .part import Part


class Syncer(threading.Thread):
    """Flushes a part beside its writers, so that a slow disk delays the record and not the transfer.

    The one thread that records: extents are looked at before a flush and written down after it.

    Parameters
    ----------
    part
        The file.
    look
        Returns what is written.
    record
        Called with what was written before a flush, after it.
    every, volume
        Seconds, and bytes, after which a flush is due.
    """

    def __init__(
        self,
        part: Part,
        look: Callable[[], Extents],
        record: Callable[[Extents], None],
        *,
        every: float,
        volume: int,
    ) -> None:
        super().__init__(name=f"sync {part.path.name}", daemon=True)
        self._part = part
        self._look = look
        self._record = record
        self._every, self._volume = every, volume
        self._waiting = 0
        self._due = threading.Event()
        self._ended = False
        self.error: DownloadError | None = None

    def wrote(self, count: int) -> None:
        """Tell that so many bytes more are written."""
        self._waiting += count  # two threads may lose one of their counts: it is a hint, not an account
        if self._waiting >= self._volume:
            self._due.set()

    def finish(self) -> None:
        """Flush and record the rest, then end."""
        self._ended = True
        self._due.set()
        if self.ident is not None:
            self.join()

    def run(self) -> None:
        """Flush when it is due, until the end."""
        before: Extents = ()
        while True:
            self._due.wait(self._every)
            ended = self._ended
            self._due.clear()
            self._waiting = 0
            written = self._look()
            if written != before and not self._flush(written):
                return
            before = written
            if ended:
                return

    def _flush(self, written: Extents) -> bool:
        try:
            self._part.sync()
        except DownloadError as error:
            self.error = error
            return False
        self._record(written)
        return True
