"""A source that has nothing: tests override what theirs has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from mlhub_tui.auth import Kind
from mlhub_tui.errors import EntityDoesNotExist, NotOffered
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.session import Session
from mlhub_tui.models import Collection, Document, Entry, Item, Search
from mlhub_tui.sources.base import About, Page, Source


class BareSource(Source):
    """A `Source` whose documents do not exist, and whose hrefs are links."""

    kind = Kind.MLHUB
    root_url = "http://127.0.0.1/mlhub/v1/"
    session = Session(root_url=root_url)

    async def about(self) -> About:
        return About(self.kind)

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        return Page(())

    async def document(self, entry: Entry) -> Document:
        raise EntityDoesNotExist(entry.id)

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        raise NotOffered("there is no search")

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        return Link(href)

    async def walk_collections(self) -> AsyncIterator[Collection]:
        return
        yield  # an asynchronous generator, of nothing

    async def collection(self, collection_id: str) -> Collection:
        raise EntityDoesNotExist(collection_id)

    async def items_page(
        self,
        collection_id: str,
        *,
        link: str | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> Page[Item]:
        return Page(())

    async def item(self, collection_id: str, item_id: str) -> Item:
        raise EntityDoesNotExist(item_id)

    async def aclose(self) -> None:
        """Nothing is open."""
