"""Content checks: whether bytes are the file that was asked for, or what a server sent in place of it.

Pure functions over the first bytes of a file, its size and what is known of it beforehand, for any engine.
What comes with the announced size is never refused for its looks, unless it is a document or a text in place
of an archive; what contradicts both is.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from urllib.parse import unquote

from .. import errors, text
from ..content import (
    GZIP_MAGIC,
    READABLE,
    START,
    ContentKind,
    first_line,
    is_odd,
    is_tar,
    is_text_name,
    recognise,
)
from ..http.representation import Inflater, unpacked_start
from .config import Expected
from .engine import TransferCancelled

_CHUNK = 1 << 20
_SMALL = 8 << 20  # bytes of an archive that are decompressed in no time
_TRAILER = 8  # bytes of CRC and length (RFC 1952, section 2.3.1)
_TAIL = 1024  # decompressed bytes: a tar's two last blocks
_BLOCK = 512  # bytes of a tar header; an archive ends with two such blocks of zeros (POSIX pax)


def contradiction(
    expected: Expected, start: bytes, size: int | None, media_type: str = ""
) -> ContentKind | None:
    """Return what bytes are that cannot be the file; None where they may be it.

    `start` are its first bytes, none only if there are none at all; `size` the bytes of the whole, announced
    or arrived, None if not known yet; of the answer's `media_type` only whether it is HTML counts.
    """
    announced = bool(start) and size is not None and size == expected.size
    if announced and not expected.archive:
        return None
    content = unpacked_start(start) if expected.archive else start
    kind = recognise(content, media_type)
    if kind is ContentKind.NOTHING:
        return kind if expected.archive or expected.size else None
    if kind is ContentKind.PAGE:
        return None if expected.page else kind
    if kind is ContentKind.POINTER:
        return kind
    if expected.archive and kind is ContentKind.OTHER:  # the announced size may confirm it yet
        unknown = size is None and expected.size is not None
        return None if announced or unknown or content is not start else kind
    if expected.archive:
        return None if kind in (ContentKind.GZIP, ContentKind.TAR) else kind
    # Sizes in catalogs may be stale: a text alone is refused only where they contradict it too, or it is
    # labelled as one.
    stands_in = kind in READABLE and _is_odd(expected, kind)
    other_size = size is not None and expected.size is not None
    labelled = media_type.lower().startswith("text/")
    return kind if stands_in and (kind is not ContentKind.TEXT or other_size or labelled) else None


def _is_odd(expected: Expected, kind: ContentKind) -> bool:
    """Return whether what people can read is not of the format of a file, by the ends of its name and URL.

    A dataset's files are named as radiant_mlhub does, where `a.tif.aux.xml` and `info.json?of=a.tif` become
    a `.tif`.
    """
    if not is_odd(kind, expected.name):
        return False
    url = expected.link.url if expected.link is not None else ""
    last = unquote(re.split("[?#;]", url, maxsplit=1)[0]).rpartition("/")[2]
    return is_odd(kind, last) or not is_text_name(last)


def refused(
    expected: Expected, kind: ContentKind, start: bytes, size: int | None, *, place: str = "", url: str = ""
) -> errors.UnexpectedAnswer:
    """Return the error for a file in whose place the host `place` sent another: what, and its first line."""
    words = f"{place or 'the server'} sent {kind} instead of {expected.name}"
    if size is not None and expected.size is not None and size != expected.size:
        words += " ({}, announced are {})".format(*text.sizes(size, expected.size))
    if kind in READABLE and (line := _first_line(expected, start)):
        words += f": {line}"
    hint = "the link may have expired, or the server may have failed: retry later"
    if kind is ContentKind.PAGE:
        hint = "on a guest network, log in to its portal first; else retry later"
    if kind is ContentKind.POINTER:
        hint = "`git lfs pull` in a clone of the repository fetches its content"
    return errors.UnexpectedAnswer(words, url=url, status=200, hint=hint)


def _first_line(expected: Expected, start: bytes) -> str:
    hidden = expected.link.hidden if expected.link is not None else ()
    return first_line(unpacked_start(start) if expected.archive else start, hidden)


class Gzip:
    """Follows gzip data by its own CRC (RFC 1952, section 2.3.1), piece by piece, in bounded memory.

    `name` is for errors; `head` and `tail` are the first and the last decompressed bytes so far.
    """

    def __init__(self, name: str) -> None:
        self._name, self._inflater = name, Inflater("gzip")
        self.head = self.tail = b""

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next piece; VerificationFailed if it is no gzip data, or a CRC does not agree."""
        try:
            for piece in self._inflater.pieces(bytes(data)):
                if len(self.head) < _BLOCK:
                    self.head = (self.head + piece[:_BLOCK])[:_BLOCK]
                self.tail = piece[-_TAIL:] if len(piece) >= _TAIL else (self.tail + piece)[-_TAIL:]
        except errors.VerificationFailed as error:
            words = f"{self._name} is not a whole gzip file: {error.message}"
            raise errors.VerificationFailed(words) from error

    def finish(self) -> None:
        """Raise VerificationFailed unless that was all of it."""
        if not self._inflater.whole:
            raise errors.VerificationFailed(f"{self._name} ends in the middle of its gzip data")


