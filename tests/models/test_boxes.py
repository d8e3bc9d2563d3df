"""Boxes of documents as programs write them: brought onto the globe, or taken from the geometry."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import BBox, Collection, Item
from mlhub_tui.models.extent import geometry_bbox
from mlhub_tui.sources.local_search import intersect

degrees = st.floats(-400, 400, allow_nan=False)


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    """Return the corners of a box, closed."""
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*sides: float) -> dict[str, Any]:
    """Return a box as a polygon."""
    return {"type": "Polygon", "coordinates": [ring(*sides)]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([10, 20, 30, 40], (10, 20, 30, 40)),
        ([10, 20, 0, 30, 40, 99], (10, 20, 30, 40)),
        ([170, -10, 190, 10], (170, -10, -170, 10)),
        ([190, -10, 200, 10], (-170, -10, -160, 10)),
        ([180, -10, 190, 10], (-180, -10, -170, 10)),
        ([-190, -10, -170, 10], (170, -10, -170, 10)),
        ([170, -10, 180, 10], (170, -10, 180, 10)),
        ([0, -90, 360, 90], (-180, -90, 180, 90)),
        ([-180, -90, 180, 90], (-180, -90, 180, 90)),
        ([0, -90, 359.9999, 90], (-180, -90, 180, 90)),
        ([170, -10, -170, 10], (170, -10, -170, 10)),
        ([10, 40, 30, 20], (10, 20, 30, 40)),
        ([30, 40, 10, 20], (10, 20, 30, 40)),
        ([-10, 170, 10, 175], (170, -10, 175, 10)),
        ([-180.0000001, -90.0000001, 180.0000001, 90.0000001], (-180, -90, 180, 90)),
        ([500000, 4000000, 600000, 4100000], None),
        ([100, 20, 130, 95], None),
        ([10, 20, 30], None),
        (["10", 20, 30, "40"], (10, 20, 30, 40)),
        (["ten", 20, 30, 40], None),
        ([None, None, None, None], None),
        (None, None),
    ],
)
def test_a_box_is_brought_onto_the_globe(written: Any, meant: Any) -> None:
    item = Item({"id": "i", "bbox": written})
    box = item.bbox
    assert (None if box is None else (box.west, box.south, box.east, box.north)) == meant
    extent = Collection({"id": "c", "extent": {"spatial": {"bbox": [written]}}}).extent
    assert extent.bboxes == (() if box is None else (box,))


@pytest.mark.parametrize(
    ("geometry", "meant"),
    [
        (polygon(10, 20, 30, 40), (10, 20, 30, 40)),
        ({"type": "Point", "coordinates": [10, 20, 99]}, (10, 20, 10, 20)),
        ({"type": "MultiPoint", "coordinates": [[-170, 0], [170, 5]]}, (-170, 0, 170, 5)),
        (polygon(179, -10, -179, 10), (179, -10, -179, 10)),
        (polygon(179, -10, 181, 10), (179, -10, -179, 10)),
        (polygon(350, -10, 355, 10), (-10, -10, -5, 10)),
        (
            {"type": "MultiPolygon", "coordinates": [[ring(175, -5, 180, 5)], [ring(-180, -5, -178, 5)]]},
            (175, -5, -178, 5),
        ),
        (polygon(-180, -90, 180, 90), (-180, -90, 180, 90)),
        (polygon(-179.75, -80, 179.75, 80), (-179.75, -80, 179.75, 80)),
        ({"type": "LineString", "coordinates": [[170, 0], [-170, 10]]}, (170, 0, -170, 10)),
        (
            {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Point", "coordinates": [10, 20]},
                    {"type": "GeometryCollection", "geometries": [polygon(30, 35, 40, 45)]},
                ],
            },
            (10, 20, 40, 45),
        ),
        ({"type": "GeometryCollection", "geometries": []}, None),
        ({"type": "Polygon", "coordinates": []}, None),
        ({"type": "Polygon", "coordinates": [[["a", None], [10, 20], [10]]]}, (10, 20, 10, 20)),
        (None, None),
        ("POLYGON", None),
    ],
)
def test_a_geometry_without_a_box_gets_one(geometry: Any, meant: Any) -> None:
    for bbox in (None, [], ["a", "b", "c", "d"]):
        box = Item({"id": "i", "bbox": bbox, "geometry": geometry}).bbox
        assert (None if box is None else (box.west, box.south, box.east, box.north)) == meant


def test_west_of_its_east_is_across_the_antimeridian_unless_the_geometry_is_between() -> None:
    turned = Item({"id": "i", "bbox": [30, 20, 10, 40], "geometry": polygon(10, 20, 30, 40)})
    assert turned.bbox == BBox(10, 20, 30, 40)
    for geometry in (polygon(170, -10, -170, 10), polygon(170, -10, 190, 10), None):
        across = Item({"id": "i", "bbox": [170, -10, -170, 10], "geometry": geometry})
        assert across.bbox == BBox(170, -10, -170, 10)


def test_a_geometry_nested_without_end_has_a_box_or_none() -> None:
    deep: Any = [10, 20]
    for _ in range(100_000):
        deep = [deep]
    inner: Any = {"type": "Point", "coordinates": deep}
    for _ in range(10_000):
        inner = {"type": "GeometryCollection", "geometries": [inner]}
    geometry_bbox(inner)


@given(st.lists(degrees, min_size=4, max_size=4))
def test_whatever_is_written_the_box_is_on_the_globe_and_touches_itself(written: list[float]) -> None:
    box = Item({"id": "i", "bbox": written}).bbox
    if box is not None:
        assert -180 <= box.west <= 180
        assert -180 <= box.east <= 180
        assert -90 <= box.south <= box.north <= 90
        assert intersect(box, box)
