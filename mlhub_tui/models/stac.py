"""STAC documents as received: catalogs, collections, items (models among them), and their assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..text import one_line
from .document import Document, JsonDict, _size, _strings, identity
from .extent import BBox, Extent, Interval, item_bbox

if TYPE_CHECKING:
    import pystac


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset (STAC Item spec, Asset Object).

    `href` is as received and may hold a token: redact it before drawing.
    """

    key: str
    href: str
    title: str = ""
    media_type: str = ""
    roles: tuple[str, ...] = ()
    size: int | None = None
    bands: tuple[JsonDict, ...] = field(default=(), repr=False)
    raw: JsonDict = field(default_factory=dict, repr=False)

    @classmethod
    def parse_all(cls, value: Any) -> tuple[Asset, ...]:
        """Return the assets of an `assets` object; entries that are no objects are left out."""
        if not isinstance(value, dict):
            return ()
        return tuple(cls._parse(str(key), entry) for key, entry in value.items() if isinstance(entry, dict))

    @classmethod
    def _parse(cls, key: str, raw: JsonDict) -> Asset:
        bands = raw.get("bands") or raw.get("eo:bands")
        href = raw.get("href")
        return cls(
            key=key,
            href=href if isinstance(href, str) else "",
            title=one_line(raw.get("title")),
            media_type=one_line(raw.get("type")),
            roles=_strings(raw.get("roles")),
            size=_size(raw.get("file:size")),
            bands=tuple(b for b in bands if isinstance(b, dict)) if isinstance(bands, list) else (),
            raw=raw,
        )

    @property
    def label(self) -> str:
        """The key as it may be drawn."""
        return one_line(self.key)


class Catalog(Document):
    """A STAC catalog as received (STAC Catalog spec)."""

    @property
    def extensions(self) -> tuple[str, ...]:
        """The STAC extensions' identifiers."""
        return self.lines("stac_extensions")

    @property
    def conforms_to(self) -> tuple[str, ...]:
        """The conformance classes that the landing page of an API declares."""
        return self.lines("conformsTo")

    def to_pystac(self) -> pystac.Catalog:
        """Return the pystac catalog; raises NotValidSTAC if pystac refuses the document."""
        from .pystac_view import pystac_view  # it takes a while to import

        catalog: pystac.Catalog = pystac_view("Catalog", self.raw)
        return catalog


class Collection(Document):
    """A STAC collection as received (STAC Collection spec)."""

    @property
    def extent(self) -> Extent:
        """Where and when; empty where the document does not say."""
        return Extent.parse(self.raw.get("extent"))

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords, cleaned."""
        return self.lines("keywords")

    @property
    def summaries(self) -> Mapping[str, Any]:
        """The summaries as received; clean before drawing."""
        value = self.raw.get("summaries")
        return value if isinstance(value, dict) else {}

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The collection's own assets."""
        return Asset.parse_all(self.raw.get("assets"))

    @property
    def item_assets(self) -> tuple[Asset, ...]:
        """What each item offers, where the document says so."""
        return Asset.parse_all(self.raw.get("item_assets"))

    @property
    def extensions(self) -> tuple[str, ...]:
        """The STAC extensions' identifiers."""
        return self.lines("stac_extensions")

    @property
    def registry_url(self) -> str | None:
        """The page of the dataset in the registry, made of the DOI as radiant_mlhub does."""
        return f"https://mlhub.earth/{self.doi}" if self.doi else None

    def to_pystac(self) -> pystac.Collection:
        """Return the pystac collection; raises NotValidSTAC if pystac refuses the document."""
        from .pystac_view import pystac_view  # it takes a while to import

        collection: pystac.Collection = pystac_view("Collection", self.raw)
        return collection


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
        """Return the pystac item; raises NotValidSTAC if pystac refuses the document."""
        from .pystac_view import pystac_view  # it takes a while to import

        item: pystac.Item = pystac_view("Item", self.raw)
        return item


class MLModel(Item):
    """A trained model as received (STAC ml-model extension)."""

    @property
    def architecture(self) -> str:
        """The architecture, for example `cnn`."""
        return self.line("ml-model:architecture")

    @property
    def prediction_type(self) -> str:
        """What it predicts, for example `segmentation`."""
        return self.line("ml-model:prediction_type")
