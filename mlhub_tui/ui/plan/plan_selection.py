"""What a plan downloads: subject, ticked collections and asset keys, area and dates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InvalidSearch
from ...models import BBox, JsonDict
from ...models.area import geometry_of, parse_bbox, read_geometry
from ...models.when import Span, parse_span
from ...planning.index import CollectionFacts
from ...planning.selection import Amount, Counts
from ...text import count, date, size


@dataclass(frozen=True, slots=True)
class PlanSubject:
    """What a plan is of.

    Parameters
    ----------
    id
        The id of the dataset, or what the collections are called together.
    title
        What people know it as.
    collections
        The ids of its collections.
    ticked
        Those that are ticked at first; none: all.
    licence, citation
        Where they are stated.
    """

    id: str
    title: str
    collections: tuple[str, ...]
    ticked: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""


def reading_words(words: str, done: int, total: int | None) -> str:
    """Return how far the reading of a catalog is, as `plan_dataset` tells it."""
    if not done:
        return f"{words}…"
    return f"{words}: {size(done)}" + (f" of {size(total)}, {done * 100 // total} %" if total else "")


Wanted = tuple[tuple[str, frozenset[str]], ...]
"""As `Filters.collections`."""


class PlanSelection:
    """Collections and asset keys that are ticked; at first all of them.

    Parameters
    ----------
    contents
        What an index holds.
    only
        Ids of the collections that are ticked at first; none: all.
    """

    def __init__(self, contents: Sequence[CollectionFacts], only: Iterable[str] = ()) -> None:
        self._keys = {facts.id: facts.keys for facts in contents}
        first = [name for name in only if name in self._keys]
        self._on = {name: set(self._keys[name]) for name in first or self._keys}

    @property
    def none(self) -> bool:
        """Whether nothing is ticked at all."""
        return not self._on

    @property
    def wanted(self) -> Wanted:
        """The value for `Filters.collections`; of no meaning where nothing is ticked."""
        found = tuple(
            (name, frozenset() if self._whole(name) else frozenset(self._on[name]))
            for name in self._keys
            if name in self._on
        )
        whole = len(found) == len(self._keys) and not any(keys for _, keys in found)
        return () if whole else found

    def box(self, collection: str, key: str | None = None) -> str:
        """Return the box of a collection, or of one of its keys: ticked, not, or in part."""
        ticked = self._on.get(collection)
        if ticked is None:
            return "[ ]"
        if key is not None:
            return "[x]" if key in ticked else "[ ]"
        return "[x]" if self._whole(collection) else "[-]"

    def toggle(self, collection: str, key: str | None = None) -> None:
        """Tick a collection with all its keys, or one key; or untick it."""
        if key is None:
            whole = collection in self._on and self._whole(collection)
            self._set(collection, None if whole else set(self._keys[collection]))
            return
        ticked = self._on.get(collection, set()) ^ {key}
        self._set(collection, ticked or None)

    def toggle_key(self, key: str) -> None:
        """Tick a key in all collections that have it, or untick it where it is ticked in all."""
        having = [name for name, keys in self._keys.items() if key in keys]
        whole = all(key in self._on.get(name, ()) for name in having)
        for name in having:
            ticked = self._on.get(name, set())
            self._set(name, (ticked - {key} or None) if whole else ticked | {key})

    def toggle_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        whole = len(self._on) == len(self._keys) and all(map(self._whole, self._keys))
        self._on = {} if whole else {name: set(keys) for name, keys in self._keys.items()}

    def _set(self, collection: str, keys: set[str] | None) -> None:
        if keys is None:
            self._on.pop(collection, None)
        else:
            self._on[collection] = keys

    def _whole(self, collection: str) -> bool:
        return len(self._on[collection]) == len(self._keys[collection])


_LONGEST = 1 << 20
"""Characters of GeoJSON that are read from a field."""


@dataclass(frozen=True, slots=True)
class SearchArea:
    """An area as it was typed: a box, or a geometry; neither where nothing was. `words` say what it is."""

    bbox: BBox | None = None
    intersects: JsonDict | None = None
    words: str = ""


def read_area(typed: str) -> SearchArea:
    """Return the area that was typed or pasted: a box, GeoJSON, or the path of a file of it; may block.

    Raises
    ------
    InvalidSearch
        If it is none of these.
    """
    text = typed.strip()
    if not text:
        return SearchArea()
    if text.startswith("{"):
        return _geometry(_parsed(text), "GeoJSON")
    path = _path(text)
    if path is not None:
        return _geometry(read_geometry(path), path.name)
    box = parse_bbox(text)
    if box.west > box.east:
        return SearchArea(bbox=box, words="over the antimeridian")
    if box.west == box.east or box.south == box.north:
        return SearchArea(bbox=box, words="a line or a point")
    return SearchArea(bbox=box)


def _parsed(text: str) -> JsonDict:
    try:
        return geometry_of(json.loads(text[:_LONGEST]))
    except (ValueError, RecursionError):
        raise InvalidSearch("the GeoJSON is not whole", hint="paste all of it, or give a file") from None


def _geometry(geometry: JsonDict, name: str) -> SearchArea:
    return SearchArea(intersects=geometry, words=f"{geometry['type']} of {name}")


def _path(text: str) -> Path | None:
    """Return a path, where a text is to be read as one: by its ending, or because it is there."""
    named = text.lower().endswith((".json", ".geojson"))
    if not named and not text.startswith(("/", "~", "./", "../")):
        return None
    try:
        return Path(text).expanduser()
    except RuntimeError:  # `~nobody`: there is no such home
        return Path(text)


def read_when(typed: str) -> tuple[Span | None, str]:
    """Return the stretch of time that was typed, None for any, and how it was understood.

    Raises
    ------
    InvalidSearch
        If it is none.
    """
    span = parse_span(typed)
    if span is None:
        return None, ""
    start, end = ("open" if part is None else date(part.isoformat()) for part in (span.start, span.end))
    return span, start if start == end else f"{start} to {end}"


def sizes(amount: Amount, *, short: bool = False) -> str:
    """Return the bytes of an amount: what is known, and of how many files it is not."""
    if not amount.files:
        return ""
    if amount.bytes is not None:
        return size(amount.bytes)
    if amount.unknown == amount.files:
        return "size ?" if short else "of unknown size"
    rest = f"{amount.unknown:,} ?" if short else f"{amount.unknown:,} of unknown size"
    return f"{size(amount.known)} + {rest}"


def totals(counts: Counts) -> str:
    """Return what a selection comes to, on one line."""
    items = sum(entry.all for entry in counts.items.values())
    parts = [count(counts.all.files, "file"), sizes(counts.all), f"{count(items, 'item')}"]
    return " · ".join(filter(None, parts))
