"""Pages of the tree of a static catalog: what is directly below a document."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace

from ...errors import RequestError, UnexpectedAnswer
from ...models import Collection, Document, Entry, EntryKind
from ...text import one_line
from ..base import Page
from ..documents import ItemList
from .document_links import DocumentLink, Role, refusal
from .document_loader import DocumentLoader
from .document_urls import is_web, name_of, same

PAGE = 250
AGAIN = "this catalog leads back to itself: it is not opened a second time"
"""The note of a child that is its own ancestor."""
_REQUESTED_AT_ONCE = 32  # children of a server whose documents are wanted with the page
_MAX_NOTES = 20


@dataclass
class _Draft:
    """A page while it is made; `links` by the index of their entry."""

    size: int
    entries: list[Entry] = field(default_factory=list)
    links: dict[int, DocumentLink] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: int = 0

    def take(self, holder: ItemList, within: int) -> int:
        """Add items of a list; return how far into it the page goes, 0 for all."""
        items = holder.items[within : within + self.size - len(self.entries)]
        self.entries.extend(Entry.of(item) for item in items)
        end = within + len(items)
        if end < len(holder.items):
            return end
        self.skipped += holder.skipped
        return 0

    def page(self, next_: str | None, matched: int | None) -> Page[Entry]:
        notes = tuple(dict.fromkeys(self.notes))[:_MAX_NOTES]
        return Page(tuple(self.entries), next_, matched, self.skipped, notes=notes)


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
        at, within = _parsed(link)
        draft = _Draft(max(size or PAGE, 1))
        if isinstance(holder, ItemList):
            within = draft.take(holder, within)
            return draft.page(f"0:{within}" if within else None, len(holder.items))
        if link is None:
            draft.notes.extend(holder.notes)
        belongs = holder.id if holder.made is Collection else ""
        while at < len(holder) and len(draft.entries) < draft.size:
            found = holder[at]
            if why := refusal(holder.url, found.url):
                draft.notes.append(why)
                draft.skipped += 1
            elif found.role is Role.LIST:
                within = await self._splice(found, within, draft)
                if within:
                    break
            else:
                draft.links[len(draft.entries)] = found
                draft.entries.append(self._entry(found, url, belongs))
            at += 1
        await self._read_children(draft)
        matched = None if holder.has(Role.LIST) else len(holder)
        return draft.page(f"{at}:{within}" if at < len(holder) else None, matched)

    async def _splice(self, found: DocumentLink, within: int, draft: _Draft) -> int:
        """Put the items of a list in its place; return how far into the list the page goes, 0 for all."""
        try:
            holder = await self._loader.holder(found.url)
        except RequestError as error:
            draft.entries.append(Entry(EntryKind.ITEM, "", _title(found), found.url, note=error.message))
            return 0
        if isinstance(holder, ItemList):
            return draft.take(holder, within)
        draft.entries.append(Entry(EntryKind.CATALOG, "", _title(found), found.url))
        return 0

    def _entry(self, found: DocumentLink, parent: str, belongs: str) -> Entry:
        if found.role is Role.ITEM:
            return Entry(EntryKind.ITEM, "", _title(found), found.url, belongs)
        is_named_so = found.url.partition("?")[0].lower().endswith("/collection.json")
        kind = EntryKind.COLLECTION if is_named_so else EntryKind.CATALOG
        return Entry(
            kind, "", _title(found), found.url, note=AGAIN if self._is_above(found.url, parent) else ""
        )

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

    async def _read_children(self, draft: _Draft) -> None:
        """Put the documents of catalogs and collections into their entries."""
        wanted = {
            at: link
            for at, link in draft.links.items()
            if link.role is Role.CHILD and not draft.entries[at].note
        }
        local = [link.url for link in wanted.values() if not is_web(link.url)]
        remote = [link.url for link in wanted.values() if is_web(link.url)][:_REQUESTED_AT_ONCE]
        loaded = dict(zip(local, await self._loader.load(local), strict=True))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                loaded |= dict(zip(remote, await self._loader.load(remote), strict=True))
        for at, link in wanted.items():
            found = loaded.get(link.url) or self._loader.cached(link.url)
            if isinstance(found, RequestError):
                draft.entries[at] = replace(draft.entries[at], note=found.message)
            elif isinstance(found, Document):
                draft.entries[at] = replace(Entry.of(found), url=link.url)


def _title(found: DocumentLink) -> str:
    """Return what a link or its URL calls a document; what is unquoted may hold anything."""
    return found.title or one_line(name_of(found.url), 200)


def _parsed(link: str | None) -> tuple[int, int]:
    """Return how many links are done, and how many items of the list that is next."""
    at, _, within = (link or "0:0").partition(":")
    if not (at.isascii() and at.isdigit() and within.isascii() and within.isdigit()):
        raise UnexpectedAnswer("the link to the next page is none of this listing")
    return int(at), int(within)
