"""Dots and the characters they are drawn with: a bitmap of two by four dots a cell, and braille patterns.

A row of dots is one number, a column another: an edge of a box is set at once, however long it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

WIDE, HIGH = 2, 4
"""Dots of a cell across and down."""

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of a dot in a braille pattern (Unicode, U+2800 to U+28FF), by row and column of the cell."""


def _cell(row: int, two: int) -> int:
    """Return the pattern of two dots beside each other in a row of a cell."""
    return sum(_BITS[row][side] for side in range(WIDE) if two >> side & 1)


_ACROSS = tuple(
    tuple(bytes(_cell(row, byte >> shift) for shift in (0, 2, 4, 6)) for byte in range(256))
    for row in range(HIGH)
)
"""For each row of a cell and 8 dots across: the patterns of the 4 cells."""

_DOWN = tuple(
    tuple(sum(_BITS[row][side] for row in range(HIGH) if nibble >> row & 1) for nibble in range(16))
    for side in range(WIDE)
)
"""For each side of a cell and 4 dots down: the pattern of the cell."""

PATTERNS = {0: " ", **{pattern: chr(0x2800 + pattern) for pattern in range(1, 256)}}
"""For `str.translate`: patterns as characters; an empty one is a space, a third of the bytes."""


class Dots:
    """A bitmap of dots; what is drawn outside is cut off.

    Parameters
    ----------
    columns, rows
        Its size in cells.
    """

    __slots__ = ("_downs", "_lines", "height", "width")

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * WIDE, rows * HIGH
        self._lines = [0] * self.height
        self._downs = [0] * self.width

    def dot(self, x: int, y: int) -> None:
        """Set a dot."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._lines[y] |= 1 << x

    def box(self, left: int, top: int, right: int, bottom: int) -> None:
        """Draw the outline of a box."""
        width, height = self.width, self.height
        if right < 0 or left >= width or bottom < 0 or top >= height:
            return
        lines = self._lines
        if left == right and top == bottom:
            lines[top] |= 1 << left
            return
        across = (2 << (right if right < width else width - 1)) - (1 << (left if left > 0 else 0))
        if top >= 0:
            lines[top] |= across
        if bottom < height:
            lines[bottom] |= across
        if bottom - top > 1:
            downs = self._downs
            down = (2 << (bottom if bottom < height else height - 1)) - (1 << (top if top > 0 else 0))
            if left >= 0:
                downs[left] |= down
            if right < width:
                downs[right] |= down

    def fill(self, left: int, top: int, right: int, bottom: int) -> None:
        """Fill a box."""
        left, right = max(left, 0), min(right, self.width - 1)
        if left > right:
            return
        across = (2 << right) - (1 << left)
        for y in range(max(top, 0), min(bottom, self.height - 1) + 1):
            self._lines[y] |= across

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a straight line, as runs of dots: one for each row, or column, that it crosses."""
        width, height = self.width, self.height
        if not (0 <= x0 < width and 0 <= x1 < width and 0 <= y0 < height and 0 <= y1 < height):
            cut = clip(x0, y0, x1, y1, width - 0.001, height - 0.001)
            if cut is None:
                return
            x0, y0, x1, y1 = cut
        left, top, right, bottom = int(x0), int(y0), int(x1), int(y1)
        across, down = abs(right - left), abs(bottom - top)
        if across <= 1 and down <= 1:
            self._lines[top] |= 1 << left
            self._lines[bottom] |= 1 << right
        elif across >= down:
            _runs(self._lines, top, left, bottom, right)
        else:
            _runs(self._downs, left, top, right, bottom)

    def polygon(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Fill a polygon, by the edges that each row of dots crosses (even-odd)."""
        top, bottom = max(int(min(ys)), 0), min(int(max(ys)), self.height - 1)
        for row in range(top, bottom + 1):
            middle = row + 0.5
            crossed = sorted(
                x0 + (middle - y0) / (y1 - y0) * (x1 - x0)
                for (x0, x1), (y0, y1) in zip(pairwise(xs), pairwise(ys), strict=True)
                if (y0 > middle) != (y1 > middle)
            )
            for start, stop in zip(crossed[0::2], crossed[1::2], strict=False):
                self.fill(int(max(start, 0)), row, int(min(stop, self.width)), row)

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Draw a line through points, whose parts are mostly shorter than a dot."""
        width, height, lines = self.width, self.height, self._lines
        before_x, before_y = xs[0], ys[0]
        last = (-1, -1)
        for x, y in zip(xs, ys, strict=True):
            inside = 0 <= x < width and 0 <= y < height
            here = (int(x), int(y)) if inside else (-1, -1)
            if inside and here == last:
                pass
            elif inside and abs(here[0] - last[0]) <= 1 and abs(here[1] - last[1]) <= 1 and last[0] >= 0:
                lines[here[1]] |= 1 << here[0]
            else:
                self.line(before_x, before_y, x, y)
            before_x, before_y, last = x, y, here

    def keep(self, left: float, right: float) -> None:
        """Forget the dots left and right of these, between which the globe lies."""
        first, last = math.ceil(max(left, 0)), math.floor(min(right, self.width))
        if first == 0 and last == self.width:
            return
        kept = (1 << last) - (1 << first)
        self._lines = [line & kept for line in self._lines]
        self._downs = [down if first <= x < last else 0 for x, down in enumerate(self._downs)]

    def dotted(self) -> None:
        """Leave out every other dot, whichever way a line goes."""
        even, odd = (
            int.from_bytes(bytes([pattern]) * (self.width // 8 + 1), "little") for pattern in (0x33, 0xCC)
        )
        self._lines = [line & (odd if y % 2 else even) for y, line in enumerate(self._lines)]
        even, odd = (
            int.from_bytes(bytes([pattern]) * (self.height // 8 + 1), "little") for pattern in (0x55, 0xAA)
        )
        self._downs = [down & (odd if x & 2 else even) for x, down in enumerate(self._downs)]

    def cells(self) -> bytes:
        """Return the pattern of each cell, row by row."""
        columns = self.width // WIDE
        wide = (self.width + 7) // 8
        parts = []
        for top in range(0, self.height, HIGH):
            made = 0
            for row in range(HIGH):
                if line := self._lines[top + row]:
                    spread = _ACROSS[row]
                    patterns = b"".join([spread[byte] for byte in line.to_bytes(wide, "little")])
                    made |= int.from_bytes(patterns, "little")
            parts.append(made.to_bytes(wide * 4, "little")[:columns])
        found = bytearray(b"".join(parts))
        for x, down in enumerate(self._downs):
            at, sides = x // WIDE, _DOWN[x % WIDE]
            while down:
                if nibble := down & 15:
                    found[at] |= sides[nibble]
                down >>= HIGH
                at += columns
        return bytes(found)


def _runs(lines: list[int], first: int, start: int, last: int, stop: int) -> None:
    """Set the dots of a line that is longer along the numbers of `lines` than across them."""
    if first > last:
        first, start, last, stop = last, stop, first, start
    count = last - first
    if not count:
        low, high = (start, stop) if start <= stop else (stop, start)
        lines[first] |= (2 << high) - (1 << low)
        return
    step = (stop - start) / count
    least, most = (start, stop) if start <= stop else (stop, start)
    for number in range(count + 1):
        one, other = start + (number - 0.5) * step, start + (number + 0.5) * step
        if one > other:
            one, other = other, one
        low = max(int(one + 0.5), least)
        high = max(min(int(other + 0.5) - 1, most), low)
        lines[first + number] |= (2 << high) - (1 << low)


def clip(
    x0: float, y0: float, x1: float, y1: float, right: float, bottom: float
) -> tuple[float, float, float, float] | None:
    """Return what of a line lies from 0 to `right`, 0 to `bottom` (Liang and Barsky), None where nothing."""
    dx, dy = x1 - x0, y1 - y0
    enter, leave = 0.0, 1.0
    for step, gap in ((-dx, x0), (dx, right - x0), (-dy, y0), (dy, bottom - y0)):
        if step == 0:
            if gap < 0:
                return None
            continue
        at = gap / step
        if step < 0:
            enter = max(enter, at)
        else:
            leave = min(leave, at)
        if enter > leave:
            return None
    ends = (x0 + enter * dx, y0 + enter * dy, x0 + leave * dx, y0 + leave * dy)
    # Rounding may put an end a hair outside.
    return (
        min(max(ends[0], 0.0), right),
        min(max(ends[1], 0.0), bottom),
        min(max(ends[2], 0.0), right),
        min(max(ends[3], 0.0), bottom),
    )
