"""Looks at the files of a finished dataset once more: whether they are there with the size they had."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import MLHubException
from ..text import count, one_line
from ..transfer.engine import TransferCancelled
from ..transfer.local_folder import OutputTree
from .dataset_files import DatasetFiles
from .job_context import cluster_package
from .manifest import FileStatus
from .manifest_queue import Sizes
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
    store = cluster_package().ObjectStore(request.asset_place) if request.url else None
    sizes: Sizes = store.sizes() if store else _sizes_in(request.asset_folder)
    wrong, first, seen, last = 0, "", 0, 0
    with DatasetFiles(request) as files:
        while page := files.page(FileStatus.DONE, after=last, most=_PAGE):
            if stop.is_set():
                raise TransferCancelled
            for entry, size in zip(page, sizes([one.file.path for one in page]), strict=True):
                seen += entry.size or 0
                if size != entry.size:
                    wrong, first = wrong + 1, first or entry.file.path
            last = page[-1].id
            tell(seen)
    if not wrong:
        return ""
    return f"{count(wrong, 'file')} gone or changed, {one_line(first, 200)} first"


def _sizes_in(folder: Path) -> Sizes:
    """Return what gives the bytes of files of this machine."""
    tree = OutputTree(folder)

    def size(path: str) -> int | None:
        try:
            return Path(tree.target(path)).stat().st_size
        except (OSError, MLHubException):
            return None

    return lambda paths: [size(path) for path in paths]
