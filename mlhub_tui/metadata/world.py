"""The map of the world: coastlines, borders and the outlines of countries, read on first use.

`world.bin` is made of Natural Earth's 1:110m countries, with the smallest ones from its 1:50m set
(naturalearthdata.com, public domain; by way of the `world-atlas` topology), in hundredths of a degree: lines
that two countries share are there once. `tests/ui/map/make_world.py` makes the file. Borders
are drawn as Natural Earth draws them; they judge nothing.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

UNITS = 100
"""Units of the lines' points in a degree."""
_TURN = 360 * UNITS
_FILE = Path(__file__).with_name("world.bin")


class WorldLine(NamedTuple):
    """A line of points, in hundredths of a degree, and the box around it.

    Longitudes continue beyond 180 degrees where it crosses the antimeridian.
    """

    xs: list[int]
    ys: list[int]
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

    Parameters
    ----------
    countries
        By name.
    coast, borders
        Lines to draw: shores, and borders on land.
    lines
        The lines that rings are made of.
    """

    countries: tuple[Country, ...]
    coast: tuple[WorldLine, ...]
    borders: tuple[WorldLine, ...]
    lines: tuple[tuple[list[int], list[int]], ...]

    def outline(self, ring: Ring) -> tuple[list[int], list[int]]:
        """Return the points of a ring in hundredths of a degree, beginning where its box does."""
        xs: list[int] = []
        ys: list[int] = []
        for number in ring.lines:
            step = 1 if number >= 0 else -1
            more_xs, more_ys = (part[::step] for part in self.lines[number if number >= 0 else ~number])
            start = 0
            if xs:
                start, turn = 1, _TURN * round((xs[-1] - more_xs[0]) / _TURN)
                more_xs = [x + turn for x in more_xs]
            xs += more_xs[start:]
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
        found.append((list(accumulate(dxs[start:stop])), list(accumulate(dys[start:stop]))))
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
