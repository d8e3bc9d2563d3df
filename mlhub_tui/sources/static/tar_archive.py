"""Tar archives of static catalogs: their documents in one pass, in bounded memory, not unpacked to disk."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from ...errors import MLHubException
from ...http.json_document import MAX_DOCUMENT, NestedTooDeep, NotJSON, value_of
from ...http.key_removal import KeyRemoval
from ...models import JsonDict
from ...text import count, one_line, size

Progress = Callable[[int, int | None], None]
"""Called with bytes done and in all (None where that is not known), from any thread."""
Cancelled = Callable[[], bool]
"""Called now and then: whether to stop."""

GZIP_MAGIC = b"\x1f\x8b"
_OUTSIDE = "whose name leads out of the archive"
_SPECIAL = "that is a link or device"
_NO_JSON = "that is not JSON"
_PLURALS = {
    _OUTSIDE: "whose names lead out of the archive",
    _SPECIAL: "that are links or devices",
    _NO_JSON: "that are not JSON",
}
_DOCUMENT_NAMES = (".json", ".geojson", ".ndjson", ".geojsonl", ".jsonl")
_EXTENDED = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_MAX_EXTENDED = 1 << 20  # bytes of a long name or of pax records; tarfile reads any number of them
_TOO_EARLY = "the archive ends too early: it is incomplete"


class DamagedArchive(MLHubException):
    """An archive that cannot be read to its end; what came before is good."""

    default_hint = "it may be incomplete: download it again; what could be read is shown"


class ArchiveReadCancelled(MLHubException):
    """The reading of an archive was cancelled."""


class SkipReport:
    """Members left out of an archive, counted by reason; the first name of each reason is saved."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self.damage = ""

    def add(self, reason: str, name: str) -> None:
        """Count a member that was left out."""
        self._counts[reason] += 1
        self._first.setdefault(reason, one_line(name, 80))

    def lines(self) -> tuple[str, ...]:
        """Return a line for each reason, after the damage of the archive as a whole."""
        lines = [self.damage] if self.damage else []
        for reason, number in self._counts.items():
            why = reason if number == 1 else _PLURALS.get(reason, reason)
            lines.append(f"{count(number, 'member')} {why} left out: {self._first[reason]}")
        return tuple(lines)


class ArchiveMember(NamedTuple):
    """A regular file of an archive.

    - `name`: Its path with forward slashes, without `./`; never absolute, never with `..`.
    - `offset`, `size`: Where its data is in the unpacked archive, in bytes.
    - `content`: Its data; None of a file that is no document.
    """

    name: str
    offset: int
    size: int
    content: bytes | None


class _ObservedFile(io.FileIO):
    """A file that reports its position before each read, and ends the reading once it is cancelled."""

    def __init__(self, path: Path, progress: Progress | None, cancelled: Cancelled | None) -> None:
        super().__init__(path)
        self._progress, self._cancelled = progress, cancelled
        self.size = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes."""
        if self._cancelled is not None and self._cancelled():
            raise ArchiveReadCancelled("the reading of the archive was cancelled")
        if self._progress is not None:
            self._progress(self.tell(), self.size)
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


def members(
    path: Path, report: SkipReport, *, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> Iterator[ArchiveMember]:
    """Yield the regular files of a `.tar`, or of a `.tar.gz` whatever its name, in order; it blocks.

    `report` gets what is left out: members whose names lead outside, links, devices, documents too large.

    Raises ArchiveReadCancelled, DamagedArchive after it was cancelled, and where the archive cannot be read
    on.
    """
    with _ObservedFile(path, progress, cancelled) as raw:
        magic = raw.read(2)
        raw.seek(0)
        if not magic:
            return
        file = gzip.GzipFile(fileobj=raw) if magic == GZIP_MAGIC else raw
        try:
            with tarfile.TarFile(fileobj=file, tarinfo=_Header, encoding="utf-8") as archive:
                while (header := archive.next()) is not None:
                    vars(archive)["members"].clear()  # else it keeps all of an archive of a million
                    name = _safe_name(header, report)
                    if name and _is_document(name) and header.size > MAX_DOCUMENT:
                        report.add("too large to be read", f"{name} ({size(header.size)})")
                    elif name:
                        content = _content(file, header) if _is_document(name) else None
                        yield ArchiveMember(name, header.offset_data, header.size, content)
        except EOFError:
            raise DamagedArchive(_TOO_EARLY) from None
        except (tarfile.TarError, zlib.error, gzip.BadGzipFile, ValueError, RecursionError) as error:
            early = "unexpected end" in str(error)
            why = _TOO_EARLY if early else f"the archive is damaged ({one_line(error, 80)})"
            raise DamagedArchive(why) from None


def documents(
    path: Path,
    *,
    report: SkipReport | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    keys: KeyRemoval | None = None,
) -> Iterator[tuple[str, JsonDict]]:
    """Yield the member path and the JSON object of each document of an archive; ends early when cancelled.

    `keys` are taken out of the documents.
    """
    report = report if report is not None else SkipReport()
    try:
        for member in members(path, report, progress=progress, cancelled=cancelled):
            if member.content is None:
                continue
            try:
                value = value_of(member.content, keys=keys)
            except NotJSON as error:
                deep = isinstance(error, NestedTooDeep)
                report.add("nested too deep to be read" if deep else _NO_JSON, member.name)
                continue
            if isinstance(value, dict):
                yield member.name, value
            else:
                report.add(_NO_JSON, member.name)
    except ArchiveReadCancelled:
        return
    if progress is not None:
        progress(path.stat().st_size, path.stat().st_size)


def _content(file: io.FileIO | gzip.GzipFile, header: tarfile.TarInfo) -> bytes:
    file.seek(header.offset_data)
    content = file.read(header.size)
    if len(content) < header.size:
        raise DamagedArchive(_TOO_EARLY)
    return content


def _is_document(name: str) -> bool:
    """Whether a member is a document by its name; what AppleDouble writes beside them is none."""
    return name.lower().endswith(_DOCUMENT_NAMES) and not name.rpartition("/")[2].startswith("._")


def _safe_name(header: tarfile.TarInfo, report: SkipReport) -> str:
    """Return the name under which a member is known; empty if it is left out."""
    if not header.isreg() or header.issparse():
        if not header.isdir():
            report.add(_SPECIAL, header.name)
        return ""
    name = header.name.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or "/../" in f"/{name}/":
        report.add(_OUTSIDE, name)
        return ""
    return "/".join(part for part in name.split("/") if part not in ("", "."))
