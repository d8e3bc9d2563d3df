"""Places and times in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.metadata.places import place_words, regions, time_words, where_and_when
from mlhub_tui.models import BBox, Extent, Interval


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((34.18, 0.47, 34.37, 0.71), "Kenya"),
        ((33.9, -0.4, 35.2, 0.9), "Kenya"),
        ((29.2, -2.6, 30.6, -1.2), "Rwanda"),
        ((-125, 24, -66, 49.5), "United States"),
        ((-7, 12, -6, 13), "Mali"),
        ((103.6, 1.2, 104.0, 1.45), "Malaysia and Singapore"),
        ((-18, -35, 52, 38), "53 countries in Africa"),
        ((-82, -56, -34, 13), "14 countries in South America"),
        ((-30, -40, 0, -10), "ocean"),
        ((-180, -90, 180, 90), "worldwide"),
        ((-180, -60, 180, 84), "worldwide"),
        ((-180, -90, 180, -65), "Antarctica"),
        ((-40, 85, 100, 90), "ocean"),
        ((176, -20, -178, -15), "Fiji"),
        ((176, -20, 182, -15), "Fiji"),
        ((170, 60, -170, 70), "Russia"),
        ((13.4, 52.5, 13.4, 52.5), "Germany"),
        ((39.2, -6.3, 39.5, -6.0), "Tanzania"),
        ((-0.3, 5.5, -0.1, 5.7), "Ghana"),
        ((28.5, -29.6, 28.6, -29.5), "Lesotho"),
        ((14.2, 35.8, 14.6, 36.1), "Malta"),
        ((0, 0, 1e300, 1), ""),
    ],
)
def test_a_box_has_a_name(box: tuple[float, float, float, float], words: str) -> None:
    assert place_words([BBox(*box)]) == words


def test_of_several_boxes_the_first_is_around_the_others() -> None:
    parts = [BBox(36, -1, 37, 0), BBox(32, 1, 33, 2)]
    assert place_words([BBox(32, -1, 37, 2), *parts]) == "Uganda and Kenya"


@pytest.mark.parametrize(
    ("box", "names"),
    [
        ((34.18, 0.47, 34.37, 0.71), ["Kenya", "Africa"]),
        ((103.6, 1.2, 104.0, 1.45), ["Malaysia", "Singapore", "Asia"]),
        ((-18, -35, 52, 38), ["Africa", "Asia", "Europe"]),
        ((-180, -90, 180, 90), ["worldwide"]),
    ],
)
def test_a_box_is_found_by_its_countries_and_continents(box: tuple[float, ...], names: list[str]) -> None:
    found = regions([BBox(*box)])
    assert found == names or set(found) <= set(names)


def test_no_box_is_nowhere() -> None:
    assert place_words([]) == ""


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2018-04-01T00:00:00Z", "2020-03-13T00:00:00Z", "Apr 2018 to Mar 2020"),
        ("2018-01-01", "2018-12-31T23:59:59Z", "2018"),
        ("2018-01-01", "2020-12-31", "2018 to 2020"),
        ("2018-04-14T10:00:00Z", "2018-04-14T11:00:00Z", "14 Apr 2018"),
        ("2018-04-01", "2018-04-30", "Apr 2018"),
        ("2018-04-01", "2018-09-30", "Apr to Sep 2018"),
        ("2018-04-14", "", "since Apr 2018"),
        ("", "2018-04-14", "until Apr 2018"),
        ("", "", ""),
        ("spring", "autumn", "spring to autumn"),
        ("2018-13-45", "2018-04-14", "2018-13-45 to 2018-04-14"),
    ],
)
def test_a_time_is_said_as_people_do(start: str, end: str, words: str) -> None:
    assert time_words(Interval(start, end)) == words


def test_an_extent_is_where_and_when() -> None:
    extent = Extent((BBox(34.18, 0.47, 34.37, 0.71),), (Interval("2018-04-01", "2020-03-13"),))
    assert where_and_when(extent) == "Kenya, Apr 2018 to Mar 2020"
    assert where_and_when(Extent()) == ""


anything = st.floats(allow_nan=False) | st.floats(-200, 200)


@given(st.lists(st.builds(BBox, anything, anything, anything, anything), max_size=4))
def test_any_boxes_have_words_or_none(boxes: list[BBox]) -> None:
    assert isinstance(place_words(boxes), str)
