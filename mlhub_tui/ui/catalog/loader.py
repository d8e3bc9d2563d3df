"""Loading of a source: listings page by page into the tree, and documents, of which a bounded number stay."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.cache import LRUCache

from ...auth import Kind
from ...errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, MLHubException
from ...http.cache import MOST
from ...metadata.citation import Attribution, attribution
from ...models import ArchiveInfo, Document, Entry, EntryKind
from ...sources.ancestors import ancestors
from ...sources.base import Page, Source
from ...text import duration
from ..source_connection import last_listing
from .matching import described
from .nodes import MODELS, GroupNode, TreeEntry, identity

if TYPE_CHECKING:
    from ...http.cache import LastListing
    from ...models import Collection
    from ..source_connection import Connection
    from .catalog_tree import CatalogTree
    from .nodes import TreeListing
    from .tree_model import NodeRow

AT_A_TIME = 2_000
"""Entries of a page taken up in one go: a few milliseconds, between which the keys come first."""
MOST_COLLECTIONS = 10_000
"""Collections that are read for what the filter of their datasets looks at."""


async def load_listing(
    connection: Connection, documents: Documents, tree: CatalogTree
) -> MLHubException | None:
    """Load the top level of a source and its description; return the error if the top level was refused.

    What was listed last time is shown until the source answers.
    """
    last, tree_model = last_listing(connection), tree.tree_model
    groups = tree_model.groups
    if last is not None:
        entries, age = await asyncio.to_thread(last.load)
        if entries and tree_model.groups is groups and not (groups[0].children or tree_model.top.loaded):
            tree.show_last(entries, f"as of {duration(age)} ago")
    async with asyncio.TaskGroup() as loads:
        loads.create_task(introduce(connection.source, tree))
        for row in groups:
            loads.create_task(_load_group(documents, tree, row))
    if tree_model.groups is not groups:
        return None
    if last is not None:
        await _save_last(last, tree)
    return tree_model.top.failure


async def _load_group(documents: Documents, tree: CatalogTree, row: NodeRow) -> None:
    # A user whose key is refused at the top level gets the profiles once all requests have ended.
    with contextlib.suppress(AuthenticationError, APIKeyNotFound):
        await load_next(documents, tree, row)


async def introduce(source: Source, tree: CatalogTree) -> None:
    """Load and set the description of a source; if that fails, its listing shows why."""
    groups = tree.tree_model.groups
    with contextlib.suppress(MLHubException):
        about = await source.about()
        if tree.is_attached and tree.tree_model.groups is groups:
            tree.tree_model.introduce(about)


async def _save_last(last: LastListing, tree: CatalogTree) -> None:
    """Save what is listed now, if that came from the source."""
    top = tree.tree_model.top
    if top.failure is None and top.loaded and not top.cached_age:
        rows = (tree.tree_model.groups[0].children or [])[:MOST]
        entries = [row.data for row in rows if isinstance(row.data, Entry)]
        await asyncio.to_thread(last.save, entries)


async def load_next(documents: Documents, tree: CatalogTree, row: NodeRow) -> None:
    """Load the next page below a row into the tree; nothing happens while one is on its way, or at the end.

    Raises AuthenticationError, APIKeyNotFound if the listing needs a key; the listing says so too.
    """
    listing, source = tree.tree_model.grown.get(row), documents.source
    if listing is None or source is None or not listing.wants_more:
        return
    listing.loading = True
    try:
        tree.settle(row)
        page = await _page(source, row, listing.next)
        if tree.tree_model.grown.get(row) is listing:  # else the tree was reloaded meanwhile
            documents.keep(page.entries)
            if not page.notes:
                tree.tree_model.clear_note(row)
            await _take(tree, row, listing, page)
    except MLHubException as error:
        listing.fail(error)
        if isinstance(error, AuthenticationError | APIKeyNotFound):
            raise
    finally:
        listing.loading = False
        if tree.tree_model.grown.get(row) is listing:
            tree.settle(row)


async def _take(tree: CatalogTree, row: NodeRow, listing: TreeListing, page: Page[Entry]) -> None:
    """Take up a page in parts, without what the one before it ended with."""
    entries = [*page.entries] if listing.take(page) else []
    if listing.loaded:
        before = {_mark(known) for known in _last(row, listing.loaded, len(entries))}
        entries = [entry for entry in entries if _mark(entry) not in before]
    for start in range(0, len(entries), AT_A_TIME):
        tree.add(row, entries[start : start + AT_A_TIME])
        await asyncio.sleep(0)
        if tree.tree_model.grown.get(row) is not listing:
            return


async def _page(source: Source, row: NodeRow, link: str | None) -> Page[Entry]:
    """Return a page of what is below a row; MLHub's datasets and models come sorted by title."""
    node = row.data
    if isinstance(node, Entry):
        return await source.entries(node, link=link)
    if isinstance(node, GroupNode) and node.key == MODELS:
        return await _models(source)
    page = await source.entries(None, link=link)
    return Page(_by_title(page.entries), None, None, page.skipped) if source.kind is Kind.MLHUB else page


