"""Criteria of a search as typed into the form: parsed and checked field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from ..auth import Kind
from ..errors import InvalidSearch
from ..fileio import expanded
from ..models import BBox, JsonDict, Search
from ..models.search import geometry_of, parse_bbox, parse_when, read_geometry
from ..text import count, date, one_line
from .terminal.characters import fit_name

MOST_ITEMS = 10**9
_LEAST_OF_ID = 12
"""Cells that an id of a collection has on a line in any case."""
_LONGEST = 10_000
"""Characters of a field that are read."""
_LONGEST_AREA = 1 << 20
"""Characters of GeoJSON that are read from a field."""


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """A row of the form.

    - `name`: The field of `Search` that it is about.
    - `label`: What stands before it.
    - `example`: What stands in it while it is empty.
    """

    name: str
    label: str
    example: str


ROWS = (
    CriterionRow("collections", "In", "ids of collections, with commas; empty: everywhere"),
    CriterionRow("text", "Words", "all of them in id, title, keywords, …"),
    CriterionRow("bbox", "Box", "west,south,east,north: 33.9,-0.4,35.2,0.9"),
    CriterionRow("intersects", "GeoJSON", "a file with the area; tab completes"),
    CriterionRow("datetime", "Dates", "2018-04-25, 2018-04, 2018, 2018-04/2018-06, 2018/.."),
    CriterionRow("ids", "Item ids", "with commas"),
    CriterionRow("filter", "Filter", "CQL2: \"eo:cloud_cover\" < 10 AND platform = 'landsat-8'"),
    CriterionRow("sort", "Sort by", "-datetime, eo:cloud_cover"),
    CriterionRow("limit", "At most", "so many items; empty: all"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a field says: its value for the search, and words on it; bad ones keep the search from running."""

    value: Any = None
    words: str = ""
    bad: bool = False


def read(name: str, typed: str) -> Reading:
    """Return what was typed into a field of the form; a file of GeoJSON is read elsewhere."""
    text = typed.strip()
    if not text:
        return Reading()
    if len(text) > _LONGEST:
        return Reading(words=f"too long: {count(len(text), 'character')}", bad=True)
    try:
        return _READERS[name](text)
    except InvalidSearch as error:
        return Reading(words=error.full_message, bad=True)


def _read_list(text: str) -> Reading:
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    return Reading(parts, count(len(parts), "id") if len(parts) > 1 else "")


def _read_box(text: str) -> Reading:
    box = parse_bbox(text)
    words = str(box)
    if box.west > box.east:
        words += ", over the antimeridian"
    return Reading(box, words)


def read_file(typed: str) -> Reading:
    """Return the geometry in a file of GeoJSON; blocks while that is read."""
    path = Path(typed.strip())
    try:
        return _of_geometry(read_geometry(expanded(path)), path.name)
    except InvalidSearch as error:
        return Reading(words=error.full_message, bad=True)


def _of_geometry(geometry: JsonDict, name: str) -> Reading:
    return Reading(geometry, f"{geometry['type']} of {name}")


def read_area(typed: str) -> Reading:
    """Return the area that was typed or pasted: a box, GeoJSON, or the path of a file of it; may block."""
    text = typed.strip()
    if not text:
        return Reading()
    if text.lower().endswith((".json", ".geojson")) or text.startswith(("/", "~", "./", "../")):
        return read_file(text)
    try:
        if text.startswith("{"):
            return _of_geometry(geometry_of(json.loads(text[:_LONGEST_AREA])), "GeoJSON")
        box = parse_bbox(text)
    except InvalidSearch as error:
        return Reading(words=error.full_message, bad=True)
    except (ValueError, RecursionError):
        return Reading(words="the GeoJSON is not whole: paste all of it, or give a file", bad=True)
    flat = box.west == box.east or box.south == box.north
    return Reading(
        box, "over the antimeridian" if box.west > box.east else "a line or a point" if flat else ""
    )


def _read_dates(text: str) -> Reading:
    when = parse_when(text)
    start, _, end = when.partition("/")
    if not end:
        return Reading(when, when)
    words = " to ".join("open" if part == ".." else date(part) for part in (start, end))
    return Reading(when, date(start) if date(start) == date(end) else words)


def _read_filter(text: str) -> Reading:
    if (why := fault(text)) or not text:
        return Reading(words=why, bad=True)
    return Reading(text)


