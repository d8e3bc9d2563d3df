"""Loading of a source: listings page by page into the tree, documents, and the detail of both."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.cache import LRUCache

from ...auth import Kind
from ...errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, MLHubException
from ...http.cache import MOST
from ...metadata.blocks import Block, FieldBlock, Heading, Identity, Paragraph, Prose, Title
from ...metadata.citation import Attribution, attribution
from ...metadata.detail import document_detail, type_names
from ...models import ArchiveInfo, Collection, Document, Entry, EntryKind
from ...sources.ancestors import ancestors
from ...sources.base import Page, Source
from ...text import duration, redact, size
from ..source_connection import last_listing
from .matching import described, facet_counts
from .nodes import (
    MODELS,
    TYPE_TITLES,
    ActionNode,
    GroupNode,
    ListingStopped,
    MoreNode,
    NoteNode,
    TreeEntry,
    TypeNode,
    entry_id,
    identity,
)

if TYPE_CHECKING:
    from ...http.cache import LastListing
    from ..source_connection import Connection
    from .catalog_tree import CatalogTree
    from .nodes import NodeRow, TreeListing
    from .tree_model import CatalogTreeModel

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

    async def load(row: NodeRow) -> None:
        # A user whose key is refused at the top level gets the profiles once all requests have ended.
        with contextlib.suppress(AuthenticationError, APIKeyNotFound):
            await load_next(documents, tree, row)

    last, tree_model = last_listing(connection), tree.tree_model
    groups = tree_model.groups
    if last is not None:
        entries, age = await asyncio.to_thread(last.load)
        if entries and tree_model.groups is groups and not (groups[0].children or tree_model.top.loaded):
            tree.show_last(entries, f"as of {duration(age)} ago")
    async with asyncio.TaskGroup() as loads:
        loads.create_task(introduce(connection.source, tree))
        for row in groups:
            loads.create_task(load(row))
    if tree_model.groups is not groups:
        return None
    if last is not None:
        await _save_last(last, tree)
    return tree_model.top.failure


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
    except asyncio.CancelledError:
        listing.fail(ListingStopped("stopped before it was loaded"))
        if tree.tree_model.grown.get(row) is listing:  # else the tree is reloaded, which stopped it
            tree.tree_model.restore(row)
        raise
    finally:
        listing.loading = False
        if tree.tree_model.grown.get(row) is listing:
            tree.settle(row)


async def _take(tree: CatalogTree, row: NodeRow, listing: TreeListing, page: Page[Entry]) -> None:
    """Take up a page in parts, without what the one before it ended with."""
    entries = [*page.entries] if listing.take(page) else []
    # A server may list some of what was loaded last once more.
    known = (row.children or [])[max(listing.loaded - len(entries), 0) : listing.loaded]
    before = {_mark(one.data) for one in known if isinstance(one.data, Entry)}
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
        with contextlib.suppress(EntityDoesNotExist):  # not every deployment has models
            return Page(_by_title(Entry.of(model) for model in await source.models()))
        return Page(())
    page = await source.entries(None, link=link)
    return Page(_by_title(page.entries), None, None, page.skipped) if source.kind is Kind.MLHUB else page


def _by_title(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.title.casefold()))


def _mark(entry: Entry) -> tuple[EntryKind, str, str]:
    return (entry.kind, entry.id, entry.url)


async def read_collections(source: Source) -> Mapping[str, Sequence[str]]:
    """Return what the collections of a source state of years, sensors and tasks, by their ids."""
    read: list[Collection] = []
    async for collection in source.walk_collections():
        read.append(collection)
        if len(read) >= MOST_COLLECTIONS:
            break
    # Most collections state the same few lines: one copy of each is enough.
    return await asyncio.to_thread(lambda: {one.id: [*map(sys.intern, described(one))] for one in read})


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


_LOOKED_AT, _VALUES = 2_000, 6
"""Entries whose facets are counted, in some milliseconds, and values of a facet that are shown."""


def archive_words(archive: ArchiveInfo | str | None) -> str:
    """Return what is known of an archive in words."""
    if archive is None:
        return "requesting its size…"
    return archive if isinstance(archive, str) else size(archive.size)


def entry_detail(subject: TreeEntry, documents: Documents) -> list[Block]:
    """Return the detail of an entry, with what is known of it so far."""
    entry = subject.entry
    document, above = documents.of(entry), documents.above(entry)
    types = subject.ref.types if subject.ref else ()
    dataset = subject.dataset.title if subject.dataset else ""
    if isinstance(document, Collection) and documents.has_archives:
        archive = archive_words(documents.archive(document.id))
        return document_detail(document, archive=archive, types=types, dataset=dataset, above=above)
    if document is not None:
        return document_detail(document, above=above)
    # What is known before the document came, and why it did not.
    why = documents.why_not(entry) or entry.note
    identity = entry_id(entry)
    blocks: list[Block] = [Title(entry.title or entry.label), *([Identity(identity)] if identity else [])]
    if entry.kind is EntryKind.COLLECTION and documents.has_archives:
        blocks += [
            FieldBlock("Type", type_names(types)),
            FieldBlock("Archive", archive_words(documents.archive(entry.id))),
            FieldBlock("Dataset", dataset),
        ]
    elif entry.url:
        blocks.append(FieldBlock("Link", redact(entry.url)))
    return [*blocks, Paragraph(f"\n{why or 'loading…'}")]


def line_detail(row: NodeRow | None, tree_model: CatalogTreeModel) -> list[Block]:
    """Return the detail of a line that is no entry."""
    match node := row.data if row is not None else None:
        case TypeNode(kind, number):
            return [
                Title(TYPE_TITLES.get(kind, kind)),
                Paragraph(f"{number} in this dataset; d downloads {'them' if number != 1 else 'it'}"),
            ]
        case GroupNode(key, title, note, detail):
            about = tree_model.about
            first = bool(tree_model.groups) and tree_model.groups[0].data is node
            listed = tree_model.entries(tree_model.groups[0]) if first else []
            facets = _most_frequent([row.facet_text for row in listed if row.facet_text])
            if about is None or not first or tree_model.by_dataset:
                return [Title(title), Paragraph(note), Paragraph(f"\n{detail}" if detail else ""), *facets]
            known = document_detail(about.document)[2:] if about.document else [Prose(about.description)]
            where = [FieldBlock("Source", about.kind.value), FieldBlock("Notes", detail)]
            return [
                Title(about.title or title),
                Paragraph(f"{'Entries' if title == about.title else title}: {note}" if key else note),
                *where,
                *known,
                *facets,
            ]
        case ActionNode(words):
            return [Paragraph(f"Enter: {words}")]
        case NoteNode(words) | MoreNode(words):
            return [Paragraph(words)]
        case Entry() | None:
            return []


def _most_frequent(facet_texts: Sequence[str]) -> list[Block]:
    """Return the most frequent values of each facet of a listing, as far as that is looked through."""
    rows: list[Block] = []
    for name, counts in facet_counts(facet_texts[:_LOOKED_AT]).items():
        values = [f"{one.words} ({one.number:,})" for one in counts[:_VALUES]] + ["…"] * bool(
            counts[_VALUES:]
        )
        rows.append(FieldBlock(name.capitalize(), ", ".join(values)))
    return [Heading("Most frequent"), *rows, Paragraph("\nf narrows by these, / by words.")] if rows else []
