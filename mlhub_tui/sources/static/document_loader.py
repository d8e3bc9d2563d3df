"""Documents of static catalogs by place URL: fetched or read from disk, parsed, the last used ones in memory.

What cannot be read or parsed is one sentence about that one document.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, TypeVar

from ...errors import AccessDenied, EntityDoesNotExist, NotOffered, RequestError, UnexpectedAnswer
from ...http import json_document
from ...http.cache import CachingClient
from ...http.json_document import MAX_DOCUMENT, SMALLER_HINT, NotJSON
from ...http.key_removal import KeyRemoval
from ...http.urls import shown
from ...models import Document, Item
from ...text import one_line
from ..documents import ItemList, document_of, json_in
from .document_links import Children
from .document_urls import is_member, is_web, local_path, same

V = TypeVar("V")
WIDTH = 8
"""How many documents are requested of servers at a time: as many as a session has connections."""
_WALK_WIDTH = WIDTH - 2  # of these, for walks; the others are for single documents, which somebody waits for
_URLS_AT_ONCE = 8
_SMALL = 65_536  # bytes parsed faster than a thread is found for them
_FEW_LINKS = 500
_BATCH = 64  # local documents read in one call of a thread: about 5 ms
_HOLDERS = 24_000_000  # bytes of JSON; as objects they take several times as much
_ITEMS = 2_000_000
_LINKS = 400_000
_NOT_A_DOCUMENT = "the rest of the catalog can be used; report it to the owner of the catalog"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a document, where they came from after redirects, and what the server calls them."""

    url: str
    content: bytes = field(repr=False)
    media_type: str = ""


Parsed = Document | ItemList
"""What a document turns out to be."""
Loaded = Parsed | RequestError
"""The same, or why it is none."""
ReadMembers = Callable[[Sequence[str]], list[Fetched | RequestError]]
"""Returns the documents of place URLs in an archive, or for each why it cannot be read; it blocks."""


class LRUCache(Generic[V]):
    """Values by key, bounded by their weight together; the least recently used are dropped."""

    def __init__(self, max_weight: int) -> None:
        self._max_weight = max_weight
        self._weight = 0
        self._values: OrderedDict[str, tuple[V, int]] = OrderedDict()

    def get(self, key: str) -> V | None:
        """Return a value, None if it is not there."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: str, value: V, weight: int) -> None:
        """Store a value, unless it would fill more than half of the cache."""
        self._weight -= self._values.pop(key, (value, 0))[1]
        if weight > self._max_weight // 2:
            return
        self._values[key] = (value, weight)
        self._weight += weight
        while self._weight > self._max_weight:
            self._weight -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Drop all values."""
        self._values.clear()
        self._weight = 0


