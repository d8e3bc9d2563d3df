"""The tree of whatever a source lists: filtered, sorted; cursor and expansion stay over every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual import work
from textual.message import Message
from textual.strip import Strip

from ... import metadata
from ...models import Entry
from ..state import TreeState
from ..widgets.line_view import LineView
from .labels import LOOKS, NOTHING, QUIET, STEP, entry_pieces, fitted, guides_of, tail_length, word_pieces
from .matching import ORDERS, PLACE, boxes_of, described_by, with_lines
from .nodes import ActionNode, MoreNode, NodeRow, NoteNode
from .tree_filter import TreeFilter, arrange
from .tree_model import CatalogTreeModel, Path

if TYPE_CHECKING:
    from ...auth import Kind
    from .labels import Pieces
    from .nodes import TreeEntry


class CatalogTree(LineView[NodeRow]):
    """Shows the tree of a source; asks for what is opened, and for more where the end is reached.

    The cursor stays on its row whatever happens above it.

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

    class Filtered(Message):
        """The filter was applied to all that is loaded."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
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
        self.tree_model = CatalogTreeModel(self._laid_out, self.want, self._relabelled)
        self.lines = self.tree_model.rows

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
        self._hold(self.current)
        self._collections = {}
        self.tree_model.start_over()

    def view(self) -> TreeState:
        """Return how the tree is left: what is open, where the cursor is or is on its way to, the filter."""
        row, (opened, closed) = self.current, self.tree_model.folds()
        waits = self._target and row is self._target_row
        cursor = self._target if waits or row is None else self.tree_model.path(row)
        return TreeState(tuple(opened), tuple(closed), cursor, self.filter, self.order)

    def recall(self, view: TreeState) -> None:
        """Come, as entries come, to how the tree was left; the cursor, unless it is moved meanwhile."""
        self.tree_model.recall(view.opened, view.closed)
        if view.order:
            self.sort(view.order)
        self._target, self._target_row = view.cursor, self.current

    def show_last(self, entries: Sequence[Entry], age: str) -> None:
        """Show what the source listed last time, until it answers."""
        self.tree_model.show_last(entries, age)
        if not self._target:
            self._hold(self.current)
        self._listed()

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
        return self._search.words if self._search is not None else ""

    def facet_texts(self) -> list[str]:
        """Return what the entries that are shown can be narrowed by."""
        if self._search is not None:
            return self._search.facet_texts
        rows = (entry for row in self.tree_model.grown for entry in self.tree_model.entries(row))
        return [row.facet_text for row in rows if row.facet_text]

    def move_to(self, row: NodeRow) -> bool:
        """Put the cursor on a row; False where it is not in sight."""
        line = self.tree_model.line_of(row, self.cursor_line)
        if line is not None:
            self.cursor_line = line
        return line is not None

    def _laid_out(self, before: list[NodeRow]) -> None:
        """Take up other rows: cursor and view stay on what they were on, else on what is above that."""
        cursor, line_of = self.cursor_line, self.tree_model.line_of
        row = before[cursor] if cursor < len(before) else None
        line = line_of(row, cursor) if row is not None else cursor
        if line is None and row is not None:
            # Others came in its place, or something above it was closed.
            above = (line_of(one) for one in row.lineage() if not one.is_open)
            line = next((found for found in above if found is not None), cursor)
        line = max(min(cursor if line is None else line, len(self.tree_model.rows) - 1), 0)
        top, self.lines = self.scroll_offset.y, self.tree_model.rows
        self.count_changed()
        if line != cursor:
            self.set_reactive(LineView.cursor_line, line)
            if top:
                self.scroll_to(y=max(top + line - cursor, 0), animate=False, immediate=True)
            self.keep_in_sight()
        if row is not self.current:
            self.post_message(self.Moved())
        self.refresh()

    def _relabelled(self, row: NodeRow) -> None:
        if (line := self.tree_model.line_of(row, self.cursor_line)) is not None:
            self.refresh_from(line, 1)

    # What is under the cursor

    @property
    def subject(self) -> TreeEntry | None:
        """The entry under the cursor, with what is known around it."""
        return self.tree_model.subject(self.current)

    @property
    def beside(self) -> list[Entry]:
        """The entries of the kind that is under the cursor, in the listing it stands in."""
        row = self.current
        nodes = [one.data for one in row.parent.visible] if row is not None and row.parent is not None else []
        kind = row.data.kind if row is not None and isinstance(row.data, Entry) else None
        return [node for node in nodes if isinstance(node, Entry) and node.kind is kind]

    def go_beside(self, entry: Entry) -> None:
        """Put the cursor on an entry that stands beside the one under it."""
        row = self.current
        rows = row.parent.visible if row is not None and row.parent is not None else []
        next((one for one in rows if one.data == entry and self.move_to(one)), None)

    @property
    def to_download(self) -> list[TreeEntry]:
        """What a download is about: the selection, else what is under the cursor, or what that belongs to."""
        return [*self.marked.values()] or self.tree_model.to_download(self.current)

    # Listings

    def add(self, row: NodeRow, entries: Sequence[Entry]) -> None:
        """Append entries to the listing of a row."""
        self._note_place()
        self.tree_model.add(row, entries)
        self._listed()
        added = self.tree_model.entries(row)[-len(entries) :] if entries else []
        boxes = [boxes_of(entry) for entry in entries]
        if any(boxes):  # to name a place takes about a millisecond
            self._learn(added, lambda: [[f"{PLACE}{p}" for p in metadata.places.regions(b)] for b in boxes])
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

    @work(group="learning")
    async def _learn(self, rows: Sequence[NodeRow], find: Callable[[], list[list[str]]]) -> None:
        """Add lines to what entries are found by; they are made in a thread."""
        for row, lines in zip(rows, await asyncio.to_thread(find), strict=True):
            row.searched, row.facet_text = with_lines(row.searched, row.facet_text, lines)
        if not self.filter:
            self.post_message(self.Filtered())  # there is more to narrow by
            return
        self._note_place()
        found = self._search is not None and self._search.matched
        self.apply_filter(self.filter, to_first=not (found or self._target))

    def settle(self, row: NodeRow) -> None:
        """Show the state of a row's listing after a page has come or failed."""
        self._note_place()
        self.tree_model.settle(row)
        self._listed()

    def _hold(self, row: NodeRow | None) -> None:
        """Have the cursor come to where a row is, though other rows will stand for the same entries."""
        self._target, self._target_row = (self.tree_model.path(row), row) if row is not None else ((), None)

    def _note_place(self) -> None:
        """Take note that the cursor was moved; of where to, if that is about to be replaced."""
        row = self.current
        if self._target and row is not self._target_row:
            lasts = row is not None and not isinstance(row.data, NoteNode | MoreNode | ActionNode)
            self._hold(row if lasts and self.tree_model.is_replaced_soon else None)

    def _listed(self) -> None:
        self._is_listing = True
        if self.filter or self.order:
            self.sort(self.order)
        self._is_listing = False
        self._come_to_place()

    def _come_to_place(self) -> None:
        """Put the cursor where it was, or on its way to, as far as that is there by now."""
        row = self._target_row
        is_there = row is not None and row is self.current and self.tree_model.path(row) == self._target
        if self._target and not is_there:
            if (found := self.tree_model.find(self._target)) is not None:
                self.move_to(found)
            self._target_row = self.current

    # Filter and order

    def apply_filter(self, words: str, *, to_first: bool = True) -> None:
        """Show what matches some words among all that is loaded; without words, everything.

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
        tree_model, lineage = self.tree_model, list(self.current.lineage()) if self.current else []
        closed = self._search.opened if self._search is not None else set()
        was_near = self._search is not None and self._search.only_near
        if search is None:
            # What the filter opened above the cursor stays open when the filter goes.
            for row in closed.intersection(lineage[1:]):
                tree_model.open(row)
                closed.discard(row)
        if self._search is not None or self._arranged:
            tree_model.show_all()
            for row in closed:
                row.is_open = False
        if search is not None:
            search.apply()
        self._search, self._arranged = search, bool(self.order)
        arrange(tree_model, self.order)
        tree_model.found = {row: search.told(row) for row in tree_model.groups} if search is not None else {}
        for row in tree_model.groups:
            tree_model.tell(row)
        tree_model.lay_out()
        kept = next((row for row in lineage if self.move_to(row)), None)
        # What came near goes once there are matches, and may have had the cursor.
        is_gone = was_near and not self._target and kept is not next(iter(lineage), None)
        if search is not None and (self._to_first or is_gone):
            self.first_match()
        self.post_message(self.Moved())  # at least the group's own line is another one
        self.post_message(self.Filtered())
        if not self._to_first:
            self._come_to_place()

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
        rows = self.tree_model.rows
        lines = ((line + step * distance) % len(rows) for distance in range(1, len(rows) + 1))
        self.cursor_line = next((number for number in lines if rows[number] in wanted), self.cursor_line)

    # Drawing

    def cursor_column(self) -> int:
        """Return the cell in which the label under the cursor begins."""
        row = self.current
        return len(guides_of(row, self.scrollable_content_region.width)) + STEP if row else 0

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw guides, arrow, marks and label of a row."""
        row, plain = self.tree_model.rows[number], self.line_style(number)
        guides = guides_of(row, width)
        arrow = ("▾ " if row.is_open else "▸ ") if row.foldable else "  "
        arrow += self._badge(row)
        room = width - len(guides) - len(arrow)
        label = self._label(row, room)
        pieces = fitted(label, room, tail_length(self.tree_model.rows, number, label, room))
        here = number == self.cursor_line
        base = plain + self.look("cursor") if here else plain
        quiet = base if here else base + self.look("quiet")
        segments = [Segment(guides, plain + self.look("guides")), Segment(arrow, plain)]
        segments += [
            Segment(text, (quiet if look in QUIET else base) + LOOKS[look]) for text, look in pieces if text
        ]
        return Strip(segments)

    def _label(self, row: NodeRow, room: int) -> Pieces:
        """Return the label of a row; of one that matches the filter with what that looked at."""
        if not isinstance(row.data, Entry):
            return word_pieces(row.data)
        search, whole = self._search, row is self.current
        highlighter = search.highlighter if search is not None else NOTHING
        searched = row.searched if search is not None and row in search.matched else ""
        return entry_pieces(row.data, highlighter, searched, self.tree_model.kind, room, whole=whole)

    def _badge(self, row: NodeRow) -> str:
        """Return the marks of what was selected, of what is downloaded or queued, and of a favourite."""
        chosen = "✓ " if self.marked and self.tree_model.mark(row) in self.marked else ""
        if sign := self.tree_model.sign(row, self.signs) if self.signs is not None else "":
            chosen = f"{chosen}{sign} "
        return f"{chosen}★ " if self.favourites and self.tree_model.key(row) in self.favourites else chosen

    # Jumps and keys

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

    def unfold(self, row: NodeRow) -> None:
        """Open a row; where it is at the bottom, some of what is below it comes into sight."""
        if not (row.foldable and self.started):
            return
        self.tree_model.open(row)
        room = self.size.height - self.header
        if row is self.current and room > 0:
            last = self.cursor_line + min(len(row.visible), room // 2)
            if last >= self.scroll_offset.y + room:
                self.scroll_to(y=last - room + 1, animate=False, immediate=True)

    def toggle(self, row: NodeRow) -> None:
        """Open a row, or close it."""
        if not row.is_open:
            self.unfold(row)
        elif self.started:
            self.tree_model.close(row)

    def expand_current(self) -> None:
        """Open the row under the cursor; open already, go to its first child."""
        row = self.current
        if row is not None and row.foldable and not row.is_open:
            self.unfold(row)
        elif row is not None and row.foldable and row.visible:
            self.cursor_line += 1

    def collapse_current(self) -> None:
        """Close the row under the cursor; closed already, go to its parent."""
        row = self.current
        if row is not None and row.is_open:
            self.toggle(row)
        elif row is not None and row.depth > 0 and row.parent is not None:
            self.move_to(row.parent)

    async def clicked(self, x: int) -> None:
        """Open or close on the arrow, choose on the label."""
        row = self.current
        if row is not None and row.foldable and 0 <= self.cursor_column() - x - 1 < STEP:
            self.toggle(row)
        else:
            await super().clicked(x)

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Load more when the end of what was loaded is reached."""
        super().watch_cursor_line(before, after)
        row = self.current
        if row is not None and row.parent is not None and isinstance(row.data, MoreNode):
            self.want(row.parent)

    async def action_select_cursor(self) -> None:
        """Open what can be opened; expand or collapse the rest."""
        row, subject = self.current, self.subject
        if subject is not None and subject.is_document:
            self.post_message(self.Opened(subject))
        elif row is None or row.parent is None:
            return
        elif isinstance(row.data, ActionNode):
            await self.run_action(row.data.action)
        elif isinstance(row.data, MoreNode):
            self.want(row.parent)
        elif isinstance(row.data, NoteNode):
            if row.data.retry and (listing := self.tree_model.grown.get(row.parent)) is not None:
                listing.retry()
                self.want(row.parent)
        elif row.foldable:
            self.toggle(row)

    # Marks

    def toggle_mark(self) -> None:
        """Mark or unmark what can be downloaded; expand or collapse the rest."""
        row, subject = self.current, self.subject
        if row is None:
            return
        mark = self.tree_model.mark(row)
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
