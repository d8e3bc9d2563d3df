"""Collection: one document whole, with its metadata, items, assets and JSON as received."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import DataTable, Static

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ...models import Asset, Collection, Document, Item
from ..commands import DOCUMENT, Command, bindings, hints
from ..draw import line
from ..loading import Documents
from ..sheets.blocks import Block, Heading, Paragraph
from ..widgets.asset_table import AssetTable
from ..widgets.catalog import ItemRef
from ..widgets.item_table import ItemTable
from ..widgets.json_view import JsonView
from ..widgets.nodes import CollectionNode, ItemNode, Node, node_id
from ..widgets.sheet import Sheet
from .base import PlaceScreen
from .browse_detail import sheet_of

SHORTEST_ID = 10
"""Cells; less of an id tells nothing."""
PANES = {"overview": "Overview", "items": "Items", "assets": "Assets", "json": "JSON"}


class DocumentScreen(PlaceScreen):
    """One collection, item or model. Wide terminals show the overview beside the other panes."""

    place = DOCUMENT
    mode = "browse"
    parts = ("#overview", "#assets", "#json", "#strip")
    CSS_PATH = "document.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(DOCUMENT)

    def __init__(self, node: Node, documents: Documents, pane: str = "overview") -> None:
        super().__init__()
        self._node = node
        self._documents = documents
        self._panes = [p for p in PANES if p != "items" or isinstance(node, CollectionNode)]
        self._pane = pane
        self._shown_json: Document | None = None
        self._validity: list[Block] = []

    def compose_body(self) -> ComposeResult:
        """Lay out the strip of panes and the panes."""
        yield Static(id="strip")
        with Horizontal(id="document"):
            yield Sheet(id="overview")
            with Container(id="rest"):
                if "items" in self._panes:
                    yield ItemTable(id="items")
                yield AssetTable(id="assets")
                yield JsonView(id="json")

    def on_mount(self) -> None:
        """Show what is in memory, fetch the rest."""
        super().on_mount()
        self._fill()
        self._show_pane(self._pane)
        self._complete()

    @property
    def document(self) -> Document | None:
        """The document, as far as it is loaded."""
        return self._documents.of(self._node)

    def hint_commands(self) -> list[Command]:
        """Leave out what this document has not."""
        gone = [] if isinstance(self._node, CollectionNode) else ["document.items", "document.download"]
        return hints(DOCUMENT, gone)

    # Content

    @work(exclusive=True, group="document")
    async def _complete(self) -> None:
        async for _ in self._documents.complete(self._node):
            self._fill()

    def _fill(self) -> None:
        if self.closing:
            return
        overview = self.query_one("#overview", Sheet)
        document = self.document
        overview.show([*sheet_of(self._node, self._documents), *self._validity], keep_place=True)
        if document is not None:
            self.query_one(AssetTable).show(_assets(document))
            if document is not self._shown_json:
                self._shown_json = document
                self.query_one(JsonView).show(document.raw)
                self._validate(document)

    @work(exclusive=True, group="validity")
    async def _validate(self, document: Document) -> None:
        """Say where pystac refuses the document; it is shown all the same. Large ones take their time."""
        why = await asyncio.to_thread(_refusal, document)
        if why and document is self._shown_json:
            self._validity = [Heading("Not valid STAC"), Paragraph(why)]
            self._fill()

    def action_reload(self) -> None:
        """Fetch the document again."""
        if isinstance(self._node, CollectionNode | ItemNode):
            self._reload()

    @work(exclusive=True, group="document")
    async def _reload(self) -> None:
        if isinstance(self._node, CollectionNode):
            await self._documents.load_collection(self._node.ref.id)
            await self._documents.load_archive(self._node.ref.id)
            if self._pane == "items":
                self.query_one(ItemTable).reset()
                self._load_items()
        elif isinstance(self._node, ItemNode):
            await self._documents.load_item(self._node.item)
        self._fill()

    # Panes

    def _show_pane(self, pane: str) -> None:
        self._pane = pane
        for name in PANES:
            self.set_class(name == pane, f"-{name}")
        self._draw_strip()
        target = self.query_one(f"#{pane}")
        target.focus()
        if pane == "items":
            table = self.query_one(ItemTable)
            if table.pager.wants_more:
                self._load_items()

    def _draw_strip(self) -> None:
        parts: list[Content] = []
        for name in self._panes:
            style = "bold $foreground on $primary-muted" if name == self._pane else "$muted"
            parts.append(Content.styled(f" {PANES[name]} ", style))
        target = self.query_one(f"#{self._pane}")
        status = getattr(target, "status", "")
        tabs = Content("").join(parts)
        words = line(status, "$muted", limit=max(self.size.width - tabs.cell_length - 3, 0))
        room = self.size.width - tabs.cell_length - words.cell_length - 5
        identity = node_id(self._node)
        if len(identity) > room:
            identity = f"…{identity[1 - room :]}" if room >= SHORTEST_ID else ""
        shown = line(identity, "bold $accent") + Content("  " if identity else "")
        self.query_one("#strip", Static).update(shown + tabs + Content(" ") + words)

    def on_resize(self) -> None:
        """Fit the strip to the new width."""
        if self.is_mounted:
            self._draw_strip()

    @on(ItemTable.StatusChanged)
    def _status_changed(self, message: ItemTable.StatusChanged) -> None:
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
        table, source = self.query_one(ItemTable), self._documents.source
        if source is None or not isinstance(self._node, CollectionNode) or not table.pager.wants_more:
            return
        identity = self._node.ref.id
        table.say("loading…")
        try:
            page = await source.items_page(identity, link=table.pager.next)
        except (AuthenticationError, APIKeyNotFound) as error:
            table.fail("3 opens the profiles, r retries")
            await self.offer_profiles(f"The items of {identity} need an API key.", error)
        except MLHubException as error:
            table.fail("not loaded, r retries")
            self.hub.report(error)
        else:
            self._documents.keep_items(identity, page.entries)
            table.add_page(page)

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        table = event.data_table
        if isinstance(table, ItemTable) and isinstance(self._node, CollectionNode):
            identity = str(event.row_key.value)
            ref = ItemRef(self._node.ref.id, identity, identity)
            node = ItemNode((*self._node.key, "item", identity), ref)
            self.app.push_screen(DocumentScreen(node, self._documents))
        elif isinstance(table, AssetTable) and (asset := table.current) is not None:
            self.hub.copy_text(asset.shown_href, "Link (without keys)")

    # Commands

    def action_download(self) -> None:
        """Queue the archive of the collection."""
        if isinstance(self._node, CollectionNode):
            self._ask_download(self._node)

    @work(group="download", exclusive=True)
    async def _ask_download(self, node: CollectionNode) -> None:
        from ..download_flow import ask_and_queue

        await ask_and_queue(self.hub, [node.ref])

    def action_copy_id(self) -> None:
        """Copy the id."""
        self.hub.copy_text(node_id(self._node), "ID")

    def action_copy_citation(self) -> None:
        """Copy the citation."""
        document = self.document
        citation = document.citation if document else ""
        if not citation and isinstance(self._node, CollectionNode):
            citation = self._node.dataset.citation
        if citation:
            self.hub.copy_text(citation, "Citation")
        else:
            self.notify("No citation is given here.", markup=False)

    def action_open_page(self) -> None:
        """Show the page of the document."""
        document = self.document
        if document is not None and document.doi:
            registry = document.registry_url if isinstance(document, Collection) else None
            self.hub.show_page(registry or f"https://doi.org/{document.doi}")
        else:
            self.notify("No page is known for this.", markup=False)


def _assets(document: Document) -> tuple[Asset, ...]:
    if isinstance(document, Collection | Item):
        return document.assets
    return ()


def _refusal(document: Document) -> str:
    """Return why pystac refuses a document; empty where it does not."""
    if isinstance(document, Collection | Item):
        try:
            document.to_pystac()
        except MLHubException as error:
            return error.message
    return ""
