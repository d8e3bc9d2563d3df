"""Filters as JSON: how a job keeps them, and reads them again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..errors import InvalidSearch
from ..models import BBox, JsonDict
from ..models.when import Span
from .filters import Filters


def to_json(filters: Filters) -> JsonDict:
    """Return filters as a JSON object."""
    when = filters.when
    return {
        "collections": {name: sorted(keys) for name, keys in filters.collections},
        "bbox": None if filters.bbox is None else list(asdict(filters.bbox).values()),
        "intersects": filters.intersects,
        "exact": filters.exact,
        "when": None if when is None else [_written(when.start), _written(when.end)],
        "catalog_only": filters.catalog_only,
    }


def from_json(raw: Any) -> Filters:
    """Return the filters that were written.

    Raises
    ------
    InvalidSearch
        If this is none of them.
    """
    try:
        when = raw["when"] and Span(*(end and datetime.fromisoformat(end) for end in raw["when"]))
        return Filters(
            Filters.keys(raw["collections"]),
            BBox.parse(raw["bbox"]),
            raw["intersects"],
            bool(raw["exact"]),
            when,
            bool(raw["catalog_only"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidSearch("the filters of a job cannot be read", hint="make the job again") from None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
