"""Pages of static catalogs: what is directly below a document, and all items below it, depth first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ...errors import EntityDoesNotExist, InvalidSearch, RequestError, UnexpectedAnswer
from ...http.urls import shown_id
from ...models import Collection, Document, Entry, EntryKind, Item
from ...text import count, one_line
from ..base import ITEM_IDS, Page
from ..documents import ItemList
from .catalog_crawler import CHILDREN, ITEMS, CatalogCrawler, HolderPart, part_of
from .document_links import Children, DocumentLink, Role
from .document_loader import DocumentLoader
from .document_urls import is_web, name_of, same

PAGE = 250
_MAX_NOTES = 20
AGAIN = "this catalog leads back to itself: it is not opened a second time"
"""The note of a child that is its own ancestor."""
_REQUESTED_AT_ONCE = 32  # children of a server whose documents are wanted with the page
_LINKS_AT_ONCE = 2000  # looked through by their names, without their documents
_HOLDERS_A_PAGE = 2000  # a page comes to an end even where catalogs hold nothing


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
        shown = tuple(dict.fromkeys(notes))[:_MAX_NOTES]
        return Page(tuple(entries), following, matched, part.skipped, notes=shown)

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
        with suppress(TimeoutError):
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


class ItemPages:
    """Pages of the items below a collection or catalog, those of nested catalogs included, each item once."""

    def __init__(self, loader: DocumentLoader, url: str) -> None:
        self._loader = loader
        self._url = same(url)
        self._crawler = CatalogCrawler(loader, url, depth_first=True)

    async def page(
        self, link: str | None = None, size: int | None = None, extensions: Sequence[str] = ()
    ) -> Page[Item]:
        """Return one page; items that cannot be read are counted, the first of them is in the notes."""
        part, following = await self._part(link, max(size or PAGE, 1))
        items, failures = await self._loaded(part.found)
        if failures:
            part.notes.append(f"{count(len(failures), 'item')} could not be read, the first: {failures[0]}")
        if extensions:
            items = [item for item in items if _declares(item, extensions)]
        notes = tuple(dict.fromkeys(part.notes))[-_MAX_NOTES:]
        matched = await self._matched()
        return Page(tuple(items), following, matched, part.skipped + len(failures), notes=notes)

    async def item(self, item_id: str) -> Item:
        """Return the item with an id: first by what the links are called, then by looking at all."""
        found: dict[str, Item] = {}
        for by_name in (True, False):
            token, unread = None, not found
            while unread:
                part, token = await self._part(token, _LINKS_AT_ONCE if by_name else PAGE)
                wanted = [
                    one
                    for one in part.found
                    if not by_name or isinstance(one, Item) or item_id in (name_of(one.url), one.title)
                ]
                items, _ = await self._loaded(wanted)
                found |= {item.url: item for item in items if item.id == item_id}
                unread = token is not None
        if not found:
            await self._matched()  # raises why the document itself cannot be read
            words = f"item {shown_id(item_id)} does not exist in {shown_id(self._url)}"
            raise EntityDoesNotExist(words, hint=ITEM_IDS)
        if len(found) > 1:
            where = " and ".join(one_line(url, 200) for url in list(found)[:2])
            words = f"{len(found)} items have the id {shown_id(item_id)}: {where}"
            raise InvalidSearch(words, hint="name one of them by its address in place of the id")
        return next(iter(found.values()))

    async def _part(self, token: str | None, size: int) -> tuple[HolderPart, str | None]:
        """Return links to items, and items of lists, and the token of those that follow."""
        number, position = await self._start(token)
        whole, last = HolderPart(), number + _HOLDERS_A_PAGE
        while len(whole.found) < size and number < last:
            try:
                holder = await self._crawler.visit(number)
            except RequestError as error:
                whole.notes.append(error.message)
                number, position = number + 1, (0, 0)
                continue
            if holder is None:
                break
            part = await part_of(self._loader, holder, position, size - len(whole.found))
            if isinstance(holder, Children) and issubclass(holder.made, Item):  # linked as a child
                part.found = [DocumentLink(Role.ITEM, self._crawler.url_of(number))]
            whole.notes += part.notes
            whole.skipped += part.skipped
            whole.found += (
                one
                for one in part.found
                if isinstance(one, Item) or (one.role in ITEMS and self._crawler.lists(number, one.url))
            )
            number, position = (number, part.next) if part.next else (number + 1, (0, 0))
        following = self._crawler.url_of(number)
        return whole, json.dumps([self._url, following, *position]) if following else None

    async def _start(self, token: str | None) -> tuple[int, tuple[int, int]]:
        if token is None:
            return 0, (0, 0)
        try:
            root, url, at, within = json.loads(token)
        except (ValueError, TypeError):
            root, url, at, within = "", "", 0, 0
        good = root == self._url and all(isinstance(each, int) and each >= 0 for each in (at, within))
        number = await self._crawler.number_of(str(url)) if good else None
        if number is None:
            raise UnexpectedAnswer("the link to the next page is none of this listing")
        return number, (at, within)

    async def _loaded(self, found: Sequence[DocumentLink | Item]) -> tuple[list[Item], list[str]]:
        """Return the items, and for each that cannot be read why."""
        urls = [one.url for one in found if isinstance(one, DocumentLink)]
        loaded = iter(await self._loader.load(urls))
        items: list[Item] = []
        failures: list[str] = []
        for one in found:
            document = next(loaded) if isinstance(one, DocumentLink) else one
            if isinstance(document, Item):
                items.append(document)
            elif isinstance(document, ItemList):
                items.extend(document.items)
            elif isinstance(document, RequestError):
                failures.append(document.message)
            elif isinstance(one, DocumentLink) and one.role is Role.ITEM:
                failures.append(f"{document.label} is no item")
        return items, failures

    async def _matched(self) -> int | None:
        """Return how many there are, where the collection's own links tell."""
        holder = await self._loader.holder(self._url)
        if isinstance(holder, ItemList):
            return len(holder.items)
        return None if holder.has(*CHILDREN, Role.LIST) else len(holder.links)


def _declares(item: Item, extensions: Sequence[str]) -> bool:
    """Whether an item declares every extension, by its identifier or a part of it."""
    wanted = [extensions] if isinstance(extensions, str) else extensions
    declared = item.raw.get("stac_extensions")
    names = [str(name) for name in declared] if isinstance(declared, list) else []
    return all(any(part in name for name in names) for part in wanted)
