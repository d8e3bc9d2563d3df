"""How what a filter found is shown: marked in a label, or named beside it where the label lacks it."""

from __future__ import annotations

from collections.abc import Sequence

from ...text import one_line
from ..widgets.outline_view import LabelPiece, Pieces
from .hay import fields
from .near import fuzzy_match

LONGEST = 26
"""Characters of what is said of a match that the label does not show."""
_BEFORE = 6
"""Characters that are kept before a match that stands far back."""


class MatchHighlighter:
    """Looks at texts for the terms of a filter.

    Parameters
    ----------
    terms
        In lower case.
    closely
        Whether texts that come near a term hold it too.
    """

    def __init__(self, terms: Sequence[str] = (), *, closely: bool = False) -> None:
        self.terms = tuple(terms)
        self.closely = closely

    def places(self, text: str) -> list[int]:
        """Return which characters of a text the terms are found in, in order."""
        if not self.terms or not text:
            return []
        lower, whose = _folded(text)
        marked: set[int] = set()
        for term in self.terms:
            marked.update(self._of(term, lower))
        return sorted({whose[at] for at in marked} if whose else marked)

    def _of(self, term: str, lower: str) -> list[int]:
        places: list[int] = []
        at = lower.find(term)
        while at >= 0:
            places += range(at, at + len(term))
            at = lower.find(term, at + len(term))
        if not places and self.closely and (found := fuzzy_match(term, lower)) is not None:
            places += found.at
        return places

    def marked(self, text: str, look: str = "") -> Pieces:
        """Return a text in pieces, what was found marked."""
        marks = set(self.places(text))
        if not marks:
            return [LabelPiece(text, look)]
        pieces: Pieces = []
        start = 0
        for at in range(1, len(text) + 1):
            if at == len(text) or (at in marks) != (start in marks):
                pieces.append(LabelPiece(text[start:at], "found" if start in marks else look))
                start = at
        return pieces

    def unseen(self, hay: str, *shown: str) -> Pieces:
        """Return where the first term was found that none of the texts shown holds; empty for none.

        Parameters
        ----------
        hay
            What the filter looked at.
        shown
            What is to be seen of the entry.
        """
        seen = [_folded(text)[0] for text in shown]
        for term in self.terms:
            if any(self._of(term, text) for text in seen):
                continue
            for name, value in fields(hay):
                if places := self._of(term, value):
                    alone = MatchHighlighter((term,), closely=self.closely)
                    said = alone.marked(_cut(value, places[0], len(term)), "note")
                    return [LabelPiece(f"  {name}", "note"), LabelPiece(": ", "note"), *said]
        return []


NOTHING = MatchHighlighter()
"""Looks for nothing."""


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text for a search in any case and, where that is longer, which character each is of."""
    lower = text.casefold()
    if len(lower) == len(text):
        return lower, []
    return lower, [at for at, letter in enumerate(text) for _ in letter.casefold()]


def _cut(value: str, at: int, length: int) -> str:
    """Return as much of a value as is said, with what was found in it."""
    value = one_line(value)
    if len(value) <= LONGEST:
        return value
    if at + length < LONGEST:
        return f"{value[: LONGEST - 1]}…"
    start = max(min(at - _BEFORE, len(value) - LONGEST + 1), 1)
    rest = value[start:]
    return f"…{rest}" if len(rest) < LONGEST else f"…{rest[: LONGEST - 2]}…"
