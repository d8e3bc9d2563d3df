"""What is typed into a plan, read; and what is said of its counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidSearch
from ..models import BBox, JsonDict
from ..models.area import geometry_of, parse_bbox, read_geometry
from ..models.when import Span, parse_span
from ..planning.selection import Amount, Counts, paid_words
from ..text import count, date, size

_LONGEST = 1 << 20
"""Characters of GeoJSON that are read from a field."""


@dataclass(frozen=True, slots=True)
class Area:
    """An area as it was typed: a box, or a geometry; neither where nothing was. `words` say what it is."""

    bbox: BBox | None = None
    intersects: JsonDict | None = None
    words: str = ""


def read_area(typed: str) -> Area:
    """Return the area that was typed or pasted: a box, GeoJSON, or the path of a file of it; may block.

    Raises
    ------
    InvalidSearch
        If it is none of these.
    """
    text = typed.strip()
    if not text:
        return Area()
    if text.startswith("{"):
        return _geometry(_parsed(text), "GeoJSON")
    path = _path(text)
    if path is not None:
        return _geometry(read_geometry(path), path.name)
    box = parse_bbox(text)
    if box.west > box.east:
        return Area(bbox=box, words="over the antimeridian")
    if box.west == box.east or box.south == box.north:
        return Area(bbox=box, words="a line or a point")
    return Area(bbox=box)


def _parsed(text: str) -> JsonDict:
    try:
        return geometry_of(json.loads(text[:_LONGEST]))
    except (ValueError, RecursionError):
        raise InvalidSearch("the GeoJSON is not whole", hint="paste all of it, or give a file") from None


def _geometry(geometry: JsonDict, name: str) -> Area:
    return Area(intersects=geometry, words=f"{geometry['type']} of {name}")


def _path(text: str) -> Path | None:
    """Return a path, where a text is to be read as one: by its ending, or because it is there."""
    named = text.lower().endswith((".json", ".geojson"))
    if not named and not text.startswith(("/", "~", "./", "../")):
        return None
    try:
        return Path(text).expanduser()
    except RuntimeError:  # `~nobody`: there is no such home
        return Path(text)


def read_when(typed: str) -> tuple[Span | None, str]:
    """Return the stretch of time that was typed, None for any, and how it was understood.

    Raises
    ------
    InvalidSearch
        If it is none.
    """
    span = parse_span(typed)
    if span is None:
        return None, ""
    start, end = ("open" if part is None else date(part.isoformat()) for part in (span.start, span.end))
    return span, start if start == end else f"{start} to {end}"


def sizes(amount: Amount, *, short: bool = False) -> str:
    """Return the bytes of an amount: what is known, and of how many files it is not."""
    if not amount.files:
        return ""
    if amount.bytes is not None:
        return size(amount.bytes)
    if amount.unknown == amount.files:
        return "size ?" if short else "of unknown size"
    rest = f"{amount.unknown:,} ?" if short else f"{amount.unknown:,} of unknown size"
    return f"{size(amount.known)} + {rest}"


def totals(counts: Counts) -> str:
    """Return what a selection comes to, on one line."""
    items = sum(entry.all for entry in counts.items.values())
    parts = [count(counts.all.files, "file"), sizes(counts.all), f"{count(items, 'item')}"]
    return " · ".join(filter(None, parts))


def remarks(counts: Counts, *, by_time: bool, by_place: bool) -> str:
    """Return what to know of a selection: items that are in it for lack of a time or a place, gaps."""
    timeless = sum(entry.timeless for entry in counts.items.values())
    placeless = sum(entry.placeless for entry in counts.items.values())
    shared = counts.all.assets - counts.all.files
    parts = [
        f"{count(timeless, 'item')} without a time {'kept' if by_time else 'among them'}" if timeless else "",
        f"{count(placeless, 'item')} without a place {'kept' if by_place else 'among them'}"
        if placeless
        else "",
        f"{shared:,} assets share the files of others" if shared > 0 else "",
        f"{count(counts.faults, 'asset')} without an address" if counts.faults else "",
        paid_words(counts) if counts.paid else "",
    ]
    return "; ".join(filter(None, parts))
