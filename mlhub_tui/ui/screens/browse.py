"""What Browse does with what is selected or under the cursor: download, search, export, copy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ...text import clean
from ..catalog.catalog_tree import CatalogTree
from ..detail.detail_view import DetailView
from ..key_bindings import BROWSE, AppCommand, bindings, hints
from ..messages import ConnectionChanged
from ..navigation.favourites import HistoryEntry
from ..state import ViewStateKeeper
from ..widgets.filter_bar import FilterLine, FindBar
from .place_screen import PlaceScreen

if TYPE_CHECKING:
    from ...models import Dataset, Document
    from ...sources.base import Source
    from ..catalog.nodes import TreeEntry
    from ..catalog.tree_model import NodeRow
    from ..context import AppContext
    from ..document_cache import Documents
    from ..navigation.favourites import Favourite
    from ..navigation.lookup import Goal
    from ..source_connection import Connection
    from .browse_map import BrowseMap


class BrowseCommands(PlaceScreen):
    """The commands of Browse that lead elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._store: Documents | None = None
        self.tree_view = CatalogTree(id="tree")

    @property
    def _documents(self) -> Documents:
        """What was loaded of the source in use; the loader is imported after the first paint."""
        from ..document_cache import Documents

        if self._store is None:
            self._store = Documents(self.context.connection.source if self.context.connection else None)
        return self._store

    @work(group="download", exclusive=True)
    async def action_download(self) -> None:
        """Ask about the archives, or the assets, of what is selected or under the cursor, and queue them."""
        from ..actions.item_download import download

        tree = self.tree_view
        if await download(self.context, tree.to_download, self._documents):
            tree.clear_marks()

    @work(group="download", exclusive=True)
    async def action_plan(self) -> None:
        """Choose collections, asset keys, area and time of what is selected or under the cursor."""
        from ..actions.dataset_download import plan

        await plan(self.context, self.tree_view.to_download, self._documents)

    @work(group="search", exclusive=True)
    async def action_search(self) -> None:
        """Ask for a search, in the collection under the cursor at first."""
        from ..actions.search_actions import search

        tree = self.tree_view
        await search(self.context, tree.holder or tree.subject, self._documents)

    @work(group="search", exclusive=True)
    async def action_saved(self) -> None:
        """List the saved searches."""
        from ..actions.search_actions import saved_searches

        await saved_searches(self.context)

    @work(group="preview", exclusive=True)
    async def action_preview(self) -> None:
        """Show an image of what is under the cursor, and of what stands beside it."""
        from ..preview.preview_action import preview

        tree = self.tree_view
        current = tree.subject.entry if tree.subject is not None else None
        seen = await preview(self.context, self._documents, tree.beside, current)
        if seen is not None:
            tree.go_beside(seen)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write what is selected or under the cursor to a file."""
        from ..actions.item_export import export_subjects

        tree = self.tree_view
        chosen = [*tree.marked.values()] or ([tree.subject] if tree.subject is not None else [])
        await export_subjects(self.context, chosen, self._documents)

    def action_copy_id(self) -> None:
        """Copy the id of what is under the cursor."""
        subject = self.tree_view.subject
        if subject is not None and subject.entry.id:
            self.context.copy_text(subject.label, "ID")
        else:
            self.notify("There is no id here to copy.", markup=False)

    def action_copy_citation(self) -> None:
        """Copy the citation of what is under the cursor."""
        from ..actions.item_export import copy_citation

        self._cite(copy_citation)

    def action_copy_bibtex(self) -> None:
        """Copy the entry for BibTeX of what is under the cursor."""
        from ..actions.item_export import copy_bibtex

        self._cite(copy_bibtex)

    @work(group="cite", exclusive=True)
    async def _cite(self, copy: Callable[[AppContext, Document | None, Dataset | None], None]) -> None:
        """Copy how it is cited once it is loaded: before, its dataset would be cited in its place."""
        subject, dataset, documents = self.tree_view.subject, self.tree_view.dataset, self._documents
        document = None
        if subject is not None:
            document = documents.of(subject.entry) or await documents.load(subject.entry)
            if document is None and (why := documents.why_not(subject.entry)):
                self.notify(clean(f"Nothing was copied: {why}"), severity="error", markup=False)
                return
        copy(self.context, document, dataset)

    def action_open_page(self) -> None:
        """Show the page of what is under the cursor: its dataset's in the registry, else that of its DOI."""
        subject, dataset = self.tree_view.subject, self.tree_view.dataset
        document = self._documents.of(subject.entry) if subject is not None else None
        url = (dataset.registry_url if dataset else "") or ""
        if not url and document is not None and document is not dataset and document.doi:
            url = f"https://doi.org/{document.doi}"
        if url.startswith(("https://", "http://")):
            self.context.show_page(url)
        else:
            self.notify("No page is known for this.", markup=False)


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
            from ..navigation.tree_query import to_type_on

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
        from ..dialogs.facet_dialog import FacetScreen

        if self.tree_view.started:
            self.app.push_screen(FacetScreen(self.tree_view, self._apply_filter))

    def action_sort(self) -> None:
        """Show the entries in the next of the orders."""
        from ..navigation.tree_query import ORDERS, following

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
        from ..dialogs.goto import GotoScreen

        connection, tree = self.context.connection, self.tree_view
        if connection is None:
            self.notify("There is no source to search yet.", markup=False)
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
            from ..catalog.nodes import TreeEntry

            self.notify("It is not in the part of the tree that is loaded: here it is.", markup=False)
            self._open(TreeEntry(goal.entry))
        self.note_place()

    async def _walk(self, path: tuple[str, ...]) -> bool:
        from ..navigation.reveal import walk

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
        self.note_place()
        self.note_place(subject)
        self.context.show_document(subject, self._documents, pane)

    # Favourites

    def action_favourite(self) -> None:
        """Toggle the favourite under the cursor."""
        from ..navigation.favourites import Favourite

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
        from ..dialogs.favourite_dialog import FavouriteScreen, MarkedEntry

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
        from ..navigation.lookup import Goal

        await self._go(Goal(one.entry(), one.path))

    async def _use(self, place: str) -> bool:
        """Open another source, and wait until the tree is its own; False where that does not come about."""
        from ..actions.search_actions import open_entry

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
            from ..actions.search_actions import entry_of

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
        from .document_screen import DocumentScreen

        if isinstance(self.app.screen, DocumentScreen):
            self.app.pop_screen()
        if stop.place != here.place and not await self._use(stop.place):
            return
        if not await self._walk(stop.path):
            self.notify("What was there is not there any more, or further back than is loaded.", markup=False)
        elif stop.subject is not None:
            self.context.show_document(stop.subject, self._documents)


