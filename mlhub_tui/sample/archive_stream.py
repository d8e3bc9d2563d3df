"""Archives whose bytes can be read at any place: a tar of members made when read, in a gzip of stored blocks.

Nothing is compressed (RFC 1951, RFC 1952), so the place of every byte follows from arithmetic and no build of
zlib can change it. Each gzip member carries the checksum of its own megabyte only, so that a range costs only
what it holds.
"""

from __future__ import annotations

import struct
import tarfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .pictures import stored

_BLOCK = tarfile.BLOCKSIZE
_MTIME = 1_612_224_000  # 2021-02-02, about when the hosted archives were made

Reader = Callable[[int, int], bytes]
"""Returns the content from an offset on, `length` bytes of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; `size` in bytes must be what `read` can give."""

    name: str
    size: int
    read: Reader


def whole(content: bytes) -> Reader:
    """Return a reader of bytes that are there already."""
    return lambda offset, length: content[offset : offset + length]


def lazily(make: Callable[[], bytes]) -> Reader:
    """Return a reader of bytes that are generated again for each read."""
    return lambda offset, length: make()[offset : offset + length]


class TarWriter:
    """The uncompressed bytes of a tar archive (POSIX ustar), `size` of them.

    Parameters
    ----------
    folders
        Names of the folders, without a slash at the end; they come first.
    members
        The files in order.
    """

    def __init__(self, folders: list[str], members: list[Member]) -> None:
        pieces: list[tuple[int, Reader]] = [(_BLOCK, whole(_folder(name))) for name in folders]
        for member in members:
            pieces.append((_BLOCK, whole(_file(member))))
            pieces.append((member.size, member.read))
            pieces.append((-member.size % _BLOCK, _zeros))
        pieces.append((2 * _BLOCK, _zeros))
        self._starts: list[int] = []
        self._pieces: list[tuple[int, Reader]] = []
        self.size = 0
        for size, reader in pieces:
            if size:
                self._starts.append(self.size)
                self._pieces.append((size, reader))
                self.size += size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` on; fewer only at the end."""
        end = min(offset + length, self.size)
        found: list[bytes] = []
        place = bisect_right(self._starts, offset) - 1
        while offset < end:
            size, reader = self._pieces[place]
            inside = offset - self._starts[place]
            piece = reader(inside, min(size - inside, end - offset))
            found.append(piece)
            offset += len(piece)
            place += 1
        return b"".join(found)


def _zeros(offset: int, length: int) -> bytes:
    return bytes(length)


def _header(info: tarfile.TarInfo) -> bytes:
    info.mtime, info.uname, info.gname = _MTIME, "root", "root"
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8")


def _folder(name: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return _header(info)


def _file(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size, info.mode = member.size, 0o644
    return _header(info)


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
