"""A document in detail: the blocks that the screen and the command line show of it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..models import Asset, Catalog, Collection, Dataset, Document, Item, MLModel, Provider, ways_to_sign_in
from ..text import count, link_names, one_line, redact, size, unlink
from .blocks import Block, FieldBlock, GridBlock, Heading, Identity, Paragraph, Prose, Title
from .citation import attribution, text_citation
from .extensions import Band, bands, explained, label_classes
from .licences import Licence, web_address
from .places import place_words, where_and_when

MOST_LINKS = 16
MOST_NAMED = 4
"""Licences in the head of a document's detail."""
MOST_PARTS = 2
"""Boxes and intervals of an extent that are shown."""
LONGEST = 400
"""Characters of a value."""
MOST_FIELDS = 300
MOST_ASSETS = 200
_ELSEWHERE = """
title description license datetime start_datetime end_datetime providers bands eo:bands raster:bands
label:classes label:overviews classification:classes auth:schemes
"""
"""Properties that have a place of their own, by name."""
_STRUCTURE = """
self root parent child children item items collection collections license next prev previous first last data
conformance search queryables aggregate aggregations ml-model:train-data
http://www.opengis.net/def/rel/ogc/1.0/queryables
"""
"""Links that lead through a catalog, or that the detail shows elsewhere, by relation."""


def document_detail(
    document: Document,
    *,
    archive: str = "",
    sizes: Mapping[str, int | None] | None = None,
    types: Sequence[str] = (),
    dataset: str = "",
    above: Sequence[Document] = (),
) -> list[Block]:
    """Return the blocks that show a document of any kind.

    - `archive`: What is known of a collection's archive; empty where the source has none.
    - `sizes`: The archives of a dataset's collections in bytes, by collection, as far as they are known.
    - `types`: A collection's types as its dataset's record names them.
    - `dataset`: The title of the dataset that a collection belongs to.
    - `above`: The documents that it belongs to, the nearest first: licence, DOI, citation and providers that
      it does not state are theirs.
    """
    stated = attribution(document, above)
    found: list[Block] = [
        Title(document.title),
        Identity(document.id),
        FieldBlock("DOI", stated.doi),
        FieldBlock("Licence", licence_line(stated.licence_names)),
        *_head(document, archive, sizes or {}, types, dataset),
        *description(document),
    ]
    shared = [
        *citation(document, above),
        *_licences(stated.licences),
        *_providers(stated.providers),
        *_publications(document),
    ]
    match document:
        case Dataset():
            found += [*shared, *_collections(document, sizes or {})]
        case Collection():
            summaries = document.summaries
            found += [*shared, *_classes(summaries), *value_blocks("Summaries", summaries)]
        case Item():
            own = [*_classes(document.properties), *value_blocks("Properties", document.properties)]
            # Of an item its own comes first: the rest is mostly that of its collection, the same for each.
            found += [*shared, *own] if isinstance(document, MLModel) else [*own, *shared]
        case _:
            found += shared
    found += [*_bands(document), *_extensions(document), *_links(document)]
    if isinstance(document, Collection):
        found += [
            *_assets("Assets of each item", document.item_assets),
            *_assets("Assets of the collection", document.assets),
        ]
    elif isinstance(document, Item):
        found += _assets("Assets", document.assets)
    return found + _table("Sign-in", ("Name", "How", "Assets"), ways_to_sign_in(document))


def _head(
    document: Document, archive: str, sizes: Mapping[str, int | None], types: Sequence[str], dataset: str
) -> list[FieldBlock]:
    """Return the fields that a document of its kind has."""
    match document:
        case Dataset():
            return _dataset_fields(document, sizes)
        case Collection():
            return _collection_fields(document, archive, types, dataset)
        case Catalog():
            return _catalog_fields(document)
        case Item():
            return _item_fields(document)
    return []


