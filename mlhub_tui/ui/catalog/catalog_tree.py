"""The tree of whatever a source lists; keeps cursor and expansion over every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from ...metadata.places import regions
from ...models import Entry
from ..state import TreeState
from .matching import PLACE, boxes_of, described_by, with_lines
from .nodes import ActionNode, GroupNode, MoreNode, NoteNode, word_pieces
from .outline import Pieces
from .tree_filter import FilteredTree

if TYPE_CHECKING:
    from ...auth import Kind
    from ...errors import MLHubException
    from ...models import Dataset
    from ..state import TreeState
    from .nodes import Node, TreeEntry, TreeListing
    from .tree_filter import TreeFilter
    from .tree_model import NodeRow, Path


class CatalogTree(FilteredTree):
    """Shows the tree of a source; asks for what is opened, and for more where the end is reached."""

    DEFAULT_CSS = "CatalogTree { padding: 0 0 0 1; }"

    @dataclass
    class Wanted(Message):
        """The next page below a row is wanted."""

        row: NodeRow

    @dataclass
    class Opened(Message):
        """An entry is to be opened."""

        subject: TreeEntry

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marked: dict[str, TreeEntry] = {}
        """What was selected for a download, by what tells it from others."""
        self.favourites: frozenset[str] = frozenset()
        """The keys of the favourites of the source."""
        self.signs: Callable[[Entry], str] | None = None
        """Returns the sign of what is downloaded of an entry; None while that is not known."""
        self._goal: Path = ()
        self._placed: NodeRow | None = None
        self._is_listing = False
        self._collections: Mapping[str, Sequence[str]] = {}

    def start(self, kind: Kind | None) -> None:
        """Begin with an empty tree for a kind of source; None where there is none."""
        self.forget_filter()
        self.order = ""
        self.marked.clear()
        self._goal, self._collections = (), {}
        self.tree_model.start(kind)
        self.cursor_line = 0

    def start_over(self) -> None:
        """Reload the top level; the cursor returns to the same entry."""
        row = self.cursor_row
        self._goal, self._placed = (self.tree_model.path(row), row) if row is not None else ((), None)
        self._collections = {}
        self.tree_model.start_over()

    def view(self) -> TreeState:
        """Return how the tree is left: what is open, where the cursor is or is on its way to, the filter."""
        row, (opened, closed) = self.cursor_row, self.tree_model.folds()
        waits = self._goal and row is self._placed
        cursor = self._goal if waits or row is None else self.tree_model.path(row)
        return TreeState(tuple(opened), tuple(closed), cursor, self.filter, self.order)

    def recall(self, view: TreeState) -> None:
        """Come, as entries come, to how the tree was left; the cursor, unless it is moved meanwhile."""
        self.tree_model.recall(view.opened, view.closed)
        if view.order:
            self.sort(view.order)
        self._goal, self._placed = view.cursor, self.cursor_row

    def show_last(self, entries: Sequence[Entry], age: str) -> None:
        """Show what the source listed last time, until it answers."""
        self.tree_model.show_last(entries, age)
        if not self._goal and self.cursor_row is not None:
            self._goal, self._placed = self.tree_model.path(self.cursor_row), self.cursor_row
        self._listed()

    def fail(self, error: MLHubException) -> None:
        """Say why there is no source, and the way on."""
        for row in self.tree_model.groups:
            if (listing := self.tree_model.grown[row]) is not None:
                listing.fail(error)
            self.tree_model.settle(row)

    def want(self, row: NodeRow) -> None:
        """Ask for the next page below a row."""
        self.post_message(self.Wanted(row))

    # What is shown

    @property
    def amount(self) -> str:
        """How much is shown: `45 datasets`, `2 of 45 datasets`."""
        top = self.tree_model.top if self.started else None
        return self.found_words or (top.words(top.loaded, top.noun) if top is not None else "")

    def traits(self) -> list[str]:
        """Return what the entries that are shown can be narrowed by."""
        if self._sift is not None:
            return self._sift.traits
        listings = self.tree_model.grown.values() if self.started else ()
        return [
            trait for listing in listings if listing is not None for trait in listing.standing.traits if trait
        ]

    # What is under the cursor

    @property
    def current(self) -> Node | None:
        """What the row under the cursor stands for."""
        return self.cursor_row.data if self.cursor_row is not None else None

    @property
    def subject(self) -> TreeEntry | None:
        """The entry under the cursor, with what is known around it."""
        return self.tree_model.subject(self.cursor_row) if self.started else None

    @property
    def beside(self) -> list[Entry]:
        """The entries of the kind that is under the cursor, in the listing it stands in."""
        row = self.cursor_row
        if row is None or row.parent is None or not isinstance(row.data, Entry):
            return []
        nodes = (sibling.data for sibling in row.parent.visible)
        return [node for node in nodes if isinstance(node, Entry) and node.kind is row.data.kind]

    def go_beside(self, entry: Entry) -> None:
        """Put the cursor on an entry that stands beside the one under it."""
        row = self.cursor_row
        for sibling in row.parent.visible if row is not None and row.parent is not None else ():
            if sibling.data == entry:
                self.move_to(sibling)
                return

    @property
    def holder(self) -> TreeEntry | None:
        """What holds items and is under the cursor, or what is under it belongs to."""
        return self.tree_model.holder(self.cursor_row) if self.started else None

    @property
    def dataset(self) -> Dataset | None:
        """The MLHub dataset that the row under the cursor is, or belongs to."""
        return self.tree_model.dataset(self.cursor_row) if self.started else None

    @property
    def to_download(self) -> list[TreeEntry]:
        """What a download is about: the selection, else what is under the cursor, or what that belongs to."""
        if self.marked:
            return list(self.marked.values())
        return self.tree_model.to_download(self.cursor_row) if self.started else []

    # Listings

    def add(self, row: NodeRow, entries: Sequence[Entry]) -> None:
        """Append entries to the listing of a row."""
        self._note_place()
        self.tree_model.add(row, entries)
        self._listed()
        if (listing := self.tree_model.grown[row]) is not None:
            start = listing.loaded - len(entries)
            self._find_places(listing, start, entries)
            self._describe(listing, start, entries)

    def describe(self, collections: Mapping[str, Sequence[str]]) -> None:
        """Have MLHub's datasets found and narrowed by what their collections state.

        Parameters
        ----------
        collections
            The lines of each collection, as `described` returns them, by its id.
        """
        self._collections = collections
        rows = self.tree_model.groups[0].children or []
        entries = [row.data for row in rows if isinstance(row.data, Entry)]
        self._describe(self.tree_model.top.standing, 0, entries)

    def _describe(self, listing: TreeListing, start: int, entries: Sequence[Entry]) -> None:
        collections = self._collections
        if collections and entries:
            self._learn(listing, start, lambda: [described_by(entry, collections) for entry in entries])

    def _find_places(self, listing: TreeListing, start: int, entries: Sequence[Entry]) -> None:
        """Have the places of entries named: about a millisecond each."""
        boxes = [boxes_of(entry) for entry in entries]
        if any(boxes):
            self._learn(listing, start, lambda: [[f"{PLACE}{one}" for one in regions(b)] for b in boxes])

    @work(group="learning")
    async def _learn(self, listing: TreeListing, start: int, find: Callable[[], list[list[str]]]) -> None:
        """Add lines to what the entries of a listing are found by; they are made in a thread."""
        for number, lines in enumerate(await asyncio.to_thread(find), start):
            if number < listing.loaded:
                known = listing.search_texts[number], listing.traits[number]
                listing.search_texts[number], listing.traits[number] = with_lines(*known, lines)
        if not self.filter:
            self.post_message(self.Filtered(0))  # there is more to narrow by
            return
        self._note_place()
        found = self._sift is not None and self._sift.matched and not self._sift.only_near
        self.apply_filter(self.filter, to_first=not (found or self._goal))

    def settle(self, row: NodeRow) -> None:
        """Show the state of a row's listing after a page has come or failed."""
        self._note_place()
        self.tree_model.settle(row)
        self._listed()

    def _note_place(self) -> None:
        """Take note that the cursor was moved; of where to, if other rows will stand for the same entries."""
        row = self.cursor_row
        if self._goal and row is not self._placed:
            self._goal, self._placed = (), None
            lasts = row is not None and not isinstance(row.data, NoteNode | MoreNode | ActionNode)
            if row is not None and lasts and self.tree_model.is_replaced_soon:
                self._goal, self._placed = self.tree_model.path(row), row

    def _listed(self) -> None:
        self._is_listing = True
        self.arrange_again()
        self._is_listing = False
        self._come_to_place()

    def _show(self, sift: TreeFilter | None) -> None:
        if not self._is_listing:
            self._note_place()
        super()._show(sift)
        if not self._to_first:
            self._come_to_place()

    def _come_to_place(self) -> None:
        """Put the cursor where it was, or on its way to, as far as that is there by now."""
        row = self._placed
        if self._goal and not (row is self.cursor_row and row and self.tree_model.path(row) == self._goal):
            self._placed = self.tree_model.find(self._goal) or self.cursor_row
            if self._placed is not None:
                self.move_to(self._placed)
            self._placed = self.cursor_row

    # Drawing

    def label(self, row: NodeRow, room: int) -> Pieces:
        """Return the label of a row."""
        if not self.started:
            return word_pieces(row.data) if isinstance(row.data, GroupNode) else []
        under = row is self.cursor_row
        return self.tree_model.pieces(row, self.highlighter, self.found_in(row), room, whole=under)

    def badge(self, row: NodeRow) -> str:
        """Return the marks of what was selected, of what is downloaded or queued, and of a favourite."""
        chosen = "✓ " if self.marked and self.tree_model.mark(row) in self.marked else ""
        if sign := self.tree_model.sign(row, self.signs) if self.signs is not None and self.started else "":
            chosen = f"{chosen}{sign} "
        return f"{chosen}★ " if self.favourites and self.is_favourite(row) else chosen

    def is_favourite(self, row: NodeRow) -> bool:
        """Whether what a row stands for was marked."""
        return self.started and self.tree_model.key(row) in self.favourites

    def cuts_middle(self, row: NodeRow) -> bool:
        """Whether it is the title or id of an entry, without a note behind it."""
        words = isinstance(row.data, GroupNode | ActionNode | MoreNode | NoteNode)
        return not words and not getattr(row.data, "note", "")

    # Jumps

    def reveal(self, row: NodeRow) -> None:
        """Open a row, and all above it."""
        for one in reversed([*row.lineage()]):
            if not one.is_open:
                self.unfold(one)

    def arrive(self, row: NodeRow) -> None:
        """Put the cursor on a row, whatever hid it."""
        self._goal = ()
        if row.parent is not None:
            self.reveal(row.parent)
        if not self.move_to(row) and self.filter:
            self.apply_filter("")
            self.move_to(row)

    # Keys

    def unfold(self, row: NodeRow) -> None:
        """Open a row whose children stand at once, so that a key that follows fast finds them."""
        if row.foldable and self.started:
            self.tree_model.unfolding(row)
            super().unfold(row)

    def fold(self, row: NodeRow) -> None:
        """Close a row."""
        if self.started:
            self.tree_model.folded(row)
            super().fold(row)

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Load more when the end of what was loaded is reached."""
        super().watch_cursor_line(before, after)
        row = self.cursor_row
        if row is not None and row.parent is not None and isinstance(row.data, MoreNode):
            self.want(row.parent)

    async def action_select_cursor(self) -> None:
        """Open what can be opened; expand or collapse the rest."""
        row = self.cursor_row
        if row is None:
            return
        subject = self.subject
        if subject is not None and subject.is_document:
            self.post_message(self.Opened(subject))
            return
        match row.data:
            case ActionNode(_, action):
                await self.run_action(action)
            case NoteNode(_, _, True):
                self._retry(row)
            case MoreNode() if row.parent is not None:
                self.want(row.parent)
            case _ if row.foldable:
                self.toggle(row)

    def _retry(self, row: NodeRow) -> None:
        listing = self.tree_model.grown.get(row.parent) if row.parent is not None else None
        if listing is not None and row.parent is not None:
            listing.retry()
            self.want(row.parent)

    # Marks

    def toggle_mark(self) -> None:
        """Mark or unmark what can be downloaded; expand or collapse the rest."""
        row = self.cursor_row
        if row is None:
            return
        subject, mark = self.subject, self.tree_model.mark(row) if self.started else ""
        if subject is not None and mark:
            if self.marked.pop(mark, None) is None:
                self.marked[mark] = subject
            self.refresh()
            self.action_cursor_down()
        elif row.foldable:
            self.toggle(row)

    def clear_marks(self) -> None:
        """Mark nothing."""
        self.marked.clear()
        self.refresh()
