"""What comes near a word that is found nowhere: its letters in order, in a few pieces.

`knya` comes near `kenya`, and `kencrop` near `Kenya Crop Type`. In fzf and k9s what holds a word goes before
what only comes near it; here it goes alone: what comes near is looked for where nothing holds the words.
"""

from __future__ import annotations

from typing import NamedTuple

SHORTEST = 3
"""Letters; fewer are in almost any text."""
_LONGEST = 40
_SKIPPED = 3
"""Letters left out in the middle of a word, at most."""


class FuzzyMatch(NamedTuple):
    """Where the letters of a word are in a text."""

    pieces: int
    at: tuple[int, ...]


def pieces_allowed(term: str) -> int:
    """Return in how many pieces a word may be found: 2 of `knya`, 3 of `kencrop`."""
    return 1 + len(term) // 3


def fuzzy_match(term: str, text: str) -> FuzzyMatch | None:
    """Return where a text comes near a word in the fewest pieces; None where it does not.

    The first piece begins with a word of the text. Each further one begins with a later word too, or stands
    in the same word after up to three letters that were left out. A number is not taken apart.

    Parameters
    ----------
    term, text
        In lower case; the text is one field.
    """
    if not SHORTEST <= len(term) <= _LONGEST or not in_order(term, text):
        return None
    starts: dict[str, list[int]] = {}
    for at, letter in enumerate(text):
        if begins_word(text, at):
            starts.setdefault(letter, []).append(at)
    failed: dict[tuple[int, int], int] = {}

    def rest(number: int, at: int, pieces: int) -> tuple[int, ...] | None:
        """Return where the letters from `number` on are behind a place, in so many more pieces at most."""
        if number == len(term):
            return ()
        if failed.get((number, at), -1) >= pieces:
            return None
        letter = term[number]
        if text[at : at + 1] == letter and (more := rest(number + 1, at + 1, pieces)) is not None:
            return (at, *more)
        if pieces and not (letter.isdigit() and term[number - 1].isdigit()):
            for place in _next_places(text, letter, at, starts):
                if (more := rest(number + 1, place + 1, pieces - 1)) is not None:
                    return (place, *more)
        failed[number, at] = pieces
        return None

    for pieces in range(pieces_allowed(term)):
        for start in starts.get(term[0], ()):
            if (more := rest(1, start + 1, pieces)) is not None:
                return FuzzyMatch(pieces + 1, (start, *more))
    return None


def in_order(term: str, text: str) -> bool:
    """Whether all letters of a word come in a text, in order: a cheap look before a close one."""
    at = -1
    for letter in term:
        at = text.find(letter, at + 1)
        if at < 0:
            return False
    return True


def begins_word(text: str, at: int) -> bool:
    """Whether a word begins at a place of a text."""
    if not text[at].isalnum():
        return False
    return at == 0 or not text[at - 1].isalnum() or text[at].isdigit() != text[at - 1].isdigit()


def _next_places(text: str, letter: str, at: int, starts: dict[str, list[int]]) -> list[int]:
    """Return where a letter may begin the next piece, the nearest first."""
    places = [place for place in starts.get(letter, ()) if place > at]
    for place in range(at + 1, min(at + 1 + _SKIPPED, len(text))):
        if not text[at:place].isalpha():
            break
        if text[place] == letter and place not in places:
            places.append(place)
    return sorted(places)
