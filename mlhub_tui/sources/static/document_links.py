"""Links: what a catalog or collection holds, in the order of the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ...http.urls import resolve_href, shown
from ...models import Document
from ...text import count, one_line
from ..documents import is_page
from .document_urls import is_member, is_web, same, split_member


class Role(Enum):
    """What a link leads to: its `rel`."""

    CHILD = "child"
    ITEM = "item"
    LIST = "items"
    EITHER = "child and item"


_ROLES = {role.value: role for role in (Role.CHILD, Role.ITEM, Role.LIST)}
_PLAIN = re.compile(r"(?:\./)*([A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)")


class DocumentLink(NamedTuple):
    """One link to what is below, with the place URL it leads to and its cleaned title, which may be empty."""

    role: Role
    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Children:
    """The links of one document to what is below it; `notes` say what is wrong with some, a line each."""

    url: str
    made: type[Document]
    id: str
    links: tuple[DocumentLink, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, document: Document) -> Children:
        """Return the links of a document, each address once; what is no usable link is counted in the notes.

        Public catalogs link a child as JSON and as a page, in two spellings, or as item and as child: the
        page is left out, and only the document tells which of both it is.
        """
        found: dict[str, DocumentLink] = {}
        folder = document.url.rpartition("/")[0] if "?" not in document.url else ""
        broken = 0
        for link in document.links:
            rel, href, title = link.get("rel"), link.get("href"), link.get("title")
            role = _ROLES.get(rel.lower()) if isinstance(rel, str) else None
            if role is None or is_page(link.get("type")):
                continue
            if not isinstance(href, str) or not href.strip():
                broken += 1
                continue
            plain = _PLAIN.fullmatch(href) if folder else None
            # Most hrefs are so plain that they need not be parsed.
            url = f"{folder}/{plain[1]}" if plain else same(resolve_href(document.url, href))
            title = one_line(title) if title and isinstance(title, str) else ""
            if (known := found.get(url)) is not None:
                both = {role, known.role} >= {Role.CHILD, Role.ITEM} or known.role is Role.EITHER
                role = Role.EITHER if both else known.role
                title = known.title or title
            found[url] = DocumentLink(role, url, title)
        notes = (f"{count(broken, 'link')} without an href",) if broken else ()
        return cls(document.url, type(document), document.id, tuple(found.values()), notes)

    def of_role(self, *roles: Role) -> Iterator[DocumentLink]:
        """Yield the links of some roles in order."""
        return (link for link in self.links if link.role in roles)

    def has(self, *roles: Role) -> bool:
        """Whether there is a link of some roles."""
        return any(self.of_role(*roles))


def refusal(document_url: str, url: str) -> str:
    """Return why a link is not followed, in a sentence; empty where it may be.

    A server must not make anybody read files of their own, nor an archive what is not in it.
    """
    if is_web(url):
        return ""
    if is_member(document_url):
        inside = is_member(url) and split_member(url)[0] == split_member(document_url)[0]
        return "" if inside else f"a link out of the archive is not followed: {shown(url)}"
    if not url.startswith("file:"):
        return f"a link that cannot be followed: {shown(url)}"
    return f"a link to a file of this machine is not followed: {shown(url)}" if is_web(document_url) else ""
