"""Cells of CSV files (RFC 4180): on one line, without control characters, and inert in a spreadsheet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable

from .text import one_line

# What a spreadsheet takes for the begin of a formula, in the forms that it folds too (OWASP, CSV injection).
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b")


def csv_line(values: Iterable[object], end: str = "\r\n") -> str:
    """Return values as a line of a CSV file."""
    written = io.StringIO()
    csv.writer(written, lineterminator=end).writerow([cell(value) for value in values])
    return written.getvalue()


def cell(value: object) -> str:
    """Return a value as a cell: numbers as they are, text cleaned, with an apostrophe before a formula.

    Text stays text though it may look like a number.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and math.isfinite(value):
        return repr(value)
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
