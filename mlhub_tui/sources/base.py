"""The base class of sources, and the pages and listings that they give."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar
from urllib.parse import unquote

from ..auth import Kind
from ..errors import EntityDoesNotExist, NotOffered, UnexpectedAnswer
from ..http.pagination import REPEATED, PageGuard
from ..http.urls import is_absolute, resolve_href, shown
from ..models import Entry, Item
from ..text import count
from .asset_links import asset_link

if TYPE_CHECKING:
    from ..http.credentials import Link
    from ..http.session import Session
    from ..models import (
        ArchiveInfo,
        CatalogInfo,
        Collection,
        Dataset,
        Document,
        JsonDict,
        MLModel,
        Search,
    )

T = TypeVar("T")
COLLECTION_IDS = "`mlhub-tui list collections` shows the ids there are"
ITEM_IDS = "`mlhub-tui list items COLLECTION` shows the ids there are"
COLLECTIONS_INSTEAD = "`mlhub-tui list collections` lists its collections"
ASSETS_INSTEAD = "`mlhub-tui download dataset COLLECTION` downloads the assets of its items"
ENOUGH = "as many as were wanted"
"""`Page.stopped` of a listing that was limited: it is whole all the same."""
SAME_PAGE = "the same page came again"
ALL_EMPTY = "too many empty pages came in a row"


class LostDocument(NamedTuple):
    """A document that a listing lacks: where it is, without keys, and why it did not come, in a sentence."""

    url: str
    why: str


class Lacking(NamedTuple):
    """How many items a search by time, or by area, cannot find, as they have no time or place to be read."""

    times: int = 0
    places: int = 0

    def plus(self, other: Lacking) -> Lacking:
        """Return both together."""
        return Lacking(self.times + other.times, self.places + other.places)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of them, a line each."""
        what = ("a time that can be read", "a place")
        return tuple(
            f"{count(n, 'item')} without {one} left out" for n, one in zip(self, what, strict=True) if n
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    - `entries`: The documents of this page, in the server's order.
    - `next`: An opaque link to the next page, without keys; None at the end.
    - `matched`: How many there are in all, where the server says so.
    - `skipped`: How many entries of this page were left out because they are no documents.
    - `stopped`: Why the listing ends here although there may be more, in one line; empty where it just ends.
    - `looked`: How many items were read to find these, where they were filtered locally.
    - `notes`: What the user should know of this page, a line each: what could not be shown and why.
    - `lacking`: The items that were left out of a search because they lack what it is by.
    - `lost`: The documents that did not come, which this page would have had, or led on from.
    """

    entries: tuple[T, ...]
    next: str | None = None
    matched: int | None = None
    skipped: int = 0
    stopped: str = ""
    looked: int | None = None
    notes: tuple[str, ...] = ()
    lacking: Lacking = field(default_factory=Lacking)
    lost: tuple[LostDocument, ...] = ()


def as_entries(page: Page[Any], collection_id: str = "") -> Page[Entry]:
    """Return a page of documents as one of entries; `collection_id` is that of the items among them."""
    made = (
        Entry.of(one, collection_id=collection_id if isinstance(one, Item) else "") for one in page.entries
    )
    return replace(page, entries=tuple(made))


def without_id(entries: int) -> str:
    """Return the note about entries that are no documents."""
    return f"{count(entries, 'entry', 'entries')} without an ID left out"


class Listing(Generic[T]):
    """Walks through a listing; one page is in memory at a time.

    A page that fails leaves the listing where it was: the next call requests that page alone.

    - `fetch`: Gives the page that a `Page.next` leads to; the first one for None.
    - `link`: The page to begin with; then the next one, None at the end.
    - `ended`: Whether there is no further page.
    - `stopped`: Why it ended although there may be more, in one line; empty where it just ended.
    - `matched`: How many there are in all, where the server says so.
    - `loaded`: How many entries were given so far.
    - `skipped`: How many were left out so far.
    - `unread`: How many documents did not come that would have been in it, or led on from it.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[T]]], link: str | None = None) -> None:
        self._fetch = fetch
        self._guard = PageGuard()
        self.link = link
        self.ended = False
        self.stopped = ""
        self.matched: int | None = None
        self.loaded = self.skipped = self.unread = 0

    async def page(self) -> Page[T] | None:
        """Return the next page; None at the end."""
        if self.ended:
            return None
        page = await self._fetch(self.link)
        self.matched = page.matched if page.matched is not None else self.matched
        filtered_empty = page.looked is not None and not page.entries
        if not filtered_empty and self._guard.repeats_page([_mark(entry) for entry in page.entries]):
            self._end(SAME_PAGE if page.entries else ALL_EMPTY)
            return None
        self.loaded += len(page.entries)
        self.skipped += page.skipped
        self.unread += len(page.lost)
        self.link, self.ended, self.stopped = page.next, page.next is None, ""
        repeats = page.next is not None and self._guard.repeats_link(page.next)
        if reason := page.stopped or (REPEATED if repeats else ""):
            self._end(reason, is_empty=not page.entries and page.looked is None)
        return page

    @property
    def shortfall(self) -> int:
        """How many entries the server counts more than it listed to the end; 0 where it does not say."""
        return max(0, (self.matched or 0) - self.loaded - self.skipped) if self.ended else 0

    async def entries(self, limit: int | None = None) -> AsyncGenerator[T, None]:
        """Yield up to `limit` entries, requesting a page when it is wanted.

        Raises UnexpectedAnswer after the last entry, if the listing stopped although there may be more, or
        if documents did not come that would have been in it.
        """
        left = limit
        while left is None or left > 0:
            page = await self.page()
            if page is None:
                break
            for entry in page.entries[:left]:
                yield entry
            left = None if left is None else left - len(page.entries)
        if self.stopped == ENOUGH or (left is not None and left <= 0):
            return
        if self.stopped:
            raise UnexpectedAnswer(f"the listing is not complete: {self.stopped}", hint=_INCOMPLETE)
        if self.unread:
            raise incomplete(self.unread)

    def _end(self, reason: str, *, is_empty: bool = False) -> None:
        """End the listing; a server that has given all it has, or nothing this time, may repeat itself."""
        whole = self.matched is not None and self.matched <= self.loaded
        self.ended, self.link = True, None
        self.stopped = "" if (whole and reason != ENOUGH) or (is_empty and reason == REPEATED) else reason


