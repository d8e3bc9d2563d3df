"""A table for the keyboard: whole rows, the keys of lists, remote text as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text
from textual.binding import BindingType
from textual.geometry import Offset
from textual.widgets import DataTable

from ...models import Asset
from ...text import count, one_line, redact, size
from ..key_bindings import LISTS, TABLE_ACTIONS, bindings

LONGEST_CELL = 200
"""Characters of a cell; a table is as wide as its longest."""
NARROWEST = 12
"""Cells of a column that gives way to others."""


@dataclass(frozen=True, slots=True)
class Tail:
    """An id as a cell: its end is kept where room is scarce, which tells it from its neighbours."""

    text: str

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        """Ask for the width of the whole."""
        return Measurement(1, max(cell_len(self.text), 1))

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Draw what fits."""
        text, room = self.text, options.max_width
        if len(text) > room and cell_len(text) == len(text):
            text = f"…{text[1 - room :]}" if room > 1 else "…"
        yield Text(text, no_wrap=True, overflow="ellipsis")


class RowTable(DataTable[Text | Tail]):
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

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the terminal's own cursor stands: on the row, where screen readers look; each is one line."""
        top = self.header_height if self.show_header else 0
        return self.content_region.offset + Offset(
            self.cell_padding, top + self.cursor_row - self.scroll_offset.y
        )

    def fit_column(self, key: str) -> None:
        """Give a column the room that the others leave, at most what its longest cell takes."""
        column = next((c for name, c in self.columns.items() if name.value == key), None)
        if column is None:
            return
        others = sum(c.get_render_width(self) for c in self.columns.values() if c is not column)
        room = self.scrollable_content_region.width - others - 2 * self.cell_padding
        width = max(min(column.content_width, room), NARROWEST)
        if (column.auto_width, column.width) != (False, width):
            column.auto_width, column.width = False, width
            # What DataTable does when one of its own columns grows.
            self._require_update_dimensions = True
            self._clear_caches()
            self.refresh()


def cell(value: object, style: str = "", limit: int = LONGEST_CELL) -> Text:
    """Return remote text as a cell: cleaned, on one line, never markup, cut to `limit` characters."""
    return Text(one_line(value, limit), style=style, no_wrap=True, overflow="ellipsis")


@dataclass(frozen=True, slots=True)
class ShownAsset:
    """An asset as it may be shown."""

    asset: Asset

    @property
    def shown_href(self) -> str:
        """The link without keys."""
        return one_line(redact(self.asset.href))


class AssetTable(RowTable):
    """Rows of assets."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._assets: tuple[Asset, ...] = ()
        self.status = ""

    def on_mount(self) -> None:
        """Name the columns."""
        for name in ("Asset", "Title", "Type", "Roles", "Size", "Link"):
            self.add_column(cell(name), key=name.lower())
        self._draw()

    def on_resize(self) -> None:
        """Fit the links to the new width."""
        self.fit_column("link")

    def show(self, assets: tuple[Asset, ...]) -> None:
        """Show other assets."""
        if assets != self._assets:
            self._assets = assets
            self._draw()

    def _draw(self) -> None:
        if not self.columns:
            return
        self.clear()
        for number, asset in enumerate(self._assets):
            self.add_row(
                cell(asset.key),
                cell(asset.title or _bands(asset)),
                cell(kind(asset.media_type)),
                cell(", ".join(asset.roles)),
                cell(size(asset.size) if asset.size is not None else "-"),
                Tail(one_line(redact(asset.href), LONGEST_CELL)),
                key=str(number),
            )
        self.call_after_refresh(self.fit_column, "link")
        self.status = (
            f"{count(len(self._assets), 'asset')}, enter copies a link" if self._assets else "no assets"
        )

    @property
    def current(self) -> ShownAsset | None:
        """The asset under the cursor."""
        if 0 <= self.cursor_row < len(self._assets):
            return ShownAsset(self._assets[self.cursor_row])
        return None


_KINDS = {"cloud-optimized": "COG", "geotiff": "GeoTIFF", "geo+json": "GeoJSON"}


def kind(media_type: str) -> str:
    """Return a media type in a word: `image/tiff; application=geotiff` is `GeoTIFF`."""
    lower = media_type.lower()
    known = next((word for part, word in _KINDS.items() if part in lower), "")
    return known or media_type.partition(";")[0].rpartition("/")[2].upper()


def _bands(asset: Asset) -> str:
    return ", ".join(str(band.get("common_name") or band.get("name") or "") for band in asset.bands)
