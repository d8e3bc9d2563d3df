"""The API answers in the hosted service's shapes and by its rules."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mlhub_tui.sample.server import SampleServer

LIST_PATHS = ["", "datasets", "collections", "models"]
OPEN_PATHS = [
    *LIST_PATHS,
    "datasets/bigearthnet_v1",
    "datasets/doi/10.14279/depositonce-10149",
    "collections/bigearthnet_v1_labels",
    "models/model_ramp_baseline_v1",
]
KEPT_PATHS = [
    "collections/bigearthnet_v1_labels/items",
    "collections/bigearthnet_v1_labels/items/bigearthnet_v1_labels_00000",
    "archive/bigearthnet_v1_labels",
    "archive/bigearthnet_v1_labels/info",
    "catalog/umd_mali_crop_type",
    "catalog/umd_mali_crop_type/info",
]
MISSING = [
    "nonsense",
    "datasets/none",
    "datasets/doi/10.1/none",
    "collections/none",
    "collections/none/items",
    "collections/none/items/none",
    "collections/bigearthnet_v1_labels/items/none",
    "collections/bigearthnet_v1_labels/items/bigearthnet_v1_labels_99999",
    "archive/none",
    "archive/none/info",
    "catalog/none",
    "catalog/none/info",
    "models/none",
    "download/none",
    "download/WyJhIl0",
]


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_listings_and_single_records_are_open(anonymous: httpx.Client, path: str) -> None:
    assert anonymous.get(path).status_code == 200
    assert anonymous.head(path).status_code == 200


@pytest.mark.parametrize("path", KEPT_PATHS)
def test_items_archives_and_catalogs_want_a_key(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 401
    assert list(answer.json()) == ["detail"]
    assert anonymous.head(path).status_code == 401


@pytest.mark.parametrize("path", KEPT_PATHS)
def test_the_key_opens_them_as_parameter_and_as_bearer_token(
    anonymous: httpx.Client, sample: SampleServer, path: str
) -> None:
    assert anonymous.get(path, params={"key": sample.key}).status_code in (200, 303)
    assert anonymous.get(path, headers={"Authorization": f"Bearer {sample.key}"}).status_code in (200, 303)


@pytest.mark.parametrize("path", [*OPEN_PATHS, *KEPT_PATHS])
def test_a_wrong_key_is_refused_everywhere(anonymous: httpx.Client, path: str) -> None:
    assert anonymous.get(path, params={"key": "wrong"}).status_code == 401


@pytest.mark.parametrize("path", MISSING)
def test_what_does_not_exist_is_a_404_with_a_detail(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["detail"]


def test_links_carry_the_name_the_client_used(sample: SampleServer) -> None:
    root = sample.root_url.replace("127.0.0.1", "localhost")
    document = httpx.get(f"{root}collections/bigearthnet_v1_labels", trust_env=False).json()
    assert all(link["href"].startswith(root) for link in document["links"])


def test_tags_must_all_match_exactly(anonymous: httpx.Client) -> None:
    def ids(*tags: str) -> set[str]:
        return {d["id"] for d in anonymous.get("datasets", params={"tags": list(tags)}).json()}

    assert "sen12floods" in ids("sar", "flood detection")
    assert ids("sar", "flood detection") == ids("sar") & ids("flood detection")
    assert ids("flood") == set()


def test_text_is_a_phrase_looked_for_without_regard_to_case(anonymous: httpx.Client) -> None:
    def ids(*phrases: str) -> set[str]:
        return {d["id"] for d in anonymous.get("datasets", params={"text": list(phrases)}).json()}

    assert ids("CASHEW") == {"ts_cashew_benin"}
    assert ids("spacenet", "khartoum") == {"spacenet2", "spacenet3"}
    assert ids("central benin cashew") == set()


def test_a_dataset_is_found_by_its_doi_in_any_case(anonymous: httpx.Client) -> None:
    by_id = anonymous.get("datasets/ref_african_crops_kenya_02").json()
    assert anonymous.get("datasets/doi/10.34911/rdnt.dw605x").json() == by_id
    assert anonymous.get("datasets/doi/10.34911/RDNT.DW605X").json() == by_id


def test_archive_info_names_collection_dataset_size_and_types(api: httpx.Client) -> None:
    info = api.get("archive/sn1_AOI_1_RIO/info").json()
    assert info == {
        "collection": "sn1_AOI_1_RIO",
        "dataset": "spacenet1",
        "size": info["size"],
        "types": ["source_imagery", "labels"],
    }


@pytest.mark.parametrize(
    "path", ["archive/rti_rwanda_crop_type_raw", "archive/rti_rwanda_crop_type_raw/info"]
)
def test_one_archive_does_not_exist_yet(api: httpx.Client, path: str) -> None:
    assert api.get("collections/rti_rwanda_crop_type_raw").status_code == 200
    assert api.get(path).status_code == 404
    assert api.head(path).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["archive/sn1_AOI_1_RIO", "catalog/spacenet1"])
def test_archives_are_redirected_to_the_store_without_the_key(
    api: httpx.Client, sample: SampleServer, path: str, method: str
) -> None:
    answer = api.request(method, path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(sample.store_url)
    assert sample.key not in answer.headers["Location"].rpartition("/")[0].split("?")[-1].split("=")


def test_every_asset_of_an_item_downloads_without_a_key(api: httpx.Client, anonymous: httpx.Client) -> None:
    first: dict[str, Any] = api.get("collections/sn2_AOI_3_Paris/items", params={"limit": 1}).json()[
        "features"
    ][0]
    starts = {
        "image/png": b"\x89PNG\r\n",
        "image/tiff; application=geotiff": b"II*\0",
        "application/geo+json": b"{",
        "application/pdf": b"%PDF-1.4",
    }
    assert {asset["type"] for asset in first["assets"].values()} == set(starts)
    for asset in first["assets"].values():
        answer = anonymous.get(asset["href"], follow_redirects=True)
        assert answer.status_code == 200
        assert answer.content.startswith(starts[asset["type"]])


def test_labels_link_to_the_images_they_were_drawn_on(api: httpx.Client) -> None:
    for collection, count in (("ref_african_crops_kenya_02_labels", 13), ("sen12floods_s2_labels", 2)):
        label = api.get(f"collections/{collection}/items").json()["features"][0]
        hrefs = [entry["href"] for entry in label["links"] if entry["rel"] == "source"]
        assert len(hrefs) == count
        for href in hrefs:
            assert api.get(href).json()["bbox"] == label["bbox"]


def test_model_assets_download_too(anonymous: httpx.Client) -> None:
    for model in anonymous.get("models").json():
        for asset in model["assets"].values():
            assert anonymous.get(asset["href"], follow_redirects=True).status_code == 200


def test_a_model_is_the_only_item_of_its_collection(api: httpx.Client) -> None:
    for model in api.get("models").json():
        assert api.get(f"models/{model['id']}").json() == model
        own = f"collections/{model['collection']}"
        assert api.get(own).json()["type"] == "Collection"
        assert api.get(f"{own}/items").json()["features"] == [model]
        assert api.get(f"{own}/items/{model['id']}").json() == model


def test_odd_metadata_of_the_field_is_there(anonymous: httpx.Client) -> None:
    odd = anonymous.get("datasets/umd_mali_crop_type").json()
    assert "title" not in odd
    assert odd["doi"] is odd["date_added"] is odd["date_modified"] is odd["publications"] is None
    labels = anonymous.get("collections/umd_mali_crop_type_labels").json()
    assert labels["license"].startswith("[CC-BY-4.0](http")
    assert labels["providers"].count(labels["providers"][0]) == 2
    assert anonymous.get("datasets/ref_agrifieldnet_competition_v1").json()["bbox"] is None
