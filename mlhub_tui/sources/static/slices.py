"""Slices: a part of an open file as a file of its own."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from typing import BinaryIO, cast


def open_unpacked(archive: Path) -> BinaryIO:
    """Open an archive for reading what is in it, gzip or not."""
    file = archive.open("rb")
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if not packed:
        return file
    file.close()
    return cast(BinaryIO, gzip.open(archive, "rb"))


class Slice(io.BufferedReader):
    """A part of a file that can be read and sought; closing it closes the file.

    Parameters
    ----------
    file
        The file.
    offset, size
        Where the part begins, and how long it is, in bytes.
    """

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        super().__init__(_RawSlice(file, offset, size), 1 << 16)


class _RawSlice(io.RawIOBase):
    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer
        wanted = min(len(buffer), max(self._size - self._at, 0))
        if not wanted:
            return 0
        self._file.seek(self._offset + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
