"""Filter over all loaded entries of the tree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from ...models import Dataset, Entry
from .matching import (
    DOI,
    LISTED,
    NOTHING,
    ORDERS,
    TITLE,
    MatchHighlighter,
    day_of,
    fields,
    fuzzy_match,
    parse,
    parts,
)
from .nodes import GroupNode, NoteNode, TreeListing
from .outline import OutlineRow, OutlineView
from .tree_model import CatalogTreeModel, NodeRow

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
    tree_model
        The tree.
    words
        What is searched for, in any case, and facets; all must be found.
    """

    def __init__(self, tree_model: CatalogTreeModel, words: str) -> None:
        self._tree_model = tree_model
        self.words = words
        self.query = parse(words)
        self.highlighter = MatchHighlighter(self.query.terms)
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
        return self.highlighter.closely

    # Looking

    def steps(self) -> Iterator[None]:
        """Look; pauses after every step, and nothing is shown differently yet."""
        yield from self._look()
        if not self.matched and self.query.terms:
            self.highlighter = MatchHighlighter(self.query.terms, closely=True)
            yield from self._look()

    def _look(self) -> Iterator[None]:
        for row, listing in list(self._tree_model.grown.items()):
            if listing is not None:
                yield from self._look_into(row, listing)

    def _look_into(self, row: NodeRow, listing: TreeListing) -> Iterator[None]:
        standing = listing.standing
        children, search_texts, traits = row.children or [], standing.search_texts, standing.traits
        hits = self._hits[row] = []
        step = FEW if self.highlighter.closely else STEP
        for start in range(0, len(search_texts), step):
            stop = start + step
            held = self._among(children[start:stop], search_texts[start:stop], traits[start:stop])
            found = [(child, searched) for child, searched, _ in held]
            self.traits += [trait for _, _, trait in held if trait]
            self.matched.update(found)
            hits += [child for child, _ in found]
            self._rank(found)
            yield
            if isinstance(row.data, GroupNode) and self.query.terms:
                yield from self._look_at_names(found)

    def _among(
        self, rows: Sequence[NodeRow], search_texts: Sequence[str], traits: Sequence[str]
    ) -> list[tuple[NodeRow, str, str]]:
        together: Iterable[tuple[NodeRow, str, str]] = zip(rows, search_texts, traits, strict=False)
        if self.query.facets:
            together = [one for one in together if self.query.fits(one[2])]
        if self.highlighter.closely:
            return [one for one in together if self._comes_near(one[1])]
        for term in self.query.terms:
            together = [one for one in together if term in one[1]]
        return list(together)

    def _comes_near(self, searched: str) -> bool:
        values = [value for _, value in fields(searched)]
        return all(
            term in searched or any(fuzzy_match(term, value) is not None for value in values)
            for term in self.query.terms
        )

    def _rank(self, found: Sequence[tuple[NodeRow, str]]) -> None:
        """Take note of what matches best so far."""
        words = " ".join(self.query.terms)
        if not words or self.highlighter.closely:
            return
        for row, searched in found:
            if words in searched and (how := rank(words, searched)) <= self._best_rank and how < HOLDS:
                if how < self._best_rank:
                    self._best_rank, self.best = how, set()
                self.best.add(row)

    def _look_at_names(self, found: Sequence[tuple[NodeRow, str]]) -> Iterator[None]:
        """Give the place of a dataset found by a collection's id to that collection."""
        for number, (row, searched) in enumerate(found):
            document = row.data.document if isinstance(row.data, Entry) else None
            if isinstance(document, Dataset) and self._may_name(searched):
                self._look_at_collections(row, document)
            if number % FEW == FEW - 1:
                yield

    def _may_name(self, searched: str) -> bool:
        """Whether it was for its collections that a dataset was found, not for itself."""
        named = parts(searched)
        own = searched[: len(searched) - len(named)] if named else searched
        if not named or not (self.highlighter.closely or all(term in named for term in self.query.terms)):
            return False
        return not self._holds(own)

    def _look_at_collections(self, row: NodeRow, document: Dataset) -> None:
        if not any(self._fits(ref.id) for ref in document.collections):
            return
        self._tree_model.fill(row)
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

    def _holds(self, searched: str) -> bool:
        if self.highlighter.closely:
            return self._comes_near(searched)
        return all(term in searched for term in self.query.terms)

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
        return [*found, *children[listing.standing.loaded :]] if listing is not None else found

    def _choose_groups(self) -> None:
        """Leave out groups in which nothing was found; the first stays and says so."""
        first, *others = self._tree_model.groups
        if not first.shown and self._tree_model.top.standing.loaded:
            note: NodeRow = OutlineRow(NoteNode("nothing matches the filter"))
            note.parent, note.depth = first, first.depth + 1
            first.shown = [note]
        self._tree_model.outline.root.shown = [first, *(group for group in others if group.shown)]

    def count(self, row: NodeRow) -> int:
        """Return how many of a listing's entries are shown."""
        return sum(isinstance(child.data, Entry) for child in row.shown or ())


