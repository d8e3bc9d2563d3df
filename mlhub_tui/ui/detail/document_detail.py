"""Details of datasets, collections, items and models, and of any line of the tree."""

from __future__ import annotations

from ... import text
from ...metadata.bands import bands
from ...metadata.places import place_words, where_and_when
from ...models import (
    ArchiveInfo,
    Asset,
    Catalog,
    Collection,
    Dataset,
    Document,
    Entry,
    EntryKind,
    Item,
    MLModel,
)
from ...text import link_names, redact
from ..catalog.nodes import (
    TYPE_TITLES,
    ActionNode,
    GroupNode,
    MoreNode,
    Node,
    NoteNode,
    TreeEntry,
    TypeNode,
    entry_id,
)
from ..catalog.tree_model import CatalogTreeModel
from ..document_cache import Documents
from . import sections
from .blocks import Block, FieldBlock, Identity, Paragraph, Prose, Title
from .sections import value_blocks


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
        FieldBlock("DOI", dataset.doi),
        FieldBlock("Licence", sections.licence_line(dataset)),
        FieldBlock("Tags", " · ".join(dataset.tags)),
        FieldBlock("Holds", f"{text.count(len(collections), 'collection')}: {', '.join(kinds)}"),
        FieldBlock("Where", place_words([dataset.bbox]) if dataset.bbox else ""),
        FieldBlock("Extent", str(dataset.bbox or "")),
        FieldBlock("Creator", link_names(dataset.creator)),
        FieldBlock("Contact", dataset.contact),
        FieldBlock("Added", text.date(dataset.raw.get("date_added") or "")),
        FieldBlock("Modified", text.date(dataset.raw.get("date_modified") or "")),
        FieldBlock("Registry", dataset.registry_url or ""),
        FieldBlock("Docs", text.redact(dataset.line("documentation_link"))),
        *sections.description(dataset),
        *sections.citation(dataset),
        *sections.licence_section(dataset),
        *sections.providers(dataset),
        *sections.publications(dataset),
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
    return [Title(document.title), Identity(document.id), *sections.description(document)]


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
        FieldBlock("Dataset", dataset),
        FieldBlock("Type", type_names(types)),
        FieldBlock("Archive", archive_words(archive)),
        FieldBlock("Licence", sections.licence_line(collection)),
        FieldBlock("DOI", collection.doi),
        FieldBlock("Where", where_and_when(extent)),
        *_several("Extent", extent.bboxes),
        *_several("Dates", extent.intervals),
        FieldBlock("Bands", sections.band_names(bands(collection))),
        FieldBlock("Keywords", " · ".join(collection.keywords)),
        FieldBlock("STAC", collection.line("stac_version")),
        # The registry is MLHub's own: other collections with a DOI are not in it.
        FieldBlock("Registry", (collection.registry_url or "") if archive != "" else ""),
        *sections.description(collection),
        *sections.citation(collection),
        *sections.licence_section(collection),
        *sections.providers(collection),
        *sections.publications(collection),
        *sections.band_table(collection),
        *sections.class_table(collection.summaries),
        *value_blocks("Summaries", collection.summaries),
        *sections.extensions(collection),
        *sections.links(collection),
        *sections.asset_rows("Assets of each item", collection.item_assets),
        *sections.asset_rows("Assets of the collection", collection.assets),
    ]


def catalog_sheet(catalog: Catalog) -> list[Block]:
    """Return the sheet of a catalog."""
    linked = [link.get("rel") for link in catalog.links]
    holds = [
        text.count(number, noun)
        for noun, number in (("child", linked.count("child")), ("item", linked.count("item")))
        if number
    ]
    return [
        Title(catalog.title),
        Identity(catalog.id),
        FieldBlock("Kind", "STAC catalog"),
        FieldBlock("Links", ", ".join(holds).replace("childs", "children")),
        FieldBlock("Licence", sections.licence_line(catalog)),
        FieldBlock("STAC", catalog.line("stac_version")),
        FieldBlock(
            "Conforms to",
            text.count(len(catalog.conforms_to), "class", "classes") if catalog.conforms_to else "",
        ),
        *sections.description(catalog),
        *sections.licence_section(catalog),
        *sections.providers(catalog),
        *sections.citation(catalog),
        *sections.extensions(catalog),
    ]


def item_sheet(item: Item) -> list[Block]:
    """Return the sheet of an item."""
    return [
        Title(item.title),
        Identity(item.id),
        FieldBlock("Collection", item.collection_id),
        FieldBlock("Dates", str(item.interval)),
        FieldBlock("Where", place_words([item.bbox]) if item.bbox else ""),
        FieldBlock("Extent", str(item.bbox or "no place given")),
        FieldBlock("Bands", sections.band_names(bands(item))),
        FieldBlock("Assets", _asset_names(item.assets)),
        FieldBlock("DOI", item.doi),
        FieldBlock("Licence", sections.licence_line(item)),
        *sections.description(item),
        *sections.citation(item),
        *sections.licence_section(item),
        *sections.providers(item),
        *sections.publications(item),
        *value_blocks("Properties", item.properties),
        *sections.band_table(item),
        *sections.class_table(item.properties),
        *sections.extensions(item),
        *sections.links(item),
    ]


