"""The filter of Browse: typed on a line and shown there, narrowed by facets, and the order of the entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...text import count
from .. import catalog, dialogs
from ..catalog.matching import ORDERS, following, to_type_on
from ..widgets.filter_bar import FilterLine

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..catalog.catalog_tree import CatalogTree
    from ..document_cache import Documents
    from .entry_screen import EntryScreen

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
            self._screen.app.push_screen(dialogs.FacetScreen(self._tree, self._tree.apply_filter))
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
        from ..document_cache import why  # after the first paint

        screen = self._screen
        progress = screen.set_timer(AT_ONCE, lambda: screen.notify(READING, timeout=60))
        words = "Collections were not read."
        try:
            found = await catalog.page_loader.read_collections(source)
            if documents is screen.documents:
                self._tree.describe(found)
                words = f"Read {count(len(found), 'collection')}: filter by year, sensor and task."
        except MLHubException as error:
            # Else another source is in use, or this one is loaded again: nobody waits for these any more.
            if not screen.closing and documents is screen.documents:
                self._searched = None
                words = f"Years, sensors and tasks are unknown: {why(error)}"
                screen.notify(words, severity="warning", markup=False)
        finally:
            progress.stop()
            news = screen.context.news
            if news is not None and news.words == READING and not screen.closing:
                screen.notify(words, timeout=3, markup=False)
