"""An outline: a tree shown as a virtual list of its open rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..terminal.characters import end_of, start_of, tail_room
from ..widgets.line_view import LineView

T = TypeVar("T")


class OutlineRow(Generic[T]):
    """A row of an outline.

    - `data`: What it stands for.
    - `foldable`: Whether it can be opened, be there children yet or not.
    - `searched`: What a filter looks at of it.
    - `facet_text`: What it is narrowed and sorted by.
    """

    __slots__ = (
        "children",
        "data",
        "depth",
        "facet_text",
        "foldable",
        "is_open",
        "parent",
        "searched",
        "shown",
    )

    def __init__(self, data: T, *, foldable: bool = False, searched: str = "", facet_text: str = "") -> None:
        self.data, self.foldable, self.searched, self.facet_text = data, foldable, searched, facet_text
        self.is_open = False
        self.parent: OutlineRow[T] | None = None
        self.depth = 0
        self.children: list[OutlineRow[T]] | None = None
        self.shown: list[OutlineRow[T]] | None = None
        """The children a filter leaves; None for all of them."""

    @property
    def visible(self) -> list[OutlineRow[T]]:
        """The children that are shown where the row is open."""
        return (self.children or []) if self.shown is None else self.shown

    @property
    def is_last(self) -> bool:
        """Whether no sibling is shown below it."""
        return self.parent is None or self.parent.visible[-1:] == [self]

    def lineage(self) -> Iterator[OutlineRow[T]]:
        """Yield the row and all above it, the nearest first; not the root."""
        row: OutlineRow[T] = self
        while row.parent is not None:
            yield row
            row = row.parent


class OutlineRows(Generic[T]):
    """A tree whose open rows stand in one list, `rows`: what is seen of it is a slice.

    Moving in it costs nothing that grows with its size; a change lays it out again: some ms for 100,000 rows.

    - `root`: What the root stands for, which is never shown.
    - `on_change`: Called after every change with the rows as they were.
    """

    def __init__(self, root: T, on_change: Callable[[list[OutlineRow[T]]], None] = lambda _: None) -> None:
        self.root: OutlineRow[T] = OutlineRow(root, foldable=True)
        self.root.is_open, self.root.depth, self.root.children = True, -1, []
        self.rows: list[OutlineRow[T]] = []
        self._on_change = on_change

    def line_of(self, row: OutlineRow[T], near: int = -1) -> int | None:
        """Return the line of a row, None where it is not in sight.

        - `row`: The row.
        - `near`: A line on which it is likely.
        """
        if 0 <= near < len(self.rows) and self.rows[near] is row:
            return near
        try:
            return self.rows.index(row) if self._is_in_sight(row) else None
        except ValueError:
            return None

    def _is_in_sight(self, row: OutlineRow[T]) -> bool:
        return all(above.is_open for above in row.lineage() if above is not row)

    def open(self, row: OutlineRow[T]) -> None:
        """Show the children of a row."""
        if row.foldable and not row.is_open:
            row.is_open = True
            self.lay_out()

    def close(self, row: OutlineRow[T]) -> None:
        """Hide the children of a row."""
        if row.is_open:
            row.is_open = False
            self.lay_out()

    def put(self, row: OutlineRow[T], rows: Iterable[OutlineRow[T]], start: int = 0) -> None:
        """Put other children in the place of those from `start` on: the whole, or the tail, of a row's.

        Where a filter selects among the children of the row, the shown ones stay until it runs again.
        """
        fresh = list(rows)
        for child in fresh:
            child.parent, child.depth = row, row.depth + 1
        row.children = [*(row.children or [])[:start], *fresh]
        if row.is_open and row.shown is None and self._is_in_sight(row):
            self.lay_out()

    def lay_out(self) -> None:
        """Rebuild the list of rows; without recursion: catalogs are nested to any depth."""
        before, found = self.rows, []
        stack = [iter(self.root.visible)]
        while stack:
            for row in stack[-1]:
                found.append(row)
                if row.is_open:
                    stack.append(iter(row.visible))
                    break
            else:
                stack.pop()
        self.rows = found
        self._on_change(before)


ARROW = 2
"""Cells of the arrow before a label."""
STEP = 2
"""Cells of a level."""

_NEARBY = 40
"""Rows before and behind one that must not look the same: about a screen."""
_LAST_WORD = re.compile(r"(?:[^\W_]{1,16}|.)\Z", re.DOTALL)
_QUIET = ("quiet", "note")
"""Looks in the colour of what matters less: a dimmed one would be too faint to read."""
LOOKS = {
    "": Style(),
    "strong": Style(bold=True),
    "quiet": Style(),
    "type": Style(italic=True),
    "note": Style(italic=True),
    "action": Style(underline=True),
    "found": Style(underline=True, bold=True),
}


class LabelPiece(NamedTuple):
    """A part of a label and its look."""

    text: str
    look: str = ""


Pieces = list[LabelPiece]


class OutlineView(LineView, Generic[T]):
    """Shows an `Outline`; the cursor stays on its row whatever happens above it.

    - `root`: What the root stands for, which is never shown.
    """

    def __init__(self, root: T, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.outline: OutlineRows[T] = OutlineRows(root, self._laid_out)

    # What a subclass says

    def label(self, row: OutlineRow[T], room: int) -> Pieces:
        """Return the label of a row; what does not fit into `room` cells is cut."""
        return [LabelPiece(str(row.data))]

    def badge(self, row: OutlineRow[T]) -> str:
        """Return what stands before the label and is never cut."""
        return ""

    def cuts_middle(self, row: OutlineRow[T]) -> bool:
        """Whether a label that is too long is cut in the middle, as names that begin alike end apart."""
        return False

    def names(self, row: OutlineRow[T]) -> tuple[str, ...]:
        """Return what the label of a row may begin with, as received; it is compared and never drawn."""
        return (str(row.data),)

    # Rows

    @property
    def line_count(self) -> int:
        """How many rows are open."""
        return len(self.outline.rows)

    @property
    def cursor_row(self) -> OutlineRow[T] | None:
        """The row under the cursor."""
        rows = self.outline.rows
        return rows[self.cursor_line] if 0 <= self.cursor_line < len(rows) else None

    def move_to(self, row: OutlineRow[T]) -> bool:
        """Put the cursor on a row; False where it is not in sight."""
        line = self.outline.line_of(row, self.cursor_line)
        if line is None:
            return False
        self.cursor_line = line
        return True

    def _laid_out(self, before: list[OutlineRow[T]]) -> None:
        """Take up other rows: cursor and view stay on what they were on, else on what is above that."""
        cursor, last = self.cursor_line, len(self.outline.rows) - 1
        row = before[cursor] if cursor < len(before) else None
        line = self.outline.line_of(row, cursor) if row is not None else None
        if line is None and row is not None:
            # Others came in its place, or something above it was closed.
            above = (self.outline.line_of(one) for one in row.lineage() if not one.is_open)
            line = next((found for found in above if found is not None), cursor)
        line = max(min(cursor if line is None else line, last), 0)
        top = self.scroll_offset.y
        self.count_changed()
        if line != cursor:
            self.set_reactive(LineView.cursor_line, line)
            if top:
                self.scroll_to(y=max(top + line - cursor, 0), animate=False, immediate=True)
            self.keep_in_sight()
        if row is not self.cursor_row:
            self.post_message(self.Moved())
        self.refresh()

    def row_changed(self, row: OutlineRow[T]) -> None:
        """Draw a row again whose label is another one."""
        line = self.outline.line_of(row, self.cursor_line)
        if line is not None:
            self.refresh_from(line, 1)

    # Opening and closing

    def unfold(self, row: OutlineRow[T]) -> None:
        """Open a row; where it is at the bottom, some of what is below it comes into sight."""
        self.outline.open(row)
        room = self.size.height - self.header
        if row is self.cursor_row and room > 0:
            last = self.cursor_line + min(len(row.visible), room // 2)
            if last >= self.scroll_offset.y + room:
                self.scroll_to(y=last - room + 1, animate=False, immediate=True)

    def fold(self, row: OutlineRow[T]) -> None:
        """Close a row."""
        self.outline.close(row)

    def toggle(self, row: OutlineRow[T]) -> None:
        """Open a row, or close it."""
        (self.fold if row.is_open else self.unfold)(row)

    def expand_current(self) -> None:
        """Open the row under the cursor; open already, go to its first child."""
        row = self.cursor_row
        if row is None or not row.foldable:
            return
        if not row.is_open:
            self.unfold(row)
        elif row.visible:
            self.cursor_line += 1

    def collapse_current(self) -> None:
        """Close the row under the cursor; closed already, go to its parent."""
        row = self.cursor_row
        if row is None:
            return
        if row.is_open:
            self.fold(row)
        elif row.depth > 0 and row.parent is not None:
            self.move_to(row.parent)

    async def clicked(self, x: int) -> None:
        """Open or close on the arrow, choose on the label."""
        row = self.cursor_row
        if row is not None and row.foldable and 0 <= self.cursor_column() - x - 1 < ARROW:
            self.toggle(row)
        else:
            await super().clicked(x)

    # Drawing

    def cursor_column(self) -> int:
        """Return the cell in which the label under the cursor begins."""
        row = self.cursor_row
        return len(self._guides(row, self.scrollable_content_region.width)) + ARROW if row else 0

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw guides, arrow and label of a row."""
        row = self.outline.rows[number]
        plain = self.line_style(number)
        guides = self._guides(row, width)
        arrow = ("▾ " if row.is_open else "▸ ") if row.foldable else "  "
        arrow += self.badge(row)
        room = width - len(guides) - len(arrow)
        label = self.label(row, room)
        tail = self._tail(number, label, room) if self.cuts_middle(row) else 0
        pieces = fitted(label, room, tail)
        base = plain + self.look("cursor") if number == self.cursor_line else plain
        segments = [Segment(guides, plain + self.look("guides")), Segment(arrow, plain)]
        quiet = base if number == self.cursor_line else base + self.look("quiet")
        segments += [
            Segment(text, (quiet if look in _QUIET else base) + LOOKS[look]) for text, look in pieces if text
        ]
        return Strip(segments)

    def _tail(self, number: int, label: Pieces, room: int) -> int:
        """Return how many characters at the end of a label remain where it is cut in the middle."""
        row, text = self.outline.rows[number], _plain(label)
        if len(text) <= room:
            return 0
        nearby = self.outline.rows[max(number - _NEARBY, 0) : number + _NEARBY]
        return end_length(
            text, [n for one in nearby if one.parent is row.parent for n in self.names(one)], room
        )

    def _guides(self, row: OutlineRow[T], width: int) -> str:
        """Return the lines that lead to a row; of very deep ones only the last."""
        if row.depth == 0:
            return ""
        parts = ["└ " if row.is_last else "├ "]
        above = row.parent
        while above is not None and above.depth > 0 and len(parts) * STEP < width:
            parts.append("  " if above.is_last else "│ ")
            above = above.parent
        guides = "".join(reversed(parts))
        return guides if len(guides) <= width // 2 else f"…{guides[1 - width // 2 :]}"


