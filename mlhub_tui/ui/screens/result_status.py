"""What the results of a search say of themselves: how many, of how many, and why no more."""

from __future__ import annotations

from dataclasses import dataclass

from ...text import count, one_line
from ..widgets.item_table import ItemTable

MOST_NOTES = 3


@dataclass(frozen=True, slots=True)
class ResultState:
    """How a search stands.

    Parameters
    ----------
    looked
        Items that were looked at on this side; 0 where the server searches.
    pages
        Pages that came.
    failure
        Why the last page did not come; empty where nothing went wrong.
    stopped
        Whether the user stopped it.
    closed
        Whether the source is in use no more.
    """

    looked: int = 0
    pages: int = 0
    failure: str = ""
    stopped: bool = False
    closed: bool = False


def total(table: ItemTable) -> int | None:
    """Return how many items there are in all, where that is known."""
    pager, loaded = table.pager, len(table.rows)
    if pager.matched is not None:
        return max(pager.matched, loaded)
    return loaded if pager.complete and not pager.stopped else None


def scope(table: ItemTable) -> str:
    """Return what a filter looks at: `200 loaded of 2,365`."""
    pager, loaded = table.pager, len(table.rows)
    if pager.matched is not None and pager.matched > loaded:
        return f"{loaded:,} loaded of {pager.matched:,}"
    return f"{loaded:,} loaded" + ("" if pager.complete else ", there are more")


def status_of(table: ItemTable, state: ResultState) -> str:
    """Return how far the listing is, for the line above it."""
    pager, parts = table.pager, []
    if table.narrowed:
        parts.append(f"{table.line_count:,} match, filtering the {scope(table)}")
    elif not (pager.loading and not table.rows and not state.looked):
        parts.append(_amount(table, state))
    if pager.loading:
        parts.append("searching…, esc stops")
    elif state.stopped:
        parts.append("stopped, r continues")
    elif state.failure:
        parts.append("not all, r retries")
    if table.marked:
        parts.append(f"{len(table.marked):,} selected")
    return ", ".join(parts)


def _amount(table: ItemTable, state: ResultState) -> str:
    pager, loaded = table.pager, len(table.rows)
    if pager.matched is not None and pager.matched > loaded:
        words = f"{loaded:,} of {pager.matched:,}"
    elif pager.complete:
        words = count(loaded, "item")
    else:
        words = f"{loaded:,} and more"
    return f"{words} in {state.looked:,} looked at" if state.looked > loaded else words


def notes_of(table: ItemTable, state: ResultState) -> list[str]:
    """Return what is to be known of the listing, a line each, for below it."""
    pager, lines = table.pager, []
    if state.failure:
        lines.append(f"! page {state.pages + 1:,} did not come: {state.failure}. r retries.")
    if state.closed:
        lines.append("! another source is in use now: nothing more can be asked of this one")
    if pager.complete and pager.stopped:
        lines.append(f"The listing stopped: {pager.stopped}.")
    if pager.skipped:
        lines.append(f"{count(pager.skipped, 'entry', 'entries')} left out that are no items.")
    if pager.complete and not table.rows and not state.failure:
        lines.append("Nothing was found. s changes the search.")
    notes = [one_line(note, 200) for note in pager.notes]
    more = len(notes) - MOST_NOTES
    return lines + notes[:MOST_NOTES] + ([f"and {more:,} notes more"] if more > 0 else [])
