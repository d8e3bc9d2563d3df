"""The lines of the catalog tree that are no entries: groups, types, words, and ways on."""

from __future__ import annotations

from typing import NamedTuple

from .outline_view import LabelPiece, Pieces

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
