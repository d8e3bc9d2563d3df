"""What all documents share: a raw JSON object and tolerant, cleaned access to its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import UnexpectedAnswer
from ..text import clean, one_line

JsonDict = dict[str, Any]
_NO_DATA = re.compile(r"html|xml|^image/|^text/plain")  # media types


def identity(value: object) -> str:
    """Return an id as text, empty where it is none; databases and data frames write numbers."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number or isinstance(value, str) else ""


def links_of(raw: Mapping[str, Any], *relations: str, pages: bool = False) -> list[JsonDict]:
    """Return the links of a document that lead to data; `pages` for browsers and the like are left out.

    Relations are compared without case (RFC 8288, section 2.1.1).
    """
    links = raw.get("links")
    return [
        link
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and str(link.get("rel")).strip().lower() in relations
        if isinstance(href := link.get("href"), str) and href.strip()
        if pages or not _NO_DATA.search(str(link.get("type")).lower())
    ]


@dataclass(frozen=True, slots=True)
class Provider:
    """Who made, licenses or hosts the data (STAC Collection spec, Provider Object)."""

    name: str
    roles: tuple[str, ...] = ()
    url: str = ""
    email: str = ""


@dataclass(frozen=True, repr=False)
class Document:
    """A JSON object with an id.

    - `raw`: The object as received; never changed.
    - `url`: Where it was fetched from, without keys: what its relative links and hrefs resolve against (not
      its `self` link, which is often wrong); empty where that is not known.
    """

    raw: JsonDict = field(repr=False)
    url: str = field(default="", kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.raw, dict) or not identity(self.raw.get("id")):
            kind = type(self).__name__.lower()
            raise UnexpectedAnswer(f"the server sent a {kind} without an id")

    @property
    def id(self) -> str:
        """The identity as received, of a number its digits; clean it before drawing (`label`)."""
        return identity(self.raw["id"])

    @property
    def label(self) -> str:
        """The id as it may be drawn."""
        return one_line(self.id) or UNREADABLE

    @property
    def fields(self) -> Mapping[str, Any]:
        """Where descriptive fields are: the object itself, or an item's properties."""
        return self.raw

    @property
    def title(self) -> str:
        """The title on one line; the id where there is none."""
        return self.line("title") or self.label

    @property
    def description(self) -> str:
        """The description, possibly Markdown, possibly many lines."""
        return self.text("description").strip()

    def text(self, key: str) -> str:
        """Return a field as cleaned text, empty where it is missing, null or no scalar."""
        value = self.fields.get(key)
        return clean(value) if isinstance(value, str | int | float) else ""

    def line(self, key: str) -> str:
        """Return a field as cleaned text on one line."""
        return one_line(self.text(key))

    def lines(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, cleaned; a bare string counts as a list of one."""
        return _strings(self.fields.get(key))

    def objects(self, key: str) -> list[JsonDict]:
        """Return the JSON objects in a list field; anything else in it is left out."""
        value = self.fields.get(key)
        return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The providers in order, each once, roles of a repeated one merged."""
        merged: dict[tuple[str, str], Provider] = {}
        for entry in self.objects("providers"):
            name, url = one_line(entry.get("name")), one_line(entry.get("url"))
            known = merged.get((name, url), Provider(name, (), url, one_line(entry.get("email"))))
            roles = tuple(dict.fromkeys((*known.roles, *_strings(entry.get("roles")))))
            merged[(name, url)] = Provider(name, roles, url, known.email)
        return tuple(merged.values())

    @property
    def links(self) -> list[JsonDict]:
        """The link objects as received."""
        value = self.raw.get("links")
        return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []

    @property
    def license(self) -> str:
        """The licence as the document has it: an SPDX id, `proprietary`, or a Markdown link."""
        return self.line("license")

    @property
    def doi(self) -> str:
        """The DOI without its resolver: `10.34911/rdnt.dw605x`; empty where there is none."""
        value = self.line("sci:doi") or self.line("doi")
        return value.removeprefix("https://doi.org/").removeprefix("http://doi.org/").removeprefix("doi:")

    @property
    def citation(self) -> str:
        """The citation on one line; empty where there is none."""
        return self.line("sci:citation") or self.line("citation")

    def __str__(self) -> str:
        return f"{self.label}: {self.title}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label!r})"

    def __hash__(self) -> int:
        return hash((type(self), self.id))


UNREADABLE = "(unreadable id)"
"""What is drawn of an id of which nothing may be drawn."""
LARGEST_SIZE = 2**63 - 1
"""Bytes; no file is larger, and it is the largest integer of SQLite and of file systems."""


def _size(value: object) -> int | None:
    """Return a JSON value that should be a number of bytes, or None where it cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SIZE:
        return value
    return None


def _strings(value: object) -> tuple[str, ...]:
    """Return the non-empty strings of a JSON value that should be a list of strings."""
    entries = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(text for entry in entries if isinstance(entry, str) and (text := one_line(entry)))
