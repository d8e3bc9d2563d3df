"""Browse: the tree of whatever the source lists, with the detail beside it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ..commands import BROWSE, AppCommand, bindings, hints
from ..find.browsing import BrowseFinding
from ..messages import ConnectionChanged
from ..state import ViewStateKeeper
from ..widgets.catalog_tree import CatalogTree
from ..widgets.sheet import DetailView

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..widgets.branches import NodeRow
    from ..widgets.entries import TreeEntry
    from .browse_map import BrowseMap

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
        from .. import last_seen

        tree = self.tree_view
        branches = tree.branches
        last = await last_seen.show_last_listing(self.context.connection, tree)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._introduce(source))
            for row in branches.groups:
                group.create_task(self._load_group(row))
        if self.closing or tree.branches.groups != branches.groups:
            return
        await last_seen.save_last_listing(last, tree)
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
        from ..loading import load_next

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
        from ..loading import load_next

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
        from .browse_detail import sheet_of, sheet_of_line

        tree = self.tree_view
        subject = tree.subject
        self.refresh_hints()
        self._wanted = tree.cursor_row
        if subject is None:
            self.detail.show(sheet_of_line(tree.current, tree.branches))
        else:
            self.detail.show(sheet_of(subject, self._documents))
            self._complete_detail(subject, tree.cursor_row)
        self._draw_map()

    @work(exclusive=True, group="detail")
    async def _complete_detail(self, subject: TreeEntry, row: NodeRow) -> None:
        """Fetch what the detail lacks, and show it if the cursor is still there."""
        from .browse_detail import sheet_of

        async for _ in self._documents.complete(subject):
            if self._wanted is not row or self.closing:
                return
            self.detail.show(sheet_of(subject, self._documents), keep_place=True)
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