@contextmanager
def named(missing: str, hint: str | None = None) -> Iterator[None]:
    """Raise what an API lacks with its name, in the words of `missing`, in place of its URL."""
    try:
        yield
    except EntityDoesNotExist as error:
        raise EntityDoesNotExist(missing, url=error.url, status=error.status, hint=hint) from None


_LACKS = "try again later, or report it to the owner of the catalog"
_INCOMPLETE = "there may be more entries: report it to the owner of the server, or narrow the request"


def counted_more(shortfall: int) -> str:
    """Return the note about entries that a server counts and does not list."""
    return f"the server counts {count(shortfall, 'item')} more than it lists"


def incomplete(unread: int) -> UnexpectedAnswer:
    """Return the error of a listing that lacks documents that did not come."""
    words = f"the listing is not complete: {count(unread, 'document')} could not be read"
    return UnexpectedAnswer(words, hint=_LACKS)


def _mark(entry: Any) -> str:
    """Return what tells an entry from others: its identity, and where it is."""
    return f"{getattr(entry, 'id', '')}\n{getattr(entry, 'url', '')}"


_WORDS = {
    "text": "searching for words",
    "filter": "filters in CQL2 text",
    "sort": "sorting",
    "intersects": "geometries",
    "bbox": "boxes",
    "datetime": "dates",
    "ids": "ids",
    "collections": "collections",
}


def check_search(search: Search, offered: frozenset[str], what: str) -> None:
    """Make sure that a search asks only for what is offered.

    Raises NotOffered if it does not; the message names what.
    """
    missing = [words for name, words in _WORDS.items() if getattr(search, name) and name not in offered]
    if missing:
        raise NotOffered(
            f"{what} does not support {' and '.join(missing)}", hint="leave that out of the search"
        )
    if search.bbox is not None and search.intersects is not None:
        raise NotOffered("a search takes a box or a geometry, not both", hint="leave one of them out")


@dataclass(frozen=True, slots=True)
class About:
    """Description of a source.

    - `kind`: What it speaks.
    - `title`: What it calls itself, cleaned, on one line; may be empty.
    - `description`: The same at length, possibly Markdown.
    - `search`: What its search can be asked for: names of `Search`'s fields. What is missing is not offered.
    - `notes`: What the user should know of it, a line each.
    - `document`: Its landing document, where it has one.
    """

    kind: Kind
    title: str = ""
    description: str = ""
    search: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    document: Document | None = field(default=None, repr=False)


