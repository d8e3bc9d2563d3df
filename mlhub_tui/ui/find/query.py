"""The words of a filter: what is searched for, and the facets that narrow it, `tag=crops type=labels`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .hay import FACETS

_TOKEN = re.compile(r"""(?:tag|type|licen[cs]e)[=:](?:"[^"]*"?|\S*)|\S+""", re.IGNORECASE)
_FACET = re.compile(r"""(tag|type|licen[cs]e)([=:])"?([^"]*)"?$""", re.IGNORECASE)
_DOI = re.compile(r"^(?:doi:|(?:https?://)?(?:dx\.)?doi\.org/)")
LABELS = {"type": {"source_imagery": "source imagery"}}
"""How values are written for people where they are not as received."""


@dataclass(frozen=True, slots=True)
class Facet:
    """Something that entries have in common.

    Parameters
    ----------
    name
        `tag`, `type` or `licence`.
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


def without_facets(words: str) -> str:
    """Return the words of a filter without its facets."""
    return " ".join(token for token in _TOKEN.findall(words) if _facet(token) is None)


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
