"""The shapes are those of the recorded answers, the words are not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlhub_tui.sample.catalog import SampleCatalog

SHARED_WORDS = 8


def read(recorded: Path, name: str) -> Any:
    return json.loads((recorded / name).read_text(encoding="utf-8"))


def test_dataset_records_have_the_same_keys(recorded: Path, anonymous: httpx.Client) -> None:
    theirs, ours = (
        read(recorded, "dataset-by-id.json"),
        anonymous.get("datasets/ref_african_crops_kenya_02").json(),
    )
    assert list(ours) == list(theirs)
    assert ours["collections"] == theirs["collections"]
    for key in ("bbox", "creator_contact"):
        assert list(ours[key]) == list(theirs[key])


def test_collections_have_the_same_keys(recorded: Path, anonymous: httpx.Client) -> None:
    theirs, ours = read(recorded, "collections.json"), anonymous.get("collections").json()
    assert list(ours) == list(theirs)
    assert [link["rel"] for link in ours["links"]] == [link["rel"] for link in theirs["links"]]
    by_id = {entry["id"]: entry for entry in theirs["collections"]}
    for entry in ours["collections"]:
        if entry["id"] in by_id and "sci:doi" in by_id[entry["id"]] and "umd_mali" not in entry["id"]:
            theirs_keys = {key for key in by_id[entry["id"]] if ":" not in key or key.startswith("sci:")}
            assert set(entry) == theirs_keys - {
                "assets",
                "collection",
                "properties",
                "keywords",
                "summaries",
                "version",
            }
            assert [link["rel"] for link in entry["links"]] == [
                link["rel"] for link in by_id[entry["id"]]["links"]
            ]


def test_facts_of_collections_are_the_recorded_ones(recorded: Path, anonymous: httpx.Client) -> None:
    theirs = {entry["id"]: entry for entry in read(recorded, "collections.json")["collections"]}
    ours = {entry["id"]: entry for entry in anonymous.get("collections").json()["collections"]}
    shared = [cid for cid in ours.keys() & theirs.keys() if not cid.startswith(("umd_mali", "model"))]
    assert len(shared) >= 90
    for cid in shared:
        assert ours[cid]["license"] == theirs[cid]["license"]
        first, recorded_first = (d[cid]["extent"]["spatial"]["bbox"][0] for d in (ours, theirs))
        assert first == pytest.approx(recorded_first, abs=1e-5)


def test_item_pages_have_the_same_keys_and_links(recorded: Path, api: httpx.Client) -> None:
    theirs = read(recorded, "items/ref_african_crops_kenya_02_source/page-1.json")
    ours = api.get("collections/ref_african_crops_kenya_02_source/items", params={"limit": 10}).json()
    assert list(ours) == list(theirs)
    assert ours["context"] == theirs["context"]
    assert [(x["rel"], set(x)) for x in ours["links"]] == [(x["rel"], set(x)) for x in theirs["links"]]
    mine, yours = ours["features"][0], theirs["features"][0]
    assert list(mine) == list(yours)
    assert [link["rel"] for link in mine["links"]] == [link["rel"] for link in yours["links"]]
    assert set(yours["assets"]) <= set(mine["assets"])
    assert set(yours["properties"]) <= set(mine["properties"])


def test_items_of_the_kenyan_tiles_have_the_recorded_ids(recorded: Path, api: httpx.Client) -> None:
    pages = [read(recorded, f"items/ref_african_crops_kenya_02_source/page-{n}.json") for n in range(1, 7)]
    theirs = {feature["id"] for page in pages for feature in page["features"]}
    ours = api.get("collections/ref_african_crops_kenya_02_source/items", params={"limit": 100}).json()
    assert {feature["id"] for feature in ours["features"]} == theirs


def test_models_and_archive_info_have_the_same_keys(recorded: Path, api: httpx.Client) -> None:
    theirs, ours = read(recorded, "models.json")[0], api.get("models/model-cv4a-crop-detection-v1").json()
    assert list(ours) == list(theirs)
    assert {"title", "license", "datetime", "description"} <= set(ours["properties"])
    info = api.get("archive/bigearthnet_v1_labels/info").json()
    assert list(info) == list(read(recorded, "archive-info/bigearthnet_v1_labels.json"))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def runs(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[n : n + SHARED_WORDS]) for n in range(len(found) - SHARED_WORDS + 1)}


def prose(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("description", "sci:citation", "citation") and isinstance(value, str):
                yield value
            else:
                yield from prose(value)
    elif isinstance(document, list):
        for value in document:
            yield from prose(value)


def test_no_sentence_is_taken_from_the_recordings(recorded: Path, catalog: SampleCatalog) -> None:
    files = ("datasets.json", "collections.json", "models.json")
    documents = [read(recorded, name) for name in files]
    theirs = set().union(*(runs(text) for document in documents for text in prose(document)))
    titles = {d["title"] for d in documents[0]} | {m["properties"]["title"] for m in documents[2]}
    allowed = set().union(*(runs(title) for title in titles if title))
    ours = [entry.raw["description"] for entry in catalog.datasets.values()]
    ours += [entry.description for entry in catalog.collections.values()]
    ours += [entry.raw["properties"]["description"] for entry in catalog.models.values()]
    assert [text for text in ours if (runs(text) & theirs) - allowed] == []
