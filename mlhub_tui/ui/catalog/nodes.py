"""Nodes of the catalog tree and their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from ...auth import Kind
from ...models import Entry, EntryKind
from ...models.document import UNREADABLE
from ...text import one_line
from .outline import LabelPiece, Pieces, fitted

if TYPE_CHECKING:
    from ...models import CollectionRef, Dataset
    from ..navigation.matching import MatchHighlighter


OTHER = "other"
TYPE_TITLES = {"source_imagery": "Source imagery", "labels": "Labels", OTHER: "Other collections"}
MODELS = "models"


class GroupNode(NamedTuple):
    """A listing at the top of the tree, with a word on its state and, for the detail, all that is known."""

    key: str
    title: str
    note: str = ""
    detail: str = ""


class TypeNode(NamedTuple):
    """The collections of one type of an MLHub dataset."""

    kind: str
    number: int


class MoreNode(NamedTuple):
    """More entries than were loaded: reached, it loads the next page."""

    words: str


class NoteNode(NamedTuple):
    """A word in the place of entries: loading, empty, or an error; `retry` where Enter tries again."""

    words: str
    error: bool = False
    retry: bool = False


class ActionNode(NamedTuple):
    """A way out where a listing failed: Enter takes it."""

    words: str
    action: str


Words = GroupNode | TypeNode | MoreNode | NoteNode | ActionNode


def word_pieces(node: Words) -> Pieces:
    """Return the pieces of the label of a line that is no entry."""
    match node:
        case GroupNode(_, title, note):
            return [LabelPiece(title, "strong"), LabelPiece(f"  {note}" if note else "", "quiet")]
        case TypeNode(name, number):
            return [LabelPiece(TYPE_TITLES.get(name, name), "type"), LabelPiece(f" {number}", "quiet")]
        case ActionNode(words):
            return [LabelPiece(words, "action")]
        case MoreNode(words):
            return [LabelPiece(words, "note")]
        case NoteNode(words, error):
            return [LabelPiece(f"! {words}" if error else words, "strong" if error else "note")]


Node = Entry | Words


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry with what the tree knows around it.

    Parameters
    ----------
    entry
        The entry.
    ref
        A collection as its MLHub dataset names it.
    dataset
        The MLHub dataset it belongs to.
    parent
        The collection or catalog that it was found in.
    """

    entry: Entry
    ref: CollectionRef | None = None
    dataset: Dataset | None = None
    parent: Entry | None = None

    @property
    def label(self) -> str:
        """Its id as it may be drawn; empty where none is known yet."""
        return entry_id(self.entry)

    @property
    def is_document(self) -> bool:
        """Whether it has a screen of its own; an MLHub dataset is a line that opens."""
        return self.entry.kind is not EntryKind.DATASET


def node_key(node: Node, kind: Kind) -> str:
    """Return what tells a node from its siblings, the same after a reload."""
    match node:
        case Entry():
            return f"{node.kind}:{identity(node, kind)}"
        case GroupNode(key):
            return f"group:{key}"
        case TypeNode(name):
            return f"type:{name}"
    return type(node).__name__


def identity(entry: Entry, kind: Kind) -> str:
    """Return what an entry is known by: in a static catalog its URL, elsewhere its id."""
    return entry.url or entry.id if kind is Kind.STATIC else entry.id or entry.url


def entry_words(entry: Entry, kind: Kind) -> tuple[str, str]:
    """Return what an entry is called, and its id where that says more; both as they may be drawn.

    An MLHub collection is known by its id and an item anywhere; the rest have titles to be read.
    """
    identity = one_line(entry.id)
    by_id = entry.kind is EntryKind.ITEM or (entry.kind is EntryKind.COLLECTION and kind is Kind.MLHUB)
    if by_id or not entry.title or entry.title == identity:
        return entry.label, ""
    return entry.title, "" if kind is Kind.MLHUB else identity


def entry_pieces(
    entry: Entry, highlighter: MatchHighlighter, searched: str, kind: Kind, room: int, *, whole: bool
) -> Pieces:
    """Return the pieces of an entry's label; what the filter found is marked without colours.

    A match in a field that the label does not show follows the label.

    Parameters
    ----------
    entry
        The entry.
    highlighter
        Knows what the filter looks for.
    searched
        What it looked at; empty where the entry does not match.
    kind
        What the source speaks.
    room
        Cells for the label.
    whole
        Whether to show such a match in full though the label is cut for it.
    """
    name, more = entry_words(entry, kind)
    # Not measured in cells: a title wider than it is long leaves no room for more.
    if more and len(name) + 2 + len(more) > room:
        more = ""
    unseen = highlighter.unseen(searched, name, more) if searched and highlighter.terms else []
    space = room - sum(cell_len(text) for text, _ in unseen)
    if unseen and space < cell_len(name) and (not whole or space < room // 3):
        unseen = unseen[:1]  # the name of the field alone
        space = room - cell_len(unseen[0].text)
    pieces = fitted(highlighter.marked(name), space, middle=True) if unseen else highlighter.marked(name)
    if more and len(name) + 2 + len(more) <= space:
        pieces += [LabelPiece("  "), *highlighter.marked(more, "quiet")]
    return [*pieces, *unseen, *([LabelPiece(f"  ! {one_line(entry.note)}", "strong")] if entry.note else [])]


def entry_id(entry: Entry) -> str:
    """Return the id of an entry as it may be drawn; empty where none is known yet."""
    return (one_line(entry.id) or UNREADABLE) if entry.id else ""
