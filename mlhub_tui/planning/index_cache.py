"""Cache of indexes: one file for each version of each dataset of each source, made when it is missing."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .. import fileio, paths
from ..auth.location import Kind
from ..concurrency import in_thread, together
from ..errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    HTTPError,
    NoSpaceError,
    OutputFolderError,
    RequestError,
    UnexpectedAnswer,
)
from ..http.credentials import KeyRemoval
from ..http.errors import COMMAND_RETRIES, may_pass
from ..models import Item, Search
from ..sources.asset_links import StorageTerms
from ..sources.base import Listing, LostDocument, Page, Source, counted_more
from ..sources.static.archive import SkipReport, documents
from ..sources.static.document_urls import file_url
from ..text import count, one_line, writable
from ..transfer.engine import TransferCancelled
from .index import Index, IndexBuilder, NoIndex

MAX_BYTES = 4 * 1024**3
"""Of all indexes together."""
_ENDS = 1 << 16  # bytes at both ends of an archive
_SHOW_EVERY = 256  # documents
_AT_ONCE = 8  # documents that did not come before

Show = Callable[[str, int, int | None], object]
"""Called with what is done, and bytes done of how many (None: unknown); from any thread."""


@dataclass(frozen=True, slots=True)
class IndexKey:
    """What an index is of: the source's location without keys, the dataset or what names its collections.

    `validator` changes when the content does; it is empty where nothing tells.
    """

    source: str
    dataset: str
    validator: str = ""

    @property
    def path(self) -> Path:
        """The path of its index, existing or not."""
        version = hashlib.sha256(self.validator.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return folder() / f"{self._stem}-{version}.db"

    @property
    def _stem(self) -> str:
        return hashlib.sha256(json.dumps([self.source, self.dataset]).encode()).hexdigest()[:24]

    def finish(self, builder: IndexBuilder, stop: threading.Event) -> None:
        """Complete its index, and drop those of other versions."""
        facts = {"source": self.source, "dataset": self.dataset, "validator": self.validator}
        builder.finish(facts, stopped=stop)
        self.drop_others()

    def drop_others(self) -> None:
        """Remove the indexes of other versions, and more where all of them take too much room."""
        for path in folder().glob(f"{self._stem}-*"):
            if not path.name.startswith(self.path.name):
                with contextlib.suppress(OSError):  # Windows refuses while another program has it open
                    path.unlink()
        fileio.shrink_folder(folder(), MAX_BYTES, keep=self.path.name)


def folder() -> Path:
    """Return the folder of the indexes."""
    return paths.cache() / "plans"


def cached(key: IndexKey) -> Index | None:
    """Return the index of a key where there is one of all that is listed, and mark it used."""
    try:
        index = Index(key.path)
    except NoIndex:
        return None
    if index.facts.get("incomplete"):
        index.close()
        return None
    with contextlib.suppress(OSError):
        os.utime(key.path)
    return index


def archive_validator(archive: Path) -> str:
    """Return what changes when the content of a `.tar.gz` does; OutputFolderError if it cannot be read.

    Only its ends are read: gzip ends with the checksum and the length of its content (RFC 1952, 2.3.1).
    """
    try:
        with archive.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(f"{size} ".encode() + file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
    except OSError as error:
        raise OutputFolderError(f"cannot read {one_line(archive, 200)}: {error.strerror}") from error
    return digest.hexdigest()[:24]


def index_of_archive(
    archive: Path,
    *,
    source: str,
    dataset: str,
    show: Show = lambda *_: None,
    stopped: threading.Event | None = None,
    keys: KeyRemoval | None = None,
) -> Index:
    """Return the index of a dataset's catalog archive: the cached one, else made in one pass.

    Blocks: some seconds for hundreds of thousands of assets, in flat memory. `archive` is a `.tar.gz` or
    `.tar` of STAC documents, the catalog of `dataset` of `source`; `stopped` ends it early, and `keys` are
    removed from what is saved.

    Raises DamagedArchive if the archive cannot be read to its end; EntityDoesNotExist if it holds no STAC
    document; TransferCancelled if it was stopped; TargetBusy if another program is building it;
    OutputFolderError, NoSpaceError if the archive cannot be read, or the index not be written.
    """
    key = IndexKey(source, dataset, archive_validator(archive))
    if (found := cached(key)) is not None:
        return found
    stop, report = stopped or threading.Event(), SkipReport()
    read: tuple[int, int | None] = 0, None

    def note(done: int, total: int | None) -> None:
        nonlocal read
        read = done, total

    with _writing(key, stop), IndexBuilder(key.path, fresh=True, archive=file_url(archive)) as builder:
        following = documents(archive, report=report, progress=note, cancelled=stop.is_set, keys=keys)
        for number, (member, document) in enumerate(following):
            if member.endswith(".json"):  # as radiant_mlhub: others are data, GeoJSON labels say
                builder.add(document, member=member)
            if number % _SHOW_EVERY == 0:
                show(f"indexing {count(builder.items, 'item')}", *read)
        if stop.is_set():
            raise TransferCancelled
        show(f"sorting {count(builder.items, 'item')}", *read)
        for line in report.lines():
            builder.add_note(line)
        if not builder.collections:
            raise EntityDoesNotExist(
                f"there are no STAC items or collections in {archive.name}",
                hint="it may be the archive of something else; fetch the catalog again",
            )
        key.finish(builder, stop)
    return Index(key.path)


@contextlib.contextmanager
def _writing(key: IndexKey, stop: threading.Event) -> Iterator[None]:
    """Translate why an index cannot be written."""
    try:
        yield
    except sqlite3.Error as error:
        if stop.is_set():
            raise TransferCancelled from None
        full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
        words = f"the index of {one_line(key.dataset, 60)} cannot be written: {one_line(error, 120)}"
        hint = "it is in the folder of MLHUB_HOME: make room there, then try again"
        raise (NoSpaceError if full else OutputFolderError)(words, hint=hint) from error
    except OSError as error:
        raise fileio.translate_os_error(error, key.path.parent) from error


async def index_of_pages(
    source: Source,
    collections: Sequence[str],
    *,
    location: str,
    dataset: str,
    validator: str = "",
    search: Search | None = None,
    page_size: int = 250,
    allow_gaps: bool = False,
    show: Show = lambda *_: None,
) -> Index:
    """Return the index of collections of a STAC API or a static catalog, made page by page.

    Pages that were read before a cancel, a failure or a kill are not read again. A listing that stops early
    gives what came, in an index that says so (`incomplete` in its facts): the next call requests again the
    documents of a static catalog that did not come, or all pages.
    `location` is the source's without keys, `dataset` what the collections are called together, `validator`
    what changes when they do; with a `search` only the items that it finds are read, unless all were read
    before; with `allow_gaps` a listing ends where the server refuses a page for good, or has something else
    in its place.

    Raises RequestError if a page cannot be fetched; NotOffered if the source has no such search; TargetBusy
    if another program is building the index.
    """
    names = list(collections)
    key = IndexKey(location, dataset, json.dumps([validator, *names]))
    found = await in_thread(partial(cached, key))
    if found is None and search is not None:
        key, names = IndexKey(location, dataset, validator + repr(search)), [""]
        found = await in_thread(partial(cached, key))
    if found is not None:
        return found
    stop = threading.Event()
    with _writing(key, stop):
        builder = await in_thread(lambda: IndexBuilder(key.path))
        try:
            terms = StorageTerms(source.collection)
            reader = _PageReader(source, search, page_size, allow_gaps, show, builder, terms)
            missing = builder.missing
            for name in names:
                await reader.read(name)
            if source.kind is Kind.STATIC:
                await reader.read_missing(missing)
            await in_thread(partial(key.finish, builder, stop), interrupt=stop.set, grace=5.0)
        finally:
            await in_thread(builder.close)
    return await in_thread(lambda: Index(key.path))


@dataclass(frozen=True, slots=True)
class _PageReader:
    """Adds to an index what a source lists, page by page; the parameters are those of `index_of_pages`.

    `terms` have what the collections state for their items.
    """

    source: Source
    search: Search | None
    page_size: int
    allow_gaps: bool
    show: Show
    builder: IndexBuilder
    terms: StorageTerms

    async def read(self, collection: str) -> None:
        """Add what a collection is, and the pages of its items, or of a search, that were not added yet."""
        name, begun = writable(collection), self.builder.listings()
        if name in begun and begun[name] is None:
            return
        pages = Listing(partial(self._fetch, collection), begun.get(name))
        missing = None if self.search or name in begun else await self._describe(collection)
        why, whole = "", pages.link is None and self.source.kind is not Kind.STATIC
        while not pages.ended and not why:
            page, why = await self._next(pages)
            page = await self._with_terms(page, collection)
            if missing is not None and not page.entries:
                raise missing
            missing = None
            # A page is added whole or not at all, so that the one after it is the right one to continue with.
            await in_thread(partial(self._add, collection, page, why, pages.link), grace=5.0)
        if whole and pages.shortfall and not why:
            await in_thread(lambda: self.builder.add_note(counted_more(pages.shortfall)))

    async def _with_terms(self, page: Page[Item], collection: str) -> Page[Item]:
        return replace(page, entries=tuple([await self.terms.of(item, collection) for item in page.entries]))

    async def _describe(self, collection: str) -> EntityDoesNotExist | None:
        """Add what a collection is; return why not: an API that has a search alone describes none."""
        listing = writable(collection)
        try:
            described = await self.source.collection(collection)
        except EntityDoesNotExist as error:
            self.builder.list_under(listing, listing)
            return error
        self.builder.list_under(listing, writable(described.id))
        await in_thread(lambda: self.builder.add(described.raw, url=described.url))
        return None

    async def _fetch(self, collection: str, link: str | None) -> Page[Item]:
        if self.search is not None:
            return await self.source.search_page(self.search, link=link, page_size=self.page_size)
        return await self.source.items_page(collection, link=link, page_size=self.page_size)

    async def _next(self, pages: Listing[Item]) -> tuple[Page[Item], str]:
        """Return the next page, and why it is the last although more are listed."""
        failures = 0
        while True:
            try:
                return await pages.page() or Page(()), pages.stopped
            except RequestError as error:
                if not self.allow_gaps or pages.link is None or not _is_refusal(error):
                    raise
                # A web page, or half of an answer, may be the network's, and gone in a moment.
                failures += 1
                doubtful = isinstance(error, UnexpectedAnswer)
                wait = COMMAND_RETRIES.wait(failures, doubtful=True) if doubtful else None
                if wait is None:
                    return Page(()), error.message
                self.show(f"retrying: {error.message}", 0, None)
            await asyncio.sleep(wait)

    async def read_missing(self, missing: Sequence[Sequence[str]]) -> None:
        """Add what documents hold that did not come before; those that do not come again stay missing."""
        for start in range(0, len(missing), _AT_ONCE):
            self.show(f"trying {count(len(missing) - start, 'document')} again that did not come", 0, None)
            batch = missing[start : start + _AT_ONCE]
            first = await together(self._below, [url for _, url, _ in batch], _AT_ONCE)
            for (collection, url, _), page in zip(batch, first, strict=True):
                lost: list[LostDocument] = []
                while not isinstance(page, RequestError):
                    page = await self._with_terms(page, collection)
                    lost += page.lost
                    await in_thread(partial(self._add_entries, collection, page), grace=5.0)
                    if page.next is None:
                        break
                    page = await self._below(url, page.next)
                if isinstance(page, RequestError):
                    lost.append(LostDocument(url, page.message))
                await in_thread(partial(self._replace_missing, collection, url, lost), grace=5.0)

    async def _below(self, url: str, link: str | None = None) -> Page[Item] | RequestError:
        """Return a page of the items below a document of a static catalog, itself one or not, or why not."""
        try:
            return await self.source.items_page(url, link=link, page_size=self.page_size)
        except RequestError as error:
            return error

    def _replace_missing(self, collection: str, url: str, lost: Sequence[LostDocument]) -> None:
        """Commit what was added below a document, with what is missing of it still."""
        self.builder.drop_missing(writable(collection), url)
        for document in lost:
            self.builder.add_missing(writable(collection), *document)
        self.builder.end_page(url, None)

    def _add(self, collection: str, page: Page[Item], why: str, following: str | None) -> None:
        name, builder = writable(collection), self.builder
        self._add_entries(collection, page)
        for document in page.lost:
            builder.add_missing(name, *document)
        if why:
            builder.add_gap(name, why)
        builder.end_page(name, None if why else following)
        self.show(f"indexing {count(builder.items, 'item')}", 0, None)

    def _add_entries(self, collection: str, page: Page[Item]) -> None:
        builder, lost = self.builder, [document.why for document in page.lost]
        listing = writable(collection)
        own = builder.listed_under(listing)[0]
        for item in page.entries:
            found = builder.add(item.raw, url=item.url, collection=own, inherited=item.inherited)
            if self.search is None:
                builder.list_under(listing, found)
        for line in page.notes:
            if not line.endswith(tuple(lost)):  # the index tells of all of them together
                builder.add_note(line)
        builder.skip(0 if page.notes else page.skipped)  # the notes tell it themselves


def _is_refusal(error: RequestError) -> bool:
    """Whether a server does not give a page, with whatever key, now or later."""
    is_for_all = not isinstance(error, AuthenticationError | AccessDenied)
    return is_for_all and isinstance(error, HTTPError | UnexpectedAnswer) and not may_pass(error)
