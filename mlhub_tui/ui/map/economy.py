"""A map in fewer bytes: what says least on it gives way until a slow line takes it at once."""

from __future__ import annotations

from typing import NamedTuple

MOST_BYTES = 2.25
"""Of a map, for each of its cells: 2.7 kB at 80x16, which leaves room for the line of words below."""
_CHANGE = 24
"""Bytes of a change of look in 256 colours: two colours, and their end."""
_SPECK = 3
"""Cells of a coast between two footprints that nobody misses."""
_LIGHTER = str.maketrans({"⠛": "o", "⣤": "o", "⣿": "8"})
"""Footprints of half a cell, and of one, in one byte for three."""


class Run(NamedTuple):
    """Neighbouring cells of one look."""

    text: str
    layer: int


def economical(rows: list[list[Run]], cells: int, coast: int, footprint: int) -> None:
    """Change rows, in place, until they take few enough bytes, or nothing more can go.

    Parameters
    ----------
    rows
        The runs of each row.
    cells
        Columns times rows.
    coast, footprint
        The looks of what gives way, and of what does not.
    """
    spare = MOST_BYTES * cells - sum(map(_cost, rows))
    if spare >= 0:
        return
    slightest = sorted(
        (_drawn(run.text), y, run) for y, row in enumerate(rows) for run in row if run.layer == coast
    )
    for drawn, y, run in slightest:
        if spare >= 0:
            return
        if len(rows[y]) > 1:
            before = _cost(rows[y])
            between = run is not rows[y][0] and run is not rows[y][-1]
            rows[y] = _without(rows[y], run, keep=drawn > _SPECK or not between)
            spare += before - _cost(rows[y])
    for row in rows if spare < 0 else ():
        row[:] = [
            Run(run.text.translate(_LIGHTER), run.layer) if run.layer == footprint else run for run in row
        ]


def _cost(row: list[Run]) -> int:
    return sum(_CHANGE + len(run.text) + 2 * _drawn(run.text) for run in row)


def _drawn(text: str) -> int:
    """Return how many cells take three bytes for one."""
    return sum(not letter.isascii() for letter in text)


def _without(row: list[Run], gone: Run, *, keep: bool) -> list[Run]:
    """Return a row with one run less: its cells blank, or in the look of their neighbours."""
    at = next((number for number, run in enumerate(row) if run is gone), None)
    if at is None:
        return row
    text = gone.text if keep else " " * len(gone.text)
    merged = [*row]
    if at:
        before = merged[at - 1]
        merged[at - 1 : at + 1] = [Run(before.text + text, before.layer)]
        at -= 1
        if at + 1 < len(merged) and merged[at + 1].layer == merged[at].layer:
            merged[at : at + 2] = [Run(merged[at].text + merged[at + 1].text, merged[at].layer)]
    else:
        after = merged[1]
        merged[:2] = [Run(text + after.text, after.layer)]
    return merged