def gzip_whole(path: Path, stop: threading.Event) -> Gzip:
    """Read a gzip file to its end and return what was seen of it.

    Raises VerificationFailed unless it is a whole gzip file, TransferCancelled if `stop` is set meanwhile.
    """
    gzip = Gzip(path.name.removesuffix(".part"))
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            if stop.is_set():
                raise TransferCancelled
            gzip.feed(data)
    gzip.finish()
    return gzip


def check_whole(expected: Expected, path: Path, stop: threading.Event, media_type: str = "") -> str:
    """Check a file that has come to its end; return what the user should know of it.

    An archive that is small, of another size than announced, or of a size that nobody announced, is read to
    the end of its gzip data: only what is whole by that is it.

    Raises UnexpectedAnswer if it is something else, VerificationFailed if it is an archive that ends too
    early or is damaged, TransferCancelled if `stop` is set meanwhile.
    """
    size = path.stat().st_size
    start = beginning(path)
    if kind := contradiction(expected, start, size, media_type):
        raise refused(expected, kind, start, size)
    if not expected.archive:
        return "" if size or expected.size == 0 else "the server sent an empty file"
    kind = recognise(start)
    if size == expected.size and kind is not ContentKind.GZIP:
        return f"{kind} rather than gzip data, of the announced size"
    if size == expected.size:
        # Reading a large one takes as long as fetching it; its end of nothing but zeros was never written.
        if size <= _SMALL or not piece(path, size - _TRAILER, _TRAILER).strip(b"\0"):
            gzip_whole(path, stop)
        return ""
    if kind is ContentKind.GZIP:
        _check_gzip(expected, path, size, stop)
    elif not _ends_as_tar(path, size):
        raise errors.VerificationFailed(_short(expected, size))
    announced = "" if expected.size is None else f"the API announces {text.size(expected.size)}"
    plain = "" if kind is ContentKind.GZIP else "a tar archive without compression"
    return "; ".join(filter(None, [announced, plain]))


def is_other(expected: Expected, path: Path) -> bool:
    """Return whether a file that stands on disk cannot be what is expected; reads its first bytes only."""
    try:
        return contradiction(expected, beginning(path), path.stat().st_size, "") is not None
    except OSError:
        return False


def piece(path: Path, start: int, most: int) -> bytes:
    """Return at most so many bytes of a file, from one on."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(most)


def beginning(path: Path) -> bytes:
    """Return the first bytes of a file."""
    return piece(path, 0, START)


def _check_gzip(expected: Expected, path: Path, size: int, stop: threading.Event) -> None:
    checked = gzip_whole(path, stop)
    if expected.size is None:
        return
    if checked.head.startswith(GZIP_MAGIC):
        twice = f"{expected.name} came compressed once more: {text.size(size)}"
        raise errors.VerificationFailed(f"{twice}, announced are {text.size(expected.size)}")
    # Gzip data may consist of several members: cut between two of them, only the tar in them tells.
    ended = is_tar(checked.head) and not checked.tail.strip(b"\0") and len(checked.tail) >= 2 * _BLOCK
    if size < expected.size and not ended:
        raise errors.VerificationFailed(_short(expected, size))


def _ends_as_tar(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - 2 * _BLOCK))
        return size % _BLOCK == 0 and not file.read().strip(b"\0")


def _short(expected: Expected, size: int) -> str:
    if expected.size is None:
        return f"{expected.name} is not whole: {text.size(size)} came"
    came, announced = text.sizes(size, expected.size)
    return f"{expected.name} is not whole: {came} came, announced are {announced}"