def _dataset_fields(document: Dataset, sizes: Mapping[str, int | None]) -> list[FieldBlock]:
    kinds = document.collections
    holds = [
        count(len(kinds.source_imagery), "source imagery", "source imagery"),
        count(len(kinds.labels), "labels", "labels"),
    ]
    return [
        FieldBlock("Tags", " · ".join(document.tags)),
        FieldBlock("Holds", f"{count(len(kinds), 'collection')}: {', '.join(holds)}"),
        FieldBlock("Where", place_words([document.bbox]) if document.bbox else ""),
        FieldBlock("Extent", str(document.bbox or "")),
        FieldBlock("Creator", link_names(document.creator)),
        FieldBlock("Contact", document.contact),
        FieldBlock("Docs", redact(document.line("documentation_link"))),
        FieldBlock("Page", document.registry_url or ""),
        FieldBlock("Archives", _total(document, sizes)),
    ]


def _collection_fields(
    document: Collection, archive: str, types: Sequence[str], dataset: str
) -> list[FieldBlock]:
    extent = document.extent
    return [
        FieldBlock("Dataset", dataset),
        FieldBlock("Type", type_names(types)),
        FieldBlock("Archive", archive),
        FieldBlock("Where", where_and_when(extent) if extent.bboxes else ""),
        *_several("Extent", extent.bboxes),
        *_several("Dates", extent.intervals),
        FieldBlock("Bands", _band_names(bands(document))),
        FieldBlock("Keywords", " · ".join(document.keywords)),
        FieldBlock("STAC", document.line("stac_version")),
        # The registry is MLHub's own: other collections with a DOI are not in it.
        FieldBlock("Page", (document.registry_url or "") if archive else ""),
    ]


def _catalog_fields(document: Catalog) -> list[FieldBlock]:
    linked = [link.get("rel") for link in document.links]
    holds = [
        count(number, *nouns)
        for nouns in (("child", "children"), ("item", "items"))
        if (number := linked.count(nouns[0]))
    ]
    classes = len(document.conforms_to)
    return [
        FieldBlock("Kind", "STAC catalog"),
        FieldBlock("Links", ", ".join(holds)),
        FieldBlock("STAC", document.line("stac_version")),
        FieldBlock("Conforms to", count(classes, "class", "classes") if classes else ""),
    ]


def _item_fields(document: Item) -> list[FieldBlock]:
    if isinstance(document, MLModel):
        found = [
            FieldBlock("Kind", "trained ML model"),
            FieldBlock("Architect.", document.architecture),
            FieldBlock("Predicts", document.prediction_type),
            FieldBlock("Learning", document.line("ml-model:learning_approach")),
        ]
    else:
        found = [FieldBlock("Collection", document.collection_id)]
    trained = (link for link in document.links if link.get("rel") == "ml-model:train-data")
    no_place = "" if isinstance(document, MLModel) else "no place given"
    return [
        *found,
        FieldBlock("Dates", one_line(document.interval)),
        FieldBlock("Where", place_words([document.bbox]) if document.bbox else ""),
        FieldBlock("Extent", str(document.bbox or no_place)),
        FieldBlock("Bands", _band_names(bands(document))),
        *(FieldBlock("Trained on", redact(str(link.get("href") or ""))) for link in trained),
    ]


def _total(dataset: Dataset, sizes: Mapping[str, int | None]) -> str:
    """Return how large all archives of a dataset are, as far as that is known."""
    known = [value for value in sizes.values() if value is not None]
    missing = len(dataset.collections) - len(known)
    more = f", {missing} of unknown size not counted" if missing else ""
    return f"{size(sum(known))} in all{more}" if known else ""


def _several(name: str, parts: Sequence[object]) -> list[FieldBlock]:
    """Return the first boxes or intervals, and how many more there are."""
    rows = [FieldBlock("" if number else name, str(part)) for number, part in enumerate(parts[:MOST_PARTS])]
    more = len(parts) - MOST_PARTS
    return [*rows, *([FieldBlock("", f"and {more:,} more, in the JSON", "$muted")] if more > 0 else [])]


def type_names(types: Iterable[str]) -> str:
    """Return collection types for people."""
    return ", ".join(one_line(kind).replace("_", " ") for kind in types)


# Sections


