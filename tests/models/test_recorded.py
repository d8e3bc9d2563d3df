"""Every recorded document loads, and all that is drawn of it is text that is safe to draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.models import ArchiveInfo, Collection, Dataset, Item, MLModel
from mlhub_tui.models.document import Document
from mlhub_tui.text import clean, one_line


def loaded(path: Path) -> Any:
    """Return the JSON of a recorded answer."""
    return json.loads(path.read_bytes())


def documents(recorded: Path) -> list[Document]:
    """Return every recorded document as its model."""
    pages = [loaded(page) for page in sorted((recorded / "items").rglob("page-*.json"))]
    return [
        *(Dataset(raw) for raw in loaded(recorded / "datasets.json")),
        Dataset(loaded(recorded / "dataset-by-id.json")),
        Dataset(loaded(recorded / "dataset-by-doi.json")),
        *(Collection(raw) for raw in loaded(recorded / "collections.json")["collections"]),
        *(Item(raw) for page in pages for raw in page["features"]),
        *(MLModel(raw) for raw in loaded(recorded / "models.json")),
    ]


def drawn(value: object) -> list[str]:
    """Return every string that a property shows, however deep."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple | list):
        return [text for entry in value for text in drawn(entry)]
    return [] if value is None else [str(value)]


SHOWN = {
    Document: ("label", "title", "description", "license", "doi", "citation", "providers"),
    Dataset: ("tags", "registry_url", "bbox", "creator", "contact", "collections"),
    Collection: ("extent", "keywords", "extensions", "registry_url"),
    Item: ("bbox", "interval"),
    MLModel: ("architecture", "prediction_type"),
}


def test_all_recorded_documents_load(recorded: Path) -> None:
    kinds = [type(document) for document in documents(recorded)]
    assert [kinds.count(kind) for kind in (Dataset, Collection, Item, MLModel)] == [33, 103, 52, 2]


def test_all_that_is_shown_of_them_is_safe(recorded: Path) -> None:
    for document in documents(recorded):
        for kind, names in SHOWN.items():
            if isinstance(document, kind):
                for text in (text for name in names for text in drawn(getattr(document, name))):
                    assert text == clean(text)
        assert document.title
        assert document.title == one_line(document.title)


def test_what_has_no_title_is_called_by_its_id(recorded: Path) -> None:
    untitled = [d for d in documents(recorded) if isinstance(d, Collection) and not d.raw.get("title")]
    assert len(untitled) == 51
    assert all(collection.title == collection.id for collection in untitled)


def test_repeated_providers_are_shown_once(recorded: Path) -> None:
    edge = next(d for d in documents(recorded) if d.id == "sample_in_edge_labels")
    assert [provider.name for provider in edge.providers] == [
        "Radiant Earth Foundation",
        "Technische Universität Berlin",
    ]
    assert edge.providers[1].roles == ("licensor", "processor")


def test_each_collection_of_a_dataset_is_listed_once(recorded: Path) -> None:
    for raw in loaded(recorded / "datasets.json"):
        listed = [ref.id for ref in Dataset(raw).collections]
        assert sorted(listed) == sorted({entry["id"] for entry in raw["collections"]})


def test_the_guarded_pystac_view_never_fails_otherwise(recorded: Path) -> None:
    before = (recorded / "collections.json").read_bytes()
    for document in documents(recorded):
        if isinstance(document, Collection | Item):
            raw = json.dumps(document.raw)
            assert document.to_pystac().id == document.id
            assert json.dumps(document.raw) == raw
    assert (recorded / "collections.json").read_bytes() == before


def test_the_size_of_an_archive_is_read(recorded: Path) -> None:
    info = ArchiveInfo.parse(loaded(recorded / "archive-info" / "bigearthnet_v1_labels.json"))
    assert info == ArchiveInfo("bigearthnet_v1_labels", "bigearthnet_v1", 169265765, ("labels",))


@pytest.mark.parametrize("name", ["datasets", "collections"])
def test_every_dataset_and_collection_says_where_it_is(recorded: Path, name: str) -> None:
    kind = Dataset if name == "datasets" else Collection
    for document in (d for d in documents(recorded) if type(d) is kind):
        if isinstance(document, Collection):
            assert document.extent.bboxes
            assert document.extent.intervals
        elif isinstance(document, Dataset) and document.raw["bbox"] is not None:
            assert document.bbox is not None