DETAIL_DELAY = 0.12
"""Seconds the cursor rests before the detail follows it."""
BESIDE = 170
"""Columns from which on the map stands beside the detail, not below it."""


class BrowseScreen(BrowseFinding):
    """The first place: what there is."""

    place = BROWSE
    mode = "browse"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(binding for binding in bindings(BROWSE) if getattr(binding, "id", "") != "browse.open"),
        Binding("escape", "step_back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.detail, self._right = DetailView(id="detail"), Vertical(id="right")
        self._chart: BrowseMap | None = None
        self._pending: Timer | None = None
        self._wanted: NodeRow | None = None
        self._asked_for_key = False
        self._keeper = ViewStateKeeper(self.context.memory)

    def compose_body(self) -> ComposeResult:
        """Lay out tree and detail."""
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield self.tree_view
            with self._right:
                yield self.detail

    def on_mount(self) -> None:
        """Show the tree at once; what it holds comes later."""
        super().on_mount()
        if self.closing:
            return
        self.tree_view.focus()
        if self.context.connection is not None or self.context.connection_error is not None:
            self._start_over()

    def hint_commands(self) -> list[AppCommand]:
        """Leave out what the node under the cursor cannot do."""
        if not self.is_mounted:
            return hints(BROWSE)
        tree = self.tree_view
        without = [] if tree.holder is not None else ["browse.items"]
        if not (tree.started and tree.cursor_row is not None and tree.branches.mark(tree.cursor_row)):
            without.append("browse.mark")
        return hints(BROWSE, without if tree.to_download else [*without, "browse.download"])

    # The source

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Start over with the source now in use."""
        super().on_connection_changed(message)
        if self.context.connecting:
            return
        connection, known = self.context.connection, self._store.source if self._store else None
        if connection is None or connection.source is not known:
            self._start_over()

    def _start_over(self) -> None:
        self._store = None
        self._asked_for_key = False
        tree, connection = self.tree_view, self.context.connection
        self.keep_view()
        self.note_place()
        self._shown = connection
        if connection is not None:
            tree.start(connection.source.kind)
            self._recall_view(connection.job_source)
            self.show_favourites()
        else:
            self._keeper.forget()
            tree.start(None)
            if self.context.connection_error is not None:
                tree.fail(self.context.connection_error)
        self.detail.show([])
        if connection is not None:
            self.context.offer_tour()
            self._load(connection.source)

    def keep_view(self) -> None:
        """Remember how the tree is, for when its source is opened again."""
        self._keeper.leave(self.tree_view)

    def _recall_view(self, source: str) -> None:
        words = self._keeper.enter(self.tree_view, source)
        if words:
            self._apply_filter(words)

    def action_reload(self) -> None:
        """Load the listing again; expansion, cursor and filter stay."""
        connection = self.context.connection
        if connection is not None and not self.tree_view.branches.groups:
            return  # the first listing has not begun: it comes by itself
        if connection is not None:
            self._store = None
            if (refresh := getattr(connection.source, "refresh", None)) is not None:
                refresh()  # what a static catalog keeps counts once its server says it still does
            self.tree_view.start_over()
            self._load(connection.source)
        elif self.context.connection_error is not None:
            self.context.action_go("profiles")

    @work(exclusive=True, group="listing")
    async def _load(self, source: Source) -> None:
        """Load what the source lists first, and what it says of itself, side by side."""
        from ..source_connection import save_last_listing, show_last_listing

        tree = self.tree_view
        branches = tree.branches
        last = await show_last_listing(self.context.connection, tree)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._introduce(source))
            for row in branches.groups:
                group.create_task(self._load_group(row))
        if self.closing or tree.branches.groups != branches.groups:
            return
        await save_last_listing(last, tree)
        self._follow()
        refused = branches.top.failure
        if isinstance(refused, AuthenticationError):
            self.context.lead_to_profiles(refused)

    async def _introduce(self, source: Source) -> None:
        """Take up what the source says of itself; where it does not, its listing says why."""
        groups = self.tree_view.branches.groups
        with contextlib.suppress(MLHubException):
            about = await source.about()
            if not self.closing and self.tree_view.branches.groups is groups:
                self.tree_view.branches.introduce(about)

    async def _load_group(self, row: NodeRow) -> None:
        from ..catalog.page_loader import load_next

        # Whoever is refused at the top is led to the profiles once all has answered.
        with contextlib.suppress(AuthenticationError, APIKeyNotFound):
            await load_next(self._documents, self.tree_view, row)

    # Pages

    @on(CatalogTree.Wanted)
    def _more_wanted(self, message: CatalogTree.Wanted) -> None:
        message.stop()
        self._load_more(message.row)

    @work(group="pages")
    async def _load_more(self, row: NodeRow) -> None:
        from ..catalog.page_loader import load_next

        documents = self._documents
        try:
            await load_next(documents, self.tree_view, row)
            if documents.source is not None and not self.tree_view.branches.by_dataset:
                await self._introduce(documents.source)  # it may be offline by now, or back
        except (AuthenticationError, APIKeyNotFound) as error:
            subject = self.tree_view.branches.subject(row)
            if subject is not None:
                self._offer_profiles_once(subject.entry.label, error)

    @work(group="offer", exclusive=True)
    async def _offer_profiles_once(self, name: str, error: MLHubException) -> None:
        if not self._asked_for_key:
            self._asked_for_key = True
            await self.offer_profiles(f"The items of {name} need an API key.", error)

    # The map, where there is room for it

    def on_resize(self) -> None:
        """Take up the map, or leave it out, for the new width."""
        self.set_class(self.size.width >= BESIDE, "-beside")
        self.call_after_refresh(self._draw_map)

    def _draw_map(self) -> None:
        """Show on the map, on a wide terminal, where that lies which is under the cursor."""
        if self.closing or not self.has_class("-wide") or self._wanted is None:
            return
        from .browse_map import show_on_map

        tree = self.tree_view
        entry = tree.subject.entry if tree.subject is not None else None
        self._chart = show_on_map(self._chart, self._right, entry, tree.beside, self._documents)

    def action_map(self) -> None:
        """Give the keys to the map beside the tree; again, or without one, open one with the items."""
        subject = self.tree_view.subject
        chart = self._chart
        if chart is not None and chart.display and chart.region and not chart.has_focus:
            chart.focus()
        elif subject is not None and subject.is_document:
            self._open(subject, "map")

    # The detail follows the cursor

    @on(CatalogTree.Moved)
    def _moved(self, message: CatalogTree.Moved) -> None:
        message.stop()
        if self._pending is not None:
            self._pending.stop()
        self._pending = self.set_timer(DETAIL_DELAY, self._follow)

    def _follow(self) -> None:
        if self.closing or not self.tree_view.started:
            return
        from ..detail.entry_detail import entry_detail, line_detail

        tree = self.tree_view
        subject = tree.subject
        self.refresh_hints()
        self._wanted = tree.cursor_row
        if subject is None:
            self.detail.show(line_detail(tree.current, tree.branches))
        else:
            self.detail.show(entry_detail(subject, self._documents))
            self._complete_detail(subject, tree.cursor_row)
        self._draw_map()

    @work(exclusive=True, group="detail")
    async def _complete_detail(self, subject: TreeEntry, row: NodeRow) -> None:
        """Fetch what the detail lacks, and show it if the cursor is still there."""
        from ..detail.entry_detail import entry_detail

        async for _ in self._documents.complete(subject):
            if self._wanted is not row or self.closing:
                return
            self.detail.show(entry_detail(subject, self._documents), keep_place=True)
            self._draw_map()
        document = self._documents.of(subject.entry)
        if document is not None and not self.closing:
            self.tree_view.branches.learn(row, document)

    # Keys

    @on(CatalogTree.Opened)
    def _opened(self, message: CatalogTree.Opened) -> None:
        message.stop()
        self._open(message.subject)

    async def action_open(self) -> None:
        """Open what is under the cursor."""
        await self.tree_view.action_select_cursor()

    def action_expand(self) -> None:
        """Expand, or go to the first child."""
        self.tree_view.expand_current()

    def action_collapse(self) -> None:
        """Collapse, or go to the parent."""
        self.tree_view.collapse_current()

    def action_mark(self) -> None:
        """Select a collection, or an item, for a download of several."""
        self.tree_view.toggle_mark()

    def action_items(self) -> None:
        """Open the collection or catalog with its items in front."""
        if (holder := self.tree_view.holder) is not None:
            self._open(holder, "items")

    def action_focus_detail(self) -> None:
        """Move the keys between tree and detail."""
        if self.focused is self.detail:
            self.remove_class("-detail")
            self.tree_view.focus()
        else:
            self.add_class("-detail")
            self.detail.focus()

    def action_step_back(self) -> None:
        """Come back from the detail, else clear the filter, else the selection."""
        tree = self.tree_view
        if self.stop_travelling():
            self.notify("Stopped.", markup=False)
        elif self.focused is self.detail:
            self.action_focus_detail()
        elif self.focused is not None and self.focused.id == "map":
            tree.focus()
        elif self.find_bar is not None:
            self._end_filter(keep=False)
        elif tree.filter:
            self._apply_filter("")
        elif tree.marked:
            tree.clear_marks()
