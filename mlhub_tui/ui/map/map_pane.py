"""Where and when: a map of a document with the items loaded so far, and a histogram of their dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from ...metadata.places import parts, place_words, time_words
from ...models import BBox, Collection, Dataset, Document, Entry, Interval, Item, MLModel
from ...models.search import parse_span, span_of
from ...text import count
from ..catalog.loader import Documents
from ..catalog.nodes import without_document
from ..commands import MAP, bindings
from ..widgets.bars import KeyRefused
from .canvas import Footprint, footprint_of
from .footprint_map import CONTEXT, FootprintMap
from .time_histogram import TimeHistogram, days_of


class MapItem(NamedTuple):
    """An item on the map."""

    entry: Entry
    footprint: Footprint
    interval: Interval


_WITHOUT_FOOTPRINTS = dict.fromkeys(("map.open", "map.next", "map.previous"), "say_empty")
"""Keys of footprints, which the map leaves alone while it has none."""


class MapPane(Vertical):
    """A map and a histogram of the same items; a range of dates leaves those of them that lie in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding
        for binding in bindings(MAP, _WITHOUT_FOOTPRINTS)
        if getattr(binding, "id", "") in ("map.dates", *_WITHOUT_FOOTPRINTS)
    ]
    DEFAULT_CSS = """
    MapPane > TimeHistogram { display: none; }
    MapPane.-dates > TimeHistogram { display: block; }
    """

    @dataclass
    class Opened(Message):
        """An item on the map is to be opened."""

        entry: Entry

    @dataclass
    class Wanted(Message):
        """A search is wanted within a box, dates, or both."""

        box: BBox | None
        when: str

    @dataclass
    class Filtered(Message):
        """Only items of a time are to be shown; empty for all of them."""

        when: str
        words: str

    class StatusChanged(Message):
        """There is another word on how much is on the map."""

    class MoreWanted(Message):
        """The last item on the map is the current one: more may be loaded."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._chart, self._dates = FootprintMap(), TimeHistogram()
        self._placed: list[MapItem] = []
        self._shown: list[MapItem] = []
        self._known: set[tuple[str, str]] = set()
        self._extents: tuple[BBox, ...] = ()
        self._interval: Interval | None = None
        self._words = ""
        self._when: tuple[str, str] = ("", "")

    def compose(self) -> ComposeResult:
        """Lay out the map above the histogram."""
        yield self._chart
        yield self._dates

    def on_mount(self) -> None:
        """Show what came before."""
        self._show_all()

    def on_resize(self) -> None:
        """Leave the histogram out where the map would be too small."""
        self._lay_out()

    def _lay_out(self) -> None:
        self.set_class(self._has_dates and self.size.height >= 14, "-dates")

    @property
    def _has_dates(self) -> bool:
        return self._interval is not None or bool(self._placed)

    def focus(self, scroll_visible: bool = True) -> Self:
        """Give the keys to the map."""
        self._chart.focus(scroll_visible)
        return self

    @property
    def status(self) -> str:
        """How much is on the map, for the strip above."""
        if not self._placed:
            return ""
        less = f" of {len(self._placed):,}" if len(self._shown) < len(self._placed) else ""
        return count(len(self._shown), "footprint") + less

    @property
    def when(self) -> str:
        """The dates that were chosen, as people type them; empty for all."""
        return self._when[0]

    # What is shown

    def show(self, document: Document) -> None:
        """Show the extent of a document."""
        self.show_extent(*where_of(document))

    def show_extent(self, extents: tuple[BBox, ...], interval: Interval | None = None) -> None:
        """Show boxes of the whole, and the time in which there should be items."""
        if (extents, interval) == (self._extents, self._interval):
            return
        self._extents, self._interval = extents, interval
        when = time_words(interval) if interval is not None else ""
        self._words = ", ".join(filter(None, (place_words(extents), when)))
        if self.is_mounted:
            self._show_all()

    def reset(self) -> None:
        """Forget the items."""
        self._placed, self._known, self._when = [], set(), ("", "")
        if self.is_mounted:
            self._show_all()

    def add(self, documents: Sequence[tuple[Entry, Document]]) -> None:
        """Show more items; those without a place are left out."""
        fresh = []
        for entry, document in documents:
            # Of an item that was known by its link, the table has learnt the id as well.
            mark = (document.id, entry.url)
            footprint = footprint_of(document)
            if mark in self._known or footprint is None or not isinstance(document, Item):
                continue
            self._known.add(mark)
            fresh.append(
                MapItem(replace(without_document(entry), id=document.id), footprint, document.interval)
            )
        first = not self._placed
        self._placed += fresh
        if not fresh or not self.is_mounted:
            return
        if first or self._when[0]:
            self._show_all(keep_view=not first)
            return
        self._shown += fresh
        self.post_message(self.StatusChanged())
        self._chart.add([placed.footprint for placed in fresh])
        self._dates.add(days_of(placed.interval for placed in fresh))

    def highlight(self, entry: Entry | None) -> None:
        """Mark an item as the current one."""
        mark = (entry.id, entry.url) if entry is not None else ("", "")
        marks = ((placed.entry.id, placed.entry.url) for placed in self._shown)
        self._chart.highlight(next((number for number, one in enumerate(marks) if one == mark), None))
        self._name_current()

    @property
    def current(self) -> Entry | None:
        """The item whose footprint is the current one."""
        number = self._chart.current
        return self._shown[number].entry if number is not None else None

    def _show_all(self, *, keep_view: bool = False) -> None:
        dates = self._dates
        if not keep_view or dates.range is None:
            dates.show(days_of(placed.interval for placed in self._placed), self._interval)
        self._filter()
        self._show_map(keep_view=keep_view)
        self._lay_out()

    def _show_map(self, *, keep_view: bool) -> None:
        chart = self._chart
        chart.note = self._when[1] or self._words
        self.post_message(self.StatusChanged())
        chart.show(self._extents, [placed.footprint for placed in self._shown], keep_view=keep_view)

    def _filter(self) -> None:
        """Leave the items whose time lies in the range, if there is one."""
        self._shown, wanted = [*self._placed], parse_span(self._when[0])
        if wanted is not None:
            spans = [span_of(placed.interval.start, placed.interval.end) for placed in self._placed]
            pairs = zip(self._placed, spans, strict=True)
            self._shown = [placed for placed, span in pairs if span is not None and wanted.meets(span)]

    # Keys

    @on(FootprintMap.Opened)
    def _opened(self, message: FootprintMap.Opened) -> None:
        message.stop()
        self.post_message(self.Opened(self._shown[message.index].entry))

    @on(FootprintMap.Moved)
    def _moved(self, message: FootprintMap.Moved) -> None:
        message.stop()
        self._name_current()
        if message.index == len(self._shown) - 1:
            self.post_message(self.MoreWanted())

    def _name_current(self) -> None:
        """Say which item the current one is, and when it was taken."""
        chart = self._chart
        if chart.current is None:
            chart.note = self._when[1] or self._words
        else:
            placed = self._shown[chart.current]
            when = time_words(placed.interval)
            chart.note = f"{placed.entry.label}, {when}" if when else placed.entry.label
        chart.redraw()

    @on(FootprintMap.BoxChosen)
    def _box_chosen(self, message: FootprintMap.BoxChosen) -> None:
        message.stop()
        self.post_message(self.Wanted(message.box, self.when))

    @on(TimeHistogram.RangeChosen)
    def _range_chosen(self, message: TimeHistogram.RangeChosen) -> None:
        """Leave what lies in the range; chosen again, search in it."""
        message.stop()
        if self._when[0] == message.when:
            self.post_message(self.Wanted(None, message.when))
            return
        self._take_time(message.when, message.words)

    def _take_time(self, when: str, words: str) -> None:
        self._when = (when, words)
        self._filter()
        self._show_map(keep_view=True)
        self.post_message(self.Filtered(when, words))

    @on(TimeHistogram.RangeLeft)
    def _range_left(self, message: TimeHistogram.RangeLeft) -> None:
        message.stop()
        self._take_time("", "")

    def leave_range(self) -> None:
        """Show the items of all times again."""
        self._dates.leave_range()

    def action_say_empty(self) -> None:
        """Say why there is no footprint to go to, or to open."""
        words = "No footprint to go to: no item with a place is loaded here."
        if self._placed:
            words = f"No item on the map is of {self._when[1]}: esc shows all dates."
        self.post_message(KeyRefused(words))

    def action_other(self) -> None:
        """Go from the map to the histogram and back."""
        chart, dates = self._chart, self._dates
        if dates.display:
            (chart if dates.has_focus else dates).focus()
        else:
            words = "The dates need more rows." if self._has_dates else "No dates are known here."
            self.post_message(KeyRefused(words))


def where_of(document: Document) -> tuple[tuple[BBox, ...], Interval | None]:
    """Return the boxes of a document to draw, and the time in which it says that items are."""
    match document:
        case Collection():
            extent = document.extent
            return tuple(parts(extent.bboxes)), extent.intervals[0] if extent.intervals else None
        case Item() | MLModel() | Dataset():
            return ((document.bbox,) if document.bbox is not None else ()), None
    return (), None


AROUND = 100
"""Items before and behind the one under the cursor whose footprints are shown, as far as they are loaded."""


class BrowseMap(FootprintMap):
    """A map that knows whose footprints it shows.

    - `go_to`, `open_item`: Called with the item that the map's own keys lead to, and with one that they open.
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
