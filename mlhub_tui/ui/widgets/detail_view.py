"""The widget of a detail: blocks and Markdown typeset for its width, scrolled by keys."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import ClassVar

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text
from textual import work
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import Visual

from ...metadata.blocks import Block, FieldBlock, GridBlock, Heading, Identity, Paragraph, Prose, Title
from ...text import one_line
from ..commands import LISTS, SCROLL_ACTIONS, bindings
from ..terminal.characters import content, line, rendered
from ..terminal.terminal_app import set_content_size

MAX_CACHED = 16
QUICK = 2_000
"""Characters that are laid out at once, within the time budget of a key press."""


def lines(text: str, width: int) -> list[Content]:
    """Return the lines of a text in Markdown for a width in cells; what sets them takes a while to import."""
    from . import markdown  # in a thread, after the first paint

    return markdown.lines(text, width)


class MarkdownCache:
    """The texts that were set last, each for a width."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, int], list[Content]] = LRUCache(MAX_CACHED)

    def get(self, text: str, width: int) -> list[Content] | None:
        """Return the lines of a text; None while it is still to be set (`load`)."""
        if (text, width) not in self._known and len(text) <= QUICK and "rich.markdown" in sys.modules:
            self._known[text, width] = lines(text, width)
        return self._known.get((text, width))

    async def load(self, texts: Iterable[str], width: int) -> None:
        """Set texts in a thread; the first time what sets them is imported there."""
        for text in texts:
            if (text, width) not in self._known:
                self._known[text, width] = await asyncio.to_thread(lines, text, width)


_SET_TEXTS = MarkdownCache()
"""Of all views: a dialog that is opened again has new ones."""

NAME_WIDTH = 11
WIDEST_NAME = 26
LONGEST_LINE = 1_000
LONGEST_TEXT = 20_000
"""Characters of a title or field, and of running text: more would hold up the keyboard while it is set."""
LONGEST_CELL, MOST_ROWS = 200, 200
"""Characters of a cell and rows of a table: the detail is set again at each step of the cursor."""
GAP = 2
NARROWEST = 8
"""Cells of a column; in less a column of running text is no longer read."""


def typeset(blocks: Sequence[Block], width: int, markdown: MarkdownCache | None = None) -> Content:
    """Return the blocks for a width in cells; empty fields are left out.

    - `markdown`: Markdown that was set; at a text that is not yet, the detail ends for now. Without any,
      Markdown is shown as it was written.
    """
    lines: list[Content] = []
    names, room = NAME_WIDTH, max(width, 1)
    for number, block in enumerate(blocks):
        if not isinstance(block, FieldBlock) or number == 0:
            names = _name_width(blocks[number + 1 :])
        match block:
            case Title(text) if not lines:
                lines += line(text, "bold", LONGEST_LINE).wrap(room)
            case Identity(text):
                named = bool(lines) and lines[0].plain == one_line(text)[: len(lines[0].plain)]
                lines += [*([] if named else line(text, "$accent", LONGEST_LINE).wrap(room)), Content()]
            case Heading(text):
                lines += [*([Content()] if lines else []), line(text, "bold $primary")]
            case FieldBlock(name, value, style) if value:
                lines += _field(name, value, style, width, names)
            case Prose(text) if markdown is not None and text:
                if (found := markdown.get(text, room)) is None:
                    break
                lines += found
            case GridBlock():
                lines += _grid(block, room)
            case Prose(text):
                lines += _paragraphs(text, "", room)
            case Paragraph(text, style) if text:
                lines += _paragraphs(text, style, room)
    return Content("\n").join(lines)


def _lines_of(text: Content, width: int) -> list[Content]:
    """Return the lines of what was typeset; one that does not fit the width is broken."""
    split = text.split("\n")
    return [part for one in split for part in ([one] if one.cell_length <= width else one.wrap(width))]


def _paragraphs(text: str, style: str, room: int) -> list[Content]:
    """Return the lines of running text."""
    lines: list[Content] = []
    for paragraph in content(text[:LONGEST_TEXT], style).split("\n"):
        lines += paragraph.wrap(room) if paragraph else [Content()]
    if len(text) > LONGEST_TEXT:
        lines += line("… the text is longer: the JSON has all of it", "$muted").wrap(room)
    return lines


def _name_width(blocks: Sequence[Block]) -> int:
    """Return the width of the names of the fields that come next, so that their values stand in line."""
    fields = takewhile(lambda block: isinstance(block, FieldBlock), blocks)
    longest = max((len(f.name) for f in fields if isinstance(f, FieldBlock) and f.value), default=0)
    return max(NAME_WIDTH, min(longest + 1, WIDEST_NAME))


