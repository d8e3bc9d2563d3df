"""Bytes of a tar archive taken in blocks from pieces of any size, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from ..sources.static.archive import DamagedArchive
from .tar_header import BLOCK

_CHUNK = 1 << 20  # bytes; a multiple of a block
_SPARSE = b"S"[0]


class TarStream:
    """Bytes that come in pieces, taken in the amounts of a tar archive."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._next = 0
        self.at = 0

    def header(self) -> bytes | None:
        """Return the next block, None at the end: a block of zeros, or the end of the data."""
        start = self._next
        block = self._piece[start : start + BLOCK]
        if len(block) == BLOCK:
            self._next = start + BLOCK
            self.at += BLOCK
        else:
            block = self._gather(BLOCK)
            if not block:
                return None
            if len(block) < BLOCK:
                raise DamagedArchive("the archive ends too early: it is not whole")
        return block if block[0] or any(block) else None

    def skip_sparse_map(self, block: bytes) -> None:
        """Pass over what follows the header of a sparse file (GNU) before its data: the rest of its map."""
        more = block[156] == _SPARSE and block[482]
        while more:
            more = self.take(BLOCK)[504]

    def take(self, size: int) -> bytes:
        """Return data, and pass over what fills up its last block."""
        whole = size + -size % BLOCK
        start = self._next
        if start + whole <= len(self._piece):
            self._next = start + whole
            self.at += whole
            return self._piece[start : start + size]
        found = self._gather(whole)
        if len(found) < size:
            raise DamagedArchive("the archive ends too early: it is not whole")
        return found[:size]

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield data in pieces of at most a megabyte, and pass over what fills up its last block."""
        left = size
        while left > 0:
            some = min(left, _CHUNK)
            # All but the last are whole blocks, after which there is nothing to pass over.
            yield self.take(some)
            left -= some

    def skip(self, size: int) -> None:
        """Pass over data, and what fills up its last block."""
        left = whole = size + -size % BLOCK
        while left > 0:
            here = len(self._piece) - self._next
            if here >= left:
                self._next += left
                left = 0
            else:
                left -= here
                self._piece, self._next = next(self._pieces, b""), 0
                if not self._piece:
                    raise DamagedArchive("the archive ends too early: it is not whole")
        self.at += whole

    def _gather(self, size: int) -> bytes:
        """Return so many bytes, or fewer at the end, from as many pieces as it takes."""
        parts = [self._piece[self._next :]]
        have = len(parts[0])
        while have < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        joined = b"".join(parts)
        self._piece, self._next = joined, min(size, len(joined))
        self.at += self._next
        return joined[:size]
