"""A list to tick several lines of, or to choose one; only the lines in sight are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from ...text import clean, one_line
from ..terminal.characters import fit
from .line_view import LineView

LONGEST = 200


@dataclass(frozen=True, slots=True)
class PickLine:
    """A line of the list.

    Parameters
    ----------
    name
        What it is called, as received.
    words
        What stands beside the name.
    figures
        What stands at the right end, on one line.
    key
        What it stands for; empty for a heading, which cannot be ticked.
    note
        Words shown while the cursor is on it.
    """

    name: str
    words: str = ""
    figures: str = ""
    key: str = ""
    note: str = ""


class PickList(LineView):
    """Lines with boxes; what is ticked is the owner's to know.

    Parameters
    ----------
    tick
        Returns the box of a line by its key; None for a list of which one is chosen.
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
        self.lines: Sequence[PickLine] = ()
        self._tick = tick
        self._names = 0

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    @property
    def current(self) -> PickLine | None:
        """The line under the cursor."""
        return self.lines[self.cursor_line] if self.cursor_line < len(self.lines) else None

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
        if self.current is not None and self.current.key:
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
        style = self.ground(number)
        if number == self.cursor_line:
            style += self.look("cursor")
        elif not one.key:
            style += self.look("header")
        box = f"{self._tick(one.key)} " if self._tick is not None and one.key else ""
        figures = clean(one.figures)
        room = max(width - cell_len(box) - cell_len(figures) - 2, 0)
        least = max(room * 2 // 3, room - 30) if one.words else room
        names = min(self._names if one.key else room, least)
        name, words = (
            fit(one_line(one.name, LONGEST), names),
            fit(one_line(one.words, LONGEST), room - names),
        )
        return Strip([Segment(f"{box}{name} {words} {figures}", style)]).adjust_cell_length(width, style)
