"""What the entries of a tree have in common, with how many have it: tags, types and licences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from .hay import LICENCE, TAG, TYPE
from .query import Facet

TITLES = {"type": "Type", "tag": "Tag or keyword", "licence": "Licence"}
_NAMES = {TYPE: "type", TAG: "tag", LICENCE: "licence"}
_WORDS = {("type", "source_imagery"): "source imagery"}
MOST = 500
"""Values of a kind that are offered, the most frequent first."""


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A facet with how many entries have it.

    Parameters
    ----------
    facet
        The facet.
    number
        How many entries there would be with it.
    words
        What it is called.
    """

    facet: Facet
    number: int
    words: str


def facet_counts(traits: Iterable[str], chosen: Iterable[Facet] = ()) -> dict[str, list[FacetCount]]:
    """Return what entries can be narrowed by, the most frequent first, and in any case what is chosen.

    Parameters
    ----------
    traits
        Those of the entries that are shown now.
    chosen
        The facets they are narrowed by.
    """
    counted = Counter(chain.from_iterable(text.split("\n") for text in traits if text))
    found: dict[str, list[FacetCount]] = {name: [] for name in TITLES}
    seen: set[tuple[str, str]] = set()
    for line, number in counted.most_common():
        name, value = _NAMES.get(line[:1], ""), line[1:]
        mark = (name, value.casefold())
        if name and value and mark not in seen and len(found[name]) < MOST:
            seen.add(mark)
            found[name].append(FacetCount(Facet(name, value), number, _words(name, value)))
    for facet in chosen:
        if facet.exact and (facet.name, facet.value.casefold()) not in seen:
            found[facet.name].append(FacetCount(facet, 0, _words(facet.name, facet.value)))
    for several in found.values():
        several.sort(key=lambda one: (-one.number, one.words.casefold()))
    return {name: several for name, several in found.items() if several}


def _words(name: str, value: str) -> str:
    return _WORDS.get((name, value), value)
