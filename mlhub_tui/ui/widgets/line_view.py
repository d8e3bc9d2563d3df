"""Lines with a cursor, of which only those in sight are drawn: what trees and long tables have in common."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Leave, MouseMove
from textual.geometry import Offset, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..commands import LINE_ACTIONS, LISTS, bindings
from ..terminal.terminal_app import set_content_size


class LineView(ScrollView, can_focus=True):
    """A scrolling list of lines; the cost of a key press depends on the visible lines, not on all lines.

    A subclass says how many lines there are (`line_count`) and draws one (`draw_line`); `header` lines at
    the top stay (`draw_header`).
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(LISTS, LINE_ACTIONS),
        Binding("enter", "select_cursor", show=False),
    ]
    # The scroll bar has its place: nothing is laid out again where it comes or goes.
    DEFAULT_CSS = """
    LineView { background: $background; overflow: hidden scroll; scrollbar-size-vertical: 1; }
    LineView > .line--cursor { background: $primary-muted; color: $foreground; }
    LineView:focus > .line--cursor { background: $primary; color: $background; text-style: bold; }
    LineView > .line--hover { background: $panel; }
    LineView > .line--header { color: $muted; }
    LineView > .line--guides { color: $line; }
    LineView > .line--quiet { color: $muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"line--{name}" for name in ("cursor", "hover", "header", "guides", "quiet"))
    }
    ALLOW_SELECT = False

    header: ClassVar[int] = 0
    cursor_line: var[int] = var(0)
    hover_line: var[int] = var(-1)

    class Moved(Message):
        """The cursor is on another line, or the line under it on another thing."""

    class Chosen(Message):
        """Enter, or a click, on the line under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looks: dict[str, Style] = {}

    # What a subclass says

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return 0

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a line, as wide as it likes."""
        return Strip.blank(width)

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw a line of those that stay at the top."""
        return Strip.blank(width)

    def cursor_column(self) -> int:
        """Return the cell in which the text of the line under the cursor begins."""
        return 0

    def look(self, name: str) -> Style:
        """Return what a component's style adds to the ground, whose own is that without a name."""
        known = self._looks.get(name)
        if known is None:
            known = self.get_component_rich_style(f"line--{name}", partial=True) if name else self.rich_style
            self._looks[name] = known
        return known

    def ground(self, number: int) -> Style:
        """Return the style of a line on which nothing else is laid."""
        base = self.look("")
        return base + self.look("hover") if number == self.hover_line else base

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is seen."""
        width, base = self.scrollable_content_region.width, self.look("")
        if y < self.header:
            return self.draw_header(y, width).adjust_cell_length(width, base).apply_style(base)
        number = y - self.header + self.scroll_offset.y
        if number >= self.line_count:
            return Strip.blank(width, base)
        line = self.draw_line(number, width).adjust_cell_length(width, self.ground(number))
        # Each change of style is some 40 bytes on the way to the terminal.
        return line.simplify()

    def notify_style_update(self) -> None:
        """Take up other colours."""
        self._looks.clear()
        super().notify_style_update()

    def refresh_from(self, first: int, count: int | None = None) -> None:
        """Draw lines again, as far as they are in sight: `count` of them, or all from the first on."""
        top, height = self.scroll_offset.y, self.size.height - self.header
        start = max(first, top)
        stop = top + height if count is None else min(first + count, top + height)
        if stop > start:
            self.refresh_lines(start + self.header, stop - start)

    def count_changed(self) -> None:
        """Take up another number of lines."""
        size = Size(self.scrollable_content_region.width, self.line_count + self.header)
        if size != self.virtual_size:
            set_content_size(self, size)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.count_changed()
        self.keep_in_sight()

    # The cursor

    def validate_cursor_line(self, line: int) -> int:
        """Keep the cursor on a line."""
        return max(0, min(line, self.line_count - 1))

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Draw the two lines that changed."""
        self.refresh_from(before, 1)
        self.refresh_from(after, 1)
        self.keep_in_sight()
        self.post_message(self.Moved())

    def keep_in_sight(self) -> None:
        """Scroll as little as brings the cursor into view."""
        top, room = self.scroll_offset.y, self.size.height - self.header
        if room <= 0:
            return
        if self.cursor_line < top:
            self.scroll_to(y=self.cursor_line, animate=False, immediate=True)
        elif self.cursor_line >= top + room:
            self.scroll_to(y=self.cursor_line - room + 1, animate=False, immediate=True)

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the terminal's own cursor stands: on the line, where screen readers look for it."""
        y = self.header + self.cursor_line - self.scroll_offset.y
        return self.content_region.offset + Offset(self.cursor_column(), y)

    def action_cursor_down(self) -> None:
        """Go down a line."""
        self.cursor_line += 1

    def action_cursor_up(self) -> None:
        """Go up a line."""
        self.cursor_line -= 1

    def action_page_down(self) -> None:
        """Go down a page."""
        self.cursor_line += max(self.size.height - self.header - 1, 1)

    def action_page_up(self) -> None:
        """Go up a page."""
        self.cursor_line -= max(self.size.height - self.header - 1, 1)

    def action_cursor_to(self, number: int) -> None:
        """Go to a line; -1 is the last."""
        self.cursor_line = number if number >= 0 else self.line_count - 1

    async def action_select_cursor(self) -> None:
        """Choose the line under the cursor."""
        if self.line_count:
            self.post_message(self.Chosen())

    # The mouse

    def line_at(self, y: int) -> int | None:
        """Return the line at a height of the widget, None where none is."""
        number = y - self.header + self.scroll_offset.y
        return number if y >= self.header and number < self.line_count else None

    def watch_hover_line(self, before: int, after: int) -> None:
        """Draw the two lines that changed."""
        self.refresh_from(before, 1)
        self.refresh_from(after, 1)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Show where the mouse is."""
        line = self.line_at(event.y)
        self.hover_line = -1 if line is None else line

    def on_leave(self, _: Leave) -> None:
        """Take note that the mouse is elsewhere."""
        self.hover_line = -1

    async def on_click(self, event: Click) -> None:
        """Choose what the mouse points at."""
        line = self.line_at(event.y)
        offset = event.get_content_offset(self)
        if line is not None and offset is not None:
            self.cursor_line = line
            await self.clicked(offset.x)

    async def clicked(self, x: int) -> None:
        """Act on a click in a cell of the line that is now under the cursor."""
        await self.action_select_cursor()
