"""View of the globe in dots (equirectangular), and a box being chosen on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ...metadata.places import Box, as_bbox, plain
from ...models import BBox

WIDE, HIGH = 2, 4
"""Dots of a cell across and down."""
CLOSEST = 20_000.0
"""Dots in a degree at most: about 5 m a dot."""
_ROOM = 1.25
"""A view that fits something is so many times as large."""
_KILOMETRES = 111.2
"""Of a degree of latitude."""


@dataclass(frozen=True)
class MapView:
    """A part of the globe.

    - `longitude`, `latitude`: Its middle in degrees.
    - `scale`: Dots in a degree of latitude.
    - `columns`, `rows`: Its size in cells.
    """

    longitude: float
    latitude: float
    scale: float
    columns: int
    rows: int

    @property
    def width(self) -> int:
        """Dots across."""
        return self.columns * WIDE

    @property
    def height(self) -> int:
        """Dots down."""
        return self.rows * HIGH

    @cached_property
    def across(self) -> float:
        """Dots in a degree of longitude.

        As on the globe at the middle's latitude; the more of the globe is seen, the more as at the equator,
        so that the whole of it is never wider than 360 degrees.
        """
        seen = self.height / self.scale
        return self.scale * math.cos(math.radians(self.latitude * min(max((120 - seen) / 80, 0.0), 1.0)))

    @cached_property
    def west(self) -> float:
        """The longitude at the left edge, which may be below -180."""
        return self.longitude - min(self.width / 2 / self.across, 180)

    @cached_property
    def east(self) -> float:
        """The longitude at the right edge, which may be above 180."""
        return self.longitude + min(self.width / 2 / self.across, 180)

    @cached_property
    def north(self) -> float:
        """The latitude at the upper edge, which may be beyond the pole."""
        return self.latitude + self.height / 2 / self.scale

    @property
    def south(self) -> float:
        """The latitude at the lower edge, which may be beyond the pole."""
        return self.latitude - self.height / 2 / self.scale

    @cached_property
    def left(self) -> float:
        """The dot at which the globe begins: above 0 where it is narrower than the view."""
        return self.width / 2 - (self.longitude - self.west) * self.across

    def turns(self, west: float, east: float) -> list[float]:
        """Return the degrees by which something between two longitudes is moved to be seen, if it is."""
        turns = (-720.0, -360.0, 0.0, 360.0, 720.0)
        return [turn for turn in turns if west + turn < self.east and east + turn >= self.west]

    def x(self, longitude: float) -> float:
        """Return the dot of a longitude, as it is: without turning around the globe."""
        return self.left + (longitude - self.west) * self.across

    def y(self, latitude: float) -> float:
        """Return the dot of a latitude."""
        return (self.north - latitude) * self.scale

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return longitude and latitude of a dot, on the globe."""
        longitude = self.west + (x - self.left) / self.across
        latitude = self.north - y / self.scale
        return (longitude + 180) % 360 - 180, max(min(latitude, 90.0), -90.0)

    # Other views

    def moved(self, across: float, down: float) -> MapView:
        """Return the view as many dots further right and down."""
        longitude = self.longitude + across / self.across
        return replace(self, longitude=longitude, latitude=self.latitude - down / self.scale).settled()

    def zoomed(self, factor: float) -> MapView:
        """Return the view with the same middle, so many times closer."""
        return replace(self, scale=self.scale * factor).settled()

    def resized(self, columns: int, rows: int) -> MapView:
        """Return the view in another size: as much of the globe is seen, or more."""
        if (columns, rows) == (self.columns, self.rows):
            return self
        factor = min(columns / self.columns, rows / self.rows)
        return replace(self, columns=columns, rows=rows, scale=self.scale * factor).settled()

    def settled(self) -> MapView:
        """Return the view where it can be: the whole globe at most, the poles not inside of the edges."""
        scale = min(max(self.scale, _least(self.columns, self.rows)), CLOSEST)
        reach = 90 - self.height / 2 / scale
        latitude = max(min(self.latitude, reach), -reach) if reach > 0 else 0.0
        longitude = (self.longitude + 180) % 360 - 180
        return replace(self, longitude=longitude, latitude=latitude, scale=scale)

    @property
    def kilometres(self) -> float:
        """Of a dot, down."""
        return _KILOMETRES / self.scale


def whole(columns: int, rows: int) -> MapView:
    """Return the view of the whole globe."""
    columns, rows = max(columns, 1), max(rows, 1)
    return MapView(0.0, 0.0, _least(columns, rows), columns, rows)


