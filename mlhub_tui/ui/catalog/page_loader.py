"""Loading of listings into the catalog tree, page by page, from any kind of source."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...auth import Kind
from ...errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, MLHubException
from ...models import Entry, EntryKind
from ...sources.base import Page
from ..document_cache import Documents
from .matching import described
from .nodes import MODELS, GroupNode

if TYPE_CHECKING:
    from ...models import Collection
    from ...sources.base import Source
    from .catalog_tree import CatalogTree
    from .nodes import TreeListing
    from .tree_model import NodeRow

AT_A_TIME = 2_000
"""Entries of a page taken up in one go: a few milliseconds, between which the keys come first."""
MOST_COLLECTIONS = 10_000
"""Collections that are read for what the filter of their datasets looks at."""


async def load_next(documents: Documents, tree: CatalogTree, row: NodeRow) -> None:
    """Load the next page below a row into the tree; nothing happens while one is on its way, or at the end.

    Raises
    ------
    AuthenticationError, APIKeyNotFound
        If the listing needs a key; the listing says so too.
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
