"""Parts of Browse: the split of the panes, the tree with its filter, the ways to a place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on, work

from ...errors import MLHubException
from ...text import count, one_line
from .. import actions, catalog, dialogs, widgets
from ..catalog.catalog_tree import CatalogTree
from ..catalog.matching import ORDERS, following, to_type_on
from ..catalog.nodes import TreeEntry
from ..commands import DOCUMENT
from ..state import Favourite, HistoryEntry
from ..widgets.bars import FilterLine
from .place_screen import EntryScreen

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen
    from textual.widget import Widget

    from ...sources.base import Source
    from ..catalog.loader import Documents
    from ..catalog.lookup import Target
    from ..source_connection import Connection
    from ..state import AppState, TreeState


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


class FilteredTreeScreen(EntryScreen):
    """The tree of a source, which is filtered, narrowed and sorted."""

    def __init__(self) -> None:
        super().__init__()
        self.tree_view = CatalogTree(id="tree")
        self.filtered = self.tree_view
        self._line = FilterLine()
        self._searched: Documents | None = None
        """What the collections are read from, or were."""
        self._ends_when_found = False

    async def action_filter(self) -> None:
        """Type a filter."""
        self.read_collections()
        await self.type_filter(to_type_on(self.tree_view.filter))
        self._show_filter()

    def apply_filter(self, words: str) -> None:
        """Show the entries that the words are about."""
        self.tree_view.apply_filter(words)

    def _show_filter(self) -> None:
        """Show the filter in force on a line, unless it is being typed there."""
        tree, shown = self.tree_view, self._line
        shown.display = bool(tree.filter) and self.find_bar is None
        if shown.display:
            shown.words, shown.found = tree.filter, tree.found_words
            if self.is_attached and not shown.is_attached:
                self.mount(shown, before=self.status_line)

    @on(CatalogTree.Filtered)
    def _found(self) -> None:
        """Show what the filter found so far, also where it is typed and narrowed."""
        if self.find_bar is not None:
            self.find_bar.say(self.tree_view.found_words)
        self._show_filter()
        for one in self.app.screen_stack:
            getattr(one, "count_facets", lambda: None)()
        if self._ends_when_found:
            self.end_filter(keep=True)

    def end_filter(self, *, keep: bool) -> None:
        """Give the keys to the tree, on the first match, once what is typed is looked for.

        What is typed behind Enter is for what is found.
        """
        tree = self.tree_view
        self._ends_when_found = keep and tree.is_looking
        if self._ends_when_found:
            return
        super().end_filter(keep=keep)
        if keep and tree.filter:
            tree.first_match()
        self._show_filter()

    def action_next_match(self, step: int) -> None:
        """Go to the next or previous match."""
        if self.tree_view.filter:
            self.tree_view.next_match(step)
        else:
            self.refuse("No filter is set: / sets one.")

    def action_facets(self) -> None:
        """Choose tags, types and licences to narrow the tree by."""
        tree = self.tree_view
        if tree.started:
            self.read_collections()
            self.app.push_screen(dialogs.tree_dialogs.FacetScreen(tree, tree.apply_filter))
        else:
            self.refuse("No source is open yet.")

    def action_sort(self) -> None:
        """Show the entries in the next of the orders."""
        tree = self.tree_view
        if not tree.started:
            self.refuse("No source is open yet.")
            return
        order = following(tree.order)
        if order == "title" and tree.tree_model.by_dataset:
            order = following(order)  # so they are listed
        tree.sort(order)
        if tree.scroll_offset.y:  # else the first line says it
            self.notify(f"Sorted {ORDERS[order]}.", timeout=2)

    # What MLHub's datasets themselves do not state

    def read_collections(self) -> None:
        """Read the collections once, for the filter and the facets of their datasets."""
        documents, tree = self.documents, self.tree_view
        if documents.source is None or not (tree.started and tree.tree_model.by_dataset):
            return
        if documents is not self._searched:
            self._searched = documents
            self._read(documents, documents.source)

    @work(exclusive=True, group="collections")
    async def _read(self, documents: Documents, source: Source) -> None:
        progress = self.set_timer(AT_ONCE, lambda: self.notify(READING, timeout=60))
        words = "Collections were not read."
        try:
            found = await catalog.loader.read_collections(source)
            if documents is self.documents:
                self.tree_view.describe(found)
                words = f"Read {count(len(found), 'collection')}: filter by year, sensor and task."
        except MLHubException as error:
            # Else another source is in use, or this one is loaded again: nobody waits for these any more.
            if not self.closing and documents is self.documents:
                self._searched = None
                words = f"Years, sensors and tasks are unknown: {error.full_message}"
                self.notify(words, severity="warning")
        finally:
            progress.stop()
            news = self.context.news
            if news is not None and news.words == READING and not self.closing:
                self.notify(words, timeout=3)


_MOMENT = 0.02
"""Seconds between two looks whether a source that was opened is shown."""
_PATIENCE = 60.0
_GROUP = "travel"


class Navigator:
    """Moves the cursor of a Browse screen to entries, in whatever source they are.

    - `shown`: The connection whose entries the tree shows.
    """

    def __init__(self, screen: FilteredTreeScreen) -> None:
        self._screen, self._tree = screen, screen.tree_view
        self.shown: Connection | None = None
        self._left: TreeState | None = None
        """How the tree was left whose document is still to be opened."""

    def stop(self, *groups: str) -> bool:
        """Stop groups of workers, else the way to a place; False where none of them works."""
        wanted = groups or (_GROUP,)
        going = [one for one in self._screen.workers if one.group in wanted and not one.is_finished]
        for worker in going:
            worker.cancel()
        return bool(going)

    # How the tree was left

    def keep_view(self) -> None:
        """Remember how the tree is, and the document that is open, for when its source is opened again."""
        screen, tree = self._screen, self._tree
        if self.shown is None or not tree.started:
            return
        opened = screen.context.screens_of("browse")[1:2]
        whole, subject = getattr(opened[0], "whole", None) if opened else None, tree.subject
        same = whole is not None and subject is not None and whole.entry == subject.entry
        pane = getattr(opened[0], "pane", "") if same else ""
        screen.context.memory.keep(self.shown.job_source, replace(tree.view(), pane=pane))

    def recall_view(self, connection: Connection) -> None:
        """Bring the tree of a source, just begun, to how it was left, and mark its favourites."""
        left = self._left = self._screen.context.memory.view(connection.job_source)
        self._tree.recall(left)
        if left.filter:
            self._tree.apply_filter(left.filter)
        self.show_favourites()

    def reopen(self) -> None:
        """Open the document that was open, once the cursor is back on it and was not moved meanwhile."""
        left, screen, tree = self._left, self._screen, self._tree
        if left is None or not left.pane:
            return
        back = tree.current is not None and tree.tree_model.path(tree.current) == left.cursor
        if back or tree.view().cursor != left.cursor or not screen.is_current:
            self._left = None
        if back and screen.is_current and tree.subject is not None and tree.subject.is_document:
            screen.open_subject(tree.subject, left.pane)

    # Go to

    def ask(self) -> None:
        """Ask for an id, a DOI or a URL, and go there."""
        screen = self._screen
        if (connection := screen.context.connection) is None:
            screen.refuse("No source is open yet.")
            return
        # At once, not from a worker: what is typed behind the key is for the field.
        dialog = dialogs.tree_dialogs.GotoScreen(
            self._tree.tree_model, connection.source, lambda target: self._start(partial(self._go, target))
        )
        screen.app.push_screen(dialog)

    def _start(self, going: Callable[[], Awaitable[None]]) -> None:
        """Go somewhere in place of where one is on the way to."""
        self._screen.run_worker(going, group=_GROUP, exclusive=True)

    async def visit(self, place: str, wanted: str = "") -> None:
        """Open a source by its place, unless it is in use, and go to an id or a URL in it."""
        context = self._screen.context
        self.note_place()
        connection = context.connection
        here = (connection.entry, connection.job_source) if connection is not None else ()
        if place not in here and not await self._use(place):
            return
        if not wanted or not await self._until(self._is_listed) or context.connection is None:
            return
        source, model = context.connection.source, self._tree.tree_model
        try:
            await self._go(await catalog.lookup.target_of(wanted, source, model))
        except MLHubException as error:
            context.report(error)

    def _is_listed(self) -> bool:
        """Whether the tree shows the top level of the source in use, or why there is none."""
        if self.shown is None or self.shown is not self._screen.context.connection or not self._tree.started:
            return False
        top = self._tree.tree_model.top
        return bool(top.loaded and not top.cached_age) or top.failure is not None

    async def _go(self, target: Target) -> None:
        """Go to something; what has no place in the tree, or one too far back in it, is shown by itself."""
        self.note_place()
        if not await self._walk(target.path) and target.entry.kind != "dataset":
            self._screen.refuse("It is not in the loaded part of the tree: shown by itself.")
            self._screen.open_subject(TreeEntry(target.entry))
        self.note_place()

    async def _walk(self, path: tuple[str, ...]) -> bool:
        screen = self._screen
        try:
            return bool(path) and await catalog.lookup.walk(screen.documents, self._tree, path, screen.refuse)
        except MLHubException as error:
            screen.context.report(error)
            return False

    # Favourites

    def toggle_favourite(self) -> None:
        """Toggle whether the entry under the cursor is a favourite."""
        screen, tree = self._screen, self._tree
        subject, row = tree.subject, tree.current
        if self.shown is None or subject is None or row is None:
            screen.refuse("Put the cursor on a dataset, collection or item first.")
            return
        one = Favourite.of(subject.entry, tree.tree_model.path(row), self.here().place)
        if (added := screen.context.memory.favourites.toggle(self.shown.job_source, one)) is None:
            screen.refuse("Too many favourites: remove one first (F).")
        else:
            self._favourites_changed()
            screen.notify(f"{'Added to' if added else 'Removed from'} the favourites (F).", timeout=3)

    def _favourites_changed(self) -> None:
        self._screen.context.save_state()
        self.show_favourites()

    def show_favourites(self) -> None:
        """Mark the favourites of the source in the tree."""
        favourites = self._screen.context.memory.favourites
        known = favourites.of(self.shown.job_source) if self.shown is not None else ()
        self._tree.favourites = frozenset(known)
        self._tree.refresh()

    async def choose_favourite(self) -> None:
        """List the favourites; go to the one that is chosen, in whatever source it is."""
        context = self._screen.context
        here = self.shown.job_source if self.shown is not None else ""
        known = sorted(context.memory.favourites.all(), key=lambda one: one[0] != here)
        by_key = {f"{source}\n{one.key}": (source, one) for source, one in known}

        def about(key: str) -> str:
            source, one = by_key[key]
            where = "this source" if source == here else one_line(one.place or source)
            return f"{one_line(one.id or one.url)}\nin {where}"

        async def remove(key: str) -> bool:
            source, one = by_key[key]
            context.memory.favourites.remove(source, one.key)
            self._favourites_changed()
            return True

        lines = [widgets.line_view.PickLine(one.label, "", one.kind, key) for key, (_, one) in by_key.items()]
        none = "None yet: * marks what is under the cursor."
        listed = dialogs.base.ListScreen("Favourites", lines, none, about, remove)
        chosen = await context.push_screen_wait(listed)
        if chosen is not None:
            source, one = by_key[chosen]
            self.note_place()
            if source == here or await self._use(one.place):
                await self._go(catalog.lookup.Target(one.entry(), one.path))

    async def _use(self, place: str) -> bool:
        """Open another source, and wait until the tree is its own; False where that does not come about."""
        context = self._screen.context
        if not await actions.search_actions.open_entry(context, place):
            return False
        return await self._until(lambda: self.shown is context.connection) and self.shown is not None

    async def _until(self, condition: Callable[[], bool]) -> bool:
        """Wait until something holds of what is shown; False where it does not come about."""
        for _ in range(int(_PATIENCE / _MOMENT)):
            if condition():
                return True
            await asyncio.sleep(_MOMENT)
        return False

    # History

    def here(self, subject: TreeEntry | None = None) -> HistoryEntry:
        """Return the place one is at, with what is open there."""
        tree, row = self._tree, self._tree.current
        path = tree.tree_model.path(row) if tree.started and row is not None else ()
        place = self.shown.entry if self.shown is not None else ""
        return HistoryEntry(place, path, subject, subject is not None)

    def note_place(self, subject: TreeEntry | None = None) -> None:
        """Remember the place one is at, to come back to."""
        if self.shown is not None and self._tree.started:
            self._screen.context.history.visit(self.here(subject))

    def travel(self, here: HistoryEntry, step: int) -> None:
        """Go to the place before or behind another."""
        self._start(partial(self._travel, here, step))

    async def _travel(self, here: HistoryEntry, step: int) -> None:
        screen, stop = self._screen, self._screen.context.history.go(here, step)
        if stop is None:
            screen.refuse("Nothing further back." if step < 0 else "Nothing further forward.")
            return
        if getattr(screen.app.screen, "place", "") == DOCUMENT:
            screen.app.pop_screen()
        if stop.place != here.place and not await self._use(stop.place):
            return
        if not await self._walk(stop.path):
            screen.refuse("That entry is gone, or further back than is loaded.")
        elif stop.subject is not None:
            screen.context.show_document(stop.subject, screen.documents)
