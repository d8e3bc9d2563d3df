"""Items below a static catalog or collection: depth first, in pages that can be requested again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from ...errors import EntityDoesNotExist, InvalidSearch, RequestError, UnexpectedAnswer
from ...http.urls import shown, shown_id
from ...models import Document, Item
from ...text import count, one_line
from ..base import ITEM_IDS, Page
from ..documents import ItemList
from .document_links import Children, DocumentLink, Role, refusal
from .document_loader import WIDTH, DocumentLoader, Loaded
from .document_urls import name_of, same

PAGE = 250
_LINKS_AT_ONCE = 2000  # looked through by their names, without their documents
_MAX_DEPTH = 4096  # catalogs within catalogs: the token of a page names them all
_MAX_NOTES = 20
_HOLDERS_A_PAGE = 2000  # a page comes to an end even where catalogs hold nothing

Position = tuple[int, ...]


@dataclass
class _Step:
    """Links to items, and items of lists, in order; the token of the next ones; what was left out."""

    found: list[DocumentLink | Item] = field(default_factory=list)
    next: str | None = None
    notes: list[str] = field(default_factory=list)
    skipped: int = 0

    def note(self, text: str) -> None:
        if len(self.notes) < _MAX_NOTES and text not in self.notes:
            self.notes.append(text)


class ItemIterator:
    """Links to all items below one catalog or collection.

    A catalog that is met again (it contains itself, or two catalogs share it) is entered only where it
    comes first in the order of the documents, and an item that two documents link is listed by the first;
    these places are remembered, so that any page can be requested again.
    """

    def __init__(self, loader: DocumentLoader, url: str) -> None:
        self._loader = loader
        self._url = same(url)
        self._entered: dict[int, Position] = {hash(self._url): ()}
        self._nested = False
        self._listed_by: dict[int, int] = {}

    async def page(self, token: str | None, size: int) -> _Step:
        """Return the next items, about `size` of them."""
        stack = self._stack(token)
        step = _Step()
        top = await self._loader.holder(self._url)
        # Else no document links what another one does, and 100 bytes an item would be wasted.
        self._nested = isinstance(top, Children) and top.has(Role.CHILD)
        holders = 0
        while stack and len(step.found) < size and holders < _HOLDERS_A_PAGE:
            holders += 1
            await self._advance(stack, step, size)
        if stack:
            step.next = json.dumps(stack, separators=(",", ":"), ensure_ascii=False)
        return step

    async def _advance(self, stack: list[tuple[str, int]], step: _Step, size: int) -> None:
        """Take items from the catalog on top of the stack, up to its next child or its end."""
        url, at = stack.pop()
        try:
            holder = await self._loader.holder(url)
        except RequestError as error:
            step.note(error.message)
            return
        if isinstance(holder, ItemList):
            taken = holder.items[at : at + size - len(step.found)]
            step.found.extend(taken)
            if holder.skipped and not at:
                step.skipped += holder.skipped
                left = count(holder.skipped, "entry", "entries")
                step.note(f"{left} without an ID left out of {shown(holder.url)}")
            if at + len(taken) < len(holder.items):
                stack.append((url, at + len(taken)))
            return
        if issubclass(holder.made, Item):  # linked as a child
            if self._lists(url, hash(url)):
                step.found.append(DocumentLink(Role.ITEM, url))
            return
        own = hash(url)
        while at < len(holder) and len(step.found) < size:
            link, at = holder[at], at + 1
            why = refusal(holder.url, link.url)
            if why:
                step.note(why)
            elif link.role is Role.ITEM:
                if not self._nested or self._lists(link.url, own):
                    step.found.append(link)
            elif self._enters(link, (*(index for _, index in stack), at), stack, url, step):
                await self._load_ahead(holder, at - 1)
                stack.extend(((url, at), (link.url, 0)))
                return
        if at < len(holder):
            stack.append((url, at))

    def _lists(self, item_url: str, holder: int) -> bool:
        """Whether an item is listed by this document: not if another one linked it before."""
        return self._listed_by.setdefault(hash(item_url), holder) == holder

    def _enters(
        self, link: DocumentLink, position: Position, stack: list[tuple[str, int]], url: str, step: _Step
    ) -> bool:
        """Whether a child is entered here: not if it is above, or came before."""
        if link.url == url or any(link.url == above for above, _ in stack):
            step.note(f"a catalog contains itself, and is listed once: {shown(link.url)}")
            return False
        if len(stack) >= _MAX_DEPTH:
            step.note(f"catalogs nested too deep are left out: {shown(link.url)}")
            return False
        first = min(self._entered.setdefault(hash(link.url), position), position)
        self._entered[hash(link.url)] = first
        return position == first

    async def _load_ahead(self, holder: Children, at: int) -> None:
        """Load a child together with those that follow it, unless it is in memory."""
        if self._loader.cached(holder[at].url) is not None:
            return
        urls: list[str] = []
        while at < len(holder) and len(urls) < 2 * WIDTH and (link := holder[at]).role is not Role.ITEM:
            if not refusal(holder.url, link.url):
                urls.append(link.url)
            at += 1
        await self._loader.load(urls)

    def _stack(self, token: str | None) -> list[tuple[str, int]]:
        if token is None:
            return [(self._url, 0)]
        try:
            stack = [(str(url), int(at)) for url, at in json.loads(token)]
        except (ValueError, TypeError):
            stack = []
        if not stack or stack[0][0] != self._url or any(at < 0 for _, at in stack):
            raise UnexpectedAnswer("the link to the next page is none of this listing")
        return stack


class ItemPages:
    """Pages of the items below a collection or catalog, those of nested catalogs included."""

    def __init__(self, loader: DocumentLoader, url: str) -> None:
        self._loader = loader
        self._url = url
        self._iterator = ItemIterator(loader, url)

    async def page(
        self, link: str | None = None, size: int | None = None, extensions: Sequence[str] = ()
    ) -> Page[Item]:
        """Return one page; items that cannot be read are counted, the first of them is in the notes."""
        step = await self._iterator.page(link, max(size or PAGE, 1))
        loaded = iter(
            await self._loader.load([one.url for one in step.found if isinstance(one, DocumentLink)])
        )
        items: list[Item] = []
        failed, first, skipped = 0, "", step.skipped
        for one in step.found:
            document: Loaded = next(loaded) if isinstance(one, DocumentLink) else one
            if isinstance(document, Item):
                items.append(document)
            elif isinstance(document, ItemList):
                items.extend(document.items)
                skipped += document.skipped
            else:
                failed += 1
                why = (
                    document.message if isinstance(document, RequestError) else f"{document.label} is no item"
                )
                first = first or why
        notes = list(step.notes)
        if failed:
            notes.append(f"{count(failed, 'item')} could not be read, the first: {first}")
        if extensions:
            items = [item for item in items if _declares(item, extensions)]
        return Page(tuple(items), step.next, await self._matched(), skipped + failed, notes=tuple(notes))

    async def item(self, item_id: str) -> Item:
        """Return the item with an id: first by what the links are called, then by looking at all."""
        found = {item.url: item async for item in self._named(item_id) if item.id == item_id}
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
        """Yield the items whose link or file is called like an id."""
        token: str | None = None
        while True:
            step = await self._iterator.page(token, _LINKS_AT_ONCE)
            for found in step.found:
                if isinstance(found, Item):
                    yield found
                elif item_id in (name_of(found.url), found.title):
                    loaded = (await self._loader.load([found.url]))[0]
                    if isinstance(loaded, Item):
                        yield loaded
            token = step.next
            if token is None:
                return

    async def _matched(self) -> int | None:
        """Return how many there are, where the collection's own links tell."""
        holder = await self._loader.holder(self._url)
        if isinstance(holder, Children):
            direct = not holder.has(Role.CHILD) and not holder.has(Role.LIST)
            return len(holder) if direct else None
        return len(holder.items)


def _declares(item: Item, extensions: Sequence[str]) -> bool:
    """Whether an item declares every extension, by its identifier or a part of it."""
    wanted = [extensions] if isinstance(extensions, str) else extensions
    declared = item.raw.get("stac_extensions")
    names = [str(name) for name in declared] if isinstance(declared, list) else []
    return all(any(part in name for name in names) for part in wanted)


def _why(document: Document | RequestError) -> str:
    return document.message if isinstance(document, RequestError) else f"{document.label} is no item"
