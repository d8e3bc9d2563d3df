"""How long an answer stays fresh is decided as RFC 9111 says, within bounds of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.http.cache import LONGEST, fresh_for

NOW = 1_700_000_000.0
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
HOUR_LATER = "Tue, 14 Nov 2023 23:13:20 GMT"
DAY_BEFORE = "Mon, 13 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"cache-control": "no-store, max-age=60"}, None),
        ({"cache-control": "no-cache, max-age=60"}, 0.0),
        ({"cache-control": 'private, MAX-AGE="60"'}, 60.0),
        ({"cache-control": "max-age=60", "age": "45"}, 15.0),
        ({"cache-control": "max-age=60", "age": "100"}, 0.0),
        ({"cache-control": "max-age=60", "expires": DAY_BEFORE}, 60.0),
        ({"cache-control": "max-age=soon"}, 0.0),
        ({"cache-control": "max-age=99999999999999999999"}, LONGEST),
        ({"date": DATE, "expires": HOUR_LATER}, 3600.0),
        ({"date": DATE, "expires": "0", "last-modified": DAY_BEFORE}, 0.0),
        ({"date": DATE, "last-modified": DAY_BEFORE}, 3600.0),
        ({"date": DATE, "last-modified": "Tue, 14 Nov 2023 22:03:20 GMT"}, 60.0),
        ({"date": DATE, "last-modified": HOUR_LATER}, 0.0),
        ({"cache-control": "max-age=60", "vary": "*"}, 0.0),
    ],
)
def test_an_answer_is_fresh_for_as_long_as_its_headers_say(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert fresh_for(headers, NOW) == seconds


@given(
    st.dictionaries(st.sampled_from(["cache-control", "expires", "date", "age", "last-modified"]), st.text())
)
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    seconds = fresh_for(headers, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST
