"""JSON of a document as lines that fold, with a search."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterator
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
from ..widgets.filter_bar import FindBar
from ..widgets.line_view import LineView
from .json_lines import STEP, JsonLines
from .json_rows import Rows, path, pattern, safe, search

if TYPE_CHECKING:
    from ..context import AppContext


MOST_COPIED = 60_000
"""Characters; terminals take about so much into their clipboard at a time (OSC 52)."""
_FOUND = Style(underline=True, bold=True)


class JsonView(LineView):
    """The lines of a document without the keys in its links; long texts continue below."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(JSON)
    DEFAULT_CSS = """
    JsonView { padding: 0 1; }
    JsonView > .line--key { color: $primary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--key"}

    class FindWanted(Message):
        """Something is to be searched for."""

    class StepWanted(Message):
        """The next match is wanted, or the previous."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: JsonLines | None = None
        self.wanted: re.Pattern[str] | None = None
        """What was searched for, to be marked."""

    # Content

    def show(self, rows: Rows | None) -> None:
        """Show another document from its top."""
        self.lines = JsonLines(rows) if rows is not None else None
        self._fit()
        self.cursor_line = 0
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    def _fit(self) -> None:
        width = self.scrollable_content_region.width
        if self.lines is not None and width > 0 and width != self.lines.width:
            row = self.row
            self.lines.fit(width)
            self.count_changed()
            if row is not None:
                self.move_to(row)
            self.refresh()

    def on_resize(self) -> None:
        """Fit long texts to the new width."""
        self._fit()
        super().on_resize()

    @property
    def line_count(self) -> int:
        """How many lines are in sight or could be scrolled to."""
        return len(self.lines) if self.lines is not None else 0

    @property
    def row(self) -> int | None:
        """The row under the cursor."""
        if self.lines is None or self.cursor_line >= len(self.lines):
            return None
        return self.lines.lines[self.cursor_line]

    def move_to(self, row: int) -> None:
        """Put the cursor on a row; whatever hides it unfolds, and a text that is too long is shown whole."""
        lines = self.lines
        if lines is None:
            return
        lines.reveal(row)
        if self.wanted is not None and lines.is_long(row) and not lines.shows_text(row):
            lines.show_text(row)
        self._changed()
        line = lines.line_of(row) or 0
        if self.wanted is not None:
            parts = lines.text_parts(row)
            line += next((n for n, part in enumerate(parts) if self.wanted.search(part)), 0)
        self.cursor_line = line

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

    def action_unfold(self) -> None:
        """Unfold what is under the cursor; unfolded already, go to what is in it."""
        lines, row = self.lines, self.row
        if lines is None or row is None:
            return
        if lines.is_folded(row):
            lines.unfold(row)
        elif not lines.shows_text(row) and lines.is_long(row):
            lines.show_text(row)
        else:
            self.cursor_line += lines.rows.opens(row)
            return
        self._changed()

    def action_fold(self) -> None:
        """Fold what is under the cursor; folded already, or nothing to fold, go to what it is in."""
        lines, row = self.lines, self.row
        if lines is None or row is None:
            return
        start = lines.rows.start(row)
        opens = lines.rows.opens(start) and not lines.is_folded(start)
        if opens or lines.shows_text(start):
            lines.fold(start)
            self.cursor_line = lines.line_of(start) or 0
            self._changed()
        elif row:
            self.move_to_row_only(lines.rows.parents[row])

    def move_to_row_only(self, row: int) -> None:
        """Put the cursor on the first line of a row that is in sight."""
        line = self.lines.line_of(row) if self.lines is not None else None
        if line is not None:
            self.cursor_line = line

    async def action_select_cursor(self) -> None:
        """Fold or unfold what is under the cursor."""
        lines, row = self.lines, self.row
        if lines is None or row is None:
            return
        start = lines.rows.start(row)
        hidden = lines.is_folded(start) or not (lines.rows.opens(start) or lines.shows_text(start))
        if not hidden:
            self.action_fold()
        elif lines.is_folded(start) or lines.is_long(start):
            self.action_unfold()

    def action_fold_all(self) -> None:
        """Fold all but the document itself; the cursor stays on what holds what it was on."""
        if self.lines is None or (row := self.row) is None:
            return
        self.lines.fold_all()
        lines = self.lines
        inside = (row, *self.lines.rows.above(row))
        self.cursor_line = next((n for above in inside if (n := lines.line_of(above)) is not None), 0)
        self._changed()

    def action_unfold_all(self) -> None:
        """Unfold all; the cursor stays on its row."""
        if self.lines is None or (row := self.row) is None:
            return
        self.lines.unfold_all()
        self._changed()
        self.move_to_row_only(row)

    # Commands

    def action_find(self) -> None:
        """Search."""
        self.post_message(self.FindWanted())

    def action_step(self, step: int) -> None:
        """Go to the next match, or to the previous."""
        self.post_message(self.StepWanted(step))

    def action_copy_value(self) -> None:
        """Copy the value under the cursor: a text as it is, anything else as JSON, on one line."""
        if self.lines is None or (row := self.row) is None:
            return
        rows, context = self.lines.rows, cast("AppContext", self.app)
        start = rows.start(row)
        value = rows.values[start]
        text = "" if rows.ends[start] - start > MOST_COPIED else _copied(value)
        if not text or len(text) > MOST_COPIED:
            self.notify("Too much for the clipboard; e writes it to a file.", markup=False)
        else:
            context.copy_text(text, "Value")

    def action_copy_path(self) -> None:
        """Copy where in the document it is, as a JSONPath."""
        if self.lines is not None and (row := self.row) is not None:
            cast("AppContext", self.app).copy_text(path(self.lines.rows, row), "JSONPath")

    # Drawing

    def cursor_column(self) -> int:
        """Return the cell in which the text under the cursor begins."""
        if self.lines is None or not self.line_count:
            return 0
        return self.lines.line(self.cursor_line).indent + STEP

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw indent, arrow, name and value."""
        if self.lines is None or not self.lines.width:
            return Strip.blank(width)
        line = self.lines.line(number)
        ground = self.ground(number)
        on_cursor = number == self.cursor_line
        base = ground + self.look("cursor") if on_cursor else ground
        key = base if on_cursor else ground + self.look("key")
        segments = [Segment(f"{'':{line.indent}}{line.arrow:{STEP}}", ground)]
        segments += self._pieces(line.name, key)
        segments += self._pieces(line.text, base)
        return Strip(segments)

    def _pieces(self, text: str, style: Style) -> Iterator[Segment]:
        """Yield a text, with what is searched for marked in it."""
        at = 0
        for match in self.wanted.finditer(text) if self.wanted is not None else ():
            yield Segment(text[at : match.start()], style)
            yield Segment(match[0], style + _FOUND)
            at = match.end()
        if text[at:]:
            yield Segment(text[at:], style)


def _copied(value: object) -> str:
    """Return a value for the clipboard; empty where it is too much for it.

    Line breaks are written as JSON writes them: pasted into a shell they would run what stands before them.
    """
    if isinstance(value, str) and len(value) <= MOST_COPIED and value.isprintable():
        return safe(value) or '""'
    try:
        return safe(json.dumps(value, ensure_ascii=False))
    except (RecursionError, ValueError):
        return ""


class JsonPane(Vertical):
    """A view of a document as received; `/` searches its names and values."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "end_search", show=False)]
    DEFAULT_CSS = """
    JsonPane > JsonView { height: 1fr; }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    class StatusChanged(Message):
        """What `status` says is another thing."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._document: Any = None
        self.view = JsonView()
        """The lines."""
        self._bar: FindBar | None = None
        self._shown: Any = None
        self._looked_at = False
        self._found: array[int] = array("I")
        self._words = ""
        self._origin = 0
        self.status = ""

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
        rows = await asyncio.to_thread(Rows, document)
        if not self.is_attached:
            return
        self._shown = document
        self.view.show(rows)
        self._say_lines()
        if self._words:
            self._find(self._words)

    def _say(self, words: str) -> None:
        self.status = words
        self.post_message(self.StatusChanged())
        if self._bar is not None:
            self._bar.say(words)

    def _say_lines(self) -> None:
        lines = self.view.lines
        cut = "more than " if lines is not None and lines.rows.is_cut else ""
        self._say(cut + count(len(lines.rows), "line") if lines is not None else "")

    # The search

    @on(JsonView.FindWanted)
    async def _find_wanted(self, message: JsonView.FindWanted) -> None:
        message.stop()
        if self._bar is None:
            self._origin = self.view.row or 0
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
            self.view.move_to_row_only(self._origin)

    def _forget(self) -> None:
        """Mark nothing any more."""
        self._words, self._found = "", array("I")
        self.workers.cancel_group(self, "find")
        self.view.mark(None)
        self._say_lines()

    @work(exclusive=True, group="find")
    async def _find(self, words: str) -> None:
        """Search while it is typed, and go to the first match from where the search began."""
        lines = self.view.lines
        if lines is None:
            return
        self._words = words
        wanted, gone = pattern(words), threading.Event()
        self._say("searching…")
        try:
            found = await asyncio.to_thread(search, lines.rows, wanted, gone.is_set)
        finally:
            gone.set()
        if not self.is_attached:
            return
        self._found = found
        self.view.mark(wanted)
        self._go(bisect_left(found, self._origin))

    @on(JsonView.StepWanted)
    def _step_wanted(self, message: JsonView.StepWanted) -> None:
        message.stop()
        row = self.view.row
        if row is None or not self._words:
            return
        place = bisect_left(self._found, row)
        on_match = place < len(self._found) and self._found[place] == row
        self._go(place + message.step if on_match or message.step < 0 else place)

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
