"""Parts of Browse: the detail with its map, the split between the panes, the filter of the tree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical

from ...errors import MLHubException
from ...text import count
from .. import catalog, dialogs
from ..catalog.matching import ORDERS, following, to_type_on
from ..widgets.bars import FilterLine
from ..widgets.detail_view import DetailView

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen
    from textual.widget import Widget

    from ...models import Entry
    from ...sources.base import Source
    from ..catalog.catalog_tree import CatalogTree
    from ..catalog.loader import Documents
    from ..catalog.nodes import TreeEntry
    from ..catalog.tree_model import NodeRow
    from ..map.map_pane import BrowseMap
    from ..state import AppState
    from .entry_screen import EntryScreen


class DetailPane(Vertical):
    """Shows the row under the cursor of the tree, and what is fetched of it while the cursor rests there."""

    def __init__(self, screen: EntryScreen, tree: CatalogTree) -> None:
        super().__init__(id="right")
        self._browse, self._tree = screen, tree
        self.detail = DetailView(id="detail")
        self._chart: BrowseMap | None = None
        self._wanted: NodeRow | None = None

    def compose(self) -> ComposeResult:
        """Lay out the detail; the map comes where there is room for it."""
        yield self.detail

    def clear(self) -> None:
        """Show nothing."""
        self._wanted = None
        self.detail.show([])

    def follow(self) -> None:
        """Show what is under the cursor now."""
        tree, documents = self._tree, self._browse.documents
        subject, self._wanted = tree.subject, tree.cursor_row
        if subject is None:
            self.detail.show(catalog.entry_detail.line_detail(tree.current, tree.tree_model))
        else:
            self.detail.show(catalog.entry_detail.entry_detail(subject, documents))
            self._complete(subject, documents, tree.cursor_row)
        self.draw_map()

    @work(exclusive=True, group="detail")
    async def _complete(self, subject: TreeEntry, documents: Documents, row: NodeRow) -> None:
        """Fetch what the detail lacks, and show it if the cursor is still there."""
        async for _ in documents.complete(subject):
            if self._wanted is not row or self._browse.closing:
                return
            self.detail.show(catalog.entry_detail.entry_detail(subject, documents), keep_place=True)
            self.draw_map()
        document = documents.of(subject.entry)
        if document is not None and not self._browse.closing:
            self._tree.tree_model.learn(row, document)

    def draw_map(self) -> None:
        """Show on the map, on a wide terminal, where that lies which is under the cursor."""
        browse = self._browse
        if browse.closing or not browse.has_class("-wide") or self._wanted is None:
            return
        from ..map.map_pane import BrowseMap

        if self._chart is None:
            self._chart = BrowseMap(browse.go_beside, self._open)
        subject = browse.subject
        self._chart.follow(subject.entry if subject is not None else None, browse.beside, browse.documents)
        if self.is_attached and not self._chart.is_attached:
            self.mount(self._chart)

    def _open(self, entry: Entry) -> None:
        """Open an item that stands beside the one under the cursor."""
        self._browse.go_beside(entry)
        if self._browse.subject is not None:
            self._browse.open_subject(self._browse.subject)

    def focus_map(self) -> bool:
        """Give the keys to the map; False where there is none, or it has them."""
        chart = self._chart
        if chart is None or chart.has_focus or not (chart.display and chart.region):
            return False
        chart.focus()
        return True


STEP = 5
"""Percent of the width that one step moves the split by."""
NARROWEST = 20
"""Columns that each pane retains."""
_TWO_PANES, _WIDE, _TALL = 76, 120, 20
BESIDE = 170
"""Columns from which on the map stands beside the detail, not below it."""


class PaneSplit:
    """Lays out two panes as the user left them; the steps count from the usual width of the size at hand.

    - `screen`: Gets the class `-zoom` while one pane fills it.
    - `left`: The pane whose width is set; the other one takes the rest.
    - `memory`: Remembers the steps and the zoom.
    """

    def __init__(self, screen: Screen[Any], left: Widget, memory: AppState) -> None:
        self._screen, self._left, self._memory = screen, left, memory

    def lay_out(self, size: Size) -> None:
        """Divide a terminal of a size."""
        zoomed = self._memory.zoom and size.width >= _TWO_PANES
        self._screen.set_class(zoomed, "-zoom")
        share = self._share(size, self._memory.split)
        moved = self._memory.split and size.width >= _TWO_PANES and not zoomed
        self._left.styles.width = f"{share}%" if moved else None

    def move(self, size: Size, step: int) -> str:
        """Move the split a step to the left (-1) or right (1); return why not, where it cannot."""
        if size.width < _TWO_PANES:
            return f"One pane fits {size.width} columns: from {_TWO_PANES} on the split can be moved."
        if self._memory.zoom:
            return "One pane is zoomed: Z shows both."
        before = self._share(size, self._memory.split)
        if self._share(size, self._memory.split + step) == before:
            return f"The {'detail' if step > 0 else 'tree'} cannot be narrower."
        # A narrower terminal may bound the steps remembered: the next one counts from there.
        self._memory.split = round((before - _usual(size)) / STEP) + step
        self.lay_out(size)
        return ""

    def zoom(self, size: Size) -> str:
        """Let one pane fill the screen, or show both again; return why not, where it cannot."""
        if size.width < _TWO_PANES:
            return f"One pane fits {size.width} columns: tab shows the other."
        self._memory.zoom = not self._memory.zoom
        self.lay_out(size)
        return ""

    def _share(self, size: Size, steps: int) -> int:
        """Return the percent of the width that the left pane has after some steps."""
        least = -(-100 * NARROWEST // size.width)
        return min(max(_usual(size) + steps * STEP, least), 100 - least)


def _usual(size: Size) -> int:
    """Return the percent that the style sheet gives the left pane."""
    if size.width < _WIDE:
        return 50
    return 33 if size.width >= BESIDE and size.height >= _TALL else 40


AT_ONCE = 1.0
"""Seconds within which the collections are read without a word."""
READING = "Reading collections for years, sensors and tasks…"


class BrowseFilter:
    """Filters and sorts the tree of a Browse screen."""

    def __init__(self, screen: EntryScreen, tree: CatalogTree) -> None:
        self._screen, self._tree = screen, tree
        self._line = FilterLine()
        self._searched: Documents | None = None
        """What the collections are read from, or were."""
        self._ends_when_found = False

    async def type(self) -> None:
        """Let a filter be typed."""
        self.read_collections()
        await self._screen.type_filter(to_type_on(self._tree.filter))
        self.show()

    def show(self) -> None:
        """Show the filter in force on a line, unless it is being typed there."""
        screen, tree, shown = self._screen, self._tree, self._line
        shown.display = bool(tree.filter) and screen.find_bar is None
        if shown.display:
            shown.words, shown.found = tree.filter, tree.found_words
            if screen.is_attached and not shown.is_attached:
                screen.mount(shown, before=screen.status_line)

    def found(self) -> None:
        """Show what the filter found so far, also where it is typed and narrowed."""
        screen = self._screen
        if screen.find_bar is not None:
            screen.find_bar.say(self._tree.found_words)
        self.show()
        for one in screen.app.screen_stack:
            if (count_facets := getattr(one, "count_facets", None)) is not None:
                count_facets()
        if self._ends_when_found:
            screen.end_filter(keep=True)

    def waits(self, *, keep: bool) -> bool:
        """Whether the end of typing waits for what is found: what is typed behind Enter is for that."""
        self._ends_when_found = keep and self._tree.is_looking
        return self._ends_when_found

    def ended(self, *, keep: bool) -> None:
        """Give the keys to the tree, on the first match."""
        self._screen.set_focus(self._tree)
        if keep and self._tree.filter:
            self._tree.first_match()
        self.show()

    def next_match(self, step: int) -> None:
        """Go to the next or previous match."""
        if self._tree.filter:
            self._tree.next_match(step)
        else:
            self._screen.refuse("No filter is set: / sets one.")

    def narrow(self) -> None:
        """Choose tags, types and licences to narrow the tree by."""
        if self._tree.started:
            self.read_collections()
            self._screen.app.push_screen(
                dialogs.tree_dialogs.FacetScreen(self._tree, self._tree.apply_filter)
            )
        else:
            self._screen.refuse("No source is open yet.")

    def sort(self) -> None:
        """Show the entries in the next of the orders."""
        tree = self._tree
        if not tree.started:
            self._screen.refuse("No source is open yet.")
            return
        order = following(tree.order)
        if order == "title" and tree.tree_model.by_dataset:
            order = following(order)  # so they are listed
        tree.sort(order)
        if tree.scroll_offset.y:  # else the first line says it
            self._screen.notify(f"Sorted {ORDERS[order]}.", timeout=2)

    # What MLHub's datasets themselves do not state

    def read_collections(self) -> None:
        """Read the collections once, for the filter and the facets of their datasets."""
        documents, tree = self._screen.documents, self._tree
        if documents.source is None or not (tree.started and tree.tree_model.by_dataset):
            return
        if documents is not self._searched:
            self._searched = documents
            reading: Callable[[], Awaitable[None]] = partial(self._read, documents, documents.source)
            self._screen.run_worker(reading, group="collections", exclusive=True)

    async def _read(self, documents: Documents, source: Source) -> None:

        screen = self._screen
        progress = screen.set_timer(AT_ONCE, lambda: screen.notify(READING, timeout=60))
        words = "Collections were not read."
        try:
            found = await catalog.loader.read_collections(source)
            if documents is screen.documents:
                self._tree.describe(found)
                words = f"Read {count(len(found), 'collection')}: filter by year, sensor and task."
        except MLHubException as error:
            # Else another source is in use, or this one is loaded again: nobody waits for these any more.
            if not screen.closing and documents is screen.documents:
                self._searched = None
                words = f"Years, sensors and tasks are unknown: {error.full_message}"
                screen.notify(words, severity="warning")
        finally:
            progress.stop()
            news = screen.context.news
            if news is not None and news.words == READING and not screen.closing:
                screen.notify(words, timeout=3)
