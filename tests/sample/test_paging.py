"""Items come page by page, each exactly once, forwards and backwards."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mlhub_tui.sample.server import SampleServer

KENYA = "collections/ref_african_crops_kenya_02_source/items"


def link(page: dict[str, Any], rel: str) -> str | None:
    return next((entry["href"] for entry in page["links"] if entry["rel"] == rel), None)


def ids(page: dict[str, Any]) -> list[str]:
    return [feature["id"] for feature in page["features"]]


def walk(client: httpx.Client, path: str, rel: str, **params: int) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = []
    href = path
    while href:
        url = client.base_url.join(href).copy_merge_params({"key": "sample", **params})
        pages.append(client.get(url).json())
        href = link(pages[-1], rel) or ""
        assert len(pages) < 100
    return pages


@pytest.mark.parametrize("limit", [1, 7, 10, 52, 100])
def test_next_links_reach_every_item_once(anonymous: httpx.Client, limit: int) -> None:
    pages = walk(anonymous, KENYA, "next", limit=limit)
    found = [identity for page in pages for identity in ids(page)]
    assert len(found) == len(set(found)) == 52
    assert len(pages) == -(-52 // limit)


def test_previous_links_lead_back_to_the_first_page(anonymous: httpx.Client) -> None:
    forwards = walk(anonymous, KENYA, "next", limit=10)
    back = walk(anonymous, link(forwards[-1], "previous") or "", "previous", limit=10)
    assert [ids(page) for page in reversed(back)] == [ids(page) for page in forwards[:-1]]


def test_a_page_holds_thirty_items_where_nothing_else_is_said(api: httpx.Client) -> None:
    page = api.get(KENYA).json()
    assert page["context"] == {"limit": 30, "matched": 52, "returned": 30}


def test_only_previous_links_carry_the_key(anonymous: httpx.Client, sample: SampleServer) -> None:
    second = walk(anonymous, KENYA, "next", limit=20)[1]
    assert f"key={sample.key}" in (link(second, "previous") or "")
    others = [entry["href"] for entry in second["links"] if entry["rel"] != "previous"]
    assert not any("key=" in href for href in others)


@pytest.mark.parametrize(
    ("extensions", "count"),
    [(["eo"], 52), (["https://stac-extensions.github.io/eo/v1.0.0/schema.json"], 52), (["eo", "label"], 0)],
)
def test_only_items_with_all_extensions_are_listed(
    api: httpx.Client, extensions: list[str], count: int
) -> None:
    page = api.get(KENYA, params={"extensions": extensions, "limit": 60}).json()
    assert page["context"]["matched"] == len(page["features"]) == count


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "many"}, {"token": "next:none"}, {"token": "up:x"}, {"token": ""}]
)
def test_senseless_pages_are_a_400_with_a_detail(api: httpx.Client, params: dict[str, str]) -> None:
    answer = api.get(KENYA, params=params)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]


def test_an_item_fetched_alone_is_the_one_that_was_listed(api: httpx.Client) -> None:
    for collection in (
        "ref_african_crops_kenya_02_source",
        "ref_african_crops_kenya_02_labels",
        "spacenet_none",
    ):
        page = api.get(f"collections/{collection}/items").json()
        for listed in page.get("features", []):
            assert api.get(f"collections/{collection}/items/{listed['id']}").json() == listed
