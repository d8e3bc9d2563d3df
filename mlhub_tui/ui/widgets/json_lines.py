"""A JSON document as lines: laid out in rows once, folded and wrapped for a width, searched."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from rich.cells import cell_len, chop_cells

from ...text import clean, count
from ..terminal.characters import safe

MOST_ROWS = 2_000_000
"""Rows in memory at most: some 30 bytes each, beside the document itself."""
LONGEST_TEXT = 200_000
"""Characters of a text that are shown; the export has all of it."""
STEP = 2
"""Cells of a level, and of the arrow before a line."""
NARROWEST = 24
"""Cells a line gets at least, however deep it is."""
OPENED_ROWS, OPENED_TEXTS, OPENED_LENGTH = 20_000, 400, 4_000
"""Of a document of so few rows so many long texts, of so few characters, are shown whole at first."""
SHORT_ARRAY = 8
"""Elements: an array of so few numbers or words, as a box or a pair of coordinates, begins on one line."""
_LOOK_UP = 4_096
"""Rows between looks whether the search is still wanted."""
_END, _CUT = object(), object()
"""The values of rows that hold none: the end of an object or array, and that of what is laid out."""


class JsonLine(NamedTuple):
    """A line: its first cell, what folds it, the name of its member, its text."""

    indent: int
    arrow: str
    name: str
    text: str


class JsonLines:
    """The rows of a JSON document and, of those in sight, the lines; arrays of a few numbers begin folded.

    Moving costs nothing that grows with the document; folding lays it out again: some ms for 10 MB. Keys and
    values are those of the document, not copies of them; empty objects and arrays are rows as numbers are.

    - `document`: The value, as `json.loads` returns it; nested to any depth.
    - `most`: The number of rows after which the rest is left out (`is_cut`).

    - `keys`, `values`, `depths`, `parents`: By row: name of a member or place in an array, value, how deep it
      is, the row of what it is in.
    - `ends`: By row: where an object or array ends, at its end where it starts, else the row itself.
    - `lines`, `parts`: By line: its row, and which line of the row's text it is; 0 is the row itself.
    """

    def __init__(self, document: Any, most: int = MOST_ROWS) -> None:
        self.keys: list[str | int | None] = []
        self.values: list[Any] = []
        self.depths, self.parents, self.ends = array("I"), array("I"), array("I")
        self.is_cut = False
        self._add_rows(document, most)
        self.width = 0
        self.lines, self.parts = array("I"), array("I")
        self._texts: dict[int, list[str]] = {}
        self._folded = {
            row
            for row, (end, value) in enumerate(zip(self.ends, self.values, strict=True))
            # As many rows as elements: there is nothing but leaves in it.
            if row and isinstance(value, list) and 0 < end - row - 1 == len(value) <= SHORT_ARRAY
        }
        self._lay_out()

    def __len__(self) -> int:
        return len(self.lines)

    def _add_rows(self, document: Any, most: int) -> None:
        """Lay out without recursion: documents are nested as deep as their decoder lets them."""
        stack: list[tuple[int, Iterator[tuple[str | int | None, Any]]]] = []
        members: Iterator[tuple[str | int | None, Any]] = iter([(None, document)])
        parent = 0
        while True:
            for key, value in members:
                if len(self.keys) >= most:
                    self.is_cut = True
                    self._add_row(len(stack), parent, None, _CUT)
                    break
                row = self._add_row(len(stack), parent, key, value)
                if value and isinstance(value, dict | list):
                    stack.append((parent, members))
                    parent = row
                    members = iter(value.items() if isinstance(value, dict) else enumerate(value))
                    break
            else:
                if not stack:
                    return
                started, (parent, members) = parent, stack.pop()
                end = self._add_row(len(stack), parent, None, _END)
                self.ends[started], self.ends[end] = end, started
            if self.is_cut:
                members = iter(())

    def _add_row(self, depth: int, parent: int, key: str | int | None, value: Any) -> int:
        row = len(self.keys)
        self.keys.append(key)
        self.values.append(value)
        self.depths.append(depth)
        self.parents.append(parent)
        self.ends.append(row)
        return row

    # Rows

    def opens(self, row: int) -> bool:
        """Tell whether an object or array starts in a row."""
        return self.ends[row] > row

    def start(self, row: int) -> int:
        """Return the row in which starts what ends in a row; any other row is its own start."""
        return min(self.ends[row], row)

    def is_last(self, row: int) -> bool:
        """Tell whether no other member or element comes after that of a row, or after what ends in it."""
        after = max(self.ends[row], row) + 1
        return after >= len(self.keys) or self.ends[after] < after

    def above(self, row: int) -> Iterator[int]:
        """Yield the rows of what a row is in, the innermost first."""
        while row:
            row = self.parents[row]
            yield row

    def path(self, row: int) -> str:
        """Return where a row is in the document, as a JSONPath query (RFC 9535): `$.links[0]["my key"]`."""
        row = self.start(row)
        path = ""
        for key in [self.keys[step] for step in (row, *self.above(row))]:
            if isinstance(key, int):
                path = f"[{key}]{path}"
            elif key is not None:
                plain = key.isascii() and key.isidentifier()
                path = (f".{key}" if plain else f"[{json.dumps(key)}]") + path
        return f"${path}"

    def search(self, wanted: re.Pattern[str], stopped: Callable[[], bool] = lambda: False) -> array[int]:
        """Return the rows whose name or value has what is wanted, in order; those so far where stopped.

        Takes some tenths of a second for 10 MB: call it in a thread.
        """
        found, find = array("I"), wanted.search
        known: dict[object, bool] = {}
        for row, (key, value, end) in enumerate(zip(self.keys, self.values, self.ends, strict=True)):
            if not row % _LOOK_UP and stopped():
                break
            if isinstance(key, str):
                if key not in known:
                    known[key] = find(safe(key)) is not None
                if known[key]:
                    found.append(row)
                    continue
            if end != row or value is _CUT:
                continue
            shown = leaf(value) if not isinstance(value, str) else safe(value) if find(clean(value)) else ""
            if find(shown):
                found.append(row)
        return found

    # Folding

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
        if self._texts.pop(row, None) is None and self.opens(row):
            self._folded.add(row)
        self._lay_out()

    def unfold(self, *rows: int) -> None:
        """Show what is in objects or arrays."""
        if not self._folded.isdisjoint(rows):
            self._folded.difference_update(rows)
            self._lay_out()

    def fold_all(self) -> None:
        """Fold whatever can be folded, but the document itself."""
        self._texts.clear()
        self._folded = {row for row, end in enumerate(self.ends) if end > row > 0}
        self._lay_out()

    def unfold_all(self) -> None:
        """Unfold every object and array; long texts stay as they are."""
        self._folded.clear()
        self._lay_out()

    def show_text(self, row: int) -> None:
        """Show a long text whole."""
        self._wrap([row])
        self._lay_out()

    def _lay_out(self) -> None:
        lines, parts, at = array("I"), array("I"), 0
        for row in sorted(self._folded.union(self._texts)):
            if row < at:
                continue
            lines.extend(range(at, row + 1))
            at = row + 1
            if row in self._folded:
                at = self.ends[row] + 1
            elif more := len(self._texts[row]) - 1:
                parts.frombytes(bytes(parts.itemsize * (len(lines) - len(parts))))
                lines.extend([row] * more)
                parts.extend(range(1, more + 1))
        lines.extend(range(at, len(self.keys)))
        parts.frombytes(bytes(parts.itemsize * (len(lines) - len(parts))))
        self.lines, self.parts = lines, parts

    # Texts

    def fit(self, width: int) -> None:
        """Fit the long texts that are shown whole to a width in cells."""
        first, self.width = self.width == 0, width
        wanted = self._likely() if first and len(self.keys) <= OPENED_ROWS else list(self._texts)
        self._texts.clear()
        self._wrap(wanted)
        self._lay_out()

    def _likely(self) -> list[int]:
        """Return the rows whose texts are shown whole at first: those that a person would read."""
        short = max(self.width // 4, 1)
        rows = (
            row
            for row, value in enumerate(self.values)
            if isinstance(value, str) and short < len(value) <= OPENED_LENGTH and self.is_long(row)
        )
        return list(islice(rows, OPENED_TEXTS))

    def line(self, number: int) -> JsonLine:
        """Return a line, cut where it does not fit."""
        row, part = self.lines[number], self.parts[number]
        indent, value = self._indent(row), self.values[row]
        if part:
            return JsonLine(indent + 2 * STEP, "", "", self._texts[row][part])
        if value is _CUT:
            return JsonLine(indent, "", "", "… there is more than can be shown; the export has all of it")
        comma = "" if self.is_last(row) else ","
        if value is _END:
            return JsonLine(indent, "", "", self._bracket(row) + comma)
        key = self._name(row)
        if self.is_folded(row):
            room = self._room(row, key) - len(comma)
            return JsonLine(indent, "▸", key, self._folded_text(row, min(room, 200)) + comma)
        if self.opens(row):
            return JsonLine(indent, "▾", key, self._bracket(row))
        if self.shows_text(row):
            return JsonLine(indent, "▾", key, self._texts[row][0])
        room = self._room(row, key)
        text = leaf(value[: 4 * room + LONGEST_TEXT // 100] if isinstance(value, str) else value) + comma
        if cell_len(text) <= room:
            return JsonLine(indent, "", key, text)
        return JsonLine(indent, "▸", key, _cut(text, max(room - len(comma), 2)))

    def _bracket(self, row: int) -> str:
        return ("{}" if isinstance(self.values[self.start(row)], dict) else "[]")[self.ends[row] < row]

    def _folded_text(self, row: int, room: int) -> str:
        """Return an object or array on one line: whole where `room` characters hold it, else counted."""
        value = self.values[row]
        # Each row takes a character or more: what may fit is small, and not nested deep.
        if self.ends[row] - row <= room and len(whole := _written(value)) <= room:
            return whole
        if isinstance(value, dict):
            return f"{{…}} {count(len(value), 'field')}"
        return f"[…] {count(len(value), 'entry', 'entries')}"

    def is_long(self, row: int) -> bool:
        """Tell whether a text is too long for its line."""
        value = self.values[row]
        if not isinstance(value, str):
            return False
        return cell_len(leaf(value)) + (not self.is_last(row)) > self._room(row, self._name(row))

    def text_parts(self, row: int) -> list[str]:
        """Return the lines of a long text that is shown whole; none for any other row."""
        return self._texts.get(row, [])

    def _wrap(self, rows: Iterable[int]) -> None:
        """Put the texts of rows in the lines they need, to the last letter."""
        for row in rows:
            text = leaf(self.values[row]) + ("" if self.is_last(row) else ",")
            room, below = self._room(row, self._name(row)), max(self._room(row, "") - 2 * STEP, 1)
            first = chop_cells(text[: 2 * room], room)[0]
            rest = text[len(first) :]
            if rest.isascii():  # at once, and not letter by letter
                parts = [rest[at : at + below] for at in range(0, len(rest), below)]
            else:
                parts = chop_cells(rest, below)
            if parts:
                self._texts[row] = [first, *parts]

    def _indent(self, row: int) -> int:
        return max(min(self.depths[row] * STEP, self.width - NARROWEST), 0)

    def _room(self, row: int, key: str) -> int:
        return max(self.width - self._indent(row) - STEP - cell_len(key), 2)

    def _name(self, row: int) -> str:
        """Return the name of a member with its colon; a long one is cut."""
        key = self.keys[row]
        if not isinstance(key, str):
            return ""
        return f"{_cut(leaf(key), max((self.width - self._indent(row)) * 2 // 3, 8))}: "


def leaf(value: Any) -> str:
    """Return a value without members, or a name, as JSON that may be drawn."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        value = f"{value[:LONGEST_TEXT]}…"
    return _written(value) or "…"


def _written(value: Any) -> str:
    """Return a value as JSON that may be drawn; empty where it cannot be written."""
    with suppress(ValueError, RecursionError):  # a number of too many digits, what is nested too deep
        return safe(json.dumps(value, ensure_ascii=False))
    return ""


def copied(value: object, most: int) -> str:
    """Return a value of at most so many characters for the clipboard; empty where it is too much for it.

    Line breaks are written as JSON writes them: pasted into a shell they would run what stands before them.
    """
    plain = isinstance(value, str) and value and value.isprintable()
    text = safe(value) if plain and isinstance(value, str) else _written(value)
    return text if len(text) <= most else ""


def pattern(words: str) -> re.Pattern[str]:
    """Return what finds typed words, letter by letter."""
    return re.compile(re.escape(words), re.IGNORECASE)


def _cut(text: str, room: int) -> str:
    """Return a text in so many cells at most."""
    return text if cell_len(text) <= room else f"{chop_cells(text[: 2 * room], room - 1)[0]}…"
