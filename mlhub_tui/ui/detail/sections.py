"""Sections of a detail: description, licence, citation, providers, bands, labels, values."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ... import text
from ...metadata.bands import Band, bands
from ...metadata.bibtex import text_citation
from ...metadata.extensions import explained
from ...metadata.labels import label_classes
from ...metadata.licences import licences, web_address
from ...models import Asset, Collection, Dataset, Document, Item, MLModel
from ...text import count, one_line
from .blocks import Block, FieldBlock, GridBlock, Heading, Paragraph, Prose

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


LONGEST = 400
"""Characters of a value."""
MOST_FIELDS = 300
_ELSEWHERE = frozenset(
    {
        *("title", "description", "license", "datetime", "start_datetime", "end_datetime", "providers"),
        *("bands", "eo:bands", "raster:bands", "label:classes", "label:overviews", "classification:classes"),
    }
)
"""What has a place of its own in a sheet."""


def value_blocks(heading: str, fields: Mapping[str, Any]) -> list[Block]:
    """Return summaries or properties under a heading, without what the sheet shows elsewhere."""
    rows = [
        FieldBlock(one_line(key), value_words(value))
        for key, value in list(fields.items())[:MOST_FIELDS]
        if key not in _ELSEWHERE and not key.startswith("sci:") and value is not None
    ]
    more = len(fields) - MOST_FIELDS
    rows += [FieldBlock("", f"and {more:,} more, in the JSON", "$muted")] if more > 0 else []
    return [Heading(heading), *rows] if rows else []


def value_words(value: object) -> str:
    """Return a JSON value in few words: scalars as they are, lists of them joined, ranges as such."""
    if isinstance(value, dict):
        return _object_words(value)
    if isinstance(value, list):
        few = value[:LONGEST]
        if all(isinstance(entry, str | int | float) for entry in few):
            return one_line(", ".join(_scalar(entry) for entry in few), LONGEST)
        if named := [e["name"] for e in few if isinstance(e, dict) and isinstance(e.get("name"), str)]:
            return one_line(", ".join(named), LONGEST)
        return _json(value)
    return one_line(_scalar(value), LONGEST)


def _object_words(value: Mapping[str, Any]) -> str:
    """Return an object in few words: a range, a geometry, a few plain members, else its JSON."""
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        same = low == high
        return one_line(_scalar(low) if same else f"{_scalar(low)} to {_scalar(high)}", LONGEST)
    if isinstance(value.get("type"), str) and isinstance(value.get("coordinates"), list):
        return f"a {one_line(value['type'], 30)}, in the JSON"
    if value and len(value) <= 8 and all(isinstance(v, str | int | float) for v in value.values()):
        return one_line(", ".join(f"{key} {_scalar(v)}" for key, v in value.items()), LONGEST)
    return _json(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of too many digits
        return "…"


def _json(value: list[Any] | Mapping[str, Any]) -> str:
    """Return the start of a value's JSON; of a large one only how much it holds."""
    if len(value) > LONGEST:
        return count(len(value), "entry", "entries") + ", in the JSON"
    try:
        return one_line(json.dumps(value, ensure_ascii=False), LONGEST)
    except (RecursionError, ValueError):
        return count(len(value), "entry", "entries") + ", in the JSON"


def number_words(value: float | None) -> str:
    """Return a count for people: `12,345`; empty where there is none."""
    if value is None:
        return ""
    try:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
    except (OverflowError, ValueError):
        return "…"
