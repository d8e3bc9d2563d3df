"""Reading documents of the local disk; every call blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from ...errors import AccessDenied, EntityDoesNotExist, RequestError
from ...http.hrefs import shown
from ...http.json_document import MAX_DOCUMENT
from ...text import one_line
from .document_urls import local_path
from .parse import Fetched, too_large, unreadable

_ROOTS = ("catalog.json", "collection.json")


def read_file(url: str) -> Fetched:
    """Return the document of a `file` URL.

    Raises
    ------
    EntityDoesNotExist
        If there is no such file.
    AccessDenied
        If it may not be read.
    UnexpectedAnswer
        If it is no regular file (a device, a pipe), or too large.
    """
    try:
        with open_file(url) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_DOCUMENT:
                raise too_large(url, size)
            return Fetched(url, file.read(size + 1))  # as much room is made as is asked for
    except OSError as error:
        raise of_system(error, url) from None


def open_file(url: str) -> BinaryIO:
    """Open the regular file of a `file` URL for reading.

    Raises
    ------
    OSError
        If it cannot be opened.
    UnexpectedAnswer
        If it is no regular file.
    """
    # A pipe without a writer would hold the opening for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(_existing(url), flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise unreadable(url, "a folder or device, no document")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def of_system(error: OSError, url: str) -> RequestError:
    """Return our error for what the system says of a file."""
    where = shown(url)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return EntityDoesNotExist(f"not found: {where}", url=where, hint="check the path")
    if isinstance(error, PermissionError):
        return AccessDenied(f"not allowed to read {where}", url=where, hint="check the file's permissions")
    if isinstance(error, IsADirectoryError):
        return unreadable(url, "a folder, no document")
    return unreadable(url, f"cannot be read ({one_line(error.strerror or error, 80)})")


def _existing(url: str) -> Path:
    """Return the path of a URL; a name that was written with `%20` in it may really have it.

    A link of a catalog that was copied from a server may have a query, which no file has in its name.
    """
    path = local_path(url)
    if "%" in url and not path.exists():
        bare = str(path).partition("?")[0]
        for other in (Path(url.partition("://")[2]), Path(bare)):
            if other.is_file():
                return other
    return path


def root_of(folder: Path) -> Path:
    """Return the document that a folder's catalog begins with: in it, or in its one subfolder with any.

    Raises
    ------
    EntityDoesNotExist
        If there is none, or there are several.
    """
    for name in _ROOTS:
        if (folder / name).is_file():
            return folder / name
    for name in _ROOTS:
        try:
            below = sorted(folder.glob(f"*/{name}"))
        except OSError:
            below = []
        if len(below) == 1:
            return below[0]
        if below:
            raise EntityDoesNotExist(
                f"there are {len(below)} catalogs in folders of {one_line(folder)}",
                hint="name one of these folders",
            )
    raise EntityDoesNotExist(
        f"there is no catalog.json or collection.json in {one_line(folder)}",
        hint="name the document that the catalog begins with",
    )
