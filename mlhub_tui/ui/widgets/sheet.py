"""A sheet: blocks of text set for the width there is, scrolling by keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from ..commands import LISTS, SCROLL_ACTIONS, bindings
from ..sheets.blocks import Block, typeset


class SheetBody(Widget):
    """The text of a sheet; set again when the width changes."""

    DEFAULT_CSS = "SheetBody { height: auto; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._blocks: Sequence[Block] = ()
        self._set: tuple[int, Content] | None = None

    def show(self, blocks: Sequence[Block]) -> None:
        """Show other blocks."""
        self._blocks = blocks
        self._set = None
        self.refresh(layout=True)

    def _typeset(self, width: int) -> Content:
        if self._set is None or self._set[0] != width:
            self._set = (width, typeset(self._blocks, width))
        return self._set[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines the text takes at a width."""
        return self._typeset(width).plain.count("\n") + 1

    def render(self) -> RenderResult:
        """Draw the text."""
        return self._typeset(self.content_size.width)


class Sheet(VerticalScroll, can_focus=True):
    """A scrolling sheet."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LISTS, SCROLL_ACTIONS)
    DEFAULT_CSS = "Sheet { padding: 0 1; scrollbar-size-vertical: 1; }"

    def compose(self) -> ComposeResult:
        """Hold the text."""
        yield SheetBody()

    def show(self, blocks: Sequence[Block], *, keep_place: bool = False) -> None:
        """Show other blocks, from the top unless the place is kept."""
        self.query_one(SheetBody).show(blocks)
        if not keep_place:
            self.scroll_home(animate=False)
