"""Documents of static catalogs by place URL: fetched or read, parsed, their links; the last used in memory.

What cannot be read or parsed is one sentence about that one document.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Generic, NamedTuple, TypeVar

from ...concurrency import together
from ...errors import (
    AccessDenied,
    EntityDoesNotExist,
    NotOffered,
    RequestError,
    ServerUnreachable,
    UnexpectedAnswer,
)
from ...http import json_document
from ...http.cache import CachedResponse, CachingClient
from ...http.credentials import KeyRemoval
from ...http.json_document import MAX_DOCUMENT, SMALLER_HINT, NotJSON, json_in
from ...http.urls import resolve_href, shown
from ...models import Document, Item
from ...text import count, one_line
from ..asset_links import https_of
from ..documents import ItemList, document_of, is_page
from .document_urls import ROOT_NAMES, is_member, is_web, local_path, same, split_member

V = TypeVar("V")
WIDTH = 8
"""How many documents are requested of servers at a time: as many as a session has connections."""
_WALK_WIDTH = WIDTH - 2  # of these, for walks; the others are for single documents, which somebody waits for
_SMALL = 65_536  # bytes parsed faster than a thread is found for them
_FEW_LINKS = 500
_BATCH = 64  # local documents read in one call of a thread: about 5 ms
_HOLDERS = 24_000_000  # bytes of JSON; as objects they take several times as much
_ITEMS = 2_000_000
_LINKS = 400_000
_NOT_A_DOCUMENT = "the rest of the catalog can be used; report it to the owner of the catalog"
# Most hrefs are so plain that they need not be parsed.
_PLAIN = re.compile(r"(?:\./)*([A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)")

Parsed = Document | ItemList
"""What a document turns out to be."""
Loaded = Parsed | RequestError
"""The same, or why it is none."""
ReadMembers = Callable[[Sequence[str]], list[CachedResponse | RequestError]]
"""Returns the documents of place URLs in an archive, or for each why it cannot be read; it blocks."""


class Role(Enum):
    """What a link leads to: its `rel`."""

    CHILD = "child"
    ITEM = "item"
    LIST = "items"
    EITHER = "child and item"


_ROLES = {role.value: role for role in (Role.CHILD, Role.ITEM, Role.LIST)}


class DocumentLink(NamedTuple):
    """One link to what is below, with the place URL it leads to and its cleaned title, which may be empty."""

    role: Role
    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Children:
    """The links of one document to what is below it, and the roles among them.

    - `notes`: What is wrong with some, a line each.
    """

    url: str
    made: type[Document]
    id: str
    links: tuple[DocumentLink, ...]
    roles: frozenset[Role]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, document: Document) -> Children:
        """Return the links of a document, each address once; what is no usable link is counted in the notes.

        Public catalogs link a child as JSON and as a page, in two spellings, or as item and as child: the
        page is left out, and only the document tells which of both it is.
        """
        found: dict[str, DocumentLink] = {}
        folder = document.url.rpartition("/")[0] if "?" not in document.url else ""
        broken = 0
        for link in document.links:
            rel, href, title = link.get("rel"), link.get("href"), link.get("title")
            role = _ROLES.get(rel) if isinstance(rel, str) else None
            if role is None or is_page(link):
                continue
            if not isinstance(href, str) or not href.strip():
                broken += 1
                continue
            plain = _PLAIN.fullmatch(href) if folder else None
            url = f"{folder}/{plain[1]}" if plain else _place(document.url, href)
            title = one_line(title) if title and isinstance(title, str) else ""
            if (known := found.get(url)) is not None:
                both = {role, known.role} >= {Role.CHILD, Role.ITEM} or known.role is Role.EITHER
                role, title = Role.EITHER if both else known.role, known.title or title
            found[url] = DocumentLink(role, url, title)
        notes = (f"{count(broken, 'link')} without an href",) if broken else ()
        roles = frozenset(link.role for link in found.values())
        return cls(document.url, type(document), document.id, tuple(found.values()), roles, notes)

    def of_role(self, *roles: Role) -> Iterator[DocumentLink]:
        """Yield the links of some roles in order."""
        return (link for link in self.links if link.role in roles)

    def has(self, *roles: Role) -> bool:
        """Whether there is a link of some roles."""
        return not self.roles.isdisjoint(roles)


def _place(document_url: str, href: str) -> str:
    """Return the place URL of a link; of an object in a store, as `s3://bucket/key`, its https address."""
    url = resolve_href(document_url, href)
    if not is_web(url) and not url.startswith("file:"):
        with suppress(NotOffered):
            url = https_of(url)
    return same(url)


def refusal(document_url: str, url: str) -> str:
    """Return why a link is not followed, in a sentence; empty where it may be.

    A server must not make anybody read files of their own, nor an archive what is not in it.
    """
    if is_web(url):
        return ""
    if is_member(document_url):
        inside = is_member(url) and split_member(url)[0] == split_member(document_url)[0]
        return "" if inside else f"a link out of the archive is not followed: {shown(url)}"
    if not url.startswith("file:"):
        return f"a link that cannot be followed: {shown(url)}"
    return f"a link to a file of this machine is not followed: {shown(url)}" if is_web(document_url) else ""


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
        self._moved: tuple[str, str] | None = None
        self._copies_first = local
        self.notes: tuple[str, ...] = ()
        """That documents come from a copy of the catalog, once one did; a line."""

    def copied(self, root: Document) -> None:
        """Note where a catalog was published, by the `self` link of its root, and that this is a copy of it.

        Its absolute links lead there; the server may be gone. Of a copy on this machine, a folder or an
        archive, documents are read; of one on a server those that cannot be had where they were published.
        """
        hrefs = [link.get("href") for link in root.links if link.get("rel") == "self"]
        for href in hrefs:
            place = _place(root.url, href) if isinstance(href, str) else ""
            if not is_web(place):
                continue
            published, name = place.rpartition("/")[::2]
            here, own_name = same(root.url).rpartition("/")[::2]
            if name == own_name and published != here:
                self._moved = f"{published}/", f"{here}/"

    def _copy_of(self, url: str) -> str:
        """Return where the copy of a document of the published catalog is; empty for other ones."""
        published, here = self._moved or ("", "")
        is_apart = published and url.startswith(published) and not url.startswith(here)
        return here + url[len(published) :] if is_apart else ""

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

    async def first_of(self, url: str) -> str:
        """Return the place URL of a document; of a folder on a server, that of its first one."""
        path = url.partition("?")[0].rstrip("/")
        if not is_web(url) or "." in path.rpartition("/")[2]:
            return url
        for place in (url, *(f"{path}/{name}" for name in ROOT_NAMES)):
            with suppress(RequestError):
                await self.one(place)
                return place
        return url

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
        if self._moved is not None:
            missing = await self._load_copied(missing, found)
        await self._load(missing, found)
        return [found[same(url)] for url in urls]

    async def _load_copied(self, missing: Sequence[str], found: dict[str, Loaded]) -> list[str]:
        """Load documents of a published catalog, from there or from its copy; return the URLs of others."""
        copies = {url: copy for url in missing if (copy := self._copy_of(url))}
        for is_copy in (self._copies_first, not self._copies_first):
            left = [url for url in copies if not isinstance(found.get(url), Document | ItemList)]
            places = {url: copies[url] if is_copy else url for url in left}
            loaded: dict[str, Loaded] = {}
            loaded |= {place: one for place in places.values() if (one := self.cached(place)) is not None}
            await self._load([place for place in places.values() if place not in loaded], loaded)
            for url, place in places.items():
                if not isinstance(loaded[place], RequestError):
                    found[url] = loaded[place]
                    if is_copy:
                        self.notes = (f"links are read from this copy, such as {shown(url)}",)
                elif not is_copy:
                    found[url] = loaded[place]  # it says what the link leads to
                    self._copies_first |= isinstance(loaded[place], ServerUnreachable)
        return [url for url in missing if url not in copies]

    async def _load(self, missing: Sequence[str], found: dict[str, Loaded]) -> None:
        """Load documents that are not in memory."""
        await self._load_web([url for url in missing if is_web(url)], found)
        local = [url for url in missing if not is_web(url)]
        for start in range(0, len(local), _BATCH):
            batch = local[start : start + _BATCH]
            self._store(batch, *await asyncio.to_thread(self._read, batch), found)

    async def _load_web(self, urls: list[str], found: dict[str, Loaded]) -> None:
        async def load(url: str) -> None:
            # One that somebody waits for does not queue behind a walk of thousands.
            async with nullcontext() if len(urls) == 1 else self._walks:
                answer = await self._fetch(url)
            is_small = isinstance(answer, RequestError) or len(answer.content) < _SMALL
            loaded = self._parse([answer]) if is_small else await asyncio.to_thread(self._parse, [answer])
            self._store([url], [answer], loaded, found)

        await together(load, urls, WIDTH)

    async def _fetch(self, url: str) -> CachedResponse | RequestError:
        if self._web is None:
            return NotOffered(f"a link to a server is not followed from here: {shown(url)}")
        try:
            return await self._web.get(url)
        except RequestError as error:
            return error

    def _read(self, urls: Sequence[str]) -> tuple[list[CachedResponse | RequestError], list[Loaded]]:
        """Read and parse local documents; runs in a thread."""
        answers = self._read_members(urls) if self._read_members else [self._file(url) for url in urls]
        return answers, self._parse(answers)

    def _parse(self, answers: Sequence[CachedResponse | RequestError]) -> list[Loaded]:
        return [one if isinstance(one, RequestError) else parsed(one, self._keys) for one in answers]

    def _file(self, url: str) -> CachedResponse | RequestError:
        if not self._local or is_member(url):
            return unreadable(url, "a file outside of the catalog is not followed")
        try:
            with open_file(url) as file:
                size = os.fstat(file.fileno()).st_size
                if size > MAX_DOCUMENT:
                    return too_large(url, size)
                return CachedResponse(file.read(size + 1), url)  # as much room is made as is asked for
        except OSError as error:
            return system_error(error, url)
        except RequestError as error:
            return error

    def _store(
        self,
        urls: Sequence[str],
        answers: Sequence[CachedResponse | RequestError],
        documents: Sequence[Loaded],
        found: dict[str, Loaded],
    ) -> None:
        """Keep documents in memory, each by the length of its answer."""
        for url, answer, one in zip(urls, answers, documents, strict=True):
            found[url] = one
            if isinstance(answer, CachedResponse) and not isinstance(one, RequestError):
                (self._items if isinstance(one, Item) else self._holders).put(url, one, len(answer.content))


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


def parsed(fetched: CachedResponse, keys: KeyRemoval | None = None) -> Loaded:
    """Return what a document is, or the error that says why it is none; nothing is raised."""
    content, url = fetched.content, fetched.url
    if len(content) > MAX_DOCUMENT:
        return too_large(url, len(content))
    try:
        return document_of(json_in(content, url, fetched.media_type, keys), url)
    except NotJSON as error:
        return unreadable(url, f"the document is {error}")
    except RequestError as error:
        return error
