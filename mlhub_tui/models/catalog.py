"""Catalogs: the STAC documents that hold other catalogs, collections and items."""

from __future__ import annotations

from .document import Document


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
