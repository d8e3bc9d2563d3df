"""Collections: the STAC documents that hold source imagery or labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .asset import Asset
from .document import Document
from .extent import Extent

if TYPE_CHECKING:
    import pystac


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
        """Return the pystac collection (about 0.15 ms); see `pystac_view`.

        Raises NotValidSTAC if pystac refuses the document.
        """
        from .pystac_view import collection_view

        return collection_view(self.raw)
