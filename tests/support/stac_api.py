"""A STAC API on loopback, made of parts: each path below its root has its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .http_server import Answer, LoopbackServer, Request, as_json
from .stac import Json, catalog, collection

CLASSES = "https://api.stacspec.org/v1.0.0/"
COMPLETE = ("core", "collections", "ogcapi-features", "item-search")
MISSING = as_json({"code": "NotFoundError", "description": "nothing here"}, 404)
SEARCH_LINKS = (
    {"rel": "search", "href": "search", "method": "GET"},
    {"rel": "search", "href": "search", "method": "POST"},
)
DATA_LINK = {"rel": "data", "href": "collections"}
Part = Answer | Callable[[Request], Answer]


def listing(features: Iterable[Json], *links: Json) -> Answer:
    """Return a page of items."""
    return as_json({"type": "FeatureCollection", "features": list(features), "links": list(links)})


def landing(classes: Iterable[str] = COMPLETE, links: Iterable[Json] = ()) -> Answer:
    """Return a landing page with relative links: its place is not known before it is asked for."""
    return as_json(catalog("root", *links, title="An API", conformsTo=[CLASSES + name for name in classes]))


def of_collection(*features: Json, **fields: Any) -> dict[str, Part]:
    """Return the parts of an API that has a search, and the collection `c` of these items and fields."""
    return {
        "": landing(links=SEARCH_LINKS),
        "/collections/c": as_json(collection("c", **fields)),
        "/collections/c/items": listing(features),
    }


def tiffs(*names: str) -> dict[str, Part]:
    """Return the files `/files/NAME.tif`."""
    return {f"/files/{name}.tif": Answer(200, b"II*\0" + name.encode()) for name in names}


class STACAPI(LoopbackServer):
    """A STAC API at `/stac`: its parts by path below that; `""` is the landing page, `/` with the slash."""

    def __init__(self, parts: dict[str, Part], missing: Answer = MISSING) -> None:
        super().__init__(self._answer)
        self.parts = parts
        self.missing = missing

    @property
    def stac(self) -> str:
        """The root URL."""
        return f"{self.url}/stac"

    def asked(self, path: str) -> int:
        """Return how often a path below the root was asked for."""
        return [request.path for request in self.requests].count(f"/stac{path}")

    def _answer(self, asked: Request) -> Answer:
        part = self.parts.get(asked.path.removeprefix("/stac"), self.missing)
        return part if isinstance(part, Answer) else part(asked)
