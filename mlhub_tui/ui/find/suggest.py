"""What is known of the tree by its ids, titles and DOIs, to complete what is typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...models import Dataset, Entry, EntryKind
from ..widgets.sift import HOLDS, rank
from .hay import PART, fields, parts
from .lookup import Goal, plain

if TYPE_CHECKING:
    from ..widgets.branches import CatalogTreeModel, NodeRow

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


def placed(branches: CatalogTreeModel, goal: Goal) -> Goal:
    """Return what was looked up with the dataset that MLHub's collections stand below on its way."""
    collection = next((key for key in goal.path if key.startswith(f"{EntryKind.COLLECTION}:")), "")
    if not branches.by_dataset or not collection:
        return goal
    row, listing = branches.groups[0], branches.top.standing
    identity = collection.partition(":")[2]
    line = f"\n{PART}{identity.casefold()}\n"
    for child, hay in zip(row.children or [], listing.hays, strict=False):
        if line in f"{hay}\n":
            at = goal.path.index(collection)
            return replace(goal, path=(*branches.path(child), *goal.path[at:]))
    return goal


class Suggestions:
    """Looks for what is typed among all that is loaded.

    Parameters
    ----------
    branches
        The tree.
    typed
        Part of an id, a title or a DOI.
    """

    def __init__(self, branches: CatalogTreeModel, typed: str) -> None:
        self._branches = branches
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
        for row, listing in list(self._branches.grown.items()):
            if listing is None:
                continue
            children, hays = row.children or [], listing.standing.hays
            for start in range(0, len(hays), _STEP):
                pairs = zip(children[start : start + _STEP], hays[start : start + _STEP], strict=False)
                for child, hay in pairs:
                    if self._words in hay:
                        self._take(child, hay)
                self._found = self.best
                yield

    def _take(self, row: NodeRow, hay: str) -> None:
        entry = row.data
        if not isinstance(entry, Entry):
            return
        how = rank(self._words, hay)
        if how < HOLDS or any(name in _IN_NAMES and self._words in value for name, value in fields(hay)):
            self._found.append(Suggestion(Goal(entry, self._branches.path(row)), how))
        if isinstance(entry.document, Dataset) and self._words in parts(hay):
            above = self._branches.path(row)
            for ref in entry.document.collections:
                if self._words in (lower := ref.id.casefold()):
                    collection = Entry(EntryKind.COLLECTION, ref.id)
                    path = (*above, f"{EntryKind.COLLECTION}:{ref.id}")
                    self._found.append(Suggestion(Goal(collection, path), rank(self._words, lower)))
