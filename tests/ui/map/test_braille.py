"""Dots: boxes, lines and polygons against drawing them dot by dot."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from mlhub_tui.ui.map.canvas import PATTERNS, Dots

COLUMNS, ROWS = 6, 3
WIDTH, HEIGHT = COLUMNS * 2, ROWS * 4
near = st.integers(-10, 25)


def seen(dots: Dots) -> set[tuple[int, int]]:
    """Return the dots that are set, read from the characters."""
    text = dots.cells().decode("latin-1").translate(PATTERNS)
    bits = {(0, 0): 1, (0, 1): 2, (0, 2): 4, (1, 0): 8, (1, 1): 16, (1, 2): 32, (0, 3): 64, (1, 3): 128}
    return {
        (at % COLUMNS * 2 + x, at // COLUMNS * 4 + y)
        for at, letter in enumerate(text)
        for (x, y), bit in bits.items()
        if letter != " " and (ord(letter) - 0x2800) & bit
    }


def inside(points: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(x, y) for x, y in points if 0 <= x < WIDTH and 0 <= y < HEIGHT}


@given(near, near, st.integers(0, 20), st.integers(0, 20))
def test_a_box_is_its_four_edges(left: int, top: int, across: int, down: int) -> None:
    dots = Dots(COLUMNS, ROWS)
    right, bottom = left + across, top + down
    dots.box(left, top, right, bottom)
    edges = {(x, y) for x in range(left, right + 1) for y in (top, bottom)}
    edges |= {(x, y) for x in (left, right) for y in range(top, bottom + 1)}
    assert seen(dots) == inside(edges)


@given(near, near, st.integers(0, 20), st.integers(0, 20))
def test_a_box_is_filled(left: int, top: int, across: int, down: int) -> None:
    dots = Dots(COLUMNS, ROWS)
    dots.fill(left, top, left + across, top + down)
    whole = {(x, y) for x in range(left, left + across + 1) for y in range(top, top + down + 1)}
    assert seen(dots) == inside(whole)


@given(*[st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1)] * 2)
def test_a_line_joins_its_ends_without_a_gap(x0: int, y0: int, x1: int, y1: int) -> None:
    dots = Dots(COLUMNS, ROWS)
    dots.line(x0 + 0.5, y0 + 0.5, x1 + 0.5, y1 + 0.5)
    found = seen(dots)
    assert {(x0, y0), (x1, y1)} <= found
    assert len(found) <= 2 * max(abs(x1 - x0), abs(y1 - y0)) + 1
    reached = {(x0, y0)}
    while more := {p for p in found - reached if any(_beside(p, q) for q in reached)}:
        reached |= more
    assert reached == found
    for x, y in found:
        # No dot is further from the line than one.
        away = abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0))
        assert away <= max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1) * 1.01


def _beside(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) == 1


@example(0.0, 0.0, 1.0, -5e-324)
@given(*[st.floats(-100, 100)] * 4)
def test_a_line_from_anywhere_draws_nothing_outside(x0: float, y0: float, x1: float, y1: float) -> None:
    dots = Dots(COLUMNS, ROWS)
    dots.line(x0, y0, x1, y1)
    dots.path([x0, x1, x0], [y0, y1, y1])
    assert seen(dots) == inside(seen(dots))


def test_a_polygon_is_filled_between_its_edges() -> None:
    dots = Dots(COLUMNS, ROWS)
    dots.polygon([2, 10, 10, 2, 2], [2, 2, 8, 8, 2])
    assert {(x, y) for x in range(3, 10) for y in range(3, 8)} <= seen(dots)
    assert (0, 0) not in seen(dots)


def test_a_dotted_line_loses_half_of_its_dots_whichever_way_it_goes() -> None:
    for x1, y1 in ((11, 0), (0, 11), (11, 11)):
        dots = Dots(COLUMNS, ROWS)
        dots.line(0, 0, x1, y1)
        dots.dotted()
        assert 5 <= len(seen(dots)) <= 7
