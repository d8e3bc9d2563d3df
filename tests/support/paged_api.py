"""A STAC API on loopback whose items come by pages, and whose pages a test may answer itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.http_server import Answer, LoopbackServer, Request, as_json

from .stac import catalog, collection, item, link

CLASSES = [
    f"https://api.stacspec.org/v1.0.0/{part}"
    for part in ("core", "collections", "item-search", "ogcapi-features")
]
Rule = Callable[[Request, int, int], Answer | None]


def items(total: int, **more: Any) -> list[dict[str, Any]]:
    """Return items `i0000`, `i0001` ... of the collection `c`."""
    return [item(f"i{number:04}", **more) for number in range(total)]


class PagedAPI(LoopbackServer):
    """Lists its items at `/collections/c/items` and `/search`, by `limit` and `offset` (or `page`).

    Parameters
    ----------
    rule
        Answers a request for a page of `limit` items from an offset on itself, or returns None.
    features
        The items.
    paging
        How next links lead on: by `offset`, or by a `page` that is counted from 1.
    searches
        The methods of its search; without any it has none.
    """

    def __init__(
        self,
        rule: Rule,
        features: list[dict[str, Any]] | None = None,
        *,
        paging: str = "offset",
        searches: tuple[str, ...] = ("GET", "POST"),
    ) -> None:
        super().__init__(self._answer)
        self.rule = rule
        self.features = items(400) if features is None else features
        self.paging = paging
        self.searches = searches
        self.limits: list[int] = []

    @property
    def location(self) -> str:
        """The root URL."""
        return f"{self.url}/"

    def _answer(self, request: Request) -> Answer:
        if request.path in ("/collections/c/items", "/search"):
            return self._page(request)
        links = [link("data", f"{self.url}/collections")]
        links += [link("search", f"{self.url}/search", method=way) for way in self.searches]
        classes = [name for name in CLASSES if self.searches or "search" not in name]
        documents = {
            "/": catalog("r", *links, conformsTo=classes),
            "/collections": {"collections": [collection("c")], "links": []},
            "/collections/c": collection("c"),
        }
        found = documents.get(request.path)
        return Answer(404) if found is None else as_json(found)

    def _page(self, request: Request) -> Answer:
        body = request.body or {name: values[0] for name, values in request.query.items()}
        limit, number = int(body.get("limit", 10)), int(body.get("page", 1))
        start = (number - 1) * limit if self.paging == "page" else int(body.get("offset", 0))
        self.limits.append(limit)
        own = self.rule(request, limit, start)
        if own is not None:
            return own
        links: list[dict[str, Any]] = []
        if start + limit < len(self.features):
            on = {"page": number + 1} if self.paging == "page" else {"offset": start + limit}
            following = {**body, "limit": limit, **on}
            href = f"{self.url}{request.path}"
            if request.method == "POST":
                links = [{"rel": "next", "method": "POST", "href": href, "body": following}]
            else:
                query = "&".join(f"{name}={value}" for name, value in following.items())
                links = [{"rel": "next", "href": f"{href}?{query}"}]
        page = {"type": "FeatureCollection", "features": self.features[start : start + limit], "links": links}
        return as_json({**page, "numberMatched": len(self.features)})


def failing_from(offset: int, answer: Answer) -> Rule:
    """Return the rule of an API whose pages fail from an offset on."""
    return lambda _request, _limit, start: answer if start >= offset else None


def refusing_above(most: int, answer: Answer) -> Rule:
    """Return the rule of an API that gives so many items a page, and no more."""
    return lambda _request, limit, _start: answer if limit > most else None


def problem(status: int, description: str) -> Answer:
    """Return the error of a STAC API."""
    return Answer(status, json.dumps({"code": "X", "description": description}).encode())
