"""Shows what a source listed last time, at once and with its age, while it is asked again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..auth import Kind
from ..models import Entry
from ..sources.last_listing import MOST, LastListing
from ..text import duration

if TYPE_CHECKING:
    from .connection import Connection
    from .widgets.catalog_tree import CatalogTree


def last_listing(connection: Connection) -> LastListing | None:
    """Return the last listing of a source; None where none is kept: static documents have their own cache."""
    if connection.is_sample or connection.source.kind is Kind.STATIC:
        return None
    used = connection.credentials
    reader = used.profile or ("a key" if used.secret else "")
    return LastListing(connection.job_source, reader)


async def show_last_listing(connection: Connection | None, tree: CatalogTree) -> LastListing | None:
    """Show what was listed last time, if the tree is still empty; return what `keep` needs afterwards."""
    last = last_listing(connection) if connection is not None else None
    if last is None:
        return None
    branches = tree.branches
    groups = branches.groups
    entries, age = await asyncio.to_thread(last.load)
    if entries and branches.groups is groups and not (groups[0].children or branches.top.loaded):
        tree.show_last(entries, f"as of {duration(age)} ago")
    return last


async def save_last_listing(last: LastListing | None, tree: CatalogTree) -> None:
    """Keep what is listed now, if that came from the source."""
    branches = tree.branches
    if last is not None and branches.top.failure is None and branches.top.loaded and not branches.top.kept:
        rows = (branches.groups[0].children or [])[:MOST]
        entries = [row.data for row in rows if isinstance(row.data, Entry)]
        await asyncio.to_thread(last.save, entries)
