"""Where the files of a work list stand, as far as its feed has to look at them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from ..errors import MLHubException
from ..transfer.local_folder import OutputTree
from .duplicates import make_twin


class OutputProbe(Protocol):
    """Where files stand; paths are relative, with `/`."""

    @property
    def seen(self) -> bool:
        """Whether files can be looked at from here."""
        ...

    def look(self, path: str) -> tuple[int, int] | None:
        """Return bytes and time (nanoseconds) of a file; None if it is not there."""
        ...

    def twin(self, source: str, path: str, *, replace: bool) -> int | None:
        """Make a file of one that is there and return its bytes; None where others do that.

        Raises
        ------
        MLHubException
            If it cannot be made.
        """
        ...


class LocalProbe:
    """A folder of this machine."""

    seen = True

    def __init__(self, folder: Path) -> None:
        self._tree = OutputTree(folder)

    def look(self, path: str) -> tuple[int, int] | None:
        """Return bytes and time of a file."""
        try:
            status = os.stat(self._tree.target(path))  # noqa: PTH116  (Path costs several times as much)
        except (OSError, MLHubException):
            return None
        return status.st_size, status.st_mtime_ns

    def twin(self, source: str, path: str, *, replace: bool) -> int | None:
        """Link a file, or copy it."""
        return make_twin(self._tree, source, path, replace=replace)


class NullProbe:
    """A store that is not looked at for each file: what was recorded is what counts."""

    seen = False

    def look(self, path: str) -> tuple[int, int] | None:
        """Return None."""
        return None

    def twin(self, source: str, path: str, *, replace: bool) -> int | None:
        """Return None: the store copies what it has, on request of the workers."""
        return None
