"""A hostile deployment of the MLHub API: every string it sends holds what must never reach a terminal."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any
from urllib.parse import quote

from tests.support.http_server import Answer, Request, as_json, redirect

MARKUP = "[/][bold]b[/bold][@click=app.quit]x[/][red on"
CONTROLS = "\x1b]52;c;b3duZWQ=\x07\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b5m\x9d0;own\x9c\x00\x08\x7f"
REORDER = "\u202egpj\u202c\u2066\u200f\u200b\u2060\ufeff\U000e0041"
WIDE = "漢字🛰👩‍🚀é"
SURROGATE = "\ud800"


HUGE_NUMBER = 10**400
LINK_BOMB = "[](" * 33_000


def nasty(name: str) -> str:
    """Return a text that names itself and holds every attack."""
    return f"{name}{MARKUP}{CONTROLS}\r\n\t{REORDER}{WIDE}{SURROGATE}"


def deep(levels: int) -> Any:
    """Return lists nested so deep that what walks them by recursion breaks."""
    value: Any = nasty("deepest")
    for _ in range(levels):
        value = [value]
    return value


COLLECTIONS = [
    nasty("collection"),
    "../../escape",
    "..",
    ".",
    "%2e%2e%2fescape",
    "/etc/passwd",
    "a\\b c",
    "CON",
    ".hidden",
    "-rf",
    "\u202egpj.exe",
    "漢" * 100,
    "x" * 5000,
    "\ud800",
    "\x1b",
]
"""Ids of collections, as bad as ids can be."""

NASTY_ID = COLLECTIONS[0]
ESCAPE = COLLECTIONS[1]
ITEM_ID = nasty("item")
DEEP = 800
"""Levels that the decoder takes and that what writes JSON has to survive."""


def provider() -> dict[str, Any]:
    """Return a hostile provider."""
    return {
        "name": nasty("provider"),
        "roles": [nasty("role"), None, 3],
        "url": f"https://x/?key=stolen-key-123&{nasty('url')}",
        "email": nasty("email"),
    }


def asset(name: str) -> dict[str, Any]:
    """Return a hostile asset."""
    return {
        "href": f"https://store.example/{nasty(name)}?key=stolen-key-123",
        "title": nasty("asset title"),
        "type": nasty("media"),
        "roles": [nasty("role")],
        "file:size": HUGE_NUMBER,
        "eo:bands": [{"name": nasty("band")}, 7],
        "deep": deep(DEEP),
    }


def assets() -> dict[str, Any]:
    """Return assets, some of which are none."""
    return {
        nasty("asset"): asset("file"),
        "": {"href": None, "title": 7, "roles": "one"},
        "no object": 3,
        "x" * 100_000: {},
    }


def descriptive() -> dict[str, Any]:
    """Return what all documents have."""
    return {
        "title": nasty("title"),
        "description": nasty("description") + "\n# Heading\n" + nasty("second line"),
        "license": f"[{nasty('licence')}](https://x/{nasty('l')})",
        "sci:doi": nasty("10.1/doi"),
        "sci:citation": nasty("citation"),
        "sci:publications": [{"citation": nasty("publication"), "doi": nasty("10.2/pub")}, 3, None],
        "providers": [provider(), provider(), None, "x", {"name": 3}],
        nasty("property"): nasty("value"),
        "nested": deep(DEEP),
        "huge": HUGE_NUMBER,
        "float": 1e999,
        "list": [nasty("one"), 2, None, {"name": nasty("two")}],
    }


def dataset(identity: str, collections: list[Any], **fields: Any) -> dict[str, Any]:
    """Return a hostile dataset."""
    return {
        "id": identity,
        **descriptive(),
        "doi": nasty("10.1/ds"),
        "citation": nasty("citation"),
        "tags": [nasty("tag"), None, 7, "[/]"],
        "registry": f"https://mlhub.earth/{nasty('registry')}",
        "documentation_link": f"https://x/?key=stolen-key-123{nasty('docs')}",
        "date_added": nasty("2020-01-01T"),
        "creator_contact": {"creator": nasty("creator"), "contact": nasty("contact")},
        "bbox": {"coordinates": deep(DEEP)},
        "collections": collections,
        **fields,
    }


def datasets() -> list[Any]:
    """Return the listing: hostile ones, odd ones, and what is no dataset at all."""
    refs = [{"id": c, "types": ["source_imagery", nasty("t")], "license": nasty("l")} for c in COLLECTIONS]
    odd: list[Any] = [None, 3, "x", [], {}, {"id": 7}, {"id": ""}, {"id": None, "title": nasty("none")}]
    return [
        *odd,
        dataset(nasty("0 dataset"), [*refs, {"id": NASTY_ID, "types": "labels"}], title=nasty("0 title")),
        dataset("../..", [{"id": 3}, None, {"types": ["labels"]}, {"id": ""}], title=""),
        dataset("wrong types", 7, **dict.fromkeys(("title", "doi", "tags", "bbox", "license"), 7)),  # type: ignore[arg-type]
        dataset("nulls", None, **dict.fromkeys(("title", "doi", "tags", "bbox", "registry"))),  # type: ignore[arg-type]
        {"id": "bare"},
        {"id": "long", "title": "y" * 100_000, "description": "line\n" * 50_000, "tags": ["t" * 100_000]},
        {
            "id": "bomb",
            "title": LINK_BOMB,
            "description": LINK_BOMB,
            "creator_contact": {"creator": LINK_BOMB},
        },
        {"id": "\u202e\x1b", "title": "\u202e\x1b\x00"},
    ]


def collection(identity: str) -> dict[str, Any]:
    """Return a hostile collection."""
    return {
        "id": identity,
        "type": "Collection",
        "stac_version": nasty("1"),
        "stac_extensions": [nasty("https://a/b/c/d"), 3],
        **descriptive(),
        "keywords": [nasty("keyword"), None, 3],
        "extent": {
            "spatial": {"bbox": [[nasty("w"), 1, 2, 3], [1e308, -1e308, HUGE_NUMBER, 4], [1, 2, 3, 4], 7]},
            "temporal": {"interval": [[nasty("2020"), None], [3, 4], "x"]},
        },
        "summaries": {nasty("summary"): [nasty("value")], "deep": deep(DEEP), "number": 7},
        "assets": assets(),
        "item_assets": assets(),
        "links": [{"rel": "self", "href": nasty("self")}, 3],
    }


def item(identity: str) -> dict[str, Any]:
    """Return a hostile item."""
    return {
        "id": identity,
        "type": "Feature",
        "collection": NASTY_ID,
        "bbox": [nasty("w"), None, {}, []],
        "geometry": {"type": "Polygon", "coordinates": deep(DEEP)},
        "properties": {**descriptive(), "datetime": nasty("2020-01-01T00:00:00Z")},
        "assets": assets(),
        "links": [{"rel": "next", "href": nasty("https://x/")}],
    }


def items(root: str) -> dict[str, Any]:
    """Return a page of items whose link leads to the last one."""
    odd = [None, 3, {}, {"id": 5}, {"id": "bare"}, {"id": "..", "properties": 7, "assets": [], "bbox": 3}]
    return {
        "type": "FeatureCollection",
        "features": [item(ITEM_ID), *odd, {"id": "z" * 100_000}, item(ITEM_ID)],
        "numberMatched": HUGE_NUMBER,
        "links": [
            {"rel": "previous", "href": f"{root}collections/x/items?key=stolen-key-123"},
            {"rel": "next", "href": f"{root}collections/x/items?token={nasty('t')}&key=stolen-key-123"},
        ],
    }


def models() -> list[Any]:
    """Return hostile models."""
    model = item(nasty("model"))
    model["properties"] |= {f"ml-model:{n}": nasty(n) for n in ("architecture", "prediction_type")}
    model["links"] = [{"rel": "ml-model:train-data", "href": f"https://x/?key=stolen-key-123{nasty('t')}"}]
    return [None, 3, model, {"id": "bare model"}, {"id": "../model", "properties": {"title": 7}}]


def _archive() -> bytes:
    """Return a small archive that is one, whatever size its info makes up."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    return whole.getvalue()


