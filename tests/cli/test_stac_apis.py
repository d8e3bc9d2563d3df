"""STAC APIs as people meet them: gateways, missing endpoints, odd ids; each command asked from outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.profiles import ProfilesFile
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

from .conftest import Run

CLASSES = "https://api.stacspec.org/v1.0.0/"
COMPLETE = ("core", "collections", "ogcapi-features", "item-search")
MISSING = as_json({"code": "NotFoundError", "description": "nothing here"}, 404)
Part = Answer | Callable[[Request], Answer]


def feature(identity: str, collection: str = "c", **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identity,
        "collection": collection,
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [],
        "assets": {},
        **more,
    }


def collection(identity: str) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": identity,
        "description": "d",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [],
    }


def listing(features: Iterable[dict[str, Any]]) -> Answer:
    return as_json({"type": "FeatureCollection", "features": list(features), "links": []})


def landing(classes: Iterable[str] = COMPLETE, links: Iterable[dict[str, Any]] = ()) -> Answer:
    """Return a landing page with relative links: its place is not known before it is asked for."""
    return as_json(
        {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "root",
            "title": "An API",
            "description": "d",
            "conformsTo": [CLASSES + name for name in classes],
            "links": list(links),
        }
    )


SEARCH_LINKS = (
    {"rel": "search", "href": "search", "method": "GET"},
    {"rel": "search", "href": "search", "method": "POST"},
)


class STACAPI(LoopbackServer):
    """A STAC API at `/stac`: its parts by path below that; `""` is the landing page, `/` with the slash."""

    def __init__(self, parts: dict[str, Part], missing: Answer = MISSING) -> None:
        super().__init__(self._answer)
        self.parts = parts
        self.missing = missing

    @property
    def stac(self) -> str:
        return f"{self.url}/stac"

    def asked(self, path: str) -> int:
        """Return how often a path below the root was asked for."""
        return [request.path for request in self.requests].count(f"/stac{path}")

    def _answer(self, asked: Request) -> Answer:
        part = self.parts.get(asked.path.removeprefix("/stac"), self.missing)
        return part if isinstance(part, Answer) else part(asked)


def ids_of(listed: str) -> list[str]:
    return [entry["id"] for entry in json.loads(listed)]


@pytest.mark.parametrize("status", [401, 403, 404, 405])
@pytest.mark.parametrize(("root", "typed"), [("", ""), ("", "/"), ("/", ""), ("/", "/")])
def test_a_root_url_is_used_as_given_and_else_in_its_other_spelling(
    run: Run, tmp_path: Path, root: str, typed: str, status: int
) -> None:
    one = feature("i1", assets={"data": {"href": "../../../files/i1.tif"}})
    parts: dict[str, Part] = {
        root: landing(links=({"rel": "data", "href": "collections"}, *SEARCH_LINKS)),
        "/collections": as_json({"collections": [collection("c")], "links": []}),
        "/collections/c": as_json(collection("c")),
        "/collections/c/items": listing([one]),
        "/collections/c/items/i1": as_json(one),
        "/search": listing([one]),
        "/files/i1.tif": Answer(200, b"II*\0data"),
    }
    with STACAPI(parts, as_json({"message": "Missing Authentication Token"}, status)) as server:
        url = server.stac + typed
        assert ids_of(run("--source", url, "list", "collections", "--json").stdout) == ["c"]
        assert ids_of(run("--source", url, "list", "items", "c", "--json").stdout) == ["i1"]
        assert run("search", url, "-c", "c", "--csv").stdout.count("i1") >= 1
        where = ("--output-dir", str(tmp_path / "out"))
        assert run("--source", url, "download", "item", "c", "i1", *where).exit_code == 0
        if root == typed:
            assert server.asked("/" if typed == "" else "") == 0
        assert run("sources", "add", "gate", url).exit_code == 0
        assert ProfilesFile.load().get("gate").root_url == server.stac + root
        server.requests.clear()
        assert run("sources", "test", "gate").exit_code == 0
        assert ids_of(run("--source", "gate", "list", "collections", "--json").stdout) == ["c"]
        assert server.asked("/" if root == "" else "") == 0
        assert run("sources", "add", "forced", url, "--kind", "stac-api").exit_code == 0
        assert ids_of(run("--source", "forced", "list", "collections", "--json").stdout) == ["c"]
    assert next((tmp_path / "out").rglob("data.tif")).read_bytes() == b"II*\0data"


def test_a_root_refused_in_both_spellings_names_the_one_that_was_given(run: Run) -> None:
    with STACAPI({}, as_json({"message": "no"}, 403)) as server:
        refused = run("--source", server.stac, "list", "collections")
        assert refused.exit_code == 3
        assert f"{server.stac}" in refused.stderr
        assert f"{server.stac}/" not in refused.stderr
