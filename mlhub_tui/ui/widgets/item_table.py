"""The items of a collection as a table that grows page by page as the cursor goes down."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message
from textual.widgets import DataTable

from ...models import Item
from ...sources.base import Page
from ...text import one_line
from ..pager import Pager
from .table import LONGEST_CELL, RowTable, Tail, cell

NEAR_END = 5
"""Rows before the last at which the next page is asked for."""


class ItemTable(RowTable):
    """Rows of items; the documents are kept elsewhere."""

    @dataclass
    class MoreWanted(Message):
        """The cursor nears the end of what is loaded."""

    @dataclass
    class StatusChanged(Message):
        """There is another word on how far the listing is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen: set[str] = set()
        self.status = ""
        self.reset()

    def reset(self) -> None:
        """Forget all pages."""
        self.clear()
        self._seen.clear()
        self.pager = Pager()

    def on_mount(self) -> None:
        """Name the columns."""
        self.add_column(cell("Item"), key="id")
        self.add_column(cell("Dates"), key="dates")
        self.add_column(cell("Assets"), key="assets")

    def on_resize(self) -> None:
        """Fit the ids to the new width."""
        self.fit_column("id")

    def _say(self, words: str) -> None:
        self.status = words
        self.post_message(self.StatusChanged())

    def say(self, words: str) -> None:
        """Say how far the listing is."""
        self.pager.loading = True
        self._say(words)

    def fail(self, words: str) -> None:
        """Say why the page did not come; going on down asks for it again."""
        self.pager.loading = False
        self._say(f"! {words}")

    def add_page(self, page: Page[Item]) -> None:
        """Append a page; items that were there already are left out."""
        self.pager.loading = False
        self.pager.take(page)
        for item in page.entries:
            if item.id not in self._seen:
                self._seen.add(item.id)
                identity = Tail(one_line(item.id, LONGEST_CELL))
                self.add_row(identity, cell(item.interval), cell(len(item.assets)), key=item.id)
        self.call_after_refresh(self.fit_column, "id")
        self._say(self.pager.words(self.row_count) + ("" if self.pager.complete else ", more below"))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Ask for the next page in time."""
        if event.cursor_row >= self.row_count - NEAR_END and self.pager.wants_more and self.row_count:
            self.post_message(self.MoreWanted())
