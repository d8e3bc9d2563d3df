"""Searches: which items are asked for, with times and places as people type them or files hold them."""

from __future__ import annotations

import json
import math
import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import InvalidSearch
from ..text import one_line
from .document import JsonDict
from .extent import BBox

OPEN = ".."
_EXAMPLES = (
    "a day (2018-04-25), a month (2018-04), a year (2018), or two with a slash: 2018-04/2018-06, 2018/.."
)
_DATE = r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"
_TIME = r"(?:[Tt ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d+)?)?)?"
_ZONE = r"\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?"
_MOMENT = re.compile(rf"{_DATE}{_TIME}{_ZONE}", re.ASCII)
_UTC = re.compile(r"(?<=[\d.])(?:\s*(?:[Zz]|UTC|GMT)\b)+$", re.IGNORECASE | re.ASCII)
_LEAP = re.compile(r"(:\d{2}:)60(\D|$)", re.ASCII)
_MIDNIGHT = re.compile(
    r"(\d{4}-?\d{2}-?\d{2})([T\s])24(:?00(?::?00(?:[.,]0*)?)?)(?![\d:.,])", re.IGNORECASE | re.ASCII
)
"""Midnight at the end of a day (ISO 8601-1, 5.3.2)."""
_CLOCK = re.compile(r"\d:\d{2}", re.ASCII)
_OFFSET = re.compile(r"[T\s]\d.*[+-]\d{2}(?::?\d{2})?$", re.IGNORECASE | re.ASCII)
_BETWEEN = re.compile(r"\s*/\s*|\s+to\s+", re.IGNORECASE)
_RESOLUTION = timedelta(milliseconds=1)  # what archives give the times of their scenes in


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, both ends in it; None is an open end."""

    start: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        """Return the form that a STAC API takes: an instant, or `start/end` with `..` for an open end."""
        start, end = _written(self.start), _written(self.end)
        return start if start == end else f"{start}/{end}"

    def meets(self, other: Span) -> bool:
        """Whether two stretches have an instant in common."""
        return _before(self.start, other.end) and _before(other.start, self.end)


def parse_when(text: str) -> str:
    """Return what was typed as the `datetime` of a search; empty text is any time.

    A day, a month and a year stand for all of their time, up to their last millisecond; a time without a
    zone is UTC. An interval is two of these with a slash (or `to`) between, where `..` or nothing is an open
    end (STAC API, Item Search, `datetime`; RFC 3339).

    Raises InvalidSearch if it is no date, or the interval ends before it starts.

    Examples
    --------
    >>> parse_when("2018-04/2018-06")
    '2018-04-01T00:00:00Z/2018-06-30T23:59:59.999Z'
    >>> parse_when("2018-04-25/..")
    '2018-04-25T00:00:00Z/..'
    """
    return str(span) if (span := parse_span(text)) else ""


def parse_span(text: str) -> Span | None:
    """Return what was typed as a stretch of time, None for empty text; see `parse_when`."""
    typed = text.strip().strip("\"'").strip()
    if not typed:
        return None
    ends = _BETWEEN.split(typed)
    if len(ends) == 1 and typed != OPEN:
        return _typed(typed)
    if len(ends) != 2:
        raise _invalid(text, "has more than two ends" if len(ends) > 2 else "names no date")
    first, last = (None if end in ("", OPEN) else _typed(end) for end in ends)
    if first is None and last is None:
        raise _invalid(text, "names no date at either end")
    span = Span(first.start if first else None, last.end if last else None)
    if not _before(span.start, span.end):
        raise _invalid(text, "ends before it starts")
    return span


def span_of(start: str, end: str) -> Span | None:
    """Return the stretch between an item's two times, None where neither can be read as one.

    Items are read tolerantly: an end that is missing is open, as of a sensor still at work, and ends that are
    the other way around are turned.
    """
    first, last = read_time(start), read_time(end)
    if first is None and last is None:
        return None
    span = Span(first.start if first else None, last.end if last else None)
    return span if _before(span.start, span.end) else Span(span.end, span.start)


def time_of(properties: Mapping[str, Any]) -> Span | None:
    """Return an item's time, None where it has none that can be read.

    A `datetime` overrides a range beside it, as in radiant_mlhub.
    """
    if single := read_time(_text(properties.get("datetime"))):
        return single
    return span_of(_text(properties.get("start_datetime")), _text(properties.get("end_datetime")))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""


@lru_cache(maxsize=4096)
def read_time(text: str) -> Span | None:
    """Return the stretch that a time of a document stands for, None where it cannot be read.

    Beside RFC 3339 (with a small `t` and `z`, and a leap second, which counts as the second before it): all
    of ISO 8601 that Python reads, 24:00 as the next day's 00:00, what people type, and a zone that is written
    in letters or twice (`12:00 UTC`, `12:00+00:00Z`). Without a zone it is UTC.
    """
    written = _plain(text)
    try:
        moment = datetime.fromisoformat(written)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        try:
            return parse_span(written)
        except InvalidSearch:
            return None
    return Span(moment, moment)


def _plain(text: str) -> str:
    """Return a time without what `datetime` does not know: UTC's names, a second zone, a second 60, 24:00."""
    written, named = _UTC.subn("", text.strip("\ufeff \t\r\n"))
    written = _LEAP.sub(r"\g<1>59\g<2>", written)
    written = _MIDNIGHT.sub(_next_day, written)
    return f"{written}Z" if named and _CLOCK.search(written) and not _OFFSET.search(written) else written


