"""Details of the entries of the catalog tree, and of its other lines."""

from __future__ import annotations

from collections.abc import Sequence

from ...metadata.detail import (
    Block,
    FieldBlock,
    Heading,
    Identity,
    Paragraph,
    Prose,
    Title,
    document_detail,
    type_names,
)
from ...models import ArchiveInfo, Collection, Entry, EntryKind
from ...text import redact, size
from .loader import Documents
from .matching import facet_counts
from .nodes import (
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
from .tree_model import CatalogTreeModel

_LOOKED_AT = (
    2000  # entries whose facets are counted: a sum over a catalog of any size takes some milliseconds
)
_VALUES = 6  # of a facet


def archive_words(archive: ArchiveInfo | str | None) -> str:
    """Return what is known of an archive in words."""
    if archive is None:
        return "asking…"
    return archive if isinstance(archive, str) else size(archive.size)


def entry_detail(subject: TreeEntry, documents: Documents) -> list[Block]:
    """Return the detail of an entry, with what is known of it so far."""
    entry = subject.entry
    document, above = documents.of(entry), documents.above(entry)
    if isinstance(document, Collection) and documents.has_archives:
        types = subject.ref.types if subject.ref else ()
        dataset = subject.dataset.title if subject.dataset else ""
        archive = archive_words(documents.archive(document.id))
        return document_detail(document, archive=archive, types=types, dataset=dataset, above=above)
    if document is not None:
        return document_detail(document, above=above)
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


def line_detail(node: Node | None, tree_model: CatalogTreeModel) -> list[Block]:
    """Return the detail of a line that is no entry."""
    match node:
        case TypeNode(kind, number):
            return [
                Title(TYPE_TITLES.get(kind, kind)),
                Paragraph(f"{number} in this dataset; d downloads {'them' if number != 1 else 'it'}"),
            ]
        case GroupNode(key, title, note, detail):
            about = tree_model.about
            first = bool(tree_model.groups) and tree_model.groups[0].data is node
            listed = tree_model.entries(tree_model.groups[0]) if first else []
            facets = _most_frequent([row.facet_text for row in listed if row.facet_text])
            if about is None or not first or tree_model.by_dataset:
                return [Title(title), Paragraph(note), Paragraph(f"\n{detail}" if detail else ""), *facets]
            known = document_detail(about.document)[2:] if about.document else [Prose(about.description)]
            where = [FieldBlock("Source", about.kind.value), FieldBlock("Notes", detail)]
            return [
                Title(about.title or title),
                Paragraph(f"{title}: {note}" if key else note),
                *where,
                *known,
                *facets,
            ]
        case ActionNode(words):
            return [Paragraph(f"Enter: {words}")]
        case NoteNode(words) | MoreNode(words):
            return [Paragraph(words)]
        case Entry() | None:
            return []


def _most_frequent(facet_texts: Sequence[str]) -> list[Block]:
    """Return the most frequent values of each facet of a listing, as far as that is looked through."""
    shown = "{0.words} ({0.number:,})".format
    rows = [
        FieldBlock(
            name.capitalize(), ", ".join(map(shown, counts[:_VALUES])) + (", …" if counts[_VALUES:] else "")
        )
        for name, counts in facet_counts(facet_texts[:_LOOKED_AT]).items()
    ]
    return [Heading("Most frequent"), *rows, Paragraph("\nf narrows by these, / by words.")] if rows else []
