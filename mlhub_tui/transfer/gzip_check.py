"""Gzip data followed to its end: its own CRC and length, what it begins with and ends with."""

from __future__ import annotations

import threading
import zlib
from pathlib import Path

from ..errors import VerificationFailed
from .failures import TransferCancelled

MAGIC = b"\x1f\x8b"
"""What gzip data begins with (RFC 1952, section 2.3.1)."""

_CHUNK = 1 << 20
_HEAD, _TAIL = 512, 1024  # decompressed bytes that are held: a tar's first header, and its two last blocks


class Gzip:
    """Follows gzip data by its own CRC (RFC 1952, section 2.3.1), piece by piece, in bounded memory.

    Parameters
    ----------
    name
        The file, for what is said of it.

    Attributes
    ----------
    head, tail
        The first and the last decompressed bytes so far.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._inflater = zlib.decompressobj(wbits=31)
        self._inside, self._members = False, 0
        self.head = self.tail = b""

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next piece; VerificationFailed if it is no gzip data, or a CRC does not agree."""
        while data:
            if not self._inside and self._members and not bytes(data).strip(b"\0"):
                return  # padding after the last member
            try:
                self._take(self._inflater.decompress(data, _CHUNK))
            except zlib.error as error:
                raise VerificationFailed(f"{self._name} is not a whole gzip file: {error}") from error
            self._inside = not self._inflater.eof
            data = self._inflater.unconsumed_tail if self._inside else self._inflater.unused_data
            if not self._inside:
                self._inflater, self._members = zlib.decompressobj(wbits=31), self._members + 1

    def finish(self) -> None:
        """Raise VerificationFailed unless that was all of it."""
        if self._inside or not self._members:
            raise VerificationFailed(f"{self._name} ends in the middle of its gzip data")

    def _take(self, data: bytes) -> None:
        if len(self.head) < _HEAD:
            self.head = (self.head + data[:_HEAD])[:_HEAD]
        self.tail = data[-_TAIL:] if len(data) >= _TAIL else (self.tail + data)[-_TAIL:]


def gzip_whole(path: Path, stop: threading.Event) -> Gzip:
    """Read a gzip file to its end and return what was seen of it.

    Raises
    ------
    VerificationFailed
        Unless it is a whole gzip file.
    TransferCancelled
        If `stop` is set meanwhile.
    """
    gzip = Gzip(path.name.removesuffix(".part"))
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            if stop.is_set():
                raise TransferCancelled
            gzip.feed(data)
    gzip.finish()
    return gzip
