"""Filter and order of all loaded entries of the tree."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence

from ...models import Entry
from .labels import MatchHighlighter
from .matching import DOI, LISTED, ORDERS, TITLE, day_of, fields, fuzzy_match, parse, parts
from .nodes import GroupNode, NodeRow, NoteNode
from .tree_model import CatalogTreeModel

AT_ONCE = 0.008
"""Seconds that a filter looks before the keys come first."""
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

    - `tree_model`: The tree.
    - `words`: What is searched for, in any case, and facets; all must be found.

    - `matched`, `best`: What matches, and of that what matches better than the rest; empty where all is
      alike.
    - `opened`: The rows that were opened to show what is below them.
    """

    def __init__(self, tree_model: CatalogTreeModel, words: str) -> None:
        self._tree_model = tree_model
        self._words, self.query = words, parse(words)
        self.highlighter = MatchHighlighter(self.query.terms)
        self.matched: set[NodeRow] = set()
        self.best: set[NodeRow] = set()
        self.opened: set[NodeRow] = set()
        self._best_rank = HOLDS
        self._named: set[NodeRow] = set()
        self._hits: dict[NodeRow, list[NodeRow]] = {}
        self._steps = self._look()

    @property
    def only_near(self) -> bool:
        """Whether nothing holds the words, and what is shown comes near them."""
        return self.highlighter.closely and bool(self.matched)

    @property
    def facet_texts(self) -> list[str]:
        """What the matching entries of the listings can be narrowed by."""
        return [row.facet_text for rows in self._hits.values() for row in rows if row.facet_text]

    # Looking

    def look(self) -> bool:
        """Look for a moment; return whether all was looked at. Nothing is shown differently yet."""
        # Of this program alone: others that keep the machine busy are no reason to answer later still.
        began = time.thread_time()
        return not any(time.thread_time() - began > AT_ONCE for _ in self._steps)

    def _look(self) -> Iterator[None]:
        for closely in (False, True):
            if closely and (self.matched or not self.query.terms):
                return
            self.highlighter = MatchHighlighter(self.query.terms, closely=closely)
            for row, listing in list(self._tree_model.grown.items()):
                if listing is not None:
                    yield from self._look_into(row)

    def _look_into(self, row: NodeRow) -> Iterator[None]:
        entries, hits = self._tree_model.entries(row), self._hits.setdefault(row, [])
        step = FEW if self.highlighter.closely else STEP
        for start in range(0, len(entries), step):
            found = self._matching(entries[start : start + step])
            hits += found
            self._take(found)
            yield
            if isinstance(row.data, GroupNode) and self.query.terms:
                yield from self._look_at_names(found)

    def _matching(self, rows: Sequence[NodeRow]) -> Sequence[NodeRow]:
        if self.query.facets:
            rows = [row for row in rows if self.query.fits(row.facet_text)]
        if self.highlighter.closely:
            return [row for row in rows if self._holds(row.searched)]
        for term in self.query.terms:
            rows = [row for row in rows if term in row.searched]
        return rows

    def _holds(self, searched: str) -> bool:
        """Whether a text holds all terms, or comes near those that it does not hold."""
        values = [value for _, value in fields(searched)] if self.highlighter.closely else []
        return all(
            term in searched or any(fuzzy_match(term, value) is not None for value in values)
            for term in self.query.terms
        )

    def _take(self, found: Iterable[NodeRow]) -> None:
        """Take up what matches, and take note of what does so best."""
        self.matched.update(found)
        words = " ".join(self.query.terms)
        for row in found if words and not self.highlighter.closely else ():
            if (
                words in row.searched
                and (how := rank(words, row.searched)) <= self._best_rank
                and how < HOLDS
            ):
                if how < self._best_rank:
                    self._best_rank, self.best = how, set()
                self.best.add(row)

    def _look_at_names(self, found: Sequence[NodeRow]) -> Iterator[None]:
        """Give the place of a dataset found by a collection's id, not for itself, to that collection."""
        for number, row in enumerate(found):
            named = parts(row.searched)
            whole = self.highlighter.closely or all(term in named for term in self.query.terms)
            only = named and whole and not self._holds(row.searched.removesuffix(named))
            if only and any(self._holds(identity) for _, identity in fields(named)):
                self._take_collections(row)
            if number % FEW == FEW - 1:
                yield

    def _take_collections(self, row: NodeRow) -> None:
        self._tree_model.fill(row)
        self._named.add(row)
        self.matched.discard(row)
        self.best.discard(row)
        collections = [child for group in row.children or [] for child in group.children or []]
        self._take([child for child in collections if self._holds(child.searched)])

    # Showing

    def apply(self) -> None:
        """Let the rows show what was found; the outline is to be laid out then."""
        grown, whole = self._tree_model.grown, self._named.union(self.matched)
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
        children, listing, found = row.children or [], self._tree_model.grown[row], hits
        if inner:
            wanted = {*hits, *inner}
            found = [child for child in children if child in wanted]
        return [*found, *children[listing.in_tree.loaded :]] if listing is not None else found

    def _choose_groups(self) -> None:
        """Leave out groups in which nothing was found; the first stays and says so."""
        first, *others = self._tree_model.groups
        if not first.shown and self._tree_model.top.in_tree.loaded:
            note = NodeRow(NoteNode("nothing matches the filter"))
            note.parent, note.depth = first, first.depth + 1
            first.shown = [note]
        self._tree_model.root.shown = [first, *(group for group in others if group.shown)]

    # Words

    def _count(self, row: NodeRow) -> str:
        """Return how many of a listing's entries are shown."""
        number = sum(isinstance(child.data, Entry) for child in row.shown or ())
        return f"{number:,}{' near' if self.only_near else ''}"

    def told(self, group: NodeRow) -> str:
        """Return what was found in a group, for its line: `2 of 45  /kenya`."""
        listing = self._tree_model.grown[group]
        assert listing is not None
        loaded = f"{listing.in_tree.loaded:,}{'' if listing.in_tree.complete else ' loaded'}"
        return f"{self._count(group)} of {loaded}  /{self._words}"

    @property
    def words(self) -> str:
        """What was found among what: `2 of 45 datasets`, `3 found, filtering the 200 loaded of 2,365`."""
        tree_model = self._tree_model
        if tree_model.by_dataset:
            return f"{self._count(tree_model.groups[0])} of {tree_model.top.in_tree.loaded} datasets"
        found = "near" if self.only_near else "found"
        return f"{len(self.matched):,} {found}, filtering {tree_model.scope}"


