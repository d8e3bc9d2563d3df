"""`mlhub-tui show`: one document as a sheet, as the JSON that was received, or as it is cited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, NotOffered, RequestError
from ..models import Collection, Dataset, Document, Item
from ..text import size
from .connect import run
from .documents import Writer
from .options import Choice, Group, connection_options
from .sheets import collection_sheet, dataset_sheet, item_sheet
from .tables import terminal_width

if TYPE_CHECKING:
    from ..sources.base import Source

_D = TypeVar("_D", bound=Document)
_F = TypeVar("_F", bound=Callable[..., Any])
_WIDEST = 100
_AT_ONCE = 4
EPILOG = """\b
Examples:
  mlhub-tui show dataset ref_african_crops_kenya_02
  mlhub-tui show dataset 10.34911/rdnt.dw605x --json
  mlhub-tui show dataset ref_african_crops_kenya_02 --bibtex >> data.bib
  mlhub-tui show item ref_african_crops_kenya_02_labels ITEM_ID
"""


def _forms(command: _F) -> _F:
    """Add the options that say in which form documents are printed; the last one counts."""
    for option, form, words in (
        ("--citation", "citation", "Print how it is cited, one line each."),
        ("--bibtex", "bibtex", "Print its entry for BibTeX."),
        ("--json", "json", "Print JSON as received, nothing else."),
    ):
        command = click.option(option, "form", flag_value=form, default=None, help=words)(command)
    return command


@click.group("show", cls=Group, epilog=EPILOG)
@connection_options
def show() -> None:
    """Show a dataset, collection, item or model."""


@show.command("dataset")
@click.argument("ids", nargs=-1, required=True, metavar="ID_OR_DOI...")
@_forms
@connection_options
@click.pass_context
def dataset(context: click.Context, ids: tuple[str, ...], form: str | None) -> None:
    """Show datasets by ID or DOI; works without a key."""

    async def sheet(source: Source, entry: Dataset) -> list[str]:
        return dataset_sheet(entry, await _sizes(source, entry), _width())

    _show(context, ids, lambda source, name: source.dataset(name), form, sheet)


@show.command("collection")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
@connection_options
@click.pass_context
def collection(context: click.Context, ids: tuple[str, ...], form: str | None) -> None:
    """Show collections by ID; works without a key."""

    async def sheet(source: Source, entry: Collection) -> list[str]:
        return collection_sheet(entry, await _archive(source, entry), _width())

    _show(context, ids, lambda source, name: source.collection(name), form, sheet)


@show.command("item")
@click.argument("collection")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
@connection_options
@click.pass_context
def item(context: click.Context, collection: str, ids: tuple[str, ...], form: str | None) -> None:
    """Show items of a COLLECTION by ID; needs a key."""

    async def sheet(source: Source, entry: Item) -> list[str]:
        return item_sheet(entry, _width())

    _show(context, ids, lambda source, name: source.item(collection, name), form, sheet, key_needed=True)


@show.command("model")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
@connection_options
@click.pass_context
def model(context: click.Context, ids: tuple[str, ...], form: str | None) -> None:
    """Show models by ID; works without a key."""

    async def sheet(source: Source, entry: Item) -> list[str]:
        return item_sheet(entry, _width())

    _show(context, ids, lambda source, name: source.model(name), form, sheet)


def _show(
    context: click.Context,
    ids: Sequence[str],
    fetch: Callable[[Source, str], Awaitable[_D]],
    form: str | None,
    sheet: Callable[[Source, _D], Awaitable[list[str]]],
    *,
    key_needed: bool = False,
) -> None:
    """Fetch documents and print them: one as JSON is an object, several are an array.

    Parameters
    ----------
    form
        `json`, `bibtex` or `citation`; None for sheets.
    """

    async def ask(source: Source, writer: Writer) -> None:
        found = [await fetch(source, name) for name in ids]
        if form == "json":
            click.echo(writer.sheet(found[0]) if len(found) == 1 else writer.array(found))
            return
        if form is not None:
            _cite(found, form)
            return
        for number, entry in enumerate(found):
            lines = await sheet(source, entry)
            click.echo("\n".join(["", *lines] if number else lines))
            if why := await asyncio.to_thread(_not_valid, entry):
                click.echo(f"note: {entry.label}: {why}", err=True)

    import asyncio

    run(Choice.of(context), ask, key_needed=key_needed)


def _cite(found: Sequence[Document], form: str) -> None:
    """Print how documents are cited, and note of which the citation had to be made."""
    from ..metadata.bibtex import bibtex, text_citation

    made = bibtex if form == "bibtex" else text_citation
    click.echo(("\n\n" if form == "bibtex" else "\n").join(map(made, found)))
    for entry in found:
        if not entry.citation:
            click.echo(f"note: {entry.label} has no citation; it is made of its metadata", err=True)


def _not_valid(entry: Document) -> str:
    """Return why pystac refuses a document; empty where it does not. It takes a while to import."""
    import warnings

    from ..models.pystac_view import NotValidSTAC

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pystac, in lines of Python
            if isinstance(entry, Collection | Item):
                entry.to_pystac()
    except NotValidSTAC as error:
        return error.message
    return ""


def _width() -> int | None:
    width = terminal_width()
    return min(width, _WIDEST) if width else None


async def _archive(source: Source, collection: Collection) -> str:
    """Return how big a collection's archive is, or why that is not known."""
    try:
        info = await source.archive_info(collection.id)
    except EntityDoesNotExist:
        return "none"
    except NotOffered:
        return ""
    except (APIKeyNotFound, AuthenticationError):
        return "its size requires an API key"
    except RequestError as error:
        return f"unknown size ({error.message})"
    return size(info.size)


async def _sizes(source: Source, dataset: Dataset) -> dict[str, int | None]:
    """Return the archive sizes of a dataset's collections, a few requests at a time; None where not told."""
    import asyncio

    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(collection_id: str) -> int | None:
        async with gate:
            try:
                return (await source.archive_info(collection_id)).size
            except RequestError:
                return None

    from ..sources.mlhub import MLHubSource

    if not isinstance(source, MLHubSource) or source.session.secret is None:
        return {}
    ids = [ref.id for ref in dataset.collections]
    return dict(zip(ids, await asyncio.gather(*map(one, ids)), strict=True))
