"""The assets of an item or a collection as a table."""

from __future__ import annotations

import re

from ...metadata.detail import file_of
from ...models import Asset
from ...text import count, one_line, redact, size
from .line_view import Column, TableView

LONGEST = 200
COLUMNS = (
    Column("key", "Asset", most=40),
    Column("type", "Type", least=4),
    Column("size", "Size", least=8, to_right=True),
    Column("bands", "Bands", most=24, least=6),
    Column("gsd", "GSD", least=4, to_right=True),
    Column("file", "File", most=40, least=10, middle=True),
    Column("title", "Title", most=60, least=12),
    Column("roles", "Roles", most=24, least=6),
    Column("link", "Link", least=16, middle=True),
)


class AssetTable(TableView):
    """Rows of assets; columns that would be empty are left out."""

    DEFAULT_CSS = "AssetTable { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._assets: tuple[Asset, ...] = ()
        self._texts: list[list[str]] = []
        self._used: list[int] = []
        self.status = ""

    def show(self, assets: tuple[Asset, ...]) -> None:
        """Show other assets."""
        if assets == self._assets and self.status:
            return
        self._assets = assets
        self._texts = [_texts(asset) for asset in assets]
        self._used = [n for n in range(len(COLUMNS)) if n == 0 or any(row[n] for row in self._texts)]
        self.status = f"{count(len(assets), 'asset')}, enter copies a link" if assets else "no assets"
        self.forget_widths()
        self.measure(range(len(assets)))
        self.count_changed()
        self.cursor_line = 0
        self.refresh()

    @property
    def current(self) -> Asset | None:
        """The asset under the cursor."""
        return self._assets[self.cursor_line] if self.cursor_line < len(self._assets) else None

    @property
    def line_count(self) -> int:
        """How many assets there are."""
        return len(self._assets)

    def columns(self) -> list[Column]:
        """Return the columns that say something."""
        return [COLUMNS[number] for number in self._used]

    def cells(self, number: int) -> list[str]:
        """Return the texts of an asset."""
        return [self._texts[number][place] for place in self._used]


def shown_href(asset: Asset) -> str:
    """Return the link of an asset without keys."""
    return one_line(redact(asset.href))


def _texts(asset: Asset) -> list[str]:
    gsd = asset.raw.get("gsd")
    bands = (str(band.get("common_name") or band.get("name") or "") for band in asset.bands)
    texts = (
        asset.key,
        kind(asset.media_type),
        size(asset.size) if asset.size is not None else "",
        ", ".join(filter(None, bands)),
        f"{gsd:g} m" if isinstance(gsd, int | float) else "",
        file_of(asset),
        asset.title,
        ", ".join(asset.roles),
        redact(asset.href),
    )
    return [one_line(text, LONGEST) for text in texts]


_KINDS = {"cloud-optimized": "COG", "geotiff": "GeoTIFF", "geo+json": "GeoJSON", "octet-stream": "binary"}
_UNREGISTERED = re.compile(r"^(x-|vnd\.)")  # RFC 6838, sections 3.2 and 3.4


def kind(media_type: str) -> str:
    """Return a media type in a word: `image/tiff; application=geotiff` is `GeoTIFF`."""
    lower = media_type.lower()
    known = next((word for part, word in _KINDS.items() if part in lower), "")
    return known or _UNREGISTERED.sub("", lower.partition(";")[0].rpartition("/")[2].strip()).upper()