class DocumentLoader:
    """Loads documents by place URL.

    - `web`: Fetches from servers; None where no server may be contacted.
    - `local`: Whether files of this machine may be read: only for a catalog that is itself on it.
    - `read_members`: Reads the archive that the catalog is in; None where it is in none.
    - `made`: Documents by place URL that are nowhere else.
    - `keys`: Taken out of the documents.
    """

    def __init__(
        self,
        web: CachingClient | None,
        *,
        local: bool = False,
        read_members: ReadMembers | None = None,
        made: Mapping[str, Parsed] | None = None,
        keys: KeyRemoval | None = None,
    ) -> None:
        self._web = web
        self._keys = keys
        self._local = local
        self._read_members = read_members
        self._made = made or {}
        self._walks = asyncio.Semaphore(_WALK_WIDTH)
        self._holders: LRUCache[Parsed] = LRUCache(_HOLDERS)
        self._items: LRUCache[Parsed] = LRUCache(_ITEMS)
        self._children: LRUCache[Children] = LRUCache(_LINKS)

    def cached(self, url: str) -> Parsed | None:
        """Return a document that is in memory, None if it is not."""
        url = same(url)
        return self._made.get(url) or self._holders.get(url) or self._items.get(url)

    def knows(self, url: str) -> bool:
        """Whether what a document holds is in memory."""
        return self._children.get(same(url)) is not None or self.cached(url) is not None

    async def one(self, url: str) -> Parsed:
        """Return a document; raises `RequestError` if it cannot be fetched, or is none."""
        loaded = (await self.load([url]))[0]
        if isinstance(loaded, RequestError):
            raise loaded
        return loaded

    async def holder(self, url: str) -> Children | ItemList:
        """Return what a document holds: the links of a catalog or collection, or the items of a list."""
        children = self._children.get(same(url))
        if children is not None:
            return children
        found = await self.one(url)
        if isinstance(found, ItemList):
            return found
        few = len(found.links) < _FEW_LINKS
        children = Children.of(found) if few else await asyncio.to_thread(Children.of, found)
        self._children.put(same(url), children, len(children.links))
        return children

    async def load(self, urls: Sequence[str]) -> list[Loaded]:
        """Return documents in the order of their URLs, or for each the error that says why it is none."""
        known = {url: self.cached(url) for url in dict.fromkeys(map(same, urls))}
        found: dict[str, Loaded] = {url: one for url, one in known.items() if one is not None}
        missing = [url for url, one in known.items() if one is None]
        await self._load_web([url for url in missing if is_web(url)], found)
        local = [url for url in missing if not is_web(url)]
        for start in range(0, len(local), _BATCH):
            batch = local[start : start + _BATCH]
            self._store(batch, await asyncio.to_thread(self._read, batch), found)
        return [found[same(url)] for url in urls]

    async def _load_web(self, urls: list[str], found: dict[str, Loaded]) -> None:
        few = max(1, min(len(urls) // (2 * WIDTH), _URLS_AT_ONCE))
        batches = iter([urls[start : start + few] for start in range(0, len(urls), few)])

        async def work() -> None:
            for batch in batches:
                if len(urls) == 1:  # it does not queue behind a walk of thousands
                    self._store(batch, await self._fetch(batch), found)
                    continue
                async with self._walks:
                    answers = await self._fetch(batch)
                self._store(batch, answers, found)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(urls), WIDTH)):
                group.create_task(work())

    async def _fetch(self, urls: Sequence[str]) -> list[tuple[Loaded, int]]:
        if self._web is None:
            words = "a link to a server is not followed from here"
            return [(NotOffered(f"{words}: {shown(url)}"), 0) for url in urls]
        answers = [
            one if isinstance(one, RequestError) else Fetched(one.url, one.content, one.media_type)
            for one in await self._web.several(urls)
        ]
        if sum(len(one.content) for one in answers if isinstance(one, Fetched)) < _SMALL:
            return self._parse(answers)
        return await asyncio.to_thread(self._parse, answers)

    def _read(self, urls: list[str]) -> list[tuple[Loaded, int]]:
        """Read and parse local documents; runs in a thread."""
        members = [url for url in urls if is_member(url)] if self._read_members else []
        inside = dict(zip(members, self._read_members(members), strict=True)) if self._read_members else {}
        return self._parse([inside.get(url) or self._file(url) for url in urls])

    def _file(self, url: str) -> Fetched | RequestError:
        if not self._local or is_member(url):
            return unreadable(url, "a file outside of the catalog is not followed")
        try:
            with open_file(url) as file:
                size = os.fstat(file.fileno()).st_size
                if size > MAX_DOCUMENT:
                    return too_large(url, size)
                return Fetched(url, file.read(size + 1))  # as much room is made as is asked for
        except OSError as error:
            return system_error(error, url)
        except RequestError as error:
            return error

    def _parse(self, answers: Sequence[Fetched | RequestError]) -> list[tuple[Loaded, int]]:
        """Parse documents; the weight of each is its length."""
        return [
            (one, 0) if isinstance(one, RequestError) else (parsed(one, self._keys), len(one.content))
            for one in answers
        ]

    def _store(
        self, urls: Sequence[str], weighed: Sequence[tuple[Loaded, int]], found: dict[str, Loaded]
    ) -> None:
        for url, (loaded, weight) in zip(urls, weighed, strict=True):
            found[url] = loaded
            if not isinstance(loaded, RequestError):
                (self._items if isinstance(loaded, Item) else self._holders).put(url, loaded, weight)


def open_file(url: str) -> BinaryIO:
    """Open the regular file of a `file` URL; raises `OSError`, or `UnexpectedAnswer` of a device."""
    path = local_path(url)
    # A pipe without a writer would hold the opening for ever.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise unreadable(url, "a folder or device, no document")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def system_error(error: OSError, url: str) -> RequestError:
    """Return our error for an OSError of a file."""
    where = shown(url)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return EntityDoesNotExist(f"not found: {where}", url=where, hint="check the path")
    if isinstance(error, PermissionError):
        return AccessDenied(f"not allowed to read {where}", url=where, hint="check the file's permissions")
    return unreadable(url, f"cannot be read ({one_line(error.strerror or error, 80)})")


def unreadable(url: str, why: str, hint: str = _NOT_A_DOCUMENT) -> UnexpectedAnswer:
    """Return the error for a document that cannot be used, with its URL as it may be shown."""
    where = shown(url)
    return UnexpectedAnswer(f"{why}: {where}", url=where, hint=hint)


def too_large(url: str, size: int | None = None) -> UnexpectedAnswer:
    """Return the error for a document that is larger than is read."""
    return unreadable(url, f"the document is too large: {json_document.too_large(size)}", SMALLER_HINT)


def parsed(fetched: Fetched, keys: KeyRemoval | None = None) -> Loaded:
    """Return what a document is, or the error that says why it is none; nothing is raised."""
    content, url = fetched.content, fetched.url
    if len(content) > MAX_DOCUMENT:
        return too_large(url, len(content))
    try:
        return document_of(json_in(content, url, fetched.media_type, keys), url)
    except NotJSON as error:
        return unreadable(url, str(error))
    except RequestError as error:
        return error