def _read_sort(text: str) -> Reading:
    fields = tuple(part.strip() for part in text.split(",") if part.strip())
    if bare := [part for part in fields if not part.lstrip("+-")]:
        return Reading(words=f'"{one_line(bare[0], 20)}" names no field', bad=True)
    words = ", ".join(
        f"{one_line(part.lstrip('+-'), 40)} {'falling' if part.startswith('-') else 'rising'}"
        for part in fields
    )
    return Reading(fields, words)


def _read_limit(text: str) -> Reading:
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:12]) <= MOST_ITEMS):
        return Reading(words="a number of items, 1 or more", bad=True)
    return Reading(int(digits[:12]), "")


_READERS: Mapping[str, Callable[[str], Reading]] = {
    "collections": _read_list,
    "ids": _read_list,
    "text": lambda text: Reading(" ".join(text.split())),
    "bbox": _read_box,
    "datetime": _read_dates,
    "filter": _read_filter,
    "sort": _read_sort,
    "limit": _read_limit,
}


def fault(expression: str) -> str:
    """Return what keeps an expression from being CQL2 text; empty where nothing does at first sight.

    Only quotes and brackets are looked at (OGC 21-065, "CQL2 Text"): the server knows the rest.
    """
    depth, quote = 0, ""
    for letter in expression:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if depth < 0:
                return "a bracket is closed that was not opened"
    if quote:
        return f"a quote is not closed: {quote}"
    return "a bracket is not closed" if depth else ""


def quoted(name: str) -> str:
    """Return a property's name as it is written in CQL2 text."""
    plain = name.replace("_", "a").isalnum() and name.isascii() and not name[0].isdigit()
    return name if plain else '"{}"'.format(name.replace('"', '""'))


def why_not(name: str, kind: Kind) -> str:
    """Return why a field is not offered by a source of a kind, in a few words."""
    if name == "filter" and kind is not Kind.STAC_API:
        return "not here: items are filtered locally, without CQL2"
    says = {"filter": "take filters in CQL2 text", "sort": "sort", "text": "search for words"}
    return f"this API does not say that it can {says[name]}" if name in says else "not offered here"


def written(search: Search) -> dict[str, str]:
    """Return what is to be typed for a search, by field; a geometry has no place in it."""
    found = {
        "collections": ", ".join(search.collections),
        "text": search.text,
        "bbox": box_text(search.bbox) if search.bbox is not None else "",
        "datetime": typed_dates(search.datetime),
        "ids": ", ".join(search.ids),
        "filter": search.filter,
        "sort": ", ".join(search.sort),
        "limit": str(search.limit) if search.limit is not None else "",
    }
    return {name: text for name, text in found.items() if text}


def typed_dates(when: str) -> str:
    """Return a time of a search in the shortest form that reads the same: `2018-04` for a whole month."""
    start, _, end = when.partition("/")
    lengths = (4, 7, 10)  # a year, a month, a day
    forms = [start[:length] for length in lengths]
    forms += [f"{start[:length]}/{end[:length]}" for length in lengths]
    return next((form for form in forms if end and read("datetime", form).value == when), when)


def box_text(box: BBox) -> str:
    """Return a box as it is typed."""
    return ",".join(_degrees(value) for value in box)


def _degrees(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def words_of(search: Search, room: int | None = None) -> str:
    """Return a search on one line, for the top of its results.

    - `room`: Cells that it is for: ids of collections give way, so that the rest of it is in sight.
    """
    before = f'"{search.text}"' if search.text else ""
    after = (
        read("datetime", search.datetime).words or search.datetime,
        count(len(search.ids), "id") if search.ids else "",
        f"box {box_text(search.bbox)}" if search.bbox is not None else "",
        f"within a {search.intersects.get('type')}" if search.intersects else "",
        search.filter,
        f"by {', '.join(search.sort)}" if search.sort else "",
        f"{search.limit:,} at most" if search.limit is not None else "",
    )

    def joined(within: str) -> str:
        return one_line("; ".join(filter(None, (before, within and f"in {within}", *after)))) or "all items"

    whole = joined(", ".join(search.collections))
    if room is None or cell_len(whole) <= room or not search.collections:
        return whole
    if len(search.collections) > 1:
        return joined(count(len(search.collections), "collection"))
    left = room - cell_len(joined("x")) + 1
    return joined(fit_name(search.collections[0], max(left, _LEAST_OF_ID)))
