"""Collection: one document whole, with its metadata, items, assets and JSON as received."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ...concurrency import together
from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ...metadata.blocks import Block, Heading, Paragraph
from ...models import Collection, Document, Entry, EntryKind, Item
from ...models.validation import refusal_apart
from ...text import one_line, redact
from ..catalog.loader import Documents, entry_detail
from ..catalog.nodes import TreeEntry, entry_id
from ..commands import DOCUMENT, bindings
from ..terminal.characters import fit_name, line
from ..widgets.bars import active_style
from ..widgets.detail_view import DetailView
from ..widgets.item_table import AssetTable, ItemTable
from ..widgets.json_view import JsonPane
from .items_screen import ItemsScreen

SHORTEST_ID = 10
"""Cells; less of an id tells nothing."""
SIDE_BY_SIDE = 6
"""Documents of items in sight that are asked for at a time."""
PANES = {"overview": "Overview", "items": "Items", "map": "Map", "assets": "Assets", "json": "JSON"}
_RESTS = 1.0
"""Seconds for which an overview is in sight before its document is validated."""
_OF_ITEMS = (
    *("document.items", "document.mark", "document.sort", "document.columns"),
    *("map.open", "map.next", "map.dates"),
)
"""Commands on the items of the document."""


class DocumentScreen(ItemsScreen):
    """One catalog, collection, item or model. Wide terminals show the overview beside the other panes."""

    place = DOCUMENT
    mode = "browse"
    CSS = """
    DocumentScreen #strip { height: 1; padding: 0 1; background: $surface; }
    DocumentScreen #document { height: 1fr; }
    DocumentScreen #overview, DocumentScreen #rest { width: 1fr; height: 1fr; }
    DocumentScreen #rest > * { display: none; height: 1fr; }
    DocumentScreen.-map #map { display: block; }
    DocumentScreen.-items #items, DocumentScreen.-assets #assets { display: block; }
    DocumentScreen.-json #json { display: block; }
    DocumentScreen #overview { display: none; }
    DocumentScreen.-overview #overview { display: block; }
    DocumentScreen.-overview #rest { display: none; }
    DocumentScreen.-wide #overview { display: block; width: 2fr; }
    DocumentScreen.-wide #rest { width: 3fr; border-left: vkey $line; }
    DocumentScreen.-wide.-overview #rest { display: none; }
    DocumentScreen.-wide.-tall.-items #map { display: block; height: 2fr; }
    DocumentScreen.-wide.-tall.-items #items { height: 3fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DOCUMENT), Binding("escape", "step_back", show=False)]

    def __init__(self, subject: TreeEntry, documents: Documents, pane: str = "overview") -> None:
        super().__init__(documents)
        self.whole = subject
        """The document that the screen is of."""
        self._entry = subject.entry
        self._holds_items = self._entry.kind in (EntryKind.COLLECTION, EntryKind.CATALOG)
        self._panes = [name for name in PANES if name != "items" or self._holds_items]
        self.pane = pane if pane in self._panes else "overview"
        self._shown_json: Document | None = None
        self._validated: Document | None = None
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
        rest = Container(*(self._targets[name] for name in self._panes[1:]), id="rest")
        yield Horizontal(self._overview, rest, id="document")

    def begin(self) -> None:
        """Show what is in memory, fetch the rest."""
        super().begin()
        self._fill()
        self._show_pane(self.pane)
        self._complete()

    def unavailable(self) -> Sequence[str]:
        """Return what this document has not."""
        gone = (f"document.{self.pane}", *(() if self._holds_items else _OF_ITEMS))
        if not (self.pane == "items" and self.table.rows):
            gone = (*gone, "document.mark")
        if not any(one.is_plannable for one in self.to_download):
            gone = (*gone, "document.plan")
        has_some = self._entry.kind in (EntryKind.COLLECTION, EntryKind.ITEM, EntryKind.MODEL)
        downloads = not self._documents.has_archives or has_some
        return gone if downloads else (*gone, "document.download")

    # What is under the cursor

    @property
    def document(self) -> Document | None:
        """The document, as far as it is loaded."""
        return self._documents.of(self._entry)

    @property
    def subject(self) -> TreeEntry:
        """The item under the cursor of the table or the map; the document itself in the other panes."""
        if self.pane == "items" or (self.pane == "map" and self._holds_items):
            item = self.table.current if self.pane == "items" else self.map_pane.current
            if item is not None:
                return self._below(item)
        return self.whole

    @property
    def chosen(self) -> list[TreeEntry]:
        """The items that are selected."""
        return [*map(self._below, self.table.marked.values())]

    def _below(self, item: Entry) -> TreeEntry:
        return TreeEntry(item, None, self.whole.dataset, self._entry)

    @property
    def asset_key(self) -> str:
        """The key of the asset under the cursor."""
        shown = self._assets.current if self.pane == "assets" else None
        return shown.key if shown is not None else ""

    @property
    def search_subject(self) -> TreeEntry:
        """The document."""
        return self.whole

    @property
    def around(self) -> TreeEntry | None:
        """The collection or catalog, where an item of it is under the cursor."""
        return self.whole if self.subject is not self.whole else None

    @property
    def beside(self) -> Sequence[Entry]:
        """The items of the table."""
        return self.table.shown if self.subject is not self.whole else ()

    # Content

    @work(exclusive=True, group="document")
    async def _complete(self) -> None:
        async for _ in self._documents.complete(self.whole):
            self._fill()

    def _fill(self) -> None:
        if self.closing:
            return
        document = self.document
        self._overview.show([*entry_detail(self.whole, self._documents), *self._validity], keep_place=True)
        if document is not None:
            self._assets.show(document.assets if isinstance(document, Collection | Item) else ())
            self.map_pane.show(document)
            if document is not self._shown_json:
                self._shown_json = document
                self._json.show(document.raw)
        self._validate()

    @work(exclusive=True, group="validity")
    async def _validate(self) -> None:
        """Say where pystac refuses the document; it is shown all the same. Large ones take their time.

        It waits until the overview was in sight for a while: to ask pystac takes longer than the screen.
        """
        document, shown = self.document, self.pane == "overview" or self.has_class("-wide")
        if shown and document is not None and document is not self._validated:
            await asyncio.sleep(_RESTS)
            why, self._validated = await refusal_apart(document), document
            if why:
                self._validity = [Heading("Not valid STAC"), Paragraph(why)]
                self._fill()

    @work(exclusive=True, group="document")
    async def action_reload(self) -> None:
        """Fetch the document again."""
        await self._documents.reload(self.whole)
        if self.pane == "items":
            self.table.reset()
            self.map_pane.reset()
            self.more_items()
        self._fill()

    # Panes

    def _show_pane(self, pane: str) -> None:
        self.pane = pane
        for name in PANES:
            self.set_class(name == pane, f"-{name}")
        self.show_amount()
        self._targets[pane].focus()
        self.refresh_hints()
        self._validate()
        if pane in ("items", "map") and self._holds_items:
            table = self.table
            if pane == "map":
                self.map_pane.highlight(table.current)
            if table.pager.wants_more and not (pane == "map" and table.rows):
                self.more_items()

    @on(JsonPane.StatusChanged)
    def show_amount(self) -> None:
        """Draw the strip: the id, the panes, and how many items or assets there are."""
        now = active_style(self.app)
        parts = [Content.styled(f" {PANES[n]} ", now if n == self.pane else "$muted") for n in self._panes]
        status, table = getattr(self._targets[self.pane], "status", ""), self.table
        if self.pane == "items" and table.narrowed:
            status = f"{table.line_count:,} match, {status}"
        if table.dates:
            parts.append(Content(" ") + line(f"[{table.dates}, esc]", "bold $warning"))
        if self.pane == "items" and table.marked:
            status = f"{len(table.marked):,} selected, {status}"
        tabs = Content("").join(parts)
        words = line(status, "$muted", limit=max(self.size.width - tabs.cell_length - 3, 0))
        room = self.size.width - tabs.cell_length - words.cell_length - 5
        identity = entry_id(self._entry)
        if cell_len(identity) > room:
            identity = fit_name(identity, room) if room >= SHORTEST_ID else ""
        shown = line(identity, "bold $accent") + Content("  " if identity else "")
        self._strip.update(shown + tabs + Content(" ") + words)
        self.refresh_hints()

    def on_resize(self) -> None:
        """Fit the strip to the new width."""
        if self.is_mounted:
            self.show_amount()

    def action_pane(self, pane: str) -> None:
        """Show a pane."""
        if pane in self._panes:
            self._show_pane(pane)
        else:
            self.refuse("Only collections and catalogs have items.")

    def action_next_pane(self, step: int) -> None:
        """Show the next or previous pane."""
        index = self._panes.index(self.pane)
        self._show_pane(self._panes[(index + step) % len(self._panes)])

    # Items

    def open_item(self, entry: Entry) -> None:
        """Open an item."""
        self.app.push_screen(DocumentScreen(self._below(entry), self._documents))

    @work(exclusive=True, group="items")
    async def more_items(self) -> None:
        """Load the next page."""
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
        unknown = [row for row in message.rows if not self._documents.why_not(row[1])]
        await together(self._look_up_one, unknown, SIDE_BY_SIDE)

    async def _look_up_one(self, row: tuple[int, Entry]) -> None:
        number, entry = row
        document = self._documents.of(entry) or await self._documents.load(entry)
        if document is not None and not self.closing:
            self.table.learn(number, entry, document)
            self.map_pane.add([(entry, document)])

    # Keys

    async def action_step_back(self) -> None:
        """Show the items of all times again, else go back."""
        if not self.clear_dates():
            await self.context.action_back()

    def action_mark(self) -> None:
        """Select the item under the cursor."""
        if self.pane == "items":
            self.table.toggle_mark()
        else:
            self.refuse("Items are selected in the Items pane (i).")

    @on(AssetTable.Chosen)
    def _asset_chosen(self) -> None:
        self.action_copy("id")

    def action_copy(self, form: str) -> None:
        """Copy a form of the document or the item under the cursor; of an asset its link for an id."""
        shown = self._assets.current if self.pane == "assets" else None
        if shown is not None and form == "id":
            self.context.copy_text(one_line(redact(shown.href)), "Link (without keys)")
        else:
            super().action_copy(form)
