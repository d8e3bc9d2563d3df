"""Lines of a JSON document: names, values, wrapped texts, and the search in them."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rich.cells import cell_len, chop_cells

from ...text import clean, count, redact
from .json_rows import ARRAY, CUT, END, LEAF, OBJECT, Folding, Rows

STEP = 2
"""Cells of a level, and of the arrow before a line."""
NARROWEST = 24
"""Cells a line gets at least, however deep it is."""
OPENED_ROWS, OPENED_TEXTS, OPENED_LENGTH = 20_000, 400, 4_000
"""Of a document of so few rows so many long texts, of so few characters, are shown whole at first."""


class JsonLine(NamedTuple):
    """A line: its first cell, what folds it, the name of its member, its text."""

    indent: int
    arrow: str
    name: str
    text: str


class JsonLines:
    """The lines of a document for a width.

    Parameters
    ----------
    rows
        The document.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.folding = Folding(rows)
        self.width = 0
        self._texts: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.folding)

    def fit(self, width: int) -> None:
        """Fit the long texts that are shown whole to a width in cells."""
        first = self.width == 0
        self.width = width
        wanted = self._long() if first else self.folding.texts
        self._texts = {row: self._wrapped(row) for row in wanted}
        self.folding.set_texts({row: len(parts) - 1 for row, parts in self._texts.items()})

    def line(self, number: int) -> JsonLine:
        """Return a line, cut where it does not fit."""
        row, part = self.folding.lines[number], self.folding.parts[number]
        indent = self._indent(row)
        if part:
            return JsonLine(indent + 2 * STEP, "", "", self._texts[row][part])
        key, kind = self._name(row), self.rows.kinds[row]
        comma = "" if self.rows.is_last(row) else ","
        room = self._room(row, key) - len(comma)
        value = self.rows.values[row]
        if kind == END:
            opener = self.rows.kinds[self.rows.ends[row]]
            return JsonLine(indent, "", "", ("}" if opener == OBJECT else "]") + comma)
        if kind == CUT:
            return JsonLine(indent, "", "", "… there is more than can be shown; the export has all of it")
        if self.folding.is_folded(row):
            return JsonLine(indent, "▸", key, folded(value, min(room, 200)) + comma)
        if self.rows.opens(row):
            return JsonLine(indent, "▾", key, "[" if kind == ARRAY else "{")
        if self.folding.shows_text(row):
            return JsonLine(indent, "▾", key, self._texts[row][0])
        text = leaf(value[: 4 * room + LONGEST_TEXT // 100] if isinstance(value, str) else value)
        if not _too_long(text, room):
            return JsonLine(indent, "", key, text + comma)
        return JsonLine(indent, "▸", key, chop_cells(text[: 2 * room], max(room - 1, 1))[0] + "…")

    def is_long(self, row: int) -> bool:
        """Tell whether a text is too long for its line."""
        value = self.rows.values[row]
        if self.rows.opens(row) or not isinstance(value, str):
            return False
        return _too_long(leaf(value), self._room(row, self._name(row)) - 1)

    def show_text(self, row: int) -> tuple[int, int, int]:
        """Show a long text whole; return the change of the lines."""
        self._texts[row] = self._wrapped(row)
        return self.folding.show_text(row, len(self._texts[row]) - 1)

    def text_parts(self, row: int) -> list[str]:
        """Return the lines of a long text that is shown whole; none for any other row."""
        return self._texts.get(row, []) if self.folding.shows_text(row) else []

    def _long(self) -> list[int]:
        """Return the rows whose texts are shown whole at first: those that a person would read."""
        if len(self.rows) > OPENED_ROWS:
            return []
        values = self.rows.values
        short = max(self.width // 4, 1)
        likely = (
            row
            for row, value in enumerate(values)
            if isinstance(value, str) and short < len(value) <= OPENED_LENGTH
        )
        found: list[int] = []
        for row in likely:
            if self.is_long(row):
                found.append(row)
                if len(found) == OPENED_TEXTS:
                    break
        return found

    def _wrapped(self, row: int) -> list[str]:
        """Return the text of a row in the lines it needs, to the last letter."""
        key = self._name(row)
        text = leaf(self.rows.values[row]) + ("" if self.rows.is_last(row) else ",")
        room = self._room(row, key)
        below = max(self._room(row, "") - 2 * STEP, 1)
        if text.isascii():
            return [text[:room], *(text[at : at + below] for at in range(room, len(text), below))]
        first = chop_cells(text[: 2 * room], room)[0]
        rest = text[len(first) :]
        return [first, *(chop_cells(rest, below) if rest else ())]

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


def _too_long(text: str, room: int) -> bool:
    return len(text) > room or cell_len(text) > room


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
    """Yield a value as compact JSON, piece by piece; whoever has enough stops, so no depth is too deep."""
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
