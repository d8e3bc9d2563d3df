"""Rows of items and assets: the columns of their tables, the texts in them, and how those are sorted."""

from __future__ import annotations

import sys
from typing import NamedTuple

from ...metadata.detail import file_of, type_word
from ...metadata.extensions import label_classes
from ...models import Asset, Entry, Item
from ...text import one_line, redact, size
from ..catalog.nodes import without_document
from .line_view import Column

LONGEST = 200
"""Characters of an id, or of what an asset has, that are drawn at most."""
ITEM = Column("id", "Item", middle=True, apart=True)
COLLECTION = Column("collection", "Collection", most=24, least=8, middle=True)
DATES = Column("dates", "Dates", least=10)
ASSETS = Column("assets", "Assets", least=6)
FACTS = (
    Column("cloud", "Cloud", least=5, to_right=True),
    Column("gsd", "GSD", least=5, to_right=True),
    Column("platform", "Platform", most=16, least=8),
    Column("classes", "Classes", most=24, least=8),
    Column("size", "Size", least=8, to_right=True),
)
"""Columns that are there where some item has what they show, in the order of an `ItemRow`'s facts."""
_FACTS = {column.key: number for number, column in enumerate(FACTS)}


class ItemRow(NamedTuple):
    """An item as the table remembers it; empty dates and assets where only a link is known."""

    entry: Entry
    dates: str = ""
    assets: str = ""
    facts: tuple[str, ...] = ()
    """What stands in the columns of `FACTS`; empty where nothing does."""

    def text(self, key: str) -> str:
        """Return what stands in a column."""
        if key == ITEM.key:
            return one_line(self.entry.label, LONGEST)
        if key == COLLECTION.key:
            return one_line(self.entry.collection_id, 60)
        if key == DATES.key:
            return self.dates
        return self.assets if key == ASSETS.key else self.facts[_FACTS[key]] if self.facts else ""


def item_row(entry: Entry) -> ItemRow:
    """Return the row of an item; of a hundred thousand most facts are the same few texts."""
    item = entry.document
    if not isinstance(item, Item):
        return ItemRow(without_document(entry))
    cloud, gsd = _figure(item.properties.get("eo:cloud_cover")), _figure(item.properties.get("gsd"))
    classes = ", ".join(dict.fromkeys(found.name for found in label_classes(item.properties) if found.name))
    sizes = [asset.size for asset in item.assets if asset.size is not None]
    facts = (
        f"{cloud:.0f} %" if cloud is not None else "",
        f"{gsd:g} m" if gsd is not None else "",
        one_line(item.properties.get("platform"), 40),
        one_line(classes, 60),
        size(sum(sizes)) if sizes else "",
    )
    shared = tuple(map(sys.intern, facts)) if any(facts) else ()
    assets = sys.intern(f"{len(item.assets):,}")
    return ItemRow(without_document(entry), one_line(item.interval), assets, shared)


def _figure(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e9 else None


_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB"))}
_UNITS |= {unit: 1024**power for power, unit in enumerate(("", "KiB", "MiB", "GiB", "TiB"))}


def sortable(text: str) -> tuple[int, float, str]:
    """Return a text by which figures stand by their size, and what is empty last."""
    number, _, unit = text.partition(" ")
    try:
        return (0, float(number) * _UNITS.get(unit, 1), "")
    except ValueError:
        return (1, 0.0, text.casefold()) if text else (2, 0.0, "")


ASSET_COLUMNS = (
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


def asset_texts(asset: Asset) -> list[str]:
    """Return the texts of an asset for the columns of `ASSET_COLUMNS`."""
    gsd = asset.raw.get("gsd")
    bands = (str(band.get("common_name") or band.get("name") or "") for band in asset.bands)
    texts = (
        asset.key,
        type_word(asset.media_type),
        size(asset.size) if asset.size is not None else "",
        ", ".join(filter(None, bands)),
        f"{gsd:g} m" if isinstance(gsd, int | float) else "",
        file_of(asset),
        asset.title,
        ", ".join(asset.roles),
        redact(asset.href),
    )
    return [one_line(text, LONGEST) for text in texts]
