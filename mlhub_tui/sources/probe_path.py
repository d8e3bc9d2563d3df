"""Probing a path of this machine: whether a catalog is in a file, a folder or an archive."""

from __future__ import annotations

import codecs
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..auth import Kind
from ..errors import EntityDoesNotExist, MLHubException, UnexpectedAnswer
from ..http.json_document import MAX_DOCUMENT, SMALLER_HINT, NestedTooDeep, NotJSON, too_large, value_of
from ..models import Document
from ..text import count, one_line
from .document_kind import DocumentKind, count_links, count_stac_items, kind_of, root_document, title_of
from .static.archive_index import ROOT_NAMES
from .static.document_loader import is_lines, list_of_lines
from .static.document_urls import ARCHIVES, name_of
from .static.tar_archive import GZIP_MAGIC, DamagedArchive, SkipReport, members

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ARCHIVE_SECONDS = 5.0
_MAX_ENTRIES = 500  # of a folder
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


class NotASource(UnexpectedAnswer):
    """What is at a location is no source; the message says what it is, the hint what to name instead."""

    default_hint = "name the root of a STAC API, a catalog.json or collection.json, a folder or a .tar.gz"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A source that was found.

    Parameters
    ----------
    kind
        What it speaks; None where it shows nothing without a key.
    location
        Where it is, as `Credentials.root_url` wants it; may differ from what was given.
    title, description
        What it calls itself, cleaned, on one line and at length; may be empty.
    counts
        How many of what are directly in it, where that was cheap to learn: `collections`, `datasets`,
        `catalogs and collections`, `items`.
    needs_key
        Whether some or all of it requires a key that was not given.
    notes
        What else is to be known, a sentence each.
    document
        Its landing document, where it has one.
    """

    kind: Kind | None
    location: str
    title: str = ""
    description: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    needs_key: bool = False
    notes: tuple[str, ...] = ()
    document: Document | None = field(default=None, repr=False)

    @property
    def kind_words(self) -> str:
        """The kind for people."""
        return {
            Kind.MLHUB: "an MLHub API",
            Kind.STAC_API: "a STAC API",
            Kind.STATIC: "a static STAC catalog",
            None: "something that requires a key",
        }[self.kind]

    @property
    def counts_words(self) -> str:
        """The counts for people, empty where nothing was counted."""
        singular = {"catalogs and collections": "catalog or collection"}
        return ", ".join(count(n, singular.get(noun, noun[:-1]), noun) for noun, n in self.counts.items())


def probe_path(path: Path) -> ProbeResult:
    """Return what is at an absolute path; it blocks and reads a bounded part of it."""
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
            hint="fix its permissions, or copy it to where you may read it",
        ) from error
    raise EntityDoesNotExist(f"no such file or folder: {_shown(path)}", hint=_nearest(path))


def _folder(path: Path) -> ProbeResult:
    for name in ROOT_NAMES:
        if (path / name).is_file():
            return _file(path / name)
    entries = [entry for entry, _ in zip(path.iterdir(), range(_MAX_ENTRIES), strict=False)]
    below = [entry for entry in entries if any((entry / name).is_file() for name in ROOT_NAMES)]
    below += [entry for entry in entries if entry.name.endswith(ARCHIVES)]
    if len(below) == 1:
        return probe_path(below[0])
    hint = None
    if below:
        names = ", ".join(one_line(entry.name, 60) for entry in sorted(below)[:3])
        hint = f"there is something below it: {names}{', ...' if len(below) > 3 else ''}"
    raise NotASource(f"{_shown(path)} holds neither catalog.json nor collection.json", hint=hint)


def _file(path: Path) -> ProbeResult:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise NotASource(f"{_shown(path)} is empty")
    if head[:2] == GZIP_MAGIC or head[257:262] == b"ustar":
        return _archive(path)
    if (found := path.stat().st_size) > MAX_DOCUMENT:
        words = f"{_shown(path)} is too large for a catalog: {too_large(found)}"
        raise NotASource(words, hint=SMALLER_HINT)
    if head[:1].lstrip() in (b"{", b"[", b"", b"\xef") or head.startswith(_UTF16):
        content = path.read_bytes()
        try:
            value = list_of_lines(content) if is_lines(path.name) else value_of(content)
        except NestedTooDeep:
            raise NotASource(f"{_shown(path)} is nested too deep to be read") from None
        except NotJSON as error:
            raise NotASource(f"{_shown(path)} is not JSON: {error}") from None
        return of_document(value, str(path), _shown(path), path.as_uri())
    what = next((words for magic, words in _MAGIC.items() if head.startswith(magic)), "")
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        what = "a web page"
    raise NotASource(f"{_shown(path)} is {what or 'neither JSON nor a tar archive'}")


def of_document(value: Any, location: str, where: str, url: str) -> ProbeResult:
    """Return what a document at a place that is no API is.

    Parameters
    ----------
    location
        `ProbeResult.location`.
    where
        The place as it may be shown.
    url
        The URL of the document, without keys.
    """
    kind = kind_of(value)
    if kind is DocumentKind.ITEMS and (items := count_stac_items(value)):
        words = "a list of items, by their collections"
        return ProbeResult(Kind.STATIC, location, one_line(name_of(url), 120), words, {"items": items})
    if kind not in (DocumentKind.CATALOG, DocumentKind.COLLECTION, DocumentKind.API):
        listed = kind in (DocumentKind.ITEM, DocumentKind.ITEMS)
        hint = "name the catalog or collection that it belongs to" if listed else None
        raise NotASource(f"{where} is {kind}", hint=hint)
    counts = {"catalogs and collections": count_links(value, "child"), "items": count_links(value, "item")}
    counts = {noun: number for noun, number in counts.items() if number}
    document = root_document(value, url)
    notes = []
    if kind is DocumentKind.API:
        notes.append("it was saved from an API: its links still lead there")
    elif not counts:
        notes.append("it has no links to anything below it")
    if document is None:
        notes.append("it has no id, which STAC requires")
    description = document.description if document else ""
    return ProbeResult(
        Kind.STATIC, location, title_of(value), description, counts, False, tuple(notes), document
    )


class _OutOfTime(Exception):
    """The reading of an archive took long enough."""


def _archive(path: Path) -> ProbeResult:
    """Return the catalog in a tar archive; the member nearest to the top counts, and the first of those."""
    best: tuple[int, str] | None = None
    value: Any = None
    note = ""
    end = time.monotonic() + _ARCHIVE_SECONDS

    def observe(_: int) -> None:
        if time.monotonic() > end:
            raise _OutOfTime

    try:
        for member in members(path, SkipReport(), observe):
            depth, last = member.name.count("/"), member.name.rpartition("/")[2]
            if last not in ROOT_NAMES or member.content is None or (best and depth >= best[0]):
                continue
            best = (depth, member.name)
            try:
                value = value_of(member.content)
            except NotJSON:
                value = None
            if depth == 0 or (depth == 1 and last == ROOT_NAMES[0]):
                break
    except _OutOfTime:
        note = "only the beginning of the archive was read"
        if best is None:
            return ProbeResult(
                Kind.STATIC, str(path), one_line(path.name, 120), notes=(f"{note}: no root yet",)
            )
    except DamagedArchive as error:
        note = "the archive is damaged further on"
        if best is None:
            words = f"{_shown(path)} is no archive that can be read: {error.message}"
            raise NotASource(words, hint="it may be incomplete: download it again") from None
    if best is None:
        raise NotASource(f"{_shown(path)} holds neither catalog.json nor collection.json")
    found = of_document(value, str(path), f"{_shown(path)}: {one_line(best[1], 80)}", path.as_uri())
    return replace(found, notes=(*found.notes, note)) if note else found


def _nearest(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [entry.name for entry, _ in zip(path.parent.iterdir(), range(_MAX_ENTRIES), strict=False)]
    except OSError:
        return "check the path"
    near = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"did you mean {one_line(path.parent / near[0], 160)}?" if near else "check the path"


def _shown(path: Path) -> str:
    return one_line(path, 160)
