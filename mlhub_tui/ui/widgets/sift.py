"""The filter over the tree: what matches among all that is loaded, found in steps between the keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...models import Dataset, Entry
from .branches import Branches, NodeRow
from .listing import Listing
from .nodes import GroupNode, NoteNode
from .outline import Row

STEP = 10_000
"""Entries looked at in one go: about a millisecond."""
FEW = 100
"""Datasets whose collections are looked at in one go."""


class Sift:
    """One search of a filter's words over all that is loaded.

    An entry is shown if it matches, if something below it does (then it is opened), or if one above it does;
    of a dataset the ids of its collections count too, opened or not.

    Parameters
    ----------
    branches
        The tree.
    words
        What is searched for, in any case; all must be found.
    """

    def __init__(self, branches: Branches, words: str) -> None:
        self._branches = branches
        self.words = words
        self.terms = words.casefold().split()
        self.matched: set[NodeRow] = set()
        self.opened: set[NodeRow] = set()
        """The rows that were opened to show what is below them."""
        self._named: set[NodeRow] = set()
        self._hits: dict[NodeRow, list[NodeRow]] = {}

    # Looking

    def steps(self) -> Iterator[None]:
        """Look; pauses after every step, and nothing is shown differently yet."""
        for row, listing in list(self._branches.grown.items()):
            if listing is not None:
                yield from self._look_into(row, listing)

    def _look_into(self, row: NodeRow, listing: Listing) -> Iterator[None]:
        children, hays = row.children or [], listing.hays
        hits = self._hits[row] = []
        for start in range(0, len(hays), STEP):
            found = self._among(children[start : start + STEP], hays[start : start + STEP])
            hits += found
            self.matched.update(found)
            yield
            if isinstance(row.data, GroupNode):
                yield from self._look_at_names(found)

    def _among(self, rows: Sequence[NodeRow], hays: Sequence[str]) -> list[NodeRow]:
        first, *rest = self.terms
        pairs = zip(rows, hays, strict=False)
        if not rest:
            return [row for row, hay in pairs if first in hay]
        return [row for row, hay in pairs if first in hay and all(term in hay for term in rest)]

    def _look_at_names(self, rows: list[NodeRow]) -> Iterator[None]:
        """Give the place of a dataset found by a collection's id to that collection."""
        for number, row in enumerate(rows):
            document = row.data.document if isinstance(row.data, Entry) else None
            if isinstance(document, Dataset) and any(self._fits(ref.id) for ref in document.collections):
                self._branches.fill(row)
                self._named.add(row)
                self.matched.discard(row)
                collections = (child for group in row.children or [] for child in group.children or [])
                self.matched.update(
                    c for c in collections if isinstance(c.data, Entry) and self._fits(c.data.id)
                )
            if number % FEW == FEW - 1:
                yield

    def _fits(self, identity: str) -> bool:
        lower = identity.casefold()
        return all(term in lower for term in self.terms)

    # Showing

    def apply(self) -> None:
        """Let the rows show what was found; the outline is to be laid out then."""
        grown, whole = self._branches.grown, self.matched | self._named
        for row in grown:
            if row.parent in whole:
                whole.add(row)
        below: dict[NodeRow, list[NodeRow]] = {}
        for row in reversed(list(grown)):
            hits, inner = self._hits.get(row, []), below.get(row, [])
            if row in self._named:
                self._open(row)
            if row in whole or not (hits or inner or isinstance(row.data, GroupNode)):
                row.shown = None
                continue
            row.shown = self._chosen(row, hits, inner)
            if hits or inner:
                self._open(row)
                if row.parent is not None:
                    below.setdefault(row.parent, []).append(row)
        self._choose_groups()

    def _open(self, row: NodeRow) -> None:
        if not row.is_open:
            row.is_open = True
            self.opened.add(row)

    def _chosen(self, row: NodeRow, hits: list[NodeRow], inner: list[NodeRow]) -> list[NodeRow]:
        children, listing, found = row.children or [], self._branches.grown[row], hits
        if inner:
            wanted = {*hits, *inner}
            found = [child for child in children if child in wanted]
        return [*found, *children[listing.loaded :]] if listing is not None else found

    def _choose_groups(self) -> None:
        """Leave out groups in which nothing was found; the first stays and says so."""
        first, *others = self._branches.groups
        if not first.shown and self._branches.top.loaded:
            note: NodeRow = Row(NoteNode("nothing matches the filter"))
            note.parent, note.depth = first, first.depth + 1
            first.shown = [note]
        self._branches.outline.root.shown = [first, *(group for group in others if group.shown)]

    def count(self, row: NodeRow) -> int:
        """Return how many of a listing's entries are shown."""
        return sum(isinstance(child.data, Entry) for child in row.shown or ())


def show_all(branches: Branches, opened: set[NodeRow], kept: set[NodeRow]) -> None:
    """Take the filter away; what it had opened is closed again, but for the rows that are kept.

    The outline is to be laid out then.
    """
    branches.outline.root.shown = None
    for row in branches.grown:
        row.shown = None
    for row in opened - kept:
        row.is_open = False