def _field(name: str, value: str, style: str, width: int, names: int) -> list[Content]:
    label = line(name, "$muted", limit=names - 1)
    label = label.pad_right(names - label.cell_length)
    wrapped = line(value, style, LONGEST_LINE).wrap(max(width - names, 12))
    indent = Content(" " * names)
    return [(label if index == 0 else indent) + part for index, part in enumerate(wrapped)]


def _grid(block: GridBlock, room: int) -> list[Content]:
    """Return the lines of a table: columns that would be too narrow go, the last ones first."""
    rows = [[one_line(cell, LONGEST_CELL) for cell in row] for row in block.rows[:MOST_ROWS]]
    used = [n for n in range(len(block.headers)) if any(row[n] for row in rows)]
    widest = [max(cell_len(text) for text in column) for column in zip(block.headers, *rows, strict=True)]
    while len(used) > 1 and sum(min(widest[n], NARROWEST) + GAP for n in used) - GAP > room:
        used.pop()
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, GAP, 0, 0),
        show_header=any(block.headers),
        header_style="magenta",
    )
    for n in used:
        table.add_column(Text(block.headers[n], "magenta"), overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[n]) for n in used))
    found = rendered(table, room) if used else []
    if len(block.rows) > MOST_ROWS:
        found += line(f"… and {len(block.rows) - MOST_ROWS:,} more, in the JSON", "$muted").wrap(room)
    return found


class DetailView(ScrollView, can_focus=True):
    """A text that scrolls; set again for another width."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LISTS, SCROLL_ACTIONS)
    # The scroll bar has its place: the text need not be set again where it comes or goes.
    DEFAULT_CSS = """
    DetailView {
        background: $background; padding: 0 1; overflow: hidden scroll; scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._blocks: Sequence[Block] = ()
        self._lines: list[Content] = []
        self._strips: dict[int, Strip] = {}
        """Lines that were seen, drawn."""
        self._texts = _SET_TEXTS
        self._width = 0
        self._set_in: VisualStyle | None = None
        self._sought: tuple[str, int] | None = None

    def show(self, blocks: Sequence[Block], *, keep_place: bool = False) -> None:
        """Show other blocks, scrolled to the top unless `keep_place`."""
        self._blocks, self._sought = blocks, None
        if not keep_place and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
        self._set()

    def add(self, blocks: Sequence[Block]) -> None:
        """Append blocks; a long text is not laid out again."""
        self._blocks = [*self._blocks, *blocks]
        if self._width > 0:
            more = typeset(blocks, self._width, self._texts)
            self._take([*self._lines, *_lines_of(more, self._width)])

    def seek(self, word: str, number: int = 0) -> None:
        """Scroll to the line with a word, or the next of such lines by number, once all text is set."""
        self._sought = (word.casefold(), number)
        self._arrive()

    def _arrive(self) -> None:
        if self._sought is None or self._width <= 0 or not self.settled:
            return
        word, number = self._sought
        self._sought = None
        found = [y for y, line in enumerate(self._lines) if word in line.plain.casefold()]
        if found:
            self.scroll_to(y=max(found[min(number, len(found) - 1)] - 2, 0), animate=False)

    @property
    def settled(self) -> bool:
        """Whether all Markdown in it is set."""
        return not self._unset()

    def _unset(self) -> list[str]:
        texts = [block.text for block in self._blocks if isinstance(block, Prose) and block.text]
        return [text for text in texts if self._texts.get(text, self._width) is None]

    @work(exclusive=True, group="markdown")
    async def _load(self, texts: list[str], width: int) -> None:
        """Set Markdown in a thread; what stands below it comes with it."""
        await self._texts.load(texts, width)
        if self.is_attached and width == self._width:
            self._set()

    def on_resize(self) -> None:
        """Set the text for the new width."""
        if self.scrollable_content_region.width != self._width:
            self._set()

    def notify_style_update(self) -> None:
        """Take up other colours, where they are others."""
        super().notify_style_update()
        if self.visual_style != self._set_in:
            self._set()

    def _set(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return  # hidden, or not laid out yet
        self._width, self._set_in = width, self.visual_style
        if unset := self._unset():
            self._load(unset, width)
        text = typeset(self._blocks, width, self._texts)
        self._strips = {}
        self._take(_lines_of(text, width))
        self._arrive()

    def _take(self, lines: list[Content]) -> None:
        self._lines = lines
        if len(lines) != self.virtual_size.height:
            set_content_size(self, Size(self._width, len(lines)))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is seen."""
        number, style, width = y + self.scroll_offset.y, self.rich_style, self.scrollable_content_region.width
        if number >= len(self._lines):
            return Strip.blank(width, style)
        if number not in self._strips:
            drawn = Visual.to_strips(self, self._lines[number], self._width, 1, self.visual_style)
            self._strips[number] = drawn[0]
        return self._strips[number].adjust_cell_length(width, style)