async def _models(source: Source) -> Page[Entry]:
    try:
        return Page(_by_title(tuple(Entry.of(model) for model in await source.models())))
    except EntityDoesNotExist:
        return Page(())  # not every deployment has models


def _by_title(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.title.casefold()))


def _mark(entry: Entry) -> tuple[EntryKind, str, str]:
    return (entry.kind, entry.id, entry.url)


def _last(row: NodeRow, loaded: int, number: int) -> list[Entry]:
    """Return the entries that were loaded last: a server may list some of them once more."""
    rows = (row.children or [])[max(loaded - number, 0) : loaded]
    return [known.data for known in rows if isinstance(known.data, Entry)]


async def read_collections(source: Source) -> Mapping[str, Sequence[str]]:
    """Return what the collections of a source state of years, sensors and tasks, by their ids."""
    read: list[Collection] = []
    async for collection in source.walk_collections():
        read.append(collection)
        if len(read) >= MOST_COLLECTIONS:
            break
    return await asyncio.to_thread(_described, read)


def _described(collections: Sequence[Collection]) -> dict[str, tuple[str, ...]]:
    shared: dict[str, str] = {}  # most collections state the same few lines: one copy of each is enough
    return {one.id: tuple(shared.setdefault(line, line) for line in described(one)) for one in collections}


DOCUMENTS_KEPT = 300
"""Documents cached in memory: a few pages; the tree itself stores ids and titles only."""

_ATTRIBUTED = 5
"""Entries whose licences and citations are looked up before a download."""


Key = tuple[str, ...]


