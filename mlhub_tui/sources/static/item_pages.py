"""Items below a static catalog or collection, depth first, in pages that can be requested again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from ...errors import EntityDoesNotExist, InvalidSearch, RequestError, UnexpectedAnswer
from ...http.urls import shown_id
from ...models import Item
from ...text import count, one_line
from ..base import ITEM_IDS, Page
from ..documents import ItemList
from .catalog_crawler import CHILDREN, ITEMS, CatalogCrawler, Holder, part_of
from .document_links import Children, DocumentLink, Role
from .document_loader import DocumentLoader
from .document_urls import name_of, same

PAGE = 250
_MAX_NOTES = 20
_HOLDERS_A_PAGE = 2000  # a page comes to an end even where catalogs hold nothing


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
        size = max(size or PAGE, 1)
        number, position = self._start(link)
        found: list[DocumentLink | Item] = []
        notes: dict[str, None] = {}
        skipped, last = 0, number + _HOLDERS_A_PAGE
        while len(found) < size and number < last:
            try:
                holder = await self._crawler.visit(number)
            except RequestError as error:
                notes[error.message] = None
                number, position = number + 1, (0, 0)
                continue
            if holder is None:
                break
            part = await part_of(self._loader, holder, position, size - len(found))
            if isinstance(holder, Children) and issubclass(holder.made, Item):  # linked as a child
                part.found = [DocumentLink(Role.ITEM, holder.url)]
            notes.update(dict.fromkeys(part.notes))
            skipped += part.skipped
            found += (one for one in part.found if isinstance(one, Item) or self._is_listed(one, number))
            number, position = (number, part.next) if part.next else (number + 1, (0, 0))
        following = None
        if not self._crawler.ends_before(number):
            following = json.dumps([self._url, number, *position])
        items, failures = await self._loaded(found)
        if failures:
            notes[f"{count(len(failures), 'item')} could not be read, the first: {failures[0]}"] = None
        if extensions:
            items = [item for item in items if _declares(item, extensions)]
        said = tuple(notes)[-_MAX_NOTES:]
        return Page(tuple(items), following, await self._matched(), skipped + len(failures), notes=said)

    async def item(self, item_id: str) -> Item:
        """Return the item with an id: first by what the links are called, then by looking at all."""
        found = {item.url: item async for item in self._named(item_id)}
        link, unread = None, not found
        while unread:
            page = await self.page(link)
            found |= {item.url: item for item in page.entries if item.id == item_id}
            link = page.next
            unread = link is not None
        if not found:
            words = f"item {shown_id(item_id)} does not exist in {shown_id(self._url)}"
            raise EntityDoesNotExist(words, hint=ITEM_IDS)
        if len(found) > 1:
            where = " and ".join(one_line(url, 200) for url in list(found)[:2])
            words = f"{len(found)} items have the id {shown_id(item_id)}: {where}"
            raise InvalidSearch(words, hint="name one of them by its address in place of the id")
        return next(iter(found.values()))

    async def _named(self, item_id: str) -> AsyncGenerator[Item, None]:
        """Yield the items of an id in lists, and those whose link or file is called like it."""
        number = 0
        while not self._crawler.ends_before(number):
            with suppress(RequestError):
                holder = await self._crawler.visit(number)
                for listed in await self._lists(holder):
                    for item in listed.items:
                        if item.id == item_id:
                            yield item
                for link in holder.of_role(*ITEMS) if isinstance(holder, Children) else ():
                    if item_id in (name_of(link.url), link.title):
                        named = await self._loader.one(link.url)
                        if isinstance(named, Item) and named.id == item_id:
                            yield named
            number += 1

    async def _lists(self, holder: Holder | None) -> list[ItemList]:
        if isinstance(holder, Children):
            found = [await self._loader.holder(link.url) for link in holder.of_role(Role.LIST)]
            return [each for each in found if isinstance(each, ItemList)]
        return [holder] if holder else []

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

    def _is_listed(self, link: DocumentLink, number: int) -> bool:
        return link.role in ITEMS and self._crawler.lists(number, link.url)

    async def _matched(self) -> int | None:
        """Return how many there are, where the collection's own links tell."""
        holder = await self._loader.holder(self._url)
        if isinstance(holder, ItemList):
            return len(holder.items)
        return None if holder.has(*CHILDREN, Role.LIST) else len(holder.links)

    def _start(self, link: str | None) -> tuple[int, tuple[int, int]]:
        if link is None:
            return 0, (0, 0)
        try:
            url, number, at, within = json.loads(link)
        except (ValueError, TypeError):
            url, number, at, within = "", 0, 0, 0
        numbers = (number, at, within)
        if url != self._url or not all(isinstance(each, int) and each >= 0 for each in numbers):
            raise UnexpectedAnswer("the link to the next page is none of this listing")
        return number, (at, within)


def _declares(item: Item, extensions: Sequence[str]) -> bool:
    """Whether an item declares every extension, by its identifier or a part of it."""
    wanted = [extensions] if isinstance(extensions, str) else extensions
    declared = item.raw.get("stac_extensions")
    names = [str(name) for name in declared] if isinstance(declared, list) else []
    return all(any(part in name for name in names) for part in wanted)
