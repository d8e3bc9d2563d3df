"""The items of a collection as a table that grows page by page as the cursor goes down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from ...models import Document, Entry, EntryKind, Item
from ...sources.base import Page
from ...text import one_line
from ..pager import Pager
from .line_view import LineView
from .listing import lean

NEAR_END = 5
"""Rows before the last at which the next page is asked for."""
LONGEST = 200
"""Characters of an id that are drawn at most."""
NARROWEST = 12
"""Cells of the ids at least."""
AT_A_TIME = 2_000
"""Items of a page taken up in one go."""
LOOK_DELAY = 0.15
"""Seconds that the view rests before the dates of items known by a link only are asked for."""


class ItemRow(NamedTuple):
    """An item as the table remembers it; empty dates and assets where only a link is known."""

    entry: Entry
    dates: str = ""
    assets: str = ""


class ItemTable(LineView):
    """Rows of items, as many as there are; the documents are kept elsewhere."""

    DEFAULT_CSS = "ItemTable { height: 1fr; }"
    header: ClassVar[int] = 1

    class MoreWanted(Message):
        """The cursor nears the end of what is loaded."""

    class StatusChanged(Message):
        """There is another word on how far the listing is."""

    @dataclass
    class Opened(Message):
        """An item is to be opened."""

        entry: Entry

    @dataclass
    class Unknown(Message):
        """Of items in sight only links are known: their rows and entries."""

        rows: list[tuple[int, Entry]]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: list[ItemRow] = []
        self.pager = Pager()
        self.status = ""
        self._widest = (NARROWEST, len("Dates"))
        self._look = 0

    @property
    def line_count(self) -> int:
        """How many items are loaded."""
        return len(self.rows)

    @property
    def current(self) -> Entry | None:
        """The item under the cursor."""
        return self.rows[self.cursor_line].entry if self.cursor_line < len(self.rows) else None

    # Listing

    def reset(self) -> None:
        """Forget all pages."""
        self.rows, self.pager = [], Pager()
        self.count_changed()
        self.cursor_line = 0
        self.refresh()

    def say(self, words: str) -> None:
        """Say how far the listing is, while more of it is on its way."""
        self.pager.loading = True
        self._say(words)

    def fail(self, words: str) -> None:
        """Say why the page did not come; going on down asks for it again."""
        self.pager.loading = False
        self._say(f"! {words}")

    def _say(self, words: str) -> None:
        self.status = words
        self.post_message(self.StatusChanged())

    async def add_page(self, page: Page[Entry]) -> None:
        """Append a page; items that were there already are left out, and so is what is no item.

        A long one is taken up in parts, between which the keys come first.
        """
        entries = page.entries if self.pager.take(page) else ()
        before = {_mark(row.entry) for row in self.rows[-len(entries) :]} if entries else set()
        fresh = [e for e in entries if e.kind is EntryKind.ITEM and not (before and _mark(e) in before)]
        rows = self.rows
        for at in range(0, len(fresh), AT_A_TIME):
            start = len(rows)
            rows += map(_row, fresh[at : at + AT_A_TIME])
            self._measure(rows[start:])
            self.count_changed()
            self.refresh_from(start)
            await asyncio.sleep(0)
        if rows is not self.rows:
            return  # meanwhile all was forgotten
        self.pager.loading = False
        left_out = f", {self.pager.skipped:,} left out: no items" if self.pager.skipped else ""
        more = "" if self.pager.complete else ", more below"
        self._say(f"{self.pager.words(len(self.rows))}{left_out}{more}")
        self.look_around()

    def learn(self, number: int, entry: Entry, document: Document) -> None:
        """Take up the document of an item of which only a link was known."""
        if number < len(self.rows) and self.rows[number].entry == entry:
            row = _row(Entry.of(document))
            found = Entry(EntryKind.ITEM, row.entry.id, row.entry.title, entry.url, entry.collection_id)
            self.rows[number] = ItemRow(found, row.dates, row.assets)
            self._measure(self.rows[number : number + 1])
            self.refresh_from(number, 1)

    def _measure(self, rows: Sequence[ItemRow]) -> None:
        """Widen the columns where the new rows need it."""
        known = self._widest
        names = max((cell_len(_name(row.entry)) for row in rows), default=0)
        dates = max((cell_len(row.dates) for row in rows), default=0)
        self._widest = (max(known[0], names), max(known[1], dates))
        if self._widest != known:
            self.refresh()

    # The cursor

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Ask for the next page in time."""
        super().watch_cursor_line(before, after)
        if self.rows and after >= len(self.rows) - NEAR_END and self.pager.wants_more:
            self.post_message(self.MoreWanted())
        self.look_around()

    async def action_select_cursor(self) -> None:
        """Open the item under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    def look_around(self) -> None:
        """Once the view rests, ask for what is not known of the rows in sight."""
        self._look += 1
        self.set_timer(LOOK_DELAY, lambda asked=self._look: self._ask(asked))

    def on_resize(self) -> None:
        """Look at the rows that there is room for now; before the first layout there was none."""
        self.look_around()

    def _ask(self, asked: int) -> None:
        if asked == self._look and (unknown := self.unknown_in_sight()):
            self.post_message(self.Unknown(unknown))

    def unknown_in_sight(self) -> list[tuple[int, Entry]]:
        """Return the rows in sight of which only links are known, and their numbers."""
        top = self.scroll_offset.y
        seen = enumerate(self.rows[top : top + self.size.height], top)
        return [(number, row.entry) for number, row in seen if not row.assets]

    # Drawing

    def _columns(self, width: int) -> tuple[int, int]:
        """Return the cells of the ids and of the dates: the ids give way."""
        names, dates = self._widest
        return max(min(names, width - dates - len("Assets") - 6), NARROWEST), dates

    def _strip(self, name: str, row: tuple[str, str], width: int, number: int | None) -> Strip:
        names, dates = self._columns(width)
        text = f" {fitted(name, names)}  {fitted(row[0], dates)}  {row[1]}"
        if number is None:
            style = self.look("") + self.look("header")
        else:
            style = self.ground(number)
            style += self.look("cursor") if number == self.cursor_line else style
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def draw_header(self, y: int, width: int) -> Strip:
        """Name the columns."""
        return self._strip("Item", ("Dates", "Assets"), width, None)

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw an item."""
        entry, dates, assets = self.rows[number]
        return self._strip(_name(entry), (dates, assets), width, number)


def _row(entry: Entry) -> ItemRow:
    document = entry.document
    if not isinstance(document, Item):
        return ItemRow(lean(entry))
    return ItemRow(lean(entry), one_line(document.interval), f"{len(document.assets):,}")


def _mark(entry: Entry) -> tuple[str, str]:
    return entry.id, entry.url


def _name(entry: Entry) -> str:
    return one_line(entry.label, LONGEST)


def fitted(text: str, room: int) -> str:
    """Return a text in as many cells; of an id that is longer its end, which tells it from its neighbours."""
    length = cell_len(text)
    if length > room:
        if length == len(text):
            return f"…{text[1 - room :]}"
        while cell_len(text) > room - 1:
            text = text[:-1]
        text += "…"
        length = cell_len(text)
    return text + " " * (room - length)
