"""The rows of a JSON document: one for each line it would have if it were written out, in arrays."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

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
