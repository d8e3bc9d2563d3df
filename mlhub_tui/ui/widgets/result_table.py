"""A table of items of which several can be selected, and which words and dates narrow to what matches."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ...models import Document, Entry
from ...models.when import parse_span
from ...sources.base import Page
from ...text import one_line
from ..find.hay import search_text
from .item_table import NARROWEST, NEAR_END, ItemTable, fitted
from .line_view import LineView

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
        marks = (_mark(self.rows[self._row(line)].entry) for line in range(self.line_count))
        line = next((line for line, mark in enumerate(marks) if mark == _mark(entry)), None)
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
        if self.marked.pop(_mark(entry), None) is None:
            self.marked[_mark(entry)] = entry
        self.refresh_from(self.cursor_line, 1)
        self.action_cursor_down()
        self.post_message(self.StatusChanged())

    def toggle_all(self) -> None:
        """Select all that is shown, or nothing of it where all of it is selected."""
        shown = {_mark(entry): entry for entry in self.shown}
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
        box = "✓" if self.marked and _mark(entry) in self.marked else " "
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


def _mark(entry: Entry) -> tuple[str, str, str]:
    return entry.collection_id, entry.id, entry.url