def model_sheet(model: MLModel) -> list[Block]:
    """Return the sheet of a model."""
    trained = [
        text.redact(str(k.get("href") or "")) for k in model.links if k.get("rel") == "ml-model:train-data"
    ]
    return [
        Title(model.title),
        Identity(model.id),
        FieldBlock("Kind", "trained ML model"),
        FieldBlock("Architect.", model.architecture),
        FieldBlock("Predicts", model.prediction_type),
        FieldBlock("Learning", model.line("ml-model:learning_approach")),
        FieldBlock("Licence", sections.licence_line(model)),
        FieldBlock("DOI", model.doi),
        FieldBlock("Dates", str(model.interval)),
        FieldBlock("Where", place_words([model.bbox]) if model.bbox else ""),
        FieldBlock("Extent", str(model.bbox or "")),
        FieldBlock("Assets", _asset_names(model.assets)),
        *(FieldBlock("Trained on" if n == 0 else "", url) for n, url in enumerate(trained)),
        *sections.description(model),
        *sections.citation(model),
        *sections.licence_section(model),
        *sections.providers(model),
        *sections.publications(model),
        *value_blocks("Properties", model.properties),
        *sections.extensions(model),
        *sections.links(model),
    ]


SHOWN_PARTS = 2


def _several(name: str, parts: tuple[object, ...]) -> list[Block]:
    """Return the first boxes or intervals, and how many more there are."""
    rows = [FieldBlock(name if n == 0 else "", str(part)) for n, part in enumerate(parts[:SHOWN_PARTS])]
    more = len(parts) - SHOWN_PARTS
    return [*rows, *([FieldBlock("", f"and {more} more, in the JSON", "$muted")] if more > 0 else [])]


def _asset_names(assets: tuple[Asset, ...]) -> str:
    return ", ".join(text.one_line(asset.key, 80) for asset in assets)


def type_names(types: tuple[str, ...]) -> str:
    """Return collection types for people."""
    return ", ".join(kind.replace("_", " ") for kind in types)


def archive_words(archive: ArchiveInfo | str | None) -> str:
    """Return what is known of an archive in words."""
    if archive is None:
        return "asking…"
    return archive if isinstance(archive, str) else text.size(archive.size)


def sheet_of(subject: TreeEntry, documents: Documents) -> list[Block]:
    """Return the sheet of an entry, with what is known of it so far."""
    entry = subject.entry
    document = documents.of(entry)
    if isinstance(document, Collection) and documents.has_archives:
        types = subject.ref.types if subject.ref else ()
        dataset = subject.dataset.title if subject.dataset else ""
        return collection_sheet(document, documents.archive(document.id), types, dataset)
    if document is not None:
        return document_sheet(document)
    return _unknown(subject, documents)


def _unknown(subject: TreeEntry, documents: Documents) -> list[Block]:
    """Return what is known before the document came, and why it did not."""
    entry = subject.entry
    why = documents.why_not(entry) or entry.note
    identity = entry_id(entry)
    blocks: list[Block] = [Title(entry.title or entry.label), *([Identity(identity)] if identity else [])]
    if entry.kind is EntryKind.COLLECTION and documents.has_archives:
        blocks += [
            FieldBlock("Type", type_names(subject.ref.types if subject.ref else ())),
            FieldBlock("Archive", archive_words(documents.archive(entry.id))),
            FieldBlock("Dataset", subject.dataset.title if subject.dataset else ""),
        ]
    elif entry.url:
        blocks.append(FieldBlock("Link", redact(entry.url)))
    return [*blocks, Paragraph(f"\n{why or 'loading…'}")]


def sheet_of_line(node: Node | None, branches: CatalogTreeModel) -> list[Block]:
    """Return the sheet of a line that is no entry."""
    match node:
        case TypeNode(kind, number):
            return [Title(TYPE_TITLES.get(kind, kind)), Paragraph(f"{number} in this dataset")]
        case GroupNode(key, title, note, detail):
            about = branches.about
            first = bool(branches.groups) and branches.groups[0].data is node
            if about is None or not first or branches.by_dataset:
                return [Title(title), Paragraph(note), Paragraph(f"\n{detail}" if detail else "")]
            known = document_sheet(about.document)[2:] if about.document else [Prose(about.description)]
            where = [FieldBlock("Source", about.kind.value), FieldBlock("Notes", detail)]
            return [
                Title(about.title or title),
                Paragraph(f"{title}: {note}" if key else note),
                *where,
                *known,
            ]
        case ActionNode(words):
            return [Paragraph(f"Enter: {words}")]
        case NoteNode(words) | MoreNode(words):
            return [Paragraph(words)]
        case Entry() | None:
            return []
