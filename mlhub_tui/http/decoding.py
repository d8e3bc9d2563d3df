"""Content codings (RFC 9110, section 8.4): which of them a response has, which are undone, and how."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..content import GZIP_MAGIC, START
from ..errors import UnexpectedAnswer, VerificationFailed
from ..text import one_line
from .errors import BodyNotWanted

if TYPE_CHECKING:
    from .connection import BodySink

IDENTITY = {"Accept-Encoding": "identity, gzip;q=0.5, *;q=0"}
"""Headers that ask once more for the file as it is, where a coding came that nobody here can undo."""

RAW_DEFLATE = "deflate without its header"
"""What some servers send as deflate (RFC 9110, section 8.4.1.2)."""

_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
_KNOWN = frozenset({"gzip", "deflate", "compress", "br", "zstd"})
_GZIP_SUFFIXES = (".gz", ".tgz", ".taz", ".bgz", ".svgz")  # of files that are gzip data themselves
_MAGICS = {"gzip": GZIP_MAGIC, "compress": b"\x1f\x9d", "zstd": b"\x28\xb5\x2f\xfd"}
_WBITS = {"gzip": 31, "deflate": zlib.MAX_WBITS, RAW_DEFLATE: -zlib.MAX_WBITS}
_PIECE = 1 << 16
_ENOUGH = 512  # bytes that tell what a content is: a tar header


class Undecodable(UnexpectedAnswer):
    """An answer has a content coding that cannot be undone here."""

    default_hint = "retry later, or report it to the owner"

    def __init__(self, coding: str, name: str) -> None:
        what = one_line(coding, 20)
        super().__init__(f"the server sent {name} compressed as {what}, which was not asked for")


class BodyCollector:
    """Collects the first `limit` bytes of a body in `data`; raises BodyNotWanted if there are more."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self._limit = limit

    def write(self, view: memoryview, /) -> None:
        """Append the bytes, up to the limit."""
        room = self._limit - len(self.data)
        self.data += view[:room]
        if len(view) > room:
            raise BodyNotWanted(f"the body is longer than {self._limit} bytes")


class DecodingSink:
    """Removes content codings, the first one first, on the way to another sink; call `finish` after the body.

    `write` and `finish` raise VerificationFailed if the body is not so encoded, or truncated.
    """

    def __init__(self, sink: BodySink, undone: Sequence[str]) -> None:
        self._inflater = Inflater(undone[0])
        self._inner = DecodingSink(sink, undone[1:]) if len(undone) > 1 else None
        self._sink = self._inner or sink

    def write(self, view: memoryview, /) -> None:
        """Decode the bytes and write the result in pieces, however far they were compressed."""
        for piece in self._inflater.pieces(bytes(view)):
            self._sink.write(memoryview(piece))

    def finish(self) -> None:
        """Raise VerificationFailed if the encoded body is truncated."""
        self._inflater.finish()
        if self._inner is not None:
            self._inner.finish()


class Inflater:
    """Undoes gzip, of one member or several, or deflate; `whole` is whether nothing is missing so far."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflater = zlib.decompressobj(_WBITS[coding])
        self.begun = self.whole = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what encoded bytes are, in small pieces; VerificationFailed if they are not so encoded."""
        full = False
        while data or full:
            if self.whole:
                if self._coding != "gzip" or not data.startswith(GZIP_MAGIC[: len(data)]):
                    return  # padding, or what does not belong to it
                self._inflater, self.whole = zlib.decompressobj(_WBITS[self._coding]), False
            try:
                piece = self._inflater.decompress(data, _PIECE)
            except zlib.error as error:
                raise self._damaged(error) from error
            self.begun, self.whole = True, self._inflater.eof
            data = self._inflater.unused_data if self.whole else self._inflater.unconsumed_tail
            full = len(piece) == _PIECE and not self.whole
            if piece:
                yield piece

    def finish(self) -> None:
        """Raise VerificationFailed unless that was all of it."""
        if self.begun and not self.whole:
            raise self._damaged("it ends too early")

    def _damaged(self, why: object) -> VerificationFailed:
        return VerificationFailed(f"what was sent as {self._coding} is damaged: {one_line(why, 80)}")


def unpacked_start(start: bytes) -> bytes:
    """Return the first bytes of what was compressed with gzip; `start` itself where too few are there."""
    inflater = Inflater("gzip")
    try:
        inside = next(inflater.pieces(start), b"")
    except VerificationFailed:
        return start
    return inside[:START] if len(inside) >= _ENOUGH or inflater.whole else start


def codings(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the content codings of a response in the order in which they were applied.

    What is no coding (`aws-chunked`, `UTF-8`, `none`, `binary`: stores keep what an upload said) is identity.
    """
    if "content-encoding" not in headers:
        return ()
    named = (token.strip().lower() for token in headers["content-encoding"].split(","))
    return tuple(_ALIASES.get(name, name) for name in named if _ALIASES.get(name, name) in _KNOWN)


def is_gzip_name(name: str) -> bool:
    """Return whether a file is gzip data itself, by the end of its name."""
    return name.lower().endswith(_GZIP_SUFFIXES)


def is_ambiguous(found: Sequence[str], name: str) -> bool:
    """Return whether only the first bytes tell if codings are those of the stored file itself."""
    return bool(found) and set(found) == {"gzip"} and is_gzip_name(name)


def to_undo(
    found: Sequence[str], name: str, start: bytes, size: int | None, announced: int | None = None
) -> tuple[tuple[str, ...], bytes]:
    """Return the codings that are to be undone so that the file is left, and its first bytes then.

    The last applied one comes first. `found` are those of the answer, `start` the first bytes of its body,
    `size` the bytes of the whole body, `announced` those of the file; None if not known. Raises Undecodable
    if one of them cannot be undone.
    """
    undone: list[str] = []
    gzip = is_gzip_name(name)
    if gzip and size is not None and size == announced:
        return (), start
    for coding in reversed(found):
        magic = _MAGICS.get(coding)
        if not start or (magic is not None and not start.startswith(magic)):
            continue  # a label without the coding
        if coding == "compress" and name.lower().endswith(".z"):
            continue
        for way in (coding, RAW_DEFLATE) if coding == "deflate" else (coding,):
            if way not in _WBITS:
                raise Undecodable(coding, name)
            try:
                inner = next(Inflater(way).pieces(start), b"")
            except VerificationFailed:
                continue
            # Else it is the label of what is stored.
            if coding != "gzip" or not gzip or inner.startswith(GZIP_MAGIC):
                undone.append(way)
                start = inner
            break
    return tuple(undone), start
