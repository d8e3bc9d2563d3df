"""Search over the names and values of a document, as they are drawn; case does not count."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable

from ..text import clean
from .rows import LEAF, Rows
from .written import leaf, safe

_LOOK_UP = 4_096
"""Rows between looks whether the search is still wanted."""


def pattern(words: str) -> re.Pattern[str]:
    """Return what finds typed words, letter by letter."""
    return re.compile(re.escape(words), re.IGNORECASE)


def search(rows: Rows, wanted: re.Pattern[str], stopped: Callable[[], bool] = lambda: False) -> array[int]:
    """Return the rows whose name or value has what is wanted, in order; what was found so far where stopped.

    Takes some tenths of a second for 10 MB: call it in a thread.
    """
    found = array("I")
    known: dict[str, bool] = {}
    find = wanted.search
    for row, (kind, key, value) in enumerate(zip(rows.kinds, rows.keys, rows.values, strict=True)):
        if not row % _LOOK_UP and stopped():
            break
        if isinstance(key, str):
            hit = known.get(key)
            if hit is None:
                hit = known[key] = find(safe(key)) is not None
            if hit:
                found.append(row)
                continue
        if kind == LEAF and (
            (find(clean(value)) is not None and find(safe(value)) is not None)
            if isinstance(value, str)
            else find(leaf(value)) is not None
        ):
            found.append(row)
    return found
