"""Items by day, month or years: bins that fit a width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ...models import Interval
from ...models.when import span_of

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EMPTY, _EMPTY_ASCII = "·", "."
"""What stands where no items are, within the time that there should be some."""
_STEPS = (("day", 1), ("month", 1), ("month", 3), ("year", 1), ("year", 5), ("year", 10), ("year", 100))
_WIDEST = 8
"""Cells of a bin."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def days_of(intervals: Iterable[Interval]) -> dict[date, int]:
    """Return how many of some times begin on each day; what is no time is left out."""
    found: dict[date, int] = {}
    for interval in intervals:
        span = span_of(interval.start, interval.end)
        moment = (span.start or span.end) if span is not None else None
        if moment is not None:
            day = moment.date()
            found[day] = found.get(day, 0) + 1
    return found


@dataclass(frozen=True, slots=True)
class TimeBins:
    """Neighbouring stretches of time, of one length.

    Parameters
    ----------
    unit, step
        The length: so many days, months or years.
    first
        Number of the first stretch since the year 0.
    counts
        Items in each.
    within
        The numbers, from 0, of the stretches in which there should be items: first and last.
    """

    unit: str
    step: int
    first: int
    counts: tuple[int, ...]
    within: tuple[int, int]

    def start(self, number: int) -> date:
        """Return the first day of a stretch."""
        return _first_day(self.unit, max((self.first + number) * self.step, 1))

    def end(self, number: int) -> date:
        """Return the last day of a stretch."""
        try:
            after = _first_day(self.unit, (self.first + number + 1) * self.step)
        except (ValueError, OverflowError):
            return date.max
        return after - timedelta(days=1)

    def words(self, first: int, last: int | None = None) -> str:
        """Return a stretch, or those from one to another, in words."""
        from .place_names import time_words

        start, end = self.start(first), self.end(first if last is None else last)
        return time_words(Interval(start.isoformat(), end.isoformat()))

    def when(self, first: int, last: int) -> str:
        """Return the stretches as people type them for a search: `2018-04-01/2018-06-30`."""
        start, end = self.start(first), self.end(last)
        return start.isoformat() if start == end else f"{start.isoformat()}/{end.isoformat()}"


def make_bins(days: Mapping[date, int], interval: Interval | None, most: int) -> TimeBins | None:
    """Return the finest bins that are at most so many; None where there is no time at all.

    Parameters
    ----------
    days
        Items by day.
    interval
        When there should be items: what the collection says of itself.
    most
        Bins at most, which is the width in cells.
    """
    ends = span_of(interval.start, interval.end) if interval is not None else None
    said = [moment.date() for moment in (ends.start, ends.end) if moment] if ends is not None else []
    known = [*days, *said]
    if not known:
        return None
    low, high = min(known), max(known)
    for unit, step in _STEPS:
        first, last = _number(unit, low) // step, _number(unit, high) // step
        if last - first < most:
            break
    counts = [0] * (last - first + 1)
    for day, count in days.items():
        counts[_number(unit, day) // step - first] += count
    inside = [_number(unit, day) // step - first for day in said] or [0, len(counts) - 1]
    opened = ends is not None and ends.end is None
    return TimeBins(
        unit, step, first, tuple(counts), (min(inside), len(counts) - 1 if opened else max(inside))
    )


def bin_width(bins: TimeBins, width: int) -> int:
    """Return the cells of a bin where there are so many for all."""
    return max(min(width // len(bins.counts), _WIDEST), 1)


def bars(bins: TimeBins, width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    """Return the bins as rows of block characters, the highest row first."""
    cells, top = bin_width(bins, width), max(max(bins.counts), 1)
    gap = 1 if cells > 2 else 0
    rows = []
    for row in range(height - 1, -1, -1):
        line = []
        for number, count in enumerate(bins.counts):
            # Something is never drawn as nothing.
            eighths = max(round(count / top * height * 8), 1) if count else 0
            level = min(max(eighths - 8 * row, 0), 8)
            mark = ("#" if level > 3 or (level and row == 0) else " ") if ascii_only else _BLOCKS[level]
            if row == 0 and not count and bins.within[0] <= number <= bins.within[1]:
                mark = _EMPTY_ASCII if ascii_only else _EMPTY
            line.append(mark * (cells - gap) + " " * gap)
        rows.append("".join(line)[:width].ljust(width))
    return rows


def axis(bins: TimeBins, width: int) -> str:
    """Return the labels below the bins: years first, then months or days where there is room."""
    cells = bin_width(bins, width)
    line = [" "] * width
    for rank in (0, 1, 2):
        for number in range(len(bins.counts)):
            label, at = _label(bins, number), number * cells
            if label is None or label[1] != rank or at + len(label[0]) > width:
                continue
            around = line[max(at - 1, 0) : at + len(label[0]) + 1]
            if all(letter == " " for letter in around):
                line[at : at + len(label[0])] = label[0]
    return "".join(line)


def _label(bins: TimeBins, number: int) -> tuple[str, int] | None:
    """Return the label of a bin, and how soon it is given room: 0 first."""
    start = bins.start(number)
    month = _MONTHS[start.month - 1]
    if bins.unit == "year":
        return str(start.year), 0 if number == 0 else 1
    if bins.unit == "month":
        if number == 0:
            return (f"{month} {start.year}", 0) if start.month != 1 else (str(start.year), 0)
        return (str(start.year), 1) if start.month <= bins.step else (month, 2)
    if number == 0:
        return f"{start.day} {month} {start.year}", 0
    return (month if start.month > 1 else str(start.year), 1) if start.day == 1 else (str(start.day), 2)


def _number(unit: str, day: date) -> int:
    if unit == "day":
        return day.toordinal()
    return day.year if unit == "year" else day.year * 12 + day.month - 1


def _first_day(unit: str, number: int) -> date:
    if unit == "day":
        return date.fromordinal(number)
    if unit == "year":
        return date(number, 1, 1)
    return date(max(number // 12, 1), number % 12 + 1, 1)


def counted(bins: TimeBins, first: int, last: int) -> int:
    """Return how many items there are from one bin to another."""
    return sum(bins.counts[first : last + 1])
