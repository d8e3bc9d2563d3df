"""The tree of a static catalog: pages of what is directly below, made of links alone where they are many."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace

from ...errors import RequestError, UnexpectedAnswer
from ...models import Collection, Document, Entry, EntryKind
from ...text import one_line
from ..base import Page
from .document_urls import is_web, name_of, same
from .documents import DocumentLoader
from .links import Children, Link, Role, refusal
from .parse import ItemList

PAGE = 250
AGAIN = "this catalog leads back to itself: it is not opened a second time"
"""The note of a child that is its own ancestor."""
_ASKED_AT_ONCE = 32  # children of a server whose documents are wanted with the page
_MOST_NOTES = 20


@dataclass
class _Draft:
    """A page while it is made."""

    entries: list[Entry] = field(default_factory=list)
    links: dict[int, Link] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: int = 0
    next: str | None = None

    def page(self, matched: int | None) -> Page[Entry]:
        notes = tuple(dict.fromkeys(self.notes))[:_MOST_NOTES]
        return Page(tuple(self.entries), self.next, matched, self.skipped, notes=notes)


class Tree:
    """Pages of entries.

    A page of items is made of links, whatever their number; their documents are fetched one by one when they
    are wanted. Documents of catalogs and collections come with the page: from the disk always, from a server
    as far as they arrive within the patience. One that cannot be read has a note and the rest is listed.

    Parameters
    ----------
    library
        Where documents come from.
    patience
        Seconds to wait for documents of children.
    """

    def __init__(self, library: DocumentLoader, *, patience: float = 0.7) -> None:
        self._library = library
        self._patience = patience
        self._above: dict[str, set[str]] = {}

    async def below(self, url: str, *, link: str | None = None, size: int | None = None) -> Page[Entry]:
        """Return a page of what is below a document.

        Raises
        ------
        RequestError
            If the document cannot be read, or the link is none of this listing.
        """
        holder = await self._library.holder(url)
        at, within = _parsed(link)
        size = max(size or PAGE, 1)
        draft = _Draft()
        if isinstance(holder, ItemList):
            within = self._take(holder, within, size, draft)
            draft.next = f"0:{within}" if within else None
            return draft.page(len(holder.items))
        if link is None:
            draft.notes.extend(holder.notes)
        await self._fill(holder, url, at, within, size, draft)
        await self._read_children(draft)
        return draft.page(None if holder.has(Role.LIST) else len(holder))

    async def _fill(self, holder: Children, url: str, at: int, within: int, size: int, draft: _Draft) -> None:
        belongs = holder.id if holder.made is Collection else ""
        while at < len(holder) and len(draft.entries) < size:
            found = holder[at]
            why = refusal(holder.url, found.url)
            if why:
                draft.notes.append(why)
                draft.skipped += 1
            elif found.role is Role.LIST:
                within = await self._splice(found, within, size, draft)
                if within:
                    break
            else:
                draft.links[len(draft.entries)] = found
                draft.entries.append(self._entry(found, url, belongs))
            at += 1
        draft.next = f"{at}:{within}" if at < len(holder) else None

    async def _splice(self, found: Link, within: int, size: int, draft: _Draft) -> int:
        """Put the items of a list in its place; return how far into the list the page goes, 0 for all."""
        try:
            holder = await self._library.holder(found.url)
        except RequestError as error:
            title = _title(found)
            draft.entries.append(Entry(EntryKind.ITEM, "", title, found.url, note=error.message))
            return 0
        if isinstance(holder, ItemList):
            return self._take(holder, within, size, draft)
        draft.entries.append(Entry(EntryKind.CATALOG, "", _title(found), found.url))
        return 0

    def _take(self, holder: ItemList, within: int, size: int, draft: _Draft) -> int:
        items = holder.items[within : within + size - len(draft.entries)]
        draft.entries.extend(Entry.of(item) for item in items)
        end = within + len(items)
        if end < len(holder.items):
            return end
        draft.skipped += holder.skipped
        return 0

    def _entry(self, found: Link, parent: str, belongs: str) -> Entry:
        title = _title(found)
        if found.role is Role.ITEM:
            return Entry(EntryKind.ITEM, "", title, found.url, belongs)
        looks = found.url.partition("?")[0].lower().endswith("/collection.json")
        kind = EntryKind.COLLECTION if looks else EntryKind.CATALOG
        note = AGAIN if self._is_above(found.url, parent) else ""
        return Entry(kind, "", title, found.url, note=note)

    def _is_above(self, child: str, parent: str) -> bool:
        """Whether a child is one of its own ancestors by any way that was listed; else this way is one.

        The ways that are remembered never make a circle, so that every branch comes to an end.
        """
        parent = same(parent)
        seen, waiting = {parent}, [parent]
        while waiting:
            step = waiting.pop()
            if step == child:
                return True
            above = self._above.get(step, set()) - seen
            seen |= above
            waiting.extend(above)
        self._above.setdefault(child, set()).add(parent)
        return False

    async def _read_children(self, draft: _Draft) -> None:
        """Put the documents of catalogs and collections into their entries."""
        wanted = {
            at: link
            for at, link in draft.links.items()
            if link.role is Role.CHILD and not draft.entries[at].note
        }
        local = [link.url for link in wanted.values() if not is_web(link.url)]
        remote = [link.url for link in wanted.values() if is_web(link.url)][:_ASKED_AT_ONCE]
        loaded = dict(zip(local, await self._library.load(local), strict=True))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                loaded |= dict(zip(remote, await self._library.load(remote), strict=True))
        for at, link in wanted.items():
            found = loaded.get(link.url) or self._library.known(link.url)
            entry = draft.entries[at]
            if isinstance(found, RequestError):
                draft.entries[at] = replace(entry, note=found.message)
            elif isinstance(found, Document):
                draft.entries[at] = replace(Entry.of(found), url=link.url)


def _title(found: Link) -> str:
    """Return what a link or its URL calls a document; what is unquoted may hold anything."""
    return found.title or one_line(name_of(found.url), 200)


def _parsed(link: str | None) -> tuple[int, int]:
    """Return how many links are done, and how many items of the list that is next."""
    if link is None:
        return 0, 0
    at, _, within = link.partition(":")
    if not (at.isascii() and at.isdigit() and within.isascii() and within.isdigit()):
        raise UnexpectedAnswer("the link to the next page is none of this listing")
    return int(at), int(within)
