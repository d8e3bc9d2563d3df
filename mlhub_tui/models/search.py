"""Searches: which items are asked for, in the words of the STAC API's item search."""

from __future__ import annotations

from dataclasses import dataclass, field

from .document import JsonDict
from .extent import BBox


@dataclass(frozen=True, slots=True)
class Search:
    """What the items that are wanted have in common; everything given must hold.

    - `collections`: Ids of collections; empty for all.
    - `ids`: Ids of items; empty for all.
    - `bbox`: A box that they touch.
    - `intersects`: A GeoJSON geometry that they touch; not together with `bbox` (STAC API, Item Search).
    - `datetime`: An RFC 3339 instant or interval `start/end` with `..` for an open end; empty for any time.
    - `text`: Words that all must occur; what is searched is the source's business.
    - `filter`: A CQL2 text expression; empty for none.
    - `sort`: Fields in order, `-` before one for descending.
    - `limit`: How many items are wanted at most; None for all.
    """

    collections: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    bbox: BBox | None = None
    intersects: JsonDict | None = field(default=None, hash=False)
    datetime: str = ""
    text: str = ""
    filter: str = ""
    sort: tuple[str, ...] = ()
    limit: int | None = None
