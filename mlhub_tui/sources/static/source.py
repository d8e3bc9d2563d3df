"""A static catalog as a source: documents that link to each other, wherever they lie.

Its root is what a person named: a URL, file, folder, archive, or list of items.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ...auth import Kind
from ...errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from ...http.cache import CachingClient, DocumentCache
from ...http.urls import shown_id
from ...models import Catalog, Collection, Document, Entry, EntryKind, Item, Search
from ...text import count, one_line
from ..base import COLLECTION_IDS, ITEM_IDS, About, Page, Source
from ..documents import ItemList, in_list
from ..local_search import FIELDS, search_locally
from .archive import ArchiveMembers, fetch_archive
from .document_loader import Children, DocumentLoader, LRUCache, open_file, system_error, unreadable
from .document_urls import (
    ARCHIVES,
    DOCUMENTS,
    LISTS,
    ROOT_NAMES,
    file_url,
    is_archive,
    is_member,
    is_place,
    is_web,
    local_path,
    place_named,
    place_of,
    same,
    split_member,
)
from .item_lists import ItemCatalog, is_large
from .pages import AGAIN, CollectionIndex, ItemPages, Tree
from .tar_reader import Cancelled, is_archive_head

if TYPE_CHECKING:
    from ...http.credentials import Link
    from ...http.session import Session

_LISTINGS = 32
_MAX_ENTRIES = 500  # of a folder


class NotASource(UnexpectedAnswer):
    """What is at a location is no source; the message says what it is, the hint what to name instead."""

    default_hint = "name the root of a STAC API, a catalog.json or collection.json, a folder or a .tar.gz"


class StaticSource(Source):
    """A `Source` over a static STAC catalog; closing it closes its session.

    Ids need not be unique in a static catalog: wherever the id of a collection or item is asked for, its
    place URL (`Entry.url`) is taken as well.

    - `location`: The URL of a `catalog.json` or `collection.json`; the path of one, of a folder that holds
      one, or of a tar archive.
    - `session`: The session with the server; its secret goes to its own origin only.
    - `patience`: Seconds that a page of the tree waits for the documents of its catalogs and collections.
    """

    noun = "a static catalog"
    kind = Kind.STATIC

    def __init__(self, location: str, session: Session, *, patience: float = 0.7) -> None:
        self.session, self.root_url = session, location
        self._cache = DocumentCache()
        self._web = CachingClient(self.session, self._cache)
        self._patience = patience
        self._opening = asyncio.Lock()
        self._opened: _OpenCatalog | None = None
        self._archives: list[ArchiveMembers] = []
        self.is_local = not is_web(location)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be read so far, and whether the cache answers in place of a server; a line each."""
        offline = (self._web.offline,) if self._web.offline else ()
        opened = self._opened
        return (*offline, *opened.notes, *opened.loader.notes, *opened.index.notes) if opened else offline

    @property
    def unread(self) -> int:
        """How many catalogs and collections did not come so far, or are not followed."""
        return self._opened.index.unread if self._opened else 0

    def refresh(self) -> None:
        """Request every document again from now on; cached ones are used once the server confirms them."""
        self._web.refresh()
        self._opened = None

    async def about(self) -> About:
        """Return the description of the catalog from its root document, and warnings about reading it."""
        opened = await self._open()
        document = await opened.document(opened.url)
        return About(Kind.STATIC, document.title, document.description, FIELDS, self.troubles, document)

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return one page of what is below an entry; at the top, of what the root document holds.

        A root that is a collection is the one entry at the top, so that it can be looked at itself.
        """
        opened = await self._open()
        if parent is not None:
            if parent.note == AGAIN:
                return Page((), notes=(AGAIN,))
            url = parent.url or await opened.index.url_of(parent.id)
            return await opened.tree.below(url, link=link, size=page_size)
        root = await opened.loader.holder(opened.url)
        if isinstance(root, Children) and root.made is not Catalog:
            document = await opened.document(opened.url)
            return Page((replace(Entry.of(document), url=opened.url),), matched=1)
        return await opened.tree.below(opened.url, link=link, size=page_size)

    async def document(self, entry: Entry) -> Document:
        """Return a document; of a list of items the one that the fragment names, or the one with an id."""
        if entry.document is not None:
            return entry.document
        opened = await self._open()
        if not entry.url and entry.kind is EntryKind.ITEM:
            return await self.item(entry.collection_id, entry.id)
        return await opened.document(entry.url or await opened.index.url_of(entry.id), entry.id)

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items of some collections, or of all, that match a search.

        Items and collections may be named by their place URLs, or their paths, as well.
        """
        ids = await asyncio.to_thread(self._places, search.ids)
        search = replace(search, ids=ids)
        if not search.collections:
            search = replace(search, collections=((await self._open()).url,))
        return await search_locally(search, self.items_page, link=link, page_size=page_size)

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset are; files of this machine only for a catalog that is on it."""
        if href.startswith("file:") and (members := (await self._open()).members) is not None:
            return members.link(href)
        return await super().asset_link(href, fresh=fresh)

    async def walk_collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections of the tree as they are found, nearest first."""
        async for collection in (await self._open()).index.collections():
            yield collection

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection by its id or place URL."""
        opened = await self._open()
        found = await opened.loader.one(await opened.index.url_of(collection_id))
        if isinstance(found, Catalog):  # its items are listed by its id too
            return Collection(found.raw, url=found.url)
        if not isinstance(found, Collection):
            raise EntityDoesNotExist(f"{shown_id(collection_id)} is no collection", hint=COLLECTION_IDS)
        return found

    async def collection_named(self, identity: str) -> tuple[str, str]:
        """Return the id and the place URL of a collection that is given by its address; an id twice."""
        if place := await asyncio.to_thread(place_named, identity, local=self.is_local):
            return (await self.collection(place)).id, place
        return identity, identity

    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items below a collection, nested catalogs and collections included."""
        opened = await self._open()
        page = await (await opened.items(collection_id)).page(link, page_size)
        damage = opened.members.damage if opened.members is not None and page.next is None else ""
        return replace(page, stopped=damage) if damage else page

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item, by its id or its place URL; by the id it is looked for among all."""
        opened = await self._open()
        [place] = await asyncio.to_thread(self._places, [item_id])
        if is_place(place):
            found = await opened.document(place)
            if isinstance(found, Item):
                return found
            raise EntityDoesNotExist(f"{shown_id(item_id)} is no item", hint=ITEM_IDS)
        return await (await opened.items(collection_id)).item(item_id)

    def _places(self, identities: Sequence[str]) -> tuple[str, ...]:
        """Return the place URLs of URLs and paths in place of ids, and ids as they are; it blocks."""
        return tuple(place_named(each, local=self.is_local) or each for each in identities)

    async def aclose(self) -> None:
        """Close the session, the archive and the cache."""
        await super().aclose()
        for close in (*(archive.close for archive in self._archives), self._cache.close):
            await asyncio.to_thread(close)

    async def _open(self) -> _OpenCatalog:
        """Find the root; the first call may fetch and read an archive, later ones cost nothing."""
        async with self._opening:
            if self._opened is None:
                url, members, notes = place_of(self.root_url), None, tuple[str, ...]()
                if is_web(url) and is_archive(url):
                    path, notes = await fetch_archive(self.session, url)
                    url = file_url(path)
                if not is_web(url):
                    stop = threading.Event()
                    try:
                        url, members = await asyncio.to_thread(find_root, url, stop.is_set)
                    finally:
                        stop.set()
                if members is not None:
                    self._archives.append(members)
                    notes += members.notes
                self._opened = await self._at(url, members, notes)
            return self._opened

    async def _at(self, url: str, members: ArchiveMembers | None, notes: tuple[str, ...]) -> _OpenCatalog:
        """Return the catalog at a root; of a list of items the one that is made of it."""
        local, keys = not is_web(url), self.session.keys
        read = members.read if members is not None else None
        loader = DocumentLoader(self._web, local=local, read_members=read, keys=keys)
        listed: ItemCatalog | None = None
        if local and members is None and await asyncio.to_thread(is_large, url):
            stop = threading.Event()
            try:
                listed = await asyncio.to_thread(ItemCatalog.of_file, url, cancelled=stop.is_set, keys=keys)
            finally:
                stop.set()
        else:
            with suppress(RequestError):  # it is requested again where it is wanted
                found = await loader.one(url)
                if not isinstance(found, ItemList):
                    loader.copied(found)
                elif members is None:
                    listed = ItemCatalog.of(found, url)
        if listed is not None:
            url, made = listed.documents()
            loader = DocumentLoader(self._web, local=local, made=made, keys=keys)
        return _OpenCatalog(url, members, loader, notes, self._patience)


class _OpenCatalog:
    """A catalog with its root found; a refresh of the source makes another one."""

    def __init__(
        self,
        url: str,
        members: ArchiveMembers | None,
        loader: DocumentLoader,
        notes: tuple[str, ...],
        patience: float,
    ) -> None:
        self.url = url
        self.members = members
        self.notes = notes
        self.loader = loader
        self.tree = Tree(loader, patience=patience)
        self.index = CollectionIndex(loader, url)
        self._listings: LRUCache[ItemPages] = LRUCache(_LISTINGS)

    async def document(self, url: str, identity: str = "") -> Document:
        """Return a document; of a list of items the one that the fragment names, or the one with an id."""
        found = await self.loader.one(url)
        if not isinstance(found, ItemList):
            return found
        if (item := await asyncio.to_thread(in_list, found, url, identity)) is not None:
            return item
        raise unreadable(url, f"a list of {count(len(found.items), 'item')}, not one document")

    async def items(self, collection_id: str) -> ItemPages:
        """Return the listing of the items below a document; it remembers where it was."""
        url = same(await self.index.url_of(collection_id))
        known = self._listings.get(url) or ItemPages(self.loader, url)
        self._listings.put(url, known, 1)
        return known


def find_root(url: str, cancelled: Cancelled) -> tuple[str, ArchiveMembers | None]:
    """Return the place URL of the first document at a `file` URL, and what reads the archive it is in.

    A folder may have it directly below. Raises NotASource if it has none, or several: the hint names them.
    """
    archive = split_member(url)[0] if is_member(url) else url
    path = local_path(archive)
    try:
        if path.is_dir():
            path = _root_in(path)
            url = archive = file_url(path)
        if not is_member(url):
            with open_file(url) as file:
                if not is_archive_head(file.read(512)):
                    return url, None
        members = ArchiveMembers(path, cancelled)
    except OSError as error:
        raise system_error(error, archive) from None
    if is_member(url) or members.root_url:
        return members.root_url if url == archive else url, members
    members.close()
    where = one_line(path, 160)
    if members.damage:
        words = f"{where} is no archive that can be read: {members.damage}"
        raise NotASource(words, hint="it may be incomplete: download it again")
    raise NotASource("; ".join((f"{where} holds neither catalog.json nor collection.json", *members.notes)))


def _root_in(folder: Path) -> Path:
    """Return the root document of a folder: in it, or the one catalog, archive, list or document below it."""
    for name in ROOT_NAMES:
        if (folder / name).is_file():
            return folder / name
    entries = sorted(islice(folder.iterdir(), _MAX_ENTRIES))
    roots = {
        entry: entry / name for entry in entries for name in reversed(ROOT_NAMES) if (entry / name).is_file()
    }
    below = [*roots.values(), *(entry for entry in entries if entry.name.endswith(ARCHIVES))]
    for ends in (LISTS, DOCUMENTS):
        below = below or [entry for entry in entries if entry.name.endswith(ends)]
    if len(below) == 1:
        return below[0]
    names = sorted(one_line(path.relative_to(folder).parts[0], 60) for path in below)
    hint = f"there is something below it: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
    words = f"{one_line(folder, 160)} holds neither catalog.json nor collection.json"
    raise NotASource(words, hint=hint if names else None)