ARCHIVE = _archive()


class Hostile:
    """Answers as a deployment of the MLHub API that means harm."""

    def __init__(self) -> None:
        self.root = ""

    def __call__(self, asked: Request) -> Answer:
        """Answer a request."""
        path = asked.path.split("/mlhub/v1/", 1)[-1]
        parts = path.split("/")
        match parts:
            case ["datasets"]:
                return as_json(datasets())
            case ["models"]:
                return as_json(models())
            case ["collections"]:
                return as_json({"collections": [collection(c) for c in COLLECTIONS]})
            case ["collections", segment]:
                return as_json(collection(_meant(segment)))
            case ["collections", segment, "items"]:
                return self._items(segment, asked)
            case ["collections", _, "items", _]:
                return as_json(item(ITEM_ID))
            case ["archive", segment, "info"]:
                return self._info(segment)
            case ["archive", segment]:
                return self._archive(segment)
            case ["catalog", _, "info"]:
                sizes = {"stac_catalog_size": HUGE_NUMBER, "estimated_dataset_size": nasty("size")}
                return as_json({"dataset": nasty("d"), **sizes})
            case ["", "blob", _]:
                return Answer(200, ARCHIVE, {"ETag": '"1"', "Content-Type": "application/gzip"})
        return as_json({"detail": nasty("no such path")}, 404)

    def _items(self, segment: str, asked: Request) -> Answer:
        if segment == quote("-rf"):
            return as_json({"detail": nasty("go away")}, 401)
        if segment == quote("CON"):
            return as_json({"detail": [{"loc": [nasty("query")], "msg": nasty("wrong")}]}, 400)
        if "token" in asked.query:
            return as_json({"features": [item("last")], "links": []})
        return as_json(items(self.root))

    def _info(self, segment: str) -> Answer:
        if segment == quote("CON"):
            return as_json({"detail": nasty("no info")}, 400)
        size: object = HUGE_NUMBER if segment == quote(".hidden") else len(ARCHIVE)
        return as_json({"collection": nasty("c"), "dataset": nasty("d"), "size": size, "types": nasty("t")})

    def _archive(self, segment: str) -> Answer:
        if segment == quote("CON"):
            return as_json({"detail": nasty("refused")}, 400)
        return redirect("/blob/..%2f..%2fescape?sig=stolen-key-123")


def _meant(segment: str) -> str:
    known = {quote(c, safe="", errors="replace"): c for c in COLLECTIONS}
    return known.get(segment, segment)


def plain(text: str) -> str:
    """Return a text as JSON on one line, for messages of failed tests."""
    return json.dumps(text)
