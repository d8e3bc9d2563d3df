"""The map beside the tree: where that lies which is under the cursor."""

from __future__ import annotations

from textual.widget import Widget

from ...geo.words import place_words
from ...models import Document
from ..widgets.footprint_map import FootprintMap
from ..widgets.map_pane import where_of


def show_on_map(place: Widget, document: Document | None) -> None:
    """Show a document's extent on the map, which is put into its place the first time."""
    boxes = where_of(document)[0] if document is not None else ()
    words = place_words(boxes)
    charts = place.query(FootprintMap)
    if not charts:
        chart = FootprintMap(id="map")
        chart.note = words
        chart.show(boxes)
        place.mount(chart)
        return
    chart = charts.first()
    if chart.boxes != tuple(boxes):
        chart.note = words
        chart.show(boxes)
