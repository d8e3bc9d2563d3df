"""The facts of the sample catalog, read from the JSON files in `data/`: one per dataset, one for models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

Box = tuple[float, float, float, float]
"""West, south, east and north in degrees."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tiles:
    """How items are named where they are not simply numbered: `PREFIX_TILE_DATE` or `PREFIX_TILE_SUFFIX`."""

    prefix: str
    dates: tuple[str, ...] = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class CollectionEntry:
    """What is known of one collection.

    `archive_size` is the size in bytes its archive aims at, None where the archive does not exist (yet);
    `interval` holds RFC 3339 times or None for an open end.
    """

    id: str
    dataset: str
    types: tuple[str, ...]
    title: str | None
    description: str
    license: str
    license_link: str
    boxes: tuple[Box, ...]
    interval: tuple[str | None, str | None]
    sensor: str
    items: int
    archive_size: int | None
    providers: tuple[Json, ...]
    tiles: Tiles | None


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """What is known of one dataset; `raw` is its file's content."""

    id: str
    raw: Json
    collections: tuple[CollectionEntry, ...]

    @property
    def doi(self) -> str | None:
        """The DOI without a resolver in front, None where there is none."""
        doi: str | None = self.raw["doi"]
        return doi

    def matches(self, tags: list[str], phrases: list[str]) -> bool:
        """Return whether it has all the tags as they are, and all the phrases somewhere, in any case."""
        if not set(tags) <= set(self.raw["tags"]):
            return False
        names = ("title", "description", "citation", "doi", "creator")
        words = [self.id, *(self.raw.get(name) for name in names), *self.raw["tags"]]
        words += [collection.id for collection in self.collections]
        text = "\n".join(filter(None, words)).casefold()
        return all(phrase.casefold() in text for phrase in phrases)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is known of one model; `raw` is its part of the models file."""

    id: str
    collection: str
    raw: Json


@dataclass(frozen=True)
class SampleCatalog:
    """All that the sample server knows, by id and in the order it is listed."""

    datasets: dict[str, DatasetEntry]
    models: dict[str, ModelEntry]

    @cached_property
    def collections(self) -> dict[str, CollectionEntry]:
        """Every dataset's collections by id."""
        return {entry.id: entry for dataset in self.datasets.values() for entry in dataset.collections}

    @cached_property
    def model_collections(self) -> dict[str, ModelEntry]:
        """The models by the id of the collection each of them is listed under."""
        return {model.collection: model for model in self.models.values()}

    @cached_property
    def dois(self) -> dict[str, DatasetEntry]:
        """The datasets by DOI in lower case: a DOI's case means nothing (ISO 26324)."""
        return {entry.doi.lower(): entry for entry in self.datasets.values() if entry.doi}


def load() -> SampleCatalog:
    """Read the catalog's files, datasets sorted by title as the hosted API did."""
    folder = files(__package__) / "data"
    datasets = sorted(_datasets(folder / "datasets"), key=lambda d: (d.raw.get("title") or d.id).lower())
    models = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    return SampleCatalog(
        {entry.id: entry for entry in datasets},
        {raw["id"]: ModelEntry(raw["id"], raw["collection"], raw) for raw in models},
    )


def _datasets(folder: Any) -> Iterator[DatasetEntry]:
    for file in folder.iterdir():
        if file.name.endswith(".json"):
            raw = json.loads(file.read_text(encoding="utf-8"))
            yield DatasetEntry(raw["id"], raw, tuple(_collection(raw["id"], c) for c in raw["collections"]))


def _collection(dataset: str, raw: Json) -> CollectionEntry:
    tiles = raw.get("tiles")
    return CollectionEntry(
        id=raw["id"],
        dataset=dataset,
        types=tuple(raw["types"]),
        title=raw.get("title"),
        description=raw["description"],
        license=raw["license"],
        license_link=raw["license_link"],
        boxes=tuple((box[0], box[1], box[2], box[3]) for box in raw["bbox"]),
        interval=(raw["interval"][0], raw["interval"][1]),
        sensor=raw["sensor"],
        items=raw["items"],
        archive_size=raw["archive_size"],
        providers=tuple(raw["providers"]),
        tiles=Tiles(tiles["prefix"], tuple(tiles.get("dates", ())), tiles.get("suffix", ""))
        if tiles
        else None,
    )
