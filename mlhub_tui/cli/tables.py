"""Tables of plain text: fitted to a terminal, or whole and free of tabs for another program."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence

from ..text import one_line

_GAP = 2
_NARROWEST = 8
_COMFORT = 20
Row = Sequence[object]


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout leads to; None where it leads to none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def cells(text: str) -> int:
    """Return how many columns a terminal needs for a text (Unicode East Asian Width, UAX #11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def cut(text: str, width: int) -> str:
    """Return a text that needs at most `width` columns, with an ellipsis where some of it is left out."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += cells(character)
        if used > width - 1:
            break
        kept += character
    return f"{kept}…"


def cut_middle(text: str, width: int) -> str:
    """Return a text that needs at most `width` columns; ids differ at their ends, so the middle goes."""
    if cells(text) <= width:
        return text
    tail = ""
    for character in reversed(text):
        if cells(character + tail) > (width - 1) // 2:
            break
        tail = character + tail
    return cut(text, width - cells(tail)) + tail


class Table:
    """Columns of a fixed layout, found from the first rows; later rows follow it.

    Parameters
    ----------
    headers
        The columns' names. The first column identifies the row and is the last to be cut.
    sample
        The rows the layout is made for.
    width
        Columns of the terminal; None cuts nothing.
    """

    def __init__(self, headers: Sequence[str], sample: Iterable[Row], width: int | None) -> None:
        self.headers = headers
        self._fits = width is not None
        lines = [headers, *(_texts(row) for row in sample)]
        self._widths = [max(cells(line[n]) for line in lines) for n in range(len(headers))]
        if width is not None:
            self._widths = _shrunk(self._widths, width)

    def header(self) -> str:
        """Return the line of the columns' names."""
        return self.line(self.headers)

    def line(self, row: Row) -> str:
        """Return a row as a line; remote text is cleaned."""
        texts = _texts(row)
        if self._fits:
            texts = [cut(text, width) for text, width in zip(texts, self._widths, strict=True)]
        padded = [
            text + " " * (width - cells(text))
            for text, width in zip(texts, self._widths, strict=True)
            if width
        ]
        return (" " * _GAP).join(padded).rstrip()


def table(headers: Sequence[str], rows: Sequence[Row], width: int | None) -> list[str]:
    """Return the lines of a whole table, its header first."""
    layout = Table(headers, rows, width)
    return [layout.header(), *(layout.line(row) for row in rows)]


def _texts(row: Row) -> list[str]:
    return [one_line(value) for value in row]


def _shrunk(widths: list[int], limit: int) -> list[int]:
    """Return widths that fit: the last columns go while the others lack comfort, then the widest shrink."""
    widths = list(widths)
    comfort = [widths[0], *(min(width, _COMFORT) for width in widths[1:])]
    for last in range(len(widths) - 1, 1, -1):
        if _total(comfort) > limit:
            widths[last] = comfort[last] = 0
    while _total(widths) > limit and max(widths[1:], default=0) > _NARROWEST:
        widths[1 + widths[1:].index(max(widths[1:]))] -= 1
    if _total(widths) > limit:
        widths = [min(widths[0], max(limit, 1)), *(0 for _ in widths[1:])]
    return widths


def _total(widths: list[int]) -> int:
    shown = [width for width in widths if width]
    return sum(shown) + _GAP * (len(shown) - 1)
