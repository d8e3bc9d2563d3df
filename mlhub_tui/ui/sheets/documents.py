"""What is shown of datasets, collections, items and models."""

from __future__ import annotations

from collections.abc import Mapping

from ... import text
from ...geo.words import place_words, where_and_when
from ...models import ArchiveInfo, Asset, Catalog, Collection, Dataset, Document, Item, MLModel
from ...text import link_names, unlink
from .blocks import Block, Field, Heading, Identity, Paragraph, Title


def dataset_sheet(dataset: Dataset) -> list[Block]:
    """Return the sheet of a dataset."""
    collections = dataset.collections
    kinds = [
        text.count(len(collections.source_imagery), "source imagery", "source imagery"),
        text.count(len(collections.labels), "labels", "labels"),
    ]
    return [
        Title(dataset.title),
        Identity(dataset.id),
        Field("DOI", dataset.doi),
        Field("Licence", link_names(dataset.license)),
        Field("Tags", " · ".join(dataset.tags)),
        Field("Holds", f"{text.count(len(collections), 'collection')}: {', '.join(kinds)}"),
        Field("Where", place_words([dataset.bbox]) if dataset.bbox else ""),
        Field("Extent", str(dataset.bbox or "")),
        Field("Creator", link_names(dataset.creator)),
        Field("Contact", dataset.contact),
        Field("Added", text.date(dataset.raw.get("date_added") or "")),
        Field("Modified", text.date(dataset.raw.get("date_modified") or "")),
        Field("Registry", dataset.registry_url or ""),
        Field("Docs", text.redact(dataset.line("documentation_link"))),
        *_description(dataset),
        *_citation(dataset),
        *_publications(dataset),
    ]


def document_sheet(document: Document) -> list[Block]:
    """Return the sheet of a document of any kind, as far as it tells by itself."""
    match document:
        case Dataset():
            return dataset_sheet(document)
        case MLModel():
            return model_sheet(document)
        case Item():
            return item_sheet(document)
        case Collection():
            return collection_sheet(document)
        case Catalog():
            return catalog_sheet(document)
    return [Title(document.title), Identity(document.id), *_description(document)]


def collection_sheet(
    collection: Collection,
    archive: ArchiveInfo | str | None = "",
    types: tuple[str, ...] = (),
    dataset: str = "",
) -> list[Block]:
    """Return the sheet of a collection.

    Parameters
    ----------
    collection
        The collection.
    archive
        What is known of its archive; a string says why nothing is, an empty one that there are none; None
        while it is asked for.
    types
        Its types as the dataset's record names them.
    dataset
        The title of its dataset.
    """
    extent = collection.extent
    return [
        Title(collection.title),
        Identity(collection.id),
        Field("Dataset", dataset),
        Field("Type", type_names(types)),
        Field("Archive", archive_words(archive)),
        Field("Licence", unlink(collection.license)),
        Field("DOI", collection.doi),
        Field("Where", where_and_when(extent)),
        *_several("Extent", extent.bboxes),
        *_several("Dates", extent.intervals),
        Field("Bands", _band_names(collection.summaries, collection.item_assets)),
        Field("Keywords", " · ".join(collection.keywords)),
        Field("STAC", collection.line("stac_version")),
        Field("Extensions", " · ".join(_extension(e) for e in collection.extensions)),
        # The registry is MLHub's own: other collections with a DOI are not in it.
        Field("Registry", (collection.registry_url or "") if archive != "" else ""),
        *_description(collection),
        *_providers(collection),
        *_citation(collection),
        *_publications(collection),
        *_summaries(collection),
        *_bands(collection.item_assets),
    ]


def catalog_sheet(catalog: Catalog) -> list[Block]:
    """Return the sheet of a catalog."""
    linked = [str(link.get("rel")) for link in catalog.links]
    holds = [
        text.count(number, noun)
        for noun, number in (("child", linked.count("child")), ("item", linked.count("item")))
        if number
    ]
    return [
        Title(catalog.title),
        Identity(catalog.id),
        Field("Kind", "STAC catalog"),
        Field("Links", ", ".join(holds).replace("childs", "children")),
        Field("Licence", unlink(catalog.license)),
        Field("STAC", catalog.line("stac_version")),
        Field("Extensions", " · ".join(_extension(e) for e in catalog.extensions)),
        Field(
            "Conforms to",
            text.count(len(catalog.conforms_to), "class", "classes") if catalog.conforms_to else "",
        ),
        *_description(catalog),
        *_providers(catalog),
        *_citation(catalog),
    ]


def item_sheet(item: Item) -> list[Block]:
    """Return the sheet of an item."""
    return [
        Title(item.title),
        Identity(item.id),
        Field("Collection", item.collection_id),
        Field("Dates", str(item.interval)),
        Field("Where", place_words([item.bbox]) if item.bbox else ""),
        Field("Extent", str(item.bbox or "no place given")),
        Field("Bands", _band_names(item.properties, item.assets)),
        Field("Assets", _asset_names(item.assets)),
        Field("DOI", item.doi),
        Field("Licence", unlink(item.license)),
        *_description(item),
        *_providers(item),
        *_citation(item),
        *_properties(item),
    ]


