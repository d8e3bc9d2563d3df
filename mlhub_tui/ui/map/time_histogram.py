"""A histogram of dates in block characters; a range of time can be chosen on it by keys.

It posts `RangeChosen`, with the range as people type it for a search (`2018-04-01/2018-06-30`), and
`RangeLeft`. Nothing is drawn before it has a size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ...metadata.places import MONTHS, time_words
from ...models import Interval
from ...models.search import span_of
from ...text import count
from ..commands import DATES, bindings
from ..terminal.characters import ascii_only

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EMPTY, _EMPTY_ASCII = "·", "."
"""What stands where no items are, within the time that there should be some."""
STEPS = (("day", 1), ("month", 1), ("month", 3), ("year", 1), ("year", 5), ("year", 10), ("year", 100))
"""The lengths of bins, the finest first."""
_WIDEST = 8
"""Cells of a bin."""


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

    - `unit`, `step`: The length: so many days, months or years.
    - `first`: Number of the first stretch since the year 0.
    - `counts`: Items in each.
    - `within`: The numbers, from 0, of the stretches in which there should be items: first and last.
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
        start, end = self.start(first), self.end(first if last is None else last)
        return time_words(Interval(start.isoformat(), end.isoformat()))

    def counted(self, first: int, last: int) -> int:
        """Return how many items there are from one stretch to another."""
        return sum(self.counts[first : last + 1])

    def when(self, first: int, last: int) -> str:
        """Return the stretches as people type them for a search: `2018-04-01/2018-06-30`."""
        start, end = self.start(first), self.end(last)
        return start.isoformat() if start == end else f"{start.isoformat()}/{end.isoformat()}"


def make_bins(
    days: Mapping[date, int], interval: Interval | None, most: int, steps: Sequence[tuple[str, int]] = STEPS
) -> TimeBins | None:
    """Return the finest bins that are at most so many; None where there is no time at all.

    - `days`: Items by day.
    - `interval`: The interval that the collection states for its items.
    - `most`: Bins at most, which is the width in cells.
    - `steps`: The lengths that they may have.
    """
    ends = span_of(interval.start, interval.end) if interval is not None else None
    said = [moment.date() for moment in (ends.start, ends.end) if moment] if ends is not None else []
    known = [*days, *said]
    if not known:
        return None
    low, high = min(known), max(known)
    for unit, step in steps:
        first, last = _number(unit, low) // step, _number(unit, high) // step
        if last - first < most:
            break
    counts = [0] * (last - first + 1)
    for day, number in days.items():
        counts[_number(unit, day) // step - first] += number
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
        for number, amount in enumerate(bins.counts):
            # Something is never drawn as nothing.
            eighths = max(round(amount / top * height * 8), 1) if amount else 0
            level = min(max(eighths - 8 * row, 0), 8)
            mark = ("#" if level > 3 or (level and row == 0) else " ") if ascii_only else _BLOCKS[level]
            if row == 0 and not amount and bins.within[0] <= number <= bins.within[1]:
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
    month = MONTHS[start.month]
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
    return {"day": day.toordinal(), "month": day.year * 12 + day.month - 1, "year": day.year}[unit]


def _first_day(unit: str, number: int) -> date:
    if unit == "day":
        return date.fromordinal(number)
    if unit == "year":
        return date(number, 1, 1)
    return date(max(number // 12, 1), number % 12 + 1, 1)


class TimeHistogram(Widget, can_focus=True):
    """When the data was taken: bars, their dates, and words on what is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DATES), Binding("escape", "leave_range", show=False)]
    DEFAULT_CSS = """
    TimeHistogram { background: $background; height: 5; }
    TimeHistogram > .dates--bar { color: $primary; }
    TimeHistogram > .dates--cursor { color: $accent; text-style: bold; }
    TimeHistogram > .dates--range { color: $warning; text-style: bold; }
    TimeHistogram > .dates--axis { color: $muted; }
    TimeHistogram > .dates--caption { color: $muted; background: $surface; }
    TimeHistogram:focus > .dates--caption { color: $foreground; background: $panel; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"dates--{name}" for name in ("bar", "cursor", "range", "axis", "caption"))
    }
    ALLOW_SELECT = False

    @dataclass
    class RangeChosen(Message):
        """A range of time was chosen."""

        when: str
        """As people type it: `2018-04-01/2018-06-30`."""
        words: str

    class RangeLeft(Message):
        """No range is chosen any more."""

    def __init__(self) -> None:
        super().__init__()
        self._days: dict[date, int] = {}
        self._interval: Interval | None = None
        self.bins: TimeBins | None = None
        self.cursor = 0
        self.mark: int | None = None
        """Where a range begins; the cursor is its other end."""
        self.taken = False
        """Whether the range is the one that was chosen last."""

    # What is shown

    def show(self, days: Mapping[date, int], interval: Interval | None = None) -> None:
        """Show other items, by day, and the time in which there should be some."""
        self._days, self._interval = dict(days), interval
        self.cursor, self.mark, self.taken = 0, None, False
        self._bin()

    def add(self, days: Mapping[date, int]) -> None:
        """Show more items."""
        for day, number in days.items():
            self._days[day] = self._days.get(day, 0) + number
        if days:
            self._bin()

    def _bin(self) -> None:
        """Put the items into bins for the width there is; cursor and range stay on their time."""
        before, width = self.bins, self.size.width
        if width < 2:
            return
        self.bins = make_bins(self._days, self._interval, width)
        if before is not None and self.bins is not None:
            self.cursor = self._moved(before, self.cursor)
            self.mark = None if self.mark is None else self._moved(before, self.mark)
        self.refresh()

    def _moved(self, before: TimeBins, number: int) -> int:
        assert self.bins is not None
        day = before.start(min(number, len(before.counts) - 1))
        starts = range(len(self.bins.counts))
        return max((n for n in starts if self.bins.start(n) <= day), default=0)

    @property
    def range(self) -> tuple[int, int] | None:
        """The first and the last bin of the range, None where none is chosen."""
        return None if self.mark is None else (min(self.mark, self.cursor), max(self.mark, self.cursor))

    # Drawing

    def on_resize(self) -> None:
        """Fit the bins to the new width."""
        self._bin()

    def render_line(self, y: int) -> Strip:
        """Draw a line: bars, then dates, then words."""
        width, height = self.size
        base = self.rich_style
        if self.bins is None:
            words = "no dates are known" if y == height - 1 else ""
            return Strip([Segment(f" {words}", base)]).adjust_cell_length(width, base)
        if y == height - 1:
            style = self._look("caption")
            return Strip([Segment(f" {self.words}"[:width], style)]).adjust_cell_length(width, style)
        if y == height - 2:
            return Strip([Segment(axis(self.bins, width), self._look("axis"))], width)
        row = bars(self.bins, width, height - 2, ascii_only=ascii_only(self.app))[y]
        return self._bar_strip(row, width)

    def _bar_strip(self, row: str, width: int) -> Strip:
        """Return a row of bars in the looks of range and cursor."""
        assert self.bins is not None
        cells, (first, last), look = bin_width(self.bins, width), (0, -1), "bar"
        if self.range is not None:
            (first, last), look = self.range, "range"
        elif self.has_focus:
            first, last, look = self.cursor, self.cursor, "cursor"
        start, stop = first * cells, (last + 1) * cells
        parts = ((row[:start], "bar"), (row[start:stop], look), (row[stop:], "bar"))
        return Strip([Segment(text, self._look(name)) for text, name in parts if text], width)

    def _look(self, name: str) -> Style:
        return self.rich_style + self.get_component_rich_style(f"dates--{name}", partial=True)

    @property
    def words(self) -> str:
        """The caption: for the range, for the bin under the cursor, or for all."""
        if self.bins is None:
            return ""
        if self.range is not None:
            number = count(self.bins.counted(*self.range), "item")
            keys = "enter searches there, esc shows all" if self.taken else "enter shows these, esc cancels"
            return f"{self.bins.words(*self.range)}: {number}, {keys}"
        if self.has_focus:
            here = count(self.bins.counts[self.cursor], "item")
            return f"{self.bins.words(self.cursor)}: {here}, b starts a range"
        last = len(self.bins.counts) - 1
        return f"{self.bins.words(0, last)}: {count(self.bins.counted(0, last), 'item')} loaded"

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the terminal's own cursor stands: on the bin, where screen readers look for it."""
        region = self.content_region
        x = self.cursor * bin_width(self.bins, self.size.width) if self.bins is not None else 0
        return Offset(region.x + x, region.y + max(region.height - 3, 0))

    # Keys

    def action_cursor(self, step: int) -> None:
        """Go to an earlier or later bin."""
        self._go(self.cursor + step)

    def action_cursor_to(self, number: int) -> None:
        """Go to a bin; -1 is the last."""
        self._go(number if number >= 0 or self.bins is None else len(self.bins.counts) - 1)

    def _go(self, number: int) -> None:
        if self.bins is not None:
            self.cursor = max(0, min(number, len(self.bins.counts) - 1))
            self.taken = False
            self.refresh()

    def action_range(self) -> None:
        """Begin a range at the cursor, or take the one that was begun."""
        if self.bins is not None and (self.mark is None or self.taken):
            self.mark, self.taken = self.cursor, False
            self.refresh()
        else:
            self.action_take()

    def action_take(self) -> None:
        """Choose the range, or the bin under the cursor."""
        if self.bins is None:
            return
        self.mark = self.cursor if self.mark is None else self.mark
        chosen = self.range
        assert chosen is not None
        self.taken = True
        self.refresh()
        self.post_message(self.RangeChosen(self.bins.when(*chosen), self.bins.words(*chosen)))

    def leave_range(self) -> None:
        """Choose no range."""
        if self.mark is not None:
            self.mark, self.taken = None, False
            self.refresh()
            self.post_message(self.RangeLeft())

    def action_leave_range(self) -> None:
        """Choose no range; else the key is the screen's."""
        if self.mark is None:
            raise SkipAction
        self.leave_range()

    def on_click(self, event: Click) -> None:
        """Go to the bin that the mouse points at."""
        if self.bins is not None:
            self._go(event.x // bin_width(self.bins, self.size.width))
