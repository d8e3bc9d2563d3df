"""The root: which document a static catalog begins with, from what a person named."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .archive import Cancelled, Progress
from .document_urls import file_url, is_archive, is_member, is_web, local_path, place_of, split_member
from .fetch_archive import fetch_archive
from .files import of_system, open_file, root_of
from .item_file import ItemFile
from .members import ArchiveMembers

if TYPE_CHECKING:
    from ...http.session import Session

_GZIP = b"\x1f\x8b"
_TAR = b"ustar"


@dataclass(frozen=True, slots=True)
class Root:
    """Where a catalog begins.

    Parameters
    ----------
    url
        The place URL of its first document.
    members
        What reads the archive, or the list of items, that it is in; None where it is in none.
    notes
        What is to be said of the archive.
    """

    url: str
    members: ArchiveMembers | ItemFile | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


async def find_root(location: str, session: Session, progress: Progress | None = None) -> Root:
    """Return the root of a catalog; an archive on a server is fetched into the cache first.

    Parameters
    ----------
    location
        A URL or path, as `StaticSource` takes it.
    session
        The session with the server.
    progress
        Told how far the fetching and the reading of an archive have come.

    Raises
    ------
    EntityDoesNotExist
        If there is no catalog in a folder or archive.
    RequestError
        If it cannot be read.
    """
    url = place_of(location)
    notes: tuple[str, ...] = ()
    if is_web(url):
        if not is_archive(url):
            return Root(url)
        fetched = await fetch_archive(session, url, progress=progress)
        url, notes = file_url(fetched.path), fetched.notes
    stop = threading.Event()
    try:
        root = await asyncio.to_thread(_local_root, url, progress, stop.is_set)
        return replace(root, notes=(*notes, *root.notes))
    finally:
        stop.set()


def _local_root(url: str, progress: Progress | None, cancelled: Cancelled) -> Root:
    if is_member(url):
        archive, _ = split_member(url)
        return Root(url, _members(local_path(archive), archive, progress, cancelled))
    path = local_path(url)
    try:
        if path.is_dir():
            return Root(file_url(root_of(path)))
        with open_file(url) as file:
            head = file.read(512)
    except OSError as error:
        raise of_system(error, url) from None
    # By what it holds, not by its name: people name archives as they like.
    if head[:2] != _GZIP and head[257:262] != _TAR:
        return Root(url)
    members = _members(path, url, progress, cancelled)
    return Root(members.root_url, members, members.notes)


def _members(path: Path, url: str, progress: Progress | None, cancelled: Cancelled) -> ArchiveMembers:
    try:
        return ArchiveMembers(path, progress=progress, cancelled=cancelled)
    except OSError as error:
        raise of_system(error, url) from None
