"""The files of a dataset's job: counted and listed by what became of them, whichever program runs it.

For a screen that shows them: `DatasetFiles(job.request)`, in a thread; `DownloadQueue.retry(job.id)` fetches
those again that failed.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

from ..errors import DownloadError
from ..text import one_line
from .manifest import Entry, FileStatus, Manifest, ManifestStats
from .manifest_lock import list_path
from .requests import DatasetRequest


class DatasetFiles:
    """Reads the work list of a dataset, each call one look at it as it stands; calls block.

    Parameters
    ----------
    request
        What the job is for.

    Raises
    ------
    DownloadError
        If the list is there and cannot be read.
    """

    def __init__(self, request: DatasetRequest) -> None:
        path = list_path(request)
        try:
            # One that is not there yet is not made: the job may never come so far.
            self._list = Manifest(path) if path.exists() else None
        except sqlite3.Error as error:
            raise _unreadable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the list."""
        if self._list is not None:
            self._list.close()

    def standing(self) -> ManifestStats:
        """Return how many files there are by what became of them, and their bytes."""
        try:
            return ManifestStats() if self._list is None else self._list.standing()
        except sqlite3.Error as error:
            raise _unreadable(error) from error

    def page(self, fate: FileStatus | None = None, *, after: int = 0, most: int = 200) -> list[Entry]:
        """Return files in the order of the catalog.

        Parameters
        ----------
        fate
            Only those of one kind: wanted, done, failed; None for all.
        after
            The `id` of the last entry of the page before; 0 for the first page.
        most
            How many at most.
        """
        try:
            return [] if self._list is None else self._list.entries(fate, after=after, most=most)
        except sqlite3.Error as error:
            raise _unreadable(error) from error


def _unreadable(error: sqlite3.Error) -> DownloadError:
    return DownloadError(f"the list of files cannot be read: {one_line(error, 120)}")
