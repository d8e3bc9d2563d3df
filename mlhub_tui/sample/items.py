"""Items made up on the spot: the n-th item of a collection is the same on every machine and at every start.

They are STAC 1.0.0 items (https://github.com/radiantearth/stac-spec, item-spec) inside their collection's
extent and interval. Hrefs and links are left to the caller: they differ between API, archive and catalog.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .catalog import Box, CollectionEntry, DatasetEntry
from .hashing import mix, part, seed_of
from .sensors import SENSORS

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
