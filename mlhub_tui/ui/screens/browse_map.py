"""The map beside the tree: where that lies which is under the cursor, an item among those around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget

from ...metadata.places import place_words
from ...models import Document, Entry, Item
from ..map.footprint_map import FootprintMap
from ..map.footprints import Footprint, footprint_of
from ..map.map_pane import where_of

if TYPE_CHECKING:
    from ..document_cache import Documents


AROUND = 100
"""Items before and behind the one under the cursor whose footprints are shown, as far as they are loaded."""

Mark = tuple[str, str]


class BrowseMap(FootprintMap):
    """A map that knows whose footprints it shows."""

    def __init__(self) -> None:
        super().__init__(id="map")
        self._numbers: dict[Mark, int] = {}

    def on_resize(self) -> None:
        """Show all of it at the new size too, unless somebody is at work on it."""
        if not self.has_focus:
            self._view = None  # a view that was fitted to a size on the way to this one shows less
        super().on_resize()

    def show_document(self, document: Document | None) -> None:
        """Show the extent of a document."""
        boxes = where_of(document)[0] if document is not None else ()
        if self.boxes != tuple(boxes) or self._numbers:
            self._numbers = {}
            self.note = place_words(boxes)
            self.show(boxes)

    def show_items(self, items: dict[Mark, Footprint], current: Mark, note: str) -> None:
        """Show items, one of them as the current one; the view stays where some of them were shown before."""
        if items.keys() != self._numbers.keys():
            known = bool(self._numbers.keys() & items.keys())
            self._numbers = {mark: number for number, mark in enumerate(items)}
            self.show((), list(items.values()), keep_view=known)
        self.note = note
        self.highlight(self._numbers[current])


def show_on_map(
    chart: BrowseMap | None,
    place: Widget,
    entry: Entry | None,
    beside: Sequence[Entry],
    documents: Documents,
) -> BrowseMap:
    """Show where an entry lies on the map, which is put into its place the first time, and return the map.

    Parameters
    ----------
    chart
        The map; None where there is none yet.
    place
        What holds the map.
    entry
        What is under the cursor.
    beside
        The entries of its kind in the same listing.
    documents
        What was loaded.
    """
    chart = chart or BrowseMap()
    document = documents.of(entry)
    items = _items(entry, beside, documents) if isinstance(document, Item) and entry is not None else {}
    if entry is not None and document is not None and (entry.id, entry.url) in items:
        chart.show_items(items, (entry.id, entry.url), place_words(where_of(document)[0]))
    else:
        chart.show_document(document)
    if place.is_attached and not chart.is_attached:
        place.mount(chart)
    return chart


def _items(entry: Entry, beside: Sequence[Entry], documents: Documents) -> dict[Mark, Footprint]:
    """Return the footprints of an item and of those around it that are loaded."""
    at = next((number for number, other in enumerate(beside) if other == entry), 0)
    found: dict[Mark, Footprint] = {}
    for other in beside[max(at - AROUND, 0) : at + AROUND]:
        document = documents.of(other)
        footprint = footprint_of(document) if document is not None else None
        if footprint is not None:
            found[other.id, other.url] = footprint
    return found