def rank(words: str, searched: str) -> int:
    """Return how well an entry matches some words that it holds."""
    if searched.startswith(words):
        return EQUAL if searched[len(words) : len(words) + 1] in ("", "\n") else BEGINS
    for mark in (TITLE, DOI):
        at = searched.find(f"\n{mark}{words}")
        if at >= 0:
            return EQUAL if searched[at + 2 + len(words) :][:1] in ("", "\n") else BEGINS
    return HOLDS


def show_all(tree_model: CatalogTreeModel, opened: set[NodeRow], still_open: set[NodeRow]) -> None:
    """Remove the filter; close the rows that it had opened, except those in `still_open`.

    The outline is to be laid out then.
    """
    tree_model.outline.root.shown = None
    for row in tree_model.grown:
        row.shown = None
    for row in opened - still_open:
        row.is_open = False


if TYPE_CHECKING:
    from .matching import MatchHighlighter
    from .nodes import Node
    from .tree_model import CatalogTreeModel, NodeRow

    NodeView = OutlineView[Node]
else:
    NodeView = OutlineView

AT_ONCE = 0.008
"""Seconds that a filter may take before the keys come first."""


class FilteredTree(NodeView):
    """The tree of a source; where there is much to look at, the filter looks between the keys.

    Until the first source is there it shows a line that says so: the model knows models and sources, whose
    import the first paint does not wait for.
    """

    @dataclass
    class Filtered(Message):
        """The filter was applied to all that is loaded."""

        found: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(GroupNode("root", ""), id=id)
        waiting: NodeRow = OutlineRow(GroupNode("datasets", "Datasets", "loading…"), foldable=True)
        waiting.is_open = True
        self.outline.put(self.outline.root, [waiting])
        self._tree_model: CatalogTreeModel | None = None
        self.filter = ""
        self.order = ""
        """In which order the entries stand, by its name in `ORDERS`."""
        self._sift: TreeFilter | None = None
        self.is_looking = False
        """Whether the filter is still looking between the keys."""
        self._arranged = False
        self._to_first = False

    @property
    def started(self) -> bool:
        """Whether there is a source."""
        return self._tree_model is not None

    @property
    def tree_model(self) -> CatalogTreeModel:
        """The model of the source in use."""
        if self._tree_model is None:
            self._tree_model = CatalogTreeModel(self.outline, self.want, self.row_changed)
        return self._tree_model

    def want(self, row: NodeRow) -> None:
        """Ask for the next page below a row."""

    def found_in(self, row: NodeRow) -> str:
        """Return what the filter looked at of a row that matches; empty for any other."""
        return self._sift.matched.get(row, "") if self._sift is not None else ""

    @property
    def highlighter(self) -> MatchHighlighter:
        """What labels are looked at with."""
        return self._sift.highlighter if self._sift is not None else NOTHING

    @property
    def found_words(self) -> str:
        """What was found among what: `2 of 45 datasets`, `3 found, filtering the 200 loaded of 2,365`."""
        if self._sift is None:
            return ""
        tree_model, near = self.tree_model, " near" if self._sift.only_near and self._sift.matched else ""
        if tree_model.by_dataset:
            return (
                f"{self._sift.count(tree_model.groups[0])}{near} of {tree_model.top.standing.loaded} datasets"
            )
        return f"{len(self._sift.matched):,}{near or ' found'}, filtering {tree_model.scope}"

    def forget_filter(self) -> None:
        """Filter nothing from now on."""
        self.workers.cancel_group(self, "filter")
        self.filter, self._sift, self.is_looking = "", None, False
        if self._tree_model is not None:
            self._tree_model.found.clear()

    def apply_filter(self, words: str, *, to_first: bool = True) -> None:
        """Show what matches some words among all that is loaded; without words, everything.

        Parameters
        ----------
        words
            What is searched for.
        to_first
            Whether the cursor goes to the first match.
        """
        self.workers.cancel_group(self, "filter")
        self.filter, self._to_first, self.is_looking = words.strip(), to_first, False
        if not self.started:
            return
        if not self.filter:
            self._show(None)
            return
        pass  # with the models, which the first paint does not wait for

        sift = TreeFilter(self.tree_model, self.filter)
        # Of this program alone: others that keep the machine busy are no reason to answer later still.
        steps, began = sift.steps(), time.thread_time()
        for _ in steps:
            if time.thread_time() - began > AT_ONCE:
                self.is_looking = True
                self._go_on(sift, steps)
                return
        self._show(sift)

    @work(group="filter", exclusive=True)
    async def _go_on(self, sift: TreeFilter, steps: Iterator[None]) -> None:
        """Look on between the keys."""
        for _ in steps:
            await asyncio.sleep(0)
        self._show(sift)

    def _show(self, sift: TreeFilter | None) -> None:
        """Show what was found, or everything; the cursor stays on what it was on, else on what is above."""
        self.is_looking = False
        lineage = list(self.cursor_row.lineage()) if self.cursor_row is not None else []
        before = self._sift.opened if self._sift is not None else set()
        still_open: set[NodeRow] = set()
        if sift is None:
            # What the filter opened above the cursor stays open when the filter goes.
            still_open = before.intersection(lineage[1:])
            for row in still_open:
                self.tree_model.unfolding(row)
        if self._sift is not None or self._arranged:
            show_all(self.tree_model, before, still_open)
        if sift is not None:
            sift.apply()
        self._sift, self._arranged = sift, bool(self.order)
        arrange(self.tree_model, self.order)
        self._tell()
        self.outline.lay_out()
        next((row for row in lineage if self.move_to(row)), None)
        if sift is not None and self._to_first:
            self.first_match()
        self.post_message(self.Moved())  # at least the group's own line is another one
        self.post_message(self.Filtered(len(sift.matched) if sift is not None else 0))

    def _tell(self) -> None:
        """Say in the groups' lines what was found in each."""
        self.tree_model.found.clear()
        for row in self.tree_model.groups:
            listing = self.tree_model.grown.get(row)
            if self._sift is not None and listing is not None:
                among = f"{listing.standing.loaded:,}{'' if listing.standing.complete else ' loaded'}"
                near = " near" if self._sift.only_near and self._sift.matched else ""
                self.tree_model.found[row] = f"{self._sift.count(row):,}{near} of {among}  /{self.filter}"
            self.tree_model.tell(row)

    def sort(self, order: str) -> None:
        """Show the entries of every listing in another order, see `ORDERS`; the cursor stays on its entry."""
        self.order = self.tree_model.order = order if order in ORDERS else ""
        if self.filter:
            self.apply_filter(self.filter, to_first=False)
        else:
            self._show(None)

    def arrange_again(self) -> None:
        """Filter and sort the current entries."""
        if self.filter or self.order:
            self.sort(self.order)

    def first_match(self) -> None:
        """Put the cursor on what matches the filter best; of several the first."""
        if self._sift is not None:
            self._match_from(-1, 1, self._sift.best or self._sift.matched)
            if self.cursor_line < self.size.height:
                self.scroll_to(y=0, animate=False, immediate=True)

    def next_match(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match of the filter, around the end."""
        self._match_from(self.cursor_line, step)

    def _match_from(self, line: int, step: int, among: Container[NodeRow] | None = None) -> None:
        matched = self._sift.matched if self._sift is not None else {}
        rows, wanted = self.outline.rows, among if among is not None else matched
        for distance in range(1, len(rows) + 1) if matched else ():
            number = (line + step * distance) % len(rows)
            if rows[number] in wanted:
                self.cursor_line = number
                return


def arrange(tree_model: CatalogTreeModel, order: str) -> None:
    """Let the rows of all listings show their entries in an order; the outline is to be laid out then.

    What a filter chose is arranged too. What is no entry, as the line that loads more, stays at the end.
    """
    if order not in ORDERS or order == LISTED:
        return
    for row, listing in tree_model.grown.items():
        if listing is None or not (standing := listing.standing).loaded:
            continue
        rows = row.visible
        entries = [child for child in rows if isinstance(child.data, Entry)]
        if order == "newest":
            days = dict(zip(row.children or [], map(day_of, standing.traits), strict=False))
            _newest(entries, days)
        else:
            entries.sort(key=_title if order == "title" else _id)
        row.shown = [*entries, *(child for child in rows if not isinstance(child.data, Entry))]


def _newest(entries: list[NodeRow], days: dict[NodeRow, str]) -> None:
    # Those without a day come last, as they were listed.
    entries.sort(key=lambda row: days.get(row, ""), reverse=True)


def _title(row: NodeRow) -> tuple[str, str]:
    entry = row.data
    assert isinstance(entry, Entry)
    return ((entry.title or entry.id).casefold(), entry.id)


def _id(row: NodeRow) -> str:
    entry = row.data
    assert isinstance(entry, Entry)
    return (entry.id or entry.label).casefold()