class Documents:
    """The documents of one source, by their entries.

    - `source`: Where what is not in memory is asked for; None while there is none.
    """

    def __init__(self, source: Source | None = None) -> None:
        self.source = source
        self._documents: LRUCache[Key, Document] = LRUCache(DOCUMENTS_KEPT)
        self._archives: LRUCache[str, ArchiveInfo | str] = LRUCache(DOCUMENTS_KEPT)
        self._failed: LRUCache[Key, str] = LRUCache(DOCUMENTS_KEPT)
        self._above: LRUCache[Key, list[Document]] = LRUCache(DOCUMENTS_KEPT)

    @property
    def kind(self) -> Kind:
        """What the source speaks."""
        return self.source.kind if self.source is not None else Kind.MLHUB

    def _key(self, entry: Entry) -> Key:
        if self.kind is Kind.STATIC and entry.url:
            return (entry.url,)
        return (entry.kind, entry.collection_id, identity(entry, self.kind))

    def of(self, entry: Entry | None) -> Document | None:
        """Return the document of an entry as far as it is in memory."""
        if entry is None:
            return None
        return self._documents.get(self._key(entry)) or entry.document

    def why_not(self, entry: Entry) -> str:
        """Return why the document of an entry could not be loaded; empty where nothing went wrong."""
        return self._failed.get(self._key(entry), "")

    def above(self, entry: Entry) -> Sequence[Document]:
        """Return what an entry belongs to, the nearest first; empty while that was not asked for."""
        return self._above.get(self._key(entry)) or ()

    def archive(self, collection_id: str) -> ArchiveInfo | str | None:
        """Return what is known of an archive; a string says why nothing is, None that nobody asked yet."""
        return self._archives.get(collection_id)

    @property
    def has_archives(self) -> bool:
        """Whether collections of the source are to be had as archives."""
        return self.kind is Kind.MLHUB

    def keep(self, entries: Sequence[Entry]) -> None:
        """Remember the documents that a page brought; of a long one those that stay in memory anyway."""
        for entry in entries[-DOCUMENTS_KEPT:]:
            if entry.document is not None and entry.kind not in (EntryKind.DATASET, EntryKind.MODEL):
                self._documents[self._key(entry)] = entry.document

    async def complete(self, subject: TreeEntry) -> AsyncIterator[None]:
        """Load what is missing for the detail of an entry; yields whenever there is more to show.

        Where nothing is missing it yields once: another screen's answer may have come since the detail
        was shown.
        """
        entry = subject.entry
        loads: list[Coroutine[Any, Any, object]] = []
        if self.of(entry) is None:
            loads.append(self.load(entry))
        if self._wants_archive(entry) and self.archive(entry.id) is None:
            loads.append(self.load_archive(entry.id))
        if not loads:
            yield None
        for done in asyncio.as_completed(loads):
            await done
            yield None
        if self._key(entry) not in self._above and await self.load_above(subject):
            yield None

    async def reload(self, subject: TreeEntry) -> None:
        """Load an entry's document again, and what belongs to it."""
        await self.load(subject.entry)
        self._above.discard(self._key(subject.entry))
        if self._wants_archive(subject.entry):
            await self.load_archive(subject.entry.id)

    def _wants_archive(self, entry: Entry) -> bool:
        return self.has_archives and entry.kind is EntryKind.COLLECTION

    async def load(self, entry: Entry) -> Document | None:
        """Load the document of an entry, be it in memory or not; what went wrong is remembered."""
        if self.source is None:
            return None
        bare = Entry(entry.kind, entry.id, entry.title, entry.url, entry.collection_id)
        try:
            document = await self.source.document(bare)
        except MLHubException as error:
            self._failed[self._key(entry)] = error.full_message
            return None
        self._failed.discard(self._key(entry))
        self._documents[self._key(entry)] = document
        return document

    async def load_above(self, subject: TreeEntry) -> Sequence[Document]:
        """Return what an entry belongs to, the nearest first: what it does not state of itself, they do."""
        entry = subject.entry
        if (known := self._above.get(self._key(entry))) is not None:
            return known
        document = self.of(entry) or await self.load(entry)
        if document is None or self.source is None:
            return ()

        async def load(above: Entry) -> Document | None:
            return self.of(above) or (None if self.why_not(above) else await self.load(above))

        found = await ancestors(self.source, document, load, parent=subject.parent, dataset=subject.dataset)
        self._above[self._key(entry)] = found
        return found

    async def attributions(self, subjects: Sequence[TreeEntry]) -> list[Attribution]:
        """Return the attributions of the first few of some entries; those that cannot be loaded have none."""
        found = []
        for subject in subjects[:_ATTRIBUTED]:
            above = await self.load_above(subject)
            if (document := self.of(subject.entry)) is not None:
                found.append(attribution(document, above))
        return found

    async def load_archive(self, collection_id: str) -> ArchiveInfo | str:
        """Load what is known of an archive."""
        if self.source is None:
            return "unknown"
        found: ArchiveInfo | str
        try:
            found = await self.source.archive_info(collection_id)
        except EntityDoesNotExist:
            found = "none yet: it may still be generating"
        except (AuthenticationError, APIKeyNotFound):
            found = "its size needs an API key"
        except MLHubException as error:
            return error.full_message
        self._archives[collection_id] = found
        return found
