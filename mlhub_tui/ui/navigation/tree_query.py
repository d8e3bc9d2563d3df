"""Filter queries of the tree, facets with their counts, and sort orders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from .matching import FACETS

if TYPE_CHECKING:
    pass


_NAME = "tag|type|licen[cs]e|place|year|sensor|task|size"
_TOKEN = re.compile(rf"""(?:{_NAME})[=:](?:"[^"]*"?|\S*)|\S+""", re.IGNORECASE)
_FACET = re.compile(rf"""({_NAME})([=:])"?([^"]*)"?$""", re.IGNORECASE)
_DOI = re.compile(r"^(?:doi:|(?:https?://)?(?:dx\.)?doi\.org/)")
LABELS = {"type": {"source_imagery": "source imagery"}}
"""How values are written for people where they are not as received."""


@dataclass(frozen=True, slots=True)
class Facet:
    """Something that entries have in common.

    Parameters
    ----------
    name
        `tag`, `type`, `licence`, `place`, `year`, `sensor`, `task` or `size`.
    value
        What it is, without quotes.
    exact
        Whether it is that (`tag=crop`), or holds it (`tag:crop`).
    """

    name: str
    value: str
    exact: bool = True

    def written(self) -> str:
        """Return it as it stands in a filter."""
        value = self.value.replace('"', "")
        quoted = f'"{value}"' if not value or re.search(r"\s", value) else value
        return f"{self.name}{'=' if self.exact else ':'}{quoted}"

    def fits(self, traits: str) -> bool:
        """Whether an entry with these traits, in lower case and without quotes, is meant."""
        mark, value = FACETS[self.name], self.value.replace('"', "").casefold()
        if self.exact:
            return f"\n{mark}{value}\n" in f"\n{traits}"
        return re.search(f"{mark}[^\n]*{re.escape(value)}", traits) is not None


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: terms in lower case that must all be found, and facets that must all fit."""

    terms: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()

    def fits(self, traits: str) -> bool:
        """Whether an entry with these traits has what it is narrowed to."""
        plain = traits.casefold().replace('"', "")
        return all(facet.fits(plain) for facet in self.facets)


def parse(words: str) -> Query:
    """Return the query that somebody typed; a facet without a value, being typed, is none yet."""
    terms: list[str] = []
    facets: list[Facet] = []
    for token in _TOKEN.findall(words):
        facet = _facet(token)
        if facet is None:
            term = _DOI.sub("", token.casefold())
            terms += [term] if term else []
        elif facet.value:
            facets.append(facet)
    return Query(tuple(terms), tuple(facets))


def toggled(words: str, facet: Facet) -> str:
    """Return the words of a filter with a facet, or without it where it was there; facets stand first."""
    tokens = _TOKEN.findall(words)
    others = [token for token in tokens if not _same(_facet(token), facet)]
    return " ".join(others if len(others) < len(tokens) else [facet.written(), *others])


def to_type_on(words: str) -> str:
    """Return the words of a filter as one types on: a facet at the end is a word of its own."""
    tokens = _TOKEN.findall(words)
    return f"{words} " if tokens and _facet(tokens[-1]) is not None else words


def facets_of(words: str) -> list[Facet]:
    """Return the facets in the words of a filter."""
    return list(parse(words).facets)


def _facet(token: str) -> Facet | None:
    match = _FACET.match(token)
    if match is None:
        return None
    name = match[1].lower().replace("license", "licence")
    return Facet(name, match[3].strip(), match[2] == "=")


def _same(one: Facet | None, other: Facet) -> bool:
    if one is None:
        return False
    return (one.name, one.exact, one.value.casefold()) == (
        other.name,
        other.exact,
        other.value.replace('"', "").casefold(),
    )


TITLES = {
    "type": "Type",
    "task": "Task or kind of label",
    "place": "Country or continent",
    "year": "Year",
    "sensor": "Sensor",
    "size": "Size of the collection's files",
    "tag": "Tag or keyword",
    "licence": "Licence",
}
_NAMES = {mark: name for name, mark in FACETS.items()}
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


LISTED = ""
ORDERS = {LISTED: "as listed", "title": "by title", "id": "by id", "newest": "newest first"}
"""The orders by their names, in the order in which a key goes through them."""


def following(order: str) -> str:
    """Return the order after one."""
    names = list(ORDERS)
    return names[(names.index(order) + 1) % len(names)] if order in ORDERS else LISTED
