"""The order of items in an index: what is near in space and time is near in the table (a Morton curve)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_MOST = (1 << 16) - 1
_SPREAD = tuple(sum(((byte >> bit) & 1) << (3 * bit) for bit in range(8)) for byte in range(256))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Range = tuple[float, float]


def curve(x: Range, y: Range, time: Range) -> Callable[[float, float, float], int]:
    """Return the function that gives a point its place on the curve.

    Parameters
    ----------
    x, y, time
        The least and the largest number of each that comes; beyond these, the nearest counts.
    """
    scales = [(low, _MOST / (high - low) if high > low else 0.0) for low, high in (x, y, time)]
    (x0, x_scale), (y0, y_scale), (t0, t_scale) = scales

    def step(number: float) -> int:
        return int(min(max(number, 0.0), _MOST))

    def place(x: float, y: float, time: float) -> int:
        a, b, c = step((x - x0) * x_scale), step((y - y0) * y_scale), step((time - t0) * t_scale)
        high = _SPREAD[a >> 8] | _SPREAD[b >> 8] << 1 | _SPREAD[c >> 8] << 2
        return high << 24 | _SPREAD[a & 255] | _SPREAD[b & 255] << 1 | _SPREAD[c & 255] << 2

    return place


def month_of(microseconds: int) -> int:
    """Return the month of a time, counted from January of the year 0."""
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return 0 if microseconds < 0 else 9999 * 12 + 11
    return moment.year * 12 + moment.month - 1


def cell_of(west: float, south: float, east: float, north: float) -> tuple[int, int]:
    """Return the degree cell of a box's centre: its longitude and latitude rounded down."""
    x, y = (west + east) / 2, (south + north) / 2
    if x >= 180:
        x -= 360
    return int(min(max(x, -180.0), 179.0) // 1), int(min(max(y, -90.0), 89.0) // 1)
