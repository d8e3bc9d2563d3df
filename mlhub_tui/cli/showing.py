"""`mlhub-tui show`: documents as sheets to read, as the JSON that was received, or as they are cited."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from .. import metadata, models, sources  # their modules are loaded when they are used
from ..errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, NotOffered, RequestError
from ..text import one_line, size
from .connection import run
from .options import (
    Completer,
    Group,
    all_of,
    collection_ids,
    connection_options,
    dataset_ids,
    filled,
    item_ids,
    model_ids,
    option,
)
from .printing import Writer, note, table, terminal_width

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..metadata.blocks import Block
    from ..models import Collection, Document
    from ..sources.base import Source

_WIDEST = 100
_AT_ONCE = 4
_LABEL = 14
_NARROWEST = 40
EPILOG = """\b
Examples:
  mlhub-tui show dataset ref_african_crops_kenya_02
  mlhub-tui show dataset 10.34911/rdnt.dw605x --json
  mlhub-tui show dataset ref_african_crops_kenya_02 --bibtex >> data.bib
  mlhub-tui show item ref_african_crops_kenya_02_labels ITEM_ID
"""
_forms = all_of(
    *(
        option(f"--{form}", about, name="form", flag_value=form, default=None)
        for form, about in (
            ("json", "Print JSON as received, nothing else."),
            ("bibtex", "Print its entry for BibTeX."),
            ("citation", "Print how it is cited, one line each."),
        )
    ),
    connection_options,
)


@click.group("show", cls=Group, epilog=EPILOG)
@connection_options
def show_command() -> None:
    """Show a dataset, collection, item or model."""


def _showing(
    noun: str,
    about: str,
    ids: Completer | None,
    fetch: Callable[[Source, str, str], Awaitable[Document]],
    *,
    metavar: str = "ID...",
) -> None:
    """Add the command that fetches documents of a kind and prints them."""
    of_items = noun == "item"

    @show_command.command(noun, help=about, short_help=f"{about.partition(';')[0]}.")
    @all_of(*[click.argument("collection", shell_complete=collection_ids, callback=filled)] * of_items)
    @click.argument("ids", nargs=-1, required=True, metavar=metavar, shell_complete=ids, callback=filled)
    @_forms
    def command(ids: tuple[str, ...], form: str | None, collection: str = "") -> None:
        async def work(source: Source, used: Credentials) -> None:
            found = [await fetch(source, name, collection) for name in ids]
            if form == "json":  # one is an object, several are an array
                writer = Writer(used)
                click.echo(writer.detail(found[0]) if len(found) == 1 else writer.array(found))
                return
            above = [await sources.ancestors.ancestors(source, entry) for entry in found]
            if form is not None:
                _cite(found, above, form)
            else:
                await _print_sheets(source, found, above)

        run(work, key_needed=of_items)


_showing(
    "dataset",
    "Show datasets by ID or DOI; works without a key.",
    dataset_ids,
    lambda source, name, _: source.dataset(name),
    metavar="ID_OR_DOI...",
)
_showing(
    "collection",
    "Show collections by ID; works without a key.",
    collection_ids,
    lambda source, name, _: source.collection(name),
)
_showing(
    "item",
    "Show items of a collection by ID; needs a key.",
    item_ids,
    lambda source, name, collection: source.item(collection, name),
)
_showing(
    "model", "Show models by ID; works without a key.", model_ids, lambda source, name, _: source.model(name)
)


async def _print_sheets(
    source: Source, found: Sequence[Document], above: Sequence[Sequence[Document]]
) -> None:
    import asyncio  # no help page needs these two

    from ..models.validation import refusal

    width = min(terminal_width() or 0, _WIDEST) or None
    for number, entry in enumerate(found):
        archives = await _archives(source, entry)
        blocks = metadata.detail.document_detail(entry, **archives, above=above[number])
        click.echo("\n".join([*([""] if number else []), *sheet_lines(blocks, width)]))
        if why := await asyncio.to_thread(refusal, entry):
            note(f"{entry.label}: {why}")


def _cite(found: Sequence[Document], above: Sequence[Sequence[Document]], form: str) -> None:
    """Print how documents are cited, and note of which the citation had to be made.

    Items of one collection have one entry for BibTeX, which refuses to read it twice.
    """
    if form == "bibtex":
        click.echo("\n\n".join(dict.fromkeys(map(metadata.citation.bibtex, found, above))))
    else:
        click.echo("\n".join(map(metadata.citation.text_citation, found, above)))
    for entry, holders in zip(found, above, strict=True):
        if not any(one.citation for one in (entry, *holders)):
            note(f"{entry.label} has no citation; it is made of its metadata")


async def _archives(source: Source, document: Document) -> dict[str, Any]:
    """Return what a detail shows of archives: their sizes in bytes for a dataset, words for a collection."""
    if isinstance(document, models.Collection):
        return {"archive": await _archive(source, document)}
    if not isinstance(document, models.Dataset) or not isinstance(source, sources.mlhub.MLHubSource):
        return {}
    if not source.session.secret:
        return {}
    from ..concurrency import together  # no help page needs asyncio

    async def one(collection_id: str) -> int | None:
        try:
            return (await source.archive_info(collection_id)).size
        except RequestError:
            return None

    ids = [ref.id for ref in document.collections]
    return {"sizes": dict(zip(ids, await together(one, ids, _AT_ONCE), strict=True))}


async def _archive(source: Source, collection: Collection) -> str:
    """Return how big a collection's archive is, or why that is not known."""
    try:
        return size((await source.archive_info(collection.id)).size)
    except EntityDoesNotExist:
        return "none"
    except NotOffered:
        return ""
    except (APIKeyNotFound, AuthenticationError):
        return "its size requires an API key"
    except RequestError as error:
        return f"unknown size ({error.message})"


def sheet_lines(blocks: Iterable[Block], width: int | None) -> Iterator[str]:
    """Yield the lines of a document, those of its sections indented; `width` None wraps and cuts nothing."""
    kinds = metadata.blocks
    indent, title = "", ""
    for block in blocks:
        match block:
            case kinds.Title(text):
                title = one_line(text)
            case kinds.Identity(text):
                yield from _field("ID", text, indent, width)
                yield from _field("Title", title if title != one_line(text) else "", indent, width)
            case kinds.Heading(text):
                indent = "  "
                yield from ("", f"{text}:")
            case kinds.FieldBlock(name, value):
                yield from _field(name, value, indent, width)
            case kinds.Paragraph(text) | kinds.Prose(text):
                for paragraph in text.expandtabs(4).splitlines():
                    yield from _wrapped(paragraph, indent, indent, width)
            case kinds.GridBlock(headers, rows):
                used = [n for n in range(len(headers)) if any(row[n] for row in rows)]
                names = [headers[n].upper() for n in used]
                cells = [[row[n] for n in used] for row in rows]
                room = width - len(indent) if width is not None else None
                yield from (indent + line for line in table(names, cells, room))


def _field(label: str, value: str, indent: str, width: int | None) -> list[str]:
    """Return a labelled value, wrapped below itself; nothing where there is no value."""
    text = one_line(value)
    start = f"{indent}{f'{one_line(label)}:' if label else '':<{_LABEL - 1}} "
    return _wrapped(text, start, indent + " " * _LABEL, width) if text else []


def _wrapped(text: str, first: str, rest: str, width: int | None) -> list[str]:
    if width is None or not text:
        return [(first + text).rstrip()]
    return textwrap.wrap(
        text, max(width, _NARROWEST), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
