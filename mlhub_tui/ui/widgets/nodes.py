"""The nodes of the catalog tree: what each stands for and how it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from ...text import one_line
from .catalog import TYPE_TITLES, ItemListing, ItemRef, Key, Listing

if TYPE_CHECKING:
    from ...models import CollectionRef, Dataset, MLModel


class GroupNode(NamedTuple):
    """`Datasets` or `Models`, with a word on its state."""

    key: Key
    title: str
    note: str = ""
    detail: str = ""


class DatasetNode(NamedTuple):
    """A dataset."""

    key: Key
    dataset: Dataset


class TypeNode(NamedTuple):
    """The collections of one type of a dataset."""

    key: Key
    kind: str
    number: int


class CollectionNode(NamedTuple):
    """A collection as its dataset names it."""

    key: Key
    ref: CollectionRef
    dataset: Dataset


class ItemNode(NamedTuple):
    """An item."""

    key: Key
    item: ItemRef


class ModelNode(NamedTuple):
    """A model."""

    key: Key
    model: MLModel


class MoreNode(NamedTuple):
    """More items than were loaded: reached, it loads the next page."""

    key: Key
    collection_id: str
    words: str


class NoteNode(NamedTuple):
    """A word in the place of entries: loading, empty, or an error with its way out."""

    key: Key
    words: str
    error: bool = False
    collection_id: str = ""


class ActionNode(NamedTuple):
    """A way out where a listing failed: Enter takes it."""

    key: Key
    words: str
    action: str


Node = (
    ActionNode
    | GroupNode
    | DatasetNode
    | TypeNode
    | CollectionNode
    | ItemNode
    | ModelNode
    | MoreNode
    | NoteNode
)


def label(node: Node, terms: list[str]) -> Text:
    """Return the label of a node; what the filter found is underlined, so that it shows without colours."""
    match node:
        case GroupNode(_, title, note, _):
            return Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim"))
        case DatasetNode(_, dataset):
            return _found(Text(one_line(dataset.title)), terms)
        case TypeNode(_, kind, number):
            return Text.assemble((TYPE_TITLES.get(kind, kind), "italic"), (f" {number}", "dim"))
        case CollectionNode(_, ref):
            return _found(Text(ref.label), terms)
        case ItemNode(_, item):
            return Text(item.label)
        case ModelNode(_, model):
            return _found(Text(one_line(model.title)), terms)
        case ActionNode(_, words, _):
            return Text(words, "underline")
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


def state_words(listing: Listing, counted: str) -> str:
    """Return the word on a listing: how many there are, or why there are none."""
    if listing.loading:
        return "loading…"
    return "not loaded" if listing.error else counted


def shorten(text: Text, room: int, *, keep_end: bool) -> Text:
    """Return a label that fits; of an id the end is kept, which is what tells it from its neighbours."""
    if keep_end and text.cell_len == len(text):
        return Text("…", style=text.style) + text[len(text) - room + 1 :]
    text.truncate(room, overflow="ellipsis")
    return text


def progress_words(listing: ItemListing) -> str:
    """Return how far the items of a collection are loaded."""
    return f"{listing.words(len(listing.refs))} loaded, " + ("loading more…" if listing.loading else "more…")
