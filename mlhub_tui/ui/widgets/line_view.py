"""Lists and tables with a cursor, of which only the lines in sight are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Generic

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Leave, MouseMove
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from typing_extensions import TypeVar

from ...text import clean, one_line
from ..commands import LINE_ACTIONS, LISTS, bindings
from ..terminal.characters import NEARBY, fit, fit_name
from ..terminal.terminal_app import set_content_size

T = TypeVar("T", default=Any)


class LineView(ScrollView, Generic[T], can_focus=True):
    """A scrolling list of lines; the cost of a key press depends on the visible lines, not on all lines.

    A subclass draws a line (`draw_line`) of what `lines` holds, or says how many there are (`line_count`);
    `header` lines at the top stay (`draw_header`).
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
        self.lines: Sequence[T] = ()
        """What the lines stand for."""

    @property
    def current(self) -> T | None:
        """What the line under the cursor stands for."""
        return self.lines[self.cursor_line] if self.cursor_line < len(self.lines) else None

    # What a subclass says

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a line, as wide as it likes."""
        return Strip.blank(width)

    def is_heading(self, number: int) -> bool:
        """Tell whether the cursor steps over a line."""
        return False

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw a line of those that stay at the top."""
        return Strip.blank(width)

    def cursor_column(self) -> int:
        """Return the cell in which the text of the line under the cursor begins."""
        return 0

    def look(self, name: str) -> Style:
        """Return what a component's style adds to the style of the widget, which has no name."""
        known = self._looks.get(name)
        if known is None:
            known = self.get_component_rich_style(f"line--{name}", partial=True) if name else self.rich_style
            self._looks[name] = known
        return known

    def line_style(self, number: int) -> Style:
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
        line = self.draw_line(number, width).adjust_cell_length(width, self.line_style(number))
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
        """Leave the cursor on a line that is no heading, onwards if there is one."""
        line = max(0, min(line, self.line_count - 1))
        back, onwards = range(min(line, self.line_count - 1), -1, -1), range(line, self.line_count)
        ways = (onwards, back) if line >= self.cursor_line else (back, onwards)
        return next((found for way in ways for found in way if not self.is_heading(found)), line)

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Draw the two lines that changed."""
        self.refresh_from(before, 1)
        self.refresh_from(after, 1)
        self.keep_in_sight()
        self.post_message(self.Moved())

    def keep_in_sight(self) -> None:
        """Scroll as little as brings the cursor into view."""
        top, line, room = self.scroll_offset.y, self.cursor_line, self.size.height - self.header
        wanted = min(max(top, line - room + 1), line)
        if room > 0 and wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

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


GAP = 2
NARROWEST = 12
"""Cells of the first column at least; other columns go where it would have less."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    - `key`: What tells it from others.
    - `title`: What stands above it.
    - `most`: Cells at most.
    - `least`: Cells at least: below it the column goes.
    - `middle`: Whether texts that are too long are cut in the middle, as names that begin alike end apart.
    - `apart`: Whether they are cut so that no two of a screen look the same.
    - `to_right`: Whether it holds numbers, that stand below each other.
    """

    key: str
    title: str
    most: int = 200
    least: int = 4
    middle: bool = False
    apart: bool = False
    to_right: bool = False


class TableView(LineView[T]):
    """Rows of texts in columns; the first column gives way to `narrowest`, then the last columns go."""

    header: ClassVar[int] = 1
    mark_cells = 1
    """Cells of the mark before a row."""
    narrowest: ClassVar[int] = NARROWEST
    all_columns: ClassVar[Sequence[Column]] = ()
    """The columns, the more important ones first; the first one is the row's name."""
    order = ""
    """The key of the column that the rows are sorted by; empty for their own order."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._widest: dict[str, int] = {}
        self._nearby: dict[int, Sequence[str]] = {}
        """The texts of the rows around those that are being drawn."""

    # What a subclass says

    def columns(self) -> Sequence[Column]:
        """Return the columns that there are for the rows of now."""
        return self.all_columns

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a row by column, as they may be drawn."""
        return ()

    def mark(self, number: int) -> str:
        """Return the cell before a row."""
        return " "

    def title(self, column: Column) -> str:
        """Return what stands above a column, marked where rows are sorted by it."""
        return f"{column.title} ↓" if column.key == self.order else column.title

    # Widths

    def forget_widths(self) -> None:
        """Reset the widths of the columns."""
        self._widest.clear()

    def measure(self, numbers: Sequence[int]) -> None:
        """Widen the columns where some rows need it."""
        self.widen(self.columns(), map(self.cells, numbers))

    def widen(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """Widen columns where the texts of some rows need it."""
        before = dict(self._widest)
        for column, texts in zip(columns, zip(*rows, strict=False), strict=False):
            widest = min(max(map(cell_len, texts), default=0), column.most)
            self._widest[column.key] = max(self._widest.get(column.key, 0), widest)
        if self._widest != before:
            self.refresh()

    def _widths(self, columns: Sequence[Column], width: int) -> list[int]:
        """Return the cells of the columns; those that there is no room for have 0."""
        if not columns:  # Drawn before it was given anything to show.
            return []
        wanted = [max(self._widest.get(c.key, 0), cell_len(self.title(c))) for c in columns]
        least = [min(w, c.least) for w, c in zip(wanted, columns, strict=True)]
        least[0] = min(self.narrowest, wanted[0])
        room = width - self.mark_cells - GAP
        while len(least) > 1 and sum(least) + GAP * len(least) > room:
            least.pop()
        return [*fitted(tuple(wanted[: len(least)]), tuple(least), room), *[0] * (len(columns) - len(least))]

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines in a region; the texts around them are looked at once."""
        self._nearby.clear()
        return super().render_lines(crop)

    def draw_header(self, y: int, width: int) -> Strip:
        """Name the columns."""
        style = self.look("") + self.look("header")
        return self._row("", [self.title(column) for column in self.columns()], width, style)

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a row."""
        style = self.line_style(number)
        style += self.look("cursor") if number == self.cursor_line else style
        return self._row(self.mark(number), self.cells(number), width, style, number)

    def _row(
        self, mark: str, cells: Sequence[str], width: int, style: Style, number: int | None = None
    ) -> Strip:
        columns = self.columns()
        parts = []
        for place, (column, room) in enumerate(zip(columns, self._widths(columns, width), strict=True)):
            text = cells[place]
            if not room:
                continue
            if column.to_right and cell_len(text) <= room:
                parts.append(" " * (room - cell_len(text)) + text)
            elif number is not None and column.middle:
                parts.append(fit_name(text, room, self._beside(number, place) if column.apart else ()))
            else:
                parts.append(fit(text, room))
        text = f"{mark:<{self.mark_cells}} " + (" " * GAP).join(parts)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _beside(self, number: int, place: int) -> Iterator[str]:
        """Yield the texts of one column in the rows around a row."""
        for other in range(max(number - NEARBY, 0), min(number + NEARBY, self.line_count)):
            if other not in self._nearby:
                self._nearby[other] = self.cells(other)
            yield self._nearby[other][place]


def used_columns(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the numbers of the columns in which some row has a text, and of the first one."""
    return [0, *(n for n, texts in enumerate(zip(*rows, strict=True)) if n and any(texts))]


@lru_cache(maxsize=64)
def fitted(wanted: tuple[int, ...], least: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Return the cells of columns that stand in a room with gaps between them: the widest give way first."""
    found = [*wanted]
    while sum(found) + GAP * (len(found) - 1) > room:
        spare = [width if width > least[number] else 0 for number, width in enumerate(found)]
        if not any(spare):
            break
        found[spare.index(max(spare))] -= 1
    return tuple(found)


LONGEST = 200


@dataclass(frozen=True, slots=True)
class PickLine:
    """A line of the list.

    - `name`: What it is called, as received.
    - `words`: What stands beside the name.
    - `figures`: What stands at the right end, on one line.
    - `key`: What it stands for; empty for a heading, which cannot be ticked.
    - `note`: Words shown while the cursor is on it.
    """

    name: str
    words: str = ""
    figures: str = ""
    key: str = ""
    note: str = ""


class PickList(LineView[PickLine]):
    """Lines with boxes; what is ticked is the owner's to know.

    - `tick`: Returns the box of a line by its key; None for a list of which one is chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "tick", "tick", show=False)]
    DEFAULT_CSS = """
    PickList { background: $surface; }
    PickList > .line--header { text-style: bold; }
    """

    @dataclass
    class Ticked(Message):
        """A line is to be ticked or unticked."""

        key: str

    @dataclass
    class Picked(Message):
        """Enter on a line."""

        key: str

    def __init__(self, tick: Callable[[str], str] | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tick = tick
        self._names = 0

    def show(self, lines: Sequence[PickLine]) -> None:
        """Show other lines; the cursor stays on what it was on, if that is still there."""
        current = self.current
        self.lines = lines
        self._names = max((cell_len(one_line(one.name, LONGEST)) for one in lines if one.key), default=0)
        self.count_changed()
        keys = [one.key for one in lines]
        wanted = current.key if current is not None and current.key else ""
        first = next((number for number, key in enumerate(keys) if key), 0)
        self.cursor_line = keys.index(wanted) if wanted and wanted in keys else first
        self.refresh()

    def is_heading(self, number: int) -> bool:
        """Tell whether a line cannot be ticked."""
        return not self.lines[number].key

    def keep_in_sight(self) -> None:
        """Scroll as little as brings the cursor into view, with the heading right above it."""
        super().keep_in_sight()
        above = self.cursor_line - 1
        if 0 <= above < min(self.scroll_offset.y, len(self.lines)) and self.is_heading(above):
            self.scroll_to(y=above, animate=False, immediate=True)

    async def action_select_cursor(self) -> None:
        """Pick the line under the cursor."""
        if self.current is not None:
            self.post_message(self.Picked(self.current.key))

    def action_tick(self) -> None:
        """Tick the line under the cursor, or untick it."""
        if self._tick is not None and self.current is not None and self.current.key:
            self.post_message(self.Ticked(self.current.key))

    async def clicked(self, x: int) -> None:
        """Tick what the mouse points at; where one is chosen, choose it."""
        if self._tick is None:
            await self.action_select_cursor()
        else:
            self.action_tick()

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a line: the words between name and figures give way, then the name."""
        one = self.lines[number]
        style = self.line_style(number)
        if number == self.cursor_line:
            style += self.look("cursor")
        elif not one.key:
            style += self.look("header")
        box = f"{self._tick(one.key)} " if self._tick is not None and one.key else ""
        figures = clean(one.figures)
        room = max(width - cell_len(box) - cell_len(figures) - 2, 0)
        least = max(room * 2 // 3, room - 30) if one.words else room
        names = min(self._names if one.key else room, least)
        name = fit(one_line(one.name, LONGEST), names)
        words = fit(one_line(one.words, LONGEST), room - names)
        return Strip([Segment(f"{box}{name} {words} {figures}", style)]).adjust_cell_length(width, style)
