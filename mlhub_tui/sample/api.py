"""The API's origin: MLHub's endpoints over the sample catalog, answering as the hosted service did.

Datasets, collections and models are open; items, archives and catalogs want the key, as `key` parameter or
as Bearer token. A wrong key is refused everywhere. Asset links (`download/`) need none: the token tells all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, Router

from . import documents
from .catalog import CollectionEntry, DatasetEntry
from .documents import page_of_items
from .items import item_index
from .store import Store

SAMPLE_KEY = "sample"
"""The API key the sample catalog takes."""
ROOT_PATH = "/mlhub/v1/"
"""The path of the API's root on the sample server, as on the hosted one."""
T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]

GEOJSON = "application/geo+json"


def _refusal(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)


def _found(known: Mapping[str, T], kind: str, identity: str) -> T:
    """Return what has an id; HTTPException where nothing has."""
    try:
        return known[identity]
    except KeyError:
        raise _missing(kind, identity) from None


def _missing(kind: str, identity: str) -> HTTPException:
    return HTTPException(404, f"{kind} {identity} does not exist.")


def _key_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.query_params.get("key") or (token if scheme.lower() == "bearer" else None)


def _guarded(handler: Handler, *, needs_key: bool) -> Handler:
    async def answer(request: Request) -> Response:
        key = _key_of(request)
        if key is not None and key != SAMPLE_KEY:
            return _refusal(401, "This API key is not known here.")
        if key is None and needs_key:
            return _refusal(401, "This route wants an API key or a Bearer token.")
        try:
            return await handler(request)
        except HTTPException as refused:
            return _refusal(refused.status_code, refused.detail)

    return answer


