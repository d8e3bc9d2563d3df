"""The map beside the tree: where that lies which is under the cursor, an item among those around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on

from ...metadata.places import place_words
from ...models import Entry, Item
from ..document_cache import Documents
from ..map.canvas import Footprint, footprint_of
from ..map.footprint_map import CONTEXT, FootprintMap
from ..map.map_pane import where_of

AROUND = 100
"""Items before and behind the one under the cursor whose footprints are shown, as far as they are loaded."""


class BrowseMap(FootprintMap):
    """A map that knows whose footprints it shows.

    Parameters
    ----------
    go_to, open_item
        Called with the item that the map's own keys lead to, and with one that they open.
    """

    def __init__(self, go_to: Callable[[Entry], None], open_item: Callable[[Entry], None]) -> None:
        super().__init__(id="map", least=CONTEXT)
        self._go_to, self._open_item = go_to, open_item
        self._entries: list[Entry] = []

    def follow(self, entry: Entry | None, beside: Sequence[Entry], documents: Documents) -> None:
        """Show where an entry lies; of an item also those around it that are loaded."""
        document = documents.of(entry)
        boxes = where_of(document)[0] if document is not None else ()
        items = _items(entry, beside, documents) if isinstance(document, Item) and entry is not None else {}
        if entry in items:
            entries = list(items)
            if entries != self._entries:
                known = not set(items).isdisjoint(self._entries)
                self._entries = entries
                self.show((), list(items.values()), keep_view=known)
            self.note = place_words(boxes)
            self.highlight(entries.index(entry))
        elif self.boxes != tuple(boxes) or self._entries:
            self._entries = []
            self.note = place_words(boxes)
            self.show(boxes)

    @on(FootprintMap.Moved)
    def _moved(self, message: FootprintMap.Moved) -> None:
        message.stop()
        if message.index < len(self._entries):
            self._go_to(self._entries[message.index])

    @on(FootprintMap.Opened)
    def _opened(self, message: FootprintMap.Opened) -> None:
        message.stop()
        if message.index < len(self._entries):
            self._open_item(self._entries[message.index])


def _items(entry: Entry, beside: Sequence[Entry], documents: Documents) -> dict[Entry, Footprint]:
    """Return the footprints of an item and of those around it that are loaded."""
    at = next((number for number, other in enumerate(beside) if other == entry), 0)
    found: dict[Entry, Footprint] = {}
    for other in beside[max(at - AROUND, 0) : at + AROUND]:
        document = documents.of(other)
        footprint = footprint_of(document) if document is not None else None
        if footprint is not None:
            found[other] = footprint
    return found
