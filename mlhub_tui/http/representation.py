"""Representations of files (RFC 9110, section 8): size, version, ranges, checksums, and codings to undo."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..content import GZIP_MAGIC, START, is_plain
from ..errors import UnexpectedAnswer, VerificationFailed
from ..text import one_line
from .errors import BodyNotWanted, status_error
from .urls import address, host_label

if TYPE_CHECKING:
    from .response import BodySink, Response

IDENTITY = {"Accept-Encoding": "identity, gzip;q=0.5, *;q=0"}
"""Headers that ask once more for the file as it is, where a coding came that nobody here can undo."""

RAW_DEFLATE = "deflate without its header"
"""What some servers send as deflate (RFC 9110, section 8.4.1.2)."""

_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
_KNOWN = frozenset({"gzip", "deflate", "compress", "br", "zstd"})
_GZIP_SUFFIXES = (".gz", ".tgz", ".taz", ".bgz", ".svgz")  # of files that are gzip data themselves
_MAGICS = {"gzip": GZIP_MAGIC, "compress": b"\x1f\x9d", "zstd": b"\x28\xb5\x2f\xfd"}
_OWN_NAMES = {"compress": (".z",), "br": (".br",), "zstd": (".zst", ".zstd", ".tzst")}  # of files so encoded
_WBITS = {"gzip": 31, "deflate": zlib.MAX_WBITS, RAW_DEFLATE: -zlib.MAX_WBITS}
_WAYS = {"gzip": ("gzip", "deflate"), "deflate": ("gzip", "deflate", RAW_DEFLATE)}  # servers confuse the two
_CODING = re.compile(r"[\w-]+", re.ASCII)  # also of what some write in quotes, or with a weight
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
    named = _CODING.findall(headers["content-encoding"].lower())
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
        if not start or (magic is not None and coding not in _WAYS and not start.startswith(magic)):
            continue  # a label without the coding
        # Of what cannot be undone here, Brotli has no beginning of its own: what has another is not encoded.
        if name.lower().endswith(_OWN_NAMES.get(coding, ())) or (coding == "br" and is_plain(start)):
            continue
        if coding not in _WAYS:
            raise Undecodable(coding, name)
        for way in _WAYS[coding]:
            try:
                inner = next(Inflater(way).pieces(start), b"")
            except VerificationFailed:
                if way != "gzip" or not start.startswith(GZIP_MAGIC):
                    continue
                inner = b""  # it is damaged, which decoding all of it will show
            # Else it is the label of what is stored.
            if way != "gzip" or not gzip or inner.startswith(GZIP_MAGIC):
                undone.append(way)
                start = inner
            break
    return tuple(undone), start


_CONTENT_RANGE = re.compile(r"bytes[ =]+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)


class ContentRange(NamedTuple):
    """A Content-Range: first and last byte (both None in a 416), and the size if it is known."""

    first: int | None
    last: int | None
    total: int | None


def parse_content_range(value: str | None) -> ContentRange | None:
    """Return a parsed Content-Range (RFC 9110, section 14.4); None if there is none that makes sense."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip())
    if match is None:
        return None
    first, last, total = (None if part in (None, "*") else int(part) for part in match.groups())
    if first is not None and last is not None and (last < first or (total is not None and last >= total)):
        return None
    return ContentRange(first, last, total)


def is_whole(response: Response) -> bool:
    """Return whether a response carries all of a file: some send it as a 206 that nobody asked for."""
    span = parse_content_range(response.headers.get("content-range"))
    return response.status == 200 or (
        span is not None and (span.first, span.last) == (0, (span.total or 0) - 1)
    )


def raise_for_response(
    response: Response,
    what: str,
    *,
    page: bool = False,
    body: bytes = b"",
    key_sent: bool = False,
    hidden: Iterable[str] = (),
) -> None:
    """Raise what a response means that is not the file `what`; see `status_error`.

    UnexpectedAnswer for several ranges in its place, and for a web page unless `page` says that it may be
    one, or is judged by its first bytes anyway. The range of a 206 is not judged here.
    """
    status, headers = response.status, response.headers
    if status not in (200, 206):
        raise status_error(
            status,
            response.url,
            headers,
            body,
            reason=response.reason,
            what=what,
            key_sent=key_sent,
            hidden=hidden,
        )
    words = ""
    if not page and is_page(headers):
        words = f"sent a web page in place of {what}"
    elif status == 200 and headers.get("content-type", "").lower().startswith("multipart/byteranges"):
        words = f"sent {what} as several ranges, which were not requested"
    if words:
        raise UnexpectedAnswer(
            f"{host_label(response.url)} {words}", url=address(response.url), status=status
        )


def is_page(headers: Mapping[str, str]) -> bool:
    """Return whether a response is labelled as a web page, which it may not be."""
    return _media_type(headers) in ("text/html", "application/xhtml+xml")


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
