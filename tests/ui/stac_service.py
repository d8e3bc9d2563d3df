"""A STAC API on loopback with as many items as a test wants, pages that fail, and assets to fetch."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from tests.support import stac
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

SEARCH = "https://api.stacspec.org/v1.0.0/item-search"
CORE = (SEARCH, "https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/collections")
FEATURES = "https://api.stacspec.org/v1.0.0/ogcapi-features"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text"
MORE = (FEATURES, f"{SEARCH}#sort", f"{SEARCH}#filter", CQL2)
GEOTIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
BODY = b"II*\x00" + b"x" * 96


@dataclass
class Service:
    """What the API holds, and how it behaves.

    Parameters
    ----------
    number
        Items of the collection `scenes`.
    size
        Items of a page.
    conforms
        Conformance classes.
    failing
        Tokens of pages that are refused.
    repeating
        Whether the second page links to itself.
    gate
        Searches wait until it is set.
    more
        What else an item holds.
    """

    number: int = 250
    size: int = 100
    conforms: tuple[str, ...] = (*CORE, *MORE)
    failing: set[str] = field(default_factory=set)
    repeating: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    more: dict[str, Any] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=lambda: {"eo:cloud_cover": {"type": "number"}})
    server: LoopbackServer = field(init=False)

    def __post_init__(self) -> None:
        self.gate.set()
        self.server = LoopbackServer(self._answer)

    @property
    def root(self) -> str:
        """Where it is."""
        return f"{self.server.url}/stac/"

    @property
    def searches(self) -> list[Any]:
        """The bodies of the searches, in order."""
        return [
            asked.body
            for asked in self.server.requests
            if asked.method == "POST" and asked.path.endswith("/search")
        ]

    def _answer(self, asked: Request) -> Answer:
        match asked.path.removeprefix("/stac").strip("/").split("/"):
            case [""]:
                return as_json(self._landing())
            case ["collections"]:
                return as_json({"collections": [self.collection()], "links": []})
            case ["collections", "scenes"]:
                return as_json(self.collection())
            case ["queryables"] | ["collections", "scenes", "queryables"]:
                return as_json({"type": "object", "properties": self.names})
            case ["search"]:
                token = (asked.body or {}).get("token") or asked.query.get("token", [""])[0]
                return self._page(token, asked)
            case ["collections", "scenes", "items"]:
                return self._page(asked.query.get("token", [""])[0], asked)
            case ["collections", "scenes", "items", identity]:
                return as_json(self.item(int(identity.rpartition("-")[2])))
            case ["files", *_]:
                return Answer(200, BODY, {"Content-Type": "image/tiff", "ETag": '"a"'})
        return as_json({"detail": "not found"}, 404)

    def _landing(self) -> dict[str, Any]:
        base = self.root
        searches = (
            stac.link("search", f"{base}search", type="application/geo+json", method=method)
            for method in ("GET", "POST")
        )
        data = stac.link("data", f"{base}collections", type="application/json")
        named = {"title": "Made up", "description": "Scenes", "conformsTo": list(self.conforms)}
        return stac.catalog("made-up", data, *searches, **named)

    def collection(self) -> dict[str, Any]:
        extent = {
            "spatial": {"bbox": [[33.5, -1, 35, 1.25]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        }
        assets = {"map": {"href": f"{self.root}files/map.png", "type": "image/png", "file:size": 100}}
        named = {"title": "Scenes", "description": "Made up", "license": "CC-BY-4.0"}
        return stac.collection("scenes", **named, extent=extent, assets=assets)

    def _page(self, token: str, asked: Request) -> Answer:
        self.gate.wait(60)
        if token in self.failing:
            return as_json({"code": "BadToken", "description": f"no page {token}"}, 400)
        start = int(token or 0)
        given = (asked.body or {}).get("limit") or asked.query.get("limit", [str(self.size)])[0]
        stop = min(start + min(self.size, int(given)), self.number)
        following = start if self.repeating and start else stop
        links: list[dict[str, Any]] = []
        if stop < self.number and asked.method == "POST":
            body = {**asked.body, "token": str(following)}
            links.append({"rel": "next", "href": f"{self.root}search", "method": "POST", "body": body})
        elif stop < self.number:
            links.append({"rel": "next", "href": f"{self.server.url}{asked.path}?token={following}"})
        found = [self.item(number) for number in range(start, stop)]
        return as_json(
            {"type": "FeatureCollection", "features": found, "links": links, "numberMatched": self.number}
        )

    def item(self, number: int) -> dict[str, Any]:
        files = f"{self.root}files/{number}"
        assets: dict[str, Any] = {
            "B04": {"href": f"{files}/B04.tif", "type": GEOTIFF, "roles": ["data"], "file:size": 100},
            "B08": {"href": f"{files}/B08.tif", "type": GEOTIFF, "roles": ["data"]},
            "thumbnail": {"href": f"{files}/t.png", "type": "image/png", "roles": ["thumbnail"]},
            "paid": {
                "href": "s3://usgs-landsat/x.tif",
                "type": GEOTIFF,
                "roles": ["archive"],
                "storage:requester_pays": True,
            },
        }
        properties = {"datetime": f"2020-01-{number % 28 + 1:02}T00:00:00Z", "eo:cloud_cover": number}
        fields = {"bbox": [34, 0, 34.1, 0.1], "properties": properties, "assets": assets}
        return stac.item(f"scene-{number:05}", **{"collection": "scenes"} | fields | self.more)
