"""A JSON document laid out in rows: their texts as they may be drawn, and the search in them."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterator
from typing import Any

from ...text import clean, count, redact

LEAF, OBJECT, ARRAY, END, CUT = range(5)
"""What a row is: a value, the start of an object or of an array, the end of either, the end of patience."""
MOST_ROWS = 2_000_000
"""Rows in memory at most: some 30 bytes each, beside the document itself."""
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
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isascii() and key.isidentifier() else f"[{json.dumps(key)}]"


LONGEST_TEXT = 200_000
"""Characters of a text that are shown; the export has all of it."""


def leaf(value: Any) -> str:
    """Return a value without members as JSON that may be drawn."""
    if isinstance(value, str):
        more = "…" if len(value) > LONGEST_TEXT else ""
        return safe(json.dumps(value[:LONGEST_TEXT] + more, ensure_ascii=False))
    try:
        return safe(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):  # a number of too many digits to be written
        return "…"


def safe(text: str) -> str:
    """Return text as it may be drawn: cleaned, without what is secret in its addresses."""
    text = clean(text)
    return redact(text) if "=" in text or "@" in text else text


def name(key: str) -> str:
    """Return the name of a member as JSON that may be drawn."""
    return safe(json.dumps(key[:LONGEST_TEXT], ensure_ascii=False))


def folded(value: Any, room: int) -> str:
    """Return an object or array on one line: whole where `room` characters hold it, else what it holds."""
    whole = ""
    for piece in _pieces(value):
        whole += piece
        if len(whole) > room:
            break
    else:
        return whole
    if isinstance(value, dict):
        return f"{{…}} {count(len(value), 'field')}"
    return f"[…] {count(len(value), 'entry', 'entries')}"


def _pieces(value: Any) -> Iterator[str]:
    """Yield a value as compact JSON, piece by piece; the caller stops when it has enough, at any depth."""
    if isinstance(value, dict) and value:
        yield "{"
        for number, (key, member) in enumerate(value.items()):
            yield f"{', ' if number else ''}{name(key)}: "
            yield from _pieces(member)
        yield "}"
    elif isinstance(value, list) and value:
        yield "["
        for number, member in enumerate(value):
            yield ", " if number else ""
            yield from _pieces(member)
        yield "]"
    else:
        yield leaf(value)


_LOOK_UP = 4_096
"""Rows between looks whether the search is still wanted."""


def pattern(words: str) -> re.Pattern[str]:
    """Return what finds typed words, letter by letter."""
    return re.compile(re.escape(words), re.IGNORECASE)


def search(rows: Rows, wanted: re.Pattern[str], stopped: Callable[[], bool] = lambda: False) -> array[int]:
    """Return the rows whose name or value has what is wanted, in order; what was found so far where stopped.

    Takes some tenths of a second for 10 MB: call it in a thread.
    """
    found = array("I")
    known: dict[str, bool] = {}
    find = wanted.search
    for row, (kind, key, value) in enumerate(zip(rows.kinds, rows.keys, rows.values, strict=True)):
        if not row % _LOOK_UP and stopped():
            break
        if isinstance(key, str):
            hit = known.get(key)
            if hit is None:
                hit = known[key] = find(safe(key)) is not None
            if hit:
                found.append(row)
                continue
        if kind == LEAF and (
            (find(clean(value)) is not None and find(safe(value)) is not None)
            if isinstance(value, str)
            else find(leaf(value)) is not None
        ):
            found.append(row)
    return found
