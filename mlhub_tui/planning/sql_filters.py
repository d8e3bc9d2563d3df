"""Conditions: area and time of filters as SQL, for single items and for whole blocks of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from .exact import ExactTest
from .filters import Filters, bounds
from .geometry import Shape
from .records import Place

_NOWHERE = "-9e999"
Values = dict[str, float | int]


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions with their values.

    Parameters
    ----------
    item
        On a row of `spot`: whether the item meets the filters.
    some
        On a row of `block`: whether any of its items may.
    every
        On a row of `block`: whether all of them do, for certain; false where that is not worth finding out.
    """

    item: str
    some: str
    every: str
    values: Values = field(default_factory=dict)


def where(connection: sqlite3.Connection, filters: Filters) -> Where:
    """Return the conditions of area and time; the functions they name are made on the connection.

    Raises
    ------
    InvalidSearch
        If the geometry is none.
    NoShapely
        If the exact test is wanted and shapely is not installed.
    """
    parts = [part for part in (_area(connection, filters), _time(filters)) if part is not None]
    values: Values = {}
    for part in parts:
        values |= part.values
    return Where(
        _all(p.item for p in parts), _all(p.some for p in parts), _all(p.every for p in parts), values
    )


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({condition})" for condition in conditions) or "1"


def _time(filters: Filters) -> Where | None:
    if filters.when is None:
        return None
    first, last = bounds(filters.when)
    values: Values = {}
    item, some, every = [], [], []
    if last is not None:
        values["last"] = last
        item, some, every = ["t0 <= :last"], ["a0 <= :last"], ["a1 <= :last"]
    if first is not None:
        values["first"] = first
        item.append("t1 >= :first")
        some.append("z1 >= :first")
        every.append("z0 >= :first")
    return Where(_all(item), _all(some), _all(every), values)


def _area(connection: sqlite3.Connection, filters: Filters) -> Where | None:
    if filters.bbox is not None:
        box = filters.bbox
        places = _halves((box.west, box.south, box.east, box.north))
        found = _boxes(places, inside=filters.exact)
        exact = ExactTest.of_places(places) if filters.exact else None
    elif filters.intersects is not None:
        shape = Shape(filters.intersects)
        exact = ExactTest.of_geojson(filters.intersects) if filters.exact else None
        found = _shape(connection, shape)
    else:
        return None
    if exact is None:
        return found
    connection.create_function("touches_exactly", 6, exact, deterministic=True)
    test = "touches_exactly(kind, w, s, e, n, (SELECT json FROM geometry WHERE geometry.item = spot.item))"
    return Where(f"{found.item} AND {test}", found.some, found.every, found.values)


def _halves(place: Place) -> list[Place]:
    """Return the one or two boxes that a box is, where it crosses the antimeridian."""
    west, south, east, north = place
    if west <= east:
        return [place]
    return [(west, south, 180.0, north), (-180.0, south, east, north)]


def _around(places: Iterable[Place]) -> list[Place]:
    """Return boxes and the same once around the earth, where items that cross the antimeridian go on."""
    return [box for w, s, e, n in places for box in ((w, s, e, n), (w + 360, s, e + 360, n))]


def _boxes(places: Iterable[Place], *, inside: bool) -> Where:
    """Return the conditions for touching one of the boxes; `inside`: a whole block counts only inside one."""
    values: Values = {}
    item, some, every = [], [], []
    for number, place in enumerate(_around(places)):
        names = [f":{side}{number}" for side in "wsen"]
        values |= {name[1:]: value for name, value in zip(names, place, strict=True)}
        w, s, e, n = names
        # Items east of 180 are those across the antimeridian: others are not looked for around the earth.
        beyond = 180 if number % 2 else _NOWHERE
        item.append(f"w <= {e} AND e >= {w} AND s <= {n} AND n >= {s} AND e > {beyond}")
        some.append(f"w0 <= {e} AND e1 >= {w} AND s0 <= {n} AND n1 >= {s} AND e1 > {beyond}")
        if inside:
            every.append(f"w0 >= {w} AND e1 <= {e} AND s0 >= {s} AND n1 <= {n}")
        else:
            every.append(f"w1 <= {e} AND e0 >= {w} AND s1 <= {n} AND n0 >= {s} AND e0 > {beyond}")
    return Where(_any(item), _any(some), _any(every), values)


def _any(conditions: Iterable[str]) -> str:
    return "(" + " OR ".join(f"({condition})" for condition in conditions) + ")"


def _shape(connection: sqlite3.Connection, shape: Shape) -> Where:
    """Return the conditions for touching a geometry: its box first, since asking the geometry costs more."""
    connection.create_function("touches", 4, shape.touches, deterministic=True)
    connection.create_function("covers", 4, shape.covers, deterministic=True)
    box = _boxes([shape.place], inside=True)
    item = f"{box.item} AND (kind & 2 OR touches(w, s, e, n))"
    some = f"{box.some} AND (kind & 2 OR touches(w0, s0, e1, n1))"
    return Where(item, some, "kind & 2 OR covers(w0, s0, e1, n1)", box.values)
