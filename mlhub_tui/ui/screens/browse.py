"""Browse: the tree of datasets, collections, items and models, with the detail beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ..commands import BROWSE, Command, bindings, hints
from ..draw import line
from ..messages import ConnectionChanged
from ..widgets.bars import HintBar
from ..widgets.catalog import Catalog, Listing
from ..widgets.catalog_tree import CatalogTree
from ..widgets.find_bar import FindBar
from ..widgets.nodes import CollectionNode, DatasetNode, ItemNode, ModelNode, Node, node_id
from ..widgets.sheet import Sheet
from .base import PlaceScreen

if TYPE_CHECKING:
    from ...models import CollectionRef
    from ..loading import Documents

DETAIL_DELAY = 0.12
"""Seconds the cursor rests before the detail follows it."""


class BrowseScreen(PlaceScreen):
    """The first place: what there is."""

    place = BROWSE
    mode = "browse"
    parts = ("#tree", "#detail")
    BINDINGS: ClassVar[list[BindingType]] = [
        binding for binding in bindings(BROWSE) if getattr(binding, "id", "") != "browse.open"
    ]

    def __init__(self) -> None:
        super().__init__()
        self._store: Documents | None = None
        self._pending: Timer | None = None
        self._wanted: Node | None = None
        self._asked_for_key = False

    def compose_body(self) -> ComposeResult:
        """Lay out tree and detail."""
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield CatalogTree(id="tree")
            yield Sheet(id="detail")

    def on_mount(self) -> None:
        """Show the tree at once; what it holds comes later."""
        super().on_mount()
        self.tree_view.rebuild()
        self.tree_view.focus()
        if self.hub.connection is not None or self.hub.connection_error is not None:
            self._start_over()

    @property
    def tree_view(self) -> CatalogTree:
        """The tree."""
        return self.query_one(CatalogTree)

    @property
    def detail(self) -> Sheet:
        """The detail."""
        return self.query_one("#detail", Sheet)

    def hint_commands(self) -> list[Command]:
        """Leave out what the node under the cursor cannot do."""
        if not self.is_mounted:
            return hints(BROWSE)
        on_collection = self.tree_view.current_collection is not None
        on_dataset = self.tree_view.current_dataset is not None
        without = [] if on_collection else ["browse.items", "browse.mark"]
        return hints(BROWSE, without if on_dataset else [*without, "browse.download"])

    # The source

    @property
    def _documents(self) -> Documents:
        """What was loaded of the source in use; the loader is imported after the first paint."""
        from ..loading import Documents

        if self._store is None:
            self._store = Documents(self.hub.connection.source if self.hub.connection else None)
        return self._store

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Start over with the source now in use."""
        super().on_connection_changed(message)
        if self.hub.connecting:
            return
        connection, known = self.hub.connection, self._store.source if self._store else None
        if connection is None or connection.source is not known:
            self._start_over()

    def _start_over(self) -> None:
        self._store = None
        self._asked_for_key = False
        tree = self.tree_view
        tree.catalog = Catalog()
        tree.marked.clear()
        error = self.hub.connection_error
        if error is not None:
            failed = Listing(loading=False, error=error)
            tree.catalog.dataset_listing = tree.catalog.model_listing = failed
        tree.cursor_line = 0
        tree.rebuild()
        self.detail.show([])
        if self.hub.connection is not None:
            self._load()

    def action_reload(self) -> None:
        """Load the listing again; expansion, cursor and filter stay."""
        if self.hub.connection is None:
            if self.hub.connection_error is not None:
                self.hub.action_go("profiles")
            return
        catalog = self.tree_view.catalog
        catalog.items.clear()
        catalog.dataset_listing, catalog.model_listing = Listing(), Listing()
        self._store = None
        self.tree_view.rebuild()
        self._load()

    @work(exclusive=True, group="listing")
    async def _load(self) -> None:
        tree, source = self.tree_view, self._documents.source
        if source is None:
            return
        catalog = tree.catalog
        from ..loading import load_listings

        async for _ in load_listings(source, catalog):
            if tree.catalog is not catalog or self.closing:
                return
            tree.rebuild()
        self._follow()
        refused = catalog.dataset_listing.error
        if isinstance(refused, AuthenticationError):
            self.hub.connection_error = refused
            self.hub.action_go("profiles")

    # Items

    @on(CatalogTree.ItemsWanted)
    def _items_wanted(self, message: CatalogTree.ItemsWanted) -> None:
        message.stop()
        self._load_items(message.collection_id)

    @on(CatalogTree.Retry)
    def _retry(self, message: CatalogTree.Retry) -> None:
        message.stop()
        if message.collection_id:
            listing = self.tree_view.catalog.items.get(message.collection_id)
            if listing is not None:
                listing.error = ""
            self._load_items(message.collection_id)
        else:
            self.action_reload()

    @work(group="items")
    async def _load_items(self, collection_id: str) -> None:
        from ..loading import load_next_items

        tree, catalog = self.tree_view, self.tree_view.catalog
        try:
            if await load_next_items(self._documents, catalog, collection_id) and tree.catalog is catalog:
                tree.items_changed(collection_id)
        except (AuthenticationError, APIKeyNotFound) as error:
            tree.items_changed(collection_id)
            self._offer_profiles_once(collection_id, error)

    @work(group="offer", exclusive=True)
    async def _offer_profiles_once(self, collection_id: str, error: MLHubException) -> None:
        if not self._asked_for_key:
            self._asked_for_key = True
            await self.offer_profiles(f"The items of {collection_id} need an API key.", error)

    # The detail follows the cursor

    @on(CatalogTree.NodeHighlighted)
    def _highlighted(self, _: CatalogTree.NodeHighlighted[Node]) -> None:
        if self._pending is not None:
            self._pending.stop()
        self._pending = self.set_timer(DETAIL_DELAY, self._follow)

    def _follow(self) -> None:
        from .browse_detail import sheet_of

        if self.closing:
            return
        node = self.tree_view.current
        self.refresh_hints()
        self._wanted = node
        self.detail.show(sheet_of(node, self._documents))
        self.detail.border_title = None
        if isinstance(node, CollectionNode | ItemNode):
            self._complete_detail(node)

    @work(exclusive=True, group="detail")
    async def _complete_detail(self, node: Node) -> None:
        """Fetch what the detail lacks, and show it if the cursor is still there."""
        from .browse_detail import sheet_of

        async for _ in self._documents.complete(node):
            if self._wanted is not node or self.closing:
                return
            self.detail.show(sheet_of(node, self._documents), keep_place=True)

    # Keys

    @on(CatalogTree.Opened)
    def _opened(self, message: CatalogTree.Opened) -> None:
        message.stop()
        self._open(message.node)

    def _open(self, node: Node, pane: str = "overview") -> None:
        from .document import DocumentScreen

        self.app.push_screen(DocumentScreen(node, self._documents, pane))

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self.tree_view.action_select_cursor()

    def action_expand(self) -> None:
        """Expand, or go to the first child."""
        self.tree_view.expand_current()

    def action_collapse(self) -> None:
        """Collapse, or go to the parent."""
        self.tree_view.collapse_current()

    def action_mark(self) -> None:
        """Select a collection for a download of several."""
        self.tree_view.toggle_mark()

    def action_items(self) -> None:
        """Open the collection with its items in front."""
        if (node := self.tree_view.current_collection) is not None:
            self._open(node, "items")

    def action_focus_detail(self) -> None:
        """Move the keys between tree and detail."""
        if self.focused is self.detail:
            self.remove_class("-detail")
            self.tree_view.focus()
        else:
            self.add_class("-detail")
            self.detail.focus()

    def action_next_match(self, step: int) -> None:
        """Go to the next or previous match."""
        self.tree_view.next_match(step)

    def _step_back(self) -> None:
        """Come back from the detail, else clear the filter, else the selection."""
        tree = self.tree_view
        if self.focused is self.detail:
            self.action_focus_detail()
        elif self.query(FindBar):
            self._end_filter(keep=False)
        elif tree.catalog.filter:
            self._apply_filter("")
        elif tree.marked:
            tree.marked.clear()
            tree.rebuild()

    def key_escape(self) -> None:
        """Esc acts here before it reaches the app."""
        self._step_back()

    # The filter

    async def action_filter(self) -> None:
        """Type a filter."""
        if not self.query(FindBar):
            await self.mount(FindBar(self.tree_view.catalog.filter), before=self.query_one(HintBar))
        self.query_one(FindBar).focus()

    @on(FindBar.Edited)
    def _filter_edited(self, message: FindBar.Edited) -> None:
        message.stop()
        self._apply_filter(message.value)

    @on(FindBar.Closed)
    def _filter_closed(self, message: FindBar.Closed) -> None:
        message.stop()
        self._end_filter(keep=message.keep)

    def _apply_filter(self, words: str) -> None:
        tree = self.tree_view
        tree.catalog.filter = words.strip()
        tree.rebuild()
        if tree.catalog.filter:
            tree.first_match()
        bar = self.query(FindBar)
        shown, total = len(tree.catalog.shown_datasets()), len(tree.catalog.datasets)
        if bar:
            bar.first().say(f"{shown} of {total} datasets")
        self.query_one("#left").border_subtitle = line(f"/{words}") if words and not bar else None

    def _end_filter(self, *, keep: bool) -> None:
        self.query(FindBar).remove()
        tree = self.tree_view
        if not keep:
            self._apply_filter("")
        self.set_focus(tree)
        if keep and tree.catalog.filter:
            tree.first_match()

    # Commands on what is under the cursor

    def action_download(self) -> None:
        """Ask where to, and queue the archives."""
        tree = self.tree_view
        if tree.marked:
            refs = [r for d in tree.catalog.datasets for r in d.collections if r.id in tree.marked]
        elif (node := tree.current_collection) is not None:
            refs = [node.ref]
        elif (dataset := tree.current_dataset) is not None:
            refs = list(dataset.collections)
            if not refs:
                self.notify(
                    "This dataset names no collections, so there is nothing to download.", markup=False
                )
                return
        else:
            self.notify("Put the cursor on a collection or a dataset first.", markup=False)
            return
        self._ask_download(list({ref.id: ref for ref in refs}.values()))

    @work(group="download", exclusive=True)
    async def _ask_download(self, refs: list[CollectionRef]) -> None:
        from ..download_flow import ask_and_queue

        if await ask_and_queue(self.hub, refs):
            self.tree_view.marked.clear()
            self.tree_view.rebuild()

    def action_copy_id(self) -> None:
        """Copy the id of what is under the cursor."""
        if identity := node_id(self.tree_view.current):
            self.hub.copy_text(identity, "ID")
        else:
            self.notify("There is no id here to copy.", markup=False)

    def action_copy_citation(self) -> None:
        """Copy the citation of what is under the cursor."""
        document = self._documents.of(self.tree_view.current)
        dataset = self.tree_view.current_dataset
        citation = (document.citation if document else "") or (dataset.citation if dataset else "")
        if citation:
            self.hub.copy_text(citation, "Citation")
        else:
            self.notify("No citation is given here.", markup=False)

    def action_open_page(self) -> None:
        """Show the page of what is under the cursor."""
        node, dataset = self.tree_view.current, self.tree_view.current_dataset
        document = self._documents.of(node)
        doi = document.doi if document is not None and not isinstance(node, DatasetNode) else ""
        url = (dataset.registry_url if dataset else "") or (f"https://doi.org/{doi}" if doi else "")
        if not url and isinstance(node, ModelNode) and node.model.doi:
            url = f"https://doi.org/{node.model.doi}"
        if url.startswith(("https://", "http://")):
            self.hub.show_page(url)
        else:
            self.notify("No page is known for this.", markup=False)
