"""The root: which document a static catalog begins with, from what a person named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import EntityDoesNotExist
from .files import root_of
from .library import Members
from .place import file_url, is_web, local_path, place_of

Progress = Callable[[int, int | None], None]
"""Told bytes done and in all (None where that is not known); called from any thread."""


@dataclass(frozen=True, slots=True)
class Root:
    """Where a catalog begins.

    Parameters
    ----------
    url
        The place URL of its first document.
    members
        What reads the archive that it is in; None where it is in none.
    notes
        What is to be said of the archive.
    """

    url: str
    members: Members | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


def names_local(location: str) -> bool:
    """Whether a location is on this machine."""
    return not is_web(location)


async def find_root(location: str) -> Root:
    """Return the root of a catalog that is on this machine or on a server as single documents.

    Raises
    ------
    EntityDoesNotExist
        If there is no catalog in a folder.
    """
    url = place_of(location)
    if is_web(url):
        return Root(url)
    return await asyncio.to_thread(_local_root, url)


def _local_root(url: str) -> Root:
    path = local_path(url)
    if path.is_dir():
        return Root(file_url(root_of(path)))
    if not path.exists():
        raise EntityDoesNotExist(f"there is no {path}", hint="check the path")
    return Root(url)
