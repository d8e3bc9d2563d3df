"""What the API says of an archive before it is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..text import one_line
from .document import _size, _strings


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """The answer of `archive/{id}/info`; `size` in bytes, None where the API does not say."""

    collection: str
    dataset: str
    size: int | None
    types: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Any) -> ArchiveInfo:
        """Return what can be read of the answer; missing fields are empty."""
        raw = raw if isinstance(raw, dict) else {}
        return cls(
            one_line(raw.get("collection")),
            one_line(raw.get("dataset")),
            _size(raw.get("size")),
            _strings(raw.get("types")),
        )


@dataclass(frozen=True, slots=True)
class CatalogInfo:
    """The answer of `catalog/{id}/info`; sizes in bytes, None where the API does not say."""

    dataset: str
    stac_catalog_size: int | None
    estimated_dataset_size: int | None

    @classmethod
    def parse(cls, raw: Any) -> CatalogInfo:
        """Return what can be read of the answer; missing fields are empty."""
        raw = raw if isinstance(raw, dict) else {}
        return cls(
            one_line(raw.get("dataset")),
            _size(raw.get("stac_catalog_size")),
            _size(raw.get("estimated_dataset_size")),
        )
