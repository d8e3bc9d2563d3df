"""Listings of datasets, collections, models and items, as a table or as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import click

from ..auth import Kind
from ..errors import InvalidSearch, MLHubException
from ..models import Collection, Dataset, Document, Entry, Item, MLModel
from ..sources.base import ENOUGH, Listing, Page, Source, without_time
from ..sources.last_listing import COMMANDS, LastListing
from ..text import count, link_names
from .connection import Choice
from .json_writer import Writer
from .printing import Row, Table, note, print_table, terminal_width
from .source_access import run

_LAYOUT_ROWS = 50
_MOST_NOTES = 12
_HEADERS = {
    "dataset": ("ID", "COLLECTIONS", "TITLE", "TAGS"),
    "collection": ("ID", "YEARS", "LICENCE", "TITLE"),
    "model": ("ID", "PREDICTS", "ARCHITECTURE", "TITLE"),
}


def print_datasets(tags: Sequence[str], text: Sequence[str], as_json: bool) -> None:
    """Print the datasets that have every tag and phrase."""

    async def walk(source: Source) -> AsyncIterator[Document]:
        for entry in await source.datasets(tags=tags, text=text):
            yield entry

    _list("dataset", walk, as_json)


def print_collections(tags: Sequence[str], text: Sequence[str], as_json: bool) -> None:
    """Print the collections that have every keyword and phrase."""
    _list("collection", lambda source: source.walk_collections(), as_json, tags, text)


def print_models(tags: Sequence[str], text: Sequence[str], as_json: bool) -> None:
    """Print the models that have every keyword and phrase."""

    async def walk(source: Source) -> AsyncIterator[Document]:
        for entry in await source.models():
            yield entry

    _list("model", walk, as_json, tags, text)


def _list(
    noun: str,
    walk: Callable[[Source], AsyncIterator[Document]],
    as_json: bool,
    tags: Sequence[str] = (),
    phrases: Sequence[str] = (),
) -> None:
    """Print the documents of a source that have every tag and phrase; notes go to stderr."""

    async def ask(source: Source, writer: Writer) -> None:
        found: list[Document] = []
        came = 0
        try:
            async for entry in walk(source):
                came += 1
                if matches(entry, tags, phrases):
                    found.append(entry)
        except MLHubException:
            if came:
                _print(noun, found, writer if as_json else None, whole=False)
                note_broken_off(count(came, noun), cut=as_json and bool(found))
            raise
        if found and noun != "model":
            _remember(source.root_url, found)
        _print(noun, found, writer if as_json else None)
        if skipped := getattr(source, "skipped", 0):  # not every kind of source has broken records to count
            note(f"{count(skipped, 'entry', 'entries')} without an ID left out")
        if not as_json and (not found or terminal_width()):
            click.echo(count(len(found), noun) if found else f"no {noun}s found", err=True)

    run(Choice.made(), ask)


def _print(noun: str, found: Sequence[Document], writer: Writer | None, *, whole: bool = True) -> None:
    if writer is not None and (found or whole):
        click.echo(writer.array(found, whole=whole))
    elif found:
        print_table(_HEADERS[noun], [_row(entry) for entry in found])


def print_items(collection: str, limit: int | None, page_size: int | None, as_json: bool) -> None:
    """Print the items of a collection as their pages arrive."""

    async def ask(source: Source, writer: Writer) -> None:
        notes = ListingNotes()

        async def page(link: str | None) -> Page[Item]:
            found = await source.items_page(collection, link=link, page_size=page_size)
            notes.take(found)
            # A catalog of files comes to its end, however many of them are missing.
            return replace(found, looked=0) if source.kind is Kind.STATIC and not found.entries else found

        listing = Listing(page)
        found = listing.entries(limit)
        with notes.broken_off(listing, cut=as_json):
            await (stream_json(writer, found) if as_json else stream_table(found))

    run(Choice.made(), ask, key_needed=True)


def _remember(root_url: str, found: Sequence[Document]) -> None:
    """Save what a command listed, for the completion of its ids; not of the sample, whose port changes."""
    if Choice.made().sample:
        return
    with suppress(MLHubException, OSError):
        LastListing(root_url, COMMANDS).save([Entry.of(document) for document in found])


def matches(document: Document, tags: Iterable[str], phrases: Iterable[str]) -> bool:
    """Whether every tag is among a document's keywords and every phrase in its text; case does not count."""
    keywords = {keyword.casefold() for keyword in document.lines("keywords")}
    if not all(tag.casefold() in keywords for tag in tags):
        return False
    words: list[Any] = [document.label, document.title, document.description, *keywords]
    text = "\n".join(words).casefold()
    return all(phrase.casefold() in text for phrase in phrases)


