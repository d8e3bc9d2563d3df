"""Records of MLHub's own: datasets, which group source imagery and label collections, and archives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, overload

from ..text import one_line
from .document import UNREADABLE, Document, _size, _strings, identity
from .extent import BBox, geometry_bbox

SOURCE_IMAGERY = "source_imagery"
LABELS = "labels"


class Typed(Protocol):
    """Anything with collection types."""

    @property
    def types(self) -> tuple[str, ...]:
        """`source_imagery`, `labels`, or both."""
        ...


T_co = TypeVar("T_co", bound=Typed, covariant=True)


@dataclass(frozen=True, slots=True)
class CollectionRef:
    """A collection as its dataset's record names it: no request was made for it."""

    id: str
    types: tuple[str, ...] = ()
    license: str = ""

    @property
    def label(self) -> str:
        """The id as it may be drawn."""
        return one_line(self.id) or UNREADABLE


class CollectionList(Sequence[T_co], Generic[T_co]):
    """The collections of a dataset, each once, with a view per type.

    A collection of both types is in both `source_imagery` and `labels`, and once in the list itself.
    """

    def __init__(self, entries: Sequence[T_co]) -> None:
        self._entries = tuple(entries)

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self._entries)

    def __repr__(self) -> str:
        return repr(list(self._entries))

    @property
    def source_imagery(self) -> list[T_co]:
        """The collections that hold source imagery."""
        return [entry for entry in self._entries if SOURCE_IMAGERY in entry.types]

    @property
    def labels(self) -> list[T_co]:
        """The collections that hold labels."""
        return [entry for entry in self._entries if LABELS in entry.types]

    @property
    def other(self) -> list[T_co]:
        """The collections whose type is neither."""
        return [e for e in self._entries if SOURCE_IMAGERY not in e.types and LABELS not in e.types]


class Dataset(Document):
    """A dataset record as received from the MLHub API's `datasets` endpoints."""

    @property
    def collections(self) -> CollectionList[CollectionRef]:
        """The collections the record names, each once; no request is made."""
        refs: dict[str, CollectionRef] = {}
        for entry in self.objects("collections"):
            if own := identity(entry.get("id")):
                known = refs.get(own)
                types = dict.fromkeys((*(known.types if known else ()), *_strings(entry.get("types"))))
                license = (known.license if known else "") or one_line(entry.get("license"))
                refs[own] = CollectionRef(own, tuple(types), license)
        return CollectionList(list(refs.values()))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, cleaned."""
        return self.lines("tags")

    @property
    def registry_url(self) -> str | None:
        """The page of the dataset in the registry, where the record has one."""
        return self.line("registry") or None

    @property
    def license(self) -> str:
        """The licences of its collections, each once."""
        return ", ".join(dict.fromkeys(ref.license for ref in self.collections if ref.license))

    @property
    def bbox(self) -> BBox | None:
        """The box around the record's footprint (a GeoJSON geometry, or four numbers)."""
        value: Any = self.raw.get("bbox")
        return geometry_bbox(value) or BBox.of_document(value)

    @property
    def creator(self) -> str:
        """Who made it, possibly Markdown."""
        value = self.raw.get("creator_contact")
        return one_line(value.get("creator")) if isinstance(value, dict) else ""

    @property
    def contact(self) -> str:
        """Whom to ask."""
        value = self.raw.get("creator_contact")
        return one_line(value.get("contact")) if isinstance(value, dict) else ""


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
