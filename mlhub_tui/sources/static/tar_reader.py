"""Tar archives read in one pass, in bounded memory: headers and data in order, damage told from the end."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, cast

from ...content import GZIP_MAGIC
from ...errors import MLHubException
from ...text import one_line

Progress = Callable[[int, int | None], None]
"""Called with bytes done and in all (None where that is not known), from any thread."""
Cancelled = Callable[[], bool]
"""Called now and then: whether to stop."""

_PIECE = 1 << 20  # bytes
_EXTENDED = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_MAX_EXTENDED = 1 << 20  # bytes of a long name or of pax records; tarfile reads any number of them
_TOO_EARLY = "the archive ends too early: it is incomplete"
_NO_TAR = "the archive is neither a tar nor a tar.gz"
_REPORT = "download it again; if it stays so, report it to the owner of the data"


class DamagedArchive(MLHubException):
    """An archive that cannot be read to its end; what came before is good."""

    default_hint = "it may be incomplete: download it again; what could be read is shown"


class ArchiveReadCancelled(MLHubException):
    """The reading of an archive was cancelled."""


class _ObservedFile(io.FileIO):
    """A file that reports its position before each read, and ends the reading once it is cancelled."""

    def __init__(self, path: Path, progress: Progress | None, cancelled: Cancelled | None) -> None:
        super().__init__(path)
        self._progress, self._cancelled = progress, cancelled
        self._size = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes."""
        if self._cancelled is not None and self._cancelled():
            raise ArchiveReadCancelled("the reading of the archive was cancelled")
        if self._progress is not None:
            self._progress(self.tell(), self._size)
        return super().read(-1 if size is None else size) or b""


class _Header(tarfile.TarInfo):
    """A header that raises where `tarfile` takes damage for the end; what describes a member is bounded."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            match type(error).__name__:
                case "EOFHeaderError" | "EmptyHeaderError":  # the two proper ends
                    raise
                case _ if not tarfile_.offset:
                    raise DamagedArchive(_NO_TAR, hint=_REPORT) from None
                case "TruncatedHeaderError":
                    raise DamagedArchive(_TOO_EARLY) from None
            raise DamagedArchive(f"the archive is damaged at byte {tarfile_.offset:,}") from None

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        longest = _MAX_EXTENDED if header.type in _EXTENDED or header.type in tarfile.GNU_TYPES else None
        if header.size < 0 or (longest and header.type != tarfile.GNUTYPE_SPARSE and header.size > longest):
            raise tarfile.HeaderError("bad size")
        return header


def is_archive_head(head: bytes) -> bool:
    """Whether a file that begins so is a tar, or a gzip of anything but JSON, whatever its name."""
    if head[:2] != GZIP_MAGIC:
        return head[257:262] == b"ustar"
    try:
        inner = zlib.decompressobj(wbits=31).decompress(head, 64)
    except zlib.error:
        return True
    return not inner.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))


class TarReader:
    """The members of a `.tar`, or of a `.tar.gz` whatever its name, in order; every call blocks.

    Raises ArchiveReadCancelled; DamagedArchive where the archive cannot be read on.

    - `progress`, `cancelled`: Called before each read of the file.
    """

    def __init__(
        self, path: Path, *, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self._raw = _ObservedFile(path, progress, cancelled)
        magic = self._raw.read(2)
        self._is_empty = not magic
        self._raw.seek(0)
        packed = magic == GZIP_MAGIC
        self._file = gzip.GzipFile(fileobj=self._raw) if packed else io.BufferedReader(self._raw, _PIECE)

    def __enter__(self) -> TarReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def headers(self) -> Iterator[tarfile.TarInfo]:
        """Yield the headers, one after the other; the data of each may be read before the next."""
        if self._is_empty:
            return
        with _damage():
            archive = tarfile.TarFile(fileobj=self._file, tarinfo=_Header, encoding="utf-8")
        while True:
            with _damage():
                header = archive.next()
            if header is None:
                break
            stored = archive.offset - header.offset_data  # less than nothing where a pax size leads back
            needed = sum(size for _, size in stretches(header)) if header.issparse() else 0
            if header.size < 0 or stored < needed:
                raise DamagedArchive(f"the archive is damaged at byte {header.offset:,}")
            vars(archive)["members"].clear()  # else it keeps all of an archive of a million
            yield header
        if isinstance(self._file, gzip.GzipFile):
            self._verify(self._file)

    def _verify(self, file: gzip.GzipFile) -> None:
        """Read to the end, where the checksum is (RFC 1952, section 2.3.1); what follows does not count."""
        with _damage():
            try:
                while file.read(_PIECE):
                    pass
            except gzip.BadGzipFile as error:
                if "Not a gzipped file" not in str(error):
                    raise

    def pieces(self, header: tarfile.TarInfo) -> Iterator[tuple[int, bytes]]:
        """Yield the data of a regular file: where in it a piece of at most a megabyte stands, and the piece.

        What is in none of them is a hole of a sparse file: zeros.
        """
        with _damage():
            self._file.seek(header.offset_data)
        for start, left in stretches(header):
            while left:
                with _damage():
                    piece = self._file.read(min(left, _PIECE))
                if not piece:
                    raise DamagedArchive(_TOO_EARLY)
                yield start, piece
                start, left = start + len(piece), left - len(piece)


def stretches(header: tarfile.TarInfo) -> list[tuple[int, int]]:
    """Return where in a regular file its data stands: offsets and sizes; of a sparse file what is no hole."""
    found = cast("list[tuple[int, int]]", header.sparse) if header.issparse() else [(0, header.size)]
    return [(start, size) for start, size in found if size]  # the oldest form fills its map with nothing


@contextmanager
def _damage() -> Iterator[None]:
    """Translate why an archive cannot be read on."""
    try:
        yield
    except EOFError:
        raise DamagedArchive(_TOO_EARLY) from None
    except (ValueError, OverflowError, RecursionError):  # of pax records, in the words of Python
        raise DamagedArchive("the archive is damaged: a header cannot be read") from None
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile) as error:
        early = "unexpected end" in str(error)
        raise DamagedArchive(
            _TOO_EARLY if early else f"the archive is damaged ({one_line(error, 80)})"
        ) from None


def is_apple_double(name: str) -> bool:
    """Whether a member is what macOS writes beside a file of its name (AppleDouble)."""
    return name.rpartition("/")[2].startswith("._")


def is_packed(archive: Path) -> bool:
    """Whether an archive is a gzip."""
    with archive.open("rb") as file:
        return file.read(2) == GZIP_MAGIC
