"""The exact test: the item's own geometry instead of its box, with shapely where that is installed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ..errors import InvalidSearch, MLHubException
from ..models import JsonDict
from .geometry import geometries
from .records import Place


class NoShapely(MLHubException):
    """The exact test of geometries was asked for, and shapely is not there."""

    default_hint = "run `pip install 'mlhub-tui[geometry]'`, or go without the exact test"


class ExactTest:
    """Whether an item's geometry touches the area; a function of a database row.

    Parameters
    ----------
    area
        A shapely geometry.
    shapely
        The module.
    """

    def __init__(self, area: Any, shapely: Any) -> None:
        self._shapely = shapely
        self._area = area
        shapely.prepare(area)

    @classmethod
    def of_places(cls, places: Iterable[Place]) -> ExactTest:
        """Return the test for boxes."""
        shapely = _shapely()
        return cls(shapely.union_all([shapely.box(*place) for place in places]), shapely)

    @classmethod
    def of_geojson(cls, value: JsonDict) -> ExactTest:
        """Return the test for GeoJSON; an invalid one (a bow tie) is mended.

        Raises
        ------
        InvalidSearch
            If shapely cannot read it.
        """
        shapely = _shapely()
        try:
            shapes = [shapely.from_geojson(json.dumps(geometry)) for geometry in geometries(value)]
            return cls(shapely.union_all([shapely.make_valid(shape) for shape in shapes]), shapely)
        except shapely.errors.ShapelyError:
            raise InvalidSearch("the GeoJSON cannot be read") from None

    def __call__(
        self, kind: int, west: float, south: float, east: float, north: float, geometry: str | None
    ) -> bool:
        """Whether an item touches it, by its geometry where one is kept, else by its box."""
        if kind & 2:
            return True
        return bool(self._shapely.intersects(self._area, self._shape(west, south, east, north, geometry)))

    def _shape(self, west: float, south: float, east: float, north: float, geometry: str | None) -> Any:
        shapely = self._shapely
        if geometry is not None:
            try:
                return self._on_globe(shapely.from_geojson(geometry), crosses=east > 180)
            except shapely.errors.ShapelyError:
                pass
        if east > 180:
            halves = (shapely.box(west, south, 180, north), shapely.box(-180, south, east - 360, north))
            return shapely.union_all(halves)
        return shapely.box(west, south, east, north)

    def _on_globe(self, shape: Any, *, crosses: bool) -> Any:
        """Return a geometry where it is between -180 and 180, be it written from 0 to 360 or across 180."""
        shapely = self._shapely
        if crosses:
            shape = shapely.transform(shape, _eastwards)
        shape = shapely.make_valid(shape)
        west, _, east, _ = shapely.bounds(shape)
        if west >= -180 and east <= 180:
            return shape
        return shapely.union_all([shape, shapely.transform(shape, _back if east > 180 else _forth)])


def _eastwards(points: Any) -> Any:
    """Return positions with longitudes from 0 to 360, so that those on both sides of 180 are neighbours."""
    moved = points.copy()
    moved[:, 0][moved[:, 0] < 0] += 360
    return moved


def _back(points: Any) -> Any:
    """Return positions once around the earth to the west."""
    moved = points.copy()
    moved[:, 0] -= 360
    return moved


def _forth(points: Any) -> Any:
    """Return positions once around the earth to the east."""
    moved = points.copy()
    moved[:, 0] += 360
    return moved


def check_shapely() -> None:
    """Raise NoShapely where the exact test cannot be made."""
    _shapely()


def _shapely() -> Any:
    try:
        return import_module("shapely")
    except ImportError:
        raise NoShapely("the exact test of geometries needs shapely, which is not installed") from None