def _next_day(found: re.Match[str]) -> str:
    try:
        day = date.fromisoformat(found[1]) + timedelta(days=1)
    except (ValueError, OverflowError):
        return found[0]
    return f"{day}{found[2]}00{found[3]}"


def _typed(text: str) -> Span:
    """Return the stretch that a date, or a date with a time, stands for."""
    found = _MOMENT.fullmatch(_plain(text))
    if found is None:
        raise _invalid(text, "is no date")
    try:
        start = _start(found)
        return Span(start, _last(found, start))
    except (ValueError, OverflowError) as error:
        raise _invalid(text, f"is no date: {error}") from None


def _start(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(found[name] or least) for name, least in _PARTS)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(found["zone"]))
    return (moment + timedelta(seconds=float(found["fraction"] or 0))).astimezone(UTC)


def _last(found: re.Match[str], start: datetime) -> datetime:
    """Return the last instant of what was typed to the year, the month, the day or the minute."""
    if found["second"]:
        return start
    if found["minute"]:
        length = timedelta(minutes=1)
    elif found["day"]:
        length = timedelta(days=1)
    else:
        first = int(found["month"] or 1)
        months = range(first, (first if found["month"] else 12) + 1)
        length = timedelta(days=sum(monthrange(int(found["year"]), month)[1] for month in months))
    return start + (length - _RESOLUTION)


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    sign = -1 if text.startswith("-") else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _written(moment: datetime | None) -> str:
    if moment is None:
        return OPEN
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment.strftime('%Y').zfill(4)}{moment.strftime('-%m-%dT%H:%M:%S')}{fraction}Z"


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start <= end


def _invalid(text: str, reason: str) -> InvalidSearch:
    return InvalidSearch(f'"{one_line(text, 60)}" {reason}', hint=f"give {_EXAMPLES}")


_PARTS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))

_BOX_HINT = "give west, south, east, north in degrees: 33.9,-0.4,35.2,0.9"
_GEOJSON_HINT = "give a GeoJSON geometry, feature or feature collection in degrees (RFC 7946)"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NAME = re.compile(r"""^\s*["']?bbox["']?\s*[=:]""", re.IGNORECASE)
_SEPARATORS = re.compile(r"""[][(){}\s,;"']+""")
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
    parts = [part for part in _SEPARATORS.split(_NAME.sub("", text)) if part]
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


@dataclass(frozen=True, slots=True)
class Search:
    """What the items that are wanted have in common; everything given must hold.

    - `collections`: Ids of collections; empty for all.
    - `ids`: Ids of items; empty for all.
    - `bbox`: A box that they touch.
    - `intersects`: A GeoJSON geometry that they touch; not together with `bbox` (STAC API, Item Search).
    - `datetime`: An RFC 3339 instant or interval `start/end` with `..` for an open end; empty for any time.
    - `text`: Words that all must occur; what is searched is the source's business.
    - `filter`: A CQL2 text expression; empty for none.
    - `sort`: Fields in order, `-` before one for descending.
    - `limit`: How many items are wanted at most; None for all.
    """

    collections: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    bbox: BBox | None = None
    intersects: JsonDict | None = field(default=None, hash=False)
    datetime: str = ""
    text: str = ""
    filter: str = ""
    sort: tuple[str, ...] = ()
    limit: int | None = None
