"""Links: what a catalog or collection holds, in the order of the document, in little memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from ...http.urls import resolve_href, shown
from ...models import Document
from ...text import count, one_line
from .document_urls import is_member, is_web, same, split_member


class Role(IntEnum):
    """What a link leads to, by its `rel`."""

    CHILD = 0
    ITEM = 1
    LIST = 2


_PLAIN = re.compile(r"(?:\./)*([A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)")
_HOLDERS = ("/collection.json", "/catalog.json")
_ROLES = {"child": Role.CHILD, "item": Role.ITEM, "items": Role.LIST}


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """One link to what is below, with the place URL it leads to and its cleaned title, which may be empty."""

    role: Role
    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Children:
    """The links of one document to what is below it; hrefs are resolved when they are read.

    Of the document itself its URL, class and id; of its links what is wrong, a line each.
    """

    url: str
    made: type[Document]
    id: str
    notes: tuple[str, ...]
    _roles: bytes = field(repr=False)
    _hrefs: list[str] = field(repr=False)
    _titles: dict[int, str] = field(repr=False)

    @classmethod
    def of(cls, document: Document) -> Children:
        """Return the links of a document, each address once; what is no usable link is counted in the notes.

        Public catalogs link a child as JSON and as a page, in two spellings, or as item and as child: the
        first counts, and the page does not.
        """
        roles = bytearray()
        hrefs: list[str] = []
        titles: dict[int, str] = {}
        seen: dict[str, int] = {}
        folder = document.url.rpartition("/")[0] if "?" not in document.url else ""
        broken = 0
        for link in document.links:
            rel, href = link.get("rel"), link.get("href")
            role = _ROLES.get(rel.lower()) if isinstance(rel, str) else None
            if role is None or is_page(link.get("type")):
                continue
            if not isinstance(href, str) or not href.strip():
                broken += 1
                continue
            plain = _PLAIN.fullmatch(href) if folder else None
            # Most hrefs are so plain that they need not be parsed to be compared.
            address = f"{folder}/{plain[1]}" if plain else same(resolve_href(document.url, href))
            at = seen.setdefault(address, len(hrefs))
            if (title := link.get("title")) and isinstance(title, str):
                titles.setdefault(at, title)
            if at == len(hrefs):
                roles.append(role)
                hrefs.append(href)
            elif role is Role.CHILD and address.endswith(_HOLDERS):
                roles[at] = role
        notes = (f"{count(broken, 'link')} without an href",) if broken else ()
        return cls(document.url, type(document), document.id, notes, bytes(roles), hrefs, titles)

    def __len__(self) -> int:
        return len(self._hrefs)

    def __getitem__(self, at: int) -> DocumentLink:
        url = same(resolve_href(self.url, self._hrefs[at]))
        return DocumentLink(Role(self._roles[at]), url, one_line(self._titles.get(at)))

    def of_role(self, role: Role) -> Iterator[DocumentLink]:
        """Yield the links of one role in order."""
        at = self._roles.find(role)
        while at >= 0:
            yield self[at]
            at = self._roles.find(role, at + 1)

    def has(self, role: Role) -> bool:
        """Whether there is a link of a role."""
        return role in self._roles


def is_page(media_type: object) -> bool:
    """Whether the type of a link says that a browser is meant to show it."""
    return isinstance(media_type, str) and "html" in media_type.lower()


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
