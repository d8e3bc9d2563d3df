"""The nodes of the catalog tree: what each stands for and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ...models import CollectionRef, Dataset, MLModel
from ...text import one_line
from .catalog import TYPE_TITLES, ItemRef, Key


@dataclass(frozen=True, slots=True)
class GroupNode:
    """`Datasets` or `Models`, with a word on its state."""

    key: Key
    title: str
    note: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DatasetNode:
    """A dataset."""

    key: Key
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class TypeNode:
    """The collections of one type of a dataset."""

    key: Key
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class CollectionNode:
    """A collection as its dataset names it."""

    key: Key
    ref: CollectionRef
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class ItemNode:
    """An item."""

    key: Key
    item: ItemRef


@dataclass(frozen=True, slots=True)
class ModelNode:
    """A model."""

    key: Key
    model: MLModel


@dataclass(frozen=True, slots=True)
class MoreNode:
    """More items than were loaded: reached, it loads the next page."""

    key: Key
    collection_id: str
    words: str


@dataclass(frozen=True, slots=True)
class NoteNode:
    """A word in the place of entries: loading, empty, or an error with its way out."""

    key: Key
    words: str
    error: bool = False
    collection_id: str = ""


Node = GroupNode | DatasetNode | TypeNode | CollectionNode | ItemNode | ModelNode | MoreNode | NoteNode


def label(node: Node, terms: list[str]) -> Text:
    """Return the label of a node; what the filter found is underlined, so that it shows without colours."""
    match node:
        case GroupNode(_, title, note, _):
            return Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim"))
        case DatasetNode(_, dataset):
            return _found(Text(one_line(dataset.title)), terms)
        case TypeNode(_, kind, count):
            return Text.assemble((TYPE_TITLES.get(kind, kind), "italic"), (f" {count}", "dim"))
        case CollectionNode(_, ref):
            return _found(Text(ref.label), terms)
        case ItemNode(_, item):
            return Text(item.label)
        case ModelNode(_, model):
            return _found(Text(one_line(model.title)), terms)
        case MoreNode(_, _, words):
            return Text(words, "dim italic")
        case NoteNode(_, words, error):
            return Text(f"! {words}" if error else words, "bold" if error else "dim italic")


def node_id(node: Node | None) -> str:
    """Return the id of what a node stands for, as it may be drawn; empty where it has none."""
    match node:
        case DatasetNode(_, dataset):
            return dataset.label
        case CollectionNode(_, ref):
            return ref.label
        case ItemNode(_, item):
            return one_line(item.id)
        case ModelNode(_, model):
            return model.label
    return ""


def _found(text: Text, terms: list[str]) -> Text:
    if terms:
        text.highlight_words(terms, style="underline bold", case_sensitive=False)
    return text
