"""The library: documents by place URL from wherever they lie, side by side, the last ones remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from ...errors import NotOffered, RequestError
from ...http.cache import CachingClient
from ...http.hrefs import shown
from ...http.key_removal import KeyRemoval
from ...models import Item
from .document_urls import is_member, is_web, same
from .files import read_file
from .links import Children
from .parse import Fetched, ItemList, Loaded, Parsed, parsed, unreadable
from .shelf import LRUCache

WIDTH = 8
"""How many documents are asked of servers at a time: as many as a session has connections."""
_KEPT_FREE = 2  # of these, for single documents
_FEW_AT_ONCE = 8
_SMALL = 65_536  # bytes parsed faster than a thread is found for them
_FEW = 500  # links
_BATCH = 64  # local documents read in one go of a thread: about 5 ms
_HOLDERS = 24_000_000  # bytes of JSON; as objects they take several times as much
_ITEMS = 2_000_000
_LINKS = 400_000

Weighed = tuple[Loaded, int]


class Members(Protocol):
    """What reads the members of an archive; calls block."""

    def read(self, urls: Sequence[str]) -> list[Fetched | RequestError]:
        """Return the members of some place URLs."""
        ...


class DocumentLoader:
    """Documents by place URL.

    Parameters
    ----------
    web
        Asks servers; None where no server may be asked.
    local
        Whether files of this machine may be read: only for a catalog that is itself on it.
    members
        Reads the archive that the catalog is in; None where it is in none.
    width
        How many documents are asked of servers at a time.
    keys
        Taken out of the documents.
    """

    def __init__(
        self,
        web: CachingClient | None,
        *,
        local: bool = False,
        members: Members | None = None,
        width: int = WIDTH,
        keys: KeyRemoval | None = None,
    ) -> None:
        self._web = web
        self._keys = keys
        self._local = local
        self._members = members
        self._places = asyncio.Semaphore(max(width - _KEPT_FREE, 1))
        self._holders: LRUCache[Parsed] = LRUCache(_HOLDERS)
        self._items: LRUCache[Parsed] = LRUCache(_ITEMS)
        self._children: LRUCache[Children] = LRUCache(_LINKS)

    def forget(self) -> None:
        """Forget what is remembered in memory."""
        for shelf in (self._holders, self._items, self._children):
            shelf.clear()

    def known(self, url: str) -> Parsed | None:
        """Return a document that is remembered in memory, None where it is not."""
        return self._holders.get(same(url)) or self._items.get(same(url))

    async def one(self, url: str) -> Parsed:
        """Return a document.

        Raises
        ------
        RequestError
            If it cannot be fetched, or is none.
        """
        loaded = (await self.load([url]))[0]
        if isinstance(loaded, RequestError):
            raise loaded
        return loaded

    async def holder(self, url: str) -> Children | ItemList:
        """Return what a document holds: the links of a catalog or collection, or the items of a list.

        Raises
        ------
        RequestError
            If it cannot be fetched, or is none.
        """
        children = self._children.get(same(url))
        if children is not None:
            return children
        found = await self.one(url)
        if isinstance(found, ItemList):
            return found
        links = found.raw.get("links")
        few = not isinstance(links, list) or len(links) < _FEW
        children = Children.of(found) if few else await asyncio.to_thread(Children.of, found)
        self._children.put(same(url), children, len(children))
        return children

    async def load(self, urls: Sequence[str]) -> list[Loaded]:
        """Return documents in the order asked for, or for each the error that says why it is none."""
        wanted = dict.fromkeys(map(same, urls))
        found: dict[str, Loaded] = {}
        for url in wanted:
            known = self.known(url)
            if known is not None:
                found[url] = known
        missing = [url for url in wanted if url not in found]
        await self._load_web([url for url in missing if is_web(url)], found)
        await self._load_local([url for url in missing if not is_web(url)], found)
        return [found[same(url)] for url in urls]

    async def _load_web(self, urls: list[str], found: dict[str, Loaded]) -> None:
        """Ask servers; as many tasks as may ask at a time take a few URLs each, one few after the other."""
        few = max(1, min(len(urls) // (2 * WIDTH), _FEW_AT_ONCE))
        waiting = iter([urls[start : start + few] for start in range(0, len(urls), few)])

        # Somebody waits for a single document: it does not queue behind a walk of thousands.
        alone = len(urls) == 1

        async def take() -> None:
            for batch in waiting:
                answers = await self._ask(batch) if alone else await self._in_turn(batch)
                for url, weighed in zip(batch, answers, strict=True):
                    found[url] = self._keep(url, weighed)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(urls), WIDTH)):
                group.create_task(take())

    async def _in_turn(self, urls: Sequence[str]) -> list[Weighed]:
        async with self._places:
            return await self._ask(urls)

    async def _ask(self, urls: Sequence[str]) -> list[Weighed]:
        if self._web is None:
            words = "a link to a server is not followed from here"
            return [(NotOffered(f"{words}: {shown(url)}"), 0) for url in urls]
        fetched = [
            answer
            if isinstance(answer, RequestError)
            else Fetched(answer.url, answer.content, answer.media_type)
            for answer in await self._web.several(urls)
        ]
        if sum(len(one.content) for one in fetched if isinstance(one, Fetched)) < _SMALL:
            return [self._weighed(one) for one in fetched]
        return await asyncio.to_thread(lambda: [self._weighed(one) for one in fetched])

    async def _load_local(self, urls: list[str], found: dict[str, Loaded]) -> None:
        for start in range(0, len(urls), _BATCH):
            batch = urls[start : start + _BATCH]
            for url, weighed in zip(batch, await asyncio.to_thread(self._read, batch), strict=True):
                found[url] = self._keep(url, weighed)

    def _read(self, urls: list[str]) -> list[Weighed]:
        """Read and parse local documents; runs in a thread."""
        members = [url for url in urls if is_member(url)]
        if members and self._members is not None:
            inside = dict(zip(members, self._members.read(members), strict=True))
        else:
            inside = {url: _outside(url) for url in members}
        return [self._weighed(inside[url] if url in inside else self._file(url)) for url in urls]

    def _file(self, url: str) -> Fetched | RequestError:
        if not self._local:
            return _outside(url)
        try:
            return read_file(url)
        except RequestError as error:
            return error

    def _weighed(self, fetched: Fetched | RequestError) -> Weighed:
        """Parse a document; its weight is its length."""
        if isinstance(fetched, RequestError):
            return fetched, 0
        return parsed(fetched, self._keys), len(fetched.content)

    def _keep(self, url: str, weighed: Weighed) -> Loaded:
        loaded, weight = weighed
        if not isinstance(loaded, RequestError):
            shelf = self._items if isinstance(loaded, Item) else self._holders
            shelf.put(url, loaded, weight)
        return loaded


def _outside(url: str) -> RequestError:
    return unreadable(url, "a file outside of the catalog is not followed")
