"""The filter in force, once it was typed: its words and facets, what it found, and how it goes."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...text import one_line
from ..draw import line

_END = "  esc clears "


class FilterLine(Widget):
    """A line where the filter was typed; a click types on."""

    DEFAULT_CSS = "FilterLine { height: 1; background: $panel; color: $foreground; }"
    words: reactive[str] = reactive("")
    found: reactive[str] = reactive("")

    def render(self) -> RenderResult:
        """Draw the line; the words give way first."""
        right = Content.styled(one_line(self.found), "$muted") + Content.styled(_END, "$muted")
        room = self.size.width - 4 - right.cell_length
        if room < 12:
            right, room = Content(), self.size.width - 4
        left = Content.styled(" / ", "$accent") + line(self.words, limit=max(room, 1))
        gap = max(self.size.width - left.cell_length - right.cell_length, 1)
        return left + Content(" " * gap) + right

    async def on_click(self) -> None:
        """Type on."""
        await self.run_action("screen.filter")
