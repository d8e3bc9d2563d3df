"""Content codings that were not asked for: which of them an answer has, and its bytes without them.

RFC 9110, section 8.4. A server may compress what it passes on though `identity` was asked for, and it may
label a stored `.tar.gz` as gzip, which it is: what is to be undone is told by name, size and first bytes.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .. import errors, text
from .content_checks import START, Expected
from .gzip_check import MAGIC

IDENTITY = {"Accept-Encoding": "identity, gzip;q=0.5, *;q=0"}
"""Headers that ask once more for the file as it is, where a coding came that nobody here can undo."""

_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
_KNOWN = frozenset({"gzip", "deflate", "compress", "br", "zstd"})
_MAGICS = {"gzip": MAGIC, "compress": b"\x1f\x9d", "zstd": b"\x28\xb5\x2f\xfd"}
_RAW_DEFLATE = "deflate without its header"  # what some servers send as deflate (RFC 9110, section 8.4.1.2)
_WBITS = {"gzip": 31, "deflate": zlib.MAX_WBITS, _RAW_DEFLATE: -zlib.MAX_WBITS}
_STEP = 1 << 10  # bytes given to a library at once, which may make thousands of times as many of them
_PIECE = 1 << 16


class Undecodable(errors.UnexpectedAnswer):
    """An answer has a content coding that cannot be undone here."""

    default_hint = "retry later, or report it to the owner"

    def __init__(self, coding: str, expected: Expected) -> None:
        what = text.one_line(coding, 20)
        super().__init__(f"the server sent {expected.name} compressed as {what}, which was not asked for")


def codings(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the content codings of an answer in the order in which they were applied.

    What is no coding (`aws-chunked`, `UTF-8`, `none`, `binary`: stores keep what an upload said) is identity.
    """
    named = (token.strip().lower() for token in headers.get("content-encoding", "").split(","))
    return tuple(_ALIASES.get(name, name) for name in named if _ALIASES.get(name, name) in _KNOWN)


def is_ambiguous(found: Sequence[str], expected: Expected) -> bool:
    """Return whether only the first bytes tell if codings are those of the stored file itself."""
    return bool(found) and set(found) == {"gzip"} and expected.gzip


def to_undo(found: Sequence[str], expected: Expected, start: bytes, size: int | None) -> tuple[str, ...]:
    """Return the codings that are to be undone so that the file is left, the last applied one first.

    Parameters
    ----------
    found
        Those of the answer.
    start
        The first bytes of its body.
    size
        The bytes of its whole body; None if not known.

    Raises
    ------
    Undecodable
        If one of them cannot be undone.
    """
    undone: list[str] = []
    if expected.gzip and size is not None and size == expected.size:
        return ()
    for coding in reversed(found):
        magic = _MAGICS.get(coding)
        if not start or (magic is not None and not start.startswith(magic)):
            continue  # a label without the coding
        if coding == "compress" and expected.name.lower().endswith(".z"):
            continue
        name, inner = _begun(coding, start, expected)
        if name is None:
            continue
        if coding == "gzip" and expected.gzip and not inner.startswith(MAGIC):
            continue  # the label of what is stored
        undone.append(name)
        start = inner
    return tuple(undone)


def _begun(coding: str, start: bytes, expected: Expected) -> tuple[str | None, bytes]:
    """Return how a coding is undone, with the first bytes without it; None where they do not have it."""
    for name in (coding, _RAW_DEFLATE) if coding == "deflate" else (coding,):
        decoder = _decoder(name)
        if decoder is None:
            raise Undecodable(coding, expected)
        try:
            decoder.feed(start)
            return name, decoder.take(START)
        except errors.VerificationFailed:
            continue
    return None, b""


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
    """Return what undoes codings, the first one first; each is one of `to_undo`."""
    made = [found for found in map(_decoder, undone) if found is not None]
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
                if self._coding != "gzip" or not self._data.startswith(MAGIC[: len(self._data)]):
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


def _decoder(coding: str) -> Decoder | None:
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


def _damaged(coding: str, why: object) -> errors.VerificationFailed:
    return errors.VerificationFailed(f"what was sent as {coding} is damaged: {text.one_line(why, 80)}")
