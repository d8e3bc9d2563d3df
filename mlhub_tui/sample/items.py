"""Items made up on the spot: the n-th item of a collection is the same on every machine and at every start.

They are STAC 1.0.0 items (https://github.com/radiantearth/stac-spec, item-spec) inside their collection's
extent and interval. Hrefs and links are left to the caller: they differ between API, archive and catalog.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .catalog import AssetKind, Box, CollectionEntry, DatasetEntry, Json

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
    side = entry.look.degrees
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
    if not entry.look.is_label:
        return
    for source in parent.collections:
        if source.look.is_label or _split(source) not in (_split(entry), ""):
            continue
        dates = len(source.tiles.dates) if source.tiles else 1
        for place in range(index * dates, min((index + 1) * dates, source.items)):
            yield source, item_id(source, place)


def _split(entry: CollectionEntry) -> str:
    return next((name for name in ("train", "test") if name in entry.id), "")


def geometry(box: Box) -> Json:
    """Return the box as a GeoJSON polygon, counter-clockwise (RFC 7946, section 3.1.6)."""
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def item(entry: CollectionEntry, index: int) -> Json:
    """Return the item at `index` without links and with assets that have no href yet."""
    box = footprint(entry, index)
    labels = [LABEL] if "labels" in entry.types else []
    return {
        "id": item_id(entry, index),
        "bbox": list(box),
        "type": "Feature",
        "links": [],
        "assets": {kind.key: _asset(kind) for kind in entry.look.assets},
        "geometry": geometry(box),
        "collection": entry.id,
        "properties": {**_when(entry, index), **_properties(entry, index)},
        "stac_version": "1.0.0",
        "stac_extensions": labels if entry.look.is_label else [EO, *labels],
    }


def _asset(kind: AssetKind) -> Json:
    asset: Json = {"href": "", "type": kind.media_type, "roles": list(kind.roles)}
    if kind.title:
        asset["title"] = kind.title
    if kind.bands:
        asset["eo:bands"] = [*kind.bands]
    return asset


def _properties(entry: CollectionEntry, index: int) -> Json:
    look, found = entry.look, dict[str, Any]()
    if not look.is_label:
        found |= {"gsd": look.gsd, "platform": look.platform, "instruments": [look.instrument]}
        if bands := [band for kind in look.assets for band in kind.bands]:
            found["eo:bands"] = bands
        if entry.sensor in ("sentinel-2", "landsat-8", "planetscope"):
            found["eo:cloud_cover"] = mix(seed_of(entry.id), index, 3) % 600 / 10
    if "labels" in entry.types:
        raster = entry.sensor == "raster-labels"
        found |= {
            "label:type": "raster" if raster else "vector",
            "label:tasks": ["segmentation" if raster else "classification"],
            "label:methods": ["manual"],
            "label:properties": None if raster else ["class"],
            "label:classes": [{"name": None if raster else "class", "classes": entry.classes}],
            "label:description": f"Labels {index + 1} of {entry.items}",
        }
    return found


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
    return {"datetime": _text(end if entry.look.is_label else moment)}


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
