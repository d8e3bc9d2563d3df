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
from ...models.when import parse_span
from ...sources.base import Page
from ...text import one_line
from ..catalog.tree_listing import Pager, lean
from ..navigation.matching import search_text
from .line_view import LineView

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


WIDEST_COLLECTION = 24
"""Cells of the collections' ids at most."""


class ResultTable(ItemTable):
    """Items with marks, and with their collections where there are several."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marked: dict[tuple[str, str, str], Entry] = {}
        """What was selected, by what tells it from others."""
        self.filter = ""
        self.dates = ""
        """The dates that items must meet, in words; empty for all."""
        self._days = ("", "")
        self._hays: list[str] = []
        self._shown: list[int] | None = None
        self._collections: dict[str, int] = {}

    # What is shown

    @property
    def line_count(self) -> int:
        """How many items are shown."""
        return len(self.rows) if self._shown is None else len(self._shown)

    @property
    def narrowed(self) -> bool:
        """Whether only some of what is loaded is shown."""
        return self._shown is not None

    def _row(self, line: int) -> int:
        """Return the number of the row on a line."""
        return line if self._shown is None else self._shown[line]

    @property
    def current(self) -> Entry | None:
        """The item under the cursor."""
        return self.rows[self._row(self.cursor_line)].entry if self.cursor_line < self.line_count else None

    @property
    def shown(self) -> list[Entry]:
        """The items that the filter leaves."""
        return [self.rows[self._row(line)].entry for line in range(self.line_count)]

    def reset(self) -> None:
        """Forget all pages, and what was selected; the filter stays."""
        self.marked.clear()
        self._hays.clear()
        self._collections.clear()
        self._shown = [] if self.filter.split() or self.dates else None
        super().reset()

    async def add_page(self, page: Page[Entry]) -> None:
        """Append a page, and what of it matches the filter."""
        await super().add_page(page)
        start = len(self._hays)
        fresh = [row.entry for row in self.rows[start:]]
        self._hays += map(search_text, fresh)
        for entry in fresh:
            if entry.collection_id not in self._collections:
                self._collections[entry.collection_id] = cell_len(one_line(entry.collection_id, 60))
        if self._shown is not None:
            before = len(self._shown)
            self._shown += self._matches(start)
            self.count_changed()
            self.refresh_from(before)

    def apply_filter(self, words: str) -> None:
        """Show only items whose id, title or collection holds all words; the cursor stays on its item."""
        if words != self.filter:
            self.filter = words
            self._narrow()

    def apply_dates(self, when: str, words: str) -> None:
        """Show only items of a time, as people type it; what is not known yet stays. Empty for any time."""
        span = parse_span(when)
        ends = (span.start, span.end) if span is not None else (None, None)
        days = tuple(end.date().isoformat() if end is not None else "" for end in ends)
        if (days, words) != (self._days, self.dates):
            self._days, self.dates = (days[0], days[1]), words
            self._narrow()

    def learn(self, number: int, entry: Entry, document: Document) -> None:
        """Take up the document of an item; whether it is of the time that is shown is known now."""
        super().learn(number, entry, document)
        if self.dates and self._shown is not None and number in self._shown and not self._in_time(number):
            self._shown.remove(number)
            self.count_changed()
        self.refresh()

    def go_to(self, entry: Entry) -> None:
        """Put the cursor on an item, where it is shown."""
        marks = (_mark_of_result_table(self.rows[self._row(line)].entry) for line in range(self.line_count))
        line = next((line for line, mark in enumerate(marks) if mark == _mark_of_result_table(entry)), None)
        if line is not None:
            self.cursor_line = line
            self.keep_in_sight()

    def _narrow(self) -> None:
        """Choose anew what is shown."""
        current = self._row(self.cursor_line) if self.line_count else 0
        self._shown = self._matches(0) if self.filter.split() or self.dates else None
        self.count_changed()
        if self._shown is None:
            self.cursor_line = current
        else:
            self.cursor_line = self._shown.index(current) if current in self._shown else 0
        self.keep_in_sight()
        self.refresh()
        self.post_message(self.Moved())
        self.post_message(self.StatusChanged())
        self.look_around()

    def _matches(self, start: int) -> list[int]:
        found = list(range(start, len(self._hays)))
        if self.dates:
            found = [number for number in found if self._in_time(number)]
        for term in self.filter.casefold().split():
            found = [number for number in found if term in self._hays[number]]
        return found

    def _in_time(self, number: int) -> bool:
        """Tell whether an item meets the dates; its own are `2018-04-25` or `2018-04-25 to open`."""
        begin, _, end = self.rows[number].dates.partition(" to ")
        first, last = self._days
        begins_late = bool(last) and begin[:1].isdigit() and begin > last
        ends_early = bool(first) and (end or begin)[:1].isdigit() and (end or begin) < first
        return not (begins_late or ends_early)

    def unknown_in_sight(self) -> list[tuple[int, Entry]]:
        """Return the rows in sight of which only links are known, and their numbers."""
        top = self.scroll_offset.y
        numbers = (self._row(line) for line in range(top, min(top + self.size.height, self.line_count)))
        return [(number, self.rows[number].entry) for number in numbers if not self.rows[number].assets]

    # The cursor

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Ask for the next page in time; while a filter is on, only where somebody goes on at the end."""
        if self._shown is None:
            super().watch_cursor_line(before, after)
        else:
            LineView.watch_cursor_line(self, before, after)

    @property
    def near_end(self) -> bool:
        """Whether the cursor is where the next page is wanted."""
        return self._shown is None and self.cursor_line >= len(self.rows) - NEAR_END

    def action_cursor_down(self) -> None:
        """Go down a line; at the end of what a filter leaves, ask for more."""
        at_end = self.cursor_line >= self.line_count - 1
        super().action_cursor_down()
        if at_end and self._shown is not None and self.pager.wants_more:
            self.post_message(self.MoreWanted())

    # Marks

    def toggle_mark(self) -> None:
        """Select the item under the cursor, or do so no more, and go on to the next."""
        entry = self.current
        if entry is None:
            return
        if self.marked.pop(_mark_of_result_table(entry), None) is None:
            self.marked[_mark_of_result_table(entry)] = entry
        self.refresh_from(self.cursor_line, 1)
        self.action_cursor_down()
        self.post_message(self.StatusChanged())

    def toggle_all(self) -> None:
        """Select all that is shown, or nothing of it where all of it is selected."""
        shown = {_mark_of_result_table(entry): entry for entry in self.shown}
        if shown.keys() <= self.marked.keys():
            for mark in shown:
                del self.marked[mark]
        else:
            self.marked |= shown
        self.refresh()
        self.post_message(self.StatusChanged())

    def clear_marks(self) -> None:
        """Select nothing."""
        self.marked.clear()
        self.refresh()
        self.post_message(self.StatusChanged())

    # Drawing

    def draw_header(self, y: int, width: int) -> Strip:
        """Name the columns."""
        style = self.look("") + self.look("header")
        text = self._text(" ", "Item", "Collection", "Dates", "Assets", width)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw an item."""
        entry, dates, assets = self.rows[self._row(number)]
        box = "✓" if self.marked and _mark_of_result_table(entry) in self.marked else " "
        style = self.ground(number)
        style += self.look("cursor") if number == self.cursor_line else style
        text = self._text(
            box, one_line(entry.label, 200), one_line(entry.collection_id, 60), dates, assets, width
        )
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _text(self, box: str, name: str, collection: str, dates: str, assets: str, width: int) -> str:
        """Return a line; the collection has a column where there are several, and gives way first."""
        names, days = self._widest
        room = width - days - len("Assets") - 7
        held = 0
        if len(self._collections) > 1:
            held = min(max([*self._collections.values(), len("Collection")]), WIDEST_COLLECTION, room // 3)
        names = max(min(names, room - held - 2 * bool(held)), NARROWEST)
        belongs = f"{fitted(collection, held)}  " if held else ""
        return f"{box} {fitted(name, names)}  {belongs}{fitted(dates, days)}  {assets}"


def _mark_of_result_table(entry: Entry) -> tuple[str, str, str]:
    return entry.collection_id, entry.id, entry.url
