"""The root document of a static catalog, from what a person named: a URL, a file, a folder, an archive."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UnexpectedAnswer
from ...text import one_line
from .archive_index import ROOT_NAMES, ArchiveMembers
from .document_loader import open_file, system_error
from .document_urls import (
    ARCHIVES,
    file_url,
    is_archive,
    is_member,
    is_web,
    local_path,
    place_of,
    split_member,
)
from .fetch_archive import fetch_archive
from .tar_archive import GZIP_MAGIC, Cancelled

if TYPE_CHECKING:
    from ...http.session import Session

_MAX_ENTRIES = 500  # of a folder


class NotASource(UnexpectedAnswer):
    """What is at a location is no source; the message says what it is, the hint what to name instead."""

    default_hint = "name the root of a STAC API, a catalog.json or collection.json, a folder or a .tar.gz"


@dataclass(frozen=True, slots=True)
class CatalogRoot:
    """The place URL of a catalog's first document, what reads the archive it is in, and notes."""

    url: str
    members: ArchiveMembers | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


async def find_root(location: str, session: Session) -> CatalogRoot:
    """Return the root of a catalog; an archive on a server is fetched into the cache first."""
    url = place_of(location)
    notes: tuple[str, ...] = ()
    if is_web(url):
        if not is_archive(url):
            return CatalogRoot(url)
        path, notes = await fetch_archive(session, url)
        url = file_url(path)
    stop = threading.Event()
    try:
        root = await asyncio.to_thread(_local_root, url, stop.is_set)
        return replace(root, notes=(*notes, *root.notes))
    finally:
        stop.set()


def is_archive_head(head: bytes) -> bool:
    """Whether a file that begins so is a tar or a gzip, whatever its name."""
    return head[:2] == GZIP_MAGIC or head[257:262] == b"ustar"


def root_in(folder: Path) -> Path:
    """Return the root document of a folder: in it, or the one catalog or archive directly below it.

    Raises NotASource if there is none, or several: the hint names them.
    """
    for name in ROOT_NAMES:
        if (folder / name).is_file():
            return folder / name
    entries = sorted(islice(folder.iterdir(), _MAX_ENTRIES))
    below = [entry / name for entry in entries for name in ROOT_NAMES if (entry / name).is_file()]
    below = list({path.parent: path for path in reversed(below)}.values())
    below += [entry for entry in entries if entry.name.endswith(ARCHIVES)]
    if len(below) == 1:
        return below[0]
    hint = None
    if below:
        names = [one_line(path.relative_to(folder).parts[0], 60) for path in below]
        hint = (
            f"there is something below it: {', '.join(sorted(names)[:3])}{', ...' if len(below) > 3 else ''}"
        )
    raise NotASource(f"{one_line(folder, 160)} holds neither catalog.json nor collection.json", hint=hint)


def _local_root(url: str, cancelled: Cancelled) -> CatalogRoot:
    archive = split_member(url)[0] if is_member(url) else url
    path = local_path(archive)
    try:
        if path.is_dir():
            path = root_in(path)
            url = archive = file_url(path)
        if not is_member(url):
            with open_file(url) as file:
                if not is_archive_head(file.read(512)):
                    return CatalogRoot(url)
        members = ArchiveMembers(path, cancelled)
    except OSError as error:
        raise system_error(error, archive) from None
    if is_member(url):
        return CatalogRoot(url, members)
    return CatalogRoot(members.root_url, members, members.notes)
