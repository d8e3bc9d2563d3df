"""What can be done with the results of a search: download, export and preview their items."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from ...errors import APIKeyNotFound, AuthenticationError, MLHubException
from ...metadata.detail import document_detail
from ...models import BBox, Entry, Search
from ...models.when import parse_when
from ...sources.base import Page, Source
from ...text import count
from ..actions.item_supplier import PAGE, ItemSupplier, of_entries, of_part, of_search
from ..catalog.nodes import TreeEntry
from ..detail.detail_view import DetailView
from ..document_cache import Documents, why
from ..key_bindings import RESULTS, AppCommand, bindings, hints
from ..messages import ConnectionChanged
from ..search_criteria import words_of
from ..terminal.characters import content, line
from ..widgets.filter_bar import FindBar
from ..widgets.item_table import ItemTable
from .items_on_map import ItemsOnMap
from .result_status import ResultState, notes_of, scope, status_of, total

FEW = 25
"""Items that are asked for one by one; more are listed again."""


class ResultsScreen(ItemsOnMap):
    """What a search finds. One page of documents is in memory, of the rest what the table shows.

    Parameters
    ----------
    source
        Where to search.
    search
        What for.
    saved
        The name that the search is saved under; empty for one that is not.
    """

    place = RESULTS
    mode = "browse"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(RESULTS, {"results.open": "open"}),
        Binding("escape", "step_back", show=False),
    ]
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
        super().__init__()
        self.source, self.search, self.saved = source, search, saved
        self._documents = Documents(source)
        self._looked = 0
        self._pages = 0
        self._failure = ""
        self._stopped = False
        self._closed = False
        self._strip, self._notes, self._detail = (
            Static(id="strip"),
            Static(id="notes"),
            DetailView(id="detail"),
        )
        self._bar: FindBar | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the table, on wide terminals with the detail beside it."""
        yield self._strip
        with Horizontal(id="panes"):
            yield self.table
            yield self._detail
            yield self.map_pane
        yield self._notes

    def on_mount(self) -> None:
        """Begin to search."""
        super().on_mount()
        if self.closing:
            return
        self.table.focus()
        self.recall_order()
        self._start_over()

    @property
    def source_kind(self) -> str:
        """The kind of source that the items come from."""
        return self.source.kind.value

    def hint_commands(self) -> list[AppCommand]:
        """Return the commands for the hint bar."""
        return hints(RESULTS)

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Take note where the source was closed: what is loaded stays, and nothing more comes."""
        super().on_connection_changed(message)
        connection = self.context.connection
        if connection is None or connection.source is not self.source:
            self._closed = True

    # Searching

    def _start_over(self) -> None:
        self._looked = self._pages = 0
        self.table.reset()
        pane = self.map_pane
        pane.reset()
        pane.show_extent((self.search.bbox,) if self.search.bbox is not None else ())
        self._load()

    @work(exclusive=True, group="items")
    async def _load(self) -> None:
        """Ask for pages until there is something new to show; where items are sifted many find nothing."""
        table = self.table
        if self._closed or table.pager.complete:
            self._say()
            return
        self._failure, self._stopped = "", False
        wanted = len(table.rows) + 1 if table.rows else max(table.size.height, 1)
        try:
            while not table.pager.complete and (len(table.rows) < wanted or table.near_end):
                table.say("")
                await self._load_page(table)
        except (AuthenticationError, APIKeyNotFound) as error:
            self._fail(error)
            await self.offer_profiles("This search needs an API key.", error)
        except MLHubException as error:
            self._fail(error)
        except asyncio.CancelledError:
            table.pager.loading = False
            raise
        else:
            table.pager.loading = False
            self._say()
            self._follow()
            self._count_saved()

    async def _load_page(self, table: ItemTable) -> None:
        page = await self.source.search_page(self.search, link=table.pager.next, page_size=PAGE)
        entries = tuple(Entry.of(item) for item in page.entries)
        self._documents.keep(entries)
        self._pages += 1
        self._looked += page.looked or 0
        taken: Page[Entry] = Page(
            entries,
            page.next,
            page.matched,
            page.skipped,
            page.stopped,
            page.looked,
            page.notes,
            page.timeless,
        )
        if not self.closing:
            await table.add_page(taken)
            self.map_pane.add([(e, e.document) for e in entries if e.document is not None])

    def _fail(self, error: MLHubException) -> None:
        self._failure = why(error)
        if not self.closing:
            self.table.pager.loading = False
            self._say()

    @on(ItemTable.MoreWanted)
    def _more(self, message: ItemTable.MoreWanted) -> None:
        message.stop()
        self.more_items()

    def action_again(self) -> None:
        """Ask again for the page that failed, go on where it was stopped, or else search anew."""
        if self._failure or self._stopped:
            self._load()
        else:
            self._start_over()

    # What is said of it

    @on(ItemTable.StatusChanged)
    def _status_changed(self, message: ItemTable.StatusChanged) -> None:
        message.stop()
        self._say()

    @property
    def state(self) -> ResultState:
        """How the search stands."""
        return ResultState(self._looked, self._pages, self._failure, self._stopped, self._closed)

    def _say(self) -> None:
        if self.closing:
            return
        table = self.table
        status = line(status_of(table, self.state), "$muted")
        room = self.size.width - status.cell_length - 4
        what = f"{self.saved}: {words_of(self.search)}" if self.saved else words_of(self.search)
        words = line(what, "bold $accent", max(room, 0)) if room > 8 else Content()
        gap = Content(" " * max(self.size.width - words.cell_length - status.cell_length - 2, 1))
        self._strip.update(words + gap + status)
        notes = notes_of(table, self.state)
        place = self._notes
        place.update(content("\n".join(notes), "$warning" if self._failure else "$muted"))
        place.set_class(bool(notes), "-said")
        if self._bar is not None:
            self._bar.say(f"{table.line_count:,} of the {scope(table)}")

    def on_resize(self) -> None:
        """Fit the words to the new width."""
        if self.is_mounted:
            self._say()
            self._follow()

    def on_screen_resume(self) -> None:
        """Catch up with a terminal that was made wider while a dialog was in front."""
        super().on_screen_resume()
        self._follow()

    # The detail of wide terminals

    def item_rests(self) -> None:
        """Let the detail follow the cursor."""
        self._follow()

    def more_items(self) -> None:
        """Load the next page, as the table would at its end."""
        if not self._failure and not self._stopped and self.table.pager.wants_more:
            self._load()

    def narrowed_by_dates(self) -> None:
        """Say how many are left."""
        self._say()

    def _follow(self) -> None:
        # Behind a dialog it would depend on how soon the dialog came: it follows when the dialog is gone.
        if not self.closing and self.is_active and self.has_class("-wide"):
            self._show_detail()

    @work(exclusive=True, group="detail")
    async def _show_detail(self) -> None:
        entry = self.table.current
        document = self._documents.of(entry)
        if entry is not None and document is None and not self._closed:
            document = await self._documents.load(entry)
        self._detail.show(document_detail(document) if document is not None else [])

    # Keys

    @on(ItemTable.Opened)
    def _opened(self, message: ItemTable.Opened) -> None:
        message.stop()
        self.open_item(message.entry)

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
            self._stopped = True
            self.workers.cancel_group(self, "items")
            table.pager.loading = False
            self._say()
        elif self.clear_dates() or self.hide_map():
            self._say()
        elif table.filter:
            table.apply_filter("")
            self._say()
        elif table.marked:
            table.clear_marks()
        else:
            self.dismiss()

    def action_copy_id(self) -> None:
        """Copy the id of the item under the cursor."""
        if (entry := self.table.current) is not None:
            self.context.copy_text(entry.label, "ID")

    # The filter

    async def action_filter(self) -> None:
        """Type a filter."""
        if self._bar is None:
            self._bar = FindBar(self.table.filter)
        await self._bar.open_in(self, before=self.hint_bar)
        self._say()

    @on(FindBar.Edited)
    def _filter_edited(self, message: FindBar.Edited) -> None:
        message.stop()
        self.table.apply_filter(message.value)
        self._say()

    @on(FindBar.Closed)
    def _filter_closed(self, message: FindBar.Closed) -> None:
        message.stop()
        if self._bar is not None:
            self._bar.remove()
            self._bar = None
        if not message.keep:
            self.table.apply_filter("")
        self.set_focus(self.table)
        self._say()

    # Other searches

    def action_search(self) -> None:
        """Change the search."""
        self.search_within(None, "")

    def search_within(self, box: BBox | None, when: str) -> None:
        """Change the search, to begin with to a box, and dates, that were chosen on its map."""
        self._change_search(box, when)

    @work(group="search", exclusive=True)
    async def _change_search(self, box: BBox | None, when: str) -> None:
        from ..actions.search_actions import ask

        if self.context.connection is None or self.context.connection.source is not self.source:
            self.notify("Another source is in use now: search from Browse.", markup=False)
            return
        time = parse_when(when) if when else self.search.datetime
        before = replace(self.search, bbox=box or self.search.bbox, datetime=time)
        wanted = await ask(self.context, self.source, Documents(self.source), before, {})
        if wanted is not None:
            self.show_search(wanted)

    def show_search(self, search: Search, saved: str = "") -> None:
        """Run another search here."""
        self.search, self.saved = search, saved
        self._detail.show([])
        self._start_over()

    @work(group="save", exclusive=True)
    async def action_save(self) -> None:
        """Save the search and its count under a name."""
        from ..actions.search_actions import save

        if name := await save(self.context, self.search, self.saved, self.total):
            self.saved = name
            self._say()

    @work(group="count saved", exclusive=True)
    async def _count_saved(self) -> None:
        """Remember how many a saved search finds now."""
        from ..actions.search_actions import remember_count

        if self.saved and self.total is not None:
            await remember_count(self.saved, self.search, self.total)

    # What leads elsewhere

    def make_table(self) -> ItemTable:
        """Return a table of results."""
        return ItemTable(id="results")

    @property
    def total(self) -> int | None:
        """How many items the search finds, where that is known."""
        return total(self.table)

    def supplies(self) -> list[ItemSupplier]:
        """Return the items that something can be done with, the likeliest first."""
        table, found = self.table, []
        everything = of_search(self._all_words(), self.source, self.search, self.total)
        if table.marked:
            found.append(self._part(f"{count(len(table.marked), 'selected item')}", [*table.marked.values()]))
        elif (current := table.current) is not None:
            found.append(of_entries(f"item {current.label}", [current], self._documents))
        loaded = [row.entry for row in table.rows]
        if table.narrowed:
            found.append(self._part(f"{table.line_count:,} that the filter leaves", table.shown))
        elif loaded and not (table.pager.complete and not table.pager.stopped):
            found.append(self._part(f"{len(loaded):,} loaded", loaded))
        if loaded:
            found.append(everything)
        return found

    def _all_words(self) -> str:
        return f"all {self.total:,} found" if self.total is not None else "all that is found"

    def _part(self, words: str, entries: list[Entry]) -> ItemSupplier:
        here = sum(self._documents.of(entry) is not None for entry in entries)
        if len(entries) - here <= FEW:
            return of_entries(words, entries, self._documents)
        return of_part(words, of_search("", self.source, self.search), entries)

    @work(group="download", exclusive=True)
    async def action_download(self) -> None:
        """Choose among the assets of what is selected, of the item under the cursor, or of all."""
        from ..actions.item_download import ask_and_queue_assets

        supplies = self.supplies()
        if not supplies:
            self.notify("There is nothing here to download.", markup=False)
        elif await ask_and_queue_assets(self.context, supplies, self._documents):
            self.table.clear_marks()

    @work(group="preview", exclusive=True)
    async def action_preview(self) -> None:
        """Show an image of the item under the cursor, and of those around it."""
        from ..preview.preview_action import preview

        seen = await preview(self.context, self._documents, self.table.shown, self.table.current)
        if seen is not None:
            self.table.go_to(seen)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write items to a file."""
        from ..actions.item_export import export

        current = self.table.current
        document = self._documents.of(current) if current is not None else None
        name = self.saved or "-".join(self.search.collections[:1]) or "search"
        await export(self.context, self.supplies(), self.source, name, document)

    # The map: beside the table on wide terminals, in its place on others

    def action_map(self) -> None:
        """Show the items on a map; again, give it the keys; once more, hide it."""
        pane, table = self.map_pane, self.table
        if not self.has_class("-map"):
            self.add_class("-map")
            pane.highlight(table.current)
            if not self.has_class("-wide"):
                pane.focus()
        elif pane.has_focus_within:
            self.hide_map()
        else:
            pane.focus()

    def hide_map(self) -> bool:
        """Show the table alone; False where it is."""
        if not self.has_class("-map"):
            return False
        entry = self.map_pane.current
        self.remove_class("-map")
        table = self.table
        if entry is not None:
            table.go_to(entry)
        table.focus()
        return True

    def open_item(self, entry: Entry) -> None:
        """Open an item."""
        self.context.show_document(TreeEntry(entry), self._documents)
