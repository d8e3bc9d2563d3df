"""The way to a place in the tree: opens what is above it, loads what is missing, puts the cursor there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...auth import Kind
from ...models import Entry
from ...text import count
from ..loading import load_next
from ..widgets.entries import identity, node_key
from ..widgets.nodes import GroupNode, TypeNode

if TYPE_CHECKING:
    from ..documents import Documents
    from ..widgets.branches import NodeRow
    from ..widgets.catalog_tree import CatalogTree
    from ..widgets.entries import Node
    from ..widgets.listing import TreeListing

MOST_PAGES = 20
"""Pages that are asked for on the way: what stands further back is shown by itself."""
_AT_A_TIME = 5_000
_MOMENT = 0.02
"""Seconds between two looks at a page that somebody else asked for."""


async def walk(
    documents: Documents,
    tree: CatalogTree,
    path: Sequence[str],
    say: Callable[[str], None] = lambda _: None,
) -> bool:
    """Put the cursor on the row at a path; False where it is not found, then on the nearest above it.

    Parameters
    ----------
    documents
        Loads what is not in the tree yet.
    tree
        The tree of their source.
    path
        Keys of rows from the top; levels between them may be left out.
    say
        Told how far it is, where it takes more than a page.

    Raises
    ------
    AuthenticationError, APIKeyNotFound
        If a listing on the way needs a key.
    """
    keys, pages = [*path], 0
    row = tree.branches.outline.root
    while keys:
        hit = await _below(tree, row, keys)
        if hit is not None:
            row, keys = hit
            if keys:
                tree.reveal(row)
            continue
        listing = tree.branches.grown.get(row)
        if listing is None:
            if not _is_gone(tree, row):
                break
            row, keys = tree.branches.outline.root, [*path]  # the tree began anew meanwhile
        elif _is_awaited(listing):
            await asyncio.sleep(_MOMENT)
        elif listing.wants_more and pages < MOST_PAGES:
            pages += 1
            if pages > 1:
                say(f"looking: {count(listing.loaded, listing.noun)} so far, esc stops")
            await load_next(documents, tree, row)
        else:
            break
    if row.parent is not None:
        tree.arrive(row)
    return not keys


def _is_awaited(listing: TreeListing) -> bool:
    """Whether a page is on its way already; the first of the top always is."""
    return listing.loading or (listing.at_top and not (listing.loaded or listing.complete or listing.error))


def _is_gone(tree: CatalogTree, row: NodeRow) -> bool:
    top = tree.branches.outline.root
    while row.parent is not None:
        if row not in (row.parent.children or ()):
            return True
        row = row.parent
    return row is not top


async def _below(tree: CatalogTree, row: NodeRow, keys: Sequence[str]) -> tuple[NodeRow, list[str]] | None:
    """Return the row below another that leads furthest along a path, and what is left of that."""
    wanted = {key: number for number, key in enumerate(keys)}
    names = {key.partition(":")[2]: number for key, number in wanted.items()}
    best: tuple[int, NodeRow] | None = None
    for number, child in enumerate(_candidates(row)):
        if number % _AT_A_TIME == _AT_A_TIME - 1:
            await asyncio.sleep(0)
        found = _place_in(child.data, wanted, names, tree.branches.kind)
        if found is not None and (best is None or found > best[0]):
            best = (found, child)
    return (best[1], [*keys[best[0] + 1 :]]) if best is not None else None


def _place_in(node: Node, wanted: dict[str, int], names: dict[str, int], kind: Kind) -> int | None:
    """Return which of some keys is that of a node; None for none."""
    if not isinstance(node, Entry):
        return wanted.get(node_key(node, kind))
    name = identity(node, kind)
    if name not in names:  # of nearly all: their keys need not be made
        return None
    # In a static catalog a link may say another kind than its document does.
    return names[name] if kind is Kind.STATIC else wanted.get(node_key(node, kind))


def _candidates(row: NodeRow) -> list[NodeRow]:
    """Return the rows below another; what stands below a line that is no entry stands beside it, too."""
    rows: list[NodeRow] = []
    for child in row.children or ():
        rows.append(child)
        if isinstance(child.data, GroupNode | TypeNode):
            rows += child.children or ()
    return rows
