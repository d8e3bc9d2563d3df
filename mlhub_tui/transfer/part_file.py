"""Part files: locked by their writer, written at positions, flushed, renamed.

A file grows as `NAME.part`, which one writer holds open and locked, and gets its name when it is whole.
"""

from __future__ import annotations

import os
import threading
from io import FileIO
from pathlib import Path
from typing import Self

from ..errors import FileConflict, TargetBusy
from ..fileio import make_folder, rename_new, translate_os_error, try_lock
from ..storage import sync_folder

_flush = getattr(os, "fdatasync", os.fsync)


class PartFile:
    """An open, locked part file with one writer.

    Parameters
    ----------
    path
        The part file; it is made if it is not there, and its folder too.

    Raises
    ------
    TargetBusy
        If another program, or another transfer of this one, has it.
    OutputFolderError
        If it cannot be made or opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._moving = threading.Lock()
        make_folder(path.parent)
        try:
            self._file = open_locked(path)
        except OSError as error:
            raise translate_os_error(error, path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def descriptor(self) -> int:
        """The descriptor of the open file."""
        return self._file.fileno()

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def inode(self) -> str:
        """Device and number of the file."""
        return inode(os.fstat(self._file.fileno()))

    @property
    def allocated(self) -> int:
        """The bytes that it takes on the disk: less than its length while there are holes in it."""
        status = os.fstat(self._file.fileno())
        return min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)

    @property
    def changed(self) -> int:
        """When it was changed last, in nanoseconds since the epoch."""
        return os.fstat(self._file.fileno()).st_mtime_ns

    def write(self, offset: int, view: memoryview) -> None:
        """Write all of the view at an offset, from any thread.

        Raises
        ------
        OutputFolderError, NoSpaceError
            If that fails.
        """
        try:
            while view:
                written = self._write(offset, view)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def _write(self, offset: int, view: memoryview) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._file.fileno(), view, offset)
        with self._moving:  # Windows has no pwrite
            self._file.seek(offset)
            return self._file.write(view) or 0

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from an offset."""
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), count, offset)
        with self._moving:
            self._file.seek(offset)
            return self._file.read(count) or b""

    def truncate(self, size: int) -> None:
        """Cut it to a size in bytes, or make it longer by a hole."""
        if self.size != size:
            self._file.truncate(size)

    def sync(self) -> None:
        """Flush what was written to the disk; callable while another thread writes."""
        try:
            _flush(self._file.fileno())
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def close(self) -> None:
        """Close the file, which releases its lock."""
        self._file.close()

    def remove_if_empty(self) -> bool:
        """Remove a file that nothing was written to; return whether it was one."""
        if self._file.closed or self.size > 0:
            return False
        self.path.unlink(missing_ok=True)
        return True

    def commit(self, target: Path, *, overwrite: bool) -> None:
        """Give the whole file its final name, safe on disk.

        Raises
        ------
        FileConflict
            If something stands under the name and is not to be overwritten; the part stays.
        OutputFolderError
            If the system refuses.
        """
        try:
            os.fsync(self._file.fileno())
            if os.name != "posix":
                self.close()  # Windows does not rename an open file
            if target.is_dir():
                raise FileConflict(f"{target.name} became a folder")
            if overwrite:
                self.path.replace(target)
            else:
                rename_new(self.path, target)
        except FileExistsError as error:
            raise FileConflict(f"a file {target.name} appeared meanwhile") from error
        except OSError as error:
            raise translate_os_error(error, target) from error
        sync_folder(target.parent)


def inode(status: os.stat_result) -> str:
    """Return what tells a file from another one under its name."""
    return f"{status.st_dev}:{status.st_ino}"


def open_locked(path: Path) -> FileIO:
    """Open a part file, made if it is not there, as its only writer; TargetBusy if there is another one."""
    for _ in range(8):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        if not try_lock(descriptor):
            os.close(descriptor)
            raise TargetBusy(f"another program is writing {path.name}")
        try:
            same = inode(path.stat()) == inode(os.fstat(descriptor))
        except FileNotFoundError:
            same = False
        if same:
            return os.fdopen(descriptor, "r+b", buffering=0)
        os.close(descriptor)  # the last writer just gave it its final name
    raise TargetBusy(f"other programs are writing {path.name}")