def _row(entry: Document) -> Row:
    """Return the cells of a dataset, a collection or a model."""
    match entry:
        case Dataset():
            return entry.label, len(entry.collections), entry.title, ", ".join(entry.tags)
        case Collection():
            years = ""
            if intervals := entry.extent.intervals:  # what a table has room for: `2018-2019`, `2018-`
                start, end = intervals[0].start[:4], intervals[0].end[:4]
                years = start if start == end else f"{start}-{end}"
            return entry.label, years, link_names(entry.license), entry.line("title") or entry.description
        case MLModel():
            return entry.label, entry.prediction_type, entry.architecture, entry.title
    return (entry.label, "", "", entry.title)


async def stream_json(writer: Writer, found: AsyncIterator[Item]) -> None:
    """Print items as an array, one on a line, as they arrive; it is closed only once it is whole."""
    separator = ""
    # The first item is awaited before anything is written: an error leaves stdout empty.
    try:
        async for item in found:
            click.echo(f"{separator or '['}\n{writer.line(item)}", nl=False)
            separator = ","
    except BaseException:
        if separator:
            click.echo()
        raise
    click.echo("\n]" if separator else "[\n]")


async def stream_table(found: AsyncIterator[Item]) -> None:
    """Print the rows of items as they arrive, in the layout that suits the first of them.

    Where the listing fails, the rows of all items that came are printed before the error is raised.
    """
    headers = ("ID", "DATE", "ASSETS")
    layout: Table | None = None
    waiting: list[Row] = []
    total = 0

    def flush() -> None:
        nonlocal layout
        if layout is None and waiting:
            layout = Table(headers, waiting, terminal_width())
            click.echo(layout.line(headers))
        if layout is not None and waiting:
            click.echo("\n".join(map(layout.line, waiting)))
        waiting.clear()

    try:
        async for item in found:
            waiting.append((item.label, item.interval, ", ".join(asset.label for asset in item.assets)))
            total += 1
            if layout is not None or len(waiting) == _LAYOUT_ROWS:
                flush()
    finally:
        flush()
    if not total or terminal_width():
        click.echo(count(total, "item") if total else "no items", err=True)


class ListingNotes:
    """Collects what the pages of a listing left out, and prints it behind the entries."""

    def __init__(self) -> None:
        self._looked = self._skipped = self._timeless = 0
        self._notes: dict[str, None] = {}

    def take(self, page: Page[Any]) -> None:
        """Take note of a page."""
        self._looked += page.looked or 0
        self._timeless += page.timeless
        self._notes.update(dict.fromkeys(page.notes))
        if not page.notes:  # which say themselves what of their page was left out
            self._skipped += page.skipped

    @contextmanager
    def broken_off(self, listing: Listing[Any], *, cut: bool) -> Iterator[None]:
        """Print the notes when the listing ends, or fails: then also how much of it came.

        `cut` is whether what was printed needs an end, which it has not got.
        """
        try:
            yield
        except MLHubException as error:
            self._print(listing.loaded, "")
            if listing.loaded and not isinstance(error, InvalidSearch):
                note_broken_off(count(listing.loaded, "item"), cut=cut)
            raise
        self._print(listing.loaded, listing.stopped)

    def _print(self, found: int, stopped: str) -> None:
        lines = list(self._notes)[:_MOST_NOTES]
        if len(self._notes) > _MOST_NOTES:
            lines.append(f"and {count(len(self._notes) - _MOST_NOTES, 'note')} like these")
        if self._looked > found:
            lines.append(f"{count(self._looked, 'item')} looked at on this side")
        if self._timeless:
            lines.append(without_time(self._timeless))
        if self._skipped:
            lines.append(f"{count(self._skipped, 'entry', 'entries')} without an ID left out")
        if stopped and stopped != ENOUGH:
            lines.append(f"there may be more: {stopped}")
        for line in lines:
            note(line)


def note_broken_off(came: str, *, cut: bool) -> None:
    """Note how much of a listing came; `cut`: that the JSON that was printed of it has no end."""
    note(f"the listing broke off after {came}{': the JSON has no end' if cut else ''}")
