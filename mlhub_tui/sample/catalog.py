"""The facts of the sample catalog, read from the JSON files in `data`: datasets, models, sensors, classes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

Box = tuple[float, float, float, float]
"""West, south, east and north in degrees."""

Json = dict[str, Any]
GEOTIFF = "image/tiff; application=geotiff"
PNG = "image/png"
GEOJSON = "application/geo+json"
CSV = "text/csv"
PDF = "application/pdf"
JSON = "application/json"
_SUFFIXES = {GEOTIFF: "tif", PNG: "png", GEOJSON: "geojson", CSV: "csv", PDF: "pdf", JSON: "json"}


@dataclass(frozen=True, slots=True)
class AssetKind:
    """One asset that every item of a collection has."""

    key: str
    media_type: str
    roles: tuple[str, ...]
    title: str = ""
    bands: tuple[Json, ...] = ()

    @property
    def file_name(self) -> str:
        """The name of the asset's file inside the item's folder."""
        return f"{self.key}.{_SUFFIXES[self.media_type]}"


DOCUMENTATION = AssetKind("documentation", PDF, ("metadata",), "Documentation")
"""The asset that all items of a collection share."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the items of a collection look like; `degrees` is the side of an unbounded footprint."""

    platform: str
    instrument: str
    gsd: float
    degrees: float
    assets: tuple[AssetKind, ...]

    @property
    def is_label(self) -> bool:
        """Whether the items are labels only."""
        return not self.platform


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

    @property
    def look(self) -> Sensor:
        """What its items look like."""
        return sensors()[self.sensor]

    @property
    def classes(self) -> list[str]:
        """The names of the classes that its labels use."""
        table: list[tuple[list[str], list[str]]] = _read("classes.json")
        return next(names for words, names in table if any(word in self.id for word in words))


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


@cache
def _read(name: str) -> Any:
    return json.loads((files(__package__) / "data" / name).read_text(encoding="utf-8"))


@cache
def sensors() -> dict[str, Sensor]:
    """Return every value that `sensor` may have in the datasets' files."""
    return {
        name: Sensor(**{**raw, "assets": _kinds(raw["assets"])})
        for name, raw in _read("sensors.json").items()
    }


def _kinds(raw: list[Json]) -> tuple[AssetKind, ...]:
    names = ("roles", "bands")
    kinds = (AssetKind(**{**each, **{name: tuple(each.get(name, ())) for name in names}}) for each in raw)
    return (*kinds, DOCUMENTATION)


def load() -> SampleCatalog:
    """Read the catalog's files, datasets sorted by title as the hosted API did."""
    datasets = sorted(_datasets(), key=lambda dataset: (dataset.raw.get("title") or dataset.id).lower())
    return SampleCatalog(
        {entry.id: entry for entry in datasets},
        {raw["id"]: ModelEntry(raw["id"], raw["collection"], raw) for raw in _read("models.json")},
    )


def _datasets() -> Iterator[DatasetEntry]:
    for file in (files(__package__) / "data" / "datasets").iterdir():
        if file.name.endswith(".json"):
            raw = json.loads(file.read_text(encoding="utf-8"))
            yield DatasetEntry(
                raw["id"], raw, tuple(_collection(raw["id"], each) for each in raw["collections"])
            )


def _collection(dataset: str, raw: Json) -> CollectionEntry:
    tiles = raw.get("tiles")
    known = {
        **{
            name: raw.get(name)
            for name in ("id", "title", "description", "license", "license_link", "sensor")
        },
        "items": raw["items"],
        "archive_size": raw["archive_size"],
        **{name: tuple(raw[name]) for name in ("types", "interval", "providers")},
    }
    return CollectionEntry(
        **known,
        dataset=dataset,
        boxes=tuple(map(tuple, raw["bbox"])),
        tiles=tiles and Tiles(tiles["prefix"], tuple(tiles.get("dates", ())), tiles.get("suffix", "")),
    )
