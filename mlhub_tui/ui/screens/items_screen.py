"""Screens with a table of items and a map of them: footprints follow the table, dates narrow it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.timer import Timer

from ...models import Entry
from .. import preview
from ..dialogs.base import ListScreen
from ..map.footprint_map import FootprintMap
from ..map.map_pane import MapPane
from ..map.time_histogram import TimeHistogram
from ..widgets.item_table import ItemTable
from ..widgets.line_view import Column, PickLine
from .place_screen import EntryScreen

if TYPE_CHECKING:
    from textual.widget import Widget

    from ..catalog.loader import Documents
    from .contact_sheet import ContactSheet

FOLLOWS = 0.12
"""Seconds the cursor rests among the items before the map beside them follows it."""


class ItemsScreen(EntryScreen):
    """A screen with a table of items and a map of them: footprints follow the table, dates narrow it."""

    table_id: ClassVar[str] = "items"

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self._documents = documents
        self._following: Timer | None = None
        self._sheet: ContactSheet | None = None
        self.filtered = self.table = ItemTable(id=self.table_id)
        self.map_pane = MapPane(id="map")

    def begin(self) -> None:
        """Show what is downloaded of the items, in the columns and the order of such sources."""
        self.on_marks_changed()
        self.recall_order()

    def on_marks_changed(self) -> None:
        """Draw the marks of what is downloaded again."""
        marks = self.context.marks
        self.table.show_signs(marks.sign if marks.has_any else None)

    # What the screen does

    @property
    def documents(self) -> Documents:
        """What was loaded of the source, or of the results."""
        return self._documents

    def open_item(self, entry: Entry) -> None:
        """Open an item."""

    def more_items(self) -> object:
        """Load more items, as the last one on the map is reached."""

    def show_amount(self) -> None:
        """Say how many items are shown."""

    def item_rests(self) -> None:
        """Do what else follows the cursor."""

    @property
    def beside(self) -> Sequence[Entry]:
        """The items of the table."""
        return self.table.shown

    def go_beside(self, entry: Entry) -> None:
        """Put the cursor on an item of the table."""
        self.table.go_to(entry)

    def clear_chosen(self) -> None:
        """Select nothing."""
        self.table.clear_marks()

    def recall_order(self) -> None:
        """Show the columns, and the order, of the items that were chosen last for such a source."""
        memory, kind = self.context.memory, self.documents.kind.value
        self.table.hide(memory.hidden_columns.get(kind, "").split(","))
        self.table.sort_by(memory.item_orders.get(kind, ""))

    def action_sort(self) -> None:
        """Sort the items by the next of their columns, and remember it for such sources."""
        orders = self.table.orders
        at = orders.index(self.table.order) if self.table.order in orders else 0
        order = orders[(at + 1) % len(orders)]
        self.table.sort_by(order)
        self.context.memory.item_orders[self.documents.kind.value] = order

    def action_columns(self) -> None:
        """Choose which columns of the items are shown, and remember it for such sources."""
        memory, kind, table = self.context.memory, self.documents.kind.value, self.table

        def apply(hidden: frozenset[str]) -> None:
            memory.hidden_columns[kind] = ",".join(sorted(filter(None, hidden)))
            table.hide(hidden)
            memory.item_orders[kind] = table.order

        hidden = memory.hidden_columns.get(kind, "").split(",")
        self.app.push_screen(ColumnScreen(table.offered, hidden, apply))

    # The contact sheet

    def action_preview(self) -> None:
        """Show the items of the table as a contact sheet; elsewhere an image of what is under the cursor."""
        if not (self.table.has_focus and self.table.line_count):
            super().action_preview()
        elif preview.preview_screen.draws(self.context):
            from .contact_sheet import ContactSheet  # most open no contact sheet

            self._sheet = ContactSheet(self, self.table, self.open_item)
            self.app.push_screen(self._sheet)

    # Between table and map

    @on(MapPane.Opened)
    @on(ItemTable.Opened)
    def _opened(self, message: MapPane.Opened | ItemTable.Opened) -> None:
        self.open_item(message.entry)

    @on(MapPane.MoreWanted)
    @on(ItemTable.MoreWanted)
    def _more_wanted(self) -> None:
        self.more_items()

    @on(MapPane.StatusChanged)
    @on(ItemTable.StatusChanged)
    def _status_changed(self) -> None:
        self.show_amount()
        if self._sheet is not None:
            self._sheet.items_changed()

    def commits(self, widget: Widget | None) -> bool:
        """Tell whether Enter on a widget takes a box or dates; the keys behind it are for what follows."""
        if isinstance(widget, TimeHistogram):
            return widget.bins is not None
        return isinstance(widget, FootprintMap) and widget.choosing

    @on(MapPane.Wanted)
    async def _place_chosen(self, message: MapPane.Wanted) -> None:
        await self.context.opening(self.search_within(message.box, message.when))
        self.committed()

    async def action_search(self) -> None:
        """Ask for a search, to begin with in the time that items are listed of, where one was chosen."""
        await self.context.opening(self.search_within(None, self.map_pane.when))

    @on(MapPane.Filtered)
    def _time_chosen(self, message: MapPane.Filtered) -> None:
        """List only the items of the time that was chosen on the histogram."""
        if self.table.is_attached:
            self.table.apply_dates(message.when, message.words)
        self.show_amount()
        self.committed()

    def clear_dates(self) -> bool:
        """Show the items of all times again; False where they are shown already."""
        if not self.map_pane.when:
            return False
        self.map_pane.leave_range()
        return True

    @on(ItemTable.Moved)
    def _item_moved(self) -> None:
        """Let the map follow the cursor, once that rests."""
        if self._following is not None:
            self._following.stop()
        self._following = self.set_timer(FOLLOWS, self._follow_item)

    def _follow_item(self) -> None:
        if self.closing:
            return
        table, pane = self.table, self.map_pane
        if pane.display and table.display and not pane.has_focus_within:
            pane.highlight(table.current)
        self.item_rests()


class ColumnScreen(ListScreen):
    """Lists columns; Enter or space shows or hides one.

    - `offered`: The columns there are for the items.
    - `hidden`: The keys of those that are not shown.
    - `apply`: Called with the keys of those that are not to be shown.
    """

    CSS = """
    ColumnScreen > .dialog { width: 50; padding: 0 1; }
    ColumnScreen PickList { height: auto; min-height: 3; max-height: 16; }
    ColumnScreen.-short PickList { max-height: 7; }
    """
    keys = "space shows or hides, esc closes"

    def __init__(
        self, offered: Sequence[Column], hidden: Iterable[str], apply: Callable[[frozenset[str]], None]
    ) -> None:
        lines = [PickLine(column.title, key=column.key) for column in offered]
        super().__init__("Columns", lines, tick=lambda key: "[ ]" if key in self._hidden else "[x]")
        self._hidden, self._apply = frozenset(hidden), apply

    def choose(self, key: str) -> None:
        """Show a column, or hide it."""
        self._hidden ^= {key}
        self.picks.refresh()
        self._apply(self._hidden)
