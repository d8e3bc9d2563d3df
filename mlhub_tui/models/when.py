"""Times of a search: what people type, as an RFC 3339 interval; and whether an item's time lies in it."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from ..errors import InvalidSearch
from ..text import one_line

OPEN = ".."
_EXAMPLES = (
    "a day (2018-04-25), a month (2018-04), a year (2018), or two with a slash: 2018-04/2018-06, 2018/.."
)
_DATE = r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"
_TIME = r"(?:[Tt ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d+)?)?)?"
_ZONE = r"\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?"
_MOMENT = re.compile(rf"{_DATE}{_TIME}{_ZONE}", re.ASCII)
_UTC = re.compile(r"(?<=[\d.])(?:\s*(?:[Zz]|UTC|GMT)\b)+$", re.IGNORECASE | re.ASCII)
_LEAP = re.compile(r"(:\d{2}:)60(\D|$)", re.ASCII)
_CLOCK = re.compile(r"\d:\d{2}", re.ASCII)
_OFFSET = re.compile(r"[T\s]\d.*[+-]\d{2}(?::?\d{2})?$", re.IGNORECASE | re.ASCII)
_BETWEEN = re.compile(r"\s*/\s*|\s+to\s+", re.IGNORECASE)
_RESOLUTION = timedelta(milliseconds=1)  # what archives give the times of their scenes in


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, both ends in it; None is an open end."""

    start: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        """Return the form that a STAC API takes: an instant, or `start/end` with `..` for an open end."""
        start, end = _written(self.start), _written(self.end)
        return start if start == end else f"{start}/{end}"

    def meets(self, other: Span) -> bool:
        """Whether two stretches have an instant in common."""
        return _before(self.start, other.end) and _before(other.start, self.end)


def parse_when(text: str) -> str:
    """Return what was typed as the `datetime` of a search; empty text is any time.

    A day, a month and a year stand for all of their time, up to their last millisecond; a time without a
    zone is UTC. An interval is two of these with a slash (or `to`) between, where `..` or nothing is an open
    end (STAC API, Item Search, `datetime`; RFC 3339).

    Raises InvalidSearch if it is no date, or the interval ends before it starts.

    Examples
    --------
    >>> parse_when("2018-04/2018-06")
    '2018-04-01T00:00:00Z/2018-06-30T23:59:59.999Z'
    >>> parse_when("2018-04-25/..")
    '2018-04-25T00:00:00Z/..'
    """
    return str(span) if (span := parse_span(text)) else ""


def parse_span(text: str) -> Span | None:
    """Return what was typed as a stretch of time, None for empty text; see `parse_when`."""
    typed = text.strip().strip("\"'").strip()
    if not typed:
        return None
    ends = _BETWEEN.split(typed)
    if len(ends) == 1 and typed != OPEN:
        return _typed(typed)
    if len(ends) != 2:
        raise _invalid(text, "has more than two ends" if len(ends) > 2 else "names no date")
    first, last = (None if end in ("", OPEN) else _typed(end) for end in ends)
    if first is None and last is None:
        raise _invalid(text, "names no date at either end")
    span = Span(first.start if first else None, last.end if last else None)
    if not _before(span.start, span.end):
        raise _invalid(text, "ends before it starts")
    return span


def span_of(start: str, end: str) -> Span | None:
    """Return the stretch between an item's two times, None where neither can be read as one.

    Items are read tolerantly: an end that is missing is open, as of a sensor still at work.
    """
    first, last = read_time(start), read_time(end)
    if first is None and last is None:
        return None
    return Span(first.start if first else None, last.end if last else None)


@lru_cache(maxsize=4096)
def read_time(text: str) -> Span | None:
    """Return the stretch that a time of a document stands for, None where it cannot be read.

    Beside RFC 3339 (with a small `t` and `z`, and a leap second, which counts as the second before it): all
    of ISO 8601 that Python reads, what people type, and a zone that is written in letters or twice
    (`12:00 UTC`, `12:00+00:00Z`). Without a zone it is UTC.
    """
    written = _plain(text)
    try:
        moment = datetime.fromisoformat(written)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        try:
            return parse_span(written)
        except InvalidSearch:
            return None
    return Span(moment, moment)


def _plain(text: str) -> str:
    """Return a time without what `datetime` does not know: names of UTC, a second zone, a second of 60."""
    written, named = _UTC.subn("", text.strip("\ufeff \t\r\n"))
    written = _LEAP.sub(r"\g<1>59\g<2>", written)
    return f"{written}Z" if named and _CLOCK.search(written) and not _OFFSET.search(written) else written


def _typed(text: str) -> Span:
    """Return the stretch that a date, or a date with a time, stands for."""
    found = _MOMENT.fullmatch(_plain(text))
    if found is None:
        raise _invalid(text, "is no date")
    try:
        start = _start(found)
        return Span(start, _last(found, start))
    except (ValueError, OverflowError) as error:
        raise _invalid(text, f"is no date: {error}") from None


def _start(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(found[name] or least) for name, least in _PARTS)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(found["zone"]))
    return (moment + timedelta(seconds=float(found["fraction"] or 0))).astimezone(UTC)


def _last(found: re.Match[str], start: datetime) -> datetime:
    """Return the last instant of what was typed to the year, the month, the day or the minute."""
    if found["second"]:
        return start
    if found["minute"]:
        length = timedelta(minutes=1)
    elif found["day"]:
        length = timedelta(days=1)
    else:
        first = int(found["month"] or 1)
        months = range(first, (first if found["month"] else 12) + 1)
        length = timedelta(days=sum(monthrange(int(found["year"]), month)[1] for month in months))
    return start + (length - _RESOLUTION)


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    sign = -1 if text.startswith("-") else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _written(moment: datetime | None) -> str:
    if moment is None:
        return OPEN
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment.strftime('%Y').zfill(4)}{moment.strftime('-%m-%dT%H:%M:%S')}{fraction}Z"


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start <= end


def _invalid(text: str, reason: str) -> InvalidSearch:
    return InvalidSearch(f'"{one_line(text, 60)}" {reason}', hint=f"give {_EXAMPLES}")


_PARTS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
