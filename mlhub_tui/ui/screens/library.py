"""Library: what was downloaded to this disk, its state and licence; no source is contacted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ...metadata.blocks import Block, FieldBlock, Title
from ...planning.requests import SAMPLE, AssetRequest, DatasetRequest
from ...queue.library import (
    LibraryEntry,
    LibraryState,
    ListedLicences,
    read_library,
    verify_entry,
    with_licence,
)
from ...sample.process import SAMPLE_NAME
from ...text import count, local_time, one_line, redact, size
from ..commands import LIBRARY, bindings, of
from ..context import QueueChanged
from ..source_connection import place
from ..terminal.characters import content, line
from ..transfers.job_files import FileWork
from ..widgets.detail_view import typeset
from ..widgets.line_view import Column, TableView, used_columns
from .place_screen import PlaceScreen

NONE = "Put the cursor on a download first."
_ORDERS: dict[str, Callable[[LibraryEntry], Any]] = {
    "date": lambda entry: -entry.date,
    "name": lambda entry: entry.name.casefold(),
    "size": lambda entry: -entry.bytes,
    "state": lambda entry: [*LibraryState].index(entry.state),
}


class LibraryTable(TableView[LibraryEntry]):
    """Rows of what was downloaded, filtered and sorted."""

    DEFAULT_CSS = "LibraryTable { height: 1fr; }"
    narrowest: ClassVar[int] = 34
    order = "date"
    all_columns = (
        Column("name", "Name", middle=True, apart=True),
        Column("state", "State", least=8),
        Column("size", "Size", least=8, to_right=True),
        Column("date", "Date", least=10),
        Column("files", "Files", least=5, to_right=True),
        Column("licence", "Licence", most=24, least=8),
        Column("source", "Source", most=32, least=24),
        Column("title", "Title", most=60, least=24),
    )

    def __init__(self) -> None:
        super().__init__(id="library")
        self.entries: list[LibraryEntry] = []
        self.filter = ""
        self._texts: dict[Path, list[str]] = {}
        self._used: list[int] = []

    def show(self, entries: list[LibraryEntry], texts: list[list[str]]) -> None:
        """Show other entries with the texts of their cells; the cursor stays on what it is on."""
        self.entries, self._used = entries, used_columns(texts)
        self._texts = {entry.place: cells for entry, cells in zip(entries, texts, strict=True)}
        self.forget_widths()
        self.narrow()

    def learn(self, entry: LibraryEntry) -> None:
        """Show more of an entry, where it is listed."""
        self._texts[entry.place] = _texts(entry)
        self.entries = [entry if one.place == entry.place else one for one in self.entries]
        self.lines = [entry if one.place == entry.place else one for one in self.lines]
        for number in (n for n, one in enumerate(self.lines) if one is entry):
            self.measure([number])
            self.refresh_from(number, 1)

    def narrow(self) -> None:
        """Filter and sort again."""
        before, terms = self.current, self.filter.casefold().split()
        found = ((entry, "\n".join(self._texts[entry.place]).casefold()) for entry in self.entries)
        shown = [entry for entry, text in found if all(term in text for term in terms)]
        self.lines = sorted(shown, key=_ORDERS[self.order])
        self.measure(range(len(shown)))
        self.count_changed()
        places = [entry.place for entry in self.lines]
        self.cursor_line = places.index(before.place) if before and before.place in places else 0
        self.refresh()
        self.post_message(self.Moved())

    def columns(self) -> Sequence[Column]:
        """Return the columns that say something."""
        return [self.all_columns[number] for number in self._used]

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a row."""
        texts = self._texts[self.lines[number].place]
        return [texts[place] for place in self._used]


