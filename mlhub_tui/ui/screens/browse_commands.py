"""What Browse does with what is selected or under the cursor: download, search, export, copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import work

from ...text import clean
from ..widgets.catalog_tree import CatalogTree
from .base import PlaceScreen

if TYPE_CHECKING:
    from ...models import Dataset, Document
    from ..app import MLHubApp
    from ..documents import Documents


class BrowseCommands(PlaceScreen):
    """The commands of Browse that lead elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._store: Documents | None = None
        self.tree_view = CatalogTree(id="tree")

    @property
    def _documents(self) -> Documents:
        """What was loaded of the source in use; the loader is imported after the first paint."""
        from ..documents import Documents

        if self._store is None:
            self._store = Documents(self.context.connection.source if self.context.connection else None)
        return self._store

    @work(group="download", exclusive=True)
    async def action_download(self) -> None:
        """Ask about the archives, or the assets, of what is selected or under the cursor, and queue them."""
        from ..download_flow import download

        tree = self.tree_view
        if await download(self.context, tree.to_download, self._documents):
            tree.clear_marks()

    @work(group="download", exclusive=True)
    async def action_plan(self) -> None:
        """Choose collections, asset keys, area and time of what is selected or under the cursor."""
        from ..dataset_flow import plan

        await plan(self.context, self.tree_view.to_download, self._documents)

    @work(group="search", exclusive=True)
    async def action_search(self) -> None:
        """Ask for a search, in the collection under the cursor at first."""
        from ..search_flow import search

        tree = self.tree_view
        await search(self.context, tree.holder or tree.subject, self._documents)

    @work(group="search", exclusive=True)
    async def action_saved(self) -> None:
        """List the saved searches."""
        from ..search_flow import saved_searches

        await saved_searches(self.context)

    @work(group="preview", exclusive=True)
    async def action_preview(self) -> None:
        """Show an image of what is under the cursor, and of what stands beside it."""
        from ..preview.flow import preview

        tree = self.tree_view
        current = tree.subject.entry if tree.subject is not None else None
        seen = await preview(self.context, self._documents, tree.beside, current)
        if seen is not None:
            tree.go_beside(seen)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write what is selected or under the cursor to a file."""
        from ..export_flow import export_subjects

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
        from ..citing import copy_citation

        self._cite(copy_citation)

    def action_copy_bibtex(self) -> None:
        """Copy the entry for BibTeX of what is under the cursor."""
        from ..citing import copy_bibtex

        self._cite(copy_bibtex)

    @work(group="cite", exclusive=True)
    async def _cite(self, copy: Callable[[MLHubApp, Document | None, Dataset | None], None]) -> None:
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
