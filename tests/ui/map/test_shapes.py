"""Footprints of items: boxes, outlines, and geometries that are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import Item
from mlhub_tui.ui.map.canvas import footprint_of, outlines_of


def item(geometry: Any, bbox: Any = None) -> Item:
    """Return an item with a geometry."""
    return Item({"id": "a", "geometry": geometry, "bbox": bbox, "properties": {}})


def test_a_box_needs_no_outline() -> None:
    square = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]}
    found = footprint_of(item(square))
    assert found is not None
    assert (found.box, found.outlines) == ((1.0, 1.0, 2.0, 2.0), ())


def test_a_tilted_scene_has_its_outline() -> None:
    tilted = {"type": "Polygon", "coordinates": [[[1, 1], [2, 0], [3, 1], [2, 2], [1, 1]]]}
    found = footprint_of(item(tilted))
    assert found is not None and found.outlines[0].xs[:4] == (1.0, 2.0, 3.0, 2.0)


def test_an_outline_follows_its_box_over_the_antimeridian() -> None:
    around = {"type": "Polygon", "coordinates": [[[179, 0], [-179, 1], [-178, 0], [180, -1], [179, 0]]]}
    found = footprint_of(item(around, [179, -1, -178, 1]))
    assert found is not None and found.box == (179.0, -1.0, 182.0, 1.0)
    assert found.outlines[0].xs == (179.0, 181.0, 182.0, 180.0, 179.0, 179.0)


@pytest.mark.parametrize(
    "geometry", [None, {}, [], {"type": "Polygon"}, {"type": "Point", "coordinates": []}]
)
def test_no_geometry_and_no_box_is_no_place(geometry: Any) -> None:
    assert footprint_of(item(geometry)) is None


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=20,
)


@given(st.sampled_from(["Polygon", "MultiPolygon", "Point"]), json)
def test_any_coordinates_are_outlines_or_none(kind: str, coordinates: Any) -> None:
    found = outlines_of({"type": kind, "coordinates": coordinates}, (0.0, 0.0, 1.0, 1.0))
    assert all(len(outline.xs) == len(outline.ys) >= 4 for outline in found)


def test_a_very_long_outline_is_thinned() -> None:
    ring = [[n / 10_000, (n % 7) / 10] for n in range(5_000)]
    found = outlines_of({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, (0.0, 0.0, 0.5, 0.6))
    assert len(found[0].xs) <= 402