class LibraryScreen(PlaceScreen):
    """What was downloaded."""

    place = LIBRARY
    mode = "library"
    CSS = """
    LibraryScreen #view { height: 1; padding: 0 1; background: $surface; }
    LibraryScreen #empty { display: none; height: 1fr; width: 1fr; content-align: center middle; }
    LibraryScreen.-empty #empty { display: block; }
    LibraryScreen.-empty LibraryTable { display: none; }
    LibraryScreen.-empty #entry, LibraryScreen.-empty #view { display: none; }
    LibraryScreen #entry { height: 8; padding: 0 1; border-top: solid $line; overflow: hidden; }
    LibraryScreen.-short #entry { height: 4; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIBRARY), Binding("escape", "step_back", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self.filtered = self._table = LibraryTable()
        self._view, self._empty, self._entry = Static(id="view"), Static(id="empty"), Static(id="entry")
        self._checks = FileWork(self._show_entry)
        self._known: dict[tuple[Path, float], dict[str, Any]] = {}
        """What was learned of an entry: its licence, and what is wrong with its files."""
        self._finished: set[int] = set()

    def compose_body(self) -> ComposeResult:
        """Lay out the amount, the table, and what is known of the entry under the cursor."""
        yield self._view
        yield self._empty
        yield self._table
        yield self._entry

    def begin(self) -> None:
        """Give the keys to the table; the folder is read once the screen is in front."""
        self._table.focus()

    def on_screen_resume(self) -> None:
        """Read the folder again: it may have changed meanwhile."""
        super().on_screen_resume()
        self.action_reload()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Read the folder again once another transfer is finished."""
        super().on_queue_changed(message)
        if self.is_current and {job.id for job in self.context.jobs if job.state.finished} != self._finished:
            self.action_reload()

    # Reading

    @work(exclusive=True, group="read")
    async def action_reload(self) -> None:
        """Read what was downloaded: first names, sizes and dates, then the licences one by one."""
        jobs, folder = self.context.jobs, self.context.output_dir
        self._finished = {job.id for job in jobs if job.state.finished}
        if not self._table.entries:
            self._view.update(line("reading…", "$muted"))
        entries, texts = await asyncio.to_thread(self._read, jobs, folder)
        if self.closing:
            return
        self._table.show(entries, texts)
        self._show_amount()
        listed = ListedLicences()
        for entry in entries:
            if entry.licence is None:
                known = await asyncio.to_thread(with_licence, entry, listed)
                self._learn(entry, licence=known.licence or "")

    def _read(self, jobs: Sequence[Any], folder: Path) -> tuple[list[LibraryEntry], list[list[str]]]:
        found = []
        for entry in read_library(jobs, folder):
            known: dict[str, Any] = {"licence": None} | self._known.get((entry.place, entry.date), {})
            if entry.state is not LibraryState.WHOLE:
                known = {"licence": known["licence"]}
            found.append(replace(entry, **known))
        return found, [_texts(entry) for entry in found]

    def _learn(self, entry: LibraryEntry, **known: Any) -> None:
        """Show more of an entry, wherever it is listed by now."""
        self._known.setdefault((entry.place, entry.date), {}).update(known)
        if self.closing:
            return
        if (
            listed := next((one for one in self._table.entries if one.place == entry.place), None)
        ) is not None:
            self._table.learn(replace(listed, **known))
        if self._table.current is not None and self._table.current.place == entry.place:
            self._show_entry()

    # Showing

    def _show_amount(self) -> None:
        table, folder = self._table, one_line(self.context.output_dir, 200)
        self.set_class(not table.entries, "-empty")
        if not table.entries:
            there = "holds no downloads" if self.context.output_dir.is_dir() else "does not exist yet"
            words = f"{folder} {there}.\nPress 1, put the cursor on a collection or an item, and press d."
            self._empty.update(content(words, "$muted"))
        total = sum(entry.bytes for entry in table.entries)
        shown = f"{table.line_count:,} of " if table.filter else ""
        words = f"{shown}{count(len(table.entries), 'download')}, {size(total)}"
        self._view.update(line(f"{words} in {folder}", "$muted", max(self.size.width - 2, 40)))
        if self.find_bar is not None:
            self.find_bar.say(f"{table.line_count:,} of {len(table.entries):,}")
        self.refresh_hints()

    def on_resize(self) -> None:
        """Fit the texts to the new width."""
        if self.is_mounted:
            self._show_amount()
            self._show_entry()

    @on(LibraryTable.Moved)
    def _show_entry(self) -> None:
        """Show all that is known of the entry under the cursor."""
        if not self.closing:
            entry = self._table.current
            blocks = _blocks(entry, self._checks.words.get(entry.place, "")) if entry is not None else []
            self._entry.update(typeset(blocks, max(self.size.width - 2, 20)))
            self.refresh_hints()

    # Keys

    def unavailable(self) -> list[str]:
        """Return what does nothing without a download, or with none under the cursor."""
        if not self._table.entries:
            return [one.id for one in of(LIBRARY) if one.id != "library.reload"]
        return [] if self._table.current is not None else ["library.open", "library.verify", "library.copy"]

    @on(LibraryTable.Chosen)
    def action_open(self) -> None:
        """Open the entry in Browse: what of it is a catalog on this disk, else where it came from."""
        entry = self._table.current
        if entry is None:
            self.refuse(NONE)
        elif entry.state is not LibraryState.MISSING and (catalog := entry.catalog) is not None:
            self.context.browse_at(str(catalog))
        elif entry.source:
            request = entry.jobs[0].request
            profile = request.profile if request.source != SAMPLE else None
            self.context.browse_at(profile or entry.source, entry.name)
        else:
            self.refuse("No catalog, and its source is unknown: y copies the path.")

    @work(group="verify")
    async def action_verify(self) -> None:
        """Read the files of the entry again, or stop doing so."""
        entry = self._table.current
        if entry is None or entry.state is LibraryState.MISSING:
            self.refuse(NONE if entry is None else f"There is nothing to verify: {entry.reason}.")
            return
        if self._checks.stop(entry.place):
            return
        work = partial(verify_entry, entry)
        found = await self._checks.verify(entry.place, entry.bytes, work)
        if found is None or self.closing:
            return
        if found.trouble:
            self._learn(entry, state=LibraryState.CHANGED, reason=found.trouble)
        severity = "error" if found.trouble else "information"
        self.notify(f"{one_line(entry.name, 80)}: {found}", severity=severity)  # type: ignore[arg-type]

    def action_copy_path(self) -> None:
        """Copy the path of the entry."""
        if self._table.current is not None:
            self.context.copy_text(str(self._table.current.place), "Path")
        else:
            self.refuse(NONE)

    def action_sort(self) -> None:
        """Sort by something else."""
        orders = [*_ORDERS]
        self._table.order = orders[(orders.index(self._table.order) + 1) % len(orders)]
        self._table.narrow()

    async def action_filter(self) -> None:
        """Type a filter."""
        await self.type_filter(self._table.filter, "name, source, state or licence")
        self._show_amount()

    def apply_filter(self, words: str) -> None:
        """Show the entries in whose texts every word occurs."""
        self._table.filter = words
        self._table.narrow()
        self._show_amount()

    def action_step_back(self) -> None:
        """Clear the filter."""
        if self._table.filter:
            self.apply_filter("")


