"""The filter over the tree: what matches among all that is loaded, found in steps between the keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...models import Dataset, Entry
from ..find.hay import DOI, TITLE, fields, parts
from ..find.lens import MatchHighlighter
from ..find.near import fuzzy_match
from ..find.query import parse
from .branches import CatalogTreeModel, NodeRow
from .listing import TreeListing
from .nodes import GroupNode, NoteNode
from .outline import OutlineRow

STEP = 2_000
"""Entries looked at in one go: about a millisecond."""
FEW = 100
"""Entries looked at closely in one go: whether they come near, or which of their collections match."""
EQUAL, BEGINS, HOLDS = range(3)
"""How well an entry matches: it is called so, its id or title begins so, or the words are somewhere in it."""


class TreeFilter:
    """One search of a filter's words over all that is loaded.

    An entry is shown if it matches, if something below it does (then it is opened), or if one above it does;
    of a dataset the ids of its collections count too, opened or not. Where nothing holds the words, what
    comes near them matches. The order of the tree stays; the cursor goes to what matches best.

    Parameters
    ----------
    branches
        The tree.
    words
        What is searched for, in any case, and facets; all must be found.
    """

    def __init__(self, branches: CatalogTreeModel, words: str) -> None:
        self._branches = branches
        self.words = words
        self.query = parse(words)
        self.lens = MatchHighlighter(self.query.terms)
        self.matched: dict[NodeRow, str] = {}
        """What matches, each with what was looked at of it."""
        self.traits: list[str] = []
        """What the matching entries of the listings can be narrowed by."""
        self.best: set[NodeRow] = set()
        """What matches better than the rest; empty where all is alike."""
        self.opened: set[NodeRow] = set()
        """The rows that were opened to show what is below them."""
        self._best_rank = HOLDS
        self._named: set[NodeRow] = set()
        self._hits: dict[NodeRow, list[NodeRow]] = {}

    @property
    def only_near(self) -> bool:
        """Whether nothing holds the words, and what is shown comes near them."""
        return self.lens.closely

    # Looking

    def steps(self) -> Iterator[None]:
        """Look; pauses after every step, and nothing is shown differently yet."""
        yield from self._look()
        if not self.matched and self.query.terms:
            self.lens = MatchHighlighter(self.query.terms, closely=True)
            yield from self._look()

    def _look(self) -> Iterator[None]:
        for row, listing in list(self._branches.grown.items()):
            if listing is not None:
                yield from self._look_into(row, listing)

    def _look_into(self, row: NodeRow, listing: TreeListing) -> Iterator[None]:
        standing = listing.standing
        children, hays, traits = row.children or [], standing.hays, standing.traits
        hits = self._hits[row] = []
        step = FEW if self.lens.closely else STEP
        for start in range(0, len(hays), step):
            stop = start + step
            held = self._among(children[start:stop], hays[start:stop], traits[start:stop])
            found = [(child, hay) for child, hay, _ in held]
            self.traits += [trait for _, _, trait in held if trait]
            self.matched.update(found)
            hits += [child for child, _ in found]
            self._rank(found)
            yield
            if isinstance(row.data, GroupNode) and self.query.terms:
                yield from self._look_at_names(found)

    def _among(
        self, rows: Sequence[NodeRow], hays: Sequence[str], traits: Sequence[str]
    ) -> list[tuple[NodeRow, str, str]]:
        together: Iterable[tuple[NodeRow, str, str]] = zip(rows, hays, traits, strict=False)
        if self.query.facets:
            together = [one for one in together if self.query.fits(one[2])]
        if self.lens.closely:
            return [one for one in together if self._comes_near(one[1])]
        for term in self.query.terms:
            together = [one for one in together if term in one[1]]
        return list(together)

    def _comes_near(self, hay: str) -> bool:
        values = [value for _, value in fields(hay)]
        return all(
            term in hay or any(fuzzy_match(term, value) is not None for value in values)
            for term in self.query.terms
        )

    def _rank(self, found: Sequence[tuple[NodeRow, str]]) -> None:
        """Take note of what matches best so far."""
        words = " ".join(self.query.terms)
        if not words or self.lens.closely:
            return
        for row, hay in found:
            if words in hay and (how := rank(words, hay)) <= self._best_rank and how < HOLDS:
                if how < self._best_rank:
                    self._best_rank, self.best = how, set()
                self.best.add(row)

    def _look_at_names(self, found: Sequence[tuple[NodeRow, str]]) -> Iterator[None]:
        """Give the place of a dataset found by a collection's id to that collection."""
        for number, (row, hay) in enumerate(found):
            document = row.data.document if isinstance(row.data, Entry) else None
            if isinstance(document, Dataset) and self._may_name(hay):
                self._look_at_collections(row, document)
            if number % FEW == FEW - 1:
                yield

    def _may_name(self, hay: str) -> bool:
        """Whether it was for its collections that a dataset was found, not for itself."""
        named = parts(hay)
        own = hay[: len(hay) - len(named)] if named else hay
        if not named or not (self.lens.closely or all(term in named for term in self.query.terms)):
            return False
        return not self._holds(own)

    def _look_at_collections(self, row: NodeRow, document: Dataset) -> None:
        if not any(self._fits(ref.id) for ref in document.collections):
            return
        self._branches.fill(row)
        self._named.add(row)
        self.matched.pop(row, None)
        self.best.discard(row)
        collections = (child for group in row.children or [] for child in group.children or [])
        hits = [
            (child, child.data.id.casefold())
            for child in collections
            if isinstance(child.data, Entry) and self._fits(child.data.id)
        ]
        self.matched.update(hits)
        self._rank(hits)

    def _fits(self, identity: str) -> bool:
        return self._holds(identity.casefold())

    def _holds(self, hay: str) -> bool:
        if self.lens.closely:
            return self._comes_near(hay)
        return all(term in hay for term in self.query.terms)

    # Showing

    def apply(self) -> None:
        """Let the rows show what was found; the outline is to be laid out then."""
        grown, whole = self._branches.grown, self._named.union(self.matched)
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
        return [*found, *children[listing.standing.loaded :]] if listing is not None else found

    def _choose_groups(self) -> None:
        """Leave out groups in which nothing was found; the first stays and says so."""
        first, *others = self._branches.groups
        if not first.shown and self._branches.top.standing.loaded:
            note: NodeRow = OutlineRow(NoteNode("nothing matches the filter"))
            note.parent, note.depth = first, first.depth + 1
            first.shown = [note]
        self._branches.outline.root.shown = [first, *(group for group in others if group.shown)]

    def count(self, row: NodeRow) -> int:
        """Return how many of a listing's entries are shown."""
        return sum(isinstance(child.data, Entry) for child in row.shown or ())


def rank(words: str, hay: str) -> int:
    """Return how well an entry matches some words that it holds."""
    if hay.startswith(words):
        return EQUAL if hay[len(words) : len(words) + 1] in ("", "\n") else BEGINS
    for mark in (TITLE, DOI):
        at = hay.find(f"\n{mark}{words}")
        if at >= 0:
            return EQUAL if hay[at + 2 + len(words) :][:1] in ("", "\n") else BEGINS
    return HOLDS


def show_all(branches: CatalogTreeModel, opened: set[NodeRow], kept: set[NodeRow]) -> None:
    """Take the filter away; what it had opened is closed again, but for the rows that are kept.

    The outline is to be laid out then.
    """
    branches.outline.root.shown = None
    for row in branches.grown:
        row.shown = None
    for row in opened - kept:
        row.is_open = False
