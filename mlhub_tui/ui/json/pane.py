"""The JSON of a document with a line to search in it; laid out once it is looked at, in a thread."""

from __future__ import annotations

import asyncio
import threading
from array import array
from bisect import bisect_left
from typing import Any, ClassVar

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from ...jsontree.rows import Rows
from ...jsontree.search import pattern, search
from ...text import count
from ..widgets.find_bar import FindBar
from .view import JsonView


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
