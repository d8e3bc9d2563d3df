"""Bins of time: the unit that fits, their labels, and ranges as people type them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import Interval
from mlhub_tui.models.search import parse_when
from mlhub_tui.ui.map.time_histogram import TimeBins, axis, bars, days_of, make_bins


def binned(*days: date, interval: Interval | None = None, most: int = 70) -> TimeBins:
    found = make_bins(dict.fromkeys(days, 1), interval, most)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("first", "last", "unit", "step"),
    [
        (date(2018, 4, 3), date(2018, 5, 9), "day", 1),
        (date(2018, 4, 3), date(2020, 5, 9), "month", 1),
        (date(2008, 4, 3), date(2020, 5, 9), "month", 3),
        (date(1984, 4, 3), date(2020, 5, 9), "year", 1),
        (date(1700, 4, 3), date(2020, 5, 9), "year", 5),
        (date.min, date.max, "year", 100),
    ],
)
def test_the_finest_unit_that_fits_is_taken(first: date, last: date, unit: str, step: int) -> None:
    found = binned(first, last)
    assert (found.unit, found.step) == (unit, step)
    assert found.start(0) <= first <= found.end(0)


def test_a_range_is_a_date_of_a_search() -> None:
    found = binned(date(2018, 1, 5), date(2019, 12, 5))
    assert found.words(3, 5) == "Apr to Jun 2018"
    assert found.when(3, 5) == "2018-04-01/2018-06-30"
    assert parse_when(found.when(3, 5)) == "2018-04-01T00:00:00Z/2018-06-30T23:59:59.999Z"


def test_the_interval_of_a_collection_has_its_place_though_it_is_empty() -> None:
    found = binned(date(2018, 6, 1), interval=Interval("2018-01-01T00:00:00Z", "2018-12-31T00:00:00Z"))
    assert (found.unit, len(found.counts), found.within) == ("month", 12, (0, 11))
    (row,) = bars(found, 36, 1)
    assert row == "·· " * 5 + "██ " + "·· " * 6
    assert bars(found, 36, 1, ascii_only=True)[0] == ".. " * 5 + "## " + ".. " * 6


def test_labels_name_years_first() -> None:
    found = binned(date(2017, 4, 1), date(2020, 3, 1))
    assert axis(found, 72).split()[:2] == ["Apr", "2017"]
    assert {"2018", "2019", "2020"} <= set(axis(found, 72).split())


def test_times_that_are_none_are_left_out() -> None:
    times = [Interval("2018-04-01T00:00:00Z", ""), Interval("", ""), Interval("soon", "later")]
    assert days_of(times) == {date(2018, 4, 1): 1}
    assert make_bins({}, None, 50) is None
    assert make_bins({}, Interval("soon", ""), 50) is None


@given(st.dictionaries(st.dates(), st.integers(1, 9), min_size=1, max_size=20), st.integers(2, 120))
def test_no_item_is_lost_and_nothing_is_wider_than_there_is_room(days: dict[date, int], width: int) -> None:
    found = make_bins(days, None, width)
    assert found is not None
    assert sum(found.counts) == sum(days.values())
    assert {len(row) for row in (*bars(found, width, 3), axis(found, width))} == {width}
    last = len(found.counts) - 1
    assert found.start(0) <= min(days) and max(days) <= found.end(last)
