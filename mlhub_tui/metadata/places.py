"""Geography: coastlines, borders and countries, boxes on the globe, and places and times in words.

`world.bin` is made of Natural Earth's 1:110m countries, with the smallest ones from its 1:50m set
(naturalearthdata.com, public domain; by way of the `world-atlas` topology), in hundredths of a degree: lines
that two countries share are there once. `tests/ui/map/make_world.py` makes the file. Borders
are drawn as Natural Earth draws them; they judge nothing.
"""

from __future__ import annotations

import json
import re
import struct
import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ..models import BBox, Extent, Interval
from ..text import count, date, one_line

UNITS = 100
"""Units of the lines' points in a degree."""
_TURN = 360 * UNITS
_FILE = Path(__file__).with_name("world.bin")


class WorldLine(NamedTuple):
    """A line of points, in hundredths of a degree, and the box around it.

    Longitudes continue beyond 180 degrees where it crosses the antimeridian.
    """

    xs: array[int]
    ys: array[int]
    west: int
    south: int
    east: int
    north: int


class Ring(NamedTuple):
    """A closed line of a country: its area in square degrees (below 0: a hole), its box, and its lines.

    The box is in hundredths of a degree; a line's number n stands for line n, `~n` for that backwards.
    """

    area: float
    west: int
    south: int
    east: int
    north: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """A country or territory: its name, its continent and its outline."""

    name: str
    continent: str
    rings: tuple[Ring, ...]
    area: float
    """Square degrees."""


