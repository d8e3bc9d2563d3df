"""The root document of a static catalog, from what a person named: a URL, a file, a folder, an archive."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import EntityDoesNotExist
from ...text import one_line
from .archive_index import ROOT_NAMES, ArchiveMembers
from .document_loader import open_file, system_error
from .document_urls import file_url, is_archive, is_member, is_web, local_path, place_of, split_member
from .fetch_archive import fetch_archive
from .item_file import ItemFile
from .tar_archive import GZIP_MAGIC, Cancelled

if TYPE_CHECKING:
    from ...http.session import Session


@dataclass(frozen=True, slots=True)
class CatalogRoot:
    """The place URL of a catalog's first document, what reads the archive or list it is in, and notes."""

    url: str
    members: ArchiveMembers | ItemFile | None = field(default=None, repr=False)
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


def root_in(folder: Path) -> Path:
    """Return the root document of a folder: in it, or in its one subfolder with any."""
    for name in ROOT_NAMES:
        if (folder / name).is_file():
            return folder / name
    for name in ROOT_NAMES:
        below = sorted(folder.glob(f"*/{name}"))
        if len(below) == 1:
            return below[0]
        if below:
            words = f"there are {len(below)} catalogs in folders of {one_line(folder)}"
            raise EntityDoesNotExist(words, hint="name one of these folders")
    raise EntityDoesNotExist(
        f"there is no catalog.json or collection.json in {one_line(folder)}",
        hint="name the document that the catalog begins with",
    )


def _local_root(url: str, cancelled: Cancelled) -> CatalogRoot:
    archive = split_member(url)[0] if is_member(url) else url
    path = local_path(archive)
    try:
        if path.is_dir():
            return CatalogRoot(file_url(root_in(path)))
        if not is_member(url):
            with open_file(url) as file:
                head = file.read(512)
            # By what it holds, not by its name: people name archives as they like.
            if head[:2] != GZIP_MAGIC and head[257:262] != b"ustar":
                return CatalogRoot(url)
        members = ArchiveMembers(path, cancelled)
    except OSError as error:
        raise system_error(error, archive) from None
    return (
        CatalogRoot(url, members) if is_member(url) else CatalogRoot(members.root_url, members, members.notes)
    )
