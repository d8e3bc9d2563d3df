"""Pages of static catalogs: what is directly below a document, all items below it, collections by id.

A document that is linked again (a catalog contains itself, or two share one) is visited once.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from ...errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from ...http.urls import shown, shown_id
from ...models import Collection, Document, Entry, EntryKind, Item
from ...models.document import NO_ID
from ...text import count, one_line
from ..base import COLLECTION_IDS, ITEM_IDS, LostDocument, Page
from ..documents import ItemList, WithoutID, only
from .document_loader import WIDTH, Children, DocumentLink, DocumentLoader, Role, refusal
from .document_urls import is_web, name_of, place_named, same

PAGE = 250
AGAIN = "this catalog leads back to itself: it is not opened a second time"
"""The note of a child that is its own ancestor."""
_COUNTED = ("catalog or collection", "catalogs or collections")
_CHILDREN = (Role.CHILD, Role.EITHER)
_ITEMS = (Role.ITEM, Role.EITHER)
_MAX_NOTES = 20
_AT_ONCE = 64  # documents
_REQUESTED_AT_ONCE = 32  # children of a server whose documents are wanted with the page
_LINKS_AT_ONCE = 2000  # looked through by their names, without their documents
_HOLDERS_A_PAGE = 2000  # a page comes to an end even where catalogs hold nothing

Holder = Children | ItemList
_Position = tuple[int, int]
"""How many links of a document are done, and how many items of the list that is next."""


class CatalogCrawler:
    """The catalogs and collections below a document, by number, itself the first.

    While no document changes, all crawls have the same order.

    - `url`: The place URL of the first document.
    - `depth_first`: Whether a document is followed by those below it; else the nearest to the first come
      first.
    """

    def __init__(self, loader: DocumentLoader, url: str, *, depth_first: bool) -> None:
        self._loader = loader
        self._depth_first = depth_first
        self._waiting = deque([same(url)])
        self._seen = {hash(same(url))}
        self._numbers: dict[str, int] = {}  # in order
        self._urls: list[str] = []
        self._entered: set[int] = set()
        self._again: set[int] = set()  # documents that redirects led to a second time
        self._failed: dict[str, RequestError] = {}
        self._listed_by: dict[int, int] = {}
        self._crawling = asyncio.Lock()

    async def visit(self, number: int) -> Holder | None:
        """Return what a document holds that was visited, or comes next; None behind the last.

        Raises RequestError if it cannot be read; those below it are visited once it can.
        """
        async with self._crawling:
            if number == len(self._urls):
                if not self._waiting:
                    return None
                await self._load_ahead()
                url = self._waiting.pop() if self._depth_first else self._waiting.popleft()
                self._numbers[url] = number
                self._urls.append(url)
            return await self._enter(number)

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

    async def _load_ahead(self) -> None:
        """Load the next document together with those that follow it, unless it is in memory."""
        following = reversed(self._waiting) if self._depth_first else iter(self._waiting)
        urls = list(islice(following, 2 * WIDTH if self._depth_first else _AT_ONCE))
        if len(urls) > 1 and urls[0] not in self._failed and not self._loader.knows(urls[0]):
            loaded = zip(urls, await self._loader.load(urls), strict=True)
            self._failed |= {url: one for url, one in loaded if isinstance(one, RequestError)}

    async def _enter(self, number: int) -> Holder:
        url = self._urls[number]
        if (error := self._failed.pop(url, None)) is not None:
            raise error
        holder = await self._loader.holder(url)
        if number not in self._entered and isinstance(holder, Children):
            self._entered.add(number)
            if (place := same(holder.url)) != url:
                if hash(place) in self._seen:
                    self._again.add(number)
                self._seen.add(hash(place))
            below = [link.url for link in holder.of_role(*_CHILDREN) if not refusal(holder.url, link.url)]
            new = [each for each in below if hash(each) not in self._seen]
            self._seen.update(map(hash, new))
            self._waiting.extend(reversed(new) if self._depth_first else new)
            if number or below:  # else no document links what another one does, and memory would be wasted
                items = [url] if issubclass(holder.made, Item) else [i.url for i in holder.of_role(*_ITEMS)]
                for each in items:
                    self._listed_by.setdefault(hash(each), number)
        return ItemList(url, ()) if number in self._again else holder


@dataclass
class HolderPart:
    """Links, and items of the lists among them, in order; the position behind them; what was left out."""

    found: list[DocumentLink | Item] = field(default_factory=list)
    next: _Position | None = None
    notes: list[str] = field(default_factory=list)
    skipped: int = 0
    lost: list[LostDocument] = field(default_factory=list)

    def add_lost(self, url: str, error: RequestError) -> None:
        """Add a document that the listing lacks: one without an id is left out and counted."""
        if not isinstance(error, WithoutID):
            self.lost.append(LostDocument(url, error.message))

    def take(self, holder: ItemList, start: int, size: int) -> int:
        """Add items of a list; return how far into it they go, 0 for all."""
        end = start + size - len(self.found)
        self.found.extend(holder.items[start:end])
        if holder.skipped and not start:
            self.skipped += holder.skipped
            left = count(holder.skipped, "entry", "entries")
            self.notes.append(f"{left} without an ID left out of {shown(holder.url)}")
        if end < len(holder.items):
            return end
        if holder.goes_on:
            words = f"only the first page of a listing is read: {shown(holder.url)}"
            self.notes.append(words)
            self.lost.append(LostDocument(holder.url, words))
        elif holder.longer:
            self.notes.append(f"{holder.longer}: {shown(holder.url)}")
        return 0


async def _part_of(loader: DocumentLoader, holder: Holder, position: _Position, size: int) -> HolderPart:
    """Return what a document holds, behind as many links, and items of the list that is next."""
    at, within = position
    part = HolderPart()
    if isinstance(holder, ItemList):
        within = part.take(holder, within, size)
        part.next = (0, within) if within else None
        return part
    listed_ids = await _listed_ids(loader, holder)
    while at < len(holder.links) and len(part.found) < size:
        link = holder.links[at]
        if why := refusal(holder.url, link.url):
            part.notes.append(why)
            part.skipped += 1
        elif link.role is not Role.LIST:
            if link.role is not Role.ITEM or listed_ids.isdisjoint((name_of(link.url), link.title)):
                part.found.append(link)
        else:
            try:
                listed = await loader.holder(link.url)
            except RequestError as error:
                part.notes.append(error.message)
                part.add_lost(link.url, error)
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


async def _listed_ids(loader: DocumentLoader, holder: Children) -> set[str]:
    """Return the ids of items that a document links twice: in a list, and one by one under their names."""
    found = set[str]()
    if holder.roles >= {Role.ITEM, Role.LIST}:
        for link in holder.of_role(Role.LIST):
            if not refusal(holder.url, link.url):
                with suppress(RequestError):
                    listed = await loader.holder(link.url)
                    found |= {item.id for item in listed.items} if isinstance(listed, ItemList) else set()
    return found


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
        self._failures, self._without_id = list[str](), list[str]()
        self.unread = 0
        """How many catalogs and collections did not come on the way."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read on the way, and what has no id, a line each."""
        kinds = (("could not be read", self._failures), ("without an ID", self._without_id))
        named = ((count(len(found), *_COUNTED), what, found[0]) for what, found in kinds if found)
        return tuple(f"{counted} {what}, the first: {first}" for counted, what, first in named)

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
        if place := await asyncio.to_thread(place_named, identity, local=self._local):
            return await self._loader.first_of(place)
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
                url = self._crawler.url_of(self._crawled)
                try:
                    holder = await self._crawler.visit(self._crawled)
                except RequestError as error:
                    self._failures.append(error.message)
                    self.unread += not isinstance(error, WithoutID)
                else:
                    if holder is None:
                        return False
                    if isinstance(holder, Children):
                        self._add(holder, url)
                self._crawled += 1
            return True

    def _add(self, holder: Children, url: str) -> None:
        if issubclass(holder.made, Collection):
            self._collections.append(url)
            self._urls.setdefault(holder.id, url)
        elif holder.id == NO_ID:
            self._without_id.append(shown(url))
        elif not issubclass(holder.made, Item):  # an item linked as a child
            self._catalogs.setdefault(holder.id, url)
        self._failures += filter(None, (refusal(holder.url, link.url) for link in holder.of_role(*_CHILDREN)))


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
        at, _, within = (link or "0:0").partition(":")
        if not (at.isascii() and at.isdigit() and within.isascii() and within.isdigit()):
            raise _of_another_listing()
        part = await _part_of(self._loader, holder, (int(at), int(within)), max(size or PAGE, 1))
        belongs, matched, notes = "", None, part.notes
        if isinstance(holder, ItemList):
            matched = len(holder.items)
        else:
            belongs = holder.id if holder.made is Collection else ""
            matched = None if holder.has(Role.LIST) else len(holder.links)
            notes = part.notes if link else [*holder.notes, *part.notes]
        entries = [
            Entry.of(one) if isinstance(one, Item) else self._entry(one, url, belongs) for one in part.found
        ]
        await self._read_children(part.found, entries)
        following = f"{part.next[0]}:{part.next[1]}" if part.next else None
        return Page(_once(entries), following, matched, part.skipped, notes=_distinct(notes))

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
                entries[at] = replace(Entry.of(document), url=url).titled(entries[at].title)


