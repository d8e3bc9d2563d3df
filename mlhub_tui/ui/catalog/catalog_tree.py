"""The tree of whatever a source lists: filtered, sorted; cursor and expansion stay over every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from ...metadata.places import regions
from ...models import Entry
from ..state import TreeState
from .matching import NOTHING, ORDERS, PLACE, boxes_of, described_by, with_lines
from .nodes import ActionNode, GroupNode, MoreNode, NoteNode
from .outline import OutlineView, Pieces
from .tree_filter import TreeFilter, arrange
from .tree_model import CatalogTreeModel, NodeRow, Path

if TYPE_CHECKING:
    from ...auth import Kind
    from ...errors import MLHubException
    from ...models import Dataset
    from .nodes import Node, TreeEntry

    NodeView = OutlineView[Node]
else:
    NodeView = OutlineView


class CatalogTree(NodeView):
    """Shows the tree of a source; asks for what is opened, and for more where the end is reached.

    - `filter`, `order`: What is searched for, and how the entries are sorted, by its name in `ORDERS`.
    - `is_looking`: Whether the filter is still looking between the keys.
    - `marked`: What was selected for a download, by what tells it from others.
    - `favourites`: The keys of the favourites of the source.
    - `signs`: Returns the sign of what is downloaded of an entry; None while that is not known.
    """

    DEFAULT_CSS = "CatalogTree { padding: 0 0 0 1; }"

    @dataclass
    class Wanted(Message):
        """The next page below a row is wanted."""

        row: NodeRow

    @dataclass
    class Opened(Message):
        """An entry is to be opened."""

        subject: TreeEntry

    @dataclass
    class Filtered(Message):
        """The filter was applied to all that is loaded."""

        found: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(GroupNode("root", ""), id=id)
        self.tree_model = CatalogTreeModel(self.outline, self.want, self.row_changed)
        self.filter = self.order = ""
        self.is_looking = False
        self.marked: dict[str, TreeEntry] = {}
        self.favourites: frozenset[str] = frozenset()
        self.signs: Callable[[Entry], str] | None = None
        self._search: TreeFilter | None = None
        self._arranged = self._to_first = self._is_listing = False
        self._target: Path = ()
        self._target_row: NodeRow | None = None
        self._collections: Mapping[str, Sequence[str]] = {}

    @property
    def started(self) -> bool:
        """Whether there is a source."""
        return bool(self.tree_model.groups)

    def start(self, kind: Kind | None) -> None:
        """Begin with an empty tree for a kind of source; None where there is none."""
        self.workers.cancel_group(self, "filter")
        self.filter = self.order = ""
        self._search, self.is_looking = None, False
        self.tree_model.found.clear()
        self.marked.clear()
        self._target, self._collections = (), {}
        self.tree_model.start(kind)
        self.cursor_line = 0

    def start_over(self) -> None:
        """Reload the top level; the cursor returns to the same entry."""
        row = self.cursor_row
        self._target, self._target_row = (self.tree_model.path(row), row) if row is not None else ((), None)
        self._collections = {}
        self.tree_model.start_over()

    def view(self) -> TreeState:
        """Return how the tree is left: what is open, where the cursor is or is on its way to, the filter."""
        row, (opened, closed) = self.cursor_row, self.tree_model.folds()
        waits = self._target and row is self._target_row
        cursor = self._target if waits or row is None else self.tree_model.path(row)
        return TreeState(tuple(opened), tuple(closed), cursor, self.filter, self.order)

    def recall(self, view: TreeState) -> None:
        """Come, as entries come, to how the tree was left; the cursor, unless it is moved meanwhile."""
        self.tree_model.recall(view.opened, view.closed)
        if view.order:
            self.sort(view.order)
        self._target, self._target_row = view.cursor, self.cursor_row

    def show_last(self, entries: Sequence[Entry], age: str) -> None:
        """Show what the source listed last time, until it answers."""
        self.tree_model.show_last(entries, age)
        if not self._target and self.cursor_row is not None:
            self._target, self._target_row = self.tree_model.path(self.cursor_row), self.cursor_row
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

    @property
    def found_words(self) -> str:
        """What was found among what: `2 of 45 datasets`, `3 found, filtering the 200 loaded of 2,365`."""
        if self._search is None:
            return ""
        tree_model, near = self.tree_model, " near" if self._search.only_near else ""
        if tree_model.by_dataset:
            found, loaded = self._search.count(tree_model.groups[0]), tree_model.top.in_tree.loaded
            return f"{found}{near} of {loaded} datasets"
        return f"{len(self._search.matched):,}{near or ' found'}, filtering {tree_model.scope}"

    def facet_texts(self) -> list[str]:
        """Return what the entries that are shown can be narrowed by."""
        if self._search is not None:
            return self._search.facet_texts
        rows = (entry for row in self.tree_model.grown for entry in self.tree_model.entries(row))
        return [row.facet_text for row in rows if row.facet_text]

    # What is under the cursor

    @property
    def current(self) -> Node | None:
        """What the row under the cursor stands for."""
        return self.cursor_row.data if self.cursor_row is not None else None

    @property
    def subject(self) -> TreeEntry | None:
        """The entry under the cursor, with what is known around it."""
        return self.tree_model.subject(self.cursor_row)

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
        return self.tree_model.holder(self.cursor_row)

    @property
    def dataset(self) -> Dataset | None:
        """The MLHub dataset that the row under the cursor is, or belongs to."""
        return self.tree_model.dataset(self.cursor_row)

    @property
    def to_download(self) -> list[TreeEntry]:
        """What a download is about: the selection, else what is under the cursor, or what that belongs to."""
        if self.marked:
            return list(self.marked.values())
        return self.tree_model.to_download(self.cursor_row)

    # Listings

    def add(self, row: NodeRow, entries: Sequence[Entry]) -> None:
        """Append entries to the listing of a row."""
        self._note_place()
        self.tree_model.add(row, entries)
        self._listed()
        added = self.tree_model.entries(row)[-len(entries) :] if entries else []
        self._find_regions(added, entries)
        self._describe(added)

    def describe(self, collections: Mapping[str, Sequence[str]]) -> None:
        """Have MLHub's datasets found and narrowed by what their collections state.

        - `collections`: The lines of each collection, as `described` returns them, by its id.
        """
        self._collections = collections
        self._describe(self.tree_model.entries(self.tree_model.groups[0]))

    def _describe(self, rows: Sequence[NodeRow]) -> None:
        entries = [row.data for row in rows if isinstance(row.data, Entry)]
        if (collections := self._collections) and entries:
            self._learn(rows, lambda: [described_by(entry, collections) for entry in entries])

    def _find_regions(self, rows: Sequence[NodeRow], entries: Sequence[Entry]) -> None:
        """Have the places of entries named: about a millisecond each."""
        boxes = [boxes_of(entry) for entry in entries]
        if any(boxes):
            self._learn(rows, lambda: [[f"{PLACE}{one}" for one in regions(b)] for b in boxes])

    @work(group="learning")
    async def _learn(self, rows: Sequence[NodeRow], find: Callable[[], list[list[str]]]) -> None:
        """Add lines to what entries are found by; they are made in a thread."""
        for row, lines in zip(rows, await asyncio.to_thread(find), strict=True):
            row.searched, row.facet_text = with_lines(row.searched, row.facet_text, lines)
        if not self.filter:
            self.post_message(self.Filtered(0))  # there is more to narrow by
            return
        self._note_place()
        found = self._search is not None and self._search.matched and not self._search.only_near
        self.apply_filter(self.filter, to_first=not (found or self._target))

    def settle(self, row: NodeRow) -> None:
        """Show the state of a row's listing after a page has come or failed."""
        self._note_place()
        self.tree_model.settle(row)
        self._listed()

    def _note_place(self) -> None:
        """Take note that the cursor was moved; of where to, if other rows will stand for the same entries."""
        row = self.cursor_row
        if self._target and row is not self._target_row:
            self._target, self._target_row = (), None
            lasts = row is not None and not isinstance(row.data, NoteNode | MoreNode | ActionNode)
            if row is not None and lasts and self.tree_model.is_replaced_soon:
                self._target, self._target_row = self.tree_model.path(row), row

    def _listed(self) -> None:
        self._is_listing = True
        if self.filter or self.order:
            self.sort(self.order)
        self._is_listing = False
        self._come_to_place()

    def _come_to_place(self) -> None:
        """Put the cursor where it was, or on its way to, as far as that is there by now."""
        row = self._target_row
        if self._target and not (
            row is self.cursor_row and row and self.tree_model.path(row) == self._target
        ):
            self._target_row = self.tree_model.find(self._target) or self.cursor_row
            if self._target_row is not None:
                self.move_to(self._target_row)
            self._target_row = self.cursor_row

    # Filter and order

    def apply_filter(self, words: str, *, to_first: bool = True) -> None:
        """Show what matches some words among all that is loaded; without words, everything.

        - `words`: What is searched for.
        - `to_first`: Whether the cursor goes to the first match.
        """
        self.workers.cancel_group(self, "filter")
        self.filter, self._to_first, self.is_looking = words.strip(), to_first, False
        if not self.started:
            return
        search = TreeFilter(self.tree_model, self.filter) if self.filter else None
        if search is None or search.look():
            self._show(search)
        else:
            self.is_looking = True
            self._look_on(search)

    @work(group="filter", exclusive=True)
    async def _look_on(self, search: TreeFilter) -> None:
        """Look on between the keys."""
        for _ in iter(search.look, True):
            await asyncio.sleep(0)
        self._show(search)

    def _show(self, search: TreeFilter | None) -> None:
        """Show what was found, or everything; the cursor stays on what it was on, else on what is above."""
        if not self._is_listing:
            self._note_place()
        self.is_looking = False
        tree_model, lineage = self.tree_model, list(self.cursor_row.lineage()) if self.cursor_row else []
        closed = self._search.opened if self._search is not None else set()
        if search is None:
            # What the filter opened above the cursor stays open when the filter goes.
            for row in closed.intersection(lineage[1:]):
                tree_model.unfolding(row)
                closed.discard(row)
        if self._search is not None or self._arranged:
            tree_model.show_all()
            for row in closed:
                row.is_open = False
        if search is not None:
            search.apply()
        self._search, self._arranged = search, bool(self.order)
        arrange(tree_model, self.order)
        self._tell()
        self.outline.lay_out()
        next((row for row in lineage if self.move_to(row)), None)
        if search is not None and self._to_first:
            self.first_match()
        self.post_message(self.Moved())  # at least the group's own line is another one
        self.post_message(self.Filtered(len(search.matched) if search is not None else 0))
        if not self._to_first:
            self._come_to_place()

    def _tell(self) -> None:
        """Say in the groups' lines what was found in each."""
        self.tree_model.found.clear()
        for row in self.tree_model.groups:
            listing = self.tree_model.grown.get(row)
            if self._search is not None and listing is not None:
                loaded = f"{listing.in_tree.loaded:,}{'' if listing.in_tree.complete else ' loaded'}"
                near = " near" if self._search.only_near else ""
                self.tree_model.found[row] = f"{self._search.count(row):,}{near} of {loaded}  /{self.filter}"
            self.tree_model.tell(row)

    def sort(self, order: str) -> None:
        """Show the entries of every listing in another order, see `ORDERS`; the cursor stays on its entry."""
        self.order = self.tree_model.order = order if order in ORDERS else ""
        if self.filter:
            self.apply_filter(self.filter, to_first=False)
        else:
            self._show(None)

    def first_match(self) -> None:
        """Put the cursor on what matches the filter best; of several the first."""
        if self._search is not None:
            self._match_from(-1, 1, self._search.best or self._search.matched)
            if self.cursor_line < self.size.height:
                self.scroll_to(y=0, animate=False, immediate=True)

    def next_match(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match of the filter, around the end."""
        if self._search is not None:
            self._match_from(self.cursor_line, step, self._search.matched)

    def _match_from(self, line: int, step: int, wanted: Container[NodeRow]) -> None:
        rows = self.outline.rows
        lines = ((line + step * distance) % len(rows) for distance in range(1, len(rows) + 1))
        self.cursor_line = next((number for number in lines if rows[number] in wanted), self.cursor_line)

    # Drawing

    def label(self, row: NodeRow, room: int) -> Pieces:
        """Return the label of a row; of one that matches the filter with what that looked at."""
        whole, search = row is self.cursor_row, self._search
        highlighter = search.highlighter if search is not None else NOTHING
        searched = row.searched if search is not None and row in search.matched else ""
        return self.tree_model.pieces(row, highlighter, searched, room, whole=whole)

    def badge(self, row: NodeRow) -> str:
        """Return the marks of what was selected, of what is downloaded or queued, and of a favourite."""
        chosen = "✓ " if self.marked and self.tree_model.mark(row) in self.marked else ""
        if sign := self.tree_model.sign(row, self.signs) if self.signs is not None else "":
            chosen = f"{chosen}{sign} "
        return f"{chosen}★ " if self.favourites and self.tree_model.key(row) in self.favourites else chosen

    def cuts_middle(self, row: NodeRow) -> bool:
        """Whether it is the title or id of an entry, without a note behind it."""
        words = isinstance(row.data, GroupNode | ActionNode | MoreNode | NoteNode)
        return not words and not getattr(row.data, "note", "")

    def names(self, row: NodeRow) -> tuple[str, ...]:
        """Return id and title of an entry: one of them is its label, where nothing is found in it."""
        return (row.data.id, row.data.title) if isinstance(row.data, Entry) else ()

    # Jumps

    def reveal(self, row: NodeRow) -> None:
        """Open a row, and all above it."""
        for one in reversed([*row.lineage()]):
            if not one.is_open:
                self.unfold(one)

    def arrive(self, row: NodeRow) -> None:
        """Put the cursor on a row, whatever hid it."""
        self._target = ()
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
        subject, mark = self.subject, self.tree_model.mark(row)
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
