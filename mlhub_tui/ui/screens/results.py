"""Results: what a search finds, page by page, with the detail or a map beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ...models import BBox, Entry, Search
from ...models.search import parse_when
from ...sources.base import Page, Source
from ...text import count
from .. import actions, dialogs
from ..actions.item_supplier import PAGE, ItemSupplier, of_entries, of_part, of_search
from ..actions.search_actions import SearchProgress
from ..catalog.loader import Documents, entry_detail
from ..catalog.nodes import TreeEntry
from ..commands import RESULTS, bindings, of
from ..context import ConnectionChanged
from ..search_criteria import words_of
from ..terminal.characters import content, line
from ..widgets.detail_view import DetailView
from .items_screen import ItemsScreen

FEW = 25
"""Items that are asked for one by one; more are listed again."""
_WITHOUT_ITEMS = frozenset({"results.search", "results.save", "results.again"})
"""Commands that act while nothing is found."""


class ResultsScreen(ItemsScreen):
    """What a search finds. One page of documents is in memory, of the rest what the table shows.

    - `saved`: The name that the search is saved under; empty for one that is not.
    """

    place = RESULTS
    mode = "browse"
    table_id = "results"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(RESULTS), Binding("escape", "step_back", show=False)]
    CSS = """
    ResultsScreen #strip { height: 1; padding: 0 1; background: $surface; }
    ResultsScreen #panes { height: 1fr; }
    ResultsScreen #results { width: 1fr; }
    ResultsScreen #detail { display: none; }
    ResultsScreen.-wide #detail { display: block; width: 1fr; border-left: vkey $line; }
    ResultsScreen #map, ResultsScreen.-map #results { display: none; }
    ResultsScreen.-map #map { display: block; width: 1fr; }
    ResultsScreen.-map.-wide #results { display: block; }
    ResultsScreen.-map.-wide #detail { display: none; }
    ResultsScreen #notes { height: auto; max-height: 4; padding: 0 1; display: none; }
    ResultsScreen #notes.-said { display: block; }
    """

    def __init__(self, source: Source, search: Search, saved: str = "") -> None:
        super().__init__(Documents(source))
        self.source, self.search, self.saved = source, search, saved
        self._progress = SearchProgress(self.table)
        self._strip, self._notes = Static(id="strip"), Static(id="notes")
        self._detail = DetailView(id="detail")

    def compose_body(self) -> ComposeResult:
        """Lay out the table, on wide terminals with the detail beside it."""
        yield self._strip
        yield Horizontal(self.table, self._detail, self.map_pane, id="panes")
        yield self._notes

    def begin(self) -> None:
        """Begin to search."""
        super().begin()
        self.table.focus()
        self._start_over()

    def unavailable(self) -> list[str]:
        """Return what acts on items, while there are none."""
        return [] if self.table.rows else [one.id for one in of(RESULTS) if one.id not in _WITHOUT_ITEMS]

    # What is under the cursor

    @property
    def subject(self) -> TreeEntry | None:
        """The item under the cursor of the table, or of the map that has the focus."""
        pane = self.map_pane
        current = pane.current if pane.has_focus_within else None
        entry = current or self.table.current
        return TreeEntry(entry) if entry is not None else None

    @property
    def chosen(self) -> list[TreeEntry]:
        """The items that are selected."""
        return [TreeEntry(entry) for entry in self.table.marked.values()]

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Take note where the source was closed: what is loaded stays, and nothing more comes."""
        super().on_connection_changed(message)
        connection = self.context.connection
        if connection is None or connection.source is not self.source:
            self._progress.closed = True

    # Searching

    def _start_over(self) -> None:
        self._progress = SearchProgress(self.table, closed=self._progress.closed)
        self.table.reset()
        self.map_pane.reset()
        self.map_pane.show_extent((self.search.bbox,) if self.search.bbox is not None else ())
        self._load()

    @work(exclusive=True, group="items")
    async def _load(self) -> None:
        """Load pages until there is a new row to show: with local filters, many pages have no match."""
        table = self.table
        if self._progress.closed or table.pager.complete:
            self.show_amount()
            return
        self._progress.failure, self._progress.stopped = "", False
        wanted = len(table.rows) + 1 if table.rows else max(table.size.height, 1)
        try:
            while not table.pager.complete and (len(table.rows) < wanted or table.near_end):
                table.say("")
                await self._load_page()
        except MLHubException as error:
            self._progress.failure = error.full_message
            table.pager.loading = False
            self.show_amount()
            if isinstance(error, AuthenticationError | APIKeyNotFound):
                await self.offer_profiles("This search needs an API key.", error)
        else:
            table.pager.loading = False
            self.show_amount()
            self.item_rests()
            self._count_saved()
        finally:
            table.pager.loading = False

    async def _load_page(self) -> None:
        page = await self.source.search_page(self.search, link=self.table.pager.next, page_size=PAGE)
        entries = tuple(Entry.of(item) for item in page.entries)
        self._documents.keep(entries)
        self._progress.pages += 1
        self._progress.scanned += page.looked or 0
        rest = (page.next, page.matched, page.skipped, page.stopped, page.looked, page.notes, page.lacking)
        if not self.closing:
            await self.table.add_page(Page(entries, *rest))
            self.map_pane.add([(e, e.document) for e in entries if e.document is not None])

    def more_items(self) -> None:
        """Load the next page."""
        if not self._progress.failure and not self._progress.stopped and self.table.pager.wants_more:
            self._load()

    def action_again(self) -> None:
        """Request the page that failed again, resume a stopped search, or else search again."""
        if self._progress.failure or self._progress.stopped:
            self._load()
        else:
            self._start_over()

    # What is shown of it

    def show_amount(self) -> None:
        """Show what is searched for and how far the listing is, and below it what is to be known of it."""
        if self.closing:
            return
        table = self.table
        status = line(self._progress.status, "$muted")
        room = self.size.width - status.cell_length - 4
        name = f"{self.saved}: " if self.saved else ""
        what = name + words_of(self.search, room - cell_len(name))
        words = line(what, "bold $accent", max(room, 0)) if room > 8 else Content()
        gap = Content(" " * max(self.size.width - words.cell_length - status.cell_length - 2, 1))
        self._strip.update(words + gap + status)
        notes = self._progress.notes
        self._notes.update(content("\n".join(notes), "$warning" if self._progress.failure else "$muted"))
        self._notes.set_class(bool(notes), "-said")
        self.refresh_hints()
        if self.find_bar is not None:
            self.find_bar.say(f"{table.line_count:,} of the {self._progress.scope}")

    def on_resize(self) -> None:
        """Fit the words to the new width."""
        if self.is_mounted:
            self.show_amount()
            self.item_rests()

    def on_screen_resume(self) -> None:
        """Catch up with a terminal that was made wider while a dialog was in front."""
        super().on_screen_resume()
        self.item_rests()

    def item_rests(self) -> None:
        """Let the detail of wide terminals follow the cursor."""
        # Behind a dialog it would depend on how soon the dialog came: it follows when the dialog is gone.
        if not self.closing and self.is_active and self.has_class("-wide"):
            self._show_detail()

    @work(exclusive=True, group="detail")
    async def _show_detail(self) -> None:
        entry, documents = self.table.current, self._documents
        if entry is None:
            self._detail.show([])
            return
        subject = TreeEntry(entry)
        if documents.of(entry) is not None or not self._progress.closed:
            self._detail.show(entry_detail(subject, documents))
        if not self._progress.closed:
            async for _ in documents.complete(subject):
                self._detail.show(entry_detail(subject, documents), keep_place=True)

    # Keys

    def open_item(self, entry: Entry) -> None:
        """Open an item."""
        self.open_subject(TreeEntry(entry))

    async def action_open(self) -> None:
        """Open the item under the cursor."""
        await self.table.action_select_cursor()

    def action_mark(self) -> None:
        """Select the item under the cursor."""
        self.table.toggle_mark()

    def action_mark_all(self) -> None:
        """Select all that is loaded and shown."""
        self.table.toggle_all()

    def action_step_back(self) -> None:
        """Stop the search, else clear the filter, else the selection, else go back."""
        table = self.table
        if table.pager.loading:
            self._progress.stopped = True
            self.workers.cancel_group(self, "items")
            table.pager.loading = False
            self.show_amount()
        elif self.clear_dates() or self._hide_map():
            self.show_amount()
        elif table.filter:
            table.apply_filter("")
            self.show_amount()
        elif table.marked:
            table.clear_marks()
        else:
            self.dismiss()

    async def action_filter(self) -> None:
        """Type a filter."""
        await self.type_filter(self.table.filter)
        self.show_amount()

    def apply_filter(self, words: str) -> None:
        """Show the loaded items in whose ids every word occurs."""
        self.table.apply_filter(words)
        self.show_amount()

    def action_map(self) -> None:
        """Show the items on a map; again, give it the keys; once more, hide it."""
        pane = self.map_pane
        if not self.has_class("-map"):
            self.add_class("-map")
            pane.highlight(self.table.current)
            if not self.has_class("-wide"):
                pane.focus()
        elif pane.has_focus_within:
            self._hide_map()
        else:
            pane.focus()

    def _hide_map(self) -> bool:
        """Show the table alone; False where it is."""
        if not self.has_class("-map"):
            return False
        entry = self.map_pane.current
        self.remove_class("-map")
        if entry is not None:
            self.table.go_to(entry)
        self.table.focus()
        return True

    # Other searches

    @work(group="search", exclusive=True)
    async def search_within(self, box: BBox | None, when: str) -> None:
        """Change the search, to begin with to a box, and dates, that were chosen on its map."""
        if self.context.connection is None or self.context.connection.source is not self.source:
            self.refuse("Another source is in use now: search from Browse.")
            return
        time = parse_when(when) if when else self.search.datetime
        before = replace(self.search, bbox=box or self.search.bbox, datetime=time)
        ask = actions.search_actions.ask
        if wanted := await ask(self.context, self.source, Documents(self.source), before, {}):
            self.search, self.saved = wanted, ""
            self._detail.show([])
            self._start_over()

    async def action_save(self) -> None:
        """Save the search and its count under a name."""
        await self.context.opening(self._save())

    @work(group="save", exclusive=True)
    async def _save(self) -> None:
        save = actions.search_actions.save
        if name := await save(self.context, self.search, self.saved, self._progress.total):
            self.saved = name
            self.show_amount()

    @work(group="count saved", exclusive=True)
    async def _count_saved(self) -> None:
        """Remember how many a saved search finds now."""
        if self.saved and self._progress.total is not None:
            await actions.search_actions.remember_count(self.saved, self.search, self._progress.total)

    # Download and export

    def supplies(self) -> list[ItemSupplier]:
        """Return the items that something can be done with, the likeliest first."""
        table, found = self.table, []
        if table.marked:
            found.append(self._part(f"{count(len(table.marked), 'selected item')}", [*table.marked.values()]))
        elif self.subject is not None:
            current = self.subject.entry
            found.append(of_entries(f"item {current.label}", [current], self._documents))
        loaded = [row.entry for row in table.rows]
        if table.narrowed:
            found.append(self._part(f"{table.line_count:,} that the filter leaves", table.shown))
        elif loaded and not (table.pager.complete and not table.pager.stopped):
            found.append(self._part(f"{len(loaded):,} loaded", loaded))
        if loaded:
            total = self._progress.total
            words = f"all {total:,} found" if total is not None else "all that is found"
            found.append(of_search(words, self.source, self.search, total))
        return found

    def _part(self, words: str, entries: Sequence[Entry]) -> ItemSupplier:
        here = sum(self._documents.of(entry) is not None for entry in entries)
        if len(entries) - here <= FEW:
            return of_entries(words, entries, self._documents)
        return of_part(words, of_search("", self.source, self.search), entries)

    @work(group="download", exclusive=True)
    async def action_download(self) -> None:
        """Choose among the assets of what is selected, of the item under the cursor, or of all."""
        supplies = self.supplies()
        if not supplies:
            self.refuse("There are no items to download.")
        elif await actions.download_actions.ask_and_queue_assets(self.context, supplies, self._documents):
            self.table.clear_marks()

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write items to a file."""
        document = self._documents.of(self.subject.entry) if self.subject is not None else None
        name = self.saved or "-".join(self.search.collections[:1]) or "search"
        await dialogs.export_dialog.export(self.context, self.supplies(), self.source, name, document)
