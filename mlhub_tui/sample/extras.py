"""What catalogue archives hold beside the regular: collections' own assets, split lists, items with gaps.

Real catalogues have all of these, and whoever downloads a dataset by its catalogue must know what to do with
them. They are in the archives of catalogues only; the API's items are regular.
"""

from __future__ import annotations

from typing import Any

from . import items
from .catalogue import CollectionEntry
from .hashing import mix, seed_of
from .sensors import CSV, SENSORS, AssetKind

Json = dict[str, Any]

LEGEND = AssetKind("legend", CSV, ("metadata",), "Classes and their numbers")
"""The own asset of collections of labels."""
SPLITS = tuple(
    AssetKind(f"{name}_split", CSV, ("metadata",), f"Items of the {name} split")
    for name in ("train", "validation", "test")
)
"""Assets that all items of some collections share."""

_WITH_SPLITS = frozenset({"landcovernet_v1", "ref_african_crops_kenya_02"})
_WITHOUT_PLACE = frozenset({"ref_landcovernet_v1_labels"})
_WITHOUT_ASSETS = frozenset({"ref_landcovernet_v1_labels"})
_WITHOUT_TIME = frozenset({"ts_cashew_benin_labels"})


def own_assets(entry: CollectionEntry) -> tuple[AssetKind, ...]:
    """Return the assets that a collection itself has."""
    return (LEGEND,) if SENSORS[entry.sensor].is_label else ()


def shared_assets(entry: CollectionEntry) -> tuple[AssetKind, ...]:
    """Return the assets that all items of a collection share, beside the documentation."""
    return SPLITS if entry.dataset in _WITH_SPLITS and SENSORS[entry.sensor].is_label else ()


def leave_gaps(entry: CollectionEntry, index: int, document: Json) -> None:
    """Take from an item what some items do not have: the first its place or time, the second its assets."""
    if index == 0 and entry.id in _WITHOUT_PLACE:
        document["geometry"] = None
        del document["bbox"]
    if index == 0 and entry.id in _WITHOUT_TIME:
        document["properties"]["datetime"] = None
    if index == 1 and entry.id in _WITHOUT_ASSETS:
        document["assets"] = {}


def content(entry: CollectionEntry, file_name: str) -> bytes | None:
    """Return the bytes of one of these assets, None where the collection has no such file."""
    kinds = {kind.file_name: kind for kind in (*own_assets(entry), *shared_assets(entry))}
    kind = kinds.get(file_name)
    if kind is None:
        return None
    rows = _classes(entry) if kind is LEGEND else _split(entry, SPLITS.index(kind))
    return "\n".join([*rows, ""]).encode()


def _classes(entry: CollectionEntry) -> list[str]:
    return ["number,class", *(f"{number},{name}" for number, name in enumerate(items.class_names(entry), 1))]


def _split(entry: CollectionEntry, number: int) -> list[str]:
    """Return the items of a split: three in five train, the others validate and test."""
    seed = seed_of(entry.id)
    parts = (0, 0, 0, 1, 2)
    found = (index for index in range(entry.items) if parts[mix(seed, index, 9) % 5] == number)
    return ["item", *(items.item_id(entry, index) for index in found)]
