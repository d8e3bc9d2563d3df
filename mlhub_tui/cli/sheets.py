"""A document as a sheet to read: labelled lines, then its parts as tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from ..metadata.bands import bands
from ..metadata.extensions import explained
from ..metadata.licences import Licence, licences
from ..models import Asset, Collection, Dataset, Document, Item, MLModel
from ..text import link_names, one_line, redact, size, unlink
from .tables import table

_LABEL = 14
_MOST = 6
_SIZE_NOT_KNOWN = "-"


def dataset_sheet(dataset: Dataset, sizes: Mapping[str, int | None], width: int | None) -> list[str]:
    """Return the sheet of a dataset; `sizes` are its collections' archives in bytes, where known."""
    lines = [
        *_head(dataset, width),
        *_field("Tags", ", ".join(dataset.tags), width),
        *_field("Creator", unlink(dataset.creator), width),
        *_field("Contact", dataset.contact, width),
        *_field("Extent", dataset.bbox, width),
        *_field("Page", dataset.registry_url, width),
        *_field("Archives", _total(dataset, sizes), width),
        *_description(dataset, width),
    ]
    rows = [
        (ref.label, ", ".join(ref.types), _size(sizes.get(ref.id)), link_names(ref.license))
        for ref in dataset.collections
    ]
    return lines + _part("Collections", ("ID", "TYPES", "ARCHIVE", "LICENCE"), rows, width)


def collection_sheet(collection: Collection, archive: str, width: int | None) -> list[str]:
    """Return the sheet of a collection; `archive` says how big its archive is, or why that is not known."""
    extent = collection.extent
    return [
        *_head(collection, width),
        *_field("Keywords", ", ".join(collection.keywords), width),
        *_providers(collection, width),
        *_fields("Extent", extent.bboxes, width),
        *_fields("Dates", extent.intervals, width),
        *_field("Page", collection.registry_url, width),
        *_field("Archive", archive, width),
        *_description(collection, width),
        *_bands(collection, width),
        *_assets("Assets", collection.assets, width),
        *_assets("Assets of its items", collection.item_assets, width),
        *_extensions(collection, width),
        *_links(collection, width),
    ]


def item_sheet(item: Item, width: int | None) -> list[str]:
    """Return the sheet of an item, or of a model."""
    own = (
        [
            *_field("Architecture", item.architecture, width),
            *_field("Predicts", item.prediction_type, width),
        ]
        if isinstance(item, MLModel)
        else []
    )
    return [
        *_head(item, width),
        *_field("Collection", item.collection_id, width),
        *own,
        *_field("Date", item.interval, width),
        *_field("Extent", item.bbox, width),
        *_providers(item, width),
        *_description(item, width),
        *_bands(item, width),
        *_assets("Assets", item.assets, width),
        *_extensions(item, width),
        *_links(item, width),
    ]


def _head(document: Document, width: int | None) -> list[str]:
    title = document.title if document.title != document.label else ""
    return [
        *_field("ID", document.label, width),
        *_field("Title", title, width),
        *_field("DOI", document.doi, width),
        *(line for licence in licences(document) for line in _field("Licence", _spelt_out(licence), width)),
        *_field("Citation", document.citation, width),
    ]


def _spelt_out(licence: Licence) -> str:
    """Return a licence with its address, its full name and what it asks, as far as they are known."""
    address = f" ({licence.url})" if licence.url else ""
    name = f": {licence.name}" if licence.name else ""
    return f"{licence.id}{address}{name}" + (f"; asks: {licence.asks}" if licence.asks else "")


def _field(label: str, value: object, width: int | None) -> list[str]:
    """Return a labelled value, wrapped below itself; nothing where there is no value."""
    text = one_line(value)
    if not text:
        return []
    start = f"{label + ':':<{_LABEL}}"
    if width is None:
        return [start + text]
    return textwrap.wrap(
        text, max(width, 40), initial_indent=start, subsequent_indent=" " * _LABEL, break_on_hyphens=False
    )


def _fields(label: str, values: Iterable[object], width: int | None) -> list[str]:
    """Return a line for each of the first values; a collection may have thousands of boxes."""
    shown = list(values)
    lines = [line for value in shown[:_MOST] for line in _field(label, value, width)]
    if len(shown) > _MOST:
        lines += _field(label, f"and {len(shown) - _MOST:,} more", width)
    return lines


def _providers(document: Document, width: int | None) -> list[str]:
    lines = []
    for provider in document.providers:
        roles = f" ({', '.join(provider.roles)})" if provider.roles else ""
        lines += _field("Provider", f"{provider.name}{roles} {redact(provider.url)}", width)
    return lines


def _description(document: Document, width: int | None) -> list[str]:
    """Return the description, an empty line before it; paragraphs stay paragraphs."""
    if not document.description:
        return []
    lines = [""]
    for paragraph in document.description.expandtabs(4).splitlines():
        wrapped = textwrap.wrap(paragraph, max(width, 40), break_on_hyphens=False) if width else [paragraph]
        lines += wrapped or [""]
    return lines


def _assets(heading: str, assets: Sequence[Asset], width: int | None) -> list[str]:
    rows = [(a.label, a.media_type, _size(a.size), a.title or redact(one_line(a.href))) for a in assets]
    return _part(heading, ("KEY", "TYPE", "SIZE", "TITLE OR LINK"), rows, width)


def _bands(document: Document, width: int | None) -> list[str]:
    rows = [(b.name, b.common, b.wavelength, b.gsd, b.dtype, b.nodata, b.about) for b in bands(document)]
    headers = ("BAND", "COLOUR", "MICROMETRES", "METRES", "TYPE", "NO DATA", "WHAT IT IS")
    return _part("Bands", headers, rows, width)


def _extensions(document: Document, width: int | None) -> list[str]:
    declared = document.raw.get("stac_extensions")
    names = tuple(entry for entry in declared if isinstance(entry, str)) if isinstance(declared, list) else ()
    rows = [(found.name, found.version, found.about) for found in explained(names)]
    return _part("STAC extensions", ("NAME", "VERSION", "WHAT IT ADDS"), rows, width)


def _links(document: Document, width: int | None) -> list[str]:
    rows = [
        (link.get("rel"), redact(one_line(link.get("href"))), link.get("title")) for link in document.links
    ]
    return _part("Links", ("REL", "LINK", "TITLE"), rows, width)


def _part(
    heading: str, headers: Sequence[str], rows: Sequence[Sequence[object]], width: int | None
) -> list[str]:
    """Return a table under a heading, indented; columns without any value are left out."""
    if not rows:
        return []
    used = [n for n in range(len(headers)) if any(row[n] not in ("", None, _SIZE_NOT_KNOWN) for row in rows)]
    lines = table(
        [headers[n] for n in used],
        [[row[n] for n in used] for row in rows],
        width - 2 if width else None,
    )
    return ["", f"{heading}:", *(f"  {line}" for line in lines)]


def _size(count: int | None) -> str:
    return _SIZE_NOT_KNOWN if count is None else size(count)


def _total(dataset: Dataset, sizes: Mapping[str, int | None]) -> str:
    known = [value for value in sizes.values() if value is not None]
    if not known:
        return ""
    missing = len(dataset.collections) - len(known)
    return f"{size(sum(known))} in all" + (f", {missing} of unknown size not counted" if missing else "")
