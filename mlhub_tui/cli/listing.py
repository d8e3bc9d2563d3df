"""`mlhub-tui list`: datasets, collections, models and items, as a table or as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..auth import Kind
from ..errors import MLHubException
from ..models import Collection, Dataset, Document, Interval, Item, MLModel
from ..text import count, link_names
from .connect import run
from .documents import Writer, matches
from .options import Choice, Group, connection_options
from .remarks import Remarks, say_broken_off
from .tables import Row, Table, table, terminal_width

if TYPE_CHECKING:
    from ..sources.base import Page, Source

_F = TypeVar("_F", bound=Callable[..., Any])
_LAYOUT_ROWS = 50
EPILOG = """\b
Examples:
  mlhub-tui list datasets --tag segmentation --text kenya
  mlhub-tui list collections --json | jq -r '.[].id'
  mlhub-tui --sample list items ref_african_crops_kenya_02_labels --limit 5
  mlhub-tui --source earth-search list collections
"""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON as received, nothing else.")


def _filters(command: _F) -> _F:
    text = click.option("--text", "text", multiple=True, metavar="TEXT", help="With this phrase; repeatable.")
    tag = click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag; repeatable.")
    return tag(text(as_json(connection_options(command))))


@click.group("list", cls=Group, epilog=EPILOG)
@connection_options
def list_group() -> None:
    """List datasets, collections, models or items."""


@list_group.command("datasets", short_help="List the datasets; works without a key.")
@_filters
@click.pass_context
def datasets(context: click.Context, tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
    """List the datasets that have every tag and phrase; works without a key."""

    async def ask(source: Source, writer: Writer) -> None:
        found = await source.datasets(tags=tags, text=text)
        _print(
            source,
            writer if as_json else None,
            found,
            ("ID", "COLLECTIONS", "TITLE", "TAGS"),
            _dataset_row,
            "dataset",
        )

    run(Choice.of(context), ask)


@list_group.command("collections", short_help="List the collections; works without a key.")
@_filters
@click.pass_context
def collections(context: click.Context, tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
    """List the collections that have every keyword and phrase; works without a key."""

    async def ask(source: Source, writer: Writer) -> None:
        columns = ("ID", "YEARS", "LICENCE", "TITLE")
        found: list[Collection] = []
        came = 0
        try:
            async for entry in source.walk_collections():
                came += 1
                if matches(entry, tags, text):
                    found.append(entry)
        except MLHubException:
            if came:
                _print_cut(writer if as_json else None, found, columns, _collection_row)
                say_broken_off(count(came, "collection"), cut=as_json and bool(found))
            raise
        _print(source, writer if as_json else None, found, columns, _collection_row, "collection")

    run(Choice.of(context), ask)


@list_group.command("models", short_help="List the models; works without a key.")
@_filters
@click.pass_context
def models(context: click.Context, tags: tuple[str, ...], text: tuple[str, ...], as_json: bool) -> None:
    """List the models that have every keyword and phrase; works without a key."""

    async def ask(source: Source, writer: Writer) -> None:
        found = [entry for entry in await source.models() if matches(entry, tags, text)]
        _print(
            source,
            writer if as_json else None,
            found,
            ("ID", "PREDICTS", "ARCHITECTURE", "TITLE"),
            _model_row,
            "model",
        )

    run(Choice.of(context), ask)


@list_group.command("items", short_help="List the items of a collection; needs a key.")
@click.argument("collection")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N items.  [default: all]")
@click.option("--page-size", type=click.IntRange(min=1), metavar="N", help="Ask for N items at a time.")
@as_json
@connection_options
@click.pass_context
def items(
    context: click.Context, collection: str, limit: int | None, page_size: int | None, as_json: bool
) -> None:
    """List the items of a COLLECTION, page by page; needs a key."""

    async def ask(source: Source, writer: Writer) -> None:
        from ..sources.base import Listing

        remarks = Remarks()

        async def page(link: str | None) -> Page[Item]:
            found = await source.items_page(collection, link=link, page_size=page_size)
            remarks.take(found)
            # A catalog of files comes to its end, however many of them are missing.
            return replace(found, looked=0) if source.kind is Kind.STATIC and not found.entries else found

        listing = Listing(page)
        found = listing.entries(limit)
        with remarks.broken_off(listing, cut=as_json):
            await (stream_json(writer, found) if as_json else stream_table(found))
        remarks.say(listing.loaded, listing.stopped)

    run(Choice.of(context), ask, key_needed=True)


def _dataset_row(entry: Dataset) -> Row:
    return entry.label, len(entry.collections), entry.title, ", ".join(entry.tags)


def _collection_row(entry: Collection) -> Row:
    intervals = entry.extent.intervals
    title = entry.line("title") or entry.description
    return entry.label, _years(intervals[0]) if intervals else "", link_names(entry.license), title


def _years(interval: Interval) -> str:
    """Return the years of an interval, which is what a table has room for: `2018-2019`, `2018-`."""
    start, end = interval.start[:4], interval.end[:4]
    return start if start == end else f"{start}-{end}"


def _model_row(entry: MLModel) -> Row:
    return entry.label, entry.prediction_type, entry.architecture, entry.title


def _item_row(entry: Item) -> Row:
    return entry.label, entry.interval, ", ".join(asset.label for asset in entry.assets)


_D = TypeVar("_D", bound=Document)


def _print(
    source: Source,
    writer: Writer | None,
    found: Sequence[_D],
    headers: tuple[str, ...],
    row: Callable[[_D], Row],
    noun: str,
) -> None:
    """Print a whole listing, as JSON with a writer; what is no part of it goes to stderr."""
    if found and isinstance(found[0], Collection | Dataset):
        from .completion import remember

        remember(source.root_url, found)
    if writer is not None:
        click.echo(writer.array(found))
    elif found:
        click.echo("\n".join(table(headers, [row(entry) for entry in found], terminal_width())))
    if skipped := getattr(source, "skipped", 0):  # not every kind of source has broken records to count
        click.echo(f"note: {count(skipped, 'entry', 'entries')} without an ID left out", err=True)
    if writer is None and (not found or terminal_width()):
        click.echo(count(len(found), noun) if found else f"no {noun}s found", err=True)


def _print_cut(
    writer: Writer | None, found: Sequence[_D], headers: tuple[str, ...], row: Callable[[_D], Row]
) -> None:
    """Print what came of a listing that fails: JSON without its end."""
    if found and writer is not None:
        click.echo(writer.array(found).removesuffix("\n]"))
    elif found:
        click.echo("\n".join(table(headers, [row(entry) for entry in found], terminal_width())))


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
    layout: Table | None = None
    waiting: list[Row] = []
    total = 0

    def flush() -> None:
        nonlocal layout
        if layout is None and waiting:
            layout = Table(("ID", "DATE", "ASSETS"), waiting, terminal_width())
            click.echo(layout.header())
        if layout is not None and waiting:
            click.echo("\n".join(map(layout.line, waiting)))
        waiting.clear()

    try:
        async for item in found:
            waiting.append(_item_row(item))
            total += 1
            if layout is not None or len(waiting) == _LAYOUT_ROWS:
                flush()
    finally:
        flush()
    if not total or terminal_width():
        click.echo(count(total, "item") if total else "no items", err=True)