def fitted(box: Box, columns: int, rows: int, *, least: float = 0.0) -> MapView:
    """Return the view of a box with some room around it.

    - `box`: What is to be seen.
    - `columns`, `rows`: Cells of the view.
    - `least`: Degrees of latitude that are to be seen at least, so that there is something to recognise.
    """
    columns, rows = max(columns, 1), max(rows, 1)
    west, south, east, north = box
    latitude = (south + north) / 2
    high = max((north - south) * _ROOM, least, 1e-6)
    wide = max((east - west) * _ROOM, 1e-6)
    narrow = math.cos(math.radians(min(abs(latitude), 85.0)))
    scale = min(rows * HIGH / high, columns * WIDE / (min(wide, 360.0) * narrow))
    view = MapView((west + east) / 2, latitude, scale, columns, rows).settled()
    # Where much is seen, degrees of longitude take more dots than at the middle's latitude.
    while view.width / view.across < min(wide, 360.0) * 0.99 and view.scale > _least(columns, rows):
        view = view.zoomed(0.9)
    return view


def _least(columns: int, rows: int) -> float:
    """Return the scale at which the whole globe fits."""
    return min(columns * WIDE / 360, rows * HIGH / 180)


def centred(view: MapView, longitude: float, latitude: float) -> MapView:
    """Return the view with another middle."""
    return replace(view, longitude=longitude, latitude=latitude).settled()


def seen(view: MapView, box: Box) -> MapView:
    """Return the view itself where the middle of a box is in sight, else one around it."""
    longitude, latitude = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    cell = cell_of(view, longitude, latitude)
    if cell is not None and 0 < cell[0] < view.columns - 1 and 0 < cell[1] < view.rows - 1:
        return view
    return centred(view, longitude, latitude)


def cell_of(view: MapView, longitude: float, latitude: float) -> tuple[int, int] | None:
    """Return the cell of a place, None where it is out of sight."""
    for turn in view.turns(longitude, longitude):
        x, y = int(view.x(longitude + turn)) // WIDE, int(view.y(latitude) // HIGH)
        if 0 <= x < view.columns and 0 <= y < view.rows:
            return x, y
    return None


def footprint_at(view: MapView, boxes: Sequence[Box], column: int, row: int) -> int | None:
    """Return the number of the smallest box around a cell, else of the nearest within two cells, or None."""
    best: tuple[float, int] | None = None
    x, y = column * WIDE + WIDE / 2, row * HIGH + HIGH / 2
    for number, (west, south, east, north) in enumerate(boxes):
        for turn in view.turns(west, east):
            left, right = view.x(west + turn), view.x(east + turn)
            top, bottom = view.y(north), view.y(south)
            away = max(left - x, x - right, top - y, y - bottom)
            # Inside, small ones lie on large ones.
            rank = away if away > HIGH else (right - left) * (bottom - top) / 1e12
            if away <= 2 * HIGH and (best is None or rank < best[0]):
                best = rank, number
    return best[1] if best is not None else None


_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """Two corners, in degrees.

    - `still`: Longitude and latitude of the corner that stays.
    - `corner`: Those of the one that is moved; its longitude may lie beyond the antimeridian.
    """

    still: tuple[float, float]
    corner: tuple[float, float]

    @classmethod
    def around(cls, bbox: BBox) -> Frame | None:
        """Return the frame of a box, its lower right corner to be moved; None where it lies nowhere."""
        box = plain(bbox)
        return cls((box[0], box[3]), (box[2], box[1])) if box is not None else None

    @classmethod
    def within(cls, view: MapView) -> Frame:
        """Return a frame in the middle of what is seen, half as wide and high."""
        across, down = (view.east - view.west) / 4, view.height / view.scale / 4
        across, down = min(across, 45.0), min(down, 30.0)
        (west, east), (north, south) = (
            (view.longitude - across, view.longitude + across),
            (view.latitude + down, view.latitude - down),
        )
        return cls((west, min(north, 90.0)), (east, max(south, -90.0)))

    @property
    def box(self) -> Box:
        """The box between the corners."""
        (x0, y0), (x1, y1) = self.still, self.corner
        found = plain((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
        assert found is not None
        return found

    def words(self, view: MapView) -> str:
        """Return the box as people type it, and what keys do here."""
        box = self.taken(view)
        degrees = ",".join(f"{value:g}" for value in box)
        return f"{degrees}  enter takes, space other corner, esc cancels"

    def moved(self, view: MapView, across: int, down: int) -> tuple[Frame, MapView]:
        """Return the frame with its corner so many cells further, and a view in which it is seen."""
        x = self.corner[0] + across * WIDE / view.across
        y = self.corner[1] - down * HIGH / view.scale
        x = min(max(x, self.still[0] - 360), self.still[0] + 360)
        frame = replace(self, corner=(x, min(max(y, -90.0), 90.0)))
        corner = plain((*frame.corner, *frame.corner))
        return frame, seen(view, corner) if corner is not None else view

    def turned(self) -> Frame:
        """Return the frame with the other corner to be moved."""
        return Frame(self.corner, self.still)

    def taken(self, view: MapView) -> BBox:
        """Return the box, in as many digits as the view's dots tell apart."""
        digits = min(max(math.ceil(math.log10(view.scale)), 0), _MOST_DIGITS)
        return as_bbox(self.box, digits)
