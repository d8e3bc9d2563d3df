"""Pages of the tree of a static catalog: what is directly below a document."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from ...errors import RequestError, UnexpectedAnswer
from ...models import Collection, Document, Entry, EntryKind, Item
from ...text import one_line
from ..base import Page
from ..documents import ItemList
from .catalog_crawler import part_of
from .document_links import DocumentLink, Role
from .document_loader import DocumentLoader
from .document_urls import is_web, name_of, same

PAGE = 250
AGAIN = "this catalog leads back to itself: it is not opened a second time"
"""The note of a child that is its own ancestor."""
_REQUESTED_AT_ONCE = 32  # children of a server whose documents are wanted with the page
_MAX_NOTES = 20


class Tree:
    """Pages of entries.

    Entries of items are made of links; their documents are fetched when they are wanted. Documents of
    catalogs and collections come with the page: from the disk always, from a server as far as they arrive
    within `patience` seconds. One that cannot be read has a note.
    """

    def __init__(self, loader: DocumentLoader, *, patience: float = 0.7) -> None:
        self._loader = loader
        self._patience = patience
        self._parents: dict[str, set[str]] = {}

    async def below(self, url: str, *, link: str | None = None, size: int | None = None) -> Page[Entry]:
        """Return a page of what is below a document."""
        holder = await self._loader.holder(url)
        part = await part_of(self._loader, holder, _position(link), max(size or PAGE, 1))
        belongs = holder.id if not isinstance(holder, ItemList) and holder.made is Collection else ""
        entries = [
            Entry.of(one) if isinstance(one, Item) else self._entry(one, url, belongs) for one in part.found
        ]
        await self._read_children(part.found, entries)
        notes = part.notes if isinstance(holder, ItemList) or link else [*holder.notes, *part.notes]
        matched = len(holder.items) if isinstance(holder, ItemList) else None
        if not isinstance(holder, ItemList) and not holder.has(Role.LIST):
            matched = len(holder.links)
        following = f"{part.next[0]}:{part.next[1]}" if part.next else None
        said = tuple(dict.fromkeys(notes))[:_MAX_NOTES]
        return Page(tuple(entries), following, matched, part.skipped, notes=said)

    def _entry(self, found: DocumentLink, parent: str, belongs: str) -> Entry:
        title = found.title or one_line(name_of(found.url), 200)  # what is unquoted may hold anything
        if found.role is Role.ITEM:
            return Entry(EntryKind.ITEM, "", title, found.url, belongs)
        is_named_so = found.url.partition("?")[0].lower().endswith("/collection.json")
        kind = EntryKind.COLLECTION if is_named_so else EntryKind.CATALOG
        return Entry(kind, "", title, found.url, note=AGAIN if self._is_above(found.url, parent) else "")

    def _is_above(self, child: str, parent: str) -> bool:
        """Whether a child is one of its own ancestors by any way that was listed; else this way is noted.

        The ways noted never make a circle, so that every branch comes to an end.
        """
        parent = same(parent)
        seen, waiting = {parent}, [parent]
        while waiting:
            step = waiting.pop()
            if step == child:
                return True
            above = self._parents.get(step, set()) - seen
            seen |= above
            waiting.extend(above)
        self._parents.setdefault(child, set()).add(parent)
        return False

    async def _read_children(self, found: list[DocumentLink | Item], entries: list[Entry]) -> None:
        """Put the documents of catalogs and collections into their entries."""
        wanted = {
            one.url: at
            for at, one in enumerate(found)
            if isinstance(one, DocumentLink) and one.role is not Role.ITEM and not entries[at].note
        }
        local = [url for url in wanted if not is_web(url)]
        remote = [url for url in wanted if is_web(url)][:_REQUESTED_AT_ONCE]
        loaded = dict(zip(local, await self._loader.load(local), strict=True))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                loaded |= dict(zip(remote, await self._loader.load(remote), strict=True))
        for url, at in wanted.items():
            document = loaded.get(url) or self._loader.cached(url)
            if isinstance(document, RequestError):
                entries[at] = replace(entries[at], note=document.message)
            elif isinstance(document, Document):
                entries[at] = replace(Entry.of(document), url=url)


def _position(link: str | None) -> tuple[int, int]:
    """Return how many links are done, and how many items of the list that is next."""
    at, _, within = (link or "0:0").partition(":")
    if not (at.isascii() and at.isdigit() and within.isascii() and within.isdigit()):
        raise UnexpectedAnswer("the link to the next page is none of this listing")
    return int(at), int(within)