def _section(heading: str, rows: Iterable[Block]) -> list[Block]:
    """Return rows under a heading; nothing where there are none."""
    shown = [row for row in rows if not isinstance(row, FieldBlock) or row.value]
    return [Heading(heading), *shown] if shown else []


def description(document: Document) -> list[Block]:
    """Return the description, which is Markdown (STAC: CommonMark 0.29)."""
    body = document.description
    return [Heading("Description"), Prose(body)] if body and body != document.title else []


def licence_line(named: Sequence[str]) -> str:
    """Return the names of licences in a few words."""
    return ", ".join(named[:MOST_NAMED]) + (", …" if len(named) > MOST_NAMED else "")


def _licences(found: Sequence[Licence]) -> list[Block]:
    """Return what the licences are, what they require, and where to read them."""
    rows: list[Block] = []
    for licence in found:
        rows.append(Paragraph(f"{licence.id}: {licence.name}" if licence.name else licence.id))
        rows += [FieldBlock("requires", licence.requires), FieldBlock("text", licence.url)]
    return _section("Licence", rows)


def citation(document: Document, above: Sequence[Document]) -> list[Block]:
    """Return the citation; of what others would cite one is made where none is stated."""
    cited = attribution(document, above).cited
    if cited.citation:
        return [Heading("Citation"), Paragraph(unlink(_plain(cited.citation)))]
    if isinstance(cited, Dataset | Collection | MLModel) and (cited.doi or cited.providers):
        note = Paragraph("(made of the metadata, which has no citation)", "$muted")
        return [Heading("Citation"), Paragraph(text_citation(document, above)), note]
    return []


def _providers(providers: Sequence[Provider]) -> list[Block]:
    """Return who made, licenses and hosts it, with their roles and addresses."""
    rows = []
    for provider in providers:
        roles = f" ({', '.join(provider.roles)})" if provider.roles else ""
        address = redact(provider.url) or provider.email
        rows.append(Paragraph(f"{provider.name or 'unnamed'}{roles}  {address}".rstrip()))
    return _section("Providers", rows)


def _publications(document: Document) -> list[Block]:
    """Return what was published about it."""
    rows = []
    for entry in document.objects("publications") or document.objects("sci:publications"):
        words = _plain(entry.get("title") or entry.get("citation") or "")
        link = redact(one_line(entry.get("url") or entry.get("doi") or ""))
        rows.append(Paragraph(f"{unlink(words)} {link}".strip()))
    return _section("Publications", rows)


def _plain(value: object) -> str:
    """Return a text on one line whose entities of HTML are what they stand for."""
    return one_line(html.unescape(one_line(value)))


def _band_names(found: Sequence[Band]) -> str:
    """Return the names of bands on a line: of those that see, where some do."""
    found = [band for band in found if band.common or band.wavelength] or found
    return ", ".join(dict.fromkeys(band.common or band.name for band in found))


