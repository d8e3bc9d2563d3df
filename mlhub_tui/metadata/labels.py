"""Labels: the classes of a document and the number of each, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..text import one_line

MOST = 300
"""Classes that are named."""


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class.

    Parameters
    ----------
    of
        The property of the labels that has it; empty for rasters.
    name
        Its name, or the value it stands for.
    count
        How many there are; None where nobody says.
    value
        The pixel value that stands for it; empty if unknown.
    """

    of: str
    name: str
    count: int | float | None = None
    value: str = ""


def label_classes(fields: Mapping[str, Any]) -> list[LabelClass]:
    """Return the classes of properties or summaries.

    Those of `label:classes` with the counts of `label:overviews`, and those of `classification:classes`.

    Parameters
    ----------
    fields
        As received; what is not as the Label extension (1.0) has it is left out.
    """
    counts = _counts(fields.get("label:overviews"))
    found: dict[tuple[str, str], LabelClass] = {}
    for entry in _objects(fields.get("label:classes")):
        of = _word(entry.get("name"))
        classes = entry.get("classes")
        for value in classes[: 4 * MOST] if isinstance(classes, list) else []:
            name = _word(value)
            if name:
                found[of, name] = LabelClass(of, name, counts.pop((of, name), None))
    for (of, name), number in counts.items():
        found.setdefault((of, name), LabelClass(of, name, number))
    for entry in _objects(fields.get("classification:classes")):
        value = _word(entry.get("value"))
        name = _word(entry.get("title")) or _word(entry.get("name")) or _word(entry.get("description"))
        count = entry.get("count")
        found["", name or value] = LabelClass("", name or value, _number(count), value)
    return list(found.values())[:MOST]


def _counts(overviews: object) -> dict[tuple[str, str], int | float]:
    counts: dict[tuple[str, str], int | float] = {}
    for entry in _objects(overviews):
        of = _word(entry.get("property_key"))
        for row in _objects(entry.get("counts")):
            name, number = _word(row.get("name")), _number(row.get("count"))
            if name and number is not None:
                counts[of, name] = counts.get((of, name), 0) + number
    return counts


def _objects(value: object) -> list[dict[str, Any]]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries[: 4 * MOST] if isinstance(entry, dict)]


def _word(value: object) -> str:
    return one_line(value, 80) if isinstance(value, str | int | float) else ""


def _number(value: object) -> int | float | None:
    return (
        value if isinstance(value, int | float) and not isinstance(value, bool) and value == value else None
    )
