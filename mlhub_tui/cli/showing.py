"""Documents as sheets to read, as the JSON that was received, or as they are cited."""

from __future__ import annotations

import asyncio
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from ..errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, NotOffered, RequestError
from ..metadata.bibtex import bibtex, text_citation
from ..metadata.detail import (
    Block,
    FieldBlock,
    GridBlock,
    Heading,
    Identity,
    Paragraph,
    Prose,
    Title,
    document_detail,
)
from ..models import Collection, Dataset, Document, Item
from ..sources.base import Source
from ..sources.mlhub import MLHubSource
from ..text import one_line, size
from .connection import Choice
from .json_writer import Writer
from .printing import note, table, terminal_width
from .source_access import run

_WIDEST = 100
_AT_ONCE = 4
_LABEL = 14
_NARROWEST = 40


def show_documents(kind: str, ids: Sequence[str], form: str | None, collection: str = "") -> None:
    """Fetch documents and print them as `json` (one is an object, several an array), `bibtex`, `citation`.

    Without a `form` they are printed as sheets. `kind` is what they are: dataset, collection, item (of a
    `collection`, needs a key), model.
    """

    async def fetch(source: Source, name: str) -> Document:
        match kind:
            case "dataset":
                return await source.dataset(name)
            case "collection":
                return await source.collection(name)
            case "item":
                return await source.item(collection, name)
        return await source.model(name)

    async def ask(source: Source, writer: Writer) -> None:
        found = [await fetch(source, name) for name in ids]
        if form == "json":
            click.echo(writer.sheet(found[0]) if len(found) == 1 else writer.array(found))
        elif form is not None:
            _cite(found, form)
        else:
            width = min(terminal_width() or 0, _WIDEST) or None
            for number, entry in enumerate(found):
                blocks = document_detail(entry, **await _archives(source, entry))
                click.echo("\n".join([*([""] if number else []), *sheet_lines(blocks, width)]))
                if why := await asyncio.to_thread(_not_valid, entry):
                    note(f"{entry.label}: {why}")

    run(Choice.made(), ask, key_needed=kind == "item")


def _cite(found: Sequence[Document], form: str) -> None:
    """Print how documents are cited, and note of which the citation had to be made."""
    made = bibtex if form == "bibtex" else text_citation
    click.echo(("\n\n" if form == "bibtex" else "\n").join(map(made, found)))
    for entry in found:
        if not entry.citation:
            note(f"{entry.label} has no citation; it is made of its metadata")


def _not_valid(entry: Document) -> str:
    """Return why pystac refuses a document; empty where it does not."""
    from ..models.pystac_view import NotValidSTAC  # pystac takes a while to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pystac, in lines of Python
            if isinstance(entry, Collection | Item):
                entry.to_pystac()
    except NotValidSTAC as error:
        return error.message
    return ""


async def _archives(source: Source, document: Document) -> dict[str, Any]:
    """Return what a sheet shows of archives: their sizes in bytes for a dataset, words for a collection."""
    if isinstance(document, Collection):
        return {"archive": await _archive(source, document)}
    if not isinstance(document, Dataset) or not isinstance(source, MLHubSource) or not source.session.secret:
        return {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(collection_id: str) -> int | None:
        async with gate:
            try:
                return (await source.archive_info(collection_id)).size
            except RequestError:
                return None

    ids = [ref.id for ref in document.collections]
    return {"sizes": dict(zip(ids, await asyncio.gather(*map(one, ids)), strict=True))}


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
    indent, title = "", ""
    for block in blocks:
        match block:
            case Title(text):
                title = one_line(text)
            case Identity(text):
                yield from _field("ID", text, indent, width)
                yield from _field("Title", title if title != one_line(text) else "", indent, width)
            case Heading(text):
                indent = "  "
                yield from ("", f"{text}:")
            case FieldBlock(name, value):
                yield from _field(name, value, indent, width)
            case Paragraph(text) | Prose(text):
                for paragraph in text.expandtabs(4).splitlines():
                    yield from _wrapped(paragraph, indent, indent, width)
            case GridBlock(headers, rows):
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
