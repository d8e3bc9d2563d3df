"""JSON of a document as lines that fold, with a search."""

from __future__ import annotations

import asyncio
import re
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip

from ...text import count
from ..commands import JSON, bindings
from .bars import FindBar, KeyRefused
from .json_lines import STEP, JsonLines, copied, pattern
from .line_view import LineView

if TYPE_CHECKING:
    from ..context import AppContext


MOST_COPIED = 60_000
"""Characters; terminals take about so much into their clipboard at a time (OSC 52)."""
_OF_PANE = ("json.find", "json.next", "json.previous")
"""Commands of the pane around the lines: it has the search."""
_FOUND = Style(underline=True, bold=True)
_NOTHING = JsonLines(None)
"""What stands for a document until there is one: never fitted, and so without a line."""


class JsonView(LineView):
    """The lines of a document without the keys in its links; long texts continue below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        one for one in bindings(JSON) if getattr(one, "id", "") not in _OF_PANE
    ]
    DEFAULT_CSS = """
    JsonView { padding: 0 1; }
    JsonView > .line--key { color: $primary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--key"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.document = _NOTHING
        self.wanted: re.Pattern[str] | None = None
        """What was searched for, to be marked."""

    def show(self, lines: JsonLines) -> None:
        """Show another document from its top."""
        self.document = lines
        self._fit()
        self.cursor_line = 0
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    def _fit(self) -> None:
        width, row = self.scrollable_content_region.width, self.row
        if width > 0 and width != self.document.width and self.document is not _NOTHING:
            self.document.fit(width)
            self.count_changed()
            self.move_to(row)
            self.refresh()

    def on_resize(self) -> None:
        """Fit long texts to the new width."""
        self._fit()
        super().on_resize()

    @property
    def line_count(self) -> int:
        """How many lines are in sight or could be scrolled to."""
        return len(self.document) if self.document.width else 0

    @property
    def row(self) -> int:
        """The row under the cursor."""
        return self.document.lines[self.cursor_line] if self.cursor_line < len(self.document) else 0

    def move_to(self, row: int) -> None:
        """Put the cursor on a row; whatever hides it unfolds, and a text that is too long is shown whole."""
        lines = self.document
        lines.unfold(*lines.above(row))
        if self.wanted is not None and lines.is_long(row) and not lines.shows_text(row):
            lines.show_text(row)
        self._changed()
        line = lines.line_of(row) or 0
        if self.wanted is not None:
            parts = lines.text_parts(row)
            line += next((n for n, part in enumerate(parts) if self.wanted.search(part)), 0)
        self.cursor_line = line

    def move_to_visible(self, row: int) -> None:
        """Put the cursor on the first line of a row, or of what hides it."""
        inside = (row, *self.document.above(row))
        self.cursor_line = next((n for above in inside if (n := self.document.line_of(above)) is not None), 0)

    def mark(self, wanted: re.Pattern[str] | None) -> None:
        """Mark what is searched for, or nothing."""
        self.wanted = wanted
        self.refresh_from(0)

    # Folding

    def _changed(self) -> None:
        """Draw again what was folded or unfolded."""
        self.count_changed()
        if self.cursor_line >= self.line_count:
            self.cursor_line = self.line_count - 1
        self.keep_in_sight()
        self.refresh()

    def _hides(self, row: int) -> bool:
        """Tell whether something of a row can be shown that is not."""
        return self.document.is_folded(row) or (
            not self.document.shows_text(row) and self.document.is_long(row)
        )

    def _shows(self, row: int) -> bool:
        """Tell whether something of a row can be hidden."""
        lines = self.document
        return lines.shows_text(row) or (lines.opens(row) and not lines.is_folded(row))

    def action_unfold(self) -> None:
        """Unfold what is under the cursor; unfolded already, go to what is in it."""
        row = self.row
        if not self._hides(row):
            self.cursor_line += self.document.opens(row)
        elif self.document.is_folded(row):
            self.document.unfold(row)
        else:
            self.document.show_text(row)
        self._changed()

    def action_fold(self) -> None:
        """Fold what is under the cursor; folded already, or nothing to fold, go to what it is in."""
        start = self.document.start(self.row)
        if self._shows(start):
            self.document.fold(start)
            self.move_to_visible(start)
            self._changed()
        elif self.row:
            self.move_to_visible(self.document.parents[self.row])

    async def action_select_cursor(self) -> None:
        """Fold or unfold what is under the cursor."""
        start = self.document.start(self.row)
        if self._shows(start):
            self.action_fold()
        elif self._hides(start):
            self.action_unfold()

    def action_fold_all(self) -> None:
        """Fold all but the document itself; the cursor stays on what holds what it was on."""
        self._lay_out_again(self.document.fold_all)

    def action_unfold_all(self) -> None:
        """Unfold all; the cursor stays on its row."""
        self._lay_out_again(self.document.unfold_all)

    def _lay_out_again(self, how: Callable[[], None]) -> None:
        row = self.row
        how()
        self._changed()
        self.move_to_visible(row)

    # Commands

    def action_copy_value(self) -> None:
        """Copy the value under the cursor: a text as it is, anything else as JSON, on one line."""
        start = self.document.start(self.row)
        small = self.document.ends[start] - start <= MOST_COPIED
        if self.line_count and small and (text := copied(self.document.values[start], MOST_COPIED)):
            cast("AppContext", self.app).copy_text(text, "Value")
        elif self.line_count:
            self.post_message(KeyRefused("Too much for the clipboard; e writes it to a file."))

    def action_copy_path(self) -> None:
        """Copy where in the document it is, as a JSONPath."""
        if self.line_count:
            cast("AppContext", self.app).copy_text(self.document.path(self.row), "JSONPath")

    # Drawing

    def cursor_column(self) -> int:
        """Return the cell in which the text under the cursor begins."""
        return self.document.line(self.cursor_line).indent + STEP if self.line_count else 0

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw indent, arrow, name and value."""
        line, plain = self.document.line(number), self.line_style(number)
        on_cursor = number == self.cursor_line
        base = plain + self.look("cursor") if on_cursor else plain
        key = base if on_cursor else plain + self.look("key")
        arrow = Segment(f"{'':{line.indent}}{line.arrow:{STEP}}", plain)
        return Strip([arrow, *self._pieces(line.name, key), *self._pieces(line.text, base)])

    def _pieces(self, text: str, style: Style) -> Iterator[Segment]:
        """Yield a text, with what is searched for marked in it."""
        at = 0
        for match in self.wanted.finditer(text) if self.wanted is not None else ():
            yield Segment(text[at : match.start()], style)
            yield Segment(match[0], style + _FOUND)
            at = match.end()
        yield Segment(text[at:], style)


class JsonPane(Vertical):
    """A view of a document as received; `/` searches its names and values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(one for one in bindings(JSON) if getattr(one, "id", "") in _OF_PANE),
        Binding("escape", "end_search", show=False),
    ]
    DEFAULT_CSS = """
    JsonPane > JsonView { height: 1fr; }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    class StatusChanged(Message):
        """`status` is another."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._document: Any = None
        self._shown: Any = None
        self._looked_at = False
        self.view = JsonView()
        """The lines."""
        self.status = ""
        self._bar: FindBar | None = None
        self._found: array[int] = array("I")
        self._words = ""
        self._origin = 0

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        yield self.view

    def show(self, document: Any) -> None:
        """Show another document, as soon as anybody looks."""
        self._document = document
        if self._looked_at:
            self._lay_out()

    def focus(self, scroll_visible: bool = True) -> JsonPane:
        """Give the keys to the lines; what they show is laid out now, if it was not before."""
        self._looked_at = True
        if self._document is not self._shown:
            self._lay_out()
        self.view.focus(scroll_visible)
        return self

    @work(exclusive=True, group="rows")
    async def _lay_out(self) -> None:
        document = self._document
        self._say("laying out…")
        lines = await asyncio.to_thread(JsonLines, document)
        if not self.is_attached:
            return
        self._shown = document
        self.view.show(lines)
        self._say_lines()
        if self._words:
            self._find(self._words)

    def _say(self, words: str) -> None:
        self.status = words
        self.post_message(self.StatusChanged())
        if self._bar is not None:
            self._bar.say(words)

    def _say_lines(self) -> None:
        lines = self.view.document
        self._say(("more than " if lines.is_cut else "") + count(len(lines.keys), "line"))

    # The search

    async def action_find(self) -> None:
        """Search."""
        if self._bar is None:
            self._origin = self.view.row
            self._bar = FindBar(self._words, "a name or a value")
        await self._bar.open_in(self)

    @on(FindBar.Edited)
    def _search_edited(self, message: FindBar.Edited) -> None:
        message.stop()
        if message.value:
            self._find(message.value)
        else:
            self._forget()

    @on(FindBar.Closed)
    def _search_closed(self, message: FindBar.Closed) -> None:
        message.stop()
        if self._bar is not None:
            self._bar.remove()
            self._bar = None
        self.screen.set_focus(self.view)
        if not message.keep:
            self._forget()
            self.view.move_to_visible(self._origin)

    def _forget(self) -> None:
        """Mark nothing any more."""
        self._words, self._found = "", array("I")
        self.workers.cancel_group(self, "find")
        self.view.mark(None)
        self._say_lines()

    @work(exclusive=True, group="find")
    async def _find(self, words: str) -> None:
        """Search while it is typed, and go to the first match from where the search began."""
        self._words = words
        wanted, gone = pattern(words), threading.Event()
        self._say("searching…")
        try:
            found = await asyncio.to_thread(self.view.document.search, wanted, gone.is_set)
        finally:
            gone.set()
        if self.is_attached:
            self._found = found
            self.view.mark(wanted)
            self._go(bisect_left(found, self._origin))

    def action_step(self, step: int) -> None:
        """Go to the next match, or to the previous."""
        if self._words:
            place = bisect_left(self._found, self.view.row)
            on_match = self._found[place : place + 1] == array("I", [self.view.row])
            self._go(place + step if on_match or step < 0 else place)
        else:
            self.post_message(KeyRefused("Nothing is searched for: / searches."))

    def _go(self, place: int) -> None:
        """Go to a match; after the last comes the first."""
        if not self._found:
            self._say("no match")
            return
        place %= len(self._found)
        self.view.move_to(self._found[place])
        self._say(f"{place + 1:,} of {count(len(self._found), 'match', 'matches')}")

    def action_end_search(self) -> None:
        """End the search, before the key leaves the screen."""
        if not self._words or self._bar is not None:
            raise SkipAction
        self._forget()
