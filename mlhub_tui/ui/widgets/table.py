"""A table for the keyboard: whole rows, the keys of lists, remote text as text."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.widgets import DataTable

from ...text import one_line
from ..commands import LISTS, TABLE_ACTIONS, bindings


class RowTable(DataTable[Text]):
    """A data table whose cursor is a row."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LISTS, TABLE_ACTIONS)
    DEFAULT_CSS = """
    RowTable { background: $background; background-tint: $background 0%; height: 1fr; }
    RowTable:focus { background-tint: $background 0%; }
    RowTable > .datatable--header { background: $background; color: $muted; text-style: none; }
    RowTable > .datatable--cursor { background: $primary-muted; color: $foreground; text-style: none; }
    RowTable:focus > .datatable--cursor { background: $primary; color: $background; text-style: bold; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, show_row_labels=False)


LONGEST_CELL = 200
"""Characters of a cell; a table is as wide as its longest."""


def cell(value: object, style: str = "", limit: int = LONGEST_CELL) -> Text:
    """Return remote text as a cell: cleaned, on one line, never markup, cut to `limit` characters."""
    return Text(one_line(value, limit), style=style, no_wrap=True, overflow="ellipsis")
