"""What to do with a file that is there under the final name already."""

from __future__ import annotations

import os
from pathlib import Path

from ... import text
from ...errors import FileConflict, OutputFolderError
from .. import folder
from ..job import IfExists
from ..tuning import Tuning
from . import probe
from .journal import Entry, Journal
from .part import inode
from .wire import Wire


def settled(target: Path, if_exists: IfExists) -> bool:
    """Return whether nothing is to be fetched, as far as can be told without the server.

    Raises
    ------
    OutputFolderError
        If a folder stands under the name.
    """
    if target.is_dir():
        raise OutputFolderError(f"{text.one_line(target, 200)} is a folder")
    return if_exists is IfExists.SKIP and os.path.lexists(target)


def whole(target: Path, part: Path, wire: Wire, journal: Journal, tuning: Tuning) -> bool:
    """Return whether the file that is there is the whole one; a half-done one becomes the part.

    The seed library's rule for `resume` compares sizes. A smaller file may be what another tool (curl, wget,
    the seed library) left half done: it is taken over if its first and last KB are the server's.

    Raises
    ------
    FileConflict
        If it is larger, or smaller and something else, or cannot be compared.
    """
    try:
        status = target.stat()
    except FileNotFoundError:
        return False
    name = target.name
    version = probe.head(wire, name)
    if version.total is None:
        raise FileConflict(f"a file {name} is there, and the server does not tell its size to compare")
    if status.st_size == version.total:
        _drop_twin(part, status)
        return True
    sizes = f"{text.size(status.st_size)} here, {text.size(version.total)} on the server"
    if status.st_size > version.total:
        raise FileConflict(f"a larger file {name} is there ({sizes})")
    if part.exists():
        raise FileConflict(f"a file {name} is there beside the part of this download ({sizes})")
    if not version.spliceable or not probe.agrees(wire, target, status.st_size, version, tuning):
        raise FileConflict(f"another file {name} is there ({sizes})")
    try:
        target.rename(part)
    except OSError as error:
        raise folder.trouble(error, part) from error
    journal.begin(part, Entry(wire.url, version, synced=status.st_size, inode=inode(status)))
    return False


def _drop_twin(part: Path, status: os.stat_result) -> None:
    """Remove the part's name if the program ended between giving the final name and taking this one away."""
    try:
        if inode(part.stat()) == inode(status):
            part.unlink()
    except FileNotFoundError:
        return
