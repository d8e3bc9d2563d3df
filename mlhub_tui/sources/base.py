"""What every source of data can do: the seam between the screens and any kind of API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..auth import Kind
from ..models import (
    ArchiveInfo,
    CatalogInfo,
    Collection,
    Dataset,
    Document,
    Entry,
    Item,
    JsonDict,
    MLModel,
    Search,
)
from ..text import count

if TYPE_CHECKING:
    from ..http.link import Link

T = TypeVar("T")
COLLECTION_IDS = "`mlhub-tui list collections` shows the ids there are"
ITEM_IDS = "`mlhub-tui list items COLLECTION` shows the ids there are"
COLLECTIONS_INSTEAD = "`mlhub-tui list collections` lists its collections"
ASSETS_INSTEAD = "`mlhub-tui download dataset COLLECTION` downloads the assets of its items"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    Parameters
    ----------
    entries
        The documents of this page, in the server's order.
    next
        An opaque link to the next page, without keys; None at the end.
    matched
        How many there are in all, where the server says so.
    skipped
        How many entries of this page were left out because they are no documents.
    stopped
        Why the listing ends here although there may be more, in one line; empty where it just ends.
    looked
        How many items were looked at to find these, where they were sifted on this side.
    notes
        What the user should know of this page, a line each: what could not be shown and why.
    timeless
        How many items were left out of a search by time because none can be read of them.
    """

    entries: tuple[T, ...]
    next: str | None = None
    matched: int | None = None
    skipped: int = 0
    stopped: str = ""
    looked: int | None = None
    notes: tuple[str, ...] = ()
    timeless: int = 0


def without_time(items: int) -> str:
    """Return what is said of items that a search by time cannot find."""
    return f"{count(items, 'item')} without a time that can be read left out"


@dataclass(frozen=True, slots=True)
class About:
    """What a source says of itself.

    Parameters
    ----------
    kind
        What it speaks.
    title
        What it calls itself, cleaned, on one line; may be empty.
    description
        The same at length, possibly Markdown.
    search
        What its search can be asked for: names of `Search`'s fields. What is missing is not offered.
    notes
        What the user should know of it, a line each.
    document
        Its landing document, where it has one.
    """

    kind: Kind
    title: str = ""
    description: str = ""
    search: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    document: Document | None = field(default=None, repr=False)


class Source(Protocol):
    """A place that lists datasets, catalogs, collections, items and models.

    Every method may raise the `RequestError` family of `errors`; `NotOffered` where this kind of source has
    no such thing.
    """

    @property
    def kind(self) -> Kind:
        """What the source speaks."""
        ...

    async def about(self) -> About:
        """Return what the source says of itself; what was asked once is remembered."""
        ...

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return one page of what lies directly below an entry, or at the top.

        Parameters
        ----------
        parent
            The entry; None for the top of the tree.
        link
            A `Page.next` of the same listing; None for its first page.
        page_size
            How many are wanted at a time; a wish.
        """
        ...

    async def document(self, entry: Entry) -> Document:
        """Return the document of an entry, fetched if need be."""
        ...

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items that a search finds.

        Raises
        ------
        NotOffered
            If the search asks for something this source cannot be asked for.
        """
        ...

    async def queryables(self, collection_id: str | None = None) -> JsonDict:
        """Return the JSON schema of what a filter may name; NotOffered where there is none."""
        ...

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset can be asked for now, signed where the store wants that.

        Parameters
        ----------
        href
            Absolute; resolved against the URL of its document.
        fresh
            Whether the last link was refused, so that no signature that was kept counts.
        """
        ...

    @property
    def root_url(self) -> str:
        """Where it is: an API's root URL; the URL or path of a static catalog."""
        ...

    async def datasets(self, *, tags: Sequence[str] = (), text: Sequence[str] = ()) -> list[Dataset]:
        """Return all datasets that carry every tag and match every text phrase."""
        ...

    async def dataset(self, id_or_doi: str) -> Dataset:
        """Return one dataset by its ID, or by its DOI."""
        ...

    async def collections(self) -> list[Collection]:
        """Return all collections."""
        ...

    def walk_collections(self) -> AsyncIterator[Collection]:
        """Yield all collections as they come."""
        ...

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        ...

    async def items_page(
        self,
        collection_id: str,
        *,
        link: str | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> Page[Item]:
        """Return one page of a collection's items: the first, or the one `link` (a `Page.next`) leads to."""
        ...

    def items(
        self,
        collection_id: str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> AsyncIterator[Item]:
        """Yield up to `limit` items, a page in memory at a time; stops on a link that repeats."""
        ...

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item."""
        ...

    async def models(self) -> list[MLModel]:
        """Return all models."""
        ...

    async def model(self, model_id: str) -> MLModel:
        """Return one model."""
        ...

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what is known of a collection's archive; EntityDoesNotExist where there is none."""
        ...

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Return what is known of a dataset's STAC catalog archive."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
