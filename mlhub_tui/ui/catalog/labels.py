"""Labels of the catalog tree: pieces with a look, what a filter found marked, cut to the room there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

from ...auth import Kind
from ...models import Entry, EntryKind
from ...text import one_line
from ..terminal.characters import NEARBY, cut, end_length, tail_room
from .matching import fields, fuzzy_match
from .nodes import TYPE_TITLES, ActionNode, GroupNode, MoreNode, NodeRow, NoteNode, TypeNode, Words

QUIET = ("quiet", "note")
"""Looks in the colour of what matters less: a dimmed one would be too faint to read."""
LOOKS = {
    "": Style(),
    "strong": Style(bold=True),
    "quiet": Style(),
    "type": Style(italic=True),
    "note": Style(italic=True),
    "action": Style(underline=True),
    "found": Style(underline=True, bold=True),
}
LONGEST = 26
"""Characters shown of a match in a field that the label does not show."""
_BEFORE = 6
"""Characters shown before a match that is far back in the text."""
STEP = 2
"""Cells of a level, and of the arrow before a label."""


class LabelPiece(NamedTuple):
    """A part of a label and its look."""

    text: str
    look: str = ""


Pieces = list[LabelPiece]


class MatchHighlighter:
    """Looks at texts for the terms of a filter.

    - `terms`: In lower case.
    - `closely`: Whether texts that come near a term hold it too.
    """

    def __init__(self, terms: Sequence[str] = (), *, closely: bool = False) -> None:
        self.terms, self.closely = tuple(terms), closely

    def _places(self, term: str, lower: str) -> list[int]:
        """Return which letters of a text in lower case a term is found in."""
        found = [at for match in re.finditer(re.escape(term), lower) for at in range(*match.span())]
        near = fuzzy_match(term, lower) if self.closely and not found else None
        return [*near.at] if near is not None else found

    def marked(self, text: str, look: str = "") -> Pieces:
        """Return a text in pieces, what was found marked."""
        lower = text.casefold()
        # In lower case a letter may be several: which one each of them is of.
        whose = [at for at, letter in enumerate(text) for _ in letter.casefold()]
        marks = {whose[at] for term in self.terms for at in self._places(term, lower)}
        if not marks:
            return [LabelPiece(text, look)]
        parts = groupby(enumerate(text), lambda one: one[0] in marks)
        return [
            LabelPiece("".join(letter for _, letter in letters), "found" if found else look)
            for found, letters in parts
        ]

    def unseen(self, searched: str, *shown: str) -> Pieces:
        """Return where the first term was found that none of the texts shown holds; empty for none.

        - `searched`: What the filter looked at.
        - `shown`: What is to be seen of the entry.
        """
        seen = [text.casefold() for text in shown]
        for term in self.terms:
            if any(self._places(term, text) for text in seen):
                continue
            for name, value in fields(searched):
                if places := self._places(term, value):
                    alone = MatchHighlighter((term,), closely=self.closely)
                    said = alone.marked(_cut(value, places[0], len(term)), "note")
                    return [LabelPiece(f"  {name}", "note"), LabelPiece(": ", "note"), *said]
        return []


NOTHING = MatchHighlighter()
"""Looks for nothing."""


def _cut(value: str, at: int, length: int) -> str:
    """Return a value cut to `LONGEST` characters, the match included."""
    value = one_line(value)
    if len(value) <= LONGEST:
        return value
    if at + length < LONGEST:
        return f"{value[: LONGEST - 1]}…"
    rest = value[max(min(at - _BEFORE, len(value) - LONGEST + 1), 1) :]
    return f"…{rest}" if len(rest) < LONGEST else f"…{rest[: LONGEST - 2]}…"


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


def entry_pieces(
    entry: Entry, highlighter: MatchHighlighter, searched: str, kind: Kind, room: int, *, whole: bool
) -> Pieces:
    """Return the pieces of an entry's label; what the filter found is marked without colours.

    An MLHub collection is known by its id and an item anywhere; the rest have titles to be read. A match in a
    field that the label does not show follows the label.

    - `highlighter`: Knows what the filter looks for.
    - `searched`: What it looked at; empty where the entry does not match.
    - `kind`: What the source speaks.
    - `room`: Cells for the label.
    - `whole`: Whether to show such a match in full though the label is cut for it.
    """
    more = one_line(entry.id)
    by_id = entry.kind is EntryKind.ITEM or (entry.kind is EntryKind.COLLECTION and kind is Kind.MLHUB)
    name = entry.label if by_id or not entry.title else entry.title
    # Not measured in cells: a title wider than it is long leaves no room for more.
    if more == name or kind is Kind.MLHUB or len(name) + 2 + len(more) > room:
        more = ""
    unseen = highlighter.unseen(searched, name, more) if searched and highlighter.terms else []
    space = room - sum(cell_len(text) for text, _ in unseen)
    if unseen and space < cell_len(name) and (not whole or space < room // 3):
        unseen = unseen[:1]  # the name of the field alone
        space = room - cell_len(unseen[0].text)
    pieces = highlighter.marked(name)
    if unseen:
        pieces = fitted(pieces, space, tail_room(space))
    if more and len(name) + 2 + len(more) <= space:
        pieces += [LabelPiece("  "), *highlighter.marked(more, "quiet")]
    return [*pieces, *unseen, *([LabelPiece(f"  ! {one_line(entry.note)}", "strong")] if entry.note else [])]


def plain_text(pieces: Pieces) -> str:
    """Return a label without looks."""
    return "".join(piece.text for piece in pieces)


def guides_of(row: NodeRow, width: int) -> str:
    """Return the lines that lead to a row; of very deep ones only the last."""
    parts, above = ["└ " if row.is_last else "├ "] if row.depth else [], row.parent
    while above is not None and above.depth > 0 and len(parts) * STEP < width:
        parts.append("  " if above.is_last else "│ ")
        above = above.parent
    guides = "".join(reversed(parts))
    return guides if len(guides) <= width // 2 else f"…{guides[1 - width // 2 :]}"


def tail_length(rows: Sequence[NodeRow], number: int, label: Pieces, room: int) -> int:
    """Return how many characters at the end of a row's label stay: names that begin alike may end apart."""
    row, text = rows[number], plain_text(label)
    if len(text) <= room or not isinstance(row.data, Entry) or row.data.note:
        return 0
    nearby = rows[max(number - NEARBY, 0) : number + NEARBY]
    beside = [one.data for one in nearby if one.parent is row.parent and isinstance(one.data, Entry)]
    names = [name for one in beside for name in (one.id, one.title)]
    return end_length(text, names, room, tail_room(room))


def fitted(pieces: Pieces, room: int, tail: int = 0) -> Pieces:
    """Return a label that fits into some cells: its start, and of its end the last `tail` characters.

    Where there is no room for both, some of those `tail` characters are cut as well.
    """
    text = plain_text(pieces)
    if len(text) <= room and cell_len(text) <= room:
        return pieces
    if room < 2:
        return []
    start, middle, end = cut(text, room, tail)
    found = [*_part(pieces, 0, len(start)), LabelPiece("…")]
    if middle:
        at = len(text) - tail
        found += [*_part(pieces, at, at + len(middle)), LabelPiece("…")]
    return [*found, *_part(pieces, len(text) - len(end), len(text))]


def _part(pieces: Pieces, start: int, stop: int) -> Pieces:
    """Return pieces from one character to another."""
    found: Pieces = []
    at = 0
    for text, look in pieces:
        if part := text[max(start - at, 0) : max(stop - at, 0)]:
            found.append(LabelPiece(part, look))
        at += len(text)
    return found
