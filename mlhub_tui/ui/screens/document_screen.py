"""Collection: one document whole, with its metadata, items, assets and JSON as received."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ...metadata.detail import Block, Heading, Paragraph
from ...models import Asset, BBox, Catalog, Collection, Document, Entry, EntryKind, Item
from ..catalog.nodes import TreeEntry, entry_id
from ..detail.detail_view import DetailView
from ..detail.entry_detail import entry_detail
from ..document_cache import Documents
from ..json.json_view import JsonPane
from ..key_bindings import DOCUMENT, JSON, AppCommand, bindings, hints
from ..map.map_pane import MapPane
from ..terminal.characters import line
from ..widgets.asset_table import AssetTable, shown_href
from ..widgets.item_table import ItemTable
from .items_on_map import ItemsOnMap

SHORTEST_ID = 10
"""Cells; less of an id tells nothing."""
SIDE_BY_SIDE = 6
"""Documents of items in sight that are asked for at a time."""
PANES = {"overview": "Overview", "items": "Items", "map": "Map", "assets": "Assets", "json": "JSON"}


class DocumentScreen(ItemsOnMap):
    """One catalog, collection, item or model. Wide terminals show the overview beside the other panes."""

    place = DOCUMENT
    mode = "browse"
    CSS_PATH = "document.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(DOCUMENT),
        Binding("escape", "step_back", show=False),
    ]

    def __init__(self, subject: TreeEntry, documents: Documents, pane: str = "overview") -> None:
        super().__init__()
        self._subject = subject
        self._entry = subject.entry
        self._documents = documents
        self._holds_items = self._entry.kind in (EntryKind.COLLECTION, EntryKind.CATALOG)
        self._panes = [name for name in PANES if name != "items" or self._holds_items]
        self._pane = pane
        self._shown_json: Document | None = None
        self._validity: list[Block] = []
        self._strip, self._overview = Static(id="strip"), DetailView(id="overview")
        self._assets, self._json = AssetTable(id="assets"), JsonPane(id="json")
        self._targets: dict[str, Widget] = {
            "overview": self._overview,
            "items": self.table,
            "map": self.map_pane,
            "assets": self._assets,
            "json": self._json,
        }

    def compose_body(self) -> ComposeResult:
        """Lay out the strip of panes and the panes."""
        yield self._strip
        with Horizontal(id="document"):
            yield self._overview
            with Container(id="rest"):
                if "items" in self._panes:
                    yield self.table
                yield self.map_pane
                yield self._assets
                yield self._json

    def on_mount(self) -> None:
        """Show what is in memory, fetch the rest."""
        super().on_mount()
        if self.closing:
            return
        self._fill()
        self.recall_order()
        self._show_pane(self._pane)
        self._complete()

    @property
    def source_kind(self) -> str:
        """The kind of source that the items come from."""
        return self._documents.kind.value

    @property
    def document(self) -> Document | None:
        """The document, as far as it is loaded."""
        return self._documents.of(self._entry)

    def hint_commands(self) -> list[AppCommand]:
        """Leave out what this document has not; among its JSON name what is done there."""
        if self._pane == "json":
            return hints(JSON)
        gone = [] if self._holds_items else ["document.items", "document.mark", "document.sort"]
        has_some = self._entry.kind in (EntryKind.COLLECTION, EntryKind.ITEM)
        downloads = not self._documents.has_archives or has_some
        return hints(DOCUMENT, gone if downloads else [*gone, "document.download"])

    # Content

    @work(exclusive=True, group="document")
    async def _complete(self) -> None:
        async for _ in self._documents.complete(self._subject):
            self._fill()

    def _fill(self) -> None:
        if self.closing:
            return
        document = self.document
        self._overview.show([*entry_detail(self._subject, self._documents), *self._validity], keep_place=True)
        if document is not None:
            self._assets.show(_assets(document))
            self.map_pane.show(document)
            if document is not self._shown_json:
                self._shown_json = document
                self._json.show(document.raw)
                self._validate(document)

    @work(exclusive=True, group="validity")
    async def _validate(self, document: Document) -> None:
        """Say where pystac refuses the document; it is shown all the same. Large ones take their time."""
        why = await asyncio.to_thread(_refusal, document)
        if why and document is self._shown_json:
            self._validity = [Heading("Not valid STAC"), Paragraph(why)]
            self._fill()

    @work(exclusive=True, group="document")
    async def action_reload(self) -> None:
        """Fetch the document again."""
        await self._documents.reload(self._subject)
        if self._pane == "items":
            self.table.reset()
            self.map_pane.reset()
            self._load_items()
        self._fill()

    # Panes

    def _show_pane(self, pane: str) -> None:
        self._pane = pane
        for name in PANES:
            self.set_class(name == pane, f"-{name}")
        self._draw_strip()
        self.refresh_hints()
        target = self._targets[pane]
        target.focus()
        if pane in ("items", "map") and self._holds_items:
            table = self.table
            if pane == "map":
                self.map_pane.highlight(table.current)
            if table.pager.wants_more and not (pane == "map" and table.rows):
                self._load_items()

    def _draw_strip(self) -> None:
        parts: list[Content] = []
        for name in self._panes:
            style = "bold $foreground on $primary-muted" if name == self._pane else "$muted"
            parts.append(Content.styled(f" {PANES[name]} ", style))
        target = self._targets[self._pane]
        status = getattr(target, "status", "")
        table = self.table
        if self._pane == "items" and table.narrowed:
            status = f"{table.line_count:,} match, {status}"
        if table.dates:
            parts.append(Content(" ") + line(f"[{table.dates}, esc]", "bold $warning"))
        if self._pane == "items" and self._chosen:
            status = f"{len(self._chosen):,} selected, {status}"
        tabs = Content("").join(parts)
        words = line(status, "$muted", limit=max(self.size.width - tabs.cell_length - 3, 0))
        room = self.size.width - tabs.cell_length - words.cell_length - 5
        identity = entry_id(self._entry)
        if len(identity) > room:
            identity = f"…{identity[1 - room :]}" if room >= SHORTEST_ID else ""
        shown = line(identity, "bold $accent") + Content("  " if identity else "")
        self._strip.update(shown + tabs + Content(" ") + words)

    def on_resize(self) -> None:
        """Fit the strip to the new width."""
        if self.is_mounted:
            self._draw_strip()

    @on(ItemTable.StatusChanged)
    @on(JsonPane.StatusChanged)
    def _status_changed(self, message: Message) -> None:
        message.stop()
        self._draw_strip()

    def action_pane(self, pane: str) -> None:
        """Show a pane."""
        if pane in self._panes:
            self._show_pane(pane)

    def action_next_pane(self, step: int) -> None:
        """Show the next or previous pane."""
        index = self._panes.index(self._pane)
        self._show_pane(self._panes[(index + step) % len(self._panes)])

    # Items

    @on(ItemTable.MoreWanted)
    def _more(self, message: ItemTable.MoreWanted) -> None:
        message.stop()
        self._load_items()

    @work(exclusive=True, group="items")
    async def _load_items(self) -> None:
        table, source = self.table, self._documents.source
        if source is None or not self._holds_items or not table.pager.wants_more:
            return
        table.say("loading…")
        try:
            page = await source.entries(self._entry, link=table.pager.next)
        except (AuthenticationError, APIKeyNotFound) as error:
            table.fail("3 opens the profiles, r retries")
            await self.offer_profiles(f"The items of {self._entry.label} need an API key.", error)
        except MLHubException as error:
            table.fail("not loaded, r retries")
            self.context.report(error)
        else:
            self._documents.keep(page.entries)
            await table.add_page(page)
            self.map_pane.add([(e, d) for e in page.entries if (d := e.document) is not None])

    @on(ItemTable.Unknown)
    @work(exclusive=True, group="unknown items")
    async def _look_up(self, message: ItemTable.Unknown) -> None:
        """Fetch the documents of items in sight of which only links are known."""
        message.stop()
        places = asyncio.Semaphore(SIDE_BY_SIDE)
        async with asyncio.TaskGroup() as group:
            for number, entry in message.rows:
                if not self._documents.why_not(entry):
                    group.create_task(self._look_up_one(number, entry, places))

    async def _look_up_one(self, number: int, entry: Entry, places: asyncio.Semaphore) -> None:
        async with places:
            document = self._documents.of(entry) or await self._documents.load(entry)
        if document is not None and not self.closing:
            self.table.learn(number, entry, document)
            self.map_pane.add([(entry, document)])

    @on(ItemTable.Opened)
    def _item_opened(self, message: ItemTable.Opened) -> None:
        message.stop()
        self.open_item(message.entry)

    # The map

    @on(MapPane.StatusChanged)
    def _map_changed(self, message: MapPane.StatusChanged) -> None:
        message.stop()
        self._draw_strip()

    def open_item(self, entry: Entry) -> None:
        """Open an item."""
        subject = TreeEntry(entry, None, self._subject.dataset)
        self.app.push_screen(DocumentScreen(subject, self._documents))

    def more_items(self) -> None:
        """Load the next page."""
        self._load_items()

    def narrowed_by_dates(self) -> None:
        """Say so in the strip."""
        self._draw_strip()

    async def action_step_back(self) -> None:
        """Show the items of all times again, else go back."""
        if not self.clear_dates():
            await self.context.action_back()

    def search_within(self, box: BBox | None, when: str) -> None:
        """Ask for a search in the collection."""
        self._search_within(box, when)

    @work(group="search", exclusive=True)
    async def _search_within(self, box: BBox | None, when: str) -> None:
        from ..actions.search_actions import search

        await search(self.context, self._subject, self._documents, box, when)

    @on(AssetTable.Chosen)
    def _asset_chosen(self, message: AssetTable.Chosen) -> None:
        message.stop()
        if (asset := self._assets.current) is not None:
            self.context.copy_text(shown_href(asset), "Link (without keys)")

    # Commands

    @work(group="download", exclusive=True)
    async def action_download(self) -> None:
        """Queue the archive of the collection; where there are none, choose among the assets."""
        from ..actions.item_download import download

        if await download(self.context, self._chosen or [self._subject], self._documents):
            self.table.clear_marks()

    @property
    def _chosen(self) -> list[TreeEntry]:
        """The items that are selected."""
        return [TreeEntry(entry, None, self._subject.dataset) for entry in self.table.marked.values()]

    def action_mark(self) -> None:
        """Select the item under the cursor."""
        if self._pane == "items":
            self.table.toggle_mark()

    @work(group="download", exclusive=True)
    async def action_plan(self) -> None:
        """Choose asset keys, area and time of the collection."""
        from ..actions.dataset_download import plan

        await plan(self.context, [self._subject], self._documents)

    @work(group="preview", exclusive=True)
    async def action_preview(self) -> None:
        """Show the image under the cursor: of the asset, of the item, else the one that shows it best."""
        from ..preview.preview_action import preview

        table = self.table
        if self._pane == "items" and table.current is not None:
            seen = await preview(self.context, self._documents, table.shown, table.current)
            if seen is not None:
                table.go_to(seen)
            return
        shown = self._assets.current if self._pane == "assets" else None
        key = shown.key if shown is not None else ""
        await preview(self.context, self._documents, [], self._entry, key)

    @work(group="search", exclusive=True)
    async def action_search(self) -> None:
        """Ask for a search in the collection."""
        from ..actions.search_actions import search

        await search(self.context, self._subject, self._documents)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write the document, its items, or those that are selected, to a file."""
        from ..actions.item_export import export_subjects

        await export_subjects(self.context, self._chosen or [self._subject], self._documents)

    def action_copy_id(self) -> None:
        """Copy the id."""
        self.context.copy_text(entry_id(self._entry), "ID")

    def action_copy_citation(self) -> None:
        """Copy the citation."""
        from ..actions.item_export import copy_citation

        copy_citation(self.context, self.document, self._subject.dataset)

    def action_copy_bibtex(self) -> None:
        """Copy the entry for BibTeX."""
        from ..actions.item_export import copy_bibtex

        copy_bibtex(self.context, self.document, self._subject.dataset)

    def action_open_page(self) -> None:
        """Show the page of the document."""
        document = self.document
        if document is not None and document.doi:
            in_registry = isinstance(document, Collection) and self._documents.has_archives
            registry = document.registry_url if isinstance(document, Collection) and in_registry else None
            self.context.show_page(registry or f"https://doi.org/{document.doi}")
        else:
            self.notify("No page is known for this.", markup=False)


def _assets(document: Document) -> tuple[Asset, ...]:
    if isinstance(document, Collection | Item):
        return document.assets
    return ()


def _refusal(document: Document) -> str:
    """Return why pystac refuses a document; empty where it does not."""
    if isinstance(document, Catalog | Collection | Item):
        try:
            document.to_pystac()
        except MLHubException as error:
            return error.message
    return ""
