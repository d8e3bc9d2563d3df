"""An outline on the screen: guides, arrows and labels of the rows in sight; keys that open and close."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from .line_view import LineView
from .outline import OutlineRow, OutlineRows

T = TypeVar("T")

ARROW = 2
"""Cells of the arrow before a label."""
STEP = 2
"""Cells of a level."""

LOOKS = {
    "": Style(),
    "strong": Style(bold=True),
    "quiet": Style(dim=True),
    "type": Style(italic=True),
    "note": Style(dim=True, italic=True),
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

    Parameters
    ----------
    root
        What the root stands for, which is never shown.
    """

    def __init__(self, root: T, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.outline: OutlineRows[T] = OutlineRows(root, self._spliced)

    # What a subclass says

    def label(self, row: OutlineRow[T], room: int) -> Pieces:
        """Return the label of a row; what does not fit into `room` cells is cut."""
        return [LabelPiece(str(row.data))]

    def badge(self, row: OutlineRow[T]) -> str:
        """Return what stands before the label and is never cut."""
        return ""

    def keeps_end(self, row: OutlineRow[T]) -> bool:
        """Whether the end of a label tells more than its beginning, as that of an id."""
        return False

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

    def _spliced(self, line: int, removed: int, added: int) -> None:
        """Take up a change of the rows: cursor and view stay on what they were on."""
        change, cursor, top = added - removed, self.cursor_line, self.scroll_offset.y
        on_gone = line <= cursor < line + removed
        if on_gone:
            cursor = min(cursor, line + added - 1) if added else line - 1
        elif cursor >= line + removed:
            cursor += change
        self.count_changed()
        if 0 < line + removed <= top and change:
            self.scroll_to(y=top + change, animate=False, immediate=True)
        if cursor != self.cursor_line:
            self.set_reactive(LineView.cursor_line, self.validate_cursor_line(cursor))
            self.keep_in_sight()
        if on_gone:
            self.post_message(self.Moved())
        elif line == cursor + 1 and change > 0:
            self._reveal(cursor, added)
        self.refresh_from(line if line < self.line_count else 0, None if change else added)

    def _reveal(self, line: int, added: int) -> None:
        """Bring some of what was opened below a line at the bottom into sight."""
        room = self.size.height - self.header
        last = line + min(added, room // 2)
        if room > 0 and last >= self.scroll_offset.y + room:
            self.scroll_to(y=last - room + 1, animate=False, immediate=True)

    def row_changed(self, row: OutlineRow[T]) -> None:
        """Draw a row again whose label is another one."""
        line = self.outline.line_of(row, self.cursor_line)
        if line is not None:
            self.refresh_from(line, 1)

    # Opening and closing

    def unfold(self, row: OutlineRow[T]) -> None:
        """Open a row."""
        self.outline.open(row, self.cursor_line)
        self.row_changed(row)

    def fold(self, row: OutlineRow[T]) -> None:
        """Close a row."""
        self.outline.close(row, self.cursor_line)
        self.row_changed(row)

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
        ground = self.ground(number)
        guides = self._guides(row, width)
        arrow = ("▾ " if row.is_open else "▸ ") if row.foldable else "  "
        arrow += self.badge(row)
        room = width - len(guides) - len(arrow)
        pieces = fitted(self.label(row, room), room, keep_end=self.keeps_end(row))
        base = ground + self.look("cursor") if number == self.cursor_line else ground
        segments = [Segment(guides, ground + self.look("guides")), Segment(arrow, ground)]
        segments += [Segment(text, base + LOOKS[look]) for text, look in pieces if text]
        return Strip(segments)

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


def fitted(pieces: Pieces, room: int, *, keep_end: bool) -> Pieces:
    """Return a label that fits into some cells; of an id the end is kept, which tells it from its likes."""
    text = "".join(piece.text for piece in pieces)
    if len(text) <= room and cell_len(text) <= room:
        return pieces
    if room < 2:
        return []
    if keep_end and cell_len(text) == len(text):
        return [LabelPiece("…"), *_from(pieces, len(text) - room + 1)]
    kept: Pieces = []
    left = room - 1
    for piece, look in pieces:
        taken = _start(piece, left)
        kept.append(LabelPiece(taken, look))
        left -= cell_len(taken)
        if len(taken) < len(piece):
            break
    return [*kept, LabelPiece("…")]


def _from(pieces: Pieces, start: int) -> Pieces:
    """Return pieces without their first `start` characters."""
    kept: Pieces = []
    for text, look in pieces:
        kept.append(LabelPiece(text[start:], look))
        start = max(start - len(text), 0)
    return kept


def _start(text: str, room: int) -> str:
    """Return as much of the start of a text as fits into some cells."""
    text = text[: max(room, 0)]
    while cell_len(text) > room:
        text = text[:-1]
    return text
