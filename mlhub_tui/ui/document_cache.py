"""The documents of one source that were looked at, a bounded number, and why others could not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from textual.cache import LRUCache

from ..auth import Kind
from ..errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, MLHubException
from ..metadata.citation import Attribution, attribution
from ..models import ArchiveInfo, Document, Entry, EntryKind
from ..sources.ancestors import ancestors
from ..sources.base import Source
from .catalog.nodes import TreeEntry, identity

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
