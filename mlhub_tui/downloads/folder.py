"""Whether the output folder can take a file: it is a folder, it can be written, and the disk has room."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from .. import text
from ..errors import NoSpaceError, OutputFolderError

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def normal(folder: Path) -> Path:
    """Return the folder as an absolute path with `~` expanded; nothing is created or resolved."""
    try:
        return folder.expanduser().absolute()
    except RuntimeError as error:  # `~nobody`: pathlib found no home folder
        raise OutputFolderError(f"no home folder for {text.one_line(folder, 200)}") from error


def check(folder: Path) -> None:
    """Raise OutputFolderError unless a file can be made in the folder, or the folder itself can be made."""
    try:
        there = _nearest(folder)
    except OSError as error:
        raise trouble(error, folder) from error
    if not there.is_dir():
        raise OutputFolderError(f"{_name(there)} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputFolderError(f"folder {_name(there)} cannot be written")


def make(folder: Path) -> None:
    """Create the folder and its parents; OutputFolderError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise trouble(error, folder) from error


def free(folder: Path) -> int | None:
    """Return how many bytes the disk of the folder (or of its nearest parent) has left for this user."""
    try:
        return shutil.disk_usage(_nearest(folder)).free
    except OSError:
        return None


def check_room(folder: Path, needed: int, *, reserved: int = 0) -> None:
    """Raise NoSpaceError where the disk has less than `needed` bytes beside the `reserved` ones."""
    left = free(folder)
    if left is None or left - reserved >= needed:
        return
    promised = f", {text.size(reserved)} of it for other transfers" if reserved else ""
    raise NoSpaceError(
        f"the disk of {_name(folder)} has {text.size(left)} left{promised}; {text.size(needed)} are needed"
    )


def device(folder: Path) -> int | None:
    """Return the number of the disk the folder is (or will be) on."""
    try:
        return _nearest(folder).stat().st_dev
    except OSError:
        return None


def trouble(error: OSError, path: Path) -> OutputFolderError:
    """Return what an error of the file system means to the user."""
    if error.errno in _FULL:
        return NoSpaceError(f"no space left on the disk of {_name(path)}")
    why = text.one_line(error.strerror or error, 120)
    return OutputFolderError(f"cannot write {_name(path)}: {why}")


def _nearest(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if os.path.lexists(candidate):
            return candidate
    return folder


def _name(path: Path) -> str:
    return text.one_line(path, 200)
