"""Values of summaries and properties in few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...text import count, one_line
from .blocks import Block, FieldBlock, Heading

LONGEST = 400
"""Characters of a value."""
MOST_FIELDS = 300
_ELSEWHERE = frozenset(
    {
        *("title", "description", "license", "datetime", "start_datetime", "end_datetime", "providers"),
        *("bands", "eo:bands", "raster:bands", "label:classes", "label:overviews", "classification:classes"),
    }
)
"""What has a place of its own in a sheet."""


def value_blocks(heading: str, fields: Mapping[str, Any]) -> list[Block]:
    """Return summaries or properties under a heading, without what the sheet shows elsewhere."""
    rows = [
        FieldBlock(one_line(key), value_words(value))
        for key, value in list(fields.items())[:MOST_FIELDS]
        if key not in _ELSEWHERE and not key.startswith("sci:") and value is not None
    ]
    more = len(fields) - MOST_FIELDS
    rows += [FieldBlock("", f"and {more:,} more, in the JSON", "$muted")] if more > 0 else []
    return [Heading(heading), *rows] if rows else []


def value_words(value: object) -> str:
    """Return a JSON value in few words: scalars as they are, lists of them joined, ranges as such."""
    if isinstance(value, dict):
        return _object_words(value)
    if isinstance(value, list):
        few = value[:LONGEST]
        if all(isinstance(entry, str | int | float) for entry in few):
            return one_line(", ".join(_scalar(entry) for entry in few), LONGEST)
        if named := [e["name"] for e in few if isinstance(e, dict) and isinstance(e.get("name"), str)]:
            return one_line(", ".join(named), LONGEST)
        return _json(value)
    return one_line(_scalar(value), LONGEST)


def _object_words(value: Mapping[str, Any]) -> str:
    """Return an object in few words: a range, a geometry, a few plain members, else its JSON."""
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        same = low == high
        return one_line(_scalar(low) if same else f"{_scalar(low)} to {_scalar(high)}", LONGEST)
    if isinstance(value.get("type"), str) and isinstance(value.get("coordinates"), list):
        return f"a {one_line(value['type'], 30)}, in the JSON"
    if value and len(value) <= 8 and all(isinstance(v, str | int | float) for v in value.values()):
        return one_line(", ".join(f"{key} {_scalar(v)}" for key, v in value.items()), LONGEST)
    return _json(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of too many digits
        return "…"


def _json(value: list[Any] | Mapping[str, Any]) -> str:
    """Return the start of a value's JSON; of a large one only how much it holds."""
    if len(value) > LONGEST:
        return count(len(value), "entry", "entries") + ", in the JSON"
    try:
        return one_line(json.dumps(value, ensure_ascii=False), LONGEST)
    except (RecursionError, ValueError):
        return count(len(value), "entry", "entries") + ", in the JSON"


def number_words(value: float | None) -> str:
    """Return a count for people: `12,345`; empty where there is none."""
    if value is None:
        return ""
    try:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
    except (OverflowError, ValueError):
        return "…"
