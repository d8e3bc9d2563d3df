"""The client works on what the hosted API answered, quirks included."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from mlhub_tui.errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist
from mlhub_tui.http.session import Session
from mlhub_tui.sources.mlhub import MLHubSource
from tests.support.listing import items_of

from .replay import KENYA, KEY, Replay


async def test_every_recorded_dataset_is_listed(source: MLHubSource) -> None:
    datasets = await source.datasets()
    assert len(datasets) == 31
    assert source.skipped == 0
    assert datasets[0].id == "idiv_asia_crop_type"


async def test_every_recorded_collection_is_listed(source: MLHubSource) -> None:
    assert len({collection.id for collection in await source.collections()}) == 103


async def test_the_recorded_models_are_listed_and_fetched(source: MLHubSource) -> None:
    models = await source.models()
    assert len(models) == 2
    assert (await source.model(models[0].id)).raw == models[0].raw


async def test_listings_work_without_a_key(keyless: MLHubSource, replay: Replay) -> None:
    assert len(await keyless.datasets()) == 31
    assert len(await keyless.collections()) == 103
    assert "key" not in "".join(replay.api.targets)


async def test_a_dataset_is_found_by_id_by_doi_and_by_either(source: MLHubSource, replay: Replay) -> None:
    doi = "10.6084/m9.figshare.12047478.v2"
    by_id = await source.dataset("ref_african_crops_kenya_02")
    assert by_id.id == "ref_african_crops_kenya_02"
    by_doi = await source.dataset(doi)
    assert by_doi.raw == (await source.dataset_by_doi(f"https://doi.org/{doi}")).raw
    paths = [asked.path for asked in replay.api.requests]
    assert paths == [
        "/mlhub/v1/datasets/ref_african_crops_kenya_02",
        f"/mlhub/v1/datasets/doi/{doi}",
        f"/mlhub/v1/datasets/doi/{doi}",
    ]


async def test_all_recorded_items_are_reached(source: MLHubSource, recorded: Path) -> None:
    pages = sorted((recorded / "items" / KENYA).glob("page-*.json"))
    expected = [feature["id"] for page in pages for feature in json.loads(page.read_bytes())["features"]]
    assert [item.id async for item in items_of(source, KENYA)] == expected
    assert len(expected) == 52


@pytest.mark.parametrize(("limit", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2), (52, 6), (100, 6)])
async def test_a_limit_asks_for_no_more_pages_than_it_needs(
    source: MLHubSource, replay: Replay, limit: int, pages: int
) -> None:
    found = [item async for item in items_of(source, KENYA, limit=limit)]
    assert len(found) == min(limit, 52)
    assert len(replay.api.requests) == pages


async def test_a_page_has_no_key_in_its_link_and_knows_the_total(source: MLHubSource) -> None:
    page = await source.items_page(KENYA, page_size=10)
    assert page.matched == 52
    assert page.next is not None
    assert "token=" in page.next
    assert "key=" not in page.next
    last = page
    while last.next is not None:
        last = await source.items_page(KENYA, link=last.next)
    assert len(last.entries) == 2


async def test_items_without_a_key_are_refused_in_one_line(keyless: MLHubSource) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await keyless.items_page(KENYA)
    assert "no API key was sent" in caught.value.message
    assert "Must provide API key" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.status == 401


async def test_a_refused_key_is_masked(replay: Replay) -> None:
    wrong = "w" * 40 + "1234"
    async with Session(api_key=wrong, root_url=replay.root) as session:
        with pytest.raises(AuthenticationError, match=r"\*\*\*\*1234") as caught:
            await MLHubSource(session).items_page(KENYA)
    assert wrong not in str(caught.value) + repr(caught.value) + caught.value.url


async def test_the_archive_is_described(source: MLHubSource) -> None:
    info = await source.archive_info("bigearthnet_v1_labels")
    assert (info.dataset, info.size, info.types) == ("bigearthnet_v1", 169265765, ("labels",))


async def test_the_archive_link_leads_to_the_blob_store_without_the_key(
    source: MLHubSource, replay: Replay, recorded: Path
) -> None:
    link = await source.archive_link("ref_african_crops_kenya_02_labels")
    assert link.url == f"{replay.store.url}/mlhub/archives/ref_african_crops_kenya_02_labels.tar.gz"
    assert not link.sends_key
    assert [asked.method for asked in replay.api.requests + replay.store.requests] == ["HEAD", "HEAD"]
    assert replay.api.requests[0].query["key"] == [KEY]
    assert KEY not in replay.store.requests[0].target + str(replay.store.requests[0].headers)
    async with httpx.AsyncClient(trust_env=False) as client:
        body = (await client.get(link.url, headers=link.headers)).content
    assert body == (recorded / "archives" / "ref_african_crops_kenya_02_labels.tar.gz").read_bytes()


async def test_what_does_not_exist_is_named(source: MLHubSource) -> None:
    with pytest.raises(EntityDoesNotExist, match='collection "no_collection" does not exist'):
        await source.collection("no_collection")
    with pytest.raises(EntityDoesNotExist, match='item "item_id" of collection "no_collection"'):
        await source.item("no_collection", "item_id")
    with pytest.raises(EntityDoesNotExist, match=r'archive of collection "no_archive".*still be generating'):
        await source.archive_link("no_archive")
    with pytest.raises(EntityDoesNotExist, match='archive of collection "no_archive"'):
        await source.archive_info("no_archive")
    with pytest.raises(EntityDoesNotExist, match='dataset "nowhere"'):
        await source.dataset("nowhere")
    with pytest.raises(EntityDoesNotExist, match='collection "no_collection"'):
        await source.items_page("no_collection")


async def test_paginate_gives_the_pages_as_received(source: MLHubSource) -> None:
    pages = [page async for page in source.session.paginate(f"/collections/{KENYA}/items")]
    assert [len(page["features"]) for page in pages] == [10, 10, 10, 10, 10, 2]


async def test_the_landing_page_is_the_root(source: MLHubSource) -> None:
    assert (await source.session.get_json(""))["title"] == "Radiant MLHub API"


async def test_a_key_is_checked_with_a_request_that_needs_one(replay: Replay) -> None:
    async with Session(root_url=replay.root) as session:
        with pytest.raises(APIKeyNotFound):
            await MLHubSource(session).check_key()
    assert replay.api.requests == []