class Source(ABC):
    """A place that lists datasets, catalogs, collections, items and models.

    What a kind of source does not have, this class answers for: with `NotOffered`. Every method may raise
    the `RequestError` family of `errors`.
    """

    noun: ClassVar[str] = "this source"
    """The kind of source in messages: `a STAC API`."""
    kind: Kind
    """What the source speaks."""
    root_url: str
    """Where it is: an API's root URL; the URL or path of a static catalog."""
    session: Session
    """The session with its server."""
    is_local: bool = False
    """Whether it is on this machine, so that assets may be files of it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.root_url)!r})"

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be read so far, a line each."""
        return ()

    @property
    def unread(self) -> int:
        """How many documents of catalogs and collections did not come so far, or are not followed."""
        return 0

    @property
    def skipped(self) -> int:
        """How many entries of all listings so far were no documents."""
        return 0

    def refresh(self) -> None:
        """Request everything again from now on; what has nothing in memory does so anyway."""
        return

    @abstractmethod
    async def about(self) -> About:
        """Return the description of the source; requested once."""

    @abstractmethod
    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return one page of what lies directly below an entry, or at the top.

        - `parent`: The entry; None for the top of the tree.
        - `link`: A `Page.next` of the same listing; None for its first page.
        - `page_size`: How many are wanted at a time; a wish.
        """

    async def document(self, entry: Entry) -> Document:
        """Return the document of an entry, fetched if need be."""
        if entry.document is not None:
            return entry.document
        match entry.kind:
            case "dataset":
                return await self.dataset(entry.id)
            case "collection":
                return await self.collection(entry.id)
            case "item":
                return await self.item(entry.collection_id, entry.id)
            case "model":
                return await self.model(entry.id)
        raise self.not_offered(f"{entry.kind}s by their id")

    @abstractmethod
    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items that a search finds; NotOffered for what cannot be asked for."""

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset can be requested now, signed where the store wants that.

        - `href`: Absolute; resolved against the URL of its document.
        - `fresh`: Whether the last link was refused, so that no signature that was saved counts.
        """
        return await asset_link(self.root_url, self.session, href, fresh=fresh, local=self.is_local)

    @abstractmethod
    def walk_collections(self) -> AsyncIterator[Collection]:
        """Yield all collections as they come."""

    @abstractmethod
    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""

    @abstractmethod
    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of a collection's items: the first, or the one `link` (a `Page.next`) leads to."""

    @abstractmethod
    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self.session.aclose()

    async def collections(self) -> list[Collection]:
        """Return all collections."""
        return [collection async for collection in self.walk_collections()]

    async def queryables(self, collection_id: str | None = None) -> JsonDict:
        """Return the JSON schema of what a filter may name."""
        raise NotOffered(f"{self.noun} has no filters, so there is nothing to name in one")

    async def datasets(self, *, tags: Sequence[str] = (), text: Sequence[str] = ()) -> list[Dataset]:
        """Return all datasets that carry every tag and match every text phrase."""
        raise self.not_offered("datasets", COLLECTIONS_INSTEAD)

    async def dataset(self, id_or_doi: str) -> Dataset:
        """Return one dataset by its ID, or by its DOI."""
        raise self.not_offered("datasets", COLLECTIONS_INSTEAD)

    async def models(self) -> list[MLModel]:
        """Return all models."""
        raise self.not_offered("models", COLLECTIONS_INSTEAD)

    async def model(self, model_id: str) -> MLModel:
        """Return one model."""
        raise self.not_offered("models", COLLECTIONS_INSTEAD)

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what is known of a collection's archive; EntityDoesNotExist where there is none."""
        raise self.not_offered("archives of collections", ASSETS_INSTEAD)

    async def archive_link(self, collection_id: str) -> Link:
        """Return where the bytes of a collection's archive are."""
        raise self.not_offered("archives of collections", ASSETS_INSTEAD)

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Return what is known of a dataset's STAC catalog archive."""
        raise self.not_offered("archives of catalogs", ASSETS_INSTEAD)

    async def catalog_link(self, dataset_id: str) -> Link:
        """Return where the bytes of a dataset's STAC catalog archive are."""
        raise self.not_offered("archives of catalogs", ASSETS_INSTEAD)

    async def collection_named(self, identity: str) -> tuple[str, str]:
        """Return the id of a collection that may be given by its address, and what names it for good.

        The latter is the id, or in a static catalog the place URL of its document.
        """
        return identity, identity

    def id_of(self, identity: str, kind: str) -> str:
        """Return the id of a collection or an item of an API, which may be given by its URL."""
        url = resolve_href("", identity) if identity.startswith("/vsi") else identity
        if not is_absolute(url):
            return identity
        below = url.partition("?")[0].partition("#")[0].removeprefix(self.root_url.rstrip("/"))
        pattern = rf"(?:.*/)?{kind}s/([^/]++)" + ("(?!/items/[^/])" if kind == "collection" else "")
        found = re.match(pattern, below) if below.startswith("/") else None
        if found is None:
            hint = "it is an item: give it after its collection" if "/items/" in below else None
            raise EntityDoesNotExist(f"{shown(identity)} is no {kind} of {shown(self.root_url)}", hint=hint)
        return unquote(found[1])

    def not_offered(self, what: str, hint: str | None = None) -> NotOffered:
        """Return the error for something that this kind of source does not have."""
        return NotOffered(f"{self.noun} has no {what}", hint=hint)
