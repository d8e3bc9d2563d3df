"""Items of a static collection: pages of documents that are fetched side by side."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from ...errors import EntityDoesNotExist, RequestError
from ...http.hrefs import shown_id
from ...models import Item
from ...text import count
from ..base import ITEM_IDS, Page
from .document_urls import name_of
from .documents import DocumentLoader
from .iterator import ItemIterator
from .links import Children, Link, Role
from .parse import ItemList, Loaded

PAGE = 250
_LINKS_AT_ONCE = 2000  # looked through by their names, without their documents


class Items:
    """The items below a collection or catalog, those of nested catalogs with them.

    Parameters
    ----------
    library
        Where documents come from.
    url
        The place URL of the collection.
    """

    def __init__(self, library: DocumentLoader, url: str) -> None:
        self._library = library
        self._url = url
        self._descent = ItemIterator(library, url)

    async def page(
        self, link: str | None = None, size: int | None = None, extensions: Sequence[str] = ()
    ) -> Page[Item]:
        """Return one page; items that cannot be read are counted and the first of them named in the notes.

        Raises
        ------
        RequestError
            If the collection itself cannot be read, or the link is none of this listing.
        """
        step = await self._descent.page(link, max(size or PAGE, 1))
        links = [found.url for found in step.found if isinstance(found, Link)]
        loaded = iter(await self._library.load(links))
        made = _Made()
        for found in step.found:
            made.take(next(loaded) if isinstance(found, Link) else found)
        items = tuple(item for item in made.items if _uses(item, extensions))
        notes = (*step.notes, *made.notes)
        return Page(items, step.next, await self._matched(), step.skipped + made.skipped, notes=notes)

    async def item(self, item_id: str) -> Item:
        """Return the item with an id: first by what the links are called, then by looking at all.

        Raises
        ------
        EntityDoesNotExist
            If there is none.
        RequestError
            If the collection itself cannot be read.
        """
        async for found in self._named(item_id):
            if found.id == item_id:
                return found
        link: str | None = None
        while True:
            page = await self.page(link)
            for item in page.entries:
                if item.id == item_id:
                    return item
            link = page.next
            if link is None:
                words = f"item {shown_id(item_id)} does not exist in {shown_id(self._url)}"
                raise EntityDoesNotExist(words, hint=ITEM_IDS)

    async def _named(self, item_id: str) -> AsyncGenerator[Item, None]:
        """Yield the items whose link or file is called like an id."""
        token: str | None = None
        while True:
            step = await self._descent.page(token, _LINKS_AT_ONCE)
            for found in step.found:
                if isinstance(found, Item):
                    yield found
                elif item_id in (name_of(found.url), found.title):
                    loaded = (await self._library.load([found.url]))[0]
                    if isinstance(loaded, Item):
                        yield loaded
            token = step.next
            if token is None:
                return

    async def _matched(self) -> int | None:
        """Return how many there are, where the collection itself says so: by its links."""
        holder = await self._library.holder(self._url)
        if isinstance(holder, Children):
            direct = not holder.has(Role.CHILD) and not holder.has(Role.LIST)
            return len(holder) if direct else None
        return len(holder.items)


class _Made:
    """The items of a page as they are put together."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.skipped = 0
        self._first = ""

    @property
    def notes(self) -> tuple[str, ...]:
        if not self._first:
            return ()
        return (f"{count(self.skipped, 'item')} could not be read, the first: {self._first}",)

    def take(self, loaded: Loaded) -> None:
        """Add what a link to an item led to."""
        if isinstance(loaded, Item):
            self.items.append(loaded)
        elif isinstance(loaded, ItemList):
            self.items.extend(loaded.items)
            self.skipped += loaded.skipped
        else:
            self.skipped += 1
            why = loaded.message if isinstance(loaded, RequestError) else f"{loaded.label} is no item"
            self._first = self._first or why


def _uses(item: Item, extensions: Sequence[str]) -> bool:
    """Whether an item declares every extension, by its identifier or a part of it."""
    if not extensions:
        return True
    wanted = [extensions] if isinstance(extensions, str) else extensions
    declared = item.raw.get("stac_extensions")
    names = [str(name) for name in declared] if isinstance(declared, list) else []
    return all(any(part in name for name in names) for part in wanted)
