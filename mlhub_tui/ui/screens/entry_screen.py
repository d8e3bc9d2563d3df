"""Screens of documents: their commands act on the selection, else on what is under the cursor in any pane."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work

from ...metadata.citation import bibtex, text_citation
from ...models import Collection, Dataset
from ...text import redact
from .. import actions, dialogs, preview, widgets
from .place_screen import PlaceScreen

if TYPE_CHECKING:
    from ...models import BBox, Dataset, Document, Entry
    from ..catalog.loader import Documents
    from ..catalog.nodes import TreeEntry

COPY_FORMS = {
    "id": "ID",
    "title": "Title",
    "citation": "Citation",
    "bibtex": "BibTeX entry",
    "url": "URL of the document",
    "page": "Web page",
}
"""What `c` offers to copy."""


class EntryScreen(PlaceScreen):
    """A screen whose commands act on documents."""

    # What a screen provides

    @property
    @abstractmethod
    def documents(self) -> Documents:
        """What was loaded of the source."""

    @property
    @abstractmethod
    def subject(self) -> TreeEntry | None:
        """What is under the cursor in the pane that has the focus."""

    @property
    def chosen(self) -> list[TreeEntry]:
        """What is selected."""
        return []

    @property
    def dataset(self) -> Dataset | None:
        """The MLHub dataset of what is under the cursor."""
        return self.subject.dataset if self.subject is not None else None

    @property
    def asset_key(self) -> str:
        """The key of the asset under the cursor; empty in panes without assets."""
        return ""

    @property
    def to_download(self) -> list[TreeEntry]:
        """What a download is about."""
        return self.chosen or ([self.subject] if self.subject is not None else [])

    @property
    def around(self) -> TreeEntry | None:
        """What all of may be downloaded in place of the item under the cursor."""
        return None

    @property
    def beside(self) -> Sequence[Entry]:
        """The entries that stand beside the one under the cursor, to leaf through."""
        return ()

    def go_beside(self, entry: Entry) -> None:
        """Put the cursor on an entry that stands beside the one under it."""

    def clear_chosen(self) -> None:
        """Select nothing."""

    def open_subject(self, subject: TreeEntry, pane: str = "overview") -> None:
        """Open a document on a screen of its own."""
        self.context.show_document(subject, self.documents, pane)

    # Commands

    def action_pane(self, pane: str) -> None:
        """Open what is under the cursor with a pane in front."""
        if self.subject is not None and self.subject.is_document:
            self.open_subject(self.subject, pane)
        else:
            self.refuse("Put the cursor on a collection or an item first.")

    @work(group="download", exclusive=True)
    async def action_download(self) -> None:
        """Ask about the archives, or the assets, of the selection or what is under the cursor; queue them."""
        subjects, documents = self.to_download, self.documents
        if self.asset_key:
            await actions.download_actions.choose_assets(
                self.context, subjects, documents, keys=[self.asset_key]
            )
        elif await actions.download_actions.download(self.context, subjects, documents, self.around):
            self.clear_chosen()

    @work(group="download", exclusive=True)
    async def action_plan(self) -> None:
        """Choose collections, asset keys, area and time of the selection or what is under the cursor."""
        await actions.download_actions.plan(self.context, self.to_download, self.documents)

    def action_search(self) -> None:
        """Ask for a search, in what is under the cursor at first."""
        self.search_within(None, "")

    @work(group="search", exclusive=True)
    async def search_within(self, box: BBox | None, when: str) -> None:
        """Ask for a search that begins with a box, and dates, that were chosen on a map."""
        await actions.search_actions.search(self.context, self.search_subject, self.documents, box, when)

    @property
    def search_subject(self) -> TreeEntry | None:
        """What a search begins with."""
        return self.subject

    def action_preview(self) -> None:
        """Show an image of what is under the cursor, and of what stands beside it."""
        self._preview()

    @work(group="preview", exclusive=True)
    async def _preview(self) -> None:
        current = self.subject.entry if self.subject is not None else None
        seen = await preview.preview_screen.preview(
            self.context, self.documents, self.beside, current, self.asset_key
        )
        if seen is not None:
            self.go_beside(seen)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write the selection, or what is under the cursor, to a file."""
        chosen = self.chosen or ([self.subject] if self.subject is not None else [])
        await dialogs.export_dialog.export_subjects(self.context, chosen, self.documents)

    # Copying

    def action_copy(self, form: str) -> None:
        """Copy what is under the cursor in one of `COPY_FORMS`; a web page is also opened outside SSH."""
        self._copy(form)

    @work(group="copy-as", exclusive=True)
    async def action_copy_as(self) -> None:
        """Ask as what to copy what is under the cursor."""
        if self.subject is None:
            self.refuse("Put the cursor on a dataset, a collection or an item first.")
            return
        subject, registry = self.subject, self.documents.has_archives
        above = await self.documents.load_above(subject)
        document = self.documents.of(subject.entry)
        lines = [
            widgets.line_view.PickLine(name, words, key=form)
            for form, name in COPY_FORMS.items()
            if (words := copied(form, subject, document, above, in_registry=registry))
        ]
        if form := await dialogs.questions.choose(self.app, "Copy as", lines):
            self._copy(form)

    @work(group="copy", exclusive=True)
    async def _copy(self, form: str) -> None:
        """Copy what is under the cursor, once it is loaded: before, its dataset would be cited."""
        subject = self.subject
        if subject is None:
            self.refuse("Put the cursor on a dataset, a collection or an item first.")
            return
        above = () if form == "id" else await self.documents.load_above(subject)
        document = self.documents.of(subject.entry)
        words = copied(form, subject, document, above, in_registry=self.documents.has_archives)
        why = self.documents.why_not(subject.entry) if document is None else ""
        if form in ("citation", "bibtex") and why:
            self.notify(f"Nothing was copied: {why}", severity="error")
        elif not words:
            self.refuse(f"Nothing to copy: no {COPY_FORMS[form]} here.")
        elif form == "page":
            self.context.show_page(words)
        else:
            self.context.copy_text(words, COPY_FORMS[form])


def copied(
    form: str,
    subject: TreeEntry,
    document: Document | None,
    above: Sequence[Document],
    *,
    in_registry: bool,
) -> str:
    """Return a form of an entry for the clipboard; empty where it has none.

    - `document`: Its document; None where that could not be loaded.
    - `above`: What that belongs to, the nearest first: where it has no citation of its own, they are cited.
    - `in_registry`: Whether collections have a page in the MLHub registry.
    """
    match form:
        case "id":
            return subject.label
        case "title":
            return "" if subject.entry.title == subject.entry.id else subject.entry.title
        case "citation":
            return text_citation(document, above) if document is not None else ""
        case "bibtex":
            return bibtex(document, above) if document is not None else ""
        case "url":
            return redact(document.url) if document is not None else ""
    chain = (document, *above) if document is not None else ()
    registered = [one for one in chain if isinstance(one, Collection | Dataset) and in_registry]
    pages = [one.registry_url for one in registered if isinstance(one, Dataset) or one.doi]
    doi = next((one.doi for one in chain if one.doi), "")
    url = next(filter(None, pages), "") or (f"https://doi.org/{doi}" if doi else "")
    return url if url.startswith(("https://", "http://")) else ""
