"""Headers of tar archives: one block of 512 bytes to name, size and kind (POSIX.1-2017, pax, "ustar")."""

from __future__ import annotations

from typing import NamedTuple

from ..sources.static.archive import DamagedArchive

BLOCK = 512
_USTAR = b"ustar\x00"
_REGULAR = frozenset((b"0"[0], 0, b"7"[0]))
_UNDERSTOOD = frozenset(b"xLK")
_NO_DATA = frozenset(b"123456")
_LINKS = frozenset(b"12")
_SPARSE = b"S"[0]
_EXTENDED = frozenset((b"x"[0], b"g"[0], b"L"[0], b"K"[0], b"X"[0]))
_FOLDER = b"5"[0]
_SPACES = sum(b" " * 8)
_STRANGE = range(128, 256)


class Header(NamedTuple):
    """A member's name and size in bytes, its type flag, and the target of a link, all as written."""

    name: str
    size: int
    kind: int
    link: str = ""

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with data."""
        return self.kind in _REGULAR

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.kind == _FOLDER

    @property
    def is_sparse(self) -> bool:
        """Whether it is a file whose holes are left out (GNU)."""
        return self.kind == _SPARSE

    @property
    def is_extended(self) -> bool:
        """Whether its data says something of the next member (a long name, pax records)."""
        return self.kind in _EXTENDED


def parse_header(block: bytes, at: int) -> Header:
    """Return the header in a block of 512 bytes, `at` bytes into the archive.

    Raises DamagedArchive if its checksum is wrong: it is no header.
    """
    if not _is_sound(block):
        raise DamagedArchive(f"the archive is damaged at byte {at:,}")
    name = _text(block[:100])
    if block[257:263] == _USTAR and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    kind = block[156]
    if not kind and name.endswith("/"):
        kind = _FOLDER  # as writers of before POSIX.1-1988 have them
    return Header(name, _number(block[124:136], at), kind, _text(block[157:257]) if kind in _LINKS else "")


def _is_sound(block: bytes) -> bool:
    try:
        stated = int(block[148:156].strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    unsigned = sum(block) - sum(block[148:156]) + _SPACES
    if stated == unsigned:
        return True
    # Old writers summed up signed bytes.
    negative = sum(1 for at, byte in enumerate(block) if byte in _STRANGE and not 148 <= at < 156)
    return stated == unsigned - 256 * negative


def _number(field: bytes, at: int) -> int:
    """Return a number in octal digits, or in base 256 where its first bit is set (GNU, large files)."""
    if field[0] & 0x80:
        return int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise DamagedArchive(f"the archive is damaged at byte {at:,}") from None


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


class ExtendedHeader(NamedTuple):
    """The fields of extended headers for the next member; None where they have none."""

    name: str | None = None
    size: int | None = None
    sparse: bool = False
    link: str | None = None

    def applied(self, header: Header) -> Header:
        """Return a header with what extended headers changed."""
        name = header.name if self.name is None else self.name
        link = header.link if self.link is None else self.link
        size = header.size if self.size is None else self.size
        # Links, folders and devices have no data, whatever size is stated.
        return Header(
            name, 0 if header.kind in _NO_DATA else size, _SPARSE if self.sparse else header.kind, link
        )


def read_extended_header(header: Header, data: bytes, before: ExtendedHeader) -> ExtendedHeader:
    """Return what an extended header says, over what those before it say."""
    if header.kind not in _UNDERSTOOD:
        return before
    if header.kind == b"L"[0]:
        return before._replace(name=_text(data))
    if header.kind == b"K"[0]:
        return before._replace(link=_text(data))
    records = _records(data)
    size = records.get("size", "")
    return ExtendedHeader(
        records.get("GNU.sparse.name", records.get("path", before.name)),
        int(size) if size.isascii() and size.isdigit() and len(size) < 20 else before.size,
        before.sparse or any(key.startswith("GNU.sparse") for key in records),
        records.get("linkpath", before.link),
    )


def _records(data: bytes) -> dict[str, str]:
    """Return pax records, `LENGTH KEY=VALUE` each; reading stops at the first that is none."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        if space < 0 or not data[at:space].isdigit():
            break
        end = at + int(data[at:space])
        key, mark, value = data[space + 1 : end - 1].partition(b"=")
        if end <= space or not mark:
            break
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at = end
    return records
