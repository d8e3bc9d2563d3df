"""A gzip file whose bytes can be asked for at any place: many members of stored blocks (RFC 1951, RFC 1952).

Nothing is compressed, so the place of every byte follows from arithmetic and no build of zlib can change it.
Each member carries the checksum of its own megabyte only, so a range costs what it holds and no more.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from .pictures import stored
from .tarstream import TarWriter

_STORED_MAX = 65535
_BLOCKS = 16
PAYLOAD = _STORED_MAX * _BLOCKS
"""Uncompressed bytes in a full member."""

_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_TRAILER = 8
_BLOCK_HEAD = 5


def _member_size(payload: int) -> int:
    blocks = max(1, -(-payload // _STORED_MAX))
    return len(_HEAD) + blocks * _BLOCK_HEAD + payload + _TRAILER


_FULL = _member_size(PAYLOAD)


class GzipStream:
    """The bytes of `stream` as a `.gz` file, `size` of them."""

    def __init__(self, stream: TarWriter) -> None:
        self._stream = stream
        full, rest = divmod(stream.size, PAYLOAD)
        self.size = full * _FULL + (_member_size(rest) if rest else 0)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop`, one gzip member or part of one at a time."""
        while start < stop:
            number, inside = divmod(start, _FULL)
            piece = self._member(number)[inside : inside + stop - start]
            yield piece
            start += len(piece)

    def _member(self, number: int) -> bytes:
        payload = self._stream.read(number * PAYLOAD, PAYLOAD)
        return _HEAD + stored(payload) + struct.pack("<II", zlib.crc32(payload), len(payload))
