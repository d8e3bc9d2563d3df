"""The items of a listing as a table that grows page by page, and the assets of a document as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from textual.message import Message

from ...models import Asset, Document, Entry, EntryKind
from ...models.search import parse_span
from ...sources.base import Page
from ...text import count
from ..catalog.matching import search_text
from ..catalog.nodes import Pager
from .line_view import Column, TableView, used_columns
from .table_rows import (
    ASSET_COLUMNS,
    ASSETS,
    COLLECTION,
    DATES,
    FACTS,
    ITEM,
    ItemRow,
    asset_texts,
    item_row,
    sortable,
)

NEAR_END = 5
"""Rows before the last at which the next page is asked for."""
AT_A_TIME = 2_000
"""Items of a page taken up in one go."""
LOOK_DELAY = 0.15
"""Seconds that the view rests before the dates of items known by a link only are asked for."""
_LAST = chr(0x10FFFF)
"""In place of an id that is not known yet, where a link alone was listed: behind all that are."""


class ItemTable(TableView):
    """Rows of items with marks, filtered and sorted; the documents are cached elsewhere."""

    DEFAULT_CSS = "ItemTable { height: 1fr; }"

    class MoreWanted(Message):
        """The cursor nears the end of what is loaded."""

    class StatusChanged(Message):
        """There is another word on how far the listing is, or what is shown of it."""

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
        self.marked: dict[tuple[str, str, str], Entry] = {}
        """What was selected, by what tells it from others."""
        self.filter = ""
        self.dates = ""
        """The dates that items must meet, in words; empty for all."""
        self._signs: Callable[[Entry], str] | None = None
        self._days = ("", "")
        self._search_texts: list[str] = []
        self._shown: list[int] | None = None
        self._collections: set[str] = set()
        self._facts: set[int] = set()
        self._hidden: frozenset[str] = frozenset()
        self._look = 0

    # Listing

    def reset(self) -> None:
        """Forget all pages, and what was selected; filter and order stay."""
        self.rows, self.pager = [], Pager()
        self.marked.clear()
        self._search_texts.clear()
        self._collections.clear()
        self._facts.clear()
        self.forget_widths()
        self._shown = [] if (self.narrowed or self.order) else None
        self.count_changed()
        self.cursor_line = 0
        self.refresh()

    def say(self, words: str) -> None:
        """Show how far the listing is, while more of it is on its way."""
        self.pager.loading = True
        self._say(words)

    def fail(self, words: str) -> None:
        """Show why the page did not come; moving on down asks for it again."""
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
        before = {_identity(row.entry) for row in self.rows[-len(entries) :]} if entries else set()
        fresh = [e for e in entries if e.kind is EntryKind.ITEM and _identity(e) not in before]
        rows = self.rows
        for at in range(0, len(fresh), AT_A_TIME):
            self._append([item_row(entry) for entry in fresh[at : at + AT_A_TIME]])
            await asyncio.sleep(0)
            if rows is not self.rows:
                return  # meanwhile all was forgotten
        self._append([])
        self.pager.loading = False
        left_out = f", {self.pager.skipped:,} without an ID" if self.pager.skipped else ""
        more = "" if self.pager.complete else ", more below"
        self._say(f"{self.pager.words(len(self.rows))}{left_out}{more}")
        self.look_around()

    def _append(self, rows: Sequence[ItemRow]) -> None:
        start = len(self._search_texts)
        self.rows += rows
        for row in self.rows[start:]:
            self._search_texts.append(search_text(row.entry))
            self._collections.add(row.entry.collection_id)
        self._measure(self.rows[start:])
        if self._shown is not None and self.order:
            self._narrow()
        elif self._shown is not None:
            self._shown += self._matches(start)
        self.count_changed()
        self.refresh()

    def _measure(self, rows: Sequence[ItemRow]) -> None:
        """Find the columns of some rows, and widen them, whether they are shown or not."""
        self._facts.update(number for row in rows for number, fact in enumerate(row.facts) if fact)
        columns = [ITEM, *self.offered]
        self.widen(columns, ([row.text(column.key) for column in columns] for row in rows))

    def learn(self, number: int, entry: Entry, document: Document) -> None:
        """Take up the document of an item of which only a link was known, and whether it is shown now."""
        if number < len(self.rows) and self.rows[number].entry == entry:
            row = item_row(Entry.of(document))
            found = Entry(EntryKind.ITEM, row.entry.id, row.entry.title, entry.url, entry.collection_id)
            self.rows[number] = row._replace(entry=found)
            if _identity(entry) in self.marked:  # what tells it from others is known better now
                self.marked = {
                    _identity(one): one for one in (found if e == entry else e for e in self.marked.values())
                }
            self._measure([self.rows[number]])
        if self.dates and self._shown is not None and number in self._shown and not self._in_time(number):
            self._shown.remove(number)
            self.count_changed()
        self.refresh()

    # What is shown

    @property
    def line_count(self) -> int:
        """How many items are shown."""
        return len(self.rows) if self._shown is None else len(self._shown)

    @property
    def narrowed(self) -> bool:
        """Whether only some of what is loaded is shown."""
        return bool(self.filter.split() or self.dates)

    def _number(self, line: int) -> int:
        """Return the number of the row on a line."""
        return line if self._shown is None else self._shown[line]

    @property
    def current(self) -> Entry | None:
        """The item under the cursor."""
        return self.rows[self._number(self.cursor_line)].entry if self.cursor_line < self.line_count else None

    @property
    def shown(self) -> list[Entry]:
        """The items that the filter leaves, in their order."""
        return self.entries(0, self.line_count)

    def entries(self, start: int, stop: int) -> list[Entry]:
        """Return the items on some lines."""
        return [self.rows[self._number(line)].entry for line in range(start, min(stop, self.line_count))]

    def is_marked(self, entry: Entry) -> bool:
        """Whether an item is selected."""
        return _identity(entry) in self.marked

    def apply_filter(self, words: str) -> None:
        """Show only items whose id, title or collection holds all words; the cursor stays on its item."""
        if words != self.filter:
            self.filter = words
            self._narrow()

    def apply_dates(self, when: str, words: str) -> None:
        """Show only items of a time, as people type it; what is not known yet stays. Empty for any time."""
        span = parse_span(when)
        ends = (span.start, span.end) if span is not None else (None, None)
        first, last = (end.date().isoformat() if end is not None else "" for end in ends)
        if ((first, last), words) != (self._days, self.dates):
            self._days, self.dates = (first, last), words
            self._narrow()

    def sort_by(self, key: str) -> None:
        """Sort by a column; an empty key is the order of the listing. The cursor stays on its item."""
        if key != self.order:
            self.order = key
            self._narrow()

    @property
    def orders(self) -> list[str]:
        """The keys of the columns that items can be sorted by now, the order of the listing first."""
        return ["", *(column.key for column in self.columns() if column is not ASSETS)]

    def go_to(self, entry: Entry) -> None:
        """Put the cursor on an item, where it is shown."""
        # Of an item that was listed as a link, the id may have become known since.
        by = _identity if entry.id else attrgetter("url")
        rows = (self.rows[self._number(line)] for line in range(self.line_count))
        line = next((line for line, row in enumerate(rows) if by(row.entry) == by(entry)), None)
        if line is not None:
            self.cursor_line = line
            self.keep_in_sight()

    def _narrow(self) -> None:
        """Filter and sort the rows again."""
        current = self._number(self.cursor_line) if self.cursor_line < self.line_count else 0
        self._shown = self._matches(0) if (self.narrowed or self.order) else None
        if self._shown is not None and self.order:
            self._sort(self._shown)
        self.count_changed()
        shown = self._shown
        self.cursor_line = current if shown is None else shown.index(current) if current in shown else 0
        self.keep_in_sight()
        self.refresh()
        self.post_message(self.Moved())
        self.post_message(self.StatusChanged())
        self.look_around()

    def _sort(self, numbers: list[int]) -> None:
        """Sort rows by a column: those without anything in it come last; dates the newest first."""
        if self.order in (ITEM.key, COLLECTION.key):
            by_id = self.order == ITEM.key
            names = [(row.entry.id if by_id else row.entry.collection_id) or _LAST for row in self.rows]
            numbers.sort(key=names.__getitem__)
            return
        # Most texts of a hundred thousand are the same few: those are compared, once.
        texts = [row.text(self.order) for row in self.rows]
        if self.order == DATES.key:
            distinct = sorted(set(texts), key=lambda text: (text[:1].isdigit(), text), reverse=True)
        else:
            distinct = sorted(set(texts), key=sortable)
        ranks = {text: rank for rank, text in enumerate(distinct)}
        numbers.sort(key=[ranks[text] for text in texts].__getitem__)

    def _matches(self, start: int) -> list[int]:
        found = list(range(start, len(self._search_texts)))
        if self.dates:
            found = [number for number in found if self._in_time(number)]
        for term in self.filter.casefold().split():
            found = [number for number in found if term in self._search_texts[number]]
        return found

    def _in_time(self, number: int) -> bool:
        """Tell whether an item meets the dates; its own are `2018-04-25` or `2018-04-25 to open`."""
        begin, _, end = self.rows[number].dates.partition(" to ")
        first, last = self._days
        begins_late = bool(last) and begin[:1].isdigit() and begin > last
        ends_early = bool(first) and (end or begin)[:1].isdigit() and (end or begin) < first
        return not (begins_late or ends_early)

    # The cursor

    def watch_cursor_line(self, before: int, after: int) -> None:
        """Request the next page ahead of the cursor; while a filter is on, only at the end of the table."""
        super().watch_cursor_line(before, after)
        if self.rows and self.near_end and self.pager.wants_more:
            self.post_message(self.MoreWanted())
        self.look_around()

    @property
    def near_end(self) -> bool:
        """Whether the cursor is where the next page is wanted."""
        return not (self.narrowed or self.order) and self.cursor_line >= len(self.rows) - NEAR_END

    def action_cursor_down(self) -> None:
        """Go down a line; at the end of what a filter leaves, ask for more."""
        at_end = self.cursor_line >= self.line_count - 1
        super().action_cursor_down()
        if at_end and (self.narrowed or self.order) and self.pager.wants_more:
            self.post_message(self.MoreWanted())

    async def action_select_cursor(self) -> None:
        """Open the item under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    def on_resize(self) -> None:
        """Look at the rows that there is room for now; before the first layout there was none."""
        self.look_around()

    def look_around(self) -> None:
        """Once the view rests, ask for what is not known of the rows in sight."""
        self._look += 1
        self.set_timer(LOOK_DELAY, lambda asked=self._look: self._ask(asked))

    def _ask(self, asked: int) -> None:
        top = self.scroll_offset.y
        lines = range(top, min(top + self.size.height, self.line_count))
        numbers = [n for n in map(self._number, lines) if not self.rows[n].assets]
        if asked == self._look and numbers:
            self.post_message(self.Unknown([(n, self.rows[n].entry) for n in numbers]))

    # Marks

    def toggle_mark(self) -> None:
        """Toggle the selection of the item under the cursor, and move to the next."""
        entry = self.current
        if entry is None:
            return
        if self.marked.pop(_identity(entry), None) is None:
            self.marked[_identity(entry)] = entry
        self.refresh()
        self.action_cursor_down()
        self.post_message(self.StatusChanged())

    def toggle_all(self) -> None:
        """Select all that is shown, or nothing of it where all of it is selected."""
        shown = {_identity(entry): entry for entry in self.shown}
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

    @property
    def offered(self) -> list[Column]:
        """The columns that say something of the items, but for their names; the collection's of several."""
        several = [COLLECTION] if len(self._collections) > 1 else []
        return [DATES, *several, *(FACTS[number] for number in sorted(self._facts)), ASSETS]

    def columns(self) -> list[Column]:
        """Return the columns that are shown: those that are offered and not hidden."""
        return [ITEM, *(column for column in self.offered if column.key not in self._hidden)]

    def hide(self, keys: Iterable[str]) -> None:
        """Show all columns but these, by their keys; items are sorted by none that is hidden."""
        self._hidden = frozenset(keys)
        self.sort_by("" if self.order in self._hidden else self.order)
        self.refresh()

    def cells(self, number: int) -> list[str]:
        """Return the texts of an item."""
        row = self.rows[self._number(number)]
        return [row.text(column.key) for column in self.columns()]

    def mark(self, number: int) -> str:
        """Return whether an item is selected, and the sign of what is downloaded of it."""
        entry = self.rows[self._number(number)].entry
        selected = "✓" if self.marked and _identity(entry) in self.marked else " "
        return selected + (self._signs(entry) if self._signs is not None else "")

    def show_signs(self, signs: Callable[[Entry], str] | None) -> None:
        """Draw the signs of what is downloaded; None for no room for them."""
        self._signs, self.mark_cells = signs, 1 if signs is None else 2
        self.refresh()


def _identity(entry: Entry) -> tuple[str, str, str]:
    return entry.collection_id, entry.id, entry.url


class AssetTable(TableView[Asset]):
    """Rows of assets; columns that would be empty are left out."""

    DEFAULT_CSS = "AssetTable { height: 1fr; }"
    all_columns = ASSET_COLUMNS

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._texts: list[list[str]] = []
        self._used: list[int] = []
        self.status = ""

    def show(self, assets: tuple[Asset, ...]) -> None:
        """Show other assets."""
        if assets == self.lines and self.status:
            return
        self.lines, self._texts = assets, [asset_texts(asset) for asset in assets]
        self._used = used_columns(self._texts)
        self.status = f"{count(len(assets), 'asset')}, enter copies a link" if assets else "no assets"
        self.forget_widths()
        self.measure(range(len(assets)))
        self.count_changed()
        self.cursor_line = 0
        self.refresh()

    def columns(self) -> list[Column]:
        """Return the columns that say something."""
        return [self.all_columns[number] for number in self._used]

    def cells(self, number: int) -> list[str]:
        """Return the texts of an asset."""
        return [self._texts[number][place] for place in self._used]
