"""`mlhub-tui list`: datasets, collections, models and items, as a table or as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .. import auth, models, sources  # their modules are loaded when they are used
from ..errors import InvalidSearch, MLHubException
from ..text import count, link_names
from .connection import run
from .options import (
    MOST_WORDS,
    Group,
    collection_ids,
    connection_options,
    filled,
    json_option,
    limit_option,
    option,
    remember,
)
from .printing import Row, Table, Writer, note, print_table, terminal_width

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..models import Document, Item
    from ..sources.base import Listing, Page, Source

    _Walk = Callable[[Source, Sequence[str], Sequence[str]], AsyncIterator[Document]]

_LAYOUT_ROWS = 50
_MOST_NOTES = 12
_NO_END = "the JSON has no end, as the listing is not complete"
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


@click.group("list", cls=Group, epilog=EPILOG)
@connection_options
def list_command() -> None:
    """List datasets, collections, models or items."""


def _listing(noun: str, words: str, walk: _Walk) -> None:
    """Add the command that lists the documents of a kind which have every tag and phrase."""
    about = f"List the {noun}s that have every {words} and phrase; works without a key."

    @list_command.command(f"{noun}s", help=about, short_help=f"List the {noun}s; works without a key.")
    @option("--tag TAG", "With this tag; repeatable.", name="tags", multiple=True)
    @option("--text TEXT", "With this phrase; repeatable.", name="text", multiple=True)
    @json_option
    @connection_options
    def command(tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
        async def work(source: Source, used: Credentials) -> None:
            writer = Writer(used) if as_json else None
            found: list[Document] = []
            came = 0
            try:
                async for entry in walk(source, tags, text):
                    came += 1
                    if noun == "dataset" or matches(entry, tags, text):
                        found.append(entry)
            except MLHubException:
                if came:
                    _print(noun, found, writer, whole=False)
                    _note_broken_off(count(came, noun), cut=as_json and bool(found))
                raise
            remember(source.root_url, found)
            _print(noun, found, writer, whole=not source.unread)
            if source.skipped:
                note(sources.base.without_id(source.skipped))
            if source.unread:
                if as_json and found:
                    note(_NO_END)
                raise sources.base.incomplete(source.unread)
            if not as_json:
                _print_total(len(found), noun, f"no {noun}s found")

        run(work)


async def _datasets(source: Source, tags: Sequence[str], text: Sequence[str]) -> AsyncIterator[Document]:
    for entry in await source.datasets(tags=tags, text=text):  # the server filters them
        yield entry


async def _models(source: Source, *_: object) -> AsyncIterator[Document]:
    for entry in await source.models():
        yield entry


_listing("dataset", "tag", _datasets)
_listing("collection", "keyword", lambda source, *_: source.walk_collections())
_listing("model", "keyword", _models)


def _print(noun: str, found: Sequence[Document], writer: Writer | None, *, whole: bool = True) -> None:
    if writer is not None and (found or whole):
        click.echo(writer.array(found, whole=whole))
    elif found:
        print_table(_HEADERS[noun], [_row(entry) for entry in found])


def _print_total(number: int, noun: str, nothing: str) -> None:
    """Print how many rows a table has, where a person reads it, or that there are none."""
    if not number or terminal_width():
        click.echo(count(number, noun) if number else nothing, err=True)


@list_command.command("items", short_help="List the items of a collection; needs a key.")
@click.argument("collection", shell_complete=collection_ids, callback=filled)
@limit_option
@option("--page-size N", "Ask for N items at a time.", type=click.IntRange(min=1))
@json_option
@connection_options
def list_items(collection: str, limit: int | None, page_size: int | None, as_json: bool) -> None:
    """List the items of a COLLECTION, page by page; needs a key."""

    async def work(source: Source, used: Credentials) -> None:
        async def page(link: str | None) -> Page[Item]:
            found = await source.items_page(collection, link=link, page_size=page_size)
            # A catalog of files comes to its end, however many of them are missing.
            endless = source.kind is auth.Kind.STATIC and not found.entries
            return replace(found, looked=0) if endless else found

        with ItemListing(source, page, collection).reported(cut=as_json, all_wanted=limit is None) as listing:
            found = listing.entries(limit)
            await (stream_json(Writer(used), found) if as_json else stream_table(found))

    run(work, key_needed=True)


class ItemListing:
    """Pages of items; at the end it prints what they left out, and saves the ids of the first of them.

    - `fetch`: Gives the page that a `Page.next` leads to; the first one for None.
    - `collection`: The one whose items they are; empty where each says so itself.
    """

    def __init__(
        self, source: Source, fetch: Callable[[str | None], Awaitable[Page[Item]]], collection: str = ""
    ) -> None:
        self._source, self._fetch, self._collection = source, fetch, collection
        self._looked = self._skipped = 0
        self._lacking = sources.base.Lacking()
        self._notes: dict[str, None] = {}
        self._first: list[Item] = []

    async def _page(self, link: str | None) -> Page[Item]:
        page = await self._fetch(link)
        self._looked += page.looked or 0
        self._lacking = self._lacking.plus(page.lacking)
        self._notes.update(dict.fromkeys(page.notes))
        if not page.notes:  # which say themselves what of their page was left out
            self._skipped += page.skipped
        self._first += page.entries[: MOST_WORDS - len(self._first)]
        return page

    @contextmanager
    def reported(self, *, cut: bool, all_wanted: bool = False) -> Iterator[Listing[Item]]:
        """Give the listing; print its notes when it ends, or fails: then also how much of it came.

        `cut` is whether what was printed needs an end, which it has not got; with `all_wanted` a note
        tells where the server counts more than it lists.
        """
        listing = sources.base.Listing(self._page)
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
        lines += self._lacking.notes
        lines += [sources.base.without_id(self._skipped)] if self._skipped else []
        if listing.stopped and listing.stopped != sources.base.ENOUGH and failure is None:
            lines.append(f"there may be more: {listing.stopped}")
        if all_wanted and listing.shortfall and self._source.kind is not auth.Kind.STATIC:
            lines.append(sources.base.counted_more(listing.shortfall))
        for line in lines:
            note(line)
        remember(self._source.root_url, self._first, self._collection)
        if failure is not None:
            if listing.unread and listing.ended and not listing.stopped:  # all came but what is missing
                if cut and listing.loaded:
                    note(_NO_END)
            elif listing.loaded and not isinstance(failure, InvalidSearch):
                _note_broken_off(count(listing.loaded, "item"), cut=cut)
            raise failure


def _note_broken_off(came: str, *, cut: bool) -> None:
    """Note how much of a listing came; `cut`: that the JSON that was printed of it has no end."""
    note(f"the listing broke off after {came}{': the JSON has no end' if cut else ''}")


def matches(document: Document, tags: Iterable[str], phrases: Iterable[str]) -> bool:
    """Whether every tag is among a document's keywords and every phrase in its text; case does not count."""
    keywords = {keyword.casefold() for keyword in document.lines("keywords")}
    text = "\n".join([document.label, document.title, document.description, *keywords]).casefold()
    return {tag.casefold() for tag in tags} <= keywords and all(word.casefold() in text for word in phrases)


def _row(entry: Document) -> Row:
    """Return the cells of a dataset, a collection or a model."""
    match entry:
        case models.Dataset():
            return entry.label, len(entry.collections), entry.title, ", ".join(entry.tags)
        case models.Collection():
            years = ""
            if intervals := entry.extent.intervals:  # what a table has room for: `2018-2019`, `2018-`
                ends = (intervals[0].start[:4], intervals[0].end[:4])
                start, end = (each if each.isdecimal() else "" for each in ends)
                years = start if start == end else f"{start}-{end}"
            return entry.label, years, link_names(entry.license), entry.line("title") or entry.description
        case models.MLModel():
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
    _print_total(total, "item", "no items")
