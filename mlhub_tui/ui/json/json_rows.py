"""Rows of a JSON document in arrays, and which of them are visible."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

LEAF, OBJECT, ARRAY, END, CUT = range(5)
"""What a row is: a value, the start of an object or of an array, the end of either, the end of patience."""

MOST_ROWS = 2_000_000
"""Rows that are kept: some 30 bytes each, beside the document itself."""

Key = str | int | None
"""The name of a member, the place in an array, nothing for the document itself."""


class Rows:
    """A JSON value laid out, once, by row; 0 is the value itself.

    Keys and values are those of the document, not copies of them. Empty objects and arrays are leaves.

    Parameters
    ----------
    document
        The value, as `json.loads` returns it; nested to any depth.
    most
        The number of rows after which the rest is left out (`is_cut`).
    """

    def __init__(self, document: Any, most: int = MOST_ROWS) -> None:
        self.kinds = bytearray()
        self.depths = array("I")
        self.parents = array("I")
        self.ends = array("I")
        """Of an object or array the row of its end, of its end the row of its start, else the row itself."""
        self.keys: list[Key] = []
        self.values: list[Any] = []
        self.is_cut = False
        self._fill(document, most)

    def __len__(self) -> int:
        return len(self.kinds)

    def opens(self, row: int) -> bool:
        """Tell whether an object or array starts in a row."""
        return self.kinds[row] in (OBJECT, ARRAY)

    def is_last(self, row: int) -> bool:
        """Tell whether no other member or element comes after that of a row, or after what ends in it."""
        after = (row if self.kinds[row] == END else self.ends[row]) + 1
        return after >= len(self) or self.kinds[after] == END

    def above(self, row: int) -> Iterator[int]:
        """Yield the rows of what a row is in, the innermost first."""
        while row:
            row = self.parents[row]
            yield row

    def start(self, row: int) -> int:
        """Return the row in which starts what ends in a row; any other row is its own start."""
        return self.ends[row] if self.kinds[row] == END else row

    def _add(self, kind: int, depth: int, parent: int, key: Key, value: Any) -> int:
        row = len(self.kinds)
        self.kinds.append(kind)
        self.depths.append(depth)
        self.parents.append(parent)
        self.ends.append(row)
        self.keys.append(key)
        self.values.append(value)
        return row

    def _fill(self, document: Any, most: int) -> None:
        """Lay out without recursion: documents are nested as deep as their decoder lets them."""
        add = self._add
        stack: list[tuple[int, Iterator[tuple[Key, Any]]]] = []
        members: Iterator[tuple[Key, Any]] = iter([(None, document)])
        parent = 0
        while True:
            for key, value in members:
                if len(self.kinds) >= most:
                    self.is_cut = True
                    add(CUT, len(stack), parent, None, None)
                    members = iter(())
                    break
                if value and isinstance(value, dict | list):
                    kind = OBJECT if isinstance(value, dict) else ARRAY
                    row = add(kind, len(stack), parent, key, value)
                    stack.append((parent, members))
                    parent, members = (
                        row,
                        iter(value.items() if isinstance(value, dict) else enumerate(value)),
                    )
                    break
                add(LEAF, len(stack), parent, key, value)
            else:
                if not stack:
                    return
                started = parent
                parent, members = stack.pop()
                end = add(END, len(stack), parent, None, None)
                self.ends[started], self.ends[end] = end, started
                if self.is_cut:
                    members = iter(())


def path(rows: Rows, row: int) -> str:
    """Return where a row is in the document, as a JSONPath query (RFC 9535): `$.links[0]["my key"]`."""
    row = rows.start(row)
    keys = [rows.keys[step] for step in (row, *rows.above(row))]
    return "$" + "".join(_step(key) for key in reversed(keys) if key is not None)


def _step(key: str | int) -> str:
    import json

    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isascii() and key.isidentifier() else f"[{json.dumps(key)}]"


_FOLDED, _TEXT = 1, 2
_MARKED = re.compile(rb"[\x01\x02]")
SHORT_ARRAY = 8
"""Elements: an array of so few numbers or words, as a box or a pair of coordinates, begins on one line."""


class FoldChange(NamedTuple):
    """What became of the lines: from `line` on `removed` of them went, and `added` came in their place."""

    line: int
    removed: int
    added: int


class Folding:
    """The lines that are seen of a document, in its order.

    Moving costs nothing that grows with the document; folding and unfolding cost slices of two arrays.

    Parameters
    ----------
    rows
        The document. Arrays of a few numbers or words are folded at first.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.lines = array("I")
        """The row of each line."""
        self.parts = array("I")
        """Which line of its text each line is: 0 is the row itself; a long text goes on in the next ones."""
        self._marks = bytearray(len(rows))
        self._extra: dict[int, int] = {}
        self._fold_short()
        self._lay_out()

    def __len__(self) -> int:
        return len(self.lines)

    def is_folded(self, row: int) -> bool:
        """Tell whether what starts in a row is folded."""
        return self._marks[row] == _FOLDED

    def shows_text(self, row: int) -> bool:
        """Tell whether a long text goes on below its row."""
        return self._marks[row] == _TEXT

    def line_of(self, row: int) -> int | None:
        """Return the first line of a row; None where it is folded away."""
        line = bisect_left(self.lines, row)
        return line if line < len(self.lines) and self.lines[line] == row else None

    def fold(self, row: int) -> FoldChange:
        """Put an object or array on one line, or hide how a long text goes on."""
        marked = self._marks[row]
        if marked == _FOLDED or (marked != _TEXT and not self.rows.opens(row)):
            return FoldChange(0, 0, 0)
        last = row if marked == _TEXT else self.rows.ends[row]
        self._extra.pop(row, None)
        self._marks[row] = 0 if marked == _TEXT else _FOLDED
        return self._replace(row, last)

    def unfold(self, row: int) -> FoldChange:
        """Show what is in an object or array."""
        if self._marks[row] != _FOLDED:
            return FoldChange(0, 0, 0)
        self._marks[row] = 0
        return self._replace(row, self.rows.ends[row])

    def show_text(self, row: int, extra: int) -> FoldChange:
        """Show how a long text goes on, in `extra` more lines."""
        if extra <= 0 or self.rows.kinds[row] != LEAF:
            return FoldChange(0, 0, 0)
        self._marks[row], self._extra[row] = _TEXT, extra
        return self._replace(row, row)

    def reveal(self, row: int) -> FoldChange:
        """Unfold whatever hides a row."""
        hiding = [above for above in self.rows.above(row) if self._marks[above] == _FOLDED]
        for above in hiding:
            self._marks[above] = 0
        if not hiding:
            return FoldChange(0, 0, 0)
        return self._replace(hiding[-1], self.rows.ends[hiding[-1]])

    def fold_all(self) -> None:
        """Fold whatever can be folded, but the document itself."""
        self._extra.clear()
        self._marks = bytearray(self.rows.kinds.translate(_OPENS))
        if self._marks:
            self._marks[0] = 0
        self._lay_out()

    def unfold_all(self) -> None:
        """Unfold every object and array; long texts stay as they are."""
        self._marks = self._marks.replace(b"\x01", b"\x00")
        self._lay_out()

    def set_texts(self, extra: Mapping[int, int]) -> None:
        """Show how these long texts go on, each by its row in so many more lines, and no other."""
        self._marks = self._marks.replace(b"\x02", b"\x00")
        self._extra = {row: number for row, number in extra.items() if number > 0}
        for row in self._extra:
            self._marks[row] = _TEXT
        self._lay_out()

    @property
    def texts(self) -> list[int]:
        """The rows of the long texts that are shown whole."""
        return list(self._extra)

    def _replace(self, first: int, last: int) -> FoldChange:
        """Lay out the rows from `first` to `last` again, if they are in sight."""
        line = self.line_of(first)
        if line is None:
            return FoldChange(0, 0, 0)
        below = bisect_left(self.lines, last + 1)
        lines, parts = self._seen(first, last)
        removed = below - line
        self.lines[line:below], self.parts[line:below] = lines, parts
        return FoldChange(line, removed, len(lines))

    def _lay_out(self) -> None:
        self.lines, self.parts = self._seen(0, len(self.rows) - 1)

    def _seen(self, first: int, last: int) -> tuple[array[int], array[int]]:
        """Return the lines of the rows from `first` to `last`, as they are folded."""
        lines, parts = array("I"), array("I")
        for start, stop in self._runs(first, last):
            lines.extend(range(start, stop))
            parts.frombytes(bytes(parts.itemsize * (stop - start)))
            if extra := self._extra.get(stop - 1, 0):
                lines.extend([stop - 1] * extra)
                parts.extend(range(1, extra + 1))
        return lines, parts

    def _runs(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield runs of rows in sight, up to the next one that is folded or goes on."""
        ends, marks = self.rows.ends, self._marks
        while first <= last:
            found = _MARKED.search(marks, first, last + 1)
            if found is None:
                yield first, last + 1
                return
            row = found.start()
            yield first, row + 1
            first = (ends[row] if marks[row] == _FOLDED else row) + 1

    def _fold_short(self) -> None:
        rows, kinds = self.rows, self.rows.kinds
        row = kinds.find(ARRAY)
        while row >= 0:
            inner = rows.ends[row] - row - 1
            # As many rows as elements: there is nothing but leaves in it.
            if row and inner == len(rows.values[row]) <= SHORT_ARRAY:
                self._marks[row] = _FOLDED
            row = kinds.find(ARRAY, row + 1)


_OPENS = bytes(1 if kind in (1, 2) else 0 for kind in range(256))
