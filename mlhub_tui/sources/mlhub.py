"""The MLHub API as a source: datasets, collections, items, models and archives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from ..auth import Kind
from ..auth.location import HOSTED
from ..errors import APIKeyNotFound, EntityDoesNotExist, RequestError, UnexpectedAnswer
from ..http.credentials import Link
from ..http.errors import HOSTED_HINT
from ..http.json_document import as_list, as_object
from ..http.pagination import REPEATED, PageRequest, with_params
from ..http.session import Session
from ..http.urls import doi_path, host, segment, shown, shown_id
from ..models import (
    ArchiveInfo,
    CatalogInfo,
    Collection,
    Dataset,
    Document,
    Entry,
    EntryKind,
    Item,
    JsonDict,
    MLModel,
    Search,
)
from .asset_links import azure_headers, link_to
from .base import About, Page, Source, as_entries, named
from .documents import documents, matched
from .local_search import FIELDS, search_locally

if TYPE_CHECKING:
    import httpx

D = TypeVar("D", bound=Document)
_MAX_HOPS = 11
_NO_HEAD = frozenset({400, 403, 405, 501})
_LATER = "check the ID; if it is right, try again later"


class MLHubSource(Source):
    """A `Source` that speaks the MLHub API; closing it closes its session.

    Entries of a listing that are no documents (no object, no id) are left out and counted in `skipped`, so
    that one broken record does not hide the others.
    """

    noun = "an MLHub API"
    kind = Kind.MLHUB

    def __init__(self, session: Session) -> None:
        self.session, self.root_url = session, session.root_url
        self._skipped = 0

    @property
    def skipped(self) -> int:
        """How many entries of all listings so far were no documents."""
        return self._skipped

    async def about(self) -> About:
        """Return the description of the source: an MLHub API has no landing document."""
        return About(Kind.MLHUB, search=FIELDS)

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return the datasets; below a dataset its collections, below a collection a page of its items."""
        match parent:
            case None:
                return Page(tuple(map(Entry.of, await self.datasets())))
            case Entry(EntryKind.DATASET):
                dataset = await self.document(parent)
                refs = dataset.collections if isinstance(dataset, Dataset) else ()
                return Page(tuple(Entry(EntryKind.COLLECTION, ref.id) for ref in refs))
            case Entry(EntryKind.COLLECTION):
                items = await self.items_page(parent.id, link=link, page_size=page_size)
                return as_entries(items, parent.id)
        return Page(())

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items that a search finds, by reading those of its collections.

        The API itself has no item search: items are listed and filtered locally.

        Raises NotOffered if the search names no collection, or has a filter.
        """
        return await search_locally(search, self.items_page, link=link, page_size=page_size, item=self.item)

    async def datasets(self, *, tags: Sequence[str] = (), text: Sequence[str] = ()) -> list[Dataset]:
        """Return all datasets that carry every tag and match every text phrase."""
        return await self._listing(
            "datasets", Dataset, params={"tags": _strings(tags), "text": _strings(text)}
        )

    async def dataset(self, id_or_doi: str) -> Dataset:
        """Return one dataset by its DOI where there is a slash in it, else by its ID.

        The rule is radiant_mlhub's: no dataset ID holds a slash, every DOI does.
        """
        return await (self.dataset_by_doi if "/" in id_or_doi else self.dataset_by_id)(id_or_doi)

    async def dataset_by_id(self, dataset_id: str) -> Dataset:
        """Return one dataset by its ID."""
        return Dataset(await self._by_id("dataset", dataset_id))

    async def dataset_by_doi(self, doi: str) -> Dataset:
        """Return one dataset by its DOI; `https://doi.org/` before it is allowed."""
        missing = f"a dataset with the DOI {shown_id(doi)} does not exist"
        return Dataset(await self._object(f"datasets/doi/{doi_path(doi)}", missing))

    async def walk_collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections; the API lists them at once."""
        for collection in await self._listing("collections", Collection, "collections"):
            yield collection

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        return Collection(await self._by_id("collection", self.id_of(collection_id, "collection")))

    async def items_page(
        self,
        collection_id: str,
        *,
        link: str | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> Page[Item]:
        """Return one page of a collection's items: the first, or the one `link` (a `Page.next`) leads to."""
        params: dict[str, Any] = {"limit": page_size, "extensions": _strings(extensions)}
        collection_id = self.id_of(collection_id, "collection")
        path = f"collections/{segment(collection_id, 'collection')}/items"
        step = PageRequest.decoded(link or self.session.url_of(path))
        # The hosted API's links hold a token but no page size: what was asked for stays in force.
        step = replace(step, url=with_params(step.url, params))
        with named(f"collection {shown_id(collection_id)} does not exist"):
            fetched = await self.session.fetch_page(step)
        items, skipped = documents(as_list(fetched.answer, fetched.url, "features"), Item)
        self._skipped += skipped
        found = Page(tuple(items), None, matched(fetched.answer), skipped, fetched.stopped)
        if fetched.next is None:
            return found
        if fetched.limit is not None:
            params["limit"] = fetched.limit  # the server may have refused larger pages
        following = replace(fetched.next, url=with_params(fetched.next.url, params))
        if following == step:
            return replace(found, stopped=REPEATED)
        return replace(found, next=following.encoded())

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item."""
        collection_id, item_id = self.id_of(collection_id, "collection"), self.id_of(item_id, "item")
        path = f"collections/{segment(collection_id, 'collection')}/items/{segment(item_id, 'item')}"
        missing = f"item {shown_id(item_id)} of collection {shown_id(collection_id)} does not exist"
        return Item(await self._object(path, missing))

    async def models(self) -> list[MLModel]:
        """Return all models."""
        return await self._listing("models", MLModel)

    async def model(self, model_id: str) -> MLModel:
        """Return one model."""
        return MLModel(await self._by_id("model", model_id))

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what is known of a collection's archive; EntityDoesNotExist where there is none."""
        return ArchiveInfo.parse(await self.archive_record(collection_id))

    async def archive_record(self, collection_id: str) -> JsonDict:
        """Return the answer of `archive/{id}/info` as received."""
        path, missing = self._archive(collection_id)
        return await self._object(f"{path}/info", missing, _LATER)

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Return what is known of a dataset's STAC catalog archive."""
        return CatalogInfo.parse(await self.catalog_record(dataset_id))

    async def catalog_record(self, dataset_id: str) -> JsonDict:
        """Return the answer of `catalog/{id}/info` as received."""
        path, missing = _catalog(dataset_id)
        return await self._object(f"{path}/info", missing)

    async def archive_link(self, collection_id: str) -> Link:
        """Return where the bytes of a collection's archive are; nothing of them is read.

        Raises EntityDoesNotExist if the collection does not exist, or its archive is not generated yet.
        Raises AuthenticationError if there is no key, or it was refused.
        """
        return await self._link(*self._archive(collection_id))

    async def catalog_link(self, dataset_id: str) -> Link:
        """Return where the bytes of a dataset's STAC catalog archive are."""
        return await self._link(*_catalog(dataset_id))

    async def check_key(self) -> None:
        """Request something that needs a key: the first item of a collection that can be read.

        Raises APIKeyNotFound if the session has no key. Raises AuthenticationError if the API refuses the
        key; a wrong one is refused by listings too.
        """
        if self.session.secret is None:
            raise APIKeyNotFound("there is no API key to check")
        for collection in (await self.collections())[:3]:
            try:
                await self.items_page(collection.id, page_size=1)
            except EntityDoesNotExist:
                continue
            return

    async def _listing(
        self, path: str, make: Callable[..., D], key: str | None = None, params: dict[str, Any] | None = None
    ) -> list[D]:
        """Return the documents of a listing; that it is missing means that this is no MLHub API."""
        try:
            answer = await self.session.get_json(path, params=params)
        except EntityDoesNotExist as error:
            hint = HOSTED_HINT if host(self.root_url) == HOSTED else UnexpectedAnswer.default_hint
            raise UnexpectedAnswer(
                f"there is no MLHub API: {error.message}", url=error.url, status=error.status, hint=hint
            ) from None
        made, skipped = documents(as_list(answer, self.session.url_of(path), key), make)
        self._skipped += skipped
        return made

    def _archive(self, collection_id: str) -> tuple[str, str]:
        """Return the path of a collection's archive, and the message for when it does not exist."""
        identity = self.id_of(collection_id, "collection")
        words = f"the archive of collection {shown_id(identity)} does not exist; it may still be generating"
        return f"archive/{segment(identity, 'collection')}", words

    async def _by_id(self, kind: str, identity: str) -> JsonDict:
        return await self._object(
            f"{kind}s/{segment(identity, kind)}", f"{kind} {shown_id(identity)} does not exist"
        )

    async def _object(self, path: str, missing: str, hint: str | None = None) -> JsonDict:
        """Return a JSON object; where the API has none, the error names the thing."""
        with named(missing, hint):
            return as_object(await self.session.get_json(path), self.session.url_of(path))

    async def _link(self, path: str, missing: str) -> Link:
        """Return the link that a path of the API leads to, behind its redirects; no body is read."""
        url = self.session.url_of(path)
        try:
            for _ in range(_MAX_HOPS):
                with named(missing, _LATER):
                    response = await self._head(url)
                if response is None or not response.has_redirect_location:
                    return link_to(self.session, url)
                url = self.session.bare(urljoin(url, response.headers["Location"]))
        except ValueError:
            raise UnexpectedAnswer(f"{shown(url)} redirects to what is no URL", url=shown(url)) from None
        raise UnexpectedAnswer(f"too many redirects: {shown(self.session.url_of(path))}", url=shown(path))

    async def _head(self, url: str) -> httpx.Response | None:
        """Return what is at a URL, None where only the transfer itself can tell."""
        headers = azure_headers(url)
        try:
            return await self.session.request("HEAD", url, headers=headers, follow_redirects=False)
        except EntityDoesNotExist:
            raise
        except RequestError as error:
            if error.status is None:
                raise
            if not self.session.is_own(url):
                # A signed URL is signed for GET: a store that refuses HEAD says nothing of GET.
                return None
            if error.status not in _NO_HEAD:
                raise
        return await self.session.request("GET", url, headers=headers, follow_redirects=False, read=False)


def _catalog(dataset_id: str) -> tuple[str, str]:
    """Return the path of a dataset's catalog archive, and the message for when it does not exist."""
    words = f"the catalog of dataset {shown_id(dataset_id)} does not exist; it may still be generating"
    return f"catalog/{segment(dataset_id, 'dataset')}", words


def _strings(values: Sequence[str]) -> list[str]:
    """Return a list of strings; a bare string is one, not its letters."""
    return [values] if isinstance(values, str) else list(values)
