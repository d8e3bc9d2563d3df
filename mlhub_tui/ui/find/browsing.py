"""What Browse does to find things: filter, facets, order, going to an id, favourites, where one was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work

from ...errors import MLHubException
from ..screens.browse_commands import BrowseCommands
from ..widgets.catalog_tree import CatalogTree
from ..widgets.find_bar import FindBar
from .filter_line import FilterLine
from .trail import HistoryEntry

if TYPE_CHECKING:
    from ..connection import Connection
    from ..widgets.entries import TreeEntry
    from .favourite import Favourite
    from .lookup import Goal

_MOMENT = 0.02
"""Seconds between two looks whether a source that was opened is shown."""
_PATIENCE = 60.0


class BrowseFinding(BrowseCommands):
    """The commands of Browse that lead to a place in its tree."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Connection | None = None
        """What the tree shows."""
        self._ends_when_found = False
        self._is_typing = False
        self.find_bar: FindBar | None = None
        """The line in which a filter is typed, while it is."""
        self._filter_line = FilterLine()

    # The filter

    async def action_filter(self) -> None:
        """Type a filter."""
        if self.find_bar is None:
            from .query import to_type_on

            self._is_typing = True
            self._show_filter()
            self.find_bar = FindBar(to_type_on(self.tree_view.filter))
        await self.find_bar.open_in(self, before=self.hint_bar)

    @on(FindBar.Edited)
    def _filter_edited(self, message: FindBar.Edited) -> None:
        message.stop()
        self._apply_filter(message.value)

    @on(FindBar.Closed)
    def _filter_closed(self, message: FindBar.Closed) -> None:
        message.stop()
        if message.keep and self.tree_view.is_looking:
            self._ends_when_found = True  # what is typed behind Enter is for what is found
        else:
            self._end_filter(keep=message.keep)

    def _apply_filter(self, words: str) -> None:
        self.tree_view.apply_filter(words)

    @on(CatalogTree.Filtered)
    def _filtered(self, message: CatalogTree.Filtered) -> None:
        message.stop()
        if self.find_bar is not None:
            self.find_bar.say(self.tree_view.found_words)
        self._show_filter()
        for screen in self.app.screen_stack:
            if (count := getattr(screen, "count_facets", None)) is not None:
                count()
        if self._ends_when_found:
            self._end_filter(keep=True)

    def _show_filter(self) -> None:
        """Show the filter in force on a line, unless it is being typed there."""
        shown = self._filter_line
        shown.display = bool(self.tree_view.filter) and not self._is_typing
        if shown.display:
            shown.words, shown.found = self.tree_view.filter, self.tree_view.found_words
            if self.is_attached and not shown.is_attached:
                self.mount(shown, before=self.hint_bar)

    def _end_filter(self, *, keep: bool) -> None:
        self._ends_when_found = False
        if self.find_bar is not None:
            self.find_bar.remove()
            self.find_bar = None
        self._is_typing = False
        tree = self.tree_view
        if not keep:
            self._apply_filter("")
        self.set_focus(tree)
        if keep and tree.filter:
            tree.first_match()
        self._show_filter()

    def action_next_match(self, step: int) -> None:
        """Go to the next or previous match."""
        self.tree_view.next_match(step)

    def action_facets(self) -> None:
        """Choose tags, types and licences to narrow the tree by."""
        from .facet_screen import FacetScreen

        if self.tree_view.started:
            self.app.push_screen(FacetScreen(self.tree_view, self._apply_filter))

    def action_sort(self) -> None:
        """Show the entries in the next of the orders."""
        from .order import ORDERS, following

        tree = self.tree_view
        if not tree.started:
            return
        order = following(tree.order)
        if order == "title" and tree.branches.by_dataset:
            order = following(order)  # so they are listed
        tree.sort(order)
        if tree.scroll_offset.y:  # else the first line says it
            self.notify(f"Entries stand {ORDERS[order]}.", timeout=2)

    # Going somewhere

    def action_goto(self) -> None:
        """Ask for an id, a DOI or a URL, and go there."""
        from .goto_screen import GotoScreen

        connection, tree = self.context.connection, self.tree_view
        if connection is None:
            self.notify("There is no source to look in yet.", markup=False)
            return
        # At once, not from a worker: what is typed behind the key is for the field.
        self.app.push_screen(GotoScreen(tree.branches, connection.source), self._asked)

    def _asked(self, goal: Goal | None) -> None:
        if goal is not None:
            self._set_out(goal)

    @work(group="travel", exclusive=True)
    async def _set_out(self, goal: Goal) -> None:
        await self._go(goal)

    async def _go(self, goal: Goal) -> None:
        """Go to something; what has no place in the tree, or one too far back in it, is shown by itself."""
        self.note_place()
        if not await self._walk(goal.path) and goal.entry.kind != "dataset":
            from ..widgets.entries import TreeEntry

            self.notify("It is not in the part of the tree that is loaded: here it is.", markup=False)
            self._open(TreeEntry(goal.entry))
        self.note_place()

    async def _walk(self, path: tuple[str, ...]) -> bool:
        from .walk import walk

        told = False

        def say(words: str) -> None:
            nonlocal told
            if not told:
                self.notify(words, markup=False)
            told = True

        try:
            return bool(path) and await walk(self._documents, self.tree_view, path, say)
        except MLHubException as error:
            self.context.report(error)
            return False

    def stop_travelling(self) -> bool:
        """Stop what is looked for on the way to a place; False where nothing is."""
        going = [worker for worker in self.workers if worker.group == "travel" and not worker.is_finished]
        for worker in going:
            worker.cancel()
        return bool(going)

    def _open(self, subject: TreeEntry, pane: str = "overview") -> None:
        from ..screens.document import DocumentScreen

        self.note_place()
        self.note_place(subject)
        self.app.push_screen(DocumentScreen(subject, self._documents, pane))

    # Favourites

    def action_favourite(self) -> None:
        """Mark what is under the cursor as a favourite, or mark it no more."""
        from .favourite import Favourite

        tree, subject, row = self.tree_view, self.tree_view.subject, self.tree_view.cursor_row
        if self._shown is None or subject is None or row is None:
            self.notify("Only datasets, collections and what is in them can be marked.", markup=False)
            return
        one = Favourite.of(subject.entry, tree.branches.path(row), self.here().place)
        marked = self.context.memory.favourites.toggle(self._shown.job_source, one)
        if marked is None:
            self.notify("There is no room for another favourite: forget one first (F).", markup=False)
        else:
            self._favourites_changed()

    def _favourites_changed(self) -> None:
        self.context.keep_favourites()
        self.show_favourites()

    def show_favourites(self) -> None:
        """Mark the favourites of the source in the tree."""
        known = self.context.memory.favourites.of(self._shown.job_source) if self._shown is not None else {}
        self.tree_view.favourites = frozenset(known)
        self.tree_view.refresh()

    @work(group="travel", exclusive=True)
    async def action_favourites(self) -> None:
        """List the favourites; go to the one that is chosen, in whatever source it is."""
        from .favourite_screen import FavouriteScreen, MarkedEntry

        favourites = self.context.memory.favourites

        def forget(marked: MarkedEntry) -> None:
            favourites.remove(marked[0], marked[1].key)
            self._favourites_changed()

        here = self._shown.job_source if self._shown is not None else ""
        chosen = await self.app.push_screen_wait(FavouriteScreen([*favourites.all()], here, forget))
        if chosen is not None:
            source, one = chosen
            self.note_place()
            if source == here or await self._use(one.place):
                await self._go_to_favourite(one)

    async def _go_to_favourite(self, one: Favourite) -> None:
        from .lookup import Goal

        await self._go(Goal(one.entry(), one.path))

    async def _use(self, place: str) -> bool:
        """Open another source, and wait until the tree is its own; False where that does not come about."""
        from ..search_flow import open_entry

        if not await open_entry(self.context, place):
            return False
        for _ in range(int(_PATIENCE / _MOMENT)):
            if self._shown is self.context.connection:
                return self._shown is not None
            await asyncio.sleep(_MOMENT)
        return False

    # Where one was

    def here(self, subject: TreeEntry | None = None) -> HistoryEntry:
        """Return the place one is at; with what is open there."""
        tree, row = self.tree_view, self.tree_view.cursor_row
        path = tree.branches.path(row) if tree.started and row is not None else ()
        place = ""
        if self._shown is not None:
            from ..search_flow import entry_of

            place = entry_of(self._shown)
        return HistoryEntry(place, path, subject, subject is not None)

    def note_place(self, subject: TreeEntry | None = None) -> None:
        """Remember the place one is at, to come back to."""
        if self._shown is not None and self.tree_view.started:
            self.context.trail.visit(self.here(subject))

    def action_travel(self, step: int) -> None:
        """Go back to where one was, or forward again."""
        self.travel(self.here(), step)

    @work(group="travel", exclusive=True)
    async def travel(self, here: HistoryEntry, step: int) -> None:
        """Go to the place before or behind another."""
        stop = self.context.trail.go(here, step)
        if stop is None:
            self.notify("There is nothing further back." if step < 0 else "This is where you were last.")
            return
        from ..screens.document import DocumentScreen

        if isinstance(self.app.screen, DocumentScreen):
            self.app.pop_screen()
        if stop.place != here.place and not await self._use(stop.place):
            return
        if not await self._walk(stop.path):
            self.notify("What was there is not there any more, or further back than is loaded.", markup=False)
        elif stop.subject is not None:
            self.app.push_screen(DocumentScreen(stop.subject, self._documents))
