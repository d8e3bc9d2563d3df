"""Catalogs: the STAC documents that hold other catalogs, collections and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import Document

if TYPE_CHECKING:
    import pystac


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
        """Return the pystac catalog; see `pystac_view`.

        Raises NotValidSTAC if pystac refuses the document.
        """
        from .pystac_view import catalog_view

        return catalog_view(self.raw)
