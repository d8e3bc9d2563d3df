"""The frame of every screen, and the screens of documents, whose commands act on what is under the cursor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from ... import metadata
from ...errors import MLHubException
from ...models import Collection, Dataset
from ...text import redact
from .. import actions, dialogs, preview, widgets
from ..commands import EVERYWHERE, FIELD, FILTER, JSON, LISTS, AppCommand, command, hints
from ..context import ConnectionChanged, QueueChanged
from ..terminal.terminal_app import FirstPaintScreen
from ..widgets.bars import FindBar, HintBar, NewsLine, TopBar

if TYPE_CHECKING:
    from textual.events import DescendantBlur, DescendantFocus
    from textual.widget import Widget

    from ...models import BBox, Document, Entry
    from ..catalog.loader import Documents
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext

_TYPING = ("app.help", "app.open", "app.find", "app.quit")
"""Commands of the footer whose keys are letters in a field."""


class PlaceScreen(FirstPaintScreen):
    """A screen with a top bar, a status line and a hint bar; `place` names its commands."""

    place: ClassVar[str] = ""
    mode: ClassVar[str] = ""
    filtered: Widget | None = None
    """What is filtered."""

    def __init__(self) -> None:
        super().__init__()
        self.top_bar, self.hint_bar, self.status_line = TopBar(), HintBar(), NewsLine()
        self.find_bar: FindBar | None = None
        """The line in which a filter is typed, while it is."""

    @property
    def context(self) -> AppContext:
        """The app."""
        return cast("AppContext", self.app)

    @property
    def closing(self) -> bool:
        """Whether the screen is being taken down, or the app: an answer that comes now is shown to nobody."""
        return self.is_closed or not (self.app.is_running and self.is_attached)

    def compose(self) -> ComposeResult:
        """Lay out the bars around the body."""
        yield self.top_bar
        with Container(id="body"):
            yield from self.compose_body()
        yield Static("mlhub-tui needs 40 columns and 10 rows", id="too-small")
        yield self.status_line
        self.refresh_hints()
        yield self.hint_bar

    def compose_body(self) -> ComposeResult:
        """Lay out what is between the bars."""
        yield from ()

    def on_mount(self) -> None:
        """Fill the bars; what the screen shows follows, unless the app is closing already."""
        self.top_bar.active = self.mode
        self._catch_up()
        if not self.closing:
            self.begin()

    def begin(self) -> None:
        """Show the contents, and give the keys to a pane."""

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was in front."""
        self._catch_up()

    def _catch_up(self) -> None:
        self._show_source()
        self.top_bar.activity = self.context.activity
        self.status_line.show(self.context.news)

    def _show_source(self) -> None:
        context = self.context
        none = "connecting…" if context.connecting else "no source"
        self.top_bar.source = context.connection.name if context.connection else none

    def on_connection_changed(self, _: ConnectionChanged) -> None:
        """Name the new source."""
        self._show_source()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show how far the transfers are; the news came from the app and goes no further."""
        if self.is_current:
            self.top_bar.activity = self.context.activity

    def refuse(self, words: str) -> None:
        """Say in the status line why a key cannot act."""
        self.context.refuse(words)

    async def offer_profiles(self, words: str, error: MLHubException) -> None:
        """Offer the profile screen, from a worker: a missing or refused key is no failure."""
        if await dialogs.base.confirm(self.app, words, error.message, yes="Open profiles"):
            self.context.action_go("profiles")

    # The filter, of screens that have one

    async def type_filter(self, words: str, placeholder: str = "id, title, tag or DOI") -> None:
        """Open the line in which a filter is typed, with what it is now."""
        if self.find_bar is None:
            self.find_bar = FindBar(words, placeholder)
        await self.find_bar.open_in(self, before=self.status_line)

    def apply_filter(self, words: str) -> None:
        """Filter by other words."""

    def end_filter(self, *, keep: bool) -> None:
        """Take the line away, and give the keys to what is filtered; the filter stays, or does not."""
        if self.find_bar is not None:
            self.find_bar.remove()
            self.find_bar = None
        if not keep:
            self.apply_filter("")
        if self.filtered is not None:
            self.set_focus(self.filtered)

    @on(FindBar.Edited)
    def _filter_edited(self, message: FindBar.Edited) -> None:
        self.apply_filter(message.value)

    @on(FindBar.Closed)
    def _filter_closed(self, message: FindBar.Closed) -> None:
        self.end_filter(keep=message.keep)

    # The footer

    def unavailable(self) -> Sequence[str]:
        """Return the ids of the commands that cannot act now."""
        return ()

    def focused_places(self) -> list[str]:
        """Return the places whose keys act before the screen's: those of the focused widget."""
        places: list[str] = []
        for node in self.focused.ancestors_with_self if self.focused is not None else ():
            if node is self:
                break
            for binding in vars(type(node)).get("BINDINGS", ()):
                known = command(getattr(binding, "id", None))
                if known is not None and known.where not in (LISTS, self.place, *places):
                    places.append(known.where)
        return places

    def hint_commands(self) -> list[AppCommand]:
        """Return the commands for the footer: those of the focused pane and mode first."""
        inner = self.focused_places() if self.is_mounted else []
        if FILTER in inner:
            return hints((FILTER,), (*_TYPING, *(("filter.list",) if JSON in inner else ())))
        if mode := getattr(self.focused, "mode_hints", None):
            return [*mode, *hints((), ("app.open",))]
        if self.focused is not None and self.focused.check_consume_key("a", "a"):
            return hints((FIELD,), _TYPING)
        return hints((*inner, self.place), self.unavailable() if self.is_mounted else ())

    def refresh_hints(self) -> None:
        """Show the hints again where what is possible has changed."""
        self.hint_bar.show(self.hint_commands())

    def on_descendant_focus(self, _: DescendantFocus) -> None:
        """Show the keys of the pane that has the focus now."""
        self.refresh_hints()

    def on_footprint_map_mode_changed(self) -> None:
        """Show the keys of choosing a box, or those of the map again."""
        self.refresh_hints()

    def on_descendant_blur(self, _: DescendantBlur) -> None:
        """Show the keys of the screen again."""
        self.refresh_hints()

    async def action_run_command(self, identity: str) -> None:
        """Run a command by its id: a click on its hint."""
        known = command(identity)
        if known is None:
            return
        target: Widget | Any = self.app if known.where == EVERYWHERE else self
        for node in reversed(self.focused.ancestors_with_self if self.focused is not None else ()):
            if hasattr(node, f"action_{known.action.partition('(')[0]}"):
                target = node
        await self.app.run_action(known.action, target)


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

    async def action_search(self) -> None:
        """Ask for a search, in what is under the cursor at first."""
        await self.context.opening(self.search_within(None, ""))

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
        show = preview.preview_screen.preview
        seen = await show(self.context, self.documents, self.beside, current, self.asset_key)
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
            self.refuse("Put the cursor on a dataset, collection or item first.")
            return
        subject, registry = self.subject, self.documents.has_archives
        above = await self.documents.load_above(subject)
        document = self.documents.of(subject.entry)
        lines = [
            widgets.line_view.PickLine(name, words, key=form)
            for form, name in COPY_FORMS.items()
            if (words := copied(form, subject, document, above, in_registry=registry))
        ]
        if form := await dialogs.base.choose(self.app, "Copy as", lines):
            self._copy(form)

    @work(group="copy", exclusive=True)
    async def _copy(self, form: str) -> None:
        """Copy what is under the cursor, once it is loaded: before, its dataset would be cited."""
        subject = self.subject
        if subject is None:
            self.refuse("Put the cursor on a dataset, collection or item first.")
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
    form: str, subject: TreeEntry, document: Document | None, above: Sequence[Document], *, in_registry: bool
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
            return metadata.citation.text_citation(document, above) if document is not None else ""
        case "bibtex":
            return metadata.citation.bibtex(document, above) if document is not None else ""
        case "url":
            return redact(document.url) if document is not None else ""
    chain = (document, *above) if document is not None else ()
    registered = [one for one in chain if isinstance(one, Collection | Dataset) and in_registry]
    pages = [one.registry_url for one in registered if isinstance(one, Dataset) or one.doi]
    doi = next((one.doi for one in chain if one.doi), "")
    url = next(filter(None, pages), "") or (f"https://doi.org/{doi}" if doi else "")
    return url if url.startswith(("https://", "http://")) else ""
