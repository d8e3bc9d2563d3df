"""The assets of a document as a table."""

from __future__ import annotations

from dataclasses import dataclass

from ...models import Asset
from ...text import count, one_line, redact, size
from .table import LONGEST_CELL, RowTable, Tail, cell


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
