"""The catalog is large enough, sane, and what pystac accepts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pystac
import pytest

from mlhub_tui.sample.catalog import SampleCatalog, sensors
from mlhub_tui.sample.items import footprint, item, item_id, item_index


def test_there_are_enough_datasets_collections_items_and_models(catalog: SampleCatalog) -> None:
    assert len(catalog.datasets) >= 30
    assert len(catalog.collections) >= 90
    assert len(catalog.models) >= 4
    assert sum(entry.items for entry in catalog.collections.values()) >= 5000


def test_every_dataset_has_words_of_its_own(catalog: SampleCatalog) -> None:
    descriptions = [entry.raw["description"] for entry in catalog.datasets.values()]
    assert len(set(descriptions)) == len(descriptions)
    assert all(40 < len(text) < 600 for text in descriptions)
    assert all(entry.description for entry in catalog.collections.values())


def test_collections_of_both_types_are_there(catalog: SampleCatalog) -> None:
    types = {entry.id: entry.types for entry in catalog.collections.values()}
    assert types["sn2_AOI_2_Vegas"] == ("source_imagery", "labels")
    assert set(types.values()) == {("source_imagery",), ("labels",), ("source_imagery", "labels")}


def test_every_extent_is_a_box_on_earth_and_an_interval_in_order(catalog: SampleCatalog) -> None:
    for entry in catalog.collections.values():
        assert entry.sensor in sensors()
        for west, south, east, north in entry.boxes:
            assert -180 <= west < east <= 180
            assert -90 <= south < north <= 90
        start, end = entry.interval
        assert start is not None
        assert end is None or start <= end


def test_models_are_trained_on_collections_that_are_there(catalog: SampleCatalog) -> None:
    for model in catalog.models.values():
        assert model.raw["dataset"] in catalog.datasets
        assert all(cid in catalog.collections for cid in model.raw["trained_on"])


def test_pystac_accepts_every_collection(anonymous: httpx.Client) -> None:
    for document in anonymous.get("collections").json()["collections"]:
        collection = pystac.Collection.from_dict(document)
        assert collection.id == document["id"]
        assert collection.extent.spatial.bboxes


def test_pystac_accepts_items_of_every_collection_and_every_model(
    api: httpx.Client, catalog: SampleCatalog
) -> None:
    for entry in catalog.collections.values():
        page = api.get(f"collections/{entry.id}/items", params={"limit": 2}).json()
        for document in page["features"]:
            check_item(document)
    for document in api.get("models").json():
        check_item(document)


def check_item(document: dict[str, Any]) -> None:
    found = pystac.Item.from_dict(document)
    assert found.assets
    assert found.datetime or (found.common_metadata.start_datetime and found.common_metadata.end_datetime)


def test_items_lie_in_extent_and_interval_of_their_collection(catalog: SampleCatalog) -> None:
    for entry in catalog.collections.values():
        for index in {0, entry.items // 2, entry.items - 1}:
            west, south, east, north = footprint(entry, index)
            assert any(
                box[0] <= west < east <= box[2] and box[1] <= south < north <= box[3] for box in entry.boxes
            )
            properties = item(entry, index)["properties"]
            first = properties["datetime"] or properties["start_datetime"]
            last = properties["datetime"] or properties["end_datetime"]
            start, end = entry.interval
            assert str(start) <= first <= last
            assert end is None or last <= end
            assert datetime.fromisoformat(first).tzinfo == UTC


def test_ids_and_indexes_belong_together(catalog: SampleCatalog) -> None:
    for entry in catalog.collections.values():
        ids = [item_id(entry, index) for index in range(entry.items)]
        assert len(set(ids)) == entry.items
        assert [item_index(entry, identity) for identity in ids] == list(range(entry.items))
        assert item_index(entry, item_id(entry, 0) + "0" * 30) is None


@pytest.mark.parametrize("collection", ["sn7_train_source", "sen12floods_s1_labels"])
def test_items_are_the_same_at_every_start(catalog: SampleCatalog, collection: str) -> None:
    entry = catalog.collections[collection]
    assert [item(entry, index) for index in range(5)] == [item(entry, index) for index in range(5)]
    assert len({footprint(entry, index) for index in range(20)}) == 20
