"""Items made up on the spot: the n-th item of a collection is the same on every machine and at every start.

They are STAC 1.0.0 items (https://github.com/radiantearth/stac-spec, item-spec) inside their collection's
extent and interval. Hrefs and links are left to the caller: they differ between API, archive and catalog.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .catalog import Box, CollectionEntry, DatasetEntry

EO = "https://stac-extensions.github.io/eo/v1.0.0/schema.json"
LABEL = "https://stac-extensions.github.io/label/v1.0.1/schema.json"

_NUMBER = re.compile(r"(\d+)$", re.ASCII)
_TILE = re.compile(r"_(\d\d)_([^\W_]+)$", re.ASCII)
_OPEN_ENDED = timedelta(days=3 * 365)
_COMPOSITES = ("5day", "leaf_on", "leaf_off")


def item_id(entry: CollectionEntry, index: int) -> str:
    """Return the id of the item at `index`, counted from 0."""
    if entry.tiles is None:
        return f"{entry.id}_{index:05d}"
    if entry.tiles.dates:
        tile, date = divmod(index, len(entry.tiles.dates))
        return f"{entry.tiles.prefix}_{tile:02d}_{entry.tiles.dates[date]}"
    return f"{entry.tiles.prefix}_{index:02d}_{entry.tiles.suffix}"


def item_index(entry: CollectionEntry, identity: str) -> int | None:
    """Return the index of the item with this id, or None where the collection has none."""
    index = _guess(entry, identity)
    if index is None or not 0 <= index < entry.items or item_id(entry, index) != identity:
        return None
    return index


def _guess(entry: CollectionEntry, identity: str) -> int | None:
    match = (_TILE if entry.tiles else _NUMBER).search(identity)
    if match is None:
        return None
    number = int(match[1][-9:])
    if entry.tiles is None or not entry.tiles.dates:
        return number
    if match[2] not in entry.tiles.dates:
        return None
    return number * len(entry.tiles.dates) + entry.tiles.dates.index(match[2])


def footprint(entry: CollectionEntry, index: int) -> Box:
    """Return the item's box; items of one dataset with the same index share theirs where extents allow it."""
    if entry.tiles is not None:
        return entry.boxes[index // max(1, len(entry.tiles.dates)) % len(entry.boxes)]
    west, south, east, north = entry.boxes[index % len(entry.boxes)]
    side = SENSORS[entry.sensor].degrees
    width, height = min(side, east - west), min(side, north - south)
    seed = seed_of(entry.dataset)
    left = west + (east - west - width) * part(seed, index, 1)
    bottom = south + (north - south - height) * part(seed, index, 2)
    return (
        round(left, 6),
        round(bottom, 6),
        min(round(left + width, 6), east),
        min(round(bottom + height, 6), north),
    )


def sources(
    entry: CollectionEntry, index: int, parent: DatasetEntry
) -> Iterator[tuple[CollectionEntry, str]]:
    """Yield collection and id of the images that a label was drawn on, as the Label extension asks for."""
    if not SENSORS[entry.sensor].is_label:
        return
    for source in parent.collections:
        if SENSORS[source.sensor].is_label or _split(source) not in (_split(entry), ""):
            continue
        dates = len(source.tiles.dates) if source.tiles else 1
        for place in range(index * dates, min((index + 1) * dates, source.items)):
            yield source, item_id(source, place)


def _split(entry: CollectionEntry) -> str:
    return next((name for name in ("train", "test") if name in entry.id), "")


def geometry(box: Box) -> dict[str, Any]:
    """Return the box as a GeoJSON polygon, counter-clockwise (RFC 7946, section 3.1.6)."""
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def item(entry: CollectionEntry, index: int) -> dict[str, Any]:
    """Return the item at `index` without links and with assets that have no href yet."""
    sensor = SENSORS[entry.sensor]
    box = footprint(entry, index)
    properties = {**_when(entry, index), **_properties(entry, index)}
    extensions = ([] if sensor.is_label else [EO]) + ([LABEL] if "labels" in entry.types else [])
    return {
        "id": item_id(entry, index),
        "bbox": list(box),
        "type": "Feature",
        "links": [],
        "assets": {asset.key: _asset(entry, asset.key) for asset in sensor.assets},
        "geometry": geometry(box),
        "collection": entry.id,
        "properties": properties,
        "stac_version": "1.0.0",
        "stac_extensions": extensions,
    }


def _asset(entry: CollectionEntry, key: str) -> dict[str, Any]:
    kind = next(asset for asset in SENSORS[entry.sensor].assets if asset.key == key)
    asset: dict[str, Any] = {"href": "", "type": kind.media_type, "roles": list(kind.roles)}
    if kind.title:
        asset["title"] = kind.title
    if kind.bands:
        asset["eo:bands"] = [dict(band) for band in kind.bands]
    return asset


def _properties(entry: CollectionEntry, index: int) -> dict[str, Any]:
    sensor = SENSORS[entry.sensor]
    found: dict[str, Any] = {}
    if not sensor.is_label:
        bands = [dict(band) for asset in sensor.assets for band in asset.bands]
        found |= {"gsd": sensor.gsd, "platform": sensor.platform, "instruments": [sensor.instrument]}
        found |= {"eo:bands": bands} if bands else {}
        if entry.sensor in ("sentinel-2", "landsat-8", "planetscope"):
            found["eo:cloud_cover"] = mix(seed_of(entry.id), index, 3) % 600 / 10
    if "labels" in entry.types:
        found |= _label_properties(entry, index)
    return found


def _label_properties(entry: CollectionEntry, index: int) -> dict[str, Any]:
    raster = entry.sensor == "raster-labels"
    return {
        "label:type": "raster" if raster else "vector",
        "label:tasks": ["segmentation" if raster else "classification"],
        "label:methods": ["manual"],
        "label:properties": None if raster else ["class"],
        "label:classes": [{"name": None if raster else "class", "classes": class_names(entry)}],
        "label:description": f"Labels {index + 1} of {entry.items}",
    }


def class_names(entry: CollectionEntry) -> list[str]:
    """Return the names of the classes that the labels of a collection use."""
    subjects = {
        ("crop", "agri", "cashew", "fusion", "rwanda"): ["cropland", "fallow", "trees", "other"],
        ("landcover", "bigearth", "chesapeake"): [
            "water",
            "snow",
            "built-up",
            "bare ground",
            "woodland",
            "cropland",
        ],
        ("flood",): ["dry", "water"],
        ("cloud",): ["clear", "cloud"],
        ("sn3", "sn5"): ["road"],
        ("marine",): ["debris"],
    }
    for words, names in subjects.items():
        if any(word in entry.id for word in words):
            return names
    return ["building"]


def _when(entry: CollectionEntry, index: int) -> dict[str, str | None]:
    start, end = _interval(entry)
    if entry.tiles is not None and entry.tiles.dates:
        day = entry.tiles.dates[index % len(entry.tiles.dates)]
        return {"datetime": f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00Z"}
    seconds = int((end - start).total_seconds())
    moment = start + timedelta(seconds=mix(seed_of(entry.id), index, 4) % (seconds + 1))
    if any(word in entry.id for word in _COMPOSITES):
        last = min(end, moment + timedelta(days=5))
        return {"datetime": None, "start_datetime": _text(moment), "end_datetime": _text(last)}
    return {"datetime": _text(end if SENSORS[entry.sensor].is_label else moment)}


def _interval(entry: CollectionEntry) -> tuple[datetime, datetime]:
    start, end = (None if text is None else datetime.fromisoformat(text) for text in entry.interval)
    if start is None:
        start = datetime(2019, 1, 1, tzinfo=UTC) if end is None else end - _OPEN_ENDED
    return start, start + _OPEN_ENDED if end is None else end


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_MASK = (1 << 64) - 1


def seed_of(text: str) -> int:
    """Return a 64-bit seed for a name."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def mix(seed: int, *values: int) -> int:
    """Return 64 bits that depend on all arguments (the finaliser of SplitMix64, once per value)."""
    state = seed & _MASK
    for value in values:
        state = (state + 0x9E3779B97F4A7C15 + value) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def part(seed: int, *values: int) -> float:
    """Return a fraction in [0, 1) with six digits, exact in every arithmetic."""
    return mix(seed, *values) % 1_000_000 / 1_000_000


Band = dict[str, str | float]

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
    bands: tuple[Band, ...] = ()

    @property
    def suffix(self) -> str:
        """The file name's ending, without the dot."""
        return _SUFFIXES[self.media_type]

    @property
    def file_name(self) -> str:
        """The name of the asset's file inside the item's folder."""
        return f"{self.key}.{self.suffix}"


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


def _bands(*rows: tuple[str, str, float]) -> tuple[AssetKind, ...]:
    return tuple(
        AssetKind(name, GEOTIFF, ("data",), bands=({"name": name, "common_name": common, "gsd": gsd},))
        for name, common, gsd in rows
    )


def _rgb(key: str, title: str, gsd: float) -> AssetKind:
    names = ("red", "green", "blue")
    bands = tuple[Band, ...]({"name": name, "common_name": name, "gsd": gsd} for name in names)
    return AssetKind(key, GEOTIFF, ("data", "visual"), title, bands)


_THUMBNAIL = AssetKind("thumbnail", PNG, ("thumbnail",), "Quick look")
DOCUMENTATION = AssetKind("documentation", PDF, ("metadata",), "Documentation")
"""The asset that all items of a collection share."""

_LABEL_RASTER = AssetKind("labels", GEOTIFF, ("labels",), "Class raster")
_LABEL_SHAPES = AssetKind("labels", GEOJSON, ("labels",), "Annotated shapes")

_SENTINEL_2 = _bands(
    ("B01", "coastal", 60),
    ("B02", "blue", 10),
    ("B03", "green", 10),
    ("B04", "red", 10),
    ("B05", "rededge", 20),
    ("B06", "rededge", 20),
    ("B07", "rededge", 20),
    ("B08", "nir", 10),
    ("B8A", "nir08", 20),
    ("B09", "nir09", 60),
    ("B11", "swir16", 20),
    ("B12", "swir22", 20),
)
_CLOUDS = AssetKind("CLD", GEOTIFF, ("data", "cloud"), "Cloud probability", ({"name": "CLD"},))

_LANDSAT = _bands(
    ("B02", "blue", 30),
    ("B03", "green", 30),
    ("B04", "red", 30),
    ("B05", "nir", 30),
    ("B06", "swir16", 30),
    ("B07", "swir22", 30),
)
_RADAR = tuple(AssetKind(name, GEOTIFF, ("data",), bands=({"name": name},)) for name in ("VV", "VH"))
_QUAD = tuple(AssetKind(n, GEOTIFF, ("data",), bands=({"name": n},)) for n in ("HH", "HV", "VH", "VV"))
_PLANET = _bands(("B01", "blue", 3), ("B02", "green", 3), ("B03", "red", 3), ("B04", "nir", 3))
_PAN = AssetKind(
    "PAN", GEOTIFF, ("data",), "Panchromatic", ({"name": "PAN", "common_name": "pan", "gsd": 0.3},)
)


def _imagery(platform: str, instrument: str, gsd: float, degrees: float, *assets: AssetKind) -> Sensor:
    return Sensor(platform, instrument, gsd, degrees, (*assets, _THUMBNAIL, DOCUMENTATION))


def _labels(*assets: AssetKind, degrees: float = 0.0231) -> Sensor:
    return Sensor("", "", 0, degrees, (*assets, DOCUMENTATION))


SENSORS = {
    "sentinel-1": _imagery("Sentinel-1", "C-band SAR", 10, 0.0231, *_RADAR),
    "sentinel-2": _imagery("Sentinel-2", "MultiSpectral Instrument", 10, 0.0231, *_SENTINEL_2, _CLOUDS),
    "landsat-8": _imagery("Landsat-8", "OLI", 30, 0.0693, *_LANDSAT),
    "planetscope": _imagery("PlanetScope", "PS2", 3, 0.0069, *_PLANET),
    "naip": _imagery("NAIP", "Aerial camera", 1, 0.06, _rgb("image", "Aerial photograph", 1)),
    "drone": _imagery("UAV", "RGB camera", 0.05, 0.002, _rgb("image", "Orthophoto", 0.05)),
    "goes": _imagery("GOES", "Imager", 2000, 7.3, AssetKind("image", GEOTIFF, ("data",), "Infrared window")),
    "maxar": _imagery("WorldView", "Very fine optical", 0.3, 0.0008, _rgb("image", "Chip", 0.3)),
    "worldview": _imagery(
        "WorldView-3", "WV110", 0.3, 0.0018, _PAN, _rgb("PS-RGB", "Sharpened colour", 0.3), _LABEL_SHAPES
    ),
    "sar-optical": _imagery(
        "Capella airborne", "X-band SAR", 0.5, 0.004, *_QUAD, _rgb("PS-RGB", "Optical", 0.5), _LABEL_SHAPES
    ),
    "raster-labels": _labels(_LABEL_RASTER),
    "vector-labels": _labels(_LABEL_SHAPES),
    "flag-labels": _labels(AssetKind("labels", JSON, ("labels",), "Flags")),
    "table-labels": _labels(AssetKind("labels", CSV, ("labels",), "Table"), degrees=7.3),
}
"""Every value that `sensor` may have in the catalog's files."""
