"""Lines of a JSON document: what is folded, and texts that are wrapped, for a width."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from .json_rows import ARRAY, CUT, END, LONGEST_TEXT, OBJECT, Rows, folded, leaf, name

STEP = 2
"""Cells of a level, and of the arrow before a line."""
NARROWEST = 24
"""Cells a line gets at least, however deep it is."""
OPENED_ROWS, OPENED_TEXTS, OPENED_LENGTH = 20_000, 400, 4_000
"""Of a document of so few rows so many long texts, of so few characters, are shown whole at first."""
SHORT_ARRAY = 8
"""Elements: an array of so few numbers or words, as a box or a pair of coordinates, begins on one line."""


class JsonLine(NamedTuple):
    """A line: its first cell, what folds it, the name of its member, its text."""

    indent: int
    arrow: str
    name: str
    text: str


class JsonLines:
    """The lines of a document that are seen, in its order; arrays of a few numbers are folded at first.

    Moving costs nothing that grows with the document; folding lays it out again: some ms for 10 MB.

    Parameters
    ----------
    rows
        The document.

    Attributes
    ----------
    lines, parts
        The row of each line, and which line of the row's text it is: 0 is the row itself.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.width = 0
        self.lines, self.parts = array("I"), array("I")
        self._texts: dict[int, list[str]] = {}
        self._folded = {
            row for row, kind in enumerate(rows.kinds) if kind == ARRAY and row and self._is_short(row)
        }
        self._lay_out()

    def __len__(self) -> int:
        return len(self.lines)

    def _is_short(self, row: int) -> bool:
        # As many rows as elements: there is nothing but leaves in it.
        return self.rows.ends[row] - row - 1 == len(self.rows.values[row]) <= SHORT_ARRAY

    # What is seen

    def is_folded(self, row: int) -> bool:
        """Tell whether what starts in a row is folded."""
        return row in self._folded

    def shows_text(self, row: int) -> bool:
        """Return whether a long text continues below its row."""
        return row in self._texts

    def line_of(self, row: int) -> int | None:
        """Return the first line of a row; None where it is folded away."""
        line = bisect_left(self.lines, row)
        return line if line < len(self.lines) and self.lines[line] == row else None

    def fold(self, row: int) -> None:
        """Fold an object or array to one line, or hide the rest of a long text."""
        if self._texts.pop(row, None) is None and self.rows.opens(row):
            self._folded.add(row)
        self._lay_out()

    def unfold(self, *rows: int) -> None:
        """Show what is in objects or arrays."""
        if not self._folded.isdisjoint(rows):
            self._folded.difference_update(rows)
            self._lay_out()

    def reveal(self, row: int) -> None:
        """Unfold whatever hides a row."""
        self.unfold(*self.rows.above(row))

    def fold_all(self) -> None:
        """Fold whatever can be folded, but the document itself."""
        self._texts.clear()
        self._folded = {row for row, kind in enumerate(self.rows.kinds) if row and kind in (OBJECT, ARRAY)}
        self._lay_out()

    def unfold_all(self) -> None:
        """Unfold every object and array; long texts stay as they are."""
        self._folded.clear()
        self._lay_out()

    def show_text(self, row: int) -> None:
        """Show a long text whole."""
        self._wrap([row])
        self._lay_out()

    def text_parts(self, row: int) -> list[str]:
        """Return the lines of a long text that is shown whole; none for any other row."""
        return self._texts.get(row, [])

    def _lay_out(self) -> None:
        lines, parts = array("I"), array("I")
        at, ends = 0, self.rows.ends
        for row in sorted(self._folded.union(self._texts)):
            if row < at:
                continue
            lines.extend(range(at, row + 1))
            if row in self._folded:
                at = ends[row] + 1
                continue
            parts.frombytes(bytes(parts.itemsize * (len(lines) - len(parts))))
            lines.extend([row] * (len(self._texts[row]) - 1))
            parts.extend(range(1, len(self._texts[row])))
            at = row + 1
        lines.extend(range(at, len(self.rows)))
        parts.frombytes(bytes(parts.itemsize * (len(lines) - len(parts))))
        self.lines, self.parts = lines, parts

    # Their text

    def fit(self, width: int) -> None:
        """Fit the long texts that are shown whole to a width in cells."""
        first, self.width = self.width == 0, width
        wanted = self._long() if first else list(self._texts)
        self._texts.clear()
        self._wrap(wanted)
        self._lay_out()

    def line(self, number: int) -> JsonLine:
        """Return a line, cut where it does not fit."""
        row, part = self.lines[number], self.parts[number]
        indent = self._indent(row)
        if part:
            return JsonLine(indent + 2 * STEP, "", "", self._texts[row][part])
        key, kind, value = self._name(row), self.rows.kinds[row], self.rows.values[row]
        comma = "" if self.rows.is_last(row) else ","
        room = self._room(row, key) - len(comma)
        if kind == END:
            opener = self.rows.kinds[self.rows.ends[row]]
            return JsonLine(indent, "", "", ("}" if opener == OBJECT else "]") + comma)
        if kind == CUT:
            return JsonLine(indent, "", "", "… there is more than can be shown; the export has all of it")
        if self.is_folded(row):
            return JsonLine(indent, "▸", key, folded(value, min(room, 200)) + comma)
        if self.rows.opens(row):
            return JsonLine(indent, "▾", key, "[" if kind == ARRAY else "{")
        if self.shows_text(row):
            return JsonLine(indent, "▾", key, self._texts[row][0])
        text = leaf(value[: 4 * room + LONGEST_TEXT // 100] if isinstance(value, str) else value)
        if cell_len(text) <= room:
            return JsonLine(indent, "", key, text + comma)
        return JsonLine(indent, "▸", key, chop_cells(text[: 2 * room], max(room - 1, 1))[0] + "…")

    def is_long(self, row: int) -> bool:
        """Tell whether a text is too long for its line."""
        value = self.rows.values[row]
        if self.rows.opens(row) or not isinstance(value, str):
            return False
        comma = 0 if self.rows.is_last(row) else 1
        return cell_len(leaf(value)) + comma > self._room(row, self._name(row))

    def _long(self) -> list[int]:
        """Return the rows whose texts are shown whole at first: those that a person would read."""
        if len(self.rows) > OPENED_ROWS:
            return []
        short = max(self.width // 4, 1)
        likely = (
            row
            for row, value in enumerate(self.rows.values)
            if isinstance(value, str) and short < len(value) <= OPENED_LENGTH and self.is_long(row)
        )
        return [row for row, _ in zip(likely, range(OPENED_TEXTS), strict=False)]

    def _wrap(self, rows: Iterable[int]) -> None:
        """Put the texts of rows in the lines they need, to the last letter."""
        for row in rows:
            text = leaf(self.rows.values[row]) + ("" if self.rows.is_last(row) else ",")
            room = self._room(row, self._name(row))
            first = chop_cells(text[: 2 * room], room)[0]
            rest = text[len(first) :]
            below = max(self._room(row, "") - 2 * STEP, 1)
            parts = (
                [rest[at : at + below] for at in range(0, len(rest), below)]
                if rest.isascii()
                else chop_cells(rest, below)
            )
            if parts:
                self._texts[row] = [first, *parts]

    def _indent(self, row: int) -> int:
        return max(min(self.rows.depths[row] * STEP, self.width - NARROWEST), 0)

    def _room(self, row: int, key: str) -> int:
        return max(self.width - self._indent(row) - STEP - cell_len(key), 2)

    def _name(self, row: int) -> str:
        """Return the name of a member with its colon; a long one is cut."""
        key = self.rows.keys[row]
        if not isinstance(key, str) or self.rows.kinds[row] == END:
            return ""
        text = name(key)
        most = max((self.width - self._indent(row)) * 2 // 3, 8)
        return f"{text if cell_len(text) <= most else chop_cells(text[:most], most - 1)[0] + '…'}: "
