"""Searches: asked for, run, saved, run again; and how far one has come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.worker import WorkerError

from ... import sources
from ...auth import Kind
from ...errors import MLHubException
from ...models import BBox, EntryKind, Search
from ...models.search import parse_when
from ...sources.base import without_id
from ...sources.saved_searches import SavedSearch, SavedSearches
from ...text import count, date, now, one_line, redact
from .. import dialogs
from ..catalog.loader import Documents
from ..catalog.nodes import TreeEntry, identity
from ..search_criteria import words_of
from ..source_connection import SAMPLE
from ..widgets.item_table import ItemTable
from ..widgets.line_view import PickLine

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..context import AppContext


async def search(
    app: AppContext, subject: TreeEntry | None, documents: Documents, box: BBox | None = None, when: str = ""
) -> None:
    """Ask for a search, in what is under the cursor at first, and show its results.

    The form begins with a box and with dates, as people type them, that were chosen on a map.
    """
    connection = app.connection
    if connection is None:
        app.refuse("There is no source to search in yet.")
        return
    before, names = _start(subject, connection.source)
    if box is not None or when:
        before = replace(before, bbox=box, datetime=parse_when(when))
    if (wanted := await ask(app, connection.source, documents, before, names)) is not None:
        app.show_results(connection.source, wanted)


async def ask(
    app: AppContext, source: Source, documents: Documents, before: Search, names: dict[str, str]
) -> Search | None:
    """Ask for a search in a form that begins with another; None where it is left, or a saved one is run.

    `names` are what collections are called in the form.
    """
    answer = await app.push_screen_wait(dialogs.search_dialog.SearchForm(source, documents, before, names))
    if isinstance(answer, Search):
        return answer
    if answer is not None:
        await saved_searches(app)
    return None


def _start(subject: TreeEntry | None, source: Source) -> tuple[Search, dict[str, str]]:
    """Return the search that the form begins with, and what its collections are called there."""
    if subject is None:
        return Search(), {}
    entry = subject.entry
    if entry.kind is EntryKind.DATASET and subject.dataset is not None:
        return Search(collections=tuple(ref.id for ref in subject.dataset.collections)), {}
    if entry.kind is EntryKind.ITEM:
        return Search(collections=(entry.collection_id,) if entry.collection_id else ()), {}
    holds = entry.kind is EntryKind.COLLECTION or source.kind is Kind.STATIC
    if not holds or entry.kind is EntryKind.MODEL:
        return Search(), {}
    name = identity(entry, source.kind)
    return Search(collections=(name,)), {one_line(entry.label).replace(",", " "): name}


# Saved searches


async def save(app: AppContext, wanted: Search, name: str, found: int | None) -> str:
    """Ask for a name and save a search under it; return the name, empty where it was not saved."""
    connection = app.connection
    if connection is None:
        return ""
    known = await _all(app)
    if known is None:
        return ""
    taken = frozenset(saved.name for saved in known)
    answer = await app.push_screen_wait(dialogs.search_dialog.SaveScreen(name, taken, found))
    if not answer:
        return ""
    saved = SavedSearch(answer, connection.entry, wanted, found, now())
    try:
        await asyncio.to_thread(SavedSearches().put, saved)
    except MLHubException as error:
        app.report(error)
        return ""
    amount = f", {count(found, 'item')}" if found is not None else ""
    app.notify(f"Saved as {answer}{amount}. ctrl+s in Browse lists the saved searches.")
    return answer


async def remember_count(name: str, wanted: Search, found: int) -> None:
    """Keep how many a saved search finds now; a file that cannot be written is no reason to complain."""

    def keep() -> None:
        store = SavedSearches()
        saved = store.get(name)
        if saved.search == wanted:
            store.put(replace(saved, count=found, when=now()))

    with contextlib.suppress(MLHubException):
        await asyncio.to_thread(keep)


async def saved_searches(app: AppContext) -> None:
    """List the saved searches; run the one that is chosen, where it was."""
    found = await _all(app)
    if found is None:
        return
    here = app.connection.entry if app.connection is not None else ""
    known = {saved.name: saved for saved in sorted(found, key=lambda saved: saved.source != here)}

    def about(name: str) -> str:
        saved = known[name]
        where = "this source" if saved.source == here else one_line(redact(saved.source))
        return f"{words_of(saved.search)}\nin {where}"

    async def remove(name: str) -> bool:
        if not await dialogs.base.confirm(app, f"Remove the search {one_line(name)}?", yes="Remove"):
            return False
        await asyncio.to_thread(SavedSearches().remove, name)
        return True

    lines = [_line(saved) for saved in known.values()]
    none = "None yet: ctrl+s on the results of a search saves it."
    listed = dialogs.base.ListScreen("Saved searches", lines, none, about, remove)
    chosen = await app.push_screen_wait(listed)
    if chosen is None:
        return
    saved = known[chosen]
    if saved.source != here and not await open_entry(app, saved.source):
        return
    if app.connection is not None:
        app.show_results(app.connection.source, saved.search, saved.name)


def _line(saved: SavedSearch) -> PickLine:
    found = f"{saved.count:,}" if saved.count is not None else "?"
    return PickLine(saved.name, words_of(saved.search), f"{found}  {date(saved.when)}", saved.name)


async def _all(app: AppContext) -> Sequence[SavedSearch] | None:
    """Return the saved searches; None, with a message shown, if the file cannot be read."""
    try:
        return await asyncio.to_thread(SavedSearches().all)
    except MLHubException as error:
        app.report(error)
        return None


async def open_entry(app: AppContext, place: str) -> bool:
    """Use a source by the name that `place_of` gave it; False where it could not be opened."""
    choose = sources.open_source.choose
    try:
        credentials = await asyncio.to_thread(choose, place) if place != SAMPLE else None
    except MLHubException as error:
        app.report(error)
        return False
    before = app.connection
    if credentials is None:
        app.use_sample()
    else:
        app.use(credentials)
    opening = [worker for worker in app.workers if worker.group == "connect"]
    with contextlib.suppress(WorkerError):
        await app.workers.wait_for_complete(opening)
    return app.connection is not None and app.connection is not before


MOST_NOTES = 3


@dataclass
class SearchProgress:
    """How a search stands whose items a table lists.

    - `scanned`: Items that were looked at locally; 0 where the server searches.
    - `pages`: Pages that came.
    - `failure`: Why the last page did not come; empty where nothing went wrong.
    - `stopped`, `closed`: Whether the user stopped it, and whether its source was closed.
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
            more = f"{loaded:,} and more" if loaded else "none yet"
            words = count(loaded, "item") if pager.complete else more
        return f"{words} of {self.scanned:,} checked" if self.scanned > loaded else words

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