class Api:
    """The API's routes; `store` is where files are redirected to."""

    def __init__(self, store: Store) -> None:
        self._store, self._catalog = store, store.catalog

    def app(self) -> Router:
        """Return the ASGI application."""
        free: dict[str, Handler] = {
            "": self._landing,
            "datasets": self._datasets,
            "datasets/doi/{doi:path}": self._dataset_by_doi,
            "datasets/{id}": self._dataset,
            "collections": self._collections,
            "collections/{id}": self._collection,
            "models": self._models,
            "models/{id}": self._model,
            "download/{token}": self._download,
        }
        protected: dict[str, Handler] = {
            "collections/{id}/items": self._items,
            "collections/{id}/items/{item:path}": self._item,
            "archive/{id}": self._archive,
            "archive/{id}/info": self._archive_info,
            "catalog/{id}": self._catalog_archive,
            "catalog/{id}/info": self._catalog_info,
        }
        routes = [self._route(path, handler, needs_key=False) for path, handler in free.items()]
        routes += [self._route(path, handler, needs_key=True) for path, handler in protected.items()]
        routes.append(self._route("{path:path}", _not_found, needs_key=False))
        return Router(routes, redirect_slashes=False)

    def _route(self, path: str, handler: Handler, *, needs_key: bool) -> Route:
        return Route(ROOT_PATH + path, _guarded(handler, needs_key=needs_key), methods=["GET", "HEAD"])

    async def _landing(self, request: Request) -> Response:
        return JSONResponse(documents.landing(self._catalog, root_of(request)))

    async def _datasets(self, request: Request) -> Response:
        tags, phrases = request.query_params.getlist("tags"), request.query_params.getlist("text")
        found = (entry for entry in self._catalog.datasets.values() if entry.matches(tags, phrases))
        return JSONResponse([documents.dataset(entry) for entry in found])

    async def _dataset(self, request: Request) -> Response:
        return JSONResponse(documents.dataset(_found(self._catalog.datasets, "Dataset", _id(request))))

    async def _dataset_by_doi(self, request: Request) -> Response:
        doi = request.path_params["doi"].lower()
        return JSONResponse(documents.dataset(_found(self._catalog.dois, "Dataset with DOI", doi)))

    async def _collections(self, request: Request) -> Response:
        root = root_of(request)
        listed = [self._collection_document(entry, root) for entry in self._catalog.collections.values()]
        listed += [documents.model_collection(m, root) for m in self._catalog.model_collections.values()]
        links = [
            {"rel": rel, "type": "application/json", "href": href}
            for rel, href in (("root", root), ("parent", root), ("self", f"{root}collections"))
        ]
        return JSONResponse({"collections": listed, "links": links})

    def _collection_document(self, entry: CollectionEntry, root: str) -> dict[str, Any]:
        return documents.collection(entry, self._parent(entry), root)

    def _parent(self, entry: CollectionEntry) -> DatasetEntry:
        return self._catalog.datasets[entry.dataset]

    async def _collection(self, request: Request) -> Response:
        identity, root = _id(request), root_of(request)
        model = self._catalog.model_collections.get(identity)
        if model is not None:
            return JSONResponse(documents.model_collection(model, root))
        entry = _found(self._catalog.collections, "Collection", identity)
        return JSONResponse(self._collection_document(entry, root))

    async def _items(self, request: Request) -> Response:
        identity, root = _id(request), root_of(request)
        model = self._catalog.model_collections.get(identity)
        if model is not None:
            features = [documents.model(model, self._catalog, root)]
            context = {"limit": 1, "matched": 1, "returned": 1}
            answer = {"type": "FeatureCollection", "context": context, "features": features, "links": []}
            return JSONResponse(answer, media_type=GEOJSON)
        entry = _found(self._catalog.collections, "Collection", identity)
        key = _key_of(request) or ""
        page = page_of_items(entry, self._parent(entry), request.query_params, root, key)
        return JSONResponse(page, media_type=GEOJSON)

    async def _item(self, request: Request) -> Response:
        identity, item, root = _id(request), request.path_params["item"], root_of(request)
        model = self._catalog.model_collections.get(identity)
        if model is not None and model.id == item:
            return JSONResponse(documents.model(model, self._catalog, root), media_type=GEOJSON)
        entry = _found(self._catalog.collections, "Collection", identity)
        index = item_index(entry, item)
        if index is None:
            raise _missing("Item", f"{item} in collection {identity}")
        return JSONResponse(
            documents.item_document(entry, index, self._parent(entry), root), media_type=GEOJSON
        )

    async def _archive(self, request: Request) -> Response:
        identity = _id(request)
        if await self._store.archive_size(identity) is None:
            raise _missing("Archive", identity)
        return self._to_store(f"archives/{identity}.tar.gz")

    async def _archive_info(self, request: Request) -> Response:
        identity = _id(request)
        size = await self._store.archive_size(identity)
        if size is None:
            raise _missing("Archive", identity)
        entry = self._catalog.collections[identity]
        info = {"collection": entry.id, "dataset": entry.dataset, "size": size, "types": list(entry.types)}
        return JSONResponse(info)

    async def _catalog_archive(self, request: Request) -> Response:
        entry = _found(self._catalog.datasets, "Catalog", _id(request))
        return self._to_store(f"catalogs/{entry.id}.tar.gz")

    async def _catalog_info(self, request: Request) -> Response:
        identity = _id(request)
        blob = await self._store.catalog_archive(identity)
        if blob is None:
            raise _missing("Catalog", identity)
        entry = self._catalog.datasets[identity]
        sizes = [await self._store.archive_size(collection.id) or 0 for collection in entry.collections]
        info = {"dataset": identity, "stac_catalog_size": blob.size, "estimated_dataset_size": sum(sizes)}
        return JSONResponse(info)

    async def _models(self, request: Request) -> Response:
        root = root_of(request)
        return JSONResponse([documents.model(m, self._catalog, root) for m in self._catalog.models.values()])

    async def _model(self, request: Request) -> Response:
        entry = _found(self._catalog.models, "Model", _id(request))
        return JSONResponse(documents.model(entry, self._catalog, root_of(request)))

    async def _download(self, request: Request) -> Response:
        parts = documents.read_token(request.path_params["token"])
        if parts is None or len(parts) != 3:
            raise HTTPException(404, "This download link is not known here.")
        return self._to_store("assets/" + "/".join(parts))

    def _to_store(self, path: str) -> Response:
        return RedirectResponse(self._store.url + path, 303)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def root_of(request: Request) -> str:
    """Return the API's root URL under the name that the client used for this server."""
    return f"{request.url.scheme}://{request.url.netloc}{ROOT_PATH}"


async def _not_found(request: Request) -> Response:
    raise HTTPException(404, "Not Found")
