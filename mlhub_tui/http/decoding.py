"""Content codings (RFC 9110, section 8.4): which of them a response has, decoders, decoding sinks."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .. import text
from ..errors import VerificationFailed
from .errors import BodyNotWanted

if TYPE_CHECKING:
    from .connection import BodySink

_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
_KNOWN = frozenset({"gzip", "deflate", "compress", "br", "zstd"})
RAW_DEFLATE = "deflate without its header"
"""What some servers send as deflate (RFC 9110, section 8.4.1.2)."""

_WBITS = {"gzip": 31, "deflate": zlib.MAX_WBITS, RAW_DEFLATE: -zlib.MAX_WBITS}
_GZIP_MAGIC = b"\x1f\x8b"
_STEP = 1 << 10  # bytes given to a library at once, which may make thousands of times as many of them
_PIECE = 1 << 16


def codings(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the content codings of a response in the order in which they were applied.

    What is no coding (`aws-chunked`, `UTF-8`, `none`, `binary`: stores keep what an upload said) is identity.
    """
    if "content-encoding" not in headers:
        return ()
    named = (token.strip().lower() for token in headers["content-encoding"].split(","))
    return tuple(_ALIASES.get(name, name) for name in named if _ALIASES.get(name, name) in _KNOWN)


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
    """Removes content codings on the way to another sink; call `finish` after the body.

    Parameters
    ----------
    decoder
        As `decoder` returns it.

    Raises
    ------
    VerificationFailed
        From `write` and `finish`, if the body is not so encoded, or truncated.
    """

    def __init__(self, sink: BodySink, decoder: Decoder) -> None:
        self._sink = sink
        self._decoder = decoder

    def write(self, view: memoryview, /) -> None:
        """Decode the bytes and write the result in pieces, however far they were compressed."""
        self._decoder.feed(bytes(view))
        while piece := self._decoder.take(_PIECE):
            self._sink.write(memoryview(piece))

    def finish(self) -> None:
        """Raise VerificationFailed if the encoded body is truncated."""
        self._decoder.finish()


class Decoder(Protocol):
    """Undoes a coding piece by piece: `feed` a piece, then `take` until nothing comes."""

    def feed(self, data: bytes) -> None:
        """Take encoded bytes."""
        ...

    def take(self, most: int) -> bytes:
        """Return decoded bytes; none where more is to be fed, or at the end.

        Raises
        ------
        VerificationFailed
            If the bytes are not in this coding.
        """
        ...

    def finish(self) -> None:
        """Raise VerificationFailed unless the encoded bytes have come to their end."""
        ...


def decoder(undone: Sequence[str]) -> Decoder:
    """Return what undoes codings, the first one first; as `decoder_of` knows them."""
    made = [found for found in map(decoder_of, undone) if found is not None]
    assert made
    assert len(made) == len(undone)
    chain: Decoder = made[0]
    for following in made[1:]:
        chain = _Chain(chain, following)
    return chain


def decoded(undone: Sequence[str], body: bytes | bytearray, most: int) -> bytearray | None:
    """Return a whole body without its codings; None if that is more than `most` bytes.

    Raises
    ------
    VerificationFailed
        If it is damaged, or cut short.
    """
    chain, found = decoder(undone), bytearray()
    chain.feed(bytes(body))
    while piece := chain.take(_PIECE):
        found += piece
        if len(found) > most:
            return None
    chain.finish()
    return found


class _Zlib:
    """Gzip, of one member or several, or deflate."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflater = zlib.decompressobj(_WBITS[coding])
        self._data = b""
        self._full = False
        self._begun = self._ended = False

    def feed(self, data: bytes) -> None:
        self._data += data

    def take(self, most: int) -> bytes:
        while self._data or self._full:
            if self._ended:
                if self._coding != "gzip" or not self._data.startswith(_GZIP_MAGIC[: len(self._data)]):
                    self._data = b""  # padding, or what does not belong to it
                    return b""
                self._inflater, self._ended = zlib.decompressobj(_WBITS[self._coding]), False
            try:
                found = self._inflater.decompress(self._data, most)
            except zlib.error as error:
                raise _damaged(self._coding, error) from error
            self._begun = True
            self._ended = self._inflater.eof
            self._data = self._inflater.unused_data if self._ended else self._inflater.unconsumed_tail
            self._full = len(found) == most and not self._ended
            if found:
                return found
        return b""

    def finish(self) -> None:
        if self._begun and not self._ended:
            raise _damaged(self._coding, "it ends too early")


class _Library:
    """What a library undoes, fed with little at once: it cannot be told how much to return.

    Parameters
    ----------
    make
        Returns a decompressor: of one frame, after which another may follow.
    """

    def __init__(self, coding: str, make: Callable[[], Any]) -> None:
        self._coding = coding
        self._make = make
        self._frame = make()
        self._data = self._found = b""
        self._begun = self._ended = False

    def feed(self, data: bytes) -> None:
        self._data += data

    def take(self, most: int) -> bytes:
        while not self._found and self._data:
            if self._ended:
                self._frame, self._ended = self._make(), False
            piece, self._data = self._data[:_STEP], self._data[_STEP:]
            try:
                self._found = self._frame.decompress(piece)
                self._ended = self._frame.eof
            except Exception as error:  # each library has errors of its own
                raise _damaged(self._coding, error) from error
            self._begun = True
            if self._ended:
                self._data = self._frame.unused_data + self._data
        found, self._found = self._found[:most], self._found[most:]
        return found

    def finish(self) -> None:
        if self._begun and not self._ended:
            raise _damaged(self._coding, "it ends too early")


class _Brotli:
    """Brotli's library in the manner of the others."""

    unused_data = b""

    def __init__(self, library: Any) -> None:
        self._brotli = library.Decompressor()
        self.decompress = getattr(self._brotli, "process", None) or self._brotli.decompress

    @property
    def eof(self) -> bool:
        return bool(self._brotli.is_finished())


class _Chain:
    """One coding undone after another."""

    def __init__(self, first: Decoder, second: Decoder) -> None:
        self._first = first
        self._second = second

    def feed(self, data: bytes) -> None:
        self._first.feed(data)

    def take(self, most: int) -> bytes:
        while not (found := self._second.take(most)):
            between = self._first.take(_PIECE)
            if not between:
                return b""
            self._second.feed(between)
        return found

    def finish(self) -> None:
        self._first.finish()
        self._second.finish()


def decoder_of(coding: str) -> Decoder | None:
    """Return what undoes one coding; None where nothing here does."""
    if coding in _WBITS:
        return _Zlib(coding)
    if coding == "br" and (library := _imported("brotli", "brotlicffi")):
        return _Library("br", lambda: _Brotli(library))
    if coding == "zstd" and (library := _imported("compression.zstd", "backports.zstd")):
        return _Library("zstd", library.ZstdDecompressor)
    if coding == "zstd" and (library := _imported("zstandard")):
        return _Library("zstd", lambda: library.ZstdDecompressor().decompressobj())
    return None


def _imported(*names: str) -> Any:
    """Return the first of some libraries that is installed; None where none is."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _damaged(coding: str, why: object) -> VerificationFailed:
    return VerificationFailed(f"what was sent as {coding} is damaged: {text.one_line(why, 80)}")
