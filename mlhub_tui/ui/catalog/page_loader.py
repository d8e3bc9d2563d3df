"""Loading of listings into the catalog tree, page by page, from any kind of source."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...auth import Kind
from ...errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, MLHubException
from ...http.cache import MOST
from ...models import Entry, EntryKind
from ...sources.base import Page
from ...text import duration
from ..document_cache import Documents
from ..source_connection import last_listing
from .matching import described
from .nodes import MODELS, GroupNode

if TYPE_CHECKING:
    from ...http.cache import LastListing
    from ...models import Collection
    from ...sources.base import Source
    from ..source_connection import Connection
    from .catalog_tree import CatalogTree
    from .nodes import TreeListing
    from .tree_model import NodeRow

AT_A_TIME = 2_000
"""Entries of a page taken up in one go: a few milliseconds, between which the keys come first."""
MOST_COLLECTIONS = 10_000
"""Collections that are read for what the filter of their datasets looks at."""


async def load_listing(
    connection: Connection, documents: Documents, tree: CatalogTree
) -> MLHubException | None:
    """Load the top level of a source and its description; return the error if the top level was refused.

    What was listed last time is shown until the source answers.
    """
    last, tree_model = last_listing(connection), tree.tree_model
    groups = tree_model.groups
    if last is not None:
        entries, age = await asyncio.to_thread(last.load)
        if entries and tree_model.groups is groups and not (groups[0].children or tree_model.top.loaded):
            tree.show_last(entries, f"as of {duration(age)} ago")
    async with asyncio.TaskGroup() as loads:
        loads.create_task(introduce(connection.source, tree))
        for row in groups:
            loads.create_task(_load_group(documents, tree, row))
    if tree_model.groups is not groups:
        return None
    if last is not None:
        await _save_last(last, tree)
    return tree_model.top.failure


async def _load_group(documents: Documents, tree: CatalogTree, row: NodeRow) -> None:
    # A user whose key is refused at the top level gets the profiles once all requests have ended.
    with contextlib.suppress(AuthenticationError, APIKeyNotFound):
        await load_next(documents, tree, row)


async def introduce(source: Source, tree: CatalogTree) -> None:
    """Load and set the description of a source; if that fails, its listing shows why."""
    groups = tree.tree_model.groups
    with contextlib.suppress(MLHubException):
        about = await source.about()
        if tree.is_attached and tree.tree_model.groups is groups:
            tree.tree_model.introduce(about)


async def _save_last(last: LastListing, tree: CatalogTree) -> None:
    """Save what is listed now, if that came from the source."""
    top = tree.tree_model.top
    if top.failure is None and top.loaded and not top.cached_age:
        rows = (tree.tree_model.groups[0].children or [])[:MOST]
        entries = [row.data for row in rows if isinstance(row.data, Entry)]
        await asyncio.to_thread(last.save, entries)


async def load_next(documents: Documents, tree: CatalogTree, row: NodeRow) -> None:
    """Load the next page below a row into the tree; nothing happens while one is on its way, or at the end.

    Raises AuthenticationError, APIKeyNotFound if the listing needs a key; the listing says so too.
    """
    listing, source = tree.tree_model.grown.get(row), documents.source
    if listing is None or source is None or not listing.wants_more:
        return
    listing.loading = True
    try:
        tree.settle(row)
        page = await _page(source, row, listing.next)
        if tree.tree_model.grown.get(row) is listing:  # else the tree was reloaded meanwhile
            documents.keep(page.entries)
            if not page.notes:
                tree.tree_model.clear_note(row)
            await _take(tree, row, listing, page)
    except MLHubException as error:
        listing.fail(error)
        if isinstance(error, AuthenticationError | APIKeyNotFound):
            raise
    finally:
        listing.loading = False
        if tree.tree_model.grown.get(row) is listing:
            tree.settle(row)


async def _take(tree: CatalogTree, row: NodeRow, listing: TreeListing, page: Page[Entry]) -> None:
    """Take up a page in parts, without what the one before it ended with."""
    entries = [*page.entries] if listing.take(page) else []
    if listing.loaded:
        before = {_mark(known) for known in _last(row, listing.loaded, len(entries))}
        entries = [entry for entry in entries if _mark(entry) not in before]
    for start in range(0, len(entries), AT_A_TIME):
        tree.add(row, entries[start : start + AT_A_TIME])
        await asyncio.sleep(0)
        if tree.tree_model.grown.get(row) is not listing:
            return


async def _page(source: Source, row: NodeRow, link: str | None) -> Page[Entry]:
    """Return a page of what is below a row; MLHub's datasets and models come sorted by title."""
    node = row.data
    if isinstance(node, Entry):
        return await source.entries(node, link=link)
    if isinstance(node, GroupNode) and node.key == MODELS:
        return await _models(source)
    page = await source.entries(None, link=link)
    return Page(_by_title(page.entries), None, None, page.skipped) if source.kind is Kind.MLHUB else page


async def _models(source: Source) -> Page[Entry]:
    try:
        return Page(_by_title(tuple(Entry.of(model) for model in await source.models())))
    except EntityDoesNotExist:
        return Page(())  # not every deployment has models


def _by_title(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.title.casefold()))


def _mark(entry: Entry) -> tuple[EntryKind, str, str]:
    return (entry.kind, entry.id, entry.url)


def _last(row: NodeRow, loaded: int, number: int) -> list[Entry]:
    """Return the entries that were loaded last: a server may list some of them once more."""
    rows = (row.children or [])[max(loaded - number, 0) : loaded]
    return [known.data for known in rows if isinstance(known.data, Entry)]


async def read_collections(source: Source) -> Mapping[str, Sequence[str]]:
    """Return what the collections of a source state of years, sensors and tasks, by their ids."""
    read: list[Collection] = []
    async for collection in source.walk_collections():
        read.append(collection)
        if len(read) >= MOST_COLLECTIONS:
            break
    return await asyncio.to_thread(_described, read)


def _described(collections: Sequence[Collection]) -> dict[str, tuple[str, ...]]:
    shared: dict[str, str] = {}  # most collections state the same few lines: one copy of each is enough
    return {one.id: tuple(shared.setdefault(line, line) for line in described(one)) for one in collections}
