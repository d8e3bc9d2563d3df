"""Boxes on the globe: over the antimeridian, around the poles, and broken ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.metadata.places import Box, around, as_bbox, halves, plain
from mlhub_tui.models import BBox


@pytest.mark.parametrize(
    ("given_box", "found"),
    [
        ((10, 20, 30, 40), (10, 20, 30, 40)),
        ((170, -10, -170, 10), (170, -10, 190, 10)),
        ((170, -10, 190, 10), (170, -10, 190, 10)),
        ((190, -10, 200, 10), (-170, -10, -160, 10)),
        ((-180, -90, 180, 90), (-180.0, -90.0, 180.0, 90.0)),
        ((-400, -100, 400, 100), (-180.0, -90.0, 180.0, 90.0)),
        ((10, 40, 30, 20), (10, 20, 30, 40)),
        ((0, 91, 1, 95), None),
        ((0, 0, 1e300, 1), None),
        ((float("nan"), 0, 1, 1), None),
    ],
)
def test_a_box_lies_on_the_globe(given_box: Box, found: Box | None) -> None:
    assert plain(BBox(*given_box)) == found


@pytest.mark.parametrize(
    ("boxes", "found"),
    [
        ([(10, 0, 20, 5)], (10, 0, 20, 5)),
        ([(10, 0, 20, 5), (-30, -5, -20, 0)], (-30, -5, 20, 5)),
        ([(170, 0, 190, 5), (-175, 0, -160, 5)], (170, 0, 200, 5)),
        ([(170, 0, 175, 5), (-175, 0, -170, 5)], (170, 0, 190, 5)),
        ([(-180, 0, 0, 5), (0, 0, 180, 5)], (-180, 0, 180, 5)),
        ([(100, 0, 260, 1), (-110, 0, -90, 1)], (100, 0, 270, 1)),
    ],
)
def test_the_box_around_others_leaves_out_the_widest_gap(boxes: list[Box], found: Box) -> None:
    assert around(boxes) == found


degrees = st.floats(-180, 179.99).map(lambda value: round(value, 3))
boxes = st.tuples(degrees, st.floats(-90, 90), st.floats(0, 359), st.floats(0, 30)).map(
    lambda t: (t[0], t[1], t[0] + t[2], min(t[1] + t[3], 90.0))
)


@given(st.lists(boxes, min_size=1, max_size=6))
def test_the_box_around_others_holds_each(parts: list[Box]) -> None:
    whole = around(parts)
    assert whole is not None
    for west, south, east, north in parts:
        if whole[2] - whole[0] >= 360:
            continue
        assert whole[1] <= south and north <= whole[3]
        start = (west - whole[0]) % 360
        start = 0 if start > 359.9999 else start
        assert start + (east - west) <= whole[2] - whole[0] + 1e-6


def test_a_box_for_a_search_crosses_the_antimeridian_as_documents_do() -> None:
    assert as_bbox((170, -10, 190, 10)) == BBox(170, -10, -170, 10)
    assert halves((170, -10, 190, 10)) == [(170, -10, 180, 10), (-180, -10, -170, 10)]
