"""Crawls of static catalogs: the documents below one, each once, their links in parts, collections by id."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from ...errors import EntityDoesNotExist, RequestError
from ...http.urls import shown, shown_id
from ...models import Collection, Item
from ...text import count
from ..base import COLLECTION_IDS
from ..documents import ItemList
from .document_links import Children, DocumentLink, Role, refusal
from .document_loader import WIDTH, DocumentLoader
from .document_urls import is_web, place_named, same

CHILDREN = (Role.CHILD, Role.EITHER)
ITEMS = (Role.ITEM, Role.EITHER)
_AT_ONCE = 64  # documents

Holder = Children | ItemList


class CatalogCrawler:
    """The catalogs and collections below a document, by number, itself the first.

    A document that is linked again (a catalog contains itself, or two share one) is visited once. While no
    document changes, all crawls have the same order.

    - `loader`: Loads documents.
    - `url`: The place URL of the first document.
    - `depth_first`: Whether a document is followed by those below it; else the nearest to the first come
      first.
    """

    def __init__(self, loader: DocumentLoader, url: str, *, depth_first: bool) -> None:
        self._loader = loader
        self._depth_first = depth_first
        self._waiting = deque([same(url)])
        self._seen = {hash(same(url))}
        self._urls: list[str] = []
        self._numbers: dict[str, int] = {}
        self._entered: set[int] = set()
        self._failed: dict[str, RequestError] = {}
        self._listed_by: dict[int, int] = {}
        self._crawling = asyncio.Lock()

    async def visit(self, number: int) -> Holder | None:
        """Return what a document holds that was visited, or comes next; None behind the last.

        Raises RequestError if it cannot be read; those below it are visited once it can.
        """
        async with self._crawling:
            if number < len(self._urls):
                return await self._enter(number)
            return await self._next() if self._waiting else None

    def url_of(self, number: int) -> str:
        """Return the place URL of a document that was visited, or comes next; empty behind the last."""
        if number < len(self._urls):
            return self._urls[number]
        return self._waiting[-1 if self._depth_first else 0] if self._waiting else ""

    async def number_of(self, url: str) -> int | None:
        """Return the number of a document; None where it is not among them."""
        while url not in self._numbers and self._waiting:
            with suppress(RequestError):
                await self.visit(len(self._urls))
        return self._numbers.get(url)

    def lists(self, number: int, item_url: str) -> bool:
        """Whether an item is listed by a document: not if one before it links it too."""
        return self._listed_by.get(hash(item_url), number) == number

    async def _next(self) -> Holder:
        await self._load_ahead()
        url = self._waiting.pop() if self._depth_first else self._waiting.popleft()
        self._numbers[url] = len(self._urls)
        self._urls.append(url)
        return await self._enter(len(self._urls) - 1)

    async def _load_ahead(self) -> None:
        """Load the next document together with those that follow it, unless it is in memory."""
        following = reversed(self._waiting) if self._depth_first else iter(self._waiting)
        urls = list(islice(following, 2 * WIDTH if self._depth_first else _AT_ONCE))
        if len(urls) > 1 and urls[0] not in self._failed and not self._loader.knows(urls[0]):
            loaded = await self._loader.load(urls)
            failed = {u: one for u, one in zip(urls, loaded, strict=True) if isinstance(one, RequestError)}
            self._failed.update(failed)

    async def _enter(self, number: int) -> Holder:
        url = self._urls[number]
        if (error := self._failed.pop(url, None)) is not None:
            raise error
        holder = await self._loader.holder(url)
        if number not in self._entered and isinstance(holder, Children):
            self._entered.add(number)
            below = [link.url for link in holder.of_role(*CHILDREN) if not refusal(holder.url, link.url)]
            new = [each for each in below if hash(each) not in self._seen]
            self._seen.update(map(hash, new))
            self._waiting.extend(reversed(new) if self._depth_first else new)
            if number or below:  # else no document links what another one does, and memory would be wasted
                items = [url] if issubclass(holder.made, Item) else [i.url for i in holder.of_role(*ITEMS)]
                for each in items:
                    self._listed_by.setdefault(hash(each), number)
        return holder


@dataclass
class HolderPart:
    """Links, and items of the lists among them, in order; the position behind them; what was left out."""

    found: list[DocumentLink | Item] = field(default_factory=list)
    next: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)
    skipped: int = 0

    def take(self, holder: ItemList, start: int, size: int) -> int:
        """Add items of a list; return how far into it they go, 0 for all."""
        end = start + size - len(self.found)
        self.found.extend(holder.items[start:end])
        if holder.skipped and not start:
            self.skipped += holder.skipped
            left = count(holder.skipped, "entry", "entries")
            self.notes.append(f"{left} without an ID left out of {shown(holder.url)}")
        return end if end < len(holder.items) else 0


async def part_of(loader: DocumentLoader, holder: Holder, position: tuple[int, int], size: int) -> HolderPart:
    """Return what a document holds, behind as many links, and items of the list that is next."""
    at, within = position
    part = HolderPart()
    if isinstance(holder, ItemList):
        within = part.take(holder, within, size)
        part.next = (0, within) if within else None
        return part
    while at < len(holder.links) and len(part.found) < size:
        link = holder.links[at]
        if why := refusal(holder.url, link.url):
            part.notes.append(why)
            part.skipped += 1
        elif link.role is not Role.LIST:
            part.found.append(link)
        else:
            try:
                listed = await loader.holder(link.url)
            except RequestError as error:
                part.notes.append(error.message)
            else:
                if isinstance(listed, ItemList):
                    within = part.take(listed, within, size)
                    if within:
                        break
                else:
                    part.notes.append(f"no list of items: {shown(link.url)}")
        at += 1
    part.next = (at, within) if at < len(holder.links) else None
    return part


class CollectionIndex:
    """The collections below a root, nearest first."""

    def __init__(self, loader: DocumentLoader, root_url: str) -> None:
        self._loader = loader
        self._local = not is_web(root_url)
        self._crawler = CatalogCrawler(loader, root_url, depth_first=False)
        self._crawling = asyncio.Lock()
        self._crawled = 0
        self._collections: list[str] = []
        self._urls: dict[str, str] = {}
        self._catalogs: dict[str, str] = {}
        self._failures: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read on the way, in a line."""
        if not self._failures:
            return ()
        what = count(len(self._failures), "catalog or collection", "catalogs or collections")
        return (f"{what} could not be read, the first: {self._failures[0]}",)

    async def collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections; the first ones while the tree is still crawled."""
        given = 0
        while given < len(self._collections) or await self._crawl(given):
            batch = self._collections[given : given + _AT_ONCE]
            given += len(batch)
            for loaded in await self._loader.load(batch):
                if isinstance(loaded, Collection):
                    yield loaded

    async def url_of(self, identity: str) -> str:
        """Return the place URL of a collection, or of a catalog where no collection has this id.

        The place URL itself is taken too: in static catalogs ids need not be unique.
        """
        if place := place_named(identity, local=self._local):
            return place
        while identity not in self._urls and await self._crawl(len(self._collections)):
            pass
        found = self._urls.get(identity) or self._catalogs.get(identity)
        if found is None:
            words = f"collection {shown_id(identity)} does not exist"
            raise EntityDoesNotExist(words, hint=COLLECTION_IDS)
        return found

    async def _crawl(self, known: int) -> bool:
        """Crawl until there are more than `known` collections; whether there are."""
        async with self._crawling:
            while len(self._collections) <= known:
                try:
                    holder = await self._crawler.visit(self._crawled)
                except RequestError as error:
                    self._failures.append(error.message)
                else:
                    if holder is None:
                        return False
                    if isinstance(holder, Children):
                        self._add(holder, self._crawler.url_of(self._crawled))
                self._crawled += 1
            return True

    def _add(self, holder: Children, url: str) -> None:
        if issubclass(holder.made, Collection):
            self._collections.append(url)
            self._urls.setdefault(holder.id, url)
        elif not issubclass(holder.made, Item):  # an item linked as a child
            self._catalogs.setdefault(holder.id, url)
        self._failures += filter(None, (refusal(holder.url, link.url) for link in holder.of_role(*CHILDREN)))