def end_length(text: str, names: Iterable[str], room: int) -> int:
    """Return how many characters at the end of a text tell it from names that would look the same when cut.

    - `text`: What does not fit, and is cut in the middle.
    - `names`: What stands nearby and is cut alike; itself among them, or not.
    - `room`: Cells.
    """
    tail, before = tail_room(room), 0
    others = [name for name in names if name != text]
    while tail > before:  # a longer end leaves less of the start, which told others apart
        before = tail
        for name in others:
            if name.endswith(text[-tail:]) and name.startswith(text[: max(room - 1 - tail, 0)]):
                ends = enumerate(zip(reversed(name), reversed(text), strict=False))
                alike = next((n for n, (one, its) in ends if one != its), len(name))
                differs = _LAST_WORD.search(text[: len(text) - alike])
                tail = max(tail, alike + (len(differs[0]) if differs else 0))
    return tail


def _plain(pieces: Pieces) -> str:
    return "".join(piece.text for piece in pieces)


def fitted(pieces: Pieces, room: int, tail: int = 0) -> Pieces:
    """Return a label that fits into some cells: its start, and of its end the last `tail` characters.

    Where there is no room for both, what follows those `tail` characters before the end is cut as well.
    """
    text = _plain(pieces)
    if len(text) <= room and cell_len(text) <= room:
        return pieces
    if room < 2:
        return []
    if tail > room - 2:
        middle = start_of(text[len(text) - tail :], room - 2)
        at = len(text) - tail
        return [LabelPiece("…"), *_part(pieces, at, at + len(middle)), LabelPiece("…")]
    end = end_of(text, tail)
    start = start_of(text, room - 1 - cell_len(end))
    return [*_part(pieces, 0, len(start)), LabelPiece("…"), *_part(pieces, len(text) - len(end), len(text))]


def _part(pieces: Pieces, start: int, stop: int) -> Pieces:
    """Return pieces from one character to another."""
    found: Pieces = []
    at = 0
    for text, look in pieces:
        if part := text[max(start - at, 0) : max(stop - at, 0)]:
            found.append(LabelPiece(part, look))
        at += len(text)
    return found
