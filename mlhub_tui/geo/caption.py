"""The line below a map: the name of what is seen, where that is, and a scale."""

from __future__ import annotations

from .boxes import Box
from .braille import WIDE
from .view import MapView
from .words import places

_LONGEST_BAR = 10
"""Cells of the scale's bar."""
_LEAST_WORDS = 12


def caption(view: MapView, words: str, box: Box | None, width: int, *, ascii_only: bool = False) -> str:
    """Return the line in at most `width` cells; what does not fit is left out, the scale last.

    Parameters
    ----------
    view
        What is seen.
    words
        What to say first.
    box
        What it is said of: it is named, and its place given.
    width
        Cells.
    ascii_only
        Whether only ASCII characters are drawn.
    """
    bar = scale_bar(view, ascii_only=ascii_only)
    parts = [words, places([box]) if box is not None else "", degrees(view, box, ascii_only=ascii_only)]
    room = width - len(bar) - 3
    kept = ""
    for part in filter(None, parts):
        joined = f"{kept}  {part}" if kept else part
        if len(joined) <= room:
            kept = joined
        elif not kept and room >= _LEAST_WORDS:
            kept = f"{part[: room - 1]}…"
    return f" {kept:<{max(room, 0)}} {bar} "[:width]


def degrees(view: MapView, box: Box | None, *, ascii_only: bool = False) -> str:
    """Return the middle of a box, or of the view, as precise as a dot is."""
    longitude, latitude = view.longitude, view.latitude
    if box is not None:
        longitude = ((box[0] + box[2]) / 2 + 180) % 360 - 180
        latitude = (box[1] + box[3]) / 2
    digits = 0 if view.scale < 1 else 1 if view.scale < 20 else 2 if view.scale < 200 else 4
    sign = "" if ascii_only else "°"
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.{digits}f}{sign}{north} {abs(longitude):.{digits}f}{sign}{east}"


def scale_bar(view: MapView, *, ascii_only: bool = False) -> str:
    """Return a bar and the kilometres, or metres, that it is long at the middle of the view."""
    cell = view.kilometres * WIDE
    longest = _LONGEST_BAR * cell
    length = 10.0 ** len(str(int(longest * 1000))) / 1000
    while length > longest:
        # 1, 5, 2, 1: lengths that people can divide.
        leading = f"{length:.6e}"[0]
        length = length / 2 if leading in "12" else length / 2.5
    cells = max(round(length / cell), 1)
    amount = f"{length:,.0f} km" if length >= 1 else f"{length * 1000:,.0f} m"
    left, middle, right = "|-|" if ascii_only else "├─┤"
    return f"{left}{middle * max(cells - 2, 0)}{right} {amount}"
