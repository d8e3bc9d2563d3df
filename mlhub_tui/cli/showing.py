"""`mlhub-tui show`: documents as sheets to read, as the JSON that was received, or as they are cited."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from ..errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, NotOffered, RequestError
from ..text import link_names, one_line, redact, size, unlink
from .completion import collection_ids, dataset_ids
from .connection import Choice, run
from .options import Group, all_of, connection_options
from .printing import Writer, note, table, terminal_width

if TYPE_CHECKING:
    from ..models import Asset, Collection, Dataset, Document, Item
    from ..sources.base import Source

_D = TypeVar("_D", bound="Document")
_WIDEST = 100
_AT_ONCE = 4
_LABEL = 14
_MOST = 6
_NOT_KNOWN = "-"
EPILOG = """\b
Examples:
  mlhub-tui show dataset ref_african_crops_kenya_02
  mlhub-tui show dataset 10.34911/rdnt.dw605x --json
  mlhub-tui show dataset ref_african_crops_kenya_02 --bibtex >> data.bib
  mlhub-tui show item ref_african_crops_kenya_02_labels ITEM_ID
"""
_forms = all_of(
    *(
        click.option(f"--{form}", "form", flag_value=form, default=None, help=about)
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


@show_command.command("dataset")
@click.argument("ids", nargs=-1, required=True, metavar="ID_OR_DOI...", shell_complete=dataset_ids)
@_forms
def show_dataset(ids: tuple[str, ...], form: str | None) -> None:
    """Show datasets by ID or DOI; works without a key."""

    async def sheet(source: Source, entry: Dataset) -> list[str]:
        return dataset_sheet(entry, await _sizes(source, entry), _width())

    _show(ids, lambda source, name: source.dataset(name), form, sheet)


@show_command.command("collection")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=collection_ids)
@_forms
def show_collection(ids: tuple[str, ...], form: str | None) -> None:
    """Show collections by ID; works without a key."""

    async def sheet(source: Source, entry: Collection) -> list[str]:
        return collection_sheet(entry, await _archive(source, entry), _width())

    _show(ids, lambda source, name: source.collection(name), form, sheet)


@show_command.command("item")
@click.argument("collection", shell_complete=collection_ids)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
def show_item(collection: str, ids: tuple[str, ...], form: str | None) -> None:
    """Show items of a COLLECTION by ID; needs a key."""
    _show(ids, lambda source, name: source.item(collection, name), form, _item, key_needed=True)


@show_command.command("model")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
def show_model(ids: tuple[str, ...], form: str | None) -> None:
    """Show models by ID; works without a key."""
    _show(ids, lambda source, name: source.model(name), form, _item)


async def _item(source: Source, entry: Item) -> list[str]:
    return item_sheet(entry, _width())


def _show(
    ids: Sequence[str],
    fetch: Callable[[Source, str], Awaitable[_D]],
    form: str | None,
    sheet: Callable[[Source, _D], Awaitable[list[str]]],
    *,
    key_needed: bool = False,
) -> None:
    """Fetch documents and print them as `json` (one is an object, several an array), `bibtex`, `citation`.

    Without a `form` they are printed as sheets.
    """
    import asyncio

    async def ask(source: Source, writer: Writer) -> None:
        found = [await fetch(source, name) for name in ids]
        if form == "json":
            click.echo(writer.sheet(found[0]) if len(found) == 1 else writer.array(found))
        elif form is not None:
            _cite(found, form)
        else:
            for number, entry in enumerate(found):
                lines = await sheet(source, entry)
                click.echo("\n".join(["", *lines] if number else lines))
                if why := await asyncio.to_thread(_not_valid, entry):
                    note(f"{entry.label}: {why}")

    run(Choice.made(), ask, key_needed=key_needed)


def _cite(found: Sequence[Document], form: str) -> None:
    """Print how documents are cited, and note of which the citation had to be made."""
    from ..metadata.bibtex import bibtex, text_citation

    made = bibtex if form == "bibtex" else text_citation
    click.echo(("\n\n" if form == "bibtex" else "\n").join(map(made, found)))
    for entry in found:
        if not entry.citation:
            note(f"{entry.label} has no citation; it is made of its metadata")


def _not_valid(entry: Document) -> str:
    """Return why pystac refuses a document; empty where it does not. It takes a while to import."""
    import warnings

    from ..models import Collection, Item
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
    from ..errors import RequestError

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


async def _sizes(source: Source, dataset: Dataset) -> dict[str, int | None]:
    """Return the archive sizes of a dataset's collections, a few requests at a time; None where not known."""
    import asyncio

    from ..sources.mlhub import MLHubSource

    if not isinstance(source, MLHubSource) or source.session.secret is None:
        return {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(collection_id: str) -> int | None:
        async with gate:
            try:
                return (await source.archive_info(collection_id)).size
            except RequestError:
                return None

    ids = [ref.id for ref in dataset.collections]
    return dict(zip(ids, await asyncio.gather(*map(one, ids)), strict=True))


class Sheet:
    """The lines of a document to read: labelled values, text and tables, wrapped to a width if given."""

    def __init__(self, document: Document, width: int | None) -> None:
        from ..metadata.licences import licences

        self.lines: list[str] = []
        self._document, self._width = document, width
        self.field("ID", document.label)
        self.field("Title", document.title if document.title != document.label else "")
        self.field("DOI", document.doi)
        for licence in licences(document):
            address = f" ({licence.url})" if licence.url else ""
            name = f": {licence.name}" if licence.name else ""
            self.field(
                "Licence",
                f"{licence.id}{address}{name}" + (f"; asks: {licence.asks}" if licence.asks else ""),
            )
        self.field("Citation", document.citation)

    def field(self, label: str, *values: object) -> None:
        """Add labelled values, the first of many: a collection may have thousands of boxes."""
        shown = [*values[:_MOST], f"and {len(values) - _MOST:,} more" if len(values) > _MOST else ""]
        start = f"{label + ':':<{_LABEL}}"
        for text in filter(None, map(one_line, shown)):
            if self._width is None:
                self.lines.append(start + text)
            else:
                self.lines += textwrap.wrap(
                    text,
                    max(self._width, 40),
                    initial_indent=start,
                    subsequent_indent=" " * _LABEL,
                    break_on_hyphens=False,
                )

    def providers(self) -> None:
        """Add a line for each provider."""
        for provider in self._document.providers:
            roles = f" ({', '.join(provider.roles)})" if provider.roles else ""
            self.field("Provider", f"{provider.name}{roles} {redact(provider.url)}")

    def description(self) -> None:
        """Add the description, an empty line before it; paragraphs stay paragraphs."""
        paragraphs = self._document.description.expandtabs(4).splitlines()
        self.lines += [""] if paragraphs else []
        for paragraph in paragraphs:
            width = max(self._width or 0, 40)
            wrapped = textwrap.wrap(paragraph, width, break_on_hyphens=False) if self._width else [paragraph]
            self.lines += wrapped or [""]

    def table(self, heading: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table under a heading, indented; columns without any value are left out."""
        rows = list(rows)
        used = [n for n in range(len(headers)) if any(row[n] not in ("", None, _NOT_KNOWN) for row in rows)]
        if rows:
            width = self._width - 2 if self._width else None
            lines = table([headers[n] for n in used], [[row[n] for n in used] for row in rows], width)
            self.lines += ["", f"{heading}:", *(f"  {line}" for line in lines)]

    def bands(self) -> None:
        """Add the bands of imagery."""
        from ..metadata.bands import bands

        headers = ("BAND", "COLOUR", "MICROMETRES", "METRES", "TYPE", "NO DATA", "WHAT IT IS")
        found = bands(self._document)
        rows = [(b.name, b.common, b.wavelength, b.gsd, b.dtype, b.nodata, b.about) for b in found]
        self.table("Bands", headers, rows)

    def assets(self, heading: str, assets: Sequence[Asset]) -> None:
        """Add a table of assets."""
        rows = [(a.label, a.media_type, _size(a.size), a.title or redact(one_line(a.href))) for a in assets]
        self.table(heading, ("KEY", "TYPE", "SIZE", "TITLE OR LINK"), rows)

    def extensions_and_links(self) -> None:
        """Add the STAC extensions that the document declares, explained, and its links."""
        from ..metadata.extensions import explained

        declared = self._document.raw.get("stac_extensions")
        names = [name for name in declared if isinstance(name, str)] if isinstance(declared, list) else []
        rows = [(found.name, found.version, found.about) for found in explained(tuple(names))]
        self.table("STAC extensions", ("NAME", "VERSION", "WHAT IT ADDS"), rows)
        links = [
            (link.get("rel"), redact(one_line(link.get("href"))), link.get("title"))
            for link in self._document.links
        ]
        self.table("Links", ("REL", "LINK", "TITLE"), links)


def dataset_sheet(dataset: Dataset, sizes: Mapping[str, int | None], width: int | None) -> list[str]:
    """Return the sheet of a dataset; `sizes` are its collections' archives in bytes, where known."""
    sheet = Sheet(dataset, width)
    sheet.field("Tags", ", ".join(dataset.tags))
    sheet.field("Creator", unlink(dataset.creator))
    sheet.field("Contact", dataset.contact)
    sheet.field("Extent", dataset.bbox)
    sheet.field("Page", dataset.registry_url)
    if known := [value for value in sizes.values() if value is not None]:
        missing = len(dataset.collections) - len(known)
        uncounted = f", {missing} of unknown size not counted" if missing else ""
        sheet.field("Archives", f"{size(sum(known))} in all{uncounted}")
    sheet.description()
    rows = [
        (ref.label, ", ".join(ref.types), _size(sizes.get(ref.id)), link_names(ref.license))
        for ref in dataset.collections
    ]
    sheet.table("Collections", ("ID", "TYPES", "ARCHIVE", "LICENCE"), rows)
    return sheet.lines


def collection_sheet(collection: Collection, archive: str, width: int | None) -> list[str]:
    """Return the sheet of a collection; `archive` says how big its archive is, or why that is not known."""
    sheet = Sheet(collection, width)
    sheet.field("Keywords", ", ".join(collection.keywords))
    sheet.providers()
    sheet.field("Extent", *collection.extent.bboxes)
    sheet.field("Dates", *collection.extent.intervals)
    sheet.field("Page", collection.registry_url)
    sheet.field("Archive", archive)
    sheet.description()
    sheet.bands()
    sheet.assets("Assets", collection.assets)
    sheet.assets("Assets of its items", collection.item_assets)
    sheet.extensions_and_links()
    return sheet.lines


def item_sheet(item: Item, width: int | None) -> list[str]:
    """Return the sheet of an item, or of a model."""
    from ..models import MLModel

    sheet = Sheet(item, width)
    sheet.field("Collection", item.collection_id)
    if isinstance(item, MLModel):
        sheet.field("Architecture", item.architecture)
        sheet.field("Predicts", item.prediction_type)
    sheet.field("Date", item.interval)
    sheet.field("Extent", item.bbox)
    sheet.providers()
    sheet.description()
    sheet.bands()
    sheet.assets("Assets", item.assets)
    sheet.extensions_and_links()
    return sheet.lines


def _size(count: int | None) -> str:
    return _NOT_KNOWN if count is None else size(count)
