"""Dates as people type them, and the times of items beside them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import InvalidSearch
from mlhub_tui.models.search import Span, parse_span, parse_when, span_of

days = st.dates(date(1, 1, 1), date(9999, 12, 30))
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ""),
        ("  ", ""),
        ("2018", "2018-01-01T00:00:00Z/2018-12-31T23:59:59.999Z"),
        ("2018-04", "2018-04-01T00:00:00Z/2018-04-30T23:59:59.999Z"),
        ("2020-2", "2020-02-01T00:00:00Z/2020-02-29T23:59:59.999Z"),
        ("2018-04-25", "2018-04-25T00:00:00Z/2018-04-25T23:59:59.999Z"),
        ("2018-04-25T10:30", "2018-04-25T10:30:00Z/2018-04-25T10:30:59.999Z"),
        ("2018-04-25T10:30:05Z", "2018-04-25T10:30:05Z"),
        ("2018-04-25 10:30:05.250", "2018-04-25T10:30:05.25Z"),
        ("2018-04-25T10:30:05+02:00", "2018-04-25T08:30:05Z"),
        ("2018-04-25t10:30:05z", "2018-04-25T10:30:05Z"),
        ("2018-04/2018-06", "2018-04-01T00:00:00Z/2018-06-30T23:59:59.999Z"),
        ("2018-04 / 2018-06", "2018-04-01T00:00:00Z/2018-06-30T23:59:59.999Z"),
        ("2018-04 to 2018-06", "2018-04-01T00:00:00Z/2018-06-30T23:59:59.999Z"),
        ("2018-04/..", "2018-04-01T00:00:00Z/.."),
        ("2018-04/", "2018-04-01T00:00:00Z/.."),
        ("../2018-04-25T00:00:00Z", "../2018-04-25T00:00:00Z"),
        ('"2018/2019"', "2018-01-01T00:00:00Z/2019-12-31T23:59:59.999Z"),
        ("0099", "0099-01-01T00:00:00Z/0099-12-31T23:59:59.999Z"),
        ("9999", "9999-01-01T00:00:00Z/9999-12-31T23:59:59.999Z"),
    ],
)
def test_what_is_typed_is_understood(typed: str, meant: str) -> None:
    assert parse_when(typed) == meant
    assert parse_when(meant) == meant


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("..", "names no date"),
        ("../..", "names no date at either end"),
        ("/", "names no date at either end"),
        ("2018/2019/2020", "more than two ends"),
        ("yesterday", '"yesterday" is no date'),
        ("2018-13", "is no date: month must be in 1..12"),
        ("2018-02-30", "is no date: day"),
        ("18-04-25", "is no date"),
        ("25.04.2018", "is no date"),
        ("2018-04-25T25:00", "is no date: hour"),
        ("2018-04-25T10:00+99:00", "is no date"),
        ("0000", "is no date"),
        ("2019/2018", "ends before it starts"),
        ("2018-04-25T10:30:05Z/2018-04-25T10:30:04Z", "ends before it starts"),
        ("²018", "is no date"),
    ],
)
def test_what_is_no_date_is_said(typed: str, reason: str) -> None:
    with pytest.raises(InvalidSearch, match=reason) as caught:
        parse_when(typed)
    assert "2018-04/2018-06" in caught.value.hint


@given(days)
def test_a_day_is_all_of_its_day_and_nothing_of_the_next(day: date) -> None:
    span = parse_span(day.isoformat())
    assert span is not None
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert span.meets(Span(start, start))
    last, following = start + timedelta(hours=23, minutes=59, seconds=59.9), start + timedelta(days=1)
    assert span.meets(Span(last, last))
    assert not span.meets(Span(following, None))


@given(moments, moments)
def test_an_interval_that_was_written_is_read_as_it_was(one: datetime, other: datetime) -> None:
    span = Span(min(one, other), max(one, other))
    assert parse_span(str(span)) == span


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        meant = parse_when(text)
    except InvalidSearch as error:
        assert "\n" not in error.message
    else:
        assert parse_when(meant) == meant


@pytest.mark.parametrize(
    ("start", "end", "wanted", "meets"),
    [
        ("2018-04-25T10:00:00Z", "2018-04-25T10:00:00Z", "2018-04-25", True),
        ("2018-04-25T10:00:00", "2018-04-25T10:00:00", "2018-04-25", True),
        ("2018-04-25T23:59:59.123456789Z", "2018-04-25T23:59:59.123456789Z", "2018-04-25", True),
        ("2018-04-26T00:30:00+02:00", "2018-04-26T00:30:00+02:00", "2018-04-25", True),
        ("2018-01-01T00:00:00Z", "2018-12-31T23:59:59Z", "2018-06", True),
        ("2018-01-01T00:00:00Z", "2018-12-31T23:59:59Z", "2019", False),
        ("2018-01-01T00:00:00Z", "", "2030", True),
        ("", "2018-01-01T00:00:00Z", "2030", False),
        ("2018-12-31T23:59:59Z", "2018-01-01T00:00:00Z", "2018-06", True),
    ],
)
def test_an_item_meets_what_overlaps_its_time(start: str, end: str, wanted: str, meets: bool) -> None:
    own, span = span_of(start, end), parse_span(wanted)
    assert own is not None
    assert span is not None
    assert own.meets(span) is meets


def test_an_item_without_a_readable_time_has_none() -> None:
    assert span_of("", "") is None
    assert span_of("soon", "later") is None
