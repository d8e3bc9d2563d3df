"""What to do with a file that is there under the final name already."""

from __future__ import annotations

import os
import threading
from enum import Enum, auto
from pathlib import Path

from ... import errors, text
from ...errors import FileConflict, OutputFolderError
from .. import folder
from ..content_checks import Expected, Kind, beginning, check_whole, is_other, recognise
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


class Existing(Enum):
    """What a file under the final name is to a download."""

    NONE = auto()
    """Nothing is there, or what was there became the part of the download."""
    WHOLE = auto()
    """The file itself."""
    OTHER = auto()
    """Something that a server once sent in its place: it is replaced once the file is whole."""
    UNKNOWN = auto()
    """Only a comparison with the whole file can tell: the server sends it in another form."""


def examined(
    target: Path,
    part: Path,
    expected: Expected,
    wire: Wire,
    journal: Journal,
    tuning: Tuning,
    stop: threading.Event,
) -> Existing:
    """Return what the file under the final name is; one that is half done becomes the part.

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
        return Existing.NONE
    if is_other(expected, target):
        return Existing.OTHER
    name, size = target.name, status.st_size
    version = probe.head(wire, expected)
    if version.total is None:
        if size == expected.size:
            return Existing.WHOLE
        # An encoded form that was stored as it came.
        encoded = not expected.gzip and recognise(beginning(target)) is Kind.GZIP
        if encoded or not _is_whole(expected, target, size, stop):
            return Existing.OTHER
        return Existing.UNKNOWN
    if size == version.total:
        if not _is_whole(expected, target, size, stop):
            return Existing.OTHER
        _drop_twin(part, status)
        return Existing.WHOLE
    sizes = f"{text.size(size)} here, {text.size(version.total)} on the server"
    if size > version.total:
        raise FileConflict(f"a larger file {name} is there ({sizes})")
    if part.exists():
        raise FileConflict(f"a file {name} is there beside the part of this download ({sizes})")
    if not version.spliceable or not probe.agrees(wire, target, size, version, tuning):
        if not _is_whole(expected, target, size, stop):
            return Existing.OTHER
        raise FileConflict(f"another file {name} is there ({sizes})")
    try:
        target.rename(part)
    except OSError as error:
        raise folder.trouble(error, part) from error
    journal.begin(part, Entry(wire.url, version, synced=size, inode=inode(status)))
    return Existing.NONE


def _is_whole(expected: Expected, target: Path, size: int, stop: threading.Event) -> bool:
    """Return whether an archive of another size than the API announces is whole; any other file may be."""
    if not expected.archive or expected.size is None or size == expected.size:
        return True
    try:
        check_whole(expected, target, stop)
    except (errors.VerificationFailed, errors.UnexpectedAnswer):
        return False
    return True


def _drop_twin(part: Path, status: os.stat_result) -> None:
    """Remove the part's name if the program ended between giving the final name and taking this one away."""
    try:
        if inode(part.stat()) == inode(status):
            part.unlink()
    except FileNotFoundError:
        return
