"""The map's data: whole, small, and read at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from mlhub_tui.metadata import places as module
from mlhub_tui.metadata.places import UNITS, world

CONTINENTS = {"Africa", "Asia", "Europe", "North America", "South America", "Oceania", "Antarctica"}


def test_it_holds_the_countries_of_all_continents() -> None:
    countries = world().countries
    assert len(countries) > 200
    assert {country.continent for country in countries} == CONTINENTS
    assert len({country.name for country in countries}) == len(countries)


def test_it_is_small_in_the_package() -> None:
    assert Path(module.__file__).with_name("world.bin").stat().st_size < 40_000


def test_rings_are_closed_and_lie_in_their_boxes() -> None:
    earth = world()
    for country in earth.countries:
        for ring in country.rings:
            xs, ys = earth.outline(ring)
            assert (xs[0], ys[0]) == (xs[-1], ys[-1]), country.name
            assert (min(xs), min(ys), max(xs), max(ys)) == ring[1:5], country.name
            doubled = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(zip(xs, ys, strict=True)))
            assert abs(doubled) / 2 / UNITS**2 == pytest.approx(abs(ring.area), abs=0.01), country.name


def test_no_line_jumps_around_the_globe() -> None:
    for line in (*world().coast, *world().borders):
        assert all(abs(a - b) <= 180 * UNITS for a, b in pairwise(line.xs))