def rank(words: str, searched: str) -> int:
    """Return how well an entry matches some words that it holds."""
    if searched.startswith(words):
        return EQUAL if searched[len(words) : len(words) + 1] in ("", "\n") else BEGINS
    for mark in (TITLE, DOI):
        at = searched.find(f"\n{mark}{words}")
        if at >= 0:
            return EQUAL if searched[at + 2 + len(words) :][:1] in ("", "\n") else BEGINS
    return HOLDS


def arrange(tree_model: CatalogTreeModel, order: str) -> None:
    """Let the rows of all listings show their entries in an order; the outline is to be laid out then.

    What a filter chose is arranged too. What is no entry, as the line that loads more, stays at the end.
    """
    if order not in ORDERS or order == LISTED:
        return
    for row in tree_model.grown:
        if not tree_model.entries(row):
            continue
        pairs = [(child.data, child) for child in row.visible if isinstance(child.data, Entry)]
        others = [child for child in row.visible if not isinstance(child.data, Entry)]
        if order == "newest":  # those without a day come last, as they were listed
            pairs.sort(key=lambda one: day_of(one[1].facet_text), reverse=True)
        elif order == "title":
            pairs.sort(key=lambda one: (_natural(one[0].title or one[0].id), one[0].id))
        else:
            pairs.sort(key=lambda one: _natural(one[0].id or one[0].label))
        row.shown = [*(child for _, child in pairs), *others]


def _natural(words: str) -> list[str | int]:
    """Return what words are sorted by: numbers in them by their value, 2 before 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d{1,9})", words.casefold())]
