"""Extents are read tolerantly: what is no box and no interval is left out, nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import BBox, Extent, Interval
from mlhub_tui.models.extent import geometry_bbox
from mlhub_tui.text import clean

numbers = st.floats() | st.integers() | st.booleans() | st.none() | st.text(max_size=3)
nested = st.recursive(numbers, lambda inner: st.lists(inner, max_size=6), max_leaves=20)
hostile = st.recursive(
    nested | st.text(max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(["spatial", "temporal", "bbox", "interval", "coordinates"]), inner
    ),
    max_leaves=20,
)


@given(hostile)
def test_no_extent_breaks_the_reader(value: Any) -> None:
    extent = Extent.parse(value)
    for part in (*extent.bboxes, *extent.intervals):
        assert str(part) == clean(str(part))


@given(hostile)
def test_no_geometry_breaks_the_reader(value: Any) -> None:
    for geometry in (value, {"type": "Polygon", "coordinates": value}):
        box = geometry_bbox(geometry)
        if box is not None:
            assert box.west <= box.east
            assert box.south <= box.north
            assert str(box)


@given(st.lists(numbers, max_size=7))
def test_a_box_is_four_or_six_finite_numbers(value: list[Any]) -> None:
    box = BBox.parse(value)
    if box is not None:
        assert len(value) in (4, 6)
        assert all(abs(n) < float("inf") for n in (box.west, box.south, box.east, box.north))


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    coordinates: list[Any] = [1.0, 2.0]
    for _ in range(50_000):
        coordinates = [coordinates]
    assert geometry_bbox({"coordinates": coordinates}) == BBox(1, 2, 1, 2)


def test_numbers_too_large_for_a_float_are_no_box() -> None:
    assert BBox.parse([10**400, 0, 1, 1]) is None
    assert geometry_bbox({"coordinates": [10**400, 0]}) is None


@pytest.mark.parametrize(
    ("value", "boxes", "intervals"),
    [
        ({"spatial": {"bbox": [[1, 2, 3, 4]]}, "temporal": {"interval": [["2020", None]]}}, 1, 1),
        ({"spatial": {"bbox": [1, 2, 3, 4]}, "temporal": {"interval": [None, "2020"]}}, 1, 1),
        ({"spatial": [1, 2, 3, 4], "temporal": ["2020", None]}, 1, 1),
        ({"spatial": {"bbox": [[1, 2, 0, 3, 4, 9], [1, 2, 3]]}, "temporal": {"interval": []}}, 1, 0),
        ({"spatial": None, "temporal": {"interval": [["a", "b", "c"]]}}, 0, 0),
        ([], 0, 0),
    ],
)
def test_old_and_odd_shapes_are_understood(value: Any, boxes: int, intervals: int) -> None:
    extent = Extent.parse(value)
    assert (len(extent.bboxes), len(extent.intervals)) == (boxes, intervals)


def test_heights_are_left_out() -> None:
    assert BBox.parse([1, 2, 0, 3, 4, 9]) == BBox(1, 2, 3, 4)


def test_boxes_and_intervals_read_well() -> None:
    assert str(BBox(-10, -5, 20.5, 5)) == "10.00°W to 20.50°E, 5.00°S to 5.00°N"
    assert str(Interval("2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z")) == "2020-01-01 to 2020-12-31"
    assert str(Interval("", "2020-12-31T00:00:00Z")) == "open to 2020-12-31"
    assert str(Interval("", "")) == "no dates given"
