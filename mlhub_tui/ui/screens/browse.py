"""Browse: the tree of a source, with the detail and a map of what is under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.timer import Timer

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from .. import actions, catalog
from ..catalog.catalog_tree import CatalogTree
from ..commands import BROWSE, AppCommand, bindings
from ..context import ConnectionChanged
from ..widgets.detail_view import DetailView
from .browse_parts import BESIDE, FilteredTreeScreen, Navigator, PaneSplit

if TYPE_CHECKING:
    from ...models import Dataset, Entry
    from ..catalog.loader import Documents  # after the first paint
    from ..catalog.nodes import NodeRow, TreeEntry
    from ..map.map_pane import BrowseMap
    from ..source_connection import Connection

DETAIL_DELAY = 0.12
"""Seconds the cursor rests before the detail follows it."""
_OF_ENTRIES = ("browse.favourite", "browse.preview", "browse.copy", "browse.copy_as")
"""Commands that act on an entry under the cursor alone."""


class DetailPane(Vertical):
    """Shows the row under the cursor of the tree, and what is fetched of it while the cursor rests there."""

    def __init__(self, screen: FilteredTreeScreen) -> None:
        self.detail = DetailView(id="detail")
        super().__init__(self.detail, id="right")
        self._browse, self._tree = screen, screen.tree_view
        self._chart: BrowseMap | None = None
        self._wanted: NodeRow | None = None

    def clear(self) -> None:
        """Show nothing."""
        self._wanted = None
        self.detail.show([])

    def follow(self) -> None:
        """Show what is under the cursor now."""
        tree, documents = self._tree, self._browse.documents
        subject, self._wanted = tree.subject, tree.current
        if subject is None:
            self.detail.show(catalog.loader.line_detail(tree.current, tree.tree_model))
        else:
            self.detail.show(catalog.loader.entry_detail(subject, documents))
            self._complete(subject, documents, tree.current)
        self.draw_map()

    @work(exclusive=True, group="detail")
    async def _complete(self, subject: TreeEntry, documents: Documents, row: NodeRow) -> None:
        """Fetch what the detail lacks, and show it if the cursor is still there."""
        async for _ in documents.complete(subject):
            if self._wanted is not row or self._browse.closing:
                return
            self.detail.show(catalog.loader.entry_detail(subject, documents), keep_place=True)
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


class BrowseScreen(FilteredTreeScreen):
    """The first screen: everything that a source lists."""

    place = BROWSE
    mode = "browse"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(binding for binding in bindings(BROWSE) if getattr(binding, "id", "") != "browse.open"),
        Binding("escape", "step_back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._store: Documents | None = None
        self._left, self._right = Vertical(self.tree_view, id="left"), DetailPane(self)
        self._split = PaneSplit(self, self._left, self.context.memory)
        self.detail = self._right.detail
        self.navigator = Navigator(self)
        self._pending: Timer | None = None
        self._asked_for_key = False

    def compose_body(self) -> ComposeResult:
        """Lay out tree and detail."""
        self._split.lay_out(self.app.size)
        yield Horizontal(self._left, self._right, id="panes")

    def begin(self) -> None:
        """Show the tree at once; what it holds comes later."""
        self.tree_view.focus()
        if self.context.connection is not None or self.context.connection_error is not None:
            self._start_over()

    def unavailable(self) -> list[str]:
        """Return what the node under the cursor cannot do."""
        tree = self.tree_view
        without = [] if tree.tree_model.holder(tree.current) is not None else ["browse.items"]
        if not (tree.started and tree.current is not None and tree.tree_model.mark(tree.current)):
            without.append("browse.mark")
        if tree.subject is None:
            without += _OF_ENTRIES if tree.marked else (*_OF_ENTRIES, "browse.export")
        if not any(one.is_plannable for one in tree.to_download):
            without.append("browse.plan")
        return without if tree.to_download else [*without, "browse.download"]

    def hint_commands(self) -> list[AppCommand]:
        """Show first how to leave the detail, while that has the keys."""
        shown = super().hint_commands()
        if not self.is_mounted or self.focused is not self.detail:
            return shown
        leave = [replace(one, title="back to tree") for one in shown if one.id == "browse.detail"]
        return leave + [one for one in shown if one.id not in ("browse.detail", "browse.open")]

    # What is under the cursor

    @property
    def documents(self) -> Documents:
        """What was loaded of the source in use; the loader is imported after the first paint."""
        from ..catalog.loader import Documents

        if self._store is None:
            self._store = Documents(self.context.connection.source if self.context.connection else None)
        return self._store

    @property
    def subject(self) -> TreeEntry | None:
        """The entry under the cursor of the tree."""
        return self.tree_view.subject

    @property
    def chosen(self) -> list[TreeEntry]:
        """The collections and items that are selected."""
        return [*self.tree_view.marked.values()]

    @property
    def dataset(self) -> Dataset | None:
        """The MLHub dataset that the row under the cursor is, or belongs to."""
        return self.tree_view.tree_model.dataset(self.tree_view.current)

    @property
    def to_download(self) -> list[TreeEntry]:
        """The selection, else the entry under the cursor, or what that belongs to."""
        return self.tree_view.to_download

    @property
    def search_subject(self) -> TreeEntry | None:
        """The collection under the cursor, or that of what is under it."""
        return self.tree_view.tree_model.holder(self.tree_view.current) or self.subject

    @property
    def beside(self) -> Sequence[Entry]:
        """The entries of the same kind in the same listing."""
        return self.tree_view.beside

    def go_beside(self, entry: Entry) -> None:
        """Put the cursor on an entry of the same listing."""
        self.tree_view.go_beside(entry)

    def clear_chosen(self) -> None:
        """Select nothing."""
        self.tree_view.clear_marks()

    # The source

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Start over with the source now in use."""
        super().on_connection_changed(message)
        connection, known = self.context.connection, self._store.source if self._store else None
        if not self.context.connecting and (connection is None or connection.source is not known):
            self._start_over()

    def _start_over(self) -> None:
        self._store = None
        self.workers.cancel_group(self, "collections")
        self._asked_for_key = False
        tree, connection = self.tree_view, self.context.connection
        self.keep_view()
        self.navigator.note_place()
        self.navigator.shown = connection
        self._right.clear()
        if connection is None:
            tree.start(None)
            if self.context.connection_error is not None:
                tree.tree_model.fail(self.context.connection_error)
            return
        tree.start(connection.source.kind)
        self.navigator.recall_view(connection)
        self.context.offer_tour()
        self._load(connection)

    def on_marks_changed(self) -> None:
        """Draw the marks of what is downloaded again."""
        self.tree_view.signs = self.context.marks.sign
        self.tree_view.refresh()

    def keep_view(self) -> None:
        """Remember how the tree is, for when its source is opened again."""
        self.navigator.keep_view()

    def action_reload(self) -> None:
        """Load the listing again; expansion, cursor and filter stay."""
        connection = self.context.connection
        if connection is None and self.context.unopened is not None:
            self.context.use(self.context.unopened)
        elif connection is None:
            self.context.action_go("profiles")
        elif self.tree_view.tree_model.groups:  # else the first listing has not begun: it comes by itself
            self._store = None
            if (refresh := getattr(connection.source, "refresh", None)) is not None:
                refresh()  # what a static catalog keeps counts once its server says it still does
            self.tree_view.start_over()
            self._load(connection)

    @work(exclusive=True, group="listing")
    async def _load(self, connection: Connection) -> None:
        """Load the top level of the source and its description, concurrently."""
        refused = await catalog.loader.load_listing(connection, self.documents, self.tree_view)
        if self.closing or connection is not self.context.connection:
            return
        self._follow()
        if isinstance(refused, AuthenticationError):
            self.context.lead_to_profiles(refused)
        elif self.tree_view.filter:
            self.read_collections()

    @on(CatalogTree.Wanted)
    @work(group="pages")
    async def _load_more(self, message: CatalogTree.Wanted) -> None:
        documents, row = self.documents, message.row
        try:
            await catalog.loader.load_next(documents, self.tree_view, row)
            if documents.source is not None and not self.tree_view.tree_model.by_dataset:
                # It may be offline by now, or back.
                await catalog.loader.introduce(documents.source, self.tree_view)
        except (AuthenticationError, APIKeyNotFound) as error:
            subject = self.tree_view.tree_model.subject(row)
            if subject is not None:
                self._offer_profiles_once(subject.entry.label, error)

    @work(group="offer", exclusive=True)
    async def _offer_profiles_once(self, name: str, error: MLHubException) -> None:
        if not self._asked_for_key:
            self._asked_for_key = True
            await self.offer_profiles(f"The items of {name} need an API key.", error)

    # The detail and the map follow the cursor

    @on(CatalogTree.Moved)
    def _moved(self) -> None:
        if self._pending is not None:
            self._pending.stop()
        self._pending = self.set_timer(DETAIL_DELAY, self._follow)

    def _follow(self) -> None:
        if not self.closing and self.tree_view.started:
            self.refresh_hints()
            self._right.follow()
            self.navigator.reopen()

    def on_resize(self) -> None:
        """Take up the map, or leave it out, for the new width."""
        self.set_class(self.size.width >= BESIDE, "-beside")
        self._split.lay_out(self.size)
        self.call_after_refresh(self._right.draw_map)

    def action_map(self) -> None:
        """Give the keys to the map beside the tree; again, or without one, open one with the items."""
        if not self._right.focus_map():
            self.action_pane("map")

    @on(CatalogTree.Filtered)
    def _filtered(self) -> None:
        if self.tree_view.subject is None:
            self._follow()  # what a listing is summed up to may have been learned just now

    # Going somewhere

    def open_subject(self, subject: TreeEntry, pane: str = "overview") -> None:
        """Open a document, and remember both places."""
        self.navigator.note_place()
        self.navigator.note_place(subject)
        super().open_subject(subject, pane)

    def action_pane(self, pane: str) -> None:
        """Open what is under the cursor with a pane in front, the root of a static catalog included."""
        tree = self.tree_view
        root = tree.tree_model.root_entry(tree.current) if tree.started else None
        if root is not None:
            self.open_subject(root, pane)
        else:
            super().action_pane(pane)

    def action_goto(self) -> None:
        """Ask for an id, a DOI or a URL, and go there."""
        self.navigator.ask()

    def action_favourite(self) -> None:
        """Toggle the favourite under the cursor."""
        self.navigator.toggle_favourite()

    @work(group="travel", exclusive=True)
    async def action_favourites(self) -> None:
        """List the favourites."""
        await self.navigator.choose_favourite()

    @work(group="search", exclusive=True)
    async def action_saved(self) -> None:
        """List the saved searches."""
        await actions.search_actions.saved_searches(self.context)

    # Keys

    @on(CatalogTree.Opened)
    def _opened(self, message: CatalogTree.Opened) -> None:
        self.open_subject(message.subject)

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
        tree = self.tree_view
        row = tree.current
        if row is not None and (row.foldable or (tree.started and tree.tree_model.mark(row))):
            tree.toggle_mark()
        else:
            self.refuse("Put the cursor on a collection or an item to select it.")

    def action_items(self) -> None:
        """Open the collection or catalog with its items in front."""
        tree = self.tree_view
        if (holder := tree.tree_model.holder(tree.current)) is not None:
            self.open_subject(holder, "items")
        else:
            self.refuse("Put the cursor on a collection first.")

    def action_focus_detail(self) -> None:
        """Move the keys between tree and detail."""
        if self.focused is self.detail:
            self._show_tree()
        else:
            self.add_class("-detail")
            self.detail.focus()

    def _show_tree(self) -> None:
        self.remove_class("-detail")
        self.tree_view.focus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Where one pane alone is shown, show the one that has the focus."""
        super().on_descendant_focus(event)
        if event.widget is self.tree_view or self._right in event.widget.ancestors:
            self.set_class(event.widget is not self.tree_view, "-detail")

    def action_split(self, step: int) -> None:
        """Move the split between tree and detail."""
        self._tell_split(self._split.move(self.size, step))

    def action_zoom(self) -> None:
        """Let the pane with the focus fill the screen, or show both again."""
        self._tell_split(self._split.zoom(self.size))

    def _tell_split(self, why_not: str) -> None:
        if why_not:
            self.refuse(why_not)
        else:
            self.context.save_state()
            self.call_after_refresh(self._right.draw_map)

    def action_step_back(self) -> None:
        """Come back from the detail, else clear the filter, else the selection, else stop what loads."""
        tree = self.tree_view
        if self.navigator.stop():
            self.refuse("Stopped.")
        elif self.focused is self.detail:
            self.action_focus_detail()
        elif self.focused is not None and self.focused.id == "map":
            self._show_tree()
        elif self.find_bar is not None:
            self.end_filter(keep=False)
        elif tree.filter:
            tree.apply_filter("")
        elif tree.marked:
            tree.clear_marks()
        elif self.navigator.stop("listing", "pages"):
            self.refuse("Stopped.")
