"""A look at a path of this machine for a catalog, in a file, a folder or an archive.

Everything here blocks; call it in a thread. It reads a bounded part of what is there.
"""

from __future__ import annotations

import codecs
import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..auth import Kind
from ..errors import EntityDoesNotExist, MLHubException
from ..http.json_document import MAX_DOCUMENT, SMALLER_HINT, NestedTooDeep, NotJSON, too_large, value_of
from ..text import one_line
from .classify import Shape, count_links, document_of, shape_of, stac_items, title_of
from .found import Found, NotASource
from .static.document_urls import name_of
from .static.documents import is_lines, list_of_lines

ROOTS = ("catalog.json", "collection.json")
"""The names that the root of a static catalog has (STAC best practices)."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SECONDS = 5.0
_SOME = 500
_MAGIC = {
    b"PK\x03\x04": "a zip archive, which cannot be read in place: unpack it, and name the folder",
    b"PAR1": "a Parquet file: stac-geoparquet is not read here",
    b"II*\x00": "an image (TIFF)",
    b"MM\x00*": "an image (TIFF)",
    b"\x89PNG": "an image (PNG)",
    b"%PDF": "a PDF document",
    b"SQLi": "a database (SQLite)",
    b"\x28\xb5\x2f\xfd": "a zstd archive, which is not read here: unpack it, and name the folder",
}


def look_at_path(path: Path) -> Found:
    """Return what is at an absolute path.

    Raises
    ------
    EntityDoesNotExist
        If nothing is.
    NotASource
        If it is no catalog; says what it is.
    MLHubException
        If it cannot be read.
    """
    try:
        if path.is_dir():
            return _folder(path)
        if path.is_file():
            return _file(path)
        if path.exists():
            raise NotASource(f"{_shown(path)} is neither a file nor a folder")
    except OSError as error:
        raise MLHubException(
            f"cannot read {_shown(path)}: {error.strerror or type(error).__name__}",
            hint="mend its permissions, or copy it to where you may read it",
        ) from error
    raise EntityDoesNotExist(f"no such file or folder: {_shown(path)}", hint=_near(path))


def _folder(path: Path) -> Found:
    for name in ROOTS:
        if (path / name).is_file():
            return _file(path / name)
    entries = []
    for number, entry in enumerate(path.iterdir()):
        if number >= _SOME:
            break
        entries.append(entry)
    below = [entry for entry in entries if any((entry / name).is_file() for name in ROOTS)]
    below += [entry for entry in entries if entry.name.endswith((".tar.gz", ".tgz", ".tar"))]
    if len(below) == 1:
        return look_at_path(below[0])
    hint = None
    if below:
        names = ", ".join(one_line(entry.name, 60) for entry in sorted(below)[:3])
        hint = f"there is something below it: {names}{', ...' if len(below) > 3 else ''}"
    raise NotASource(f"{_shown(path)} holds neither catalog.json nor collection.json", hint=hint)


def _file(path: Path) -> Found:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise NotASource(f"{_shown(path)} is empty")
    if head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar":
        return _archive(path)
    if (found := path.stat().st_size) > MAX_DOCUMENT:
        words = f"{_shown(path)} is too large for a catalog: {too_large(found)}"
        raise NotASource(words, hint=SMALLER_HINT)
    if head[:1].lstrip() in (b"{", b"[", b"", b"\xef") or head.startswith(_UTF16):
        try:
            value = _value(path)
        except NestedTooDeep:
            raise NotASource(f"{_shown(path)} is nested too deep to be read") from None
        except NotJSON as error:
            raise NotASource(f"{_shown(path)} is not JSON: {error}") from None
        return of_document(value, str(path), _shown(path), path.as_uri())
    what = next((words for magic, words in _MAGIC.items() if head.startswith(magic)), "")
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        what = "a web page"
    raise NotASource(f"{_shown(path)} is {what or 'neither JSON nor a tar archive'}")


def _value(path: Path) -> Any:
    """Return the JSON of a file; of one with an item a line, the list of them."""
    content = path.read_bytes()
    return list_of_lines(content) if is_lines(path.name) else value_of(content)


def of_document(value: Any, location: str, where: str, url: str) -> Found:
    """Return what a document at a place that is no API is.

    Parameters
    ----------
    value
        The JSON.
    location
        What `Found.location` shall be.
    where
        The place as it may be shown.
    url
        The URL of the document, without keys.

    Raises
    ------
    NotASource
        If it is neither catalog nor collection.
    """
    shape = shape_of(value)
    if shape is Shape.ITEMS and (items := stac_items(value)):
        words = "a list of items, by their collections"
        return Found(Kind.STATIC, location, one_line(name_of(url), 120), words, {"items": items})
    if shape not in (Shape.CATALOG, Shape.COLLECTION, Shape.API):
        raise NotASource(f"{where} is {shape}", hint=_hint(value, shape))
    notes = []
    children, items = count_links(value, "child"), count_links(value, "item")
    if shape is Shape.API:
        notes.append("it was saved from an API: what its links name is still asked for there")
    if not children and not items:
        notes.append("it has no links to anything below it" if shape is not Shape.API else "")
    document = document_of(value, url)
    if document is None:
        notes.append("it has no id, which STAC wants")
    return Found(
        Kind.STATIC,
        location,
        title_of(value),
        document.description if document else "",
        {
            noun: number
            for noun, number in (("catalogs and collections", children), ("items", items))
            if number
        },
        notes=tuple(filter(None, notes)),
        document=document,
    )


def _hint(value: Any, shape: Shape) -> str | None:
    if shape in (Shape.ITEM, Shape.ITEMS):
        return "name the catalog or collection that it belongs to"
    return None


def _archive(path: Path) -> Found:
    """Return the catalog in a tar archive; the member nearest to the top counts, and the first of those."""
    best: tuple[int, str] | None = None
    value: Any = None
    notes: list[str] = []
    try:
        with _Patient(path) as raw, tarfile.open(fileobj=raw, mode="r:*") as archive:
            for member in _members(archive):
                depth = member.name.removeprefix("./").count("/")
                if best is not None and depth >= best[0]:
                    continue
                best, value = (depth, member.name), _member_json(archive, member)
                if depth == 0 or (depth == 1 and member.name.endswith("/catalog.json")):
                    break
    except _OutOfTime:
        notes.append("only the beginning of the archive was looked at")
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if best is None:
            reason = one_line(error, 80)
            raise NotASource(
                f"{_shown(path)} is no archive that can be read: {reason}",
                hint="it may be incomplete: fetch it again",
            ) from None
        notes.append("the archive is damaged further on")
    if best is None and notes:
        return Found(Kind.STATIC, str(path), one_line(path.name, 120), notes=(f"{notes[0]}: no root yet",))
    if best is None:
        raise NotASource(f"{_shown(path)} holds neither catalog.json nor collection.json")
    found = of_document(value, str(path), f"{_shown(path)}: {one_line(best[1], 80)}", path.as_uri())
    return Found(
        Kind.STATIC,
        str(path),
        found.title,
        found.description,
        found.counts,
        notes=(*found.notes, *notes),
        document=found.document,
    )


class _OutOfTime(Exception):
    """The look took long enough."""


class _Patient(io.FileIO):
    """A file that is read for some seconds: one member of an archive may take minutes to unpack."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._end = time.monotonic() + _SECONDS

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes."""
        if time.monotonic() > self._end:
            raise _OutOfTime
        return super().read(-1 if size is None else size) or b""


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members that may be a root."""
    kept: Any = vars(archive)["members"]  # not in the type's description
    for member in archive:
        kept.clear()  # else it keeps every member of an archive of a million
        if member.isfile() and member.name.rpartition("/")[2] in ROOTS and member.size <= MAX_DOCUMENT:
            yield member


def _member_json(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    file = archive.extractfile(member)
    if file is None:
        return None
    try:
        return value_of(file.read())
    except NotJSON:
        return None


def _near(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [entry.name for entry, _ in zip(path.parent.iterdir(), range(_SOME), strict=False)]
    except OSError:
        return "check the path"
    near = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"did you mean {one_line(path.parent / near[0], 160)}?" if near else "check the path"


def _shown(path: Path) -> str:
    return one_line(path, 160)