def model_sheet(model: MLModel) -> list[Block]:
    """Return the sheet of a model."""
    trained = [
        text.redact(str(k.get("href") or "")) for k in model.links if k.get("rel") == "ml-model:train-data"
    ]
    return [
        Title(model.title),
        Identity(model.id),
        Field("Kind", "trained ML model"),
        Field("Architect.", model.architecture),
        Field("Predicts", model.prediction_type),
        Field("Learning", model.line("ml-model:learning_approach")),
        Field("Licence", unlink(model.license)),
        Field("DOI", model.doi),
        Field("Dates", str(model.interval)),
        Field("Where", place_words([model.bbox]) if model.bbox else ""),
        Field("Extent", str(model.bbox or "")),
        Field("Assets", _asset_names(model.assets)),
        *(Field("Trained on" if n == 0 else "", url) for n, url in enumerate(trained)),
        *_description(model),
        *_providers(model),
        *_citation(model),
        *_publications(model),
    ]


SHOWN_PARTS = 2


def _several(name: str, parts: tuple[object, ...]) -> list[Block]:
    """Return the first boxes or intervals, and how many more there are."""
    rows = [Field(name if n == 0 else "", str(part)) for n, part in enumerate(parts[:SHOWN_PARTS])]
    more = len(parts) - SHOWN_PARTS
    return [*rows, *([Field("", f"and {more} more, in the JSON", "$muted")] if more > 0 else [])]


def _asset_names(assets: tuple[Asset, ...]) -> str:
    return ", ".join(text.one_line(asset.key, 80) for asset in assets)


def _band_names(fields: Mapping[str, object], assets: tuple[Asset, ...]) -> str:
    """Return the names of the bands, each once: of a summary or property, and of the assets."""
    given = next((value for key in ("bands", "eo:bands") if isinstance(value := fields.get(key), list)), [])
    bands = [*given, *(band for asset in assets for band in asset.bands)]
    names = (band.get("common_name") or band.get("name") for band in bands if isinstance(band, dict))
    return ", ".join(dict.fromkeys(text.one_line(name, 40) for name in names if name))


def type_names(types: tuple[str, ...]) -> str:
    """Return collection types for people."""
    return ", ".join(kind.replace("_", " ") for kind in types)


def archive_words(archive: ArchiveInfo | str | None) -> str:
    """Return what is known of an archive in words."""
    if archive is None:
        return "asking…"
    return archive if isinstance(archive, str) else text.size(archive.size)


def _extension(url: str) -> str:
    parts = [part for part in url.split("/") if part]
    return parts[-3] if len(parts) >= 3 and url.startswith("http") else url


def _description(document: Document) -> list[Block]:
    body = unlink(document.description)
    return [Heading("Description"), Paragraph(body)] if body and body != document.title else []


def _citation(document: Document) -> list[Block]:
    return [Heading("Citation"), Paragraph(document.citation)] if document.citation else []


def _providers(document: Document) -> list[Block]:
    providers = document.providers
    if not providers:
        return []
    rows: list[Block] = []
    for provider in providers:
        roles = f" ({', '.join(provider.roles)})" if provider.roles else ""
        rows.append(Paragraph(f"{provider.name or 'unnamed'}{roles}  {text.redact(provider.url)}".rstrip()))
    return [Heading("Providers"), *rows]


def _publications(document: Document) -> list[Block]:
    entries = document.objects("publications") or document.objects("sci:publications")
    rows: list[Block] = []
    for entry in entries:
        words = text.one_line(entry.get("title") or entry.get("citation") or "")
        link = text.redact(text.one_line(entry.get("url") or entry.get("doi") or ""))
        rows.append(Paragraph(f"{words} {link}".strip()))
    return [Heading("Publications"), *rows] if rows else []


def _summaries(collection: Collection) -> list[Block]:
    rows: list[Block] = [
        Field(text.one_line(key), _value(value)) for key, value in collection.summaries.items()
    ]
    return [Heading("Summaries"), *rows] if rows else []


_SHOWN = frozenset(
    {"title", "description", "license", "datetime", "start_datetime", "end_datetime", "providers"}
)


def _properties(item: Item) -> list[Block]:
    rows: list[Block] = [
        Field(text.one_line(key), _value(value))
        for key, value in item.properties.items()
        if key not in _SHOWN and not key.startswith("sci:") and value is not None
    ]
    return [Heading("Properties"), *rows] if rows else []


def _bands(assets: tuple[Asset, ...]) -> list[Block]:
    rows: list[Block] = [Field(asset.label, asset.title or asset.media_type or "-") for asset in assets]
    return [Heading("Assets of each item"), *rows] if rows else []


def _value(value: object) -> str:
    """Return a JSON value in few words: scalars as they are, lists of scalars joined, the rest as JSON."""
    if isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value):
        return text.one_line(", ".join(str(entry) for entry in value), 400)
    if isinstance(value, list) and (
        named := [e["name"] for e in value if isinstance(e, dict) and "name" in e]
    ):
        return text.one_line(", ".join(str(name) for name in named), 400)
    if isinstance(value, dict | list):
        import json

        return text.one_line(json.dumps(value, ensure_ascii=False), 400)
    return text.one_line(value, 400)
