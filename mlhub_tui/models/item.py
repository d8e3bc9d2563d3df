"""Items: one scene or one label set, with its place, time and assets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..text import one_line
from .asset import Asset
from .document import Document, identity
from .extent import BBox, Interval, item_bbox

if TYPE_CHECKING:
    import pystac


class Item(Document):
    """A STAC item as received (STAC Item spec)."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties as received; clean before drawing."""
        value = self.raw.get("properties")
        return value if isinstance(value, dict) else {}

    @property
    def fields(self) -> Mapping[str, Any]:
        """Descriptive fields of an item are its properties."""
        return self.properties

    @property
    def collection_id(self) -> str:
        """The id of the collection it belongs to, as received; empty where it does not say."""
        return identity(self.raw.get("collection"))

    @property
    def bbox(self) -> BBox | None:
        """The bounding box on the globe, from the geometry where the item has none."""
        return item_bbox(self.raw.get("bbox"), self.raw.get("geometry"))

    @property
    def interval(self) -> Interval:
        """When: `datetime`, or the range `start_datetime` to `end_datetime` where that is null."""
        moment = one_line(self.properties.get("datetime"))
        if moment:
            return Interval(moment, moment)
        start, end = self.properties.get("start_datetime"), self.properties.get("end_datetime")
        return Interval(one_line(start), one_line(end))

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The item's assets in the order received."""
        return Asset.parse_all(self.raw.get("assets"))

    def to_pystac(self) -> pystac.Item:
        """Return the pystac item; see `pystac_view`.

        Raises NotValidSTAC if pystac refuses the document.
        """
        from .pystac_view import item_view

        return item_view(self.raw)
