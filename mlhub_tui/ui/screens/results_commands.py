"""What can be done with the results of a search: download, export and preview their items."""

from __future__ import annotations

from textual import work

from ...models import Entry, Search
from ...sources.base import Source
from ...text import count
from ..supply import ItemSupplier, of_entries, of_part, of_search
from ..widgets.result_table import ResultTable
from .results_map import ResultsMap
from .results_words import total

FEW = 25
"""Items that are asked for one by one; more are listed again."""


class ResultsCommands(ResultsMap):
    """The commands of results that lead elsewhere."""

    source: Source
    search: Search
    saved: str

    def make_table(self) -> ResultTable:
        """Return a table of results."""
        return ResultTable(id="results")

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
        from ..asset_flow import ask_and_queue_assets

        supplies = self.supplies()
        if not supplies:
            self.notify("There is nothing here to download.", markup=False)
        elif await ask_and_queue_assets(self.context, supplies, self._documents):
            self.table.clear_marks()

    @work(group="preview", exclusive=True)
    async def action_preview(self) -> None:
        """Show an image of the item under the cursor, and of those around it."""
        from ..preview.flow import preview

        seen = await preview(self.context, self._documents, self.table.shown, self.table.current)
        if seen is not None:
            self.table.go_to(seen)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        """Write items to a file."""
        from ..export_flow import export

        current = self.table.current
        document = self._documents.of(current) if current is not None else None
        name = self.saved or "-".join(self.search.collections[:1]) or "search"
        await export(self.context, self.supplies(), self.source, name, document)
