"""Walking a tar archive in one pass: its members in order, in bounded memory.

The standard library's `tarfile` keeps every member and makes an object of dozens of fields of each; a
catalog archive has hundreds of thousands of members of a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...http.json_document import MAX_DOCUMENT
from ...text import size
from .remarks import HUGE, OUTSIDE, SPECIAL, SkipReport
from .tar_header import BLOCK, Header, Said, parse_header, read_said
from .unpacked import DamagedArchive

_LONGEST_SAID = 1 << 20
_CHUNK = 1 << 20  # bytes; a multiple of a block
_SPARSE = b"S"[0]
_ENDS = (".json", ".geojson", ".ndjson", ".geojsonl", ".jsonl")


class Member(NamedTuple):
    """A regular file of an archive.

    Parameters
    ----------
    name
        Its path in the archive with forward slashes, without `./`; never absolute, never with `..`.
    offset
        Where its data begins in the unpacked archive, in bytes.
    size
        Bytes of data.
    content
        Its data; None where it was not wanted.
    """

    name: str
    offset: int
    size: int
    content: bytes | None


def is_document(name: str) -> bool:
    """Whether a member is a document by its name; what AppleDouble writes beside them is none."""
    return name.lower().endswith(_ENDS) and not name.rpartition("/")[2].startswith("._")


def walk(
    pieces: Iterator[bytes],
    remarks: SkipReport,
    *,
    wanted: Callable[[str], bool] = is_document,
    largest: int = MAX_DOCUMENT,
) -> Iterator[Member]:
    """Yield the regular files of an archive in order.

    Members whose names lead out of the archive, links, devices and documents that are too large are left
    out and remarked.

    Parameters
    ----------
    pieces
        The unpacked bytes.
    remarks
        Takes what is left out.
    wanted
        Whether the data of a member is wanted, by its name.
    largest
        Bytes; data of more is not read.

    Raises
    ------
    DamagedArchive
        If there is no header where one should be, or the end comes too early; what came before is good.
    """
    data = Data(pieces)
    said = Said()
    while (block := data.header()) is not None:
        header = parse_header(block, data.at - BLOCK)
        if header.is_about_next:
            if header.size > _LONGEST_SAID:
                raise DamagedArchive(f"the archive is damaged at byte {data.at:,}")
            said = read_said(header, data.take(header.size), said)
            continue
        data.skip_sparse_map(block)
        header, said = said.applied(header), Said()
        name = _name(header, remarks)
        offset = data.at
        if name is None:
            data.skip(header.size)
        elif not wanted(name):
            data.skip(header.size)
            yield Member(name, offset, header.size, None)
        elif header.size > largest:
            remarks.add(HUGE, f"{name} ({size(header.size)})")
            data.skip(header.size)
        else:
            yield Member(name, offset, header.size, data.take(header.size))


def _name(header: Header, remarks: SkipReport) -> str | None:
    """Return the name under which a member is known; None if it is left out."""
    if not header.is_regular:
        if not header.is_folder:
            remarks.add(SPECIAL, header.name)
        return None
    name = header.name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    if name.startswith("/") or name[1:2] == ":" or "/../" in f"/{name}/":
        remarks.add(OUTSIDE, name)
        return None
    if "//" in name or "/./" in name:
        name = "/".join(part for part in name.split("/") if part not in ("", "."))
    return name or None


class Data:
    """Bytes that come in pieces, taken in the amounts of a tar archive."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._next = 0
        self.at = 0

    def header(self) -> bytes | None:
        """Return the next block, None at the end: a block of zeros, or no more data."""
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
