"""The widget of a detail: blocks typeset for its width, scrolled by keys."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from ...metadata.detail import Block, Prose
from ..commands import LISTS, SCROLL_ACTIONS, bindings
from ..terminal.terminal_app import set_content_size
from .markdown import MarkdownCache
from .typesetting import typeset


class DetailView(ScrollView, can_focus=True):
    """A scrolling sheet; of another text only the lines that differ are drawn."""

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
        self._strips: list[Strip] = []
        self._texts = MarkdownCache()
        self._width = 0
        self._sought: tuple[str, int] | None = None

    def show(self, blocks: Sequence[Block], *, keep_place: bool = False) -> None:
        """Show other blocks, scrolled to the top unless `keep_place`."""
        self._blocks, self._sought = blocks, None
        if not keep_place and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
        self._set()

    def add(self, blocks: Sequence[Block]) -> None:
        """Append blocks; a long sheet is not laid out again."""
        self._blocks = [*self._blocks, *blocks]
        if self._width > 0:
            more = typeset(blocks, self._width, self._texts)
            self._draw([*self._strips, *Visual.to_strips(self, more, self._width, None, self.visual_style)])

    def seek(self, word: str, number: int = 0) -> None:
        """Scroll to the line with a word, or the next of such lines by number, once all text is set."""
        self._sought = (word.casefold(), number)
        self._arrive()

    def _arrive(self) -> None:
        if self._sought is None or self._width <= 0 or not self.settled:
            return
        word, number = self._sought
        self._sought = None
        found = [y for y, strip in enumerate(self._strips) if word in strip.text.casefold()]
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
            self.refresh()

    def notify_style_update(self) -> None:
        """Take up other colours."""
        super().notify_style_update()
        self._set()
        self.refresh()

    def _set(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return  # hidden, or not laid out yet
        self._width = width
        if unset := self._unset():
            self._load(unset, width)
        text = typeset(self._blocks, width, self._texts)
        self._draw(Visual.to_strips(self, text, width, None, self.visual_style))
        self._arrive()

    def _draw(self, strips: list[Strip]) -> None:
        """Take up other lines, and draw those in sight that differ."""
        before, self._strips = self._strips, strips
        if len(self._strips) != self.virtual_size.height:
            set_content_size(self, Size(self._width, len(self._strips)))
        top, below = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        for y, (old, new) in enumerate(zip_longest(before, self._strips)):
            if top <= y < below and old != new:
                self.refresh_line(y)

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is seen."""
        number, style, width = y + self.scroll_offset.y, self.rich_style, self.scrollable_content_region.width
        if number >= len(self._strips):
            return Strip.blank(width, style)
        return self._strips[number].adjust_cell_length(width, style)
