"""Progress of a search: how many items came, of how many, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass

from ...sources.base import without_id
from ...text import count, one_line
from ..widgets.item_table import ItemTable

MOST_NOTES = 3


@dataclass
class SearchProgress:
    """How a search stands whose items a table lists.

    - `table`: The items that came.
    - `scanned`: Items that were looked at locally; 0 where the server searches.
    - `pages`: Pages that came.
    - `failure`: Why the last page did not come; empty where nothing went wrong.
    - `stopped`: Whether the user stopped it.
    - `closed`: Whether the source was closed.
    """

    table: ItemTable
    scanned: int = 0
    pages: int = 0
    failure: str = ""
    stopped: bool = False
    closed: bool = False

    @property
    def total(self) -> int | None:
        """How many items the search finds, where that is known."""
        pager, loaded = self.table.pager, len(self.table.rows)
        if pager.matched is not None:
            return max(pager.matched, loaded)
        return loaded if pager.complete and not pager.stopped else None

    @property
    def scope(self) -> str:
        """What a filter looks at: `200 loaded of 2,365`."""
        pager, loaded = self.table.pager, len(self.table.rows)
        if pager.matched is not None and pager.matched > loaded:
            return f"{loaded:,} loaded of {pager.matched:,}"
        return f"{loaded:,} loaded" + ("" if pager.complete else ", there are more")

    @property
    def status(self) -> str:
        """How far the listing is, for the line above it."""
        table, pager, parts = self.table, self.table.pager, []
        if table.narrowed:
            parts.append(f"{table.line_count:,} match, filtering the {self.scope}")
        elif not (pager.loading and not table.rows and not self.scanned):
            parts.append(self._amount())
        if pager.loading:
            parts.append("searching…, esc stops")
        elif self.stopped:
            parts.append("stopped, r continues")
        elif self.failure:
            parts.append("not all, r retries")
        if table.marked:
            parts.append(f"{len(table.marked):,} selected")
        return ", ".join(parts)

    def _amount(self) -> str:
        pager, loaded = self.table.pager, len(self.table.rows)
        if pager.matched is not None and pager.matched > loaded:
            words = f"{loaded:,} of {pager.matched:,}"
        else:
            words = count(loaded, "item") if pager.complete else f"{loaded:,} and more"
        return f"{words} in {self.scanned:,} looked at" if self.scanned > loaded else words

    @property
    def notes(self) -> list[str]:
        """What is to be known of the listing, a line each, for below it."""
        pager, lines = self.table.pager, []
        if self.failure:
            lines.append(f"! page {self.pages + 1:,} did not come: {self.failure}. r retries.")
        if self.closed:
            lines.append("! another source is in use now: nothing more can be asked of this one")
        if pager.complete and pager.stopped:
            lines.append(f"The listing stopped: {pager.stopped}.")
        if pager.skipped:
            lines.append(f"{without_id(pager.skipped)}.")
        if pager.complete and not self.table.rows and not self.failure:
            lines.append("Nothing was found. s changes the search.")
        notes = [one_line(note, 200) for note in pager.notes]
        more = len(notes) - MOST_NOTES
        return lines + notes[:MOST_NOTES] + ([f"and {more:,} notes more"] if more > 0 else [])