@dataclass(frozen=True, slots=True)
class World:
    """All that is drawn and named.

    - `countries`: By name.
    - `coast`, `borders`: Lines to draw: shores, and borders on land.
    - `lines`: The lines that rings are made of.
    """

    countries: tuple[Country, ...]
    coast: tuple[WorldLine, ...]
    borders: tuple[WorldLine, ...]
    lines: tuple[tuple[array[int], array[int]], ...]

    def outline(self, ring: Ring) -> tuple[list[int], list[int]]:
        """Return the points of a ring in hundredths of a degree, beginning where its box does."""
        xs: list[int] = []
        ys: list[int] = []
        for number in ring.lines:
            step = 1 if number >= 0 else -1
            more_xs, more_ys = (part[::step] for part in self.lines[number if number >= 0 else ~number])
            start, turn = (1, _TURN * round((xs[-1] - more_xs[0]) / _TURN)) if xs else (0, 0)
            xs += [x + turn for x in more_xs[start:]]
            ys += more_ys[start:]
        if xs[0] != xs[-1]:  # all around the pole
            xs += [xs[-1], xs[0], xs[0]]
            ys += [-90 * UNITS, -90 * UNITS, ys[0]]
        turn = _TURN * ((min(xs) + _TURN // 2) // _TURN)
        return [x - turn for x in xs] if turn else xs, ys


@cache
def world() -> World:
    """Return the world (a few ms the first time)."""
    data = zlib.decompress(_FILE.read_bytes())
    head, lines, points = struct.unpack_from("<III", data)
    at = struct.calcsize("<III")
    rows = json.loads(data[at : (at := at + head)])
    kinds = data[at : (at := at + lines)]
    lengths = _numbers("H", data[at : (at := at + 2 * lines)])
    dxs = _numbers("h", data[at : (at := at + 2 * points)])
    dys = _numbers("h", data[at : at + 2 * points])
    found, start = [], 0
    for length in lengths:
        stop = start + length
        # Of a list, every number would be an object: 0.9 MB.
        found.append((array("i", accumulate(dxs[start:stop])), array("i", accumulate(dys[start:stop]))))
        start = stop
    drawn: tuple[list[WorldLine], list[WorldLine]] = ([], [])
    for kind, (xs, ys) in zip(kinds, found, strict=True):
        if kind < len(drawn):  # others are seams within one country
            drawn[kind].append(WorldLine(xs, ys, min(xs), min(ys), max(xs), max(ys)))
    countries = tuple(_country(*row) for row in rows)
    return World(countries, tuple(drawn[0]), tuple(drawn[1]), tuple(found))


def _numbers(code: str, data: bytes) -> array[int]:
    """Return 16-bit numbers that are stored as all their low bytes, then all their high ones."""
    joined = bytearray(len(data))
    half = len(data) // 2
    joined[0::2], joined[1::2] = data[:half], data[half:]
    numbers = array(code, bytes(joined))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _country(name: str, continent: str, rings: list[list[Any]]) -> Country:
    made = tuple(Ring._make([*ring[:5], tuple(ring[5])]) for ring in rings)
    return Country(name, continent, made, sum(ring.area for ring in made))


Box = tuple[float, float, float, float]
"""West, south, east, north in degrees: west from -180 to below 180, east from west to west + 360."""

_FARTHEST = 1e6
"""Degrees; a longitude beyond is no turn around the globe but a fault."""


def plain(box: Sequence[float]) -> Box | None:
    """Return a box as it lies on the globe, None where it lies nowhere.

    A box whose west is east of its east crosses the antimeridian (RFC 7946, section 5.2); one whose east is
    beyond 180 degrees does, too. Latitudes beyond the poles are cut, and swapped ones put right.
    """
    west, south, east, north = box
    if not max(abs(west), abs(east)) <= _FARTHEST:
        return None
    south, north = max(min(south, north), -90.0), min(max(south, north), 90.0)
    if not south <= north:
        return None
    width = east - west if east >= west else (east - west) % 360
    if width >= 360:
        return (-180.0, south, 180.0, north)
    start = (west + 180) % 360 - 180
    return (start, south, start + width, north)


def plain_boxes(boxes: Iterable[Sequence[float] | None]) -> list[Box]:
    """Return those of some boxes that lie on the globe."""
    return [found for box in boxes if box is not None and (found := plain(box)) is not None]


def parts(boxes: Sequence[BBox]) -> Sequence[BBox]:
    """Return the boxes of an extent without the first, where that is around all others.

    It should be (STAC Collection spec, Spatial Extent Object), and then tells less than they do.
    """
    if len(boxes) < 2:
        return boxes
    whole = plain(boxes[0])
    inside = whole is not None and all(_holds(whole, box) for box in plain_boxes(boxes[1:]))
    return boxes[1:] if inside else boxes


def _holds(whole: Box, box: Box) -> bool:
    start = (box[0] - whole[0]) % 360
    start = 0 if start > 359.999 else start
    across = start + box[2] - box[0] <= whole[2] - whole[0] + 0.001
    return across and whole[1] <= box[1] + 0.001 and box[3] <= whole[3] + 0.001


def around(boxes: Sequence[Box]) -> Box | None:
    """Return the narrowest box around some, which may cross the antimeridian; None around nothing.

    What is left out is the widest gap between them, on the circle of longitudes.
    """
    if not boxes:
        return None
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    gap = west = east = 0.0
    reach = max(box[2] for box in boxes) - 360  # what crosses the antimeridian covers the beginning, too
    for left, right in sorted((box[0], box[2]) for box in boxes):
        if left - reach > gap:
            gap, west, east = left - reach, left, reach
        reach = max(reach, right)
    if gap <= 0:
        return (-180.0, south, 180.0, north)
    return (west, south, east if east >= west else east + 360, north)


def halves(box: Box) -> list[Box]:
    """Return a box in parts that do not cross the antimeridian."""
    west, south, east, north = box
    if east <= 180:
        return [box]
    return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]


def as_bbox(box: Box, digits: int = 6) -> BBox:
    """Return a box as documents and searches have it: `west > east` over the antimeridian."""
    west, south, east, north = box
    if east - west >= 360:
        return BBox(-180.0, round(south, digits), 180.0, round(north, digits))
    east = east - 360 if east > 180 else east
    return BBox(*(round(value, digits) + 0.0 for value in (west, south, east, north)))


MOST_BOXES = 60
"""Boxes that are looked at, evenly chosen among more."""
MOST_NAMED, MOST_OTHERS, MOST_REGIONS = 3, 7, 30
_LEAST_SHARE = 0.05
"""Of the land in a box: less of a country is not worth its name (and may be the map's own coarseness)."""
_OWN_SHARE = 0.3
"""Of a country: one that lies in the box as much is named however small it is."""
_MAIN_SHARE, _LEADING_SHARE = 0.75, 0.4
"""Of the land: a country that has as much is named alone, or first of more than are named."""
_SMALL, _MAIN_OF_SMALL = 0.5, 0.5
"""Square degrees of a box for which the map's borders are coarse; and the share that is enough then."""
_CONTINENT_SHARE = 0.1
_WATER = 0.02
"""Of a large box: less land than that and it is called ocean."""
_LARGE = 30.0
"""Square degrees from which on a box can be called ocean though it touches land."""
_NEAR = (0.1, 0.35, 1.0)
"""Degrees around a small box in which land is looked for: shores of the map are some 10 km off."""


def place_words(boxes: Sequence[BBox]) -> str:
    """Return where some boxes are; empty where they are nowhere.

    Examples
    --------
    >>> place_words([BBox(33.9, -0.4, 35.2, 0.9)])
    'Kenya'
    """
    return places(plain_boxes(parts(boxes)))


def where_and_when(extent: Extent) -> str:
    """Return an extent in words; empty where it tells neither."""
    when = time_words(extent.intervals[0]) if extent.intervals else ""
    return ", ".join(filter(None, (place_words(extent.bboxes), when)))


def places(boxes: Sequence[Box]) -> str:
    """Return the countries or continents that boxes lie in, or `ocean`."""
    boxes = boxes[:: max(-(-len(boxes) // MOST_BOXES), 1)]
    areas = _areas(boxes)
    if isinstance(areas, str):
        return areas
    # Where the map is too coarse, a neighbour that is no small island is not there for certain.
    small = _size(boxes) <= _SMALL * len(boxes) and all(
        area < _OWN_SHARE * country.area for country, area in areas.items()
    )
    return _names(areas, _MAIN_OF_SMALL if small else _MAIN_SHARE)


def regions(boxes: Sequence[BBox]) -> list[str]:
    """Return the countries that boxes lie in, the largest part first, then the continents.

    One that has nearly all of the land stands alone, as in words; of more than `MOST_REGIONS` none stands.
    """
    found = plain_boxes(parts(boxes))
    found = found[:: max(-(-len(found) // MOST_BOXES), 1)]
    areas, main = _areas(found), places(found)
    if isinstance(areas, str):
        return [areas] if areas else []
    worth = sorted(_worth(areas).items(), key=lambda one: -one[1])
    countries = [country for country, _ in worth if country.name == main] or [country for country, _ in worth]
    names = [country.name for country in countries] if len(countries) <= MOST_REGIONS else []
    return [*names, *dict.fromkeys(country.continent for country in countries)]


def _size(boxes: Sequence[Box]) -> float:
    return sum(max(box[2] - box[0], 1e-9) * max(box[3] - box[1], 1e-9) for box in boxes)


def _areas(boxes: Sequence[Box]) -> dict[Country, float] | str:
    """Return the square degrees of each country in boxes; a word where they are everywhere, or in none."""
    if any(box[2] - box[0] >= 300 and box[3] - box[1] >= 100 for box in boxes):
        return "worldwide"
    pieces = [half for box in boxes for half in halves(box)]
    size = _size(pieces)
    areas = _countries(pieces)
    if not areas and size < _LARGE * len(pieces):
        areas = _nearby(pieces)
    if not areas or (size > _LARGE and sum(areas.values()) < _WATER * size):
        return "ocean" if boxes else ""
    return areas


def _worth(areas: dict[Country, float]) -> dict[Country, float]:
    """Return the countries that are worth their names."""
    land = sum(areas.values())
    return {
        country: area
        for country, area in areas.items()
        if area >= _LEAST_SHARE * land or area >= _OWN_SHARE * country.area
    }


def _names(areas: dict[Country, float], main: float) -> str:
    """Return the names of countries whose areas in some boxes are given, or how many there are, and where."""
    land, worth = sum(areas.values()), _worth(areas)
    if max(worth.values()) >= main * land:
        return max(worth, key=lambda country: worth[country]).name
    names = [country.name for country in sorted(worth, key=lambda country: -worth[country])]
    if len(names) <= MOST_NAMED:
        return joined(names)
    if len(names) <= MOST_OTHERS and max(worth.values()) >= _LEADING_SHARE * land:
        return f"{names[0]} and {len(names) - 1} others"
    shares: dict[str, float] = defaultdict(float)
    for country, area in worth.items():
        shares[country.continent] += area
    ranked = sorted(shares, key=lambda name: -shares[name])
    continents = [name for name in ranked if shares[name] >= _CONTINENT_SHARE * land]
    if len(continents) >= 5:
        return "worldwide"
    number = sum(country.continent in continents for country in worth)
    where = f" in {joined(continents)}" if len(continents) <= MOST_NAMED else ""
    return f"{count(number, 'country', 'countries')}{where}"


def joined(names: Sequence[str]) -> str:
    """Return names as a sentence has them: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _countries(boxes: Sequence[Box]) -> dict[Country, float]:
    """Return the square degrees that each country has in some boxes."""
    earth = world()
    scaled = [tuple(value * UNITS for value in box) for box in boxes]
    found: dict[Country, float] = {}
    for country in earth.countries:
        area = 0.0
        for ring in country.rings:
            # Rings that cross the antimeridian continue beyond 180 degrees.
            for turn in (0, 360 * UNITS) if ring.east > 180 * UNITS else (0,):
                for west, south, east, north in scaled:
                    beside = west + turn > ring.east or east + turn < ring.west
                    if not beside and south <= ring.north and north >= ring.south:
                        area += _share(earth, ring, west + turn, south, east + turn, north)
        if area > 0:
            found[country] = area
    return found


def _share(earth: World, ring: Ring, west: float, south: float, east: float, north: float) -> float:
    """Return the square degrees of a ring in a box; something, too, of a point in it."""
    if west <= ring.west and east >= ring.east and south <= ring.south and north >= ring.north:
        return ring.area
    # A point or a line has no area: a hair around it has.
    west, south, east, north = west - 0.01, south - 0.01, east + 0.01, north + 0.01
    xs, ys = earth.outline(ring)
    points: Sequence[tuple[float, float]] = list(zip(xs, ys, strict=True))
    for axis, limit, sign in ((0, west, 1), (0, east, -1), (1, south, 1), (1, north, -1)):
        points = _cut(points, axis, limit, sign)
        if not points:
            return 0.0
    doubled = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise([*points, points[0]]))
    area = abs(doubled) / 2 / UNITS / UNITS
    return -area if ring.area < 0 else area


def _cut(
    points: Sequence[tuple[float, float]], axis: int, limit: float, sign: int
) -> list[tuple[float, float]]:
    """Return what of a polygon lies on one side of a line (Sutherland and Hodgman)."""
    inside: list[tuple[float, float]] = []
    before = points[-1]
    was_in = sign * (before[axis] - limit) >= 0
    for point in points:
        is_in = sign * (point[axis] - limit) >= 0
        if is_in != was_in:
            part = (limit - before[axis]) / (point[axis] - before[axis])
            inside.append(
                (before[0] + part * (point[0] - before[0]), before[1] + part * (point[1] - before[1]))
            )
        if is_in:
            inside.append(point)
        before, was_in = point, is_in
    return inside


def _nearby(boxes: Sequence[Box]) -> dict[Country, float]:
    """Return the countries nearest to boxes that touch no land."""
    for reach in _NEAR:
        found = _countries([(w - reach, s - reach, e + reach, n + reach) for w, s, e, n in boxes])
        if found:
            return found
    return {}


_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})$")


def time_words(interval: Interval) -> str:
    """Return a time in words: `Apr 2018 to Mar 2020`, `2018`, `14 Apr 2018`, `since Apr 2018`; or nothing."""
    start, end = _day(interval.start), _day(interval.end)
    if start is None and end is None:
        known = [one_line(text, 40) for text in (interval.start, interval.end) if text]
        return " to ".join(dict.fromkeys(known))
    if start is None or end is None:
        if interval.start and interval.end:
            return f"{date(interval.start)} to {date(interval.end)}"
        return f"since {_month(start)}" if start is not None else f"until {_month(end)}" if end else ""
    if start == end:
        return f"{start[2]} {_month(start)}"
    if start[1:] == (1, 1) and end[1:] == (12, 31):
        return str(start[0]) if start[0] == end[0] else f"{start[0]} to {end[0]}"
    if start[:2] == end[:2]:
        return _month(start)
    if start[0] == end[0]:
        return f"{_month(start).split()[0]} to {_month(end)}"
    return f"{_month(start)} to {_month(end)}"


def _day(text: str) -> tuple[int, int, int] | None:
    found = _DAY.match(date(text))
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    return int(found[1]), int(found[2]), int(found[3])


def _month(day: tuple[int, int, int]) -> str:
    return f"{MONTHS[day[1]]} {day[0]}"


MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
