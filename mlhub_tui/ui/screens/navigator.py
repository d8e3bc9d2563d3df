"""Ways to a place in the tree of Browse: go to, favourites, history, and how the tree was left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...text import one_line
from .. import actions, catalog, dialogs, widgets
from ..catalog.nodes import TreeEntry
from ..commands import DOCUMENT
from ..state import Favourite, HistoryEntry

if TYPE_CHECKING:
    from ..catalog.catalog_tree import CatalogTree
    from ..catalog.lookup import Target
    from ..catalog.nodes import TreeEntry
    from ..source_connection import Connection
    from ..state import TreeState
    from .entry_screen import EntryScreen

_MOMENT = 0.02
"""Seconds between two looks whether a source that was opened is shown."""
_PATIENCE = 60.0
_GROUP = "travel"


class Navigator:
    """Moves the cursor of a Browse screen to entries, in whatever source they are.

    - `shown`: The connection whose entries the tree shows.
    """

    def __init__(self, screen: EntryScreen, tree: CatalogTree) -> None:
        self._screen, self._tree = screen, tree
        self.shown: Connection | None = None
        self._left: TreeState | None = None
        """How the tree was left whose document is still to be opened."""

    def stop(self) -> bool:
        """Stop what is looked for on the way to a place; False where nothing is."""
        going = [one for one in self._screen.workers if one.group == _GROUP and not one.is_finished]
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
        back = tree.cursor_row is not None and tree.tree_model.path(tree.cursor_row) == left.cursor
        if back or tree.view().cursor != left.cursor or not screen.is_current:
            self._left = None
        if back and screen.is_current and tree.subject is not None and tree.subject.is_document:
            screen.open_subject(tree.subject, left.pane)

    # Go to

    def ask(self) -> None:
        """Ask for an id, a DOI or a URL, and go there."""
        screen = self._screen
        connection = screen.context.connection
        if connection is None:
            screen.refuse("No source is open yet.")
            return

        def arrive(target: Target) -> None:
            work: Callable[[], Awaitable[None]] = partial(self._go, target)
            screen.run_worker(work, group=_GROUP, exclusive=True)

        # At once, not from a worker: what is typed behind the key is for the field.
        screen.app.push_screen(
            dialogs.tree_dialogs.GotoScreen(self._tree.tree_model, connection.source, arrive)
        )

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
        try:
            target = await catalog.lookup.target_of(wanted, context.connection.source, self._tree.tree_model)
        except MLHubException as error:
            context.report(error)
            return
        await self._go(target)

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
        subject, row = tree.subject, tree.cursor_row
        if self.shown is None or subject is None or row is None:
            screen.refuse("Put the cursor on a dataset, a collection or an item first.")
            return
        one = Favourite.of(subject.entry, tree.tree_model.path(row), self.here().place)
        if screen.context.memory.favourites.toggle(self.shown.job_source, one) is None:
            screen.refuse("Too many favourites: remove one first (F).")
        else:
            self._favourites_changed()

    def _favourites_changed(self) -> None:
        self._screen.context.save_state()
        self.show_favourites()

    def show_favourites(self) -> None:
        """Mark the favourites of the source in the tree."""
        memory, tree = self._screen.context.memory, self._tree
        known = memory.favourites.of(self.shown.job_source) if self.shown is not None else {}
        tree.favourites = frozenset(known)
        tree.refresh()

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
        screen = dialogs.questions.ListScreen(
            "Favourites", lines, "None yet: * marks what is under the cursor.", about, remove
        )
        chosen = await context.push_screen_wait(screen)
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
        tree, row = self._tree, self._tree.cursor_row
        path = tree.tree_model.path(row) if tree.started and row is not None else ()
        place = self.shown.entry if self.shown is not None else ""
        return HistoryEntry(place, path, subject, subject is not None)

    def note_place(self, subject: TreeEntry | None = None) -> None:
        """Remember the place one is at, to come back to."""
        if self.shown is not None and self._tree.started:
            self._screen.context.history.visit(self.here(subject))

    def travel(self, here: HistoryEntry, step: int) -> None:
        """Go to the place before or behind another."""
        work: Callable[[], Awaitable[None]] = partial(self._travel, here, step)
        self._screen.run_worker(work, group=_GROUP, exclusive=True)

    async def _travel(self, here: HistoryEntry, step: int) -> None:
        screen = self._screen
        stop = screen.context.history.go(here, step)
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
