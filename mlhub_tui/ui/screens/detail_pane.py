"""The right half of Browse: the detail of what is under the cursor, and a map of where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical

from .. import catalog
from ..widgets.detail_view import DetailView

if TYPE_CHECKING:
    from ...models import Entry
    from ..catalog.catalog_tree import CatalogTree
    from ..catalog.nodes import TreeEntry
    from ..catalog.tree_model import NodeRow
    from ..document_cache import Documents
    from .browse_map import BrowseMap
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
        from .browse_map import BrowseMap

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
