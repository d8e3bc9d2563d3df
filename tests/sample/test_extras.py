"""The sample's catalog archives ask what real ones ask: own and shared assets, items with gaps."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

import httpx
import pytest

from mlhub_tui.sample.archives import catalog_bytes
from mlhub_tui.sample.catalog import SampleCatalog
from mlhub_tui.sample.server import SampleServer


def documents(content: bytes) -> dict[str, dict[str, Any]]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: json.loads(file.read()) for name, file in files.items() if file is not None}


def land(catalog: SampleCatalog) -> list[dict[str, Any]]:
    content = catalog_bytes(catalog.datasets["landcovernet_v1"], "http://store.example/")
    return list(documents(content).values())


def test_a_catalog_has_several_collections_keys_places_and_times(catalog: SampleCatalog) -> None:
    found = land(catalog)
    items = [document for document in found if document["type"] == "Feature"]
    assert len({item["collection"] for item in items}) == 2
    assert len({key for item in items for key in item["assets"]}) > 15
    assert len({str(item.get("bbox")) for item in items}) > 20
    assert len({str(item["properties"]["datetime"]) for item in items}) > 20


def test_items_have_gaps_and_share_assets(catalog: SampleCatalog) -> None:
    labels = [document for document in land(catalog) if "_labels" in document.get("collection", "")]
    assert sum("bbox" not in item for item in labels) == 1
    assert sum(not item["assets"] for item in labels) == 1
    shared = {item["assets"]["train_split"]["href"] for item in labels if item["assets"]}
    assert shared == {"http://store.example/assets/ref_landcovernet_v1_labels/_common/train_split.csv"}
    content = catalog_bytes(catalog.datasets["ts_cashew_benin"], "http://store.example/")
    timeless = [d for d in documents(content).values() if d.get("properties", {}).get("datetime", "") is None]
    assert len(timeless) == 1


@pytest.mark.parametrize("name", ["legend", "train_split", "validation_split", "test_split", "documentation"])
def test_the_links_of_shared_assets_lead_to_files(sample: SampleServer, name: str) -> None:
    ending = "pdf" if name == "documentation" else "csv"
    url = f"{sample.store_url}assets/ref_landcovernet_v1_labels/_common/{name}.{ending}"
    answer = httpx.get(url).raise_for_status()
    assert len(answer.content) > 30


def test_an_unknown_shared_asset_is_not_there(sample: SampleServer) -> None:
    for collection in ("ref_landcovernet_v1_source", "nothing"):
        url = f"{sample.store_url}assets/{collection}/_common/legend.csv"
        assert httpx.get(url).status_code == 404
