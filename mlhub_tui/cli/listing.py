"""`mlhub-tui list`: datasets, collections, models and items, as a table or as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidSearch, MLHubException
from ..text import count, link_names
from .completion import MOST_WORDS, collection_ids, remember
from .connection import Choice, run
from .options import Group, all_of, connection_options, json_option, limit_option, option
from .printing import (
    Row,
    Table,
    Writer,
    note,
    print_table,
    terminal_width,
)

if TYPE_CHECKING:
    from ..models import Document, Item
    from ..sources.base import Lacking, Listing, Page, Source

_LAYOUT_ROWS = 50
_MOST_NOTES = 12
_HEADERS = {
    "dataset": ("ID", "COLLECTIONS", "TITLE", "TAGS"),
    "collection": ("ID", "YEARS", "LICENCE", "TITLE"),
    "model": ("ID", "PREDICTS", "ARCHITECTURE", "TITLE"),
}
EPILOG = """\b
Examples:
  mlhub-tui list datasets --tag segmentation --text kenya
  mlhub-tui list collections --json | jq -r '.[].id'
  mlhub-tui --sample list items ref_african_crops_kenya_02_labels --limit 5
  mlhub-tui --source earth-search list collections
"""
_filters = all_of(
    option("--tag TAG", "With this tag; repeatable.", name="tags", multiple=True),
    option("--text TEXT", "With this phrase; repeatable.", name="text", multiple=True),
    json_option,
    connection_options,
)


@click.group("list", cls=Group, epilog=EPILOG)
@connection_options
def list_command() -> None:
    """List datasets, collections, models or items."""


@list_command.command("datasets", short_help="List the datasets; works without a key.")
@_filters
def list_datasets(tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
    """List the datasets that have every tag and phrase; works without a key."""

    async def walk(source: Source) -> AsyncIterator[Document]:
        for entry in await source.datasets(tags=tags, text=text):
            yield entry

    _list("dataset", walk, as_json)


@list_command.command("collections", short_help="List the collections; works without a key.")
@_filters
def list_collections(tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
    """List the collections that have every keyword and phrase; works without a key."""
    _list("collection", lambda source: source.walk_collections(), as_json, tags, text)


@list_command.command("models", short_help="List the models; works without a key.")
@_filters
def list_models(tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
    """List the models that have every keyword and phrase; works without a key."""

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
        remember(source.root_url, found)
        _print(noun, found, writer if as_json else None)
        from ..sources.base import without_id

        if skipped := getattr(source, "skipped", 0):  # not every kind of source has broken records to count
            note(without_id(skipped))
        if not as_json and (not found or terminal_width()):
            click.echo(count(len(found), noun) if found else f"no {noun}s found", err=True)

    run(Choice.made(), ask)


def _print(noun: str, found: Sequence[Document], writer: Writer | None, *, whole: bool = True) -> None:
    if writer is not None and (found or whole):
        click.echo(writer.array(found, whole=whole))
    elif found:
        print_table(_HEADERS[noun], [_row(entry) for entry in found])


@list_command.command("items", short_help="List the items of a collection; needs a key.")
@click.argument("collection", shell_complete=collection_ids)
@limit_option
@option("--page-size N", "Ask for N items at a time.", type=click.IntRange(min=1))
@json_option
@connection_options
def list_items(collection: str, limit: int | None, page_size: int | None, as_json: bool) -> None:
    """List the items of a COLLECTION, page by page; needs a key."""
    from ..auth import Kind

    async def ask(source: Source, writer: Writer) -> None:
        async def page(link: str | None) -> Page[Item]:
            found = await source.items_page(collection, link=link, page_size=page_size)
            # A catalog of files comes to its end, however many of them are missing.
            return replace(found, looked=0) if source.kind is Kind.STATIC and not found.entries else found

        with ItemListing(source, page, collection).reported(cut=as_json) as listing:
            found = listing.entries(limit)
            await (stream_json(writer, found) if as_json else stream_table(found))

    run(Choice.made(), ask, key_needed=True)


class ItemListing:
    """Pages of items; at the end it prints what they left out, and saves the ids of the first of them.

    - `source`: What lists or searches them.
    - `fetch`: Gives the page that a `Page.next` leads to; the first one for None.
    - `collection`: The one whose items they are; empty where each says so itself.
    """

    def __init__(
        self, source: Source, fetch: Callable[[str | None], Awaitable[Page[Item]]], collection: str = ""
    ) -> None:
        self._source, self._fetch, self._collection = source, fetch, collection
        self._looked = self._skipped = 0
        self._lacking: list[Lacking] = []
        self._notes: dict[str, None] = {}
        self._first: list[Item] = []

    async def _page(self, link: str | None) -> Page[Item]:
        page = await self._fetch(link)
        self._looked += page.looked or 0
        self._lacking.append(page.lacking)
        self._notes.update(dict.fromkeys(page.notes))
        if not page.notes:  # which say themselves what of their page was left out
            self._skipped += page.skipped
        self._first += page.entries[: MOST_WORDS - len(self._first)]
        return page

    @contextmanager
    def reported(self, *, cut: bool) -> Iterator[Listing[Item]]:
        """Give the listing; print its notes when it ends, or fails: then also how much of it came.

        `cut` is whether what was printed needs an end, which it has not got.
        """
        from ..sources.base import ENOUGH, Lacking, Listing, without_id

        listing = Listing(self._page)
        failure: MLHubException | None = None
        try:
            yield listing
        except MLHubException as error:
            failure = error
        lines = list(self._notes)[:_MOST_NOTES]
        if len(self._notes) > _MOST_NOTES:
            lines.append(f"and {count(len(self._notes) - _MOST_NOTES, 'note')} like these")
        if self._looked > listing.loaded:
            lines.append(f"{count(self._looked, 'item')} filtered locally")
        lines += reduce(Lacking.plus, self._lacking, Lacking()).notes
        lines += [without_id(self._skipped)] if self._skipped else []
        if listing.stopped and listing.stopped != ENOUGH and failure is None:
            lines.append(f"there may be more: {listing.stopped}")
        for line in lines:
            note(line)
        remember(self._source.root_url, self._first, self._collection)
        if failure is not None:
            if listing.loaded and not isinstance(failure, InvalidSearch):
                note_broken_off(count(listing.loaded, "item"), cut=cut)
            raise failure


def note_broken_off(came: str, *, cut: bool) -> None:
    """Note how much of a listing came; `cut`: that the JSON that was printed of it has no end."""
    note(f"the listing broke off after {came}{': the JSON has no end' if cut else ''}")


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
    from ..models import Collection, Dataset, MLModel

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
