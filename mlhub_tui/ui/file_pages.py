"""The files of a dataset's job, a page in memory at a time, whatever their number."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import DownloadError
from ..planning.manifest import Entry, FileStatus, Manifest, ManifestStats
from ..planning.manifest_lock import list_path
from ..planning.requests import DatasetRequest
from ..text import one_line
from ..threads import in_thread

T = TypeVar("T")
PAGE = 200
"""Entries of a page."""


@dataclass(frozen=True, slots=True)
class FileQuery:
    """How a job stands, and where the pages of one kind of its files begin."""

    standing: ManifestStats
    fate: FileStatus | None
    marks: list[int]

    @property
    def count(self) -> int:
        """How many files of that kind there are."""
        by_fate = {
            FileStatus.WANTED: self.standing.wanted,
            FileStatus.DONE: self.standing.done,
            FileStatus.FAILED: self.standing.failed,
        }
        return self.standing.files if self.fate is None else by_fate[self.fate]


class FilePages:
    """Looks at the work list of a dataset's job, from a thread; the list is opened once it is there.

    Parameters
    ----------
    request
        What the job is for.
    """

    def __init__(self, request: DatasetRequest) -> None:
        self._path = list_path(request)
        self._list: Manifest | None = None
        self._guard = threading.Lock()

    async def look(self, fate: FileStatus | None) -> FileQuery:
        """Return how the job stands, and where pages begin.

        Raises
        ------
        DownloadError
            If the list is there and cannot be read.
        """

        def work() -> FileQuery:
            files = self._opened()
            if files is None:
                return FileQuery(ManifestStats(), fate, [])
            return FileQuery(files.standing(), fate, files.marks(fate, every=PAGE))

        return await self._reading(work)

    async def page(self, look: FileQuery, number: int) -> list[Entry]:
        """Return the files of a page; errors as of `look`."""

        def work() -> list[Entry]:
            files = self._opened()
            if files is None or not 0 <= number < len(look.marks):
                return []
            return files.entries(look.fate, after=look.marks[number], most=PAGE)

        return await self._reading(work)

    async def close(self) -> None:
        """Close the list."""

        def work() -> None:
            with self._guard:
                if self._list is not None:
                    self._list.close()

        await in_thread(work)

    def _opened(self) -> Manifest | None:
        if self._list is None and self._path.exists():
            self._list = Manifest(self._path)
        return self._list

    async def _reading(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            with self._guard:
                return work()

        try:
            return await in_thread(guarded)
        except sqlite3.Error as error:
            raise DownloadError(f"the list of files cannot be read: {one_line(error, 120)}") from error