class ItemPages:
    """Pages of the items below a collection or catalog, those of nested catalogs included, each item once."""

    def __init__(self, loader: DocumentLoader, url: str) -> None:
        self._loader = loader
        self._url = same(url)
        self._crawler = CatalogCrawler(loader, url, depth_first=True)

    async def page(self, link: str | None = None, size: int | None = None) -> Page[Item]:
        """Return one page; items that cannot be read are counted, the first of them is in the notes."""
        part, following = await self._part(link, max(size or PAGE, 1))
        items, failures, unread = await self._loaded(part.found)
        for url, error in unread:
            part.add_lost(url, error)
        if failures:
            part.notes.append(f"{count(len(failures), 'item')} could not be read, the first: {failures[0]}")
        matched, skipped = await self._matched(), part.skipped + len(failures)
        notes = _distinct(part.notes[-_MAX_NOTES:])
        return Page(tuple(items), following, matched, skipped, notes=notes, lost=tuple(part.lost))

    async def item(self, item_id: str) -> Item:
        """Return the item with an id: first by what the links are called, then by looking at all."""
        found: list[Item] = []
        failures: list[RequestError] = []
        for by_name in (True, False):
            token, unread = None, not found
            while unread:
                part, token = await self._part(token, _LINKS_AT_ONCE if by_name else PAGE)
                wanted = [
                    one
                    for one in part.found
                    if not by_name or isinstance(one, Item) or item_id in (name_of(one.url), one.title)
                ]
                items, _, failed = await self._loaded(wanted)
                failures += [error for _, error in failed[:1] if by_name and not isinstance(error, WithoutID)]
                found += (item for item in items if item.id == item_id)
                unread = token is not None
        if not found:
            await self._matched()  # raises why the document itself cannot be read
            if failures:
                raise failures[0]
            words = f"item {shown_id(item_id)} does not exist in {shown_id(self._url)}"
            raise EntityDoesNotExist(words, hint=ITEM_IDS)
        return only(found)

    async def _part(self, token: str | None, size: int) -> tuple[HolderPart, str | None]:
        """Return links to items, and items of lists, and the token of those that follow."""
        number, position = await self._start(token)
        whole, last = HolderPart(), number + _HOLDERS_A_PAGE
        while len(whole.found) < size and number < last:
            try:
                holder = await self._crawler.visit(number)
            except RequestError as error:
                whole.notes.append(error.message)
                whole.add_lost(self._crawler.url_of(number), error)
                number, position = number + 1, (0, 0)
                continue
            if holder is None:
                break
            part = await _part_of(self._loader, holder, position, size - len(whole.found))
            if isinstance(holder, Children) and issubclass(holder.made, Item):  # linked as a child
                part.found = [DocumentLink(Role.ITEM, self._crawler.url_of(number))]
            whole.notes += part.notes
            whole.skipped += part.skipped
            whole.lost += part.lost
            whole.found += (
                one
                for one in part.found
                if isinstance(one, Item) or (one.role in _ITEMS and self._crawler.lists(number, one.url))
            )
            number, position = (number, part.next) if part.next else (number + 1, (0, 0))
        following = self._crawler.url_of(number)
        return whole, json.dumps([self._url, following, *position]) if following else None

    async def _start(self, token: str | None) -> tuple[int, _Position]:
        if token is None:
            return 0, (0, 0)
        try:
            root, url, at, within = json.loads(token)
        except (ValueError, TypeError):
            raise _of_another_listing() from None
        good = root == self._url and all(isinstance(each, int) and each >= 0 for each in (at, within))
        number = await self._crawler.number_of(str(url)) if good else None
        if number is None:
            raise _of_another_listing()
        return number, (at, within)

    async def _loaded(
        self, found: Sequence[DocumentLink | Item]
    ) -> tuple[list[Item], list[str], list[tuple[str, RequestError]]]:
        """Return the items, for each that cannot be used why, and the errors of those that did not come."""
        loaded = iter(await self._loader.load([one.url for one in found if isinstance(one, DocumentLink)]))
        items: list[Item] = []
        failures: list[str] = []
        unread: list[tuple[str, RequestError]] = []
        for one in found:
            document = next(loaded) if isinstance(one, DocumentLink) else one
            if isinstance(document, Item):
                items.append(document)
            elif isinstance(document, ItemList):
                items.extend(document.items)
            elif isinstance(document, RequestError):
                failures.append(document.message)
                unread.append((one.url, document))
            elif isinstance(one, DocumentLink) and one.role is Role.ITEM:
                failures.append(f"{document.label} is no item")
        return items, failures, unread

    async def _matched(self) -> int | None:
        """Return how many there are, where the collection's own links tell."""
        holder = await self._loader.holder(self._url)
        if isinstance(holder, ItemList):
            return len(holder.items)
        return None if holder.has(*_CHILDREN, Role.LIST) else len(holder.links)


def _once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return entries without those of a catalog or collection that a redirect led to before."""
    found: dict[str | int, Entry] = {}
    for at, entry in enumerate(entries):
        document = entry.document if entry.kind is not EntryKind.ITEM else None
        found.setdefault(same(document.url) if document is not None else at, entry)
    return tuple(found.values())


def _distinct(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))[:_MAX_NOTES]


def _of_another_listing() -> UnexpectedAnswer:
    return UnexpectedAnswer("the link to the next page is none of this listing")
