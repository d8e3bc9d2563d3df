"""Looks at the files of a finished dataset once more: whether they are there with the size they had."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import MLHubException
from ..text import count, one_line
from .dataset_files import DatasetFiles
from .job import DatasetRequest
from .many.places import Tree
from .plan.worklist import Fate
from .trouble import Interrupted

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
    Interrupted
        If it was stopped.
    DownloadError
        If the list of files cannot be read.
    """
    tree = Tree(request.asset_folder)
    wrong, first, seen, last = 0, "", 0, 0
    with DatasetFiles(request) as files:
        while page := files.page(Fate.DONE, after=last, most=_PAGE):
            if stop.is_set():
                raise Interrupted
            for entry in page:
                seen += entry.size or 0
                if _size(tree, entry.file.path) != entry.size:
                    wrong, first = wrong + 1, first or entry.file.path
            last = page[-1].id
            tell(seen)
    if not wrong:
        return ""
    return f"{count(wrong, 'file')} gone or changed, {one_line(first, 200)} first"


def _size(tree: Tree, path: str) -> int | None:
    try:
        return Path(tree.target(path)).stat().st_size
    except (OSError, MLHubException):
        return None
