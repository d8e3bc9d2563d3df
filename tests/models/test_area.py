"""Boxes as people type them, and geometries of GeoJSON documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import InvalidSearch
from mlhub_tui.models import BBox
from mlhub_tui.models.search import geometry_of, parse_bbox, read_geometry

SQUARE = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
POLYGON = {"type": "Polygon", "coordinates": SQUARE}
longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


@pytest.mark.parametrize(
    "text",
    [
        "33.9,-0.4,35.2,0.9",
        " 33.9 -0.4 35.2 0.9 ",
        "[33.9, -0.4, 35.2, 0.9]",
        "bbox=33.9,-0.4,35.2,0.9",
        '"bbox": [33.9, -0.4, 35.2, 0.9]',
        "33.9;-0.4;35.2;+.9",
        "33.9,-0.4,0,35.2,0.9,100",
        "((33.9 -0.4), (35.2 9e-1))",
    ],
)
def test_a_box_is_read_however_it_is_pasted(text: str) -> None:
    assert parse_bbox(text) == BBox(33.9, -0.4, 35.2, 0.9)


def test_a_box_may_cross_the_antimeridian() -> None:
    assert parse_bbox("170,-20,-170,-10") == BBox(170, -20, -170, -10)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 numbers"),
        ("1,2,3", "has 3 numbers"),
        ("1,2,3,4,5", "has 5 numbers"),
        ("1,2,3,x", 'holds "x", which is no number'),
        ("1,2,3,nan", "no number"),
        ("1,2,3,1e999", "too large"),
        ("0,40,10,20", r"south \(40\) above its north \(20\)"),
        ("-1,100,1,120", "south at 100, beyond 90 degrees; latitude and longitude may be swapped"),
        ("-181,0,0,1", "west at -181"),
        ("500000,4000000,600000,4100000", "beyond 90"),
    ],
)
def test_what_is_wrong_with_a_box_is_said(text: str, reason: str) -> None:
    with pytest.raises(InvalidSearch, match=reason) as caught:
        parse_bbox(text)
    assert "west, south, east, north" in caught.value.hint


@given(longitudes, longitudes, st.tuples(latitudes, latitudes).map(sorted))
def test_a_box_that_was_written_is_read_as_it_was(west: float, east: float, heights: list[float]) -> None:
    south, north = heights
    assert parse_bbox(f"{west!r},{south!r},{east!r},{north!r}") == BBox(west, south, east, north)


@given(st.text(max_size=40))
def test_any_text_is_a_box_or_refused(text: str) -> None:
    try:
        box = parse_bbox(text)
    except InvalidSearch as error:
        assert "\n" not in error.message
    else:
        assert box.south <= box.north


def test_geometries_of_all_kinds_of_documents_are_found() -> None:
    feature = {"type": "Feature", "geometry": POLYGON, "properties": {}}
    assert geometry_of(POLYGON) == POLYGON
    assert geometry_of(feature) == POLYGON
    both = {
        "type": "FeatureCollection",
        "features": [feature, {"type": "Feature", "geometry": None}, feature],
    }
    assert geometry_of(both) == {"type": "MultiPolygon", "coordinates": [SQUARE, SQUARE]}
    point = {"type": "Point", "coordinates": [1, 2, 300]}
    mixed = {"type": "GeometryCollection", "geometries": [POLYGON, point]}
    assert geometry_of(mixed) == mixed


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "holds no geometry"),
        ([], 'its type is "missing"'),
        ({"type": "Topology"}, 'its type is "Topology"'),
        ({"type": "FeatureCollection", "features": []}, "holds no geometry"),
        ({"type": "FeatureCollection"}, "without its list"),
        ({"type": "Point", "coordinates": [1]}, "no pair of numbers"),
        ({"type": "Point", "coordinates": ["1", "2"]}, "no pair of numbers"),
        ({"type": "Point", "coordinates": [True, 2]}, "no pair of numbers"),
        ({"type": "Point", "coordinates": [500000, 4000000]}, "no degrees"),
        ({"type": "Polygon", "coordinates": []}, "without coordinates"),
        ({"type": "Polygon", "coordinates": 3}, "no lists"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "ring of 3 positions"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "not closed"),
        ({"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 1]]]]}, "not closed"),
    ],
)
def test_what_is_wrong_with_a_geometry_is_said(value: Any, reason: str) -> None:
    with pytest.raises(InvalidSearch, match=reason):
        geometry_of(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["Point", "Polygon", "Feature", "GeometryCollection"])},
            optional={"coordinates": inner, "geometry": inner, "geometries": inner},
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_geometry_or_refused(value: Any) -> None:
    try:
        assert geometry_of(value)["type"]
    except InvalidSearch as error:
        assert error.message.startswith("it ")


def test_a_file_is_read_or_named_in_the_refusal(tmp_path: Path) -> None:
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "Feature", "geometry": POLYGON}))
    assert read_geometry(path) == POLYGON
    path.write_text("{")
    with pytest.raises(InvalidSearch, match=r"area\.geojson is no JSON"):
        read_geometry(path)
    path.write_text("[" * 100_000)
    with pytest.raises(InvalidSearch, match=r"area\.geojson is no JSON"):
        read_geometry(path)
    path.write_text('{"type": "Feature"}')
    with pytest.raises(InvalidSearch, match=r"area\.geojson holds no geometry"):
        read_geometry(path)
    with pytest.raises(InvalidSearch, match=r"missing\.json cannot be read: No such file"):
        read_geometry(tmp_path / "missing.json")
