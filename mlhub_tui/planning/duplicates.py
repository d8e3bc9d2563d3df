"""Twins: a file that has the same URL as one that is there is made of it instead of being fetched again."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from .. import fileio
from ..errors import FileConflict
from ..text import one_line
from ..transfer.local_folder import OutputTree

_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
)


def make_twin(tree: OutputTree, source: str, path: str, *, replace: bool = False) -> int:
    """Make a file that has the bytes of another one; return their number.

    It is a hard link, so that a thousand items that name one file take its room once; a copy where the disk
    has no links. What fetches files replaces them whole, so that one is never written through the other.

    Parameters
    ----------
    tree
        The folder both are in.
    source, path
        The file that is there, and the one to make, relative to it.
    replace
        Whether another file under its name is replaced.

    Raises
    ------
    FileConflict
        If there is another file under its name.
    OutputFolderError
        If it cannot be written.
    """
    first, target = tree.target(source), tree.target(path)
    tree.make(target)
    try:
        size = os.stat(first).st_size  # noqa: PTH116
        if os.path.lexists(target) and not _may_go(first, target, size, replace):
            return size
        part = f"{target}.part"
        Path(part).unlink(missing_ok=True)
        _link_or_copy(first, part)
        os.replace(part, target)  # noqa: PTH105
    except OSError as error:
        raise fileio.translate_os_error(error, Path(target)) from error
    return size


def _may_go(first: str, target: str, size: int, replace: bool) -> bool:
    """Return whether a file is to be replaced; not one that is the twin already."""
    if Path(target).is_file():
        status = os.stat(target)  # noqa: PTH116
        if os.path.samestat(status, os.stat(first)):  # noqa: PTH116
            return False
        if replace:
            return True
        if status.st_size == size:
            return False
    raise FileConflict(f"another file {one_line(Path(target).name, 80)} is there")


def _link_or_copy(first: str, part: str) -> None:
    try:
        os.link(first, part)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(first, part)
        shutil.copystat(first, part)
