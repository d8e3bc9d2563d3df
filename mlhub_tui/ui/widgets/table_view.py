"""A table of which only the rows in sight are drawn: columns as wide as they need, that give way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..terminal.characters import fit
from .line_view import LineView

GAP = 2
NARROWEST = 12
"""Cells of the first column at least; other columns go where it would have less."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    key
        What tells it from others.
    title
        What stands above it.
    most
        Cells at most.
    least
        Cells at least: below it the column goes.
    middle
        Whether texts that are too long are cut in the middle, as names that begin alike end apart.
    to_right
        Whether it holds numbers, that stand below each other.
    """

    key: str
    title: str
    most: int = 200
    least: int = 4
    middle: bool = False
    to_right: bool = False


class TableView(LineView):
    """Rows of texts in columns; the first column gives way to `narrowest`, then the last columns go."""

    header: ClassVar[int] = 1
    mark_cells = 1
    """Cells of the mark before a row."""
    narrowest: ClassVar[int] = NARROWEST

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._widest: dict[str, int] = {}

    # What a subclass says

    def columns(self) -> Sequence[Column]:
        """Return the columns, the more important ones first; the first one is the row's name."""
        return ()

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a row by column, as they may be drawn."""
        return ()

    def mark(self, number: int) -> str:
        """Return the cell before a row."""
        return " "

    def title(self, column: Column) -> str:
        """Return what stands above a column."""
        return column.title

    # Widths

    def forget_widths(self) -> None:
        """Reset the widths of the columns."""
        self._widest.clear()

    def measure(self, numbers: Sequence[int]) -> None:
        """Widen the columns where some rows need it."""
        before = dict(self._widest)
        for column, texts in zip(self.columns(), zip(*map(self.cells, numbers), strict=False), strict=False):
            widest = min(max(map(cell_len, texts), default=0), column.most)
            self._widest[column.key] = max(self._widest.get(column.key, 0), widest)
        if self._widest != before:
            self.refresh()

    def _widths(self, columns: Sequence[Column], width: int) -> list[int]:
        """Return the cells of the columns; those that there is no room for have 0."""
        wanted = [max(self._widest.get(c.key, 0), cell_len(self.title(c))) for c in columns]
        least = [
            min(self.narrowest, wanted[0]),
            *(min(w, c.least) for w, c in zip(wanted[1:], columns[1:], strict=True)),
        ]
        room = width - self.mark_cells - GAP
        while len(least) > 1 and sum(least) + GAP * len(least) > room:
            least.pop()
        return [*fitted(tuple(wanted[: len(least)]), tuple(least), room), *[0] * (len(columns) - len(least))]

    # Drawing

    def draw_header(self, y: int, width: int) -> Strip:
        """Name the columns."""
        style = self.look("") + self.look("header")
        return self._row("", [self.title(column) for column in self.columns()], width, style)

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a row."""
        style = self.ground(number)
        style += self.look("cursor") if number == self.cursor_line else style
        return self._row(self.mark(number), self.cells(number), width, style)

    def _row(self, mark: str, cells: Sequence[str], width: int, style: Style) -> Strip:
        columns = self.columns()
        parts = [
            (" " * (room - cell_len(text)) + text)
            if column.to_right and cell_len(text) <= room
            else fit(text, room, middle=column.middle)
            for column, text, room in zip(columns, cells, self._widths(columns, width), strict=True)
            if room
        ]
        text = f"{mark:<{self.mark_cells}} " + (" " * GAP).join(parts)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)


@lru_cache(maxsize=64)
def fitted(wanted: tuple[int, ...], least: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Return the cells of columns that stand in a room with gaps between them: the widest give way first."""
    found = [*wanted]
    while sum(found) + GAP * (len(found) - 1) > room:
        spare = [width if width > least[number] else 0 for number, width in enumerate(found)]
        if not any(spare):
            break
        found[spare.index(max(spare))] -= 1
    return tuple(found)