def _table(heading: str, headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[Block]:
    """Return a table under a heading; nothing where it has no rows."""
    shown = tuple(rows)
    return [Heading(heading), GridBlock(headers, shown)] if shown else []


def _bands(document: Document) -> list[Block]:
    headers = ("Band", "Colour", "µm", "GSD m", "Type", "No data", "What it is")
    rows = ((b.name, b.common, b.wavelength, b.gsd, b.dtype, b.nodata, b.about) for b in bands(document))
    return _table("Bands", headers, rows)


def _classes(fields: Mapping[str, Any]) -> list[Block]:
    """Return the classes of labels, with how many of each there are where that is given."""
    rows = ((c.name, number_words(c.count), c.value, c.of) for c in label_classes(fields) if c.name)
    return _table("Classes", ("Class", "Count", "Value", "Property"), rows)


def _collections(dataset: Dataset, sizes: Mapping[str, int | None]) -> list[Block]:
    """Return the collections of a dataset."""
    rows = []
    for ref in dataset.collections:
        known = sizes.get(ref.id)
        amount = "" if known is None else size(known)
        rows.append((ref.label, ", ".join(ref.types), amount, link_names(ref.license)))
    return _table("Collections", ("ID", "Types", "Archive", "Licence"), rows)


def _assets(heading: str, assets: Sequence[Asset]) -> list[Block]:
    """Return what files there are: their key, type, size, and what they are called."""
    rows = [
        (a.label, type_word(a.media_type), "" if a.size is None else size(a.size), a.title or file_of(a))
        for a in assets[:MOST_ASSETS]
    ]
    more = len(assets) - len(rows)
    found = _table(heading, ("Key", "Type", "Size", "Title or file"), rows)
    return [*found, Paragraph(f"and {more:,} more, in the JSON", "$muted")] if more > 0 else found


_TYPE_WORDS = {
    "cloud-optimized": "COG",
    "geotiff": "GeoTIFF",
    "geo+json": "GeoJSON",
    "octet-stream": "binary",
}
_UNREGISTERED = re.compile(r"^(x-|vnd\.)")  # RFC 6838, sections 3.2 and 3.4


def type_word(media_type: str) -> str:
    """Return a media type in a word: `image/tiff; application=geotiff` is `GeoTIFF`."""
    lower = media_type.lower()
    known = next((word for part, word in _TYPE_WORDS.items() if part in lower), "")
    return known or _UNREGISTERED.sub("", lower.partition(";")[0].rpartition("/")[2].strip()).upper()


def file_of(asset: Asset) -> str:
    """Return the name of an asset's file; empty where its link has a token in place of one, as of MLHub."""
    path = one_line(redact(asset.href)).partition("?")[0].partition("#")[0]
    name = path.rstrip("/").rpartition("/")[2]
    return name if "." in name else ""


def _extensions(document: Document) -> list[Block]:
    """Return the STAC extensions of a document, each with what it adds."""
    declared = document.raw.get("stac_extensions")
    names = tuple(entry for entry in declared if isinstance(entry, str)) if isinstance(declared, list) else ()
    rows = [
        FieldBlock(found.name, f"{found.about} ({found.version})" if found.version else found.about or "-")
        for found in explained(names)
    ]
    return _section("STAC extensions", rows)


def _links(document: Document) -> list[Block]:
    """Return the links that lead out of the catalog: to pages, documentation, sources."""
    if not isinstance(document, Collection | Item):
        return []
    rows, structure = [], frozenset(_STRUCTURE.split())
    # Of a catalog with thousands of items nearly all links are its structure.
    outside = [
        link for link in document.links if isinstance(rel := link.get("rel"), str) and rel not in structure
    ]
    for link in outside[: 4 * MOST_LINKS]:
        if url := web_address(link.get("href")):
            name = one_line(link.get("rel")).rpartition("/")[2] or "link"
            rows.append(FieldBlock(name, f"{one_line(link.get('title'), 100)} {url}".strip()))
    shown = rows[:MOST_LINKS]
    more = len(outside) - len(shown) if len(rows) > len(shown) else 0
    return _section("Links", [*shown, FieldBlock("", f"and {more:,} more" if more else "")])


def value_blocks(heading: str, fields: Mapping[str, Any]) -> list[Block]:
    """Return summaries or properties under a heading, without what is shown elsewhere."""
    elsewhere = frozenset(_ELSEWHERE.split())
    rows = [
        FieldBlock(one_line(key), value_words(value))
        for key, value in list(fields.items())[:MOST_FIELDS]
        if key not in elsewhere and not key.startswith("sci:") and value is not None
    ]
    more = len(fields) - MOST_FIELDS
    return _section(
        heading, [*rows, FieldBlock("", f"and {more:,} more, in the JSON" if more > 0 else "", "$muted")]
    )


# Values in words


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
        return one_line(_scalar(low) if low == high else f"{_scalar(low)} to {_scalar(high)}", LONGEST)
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
    if len(value) <= LONGEST:
        try:
            return one_line(json.dumps(value, ensure_ascii=False), LONGEST)
        except (RecursionError, ValueError):
            pass
    return count(len(value), "entry", "entries") + ", in the JSON"


def number_words(value: float | None) -> str:
    """Return a count for people: `12,345`; empty where there is none."""
    if value is None:
        return ""
    try:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
    except (OverflowError, ValueError):
        return "…"
