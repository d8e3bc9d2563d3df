"""Places of a search: a box as people type it, and the geometry of a GeoJSON document or file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import InvalidSearch
from ..text import one_line
from .document import JsonDict
from .extent import BBox

_BOX_HINT = "give west, south, east, north in degrees: 33.9,-0.4,35.2,0.9"
_GEOJSON_HINT = "give a GeoJSON geometry, feature or feature collection in degrees (RFC 7946)"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NAME = re.compile(r"""^\s*["']?bbox["']?\s*[=:]""", re.IGNORECASE)
_BETWEEN = re.compile(r"""[][(){}\s,;"']+""")
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many lists are around the positions of each type (RFC 7946, section 3.1)."""
_LARGEST_FILE = 16 * 1024 * 1024  # bytes; what is sent to a server is far smaller
_MOST_GEOMETRIES = 1_000


def parse_bbox(text: str) -> BBox:
    """Return the box that was typed or pasted: four numbers, or six with heights, which do not count.

    Commas, semicolons, spaces and brackets between them are all the same; a box whose west is east of its
    east crosses the antimeridian (RFC 7946, section 5.2).

    Raises InvalidSearch if it is none; the message says what is wrong.
    """
    parts = [part for part in _BETWEEN.split(_NAME.sub("", text)) if part]
    for part in parts:
        if not _NUMBER.fullmatch(part):
            raise _no_box(text, f'holds "{one_line(part, 20)}", which is no number')
    if len(parts) not in (4, 6):
        raise _no_box(text, f"has {len(parts)} numbers, not 4 or 6")
    numbers = [float(part) for part in parts]
    box = BBox.parse(numbers)
    if box is None:
        raise _no_box(text, "holds a number that is too large")
    _check(box, text)
    return box


def _check(box: BBox, text: str) -> None:
    """Make sure that a box is on the globe, and that its corners are not mixed up."""
    for name, value in (("south", box.south), ("north", box.north)):
        if abs(value) > 90:
            swapped = abs(box.west) <= 90 and abs(box.east) <= 90
            words = "; latitude and longitude may be swapped" if swapped else ""
            raise _no_box(text, f"has its {name} at {value:g}, beyond 90 degrees{words}")
    for name, value in (("west", box.west), ("east", box.east)):
        if abs(value) > 180:
            raise _no_box(text, f"has its {name} at {value:g}, beyond 180 degrees")
    if box.south > box.north:
        raise _no_box(text, f"has its south ({box.south:g}) above its north ({box.north:g})")


def _no_box(text: str, reason: str) -> InvalidSearch:
    return InvalidSearch(f'the box "{one_line(text, 60)}" {reason}', hint=_BOX_HINT)


def geometry_of(value: Any) -> JsonDict:
    """Return the geometry of a GeoJSON document: its own, or its features' together.

    Several polygons become one MultiPolygon, as not every server takes a GeometryCollection.

    Raises InvalidSearch if it holds none, one of them is broken, or its numbers are no degrees.
    """
    found = list(_geometries(value))
    if not found:
        raise _no_geometry("holds no geometry")
    if len(found) > _MOST_GEOMETRIES:
        raise _no_geometry(f"holds {len(found):,} geometries; a search takes {_MOST_GEOMETRIES:,}")
    for geometry in found:
        _check_positions(geometry)
    return found[0] if len(found) == 1 else _joined(found)


def read_geometry(file: str | Path) -> JsonDict:
    """Return the geometry of a GeoJSON file.

    Raises InvalidSearch if it cannot be read, is no JSON, or as `geometry_of`.
    """
    path = Path(file)
    name = one_line(path.name, 60)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InvalidSearch(f"{name} is larger than 16 MB: too much for a search", hint=_GEOJSON_HINT)
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise InvalidSearch(f"{name} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InvalidSearch(f"{name} is no JSON", hint=_GEOJSON_HINT) from None
    try:
        return geometry_of(value)
    except InvalidSearch as error:
        raise InvalidSearch(f"{name} {error.message.removeprefix('it ')}", hint=error.hint) from None


def _geometries(value: Any) -> Iterator[JsonDict]:
    """Yield the simple geometries in a document, without recursion, in their order."""
    stack = [value]
    while stack:
        entry = stack.pop()
        if entry is None:
            continue
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind == "FeatureCollection" or kind == "GeometryCollection":
            parts = entry.get("features" if kind == "FeatureCollection" else "geometries")
            if not isinstance(parts, list):
                raise _no_geometry(f"has a {kind} without its list")
            stack.extend(reversed(parts))
        elif kind == "Feature":
            stack.append(entry.get("geometry"))
        elif kind in _DEPTHS:
            yield {"type": kind, "coordinates": entry.get("coordinates")}
        else:
            raise _no_geometry(f'is no GeoJSON: its type is "{one_line(kind, 30) or "missing"}"')


def _check_positions(geometry: JsonDict) -> None:
    """Make sure that the positions are where the type has them, and on the globe."""
    kind = geometry["type"]
    level = [geometry["coordinates"]]
    for _ in range(_DEPTHS[kind]):
        if not all(isinstance(entry, list) for entry in level):
            raise _no_geometry(f"has a {kind} whose coordinates are no lists")
        if kind.endswith("Polygon"):
            _check_rings(kind, level)
        level = [position for entry in level for position in entry]
    if not level:
        raise _no_geometry(f"has a {kind} without coordinates")
    for position in level:
        _check_position(kind, position)


def _check_rings(kind: str, level: list[list[Any]]) -> None:
    """Make sure that rings are closed and have at least four positions (RFC 7946, section 3.1.6)."""
    for ring in level:
        if ring and isinstance(ring[0], list) and ring[0] and not isinstance(ring[0][0], list):
            if len(ring) < 4:
                raise _no_geometry(f"has a {kind} with a ring of {len(ring)} positions, not 4 or more")
            if ring[0] != ring[-1]:
                raise _no_geometry(f"has a {kind} with a ring that is not closed")


def _check_position(kind: str, position: Any) -> None:
    numbers: list[Any] = position if isinstance(position, list) and len(position) >= 2 else [None]
    for number in numbers:
        if not isinstance(number, int | float) or isinstance(number, bool) or not math.isfinite(number):
            raise _no_geometry(f"has a {kind} with a position that is no pair of numbers")
    if abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
        place = f"{numbers[0]:g}, {numbers[1]:g}"
        raise _no_geometry(f"has a position at {place}: these are no degrees of longitude and latitude")


def _joined(geometries: list[JsonDict]) -> JsonDict:
    """Return several geometries as one."""
    if all(geometry["type"] in ("Polygon", "MultiPolygon") for geometry in geometries):
        parts: list[Any] = []
        for geometry in geometries:
            own = geometry["coordinates"]
            parts.extend([own] if geometry["type"] == "Polygon" else own)
        return {"type": "MultiPolygon", "coordinates": parts}
    return {"type": "GeometryCollection", "geometries": geometries}


def _no_geometry(reason: str) -> InvalidSearch:
    return InvalidSearch(f"it {reason}", hint=_GEOJSON_HINT)
