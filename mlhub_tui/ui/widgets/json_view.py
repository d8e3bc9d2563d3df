"""JSON as received, drawn line by line so that large documents cost what is seen of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual import work
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...text import clean, redact
from ..commands import LISTS, SCROLL_ACTIONS, bindings

_KEY = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(:)')
_NARROWEST = 16
"""Cells a line gets at least, however far it is indented."""


class Row(NamedTuple):
    """A line of the screen; the name of a field stands from `start` to `end`."""

    text: str
    start: int = 0
    end: int = 0


class JsonView(ScrollView, can_focus=True):
    """A scrolling view of a JSON document without the keys in its links; long lines go on below."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LISTS, SCROLL_ACTIONS)
    DEFAULT_CSS = """
    JsonView { background: $background; padding: 0 1; overflow-x: hidden; scrollbar-gutter: stable; }
    JsonView > .json--key { color: $primary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"json--key"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[str] = []
        self._rows: list[Row] = []
        self._width = 0

    @work(exclusive=True)
    async def show(self, document: Any) -> None:
        """Show another document; it is written out in a thread."""
        self._lines = await asyncio.to_thread(written, document)
        await self._wrap()

    async def _wrap(self) -> None:
        width = self._width = self.scrollable_content_region.width
        if width > 0:
            self._rows = await asyncio.to_thread(wrapped, self._lines, width)
            self.virtual_size = Size(width, len(self._rows))
            self.refresh()

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        if self.scrollable_content_region.width != self._width:
            self._wrap_again()

    @work(exclusive=True, group="wrap")
    async def _wrap_again(self) -> None:
        await self._wrap()

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is seen."""
        number = y + self.scroll_offset.y
        base = self.rich_style
        if number >= len(self._rows):
            return Strip.blank(self.size.width, base)
        text, start, end = self._rows[number]
        key = base + self.get_component_rich_style("json--key", partial=True)
        parts = ((text[:start], base), (text[start:end], key), (text[end:], base))
        strip = Strip([Segment(part, style) for part, style in parts if part])
        return strip.adjust_cell_length(self.size.width, base)


def written(document: Any) -> list[str]:
    """Return a document as lines of JSON that may be drawn: cleaned, without keys."""
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False)
    except RecursionError:
        return ["This document is nested too deep to be written out."]
    return [redact(clean(line)).expandtabs(2) for line in text.split("\n")]


def wrapped(lines: Sequence[str], width: int) -> list[Row]:
    """Return lines as rows of a width in cells; what does not fit goes on below, indented."""
    return [row for line in lines for row in _rows(line, width)]


def _rows(line: str, width: int) -> Iterator[Row]:
    key = _KEY.match(line)
    start, end = key.span(2) if key else (0, 0)
    if cell_len(line) <= width:
        yield Row(line, start, end)
        return
    indent = " " * max(min(len(line) - len(line.lstrip(" ")) + 2, width - _NARROWEST), 0)
    first, *rest = chop_cells(line, width)
    yield Row(first, min(start, len(first)), min(end, len(first)))
    for part in chop_cells("".join(rest), max(width - len(indent), 1)):
        yield Row(indent + part)
