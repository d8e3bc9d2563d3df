"""JSON as received, drawn line by line so that large documents cost what is seen of them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...text import clean, redact
from ..commands import LISTS, SCROLL_ACTIONS, bindings

_KEY = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(:)')


class JsonView(ScrollView, can_focus=True):
    """A scrolling view of a JSON document, without the keys that its links may hold."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LISTS, SCROLL_ACTIONS)
    DEFAULT_CSS = """
    JsonView { background: $background; padding: 0 1; }
    JsonView > .json--key { color: $primary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"json--key"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[str] = []

    @work(exclusive=True)
    async def show(self, document: Any) -> None:
        """Show another document; it is written out in a thread."""
        self._lines = await asyncio.to_thread(_lines, document)
        self.virtual_size = Size(max(map(len, self._lines), default=0), len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is seen."""
        left, top = self.scroll_offset
        number = top + y
        base = self.rich_style
        if number >= len(self._lines):
            return Strip.blank(self.size.width, base)
        strip = Strip(_segments(self._lines[number], base, self.get_component_rich_style("json--key")))
        return strip.crop_extend(left, left + self.size.width, base)


def _lines(document: Any) -> list[str]:
    written = json.dumps(document, indent=2, ensure_ascii=False)
    return [redact(clean(line)).expandtabs(2) for line in written.split("\n")]


def _segments(text: str, base: Style, key: Style) -> list[Segment]:
    found = _KEY.match(text)
    if not found:
        return [Segment(text, base)]
    return [Segment(found[1], base), Segment(found[2], base + key), Segment(text[found.end(2) :], base)]
