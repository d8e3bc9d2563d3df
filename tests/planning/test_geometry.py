"""The test of geometries against boxes agrees with shapely, which the peer asks."""

from __future__ import annotations

import math
import random
import sys
from typing import Any

import pytest

from mlhub_tui.planning.geometry import Area


def ring(noise: random.Random) -> list[list[float]]:
    x, y, sides = noise.randint(-5, 5), noise.randint(-5, 5), noise.choice([3, 4, 7, 30])
    angles = sorted(noise.uniform(0, 2 * math.pi) for _ in range(sides))
    points = [
        [round(x + noise.uniform(1, 6) * math.cos(a), 1), round(y + noise.uniform(1, 6) * math.sin(a), 1)]
        for a in angles
    ]
    return [*points, points[0]]


def shapes(noise: random.Random) -> list[dict[str, Any]]:
    outline = ring(noise)
    hole = [[[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]
    return [
        {"type": "Polygon", "coordinates": [outline]},
        {"type": "LineString", "coordinates": outline},
        {"type": "MultiPoint", "coordinates": outline},
        {"type": "MultiPolygon", "coordinates": [[outline], hole]},
        {"type": "MultiLineString", "coordinates": [outline, hole[0]]},
    ]


@pytest.mark.parametrize("seed", range(40))
def test_boxes_touch_the_same_geometries_with_shapely_and_without(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("shapely")
    noise = random.Random(seed)
    for geometry in shapes(noise):
        with_shapely = Area(geometry)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "shapely", None)
            without = Area(geometry)
        rows = []
        for number in range(40):
            # Away from tenths: on an edge itself, rounding decides, here and there differently.
            west, south = (round(noise.uniform(-9, 9), 1) + 0.03 for _ in range(2))
            east, north = west + noise.choice([0.01, 0.5, 1, 4]), south + noise.choice([0.01, 0.5, 1, 4])
            rows.append((number, west, south, east, north, None))
        assert list(with_shapely.touching(rows)) == list(without.touching(rows))


@pytest.mark.parametrize("shapely", [True, False])
def test_borders_belong_to_it(shapely: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shapely:
        monkeypatch.setitem(sys.modules, "shapely", None)
    square = Area({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]})
    boxes = [(4, 4, 5, 5), (-1, 1, 0, 2), (4.001, 0, 5, 4), (-9, -9, 9, 9), (1, 1, 2, 2)]
    boxes += [(177, 0, 361, 1)]  # an item across the antimeridian, around to 1 degree east
    rows = [(number, *box, None) for number, box in enumerate(boxes)]
    assert list(square.touching(rows)) == [0, 1, 3, 4, 5]