def _texts(entry: LibraryEntry) -> list[str]:
    return [
        one_line(entry.name, 200),
        str(entry.state),
        size(entry.bytes),
        time.strftime("%Y-%m-%d", time.localtime(entry.date)) if entry.date else "",
        f"{entry.files:,}",
        "…" if entry.licence is None else one_line(entry.licence, 60),
        one_line(_source(entry, short=True), 60),
        "" if entry.title == entry.name else one_line(entry.title, 120),
    ]


def _source(entry: LibraryEntry, *, short: bool = False) -> str:
    if entry.source == SAMPLE:
        return SAMPLE_NAME
    return place(entry.source) if short else redact(entry.source)


UNSTATED = "not stated on this disk; enter opens the document of the source"
"""In place of a licence: neither the archive nor the documents beside the files have one."""


def _blocks(entry: LibraryEntry, verified: str) -> list[Block]:
    request = entry.jobs[0].request
    kind = "dataset" if isinstance(request, DatasetRequest) else "collection"
    kind = "model" if isinstance(request, AssetRequest) and request.of_model else kind
    state = f"{entry.state}: {entry.reason}" if entry.reason else str(entry.state)
    when = f", {local_time(entry.date)[:16]}" if entry.date else ""
    return [
        Title(f"{entry.title} ({kind})" if entry.title else f"{entry.name} ({kind})"),
        FieldBlock("State", f"{verified}" if verified else state),
        FieldBlock("Path", str(entry.place)),
        FieldBlock("Files", f"{count(entry.files, 'file')}, {size(entry.bytes)}{when}"),
        FieldBlock("Licence", "reading…" if entry.licence is None else entry.licence or UNSTATED),
        FieldBlock("Source", _source(entry) or "not known: it is in no job of the queue"),
    ]
