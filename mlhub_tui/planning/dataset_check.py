"""Looks at the files of a finished dataset once more: whether they are there with the size they had."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import MLHubException
from ..text import count, one_line
from ..transfer.failures import TransferCancelled
from ..transfer.local_folder import OutputTree
from .dataset_files import DatasetFiles
from .manifest import FileStatus
from .requests import DatasetRequest

_PAGE = 1000


def trouble_with(request: DatasetRequest, tell: Callable[[int], None], stop: threading.Event) -> str:
    """Return what is wrong with the files of a dataset, in one line; empty where nothing is.

    Parameters
    ----------
    tell
        Called with the bytes of the files looked at.
    stop
        Ends it.

    Raises
    ------
    TransferCancelled
        If it was stopped.
    DownloadError
        If the list of files cannot be read.
    MLHubException
        If the files are in a store that cannot be asked.
    """
    place = _place(request)
    wrong, first, seen, last = 0, "", 0, 0
    with DatasetFiles(request) as files:
        while page := files.page(FileStatus.DONE, after=last, most=_PAGE):
            if stop.is_set():
                raise TransferCancelled
            for entry, size in zip(page, place.sizes([one.file.path for one in page]), strict=True):
                seen += entry.size or 0
                if size != entry.size:
                    wrong, first = wrong + 1, first or entry.file.path
            last = page[-1].id
            tell(seen)
    if not wrong:
        return ""
    return f"{count(wrong, 'file')} gone or changed, {one_line(first, 200)} first"


class _Place(Protocol):
    """Where the files are."""

    def sizes(self, paths: Sequence[str]) -> Sequence[int | None]:
        """Return the bytes of files by their relative paths; None for those that are not there."""
        ...


def _place(request: DatasetRequest) -> _Place:
    if request.url:
        from ..cluster.checking import StoreListing

        return StoreListing(request.asset_place)
    return _Disk(request.asset_folder)


class _Disk:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._tree = OutputTree(folder)

    def sizes(self, paths: Sequence[str]) -> Sequence[int | None]:
        """Look at the files."""
        return [self._size(path) for path in paths]

    def _size(self, path: str) -> int | None:
        try:
            return Path(self._tree.target(path)).stat().st_size
        except (OSError, MLHubException):
            return None
