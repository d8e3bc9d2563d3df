"""The sections of a sheet: description, licence, citation, providers, bands, labels, extensions, links."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ... import text
from ...metadata.bands import Band, bands
from ...metadata.bibtex import text_citation
from ...metadata.extensions import explained
from ...metadata.labels import label_classes
from ...metadata.licences import licences, web_address
from ...models import Asset, Collection, Dataset, Document, Item, MLModel
from .blocks import Block, FieldBlock, GridBlock, Heading, Paragraph, Prose
from .values import number_words

MOST_LINKS = 16
MOST_NAMED = 4
"""Licences in the head of a sheet."""
_STRUCTURE = frozenset(
    {
        *(
            "self",
            "root",
            "parent",
            "child",
            "children",
            "item",
            "items",
            "collection",
            "collections",
            "license",
        ),
        *(
            "next",
            "prev",
            "previous",
            "first",
            "last",
            "data",
            "conformance",
            "search",
            "queryables",
            "aggregate",
            "aggregations",
        ),
        *("http://www.opengis.net/def/rel/ogc/1.0/queryables", "ml-model:train-data"),
    }
)
"""Links that lead through a catalog, or that a sheet shows elsewhere."""


def description(document: Document) -> list[Block]:
    """Return the description, which is Markdown (STAC: CommonMark 0.29)."""
    body = document.description
    return [Heading("Description"), Prose(body)] if body and body != document.title else []


def licence_line(document: Document) -> str:
    """Return the licences in a few words, for the head of a sheet."""
    named = [licence.id for licence in licences(document)]
    return ", ".join(named[:MOST_NAMED]) + (", …" if len(named) > MOST_NAMED else "")


def licence_section(document: Document) -> list[Block]:
    """Return what the licences are, what they ask, and where to read them."""
    rows: list[Block] = []
    for licence in licences(document):
        rows.append(Paragraph(f"{licence.id}: {licence.name}" if licence.name else licence.id))
        rows += [FieldBlock("asks", licence.asks), FieldBlock("text", licence.url)]
    return [Heading("Licence"), *rows] if rows else []


def citation(document: Document) -> list[Block]:
    """Return the citation; of what others would cite one is made where none is given."""
    if document.citation:
        return [Heading("Citation"), Paragraph(text.unlink(_plain(document.citation)))]
    if isinstance(document, Dataset | Collection | MLModel) and (document.doi or document.providers):
        note = Paragraph("(made of the metadata, which has no citation)", "$muted")
        return [Heading("Citation"), Paragraph(text_citation(document)), note]
    return []


def providers(document: Document) -> list[Block]:
    """Return who made, licenses and hosts it, with their roles and addresses."""
    rows: list[Block] = []
    for provider in document.providers:
        roles = f" ({', '.join(provider.roles)})" if provider.roles else ""
        address = text.redact(provider.url) or provider.email
        rows.append(Paragraph(f"{provider.name or 'unnamed'}{roles}  {address}".rstrip()))
    return [Heading("Providers"), *rows] if rows else []


def publications(document: Document) -> list[Block]:
    """Return what was published about it."""
    entries = document.objects("publications") or document.objects("sci:publications")
    rows: list[Block] = []
    for entry in entries:
        words = _plain(entry.get("title") or entry.get("citation") or "")
        link = text.redact(text.one_line(entry.get("url") or entry.get("doi") or ""))
        rows.append(Paragraph(f"{text.unlink(words)} {link}".strip()))
    return [Heading("Publications"), *rows] if rows else []


def _plain(value: object) -> str:
    """Return a text on one line whose entities of HTML are what they stand for."""
    return text.one_line(html.unescape(text.one_line(value)))


def band_names(found: Sequence[Band]) -> str:
    """Return the names of bands on a line, for the head of a sheet: of those that see, where some do."""
    found = [band for band in found if band.common or band.wavelength] or found
    return ", ".join(dict.fromkeys(band.common or band.name for band in found))


def band_table(document: Document) -> list[Block]:
    """Return the bands as a table, the more important columns first."""
    rows = tuple(
        (band.name, band.common, band.wavelength, band.gsd, band.dtype, band.nodata, band.about)
        for band in bands(document)
    )
    headers = ("Band", "Colour", "µm", "GSD m", "Type", "No data", "What it is")
    return [Heading("Bands"), GridBlock(headers, rows, (0, 1, 2, 3, 4, 5, 6))] if rows else []


def class_table(fields: Mapping[str, Any]) -> list[Block]:
    """Return the classes of labels as a table, with how many of each there are where that is said."""
    rows = tuple(
        (row.name, number_words(row.count), row.value, row.of) for row in label_classes(fields) if row.name
    )
    headers = ("Class", "Count", "Value", "Property")
    return [Heading("Classes"), GridBlock(headers, rows, (0, 1, 2, 3))] if rows else []


def asset_rows(heading: str, assets: Sequence[Asset]) -> list[Block]:
    """Return what files there are: their key, and what they are."""
    rows = [FieldBlock(asset.label, asset.title or asset.media_type or "-") for asset in assets]
    return [Heading(heading), *rows] if rows else []


def extensions(document: Document) -> list[Block]:
    """Return the STAC extensions of a document, each with what it adds."""
    declared = document.raw.get("stac_extensions")
    names = tuple(entry for entry in declared if isinstance(entry, str)) if isinstance(declared, list) else ()
    rows = [
        FieldBlock(found.name, f"{found.about} ({found.version})" if found.version else found.about or "-")
        for found in explained(names)
    ]
    return [Heading("STAC extensions"), *rows] if rows else []


def links(document: Collection | Item) -> list[Block]:
    """Return the links that lead out of the catalog: to pages, documentation, sources."""
    rows: list[Block] = []
    # Of a catalog with thousands of items nearly all links are its structure.
    outside = [
        link for link in document.links if isinstance(rel := link.get("rel"), str) and rel not in _STRUCTURE
    ]
    for link in outside[: 4 * MOST_LINKS]:
        rel, url = text.one_line(link.get("rel")), web_address(link.get("href"))
        if url:
            title = text.one_line(link.get("title"), 100)
            rows.append(FieldBlock(rel.rpartition("/")[2] or "link", f"{title} {url}".strip()))
    shown = rows[:MOST_LINKS]
    more = len(outside) - len(shown) if len(rows) > len(shown) else 0
    return (
        [Heading("Links"), *shown, *([FieldBlock("", f"and {more:,} more")] if more else [])] if rows else []
    )
