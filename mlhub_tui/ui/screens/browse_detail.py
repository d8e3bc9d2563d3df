"""What the detail beside the tree says of the node under the cursor."""

from __future__ import annotations

from ..loading import Documents
from ..sheets.blocks import Block, Field, Identity, Paragraph, Title
from ..sheets.documents import (
    archive_words,
    collection_sheet,
    dataset_sheet,
    item_sheet,
    model_sheet,
    type_names,
)
from ..widgets.catalog import TYPE_TITLES
from ..widgets.nodes import (
    ActionNode,
    CollectionNode,
    DatasetNode,
    GroupNode,
    ItemNode,
    ModelNode,
    MoreNode,
    Node,
    NoteNode,
    TypeNode,
)


def sheet_of(node: Node | None, documents: Documents) -> list[Block]:
    """Return the sheet of a node, with what is known of it so far."""
    match node:
        case DatasetNode(_, dataset):
            return dataset_sheet(dataset)
        case CollectionNode():
            return _collection(node, documents)
        case ItemNode(_, ref):
            item = documents.item(ref)
            if item is not None:
                return item_sheet(item)
            why = documents.why_no_item(ref) or "loading…"
            return [Title(ref.label), Identity(ref.id), Paragraph(why)]
        case ModelNode(_, model):
            return model_sheet(model)
        case TypeNode(_, kind, number):
            return [Title(TYPE_TITLES.get(kind, kind)), Paragraph(f"{number} in this dataset")]
        case GroupNode(_, title, note, detail):
            return [Title(title), Paragraph(note), Paragraph(f"\n{detail}" if detail else "")]
        case ActionNode(_, words):
            return [Paragraph(f"Enter: {words}")]
        case NoteNode(_, words) | MoreNode(_, _, words):
            return [Paragraph(words)]
    return []


def _collection(node: CollectionNode, documents: Documents) -> list[Block]:
    ref = node.ref
    archive = documents.archive(ref.id)
    collection = documents.collection(ref.id)
    if collection is not None:
        return collection_sheet(collection, archive, ref.types, node.dataset.title)
    why = documents.why_no_collection(ref.id)
    return [
        Title(ref.label),
        Identity(ref.id),
        Field("Type", type_names(ref.types)),
        Field("Archive", archive_words(archive)),
        Field("Dataset", node.dataset.title),
        Paragraph(f"\n{why or 'loading…'}"),
    ]
