"""Suggestions of known entries, and the tree opened down to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...auth import Kind
from ...models import Dataset, Entry, EntryKind
from ...text import count
from ..catalog.nodes import GroupNode, TypeNode, identity, node_key
from ..catalog.page_loader import load_next
from ..catalog.tree_filter import HOLDS, rank
from .lookup import Goal, look_up, plain
from .matching import PART, fields, parts

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..catalog.catalog_tree import CatalogTree
    from ..catalog.nodes import Node
    from ..catalog.tree_listing import TreeListing
    from ..catalog.tree_model import CatalogTreeModel, NodeRow
    from ..document_cache import Documents


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
    row = tree.tree_model.outline.root
    while keys:
        hit = await _below(tree, row, keys)
        if hit is not None:
            row, keys = hit
            if keys:
                tree.reveal(row)
            continue
        listing = tree.tree_model.grown.get(row)
        if listing is None:
            if not _is_gone(tree, row):
                break
            row, keys = tree.tree_model.outline.root, [*path]  # the tree was reloaded meanwhile
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
    top = tree.tree_model.outline.root
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
        found = _place_in(child.data, wanted, names, tree.tree_model.kind)
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


MOST = 50
"""Suggestions that are shown."""
_STEP = 5_000
_IN_NAMES = frozenset({"id", "title", "doi"})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something known that what is typed may mean.

    Parameters
    ----------
    goal
        Where it is.
    rank
        How well it matches: 0 is called so, 1 begins so, 2 holds it.
    """

    goal: Goal
    rank: int


async def goal_of(typed: str, source: Source, tree_model: CatalogTreeModel) -> Goal:
    """Return what a source has under an id, a DOI or a URL, with the way to it in its tree.

    Raises
    ------
    MLHubException
        As `look_up`.
    """
    return _placed(tree_model, await look_up(typed, source))


def _placed(tree_model: CatalogTreeModel, goal: Goal) -> Goal:
    """Return what was looked up with the dataset that MLHub's collections stand below on its way."""
    collection = next((key for key in goal.path if key.startswith(f"{EntryKind.COLLECTION}:")), "")
    if not tree_model.by_dataset or not collection:
        return goal
    row, listing = tree_model.groups[0], tree_model.top.standing
    identity = collection.partition(":")[2]
    line = f"\n{PART}{identity.casefold()}\n"
    for child, searched in zip(row.children or [], listing.search_texts, strict=False):
        if line in f"{searched}\n":
            at = goal.path.index(collection)
            return replace(goal, path=(*tree_model.path(child), *goal.path[at:]))
    return goal


class Suggestions:
    """Looks for what is typed among all that is loaded.

    Parameters
    ----------
    tree_model
        The tree.
    typed
        Part of an id, a title or a DOI.
    """

    def __init__(self, tree_model: CatalogTreeModel, typed: str) -> None:
        self._tree_model = tree_model
        self._words = plain(typed).casefold()
        self._found: list[Suggestion] = []

    @property
    def best(self) -> list[Suggestion]:
        """What was found so far, the best first; of equals in the order of the tree."""
        return sorted(self._found, key=lambda one: one.rank)[:MOST]

    def steps(self) -> Iterator[None]:
        """Look; pauses after every step."""
        if not self._words:
            return
        for row, listing in list(self._tree_model.grown.items()):
            if listing is None:
                continue
            children, search_texts = row.children or [], listing.standing.search_texts
            for start in range(0, len(search_texts), _STEP):
                pairs = zip(
                    children[start : start + _STEP], search_texts[start : start + _STEP], strict=False
                )
                for child, searched in pairs:
                    if self._words in searched:
                        self._take(child, searched)
                self._found = self.best
                yield

    def _take(self, row: NodeRow, searched: str) -> None:
        entry = row.data
        if not isinstance(entry, Entry):
            return
        how = rank(self._words, searched)
        if how < HOLDS or any(name in _IN_NAMES and self._words in value for name, value in fields(searched)):
            self._found.append(Suggestion(Goal(entry, self._tree_model.path(row)), how))
        if isinstance(entry.document, Dataset) and self._words in parts(searched):
            above = self._tree_model.path(row)
            for ref in entry.document.collections:
                if self._words in (lower := ref.id.casefold()):
                    collection = Entry(EntryKind.COLLECTION, ref.id)
                    path = (*above, f"{EntryKind.COLLECTION}:{ref.id}")
                    self._found.append(Suggestion(Goal(collection, path), rank(self._words, lower)))
