"""Attribution: own licence, citation, DOI and providers, else those of the nearest above."""

from __future__ import annotations

from typing import Any

import pytest

from mlhub_tui.metadata.citation import attribution, bibtex, text_citation, words_of
from mlhub_tui.models import Collection, Dataset, Document, Item

CITED = {"sci:citation": "Rao, K. (2020) Maize. Zenodo.", "sci:doi": "10.1/maize"}
PROVIDERS = {"providers": [{"name": "Fields Inc", "roles": ["producer"]}]}


def item(**properties: Any) -> Item:
    return Item({"id": "tile", "collection": "c", "properties": properties})


def collection(**fields: Any) -> Collection:
    return Collection({"id": "c", "title": "Tiles", **fields})


def dataset(license: str = "", **fields: Any) -> Dataset:
    refs = [{"id": "other", "license": "MIT"}, {"id": "c", "license": license}]
    return Dataset({"id": "d", "title": "Maize", "collections": refs, **fields})


def test_an_item_has_what_its_collection_and_dataset_state() -> None:
    above = [collection(**PROVIDERS), dataset("CC-BY-4.0", citation="Rao (2020)", doi="10.1/maize")]
    stated = attribution(item(), above)
    assert (stated.doi, stated.licence_names) == ("10.1/maize", ["CC-BY-4.0"])
    assert [provider.name for provider in stated.providers] == ["Fields Inc"]
    assert text_citation(item(), above) == "Rao (2020)"
    assert bibtex(item(), above).startswith("@dataset{d,")
    assert words_of([stated, stated]) == ("CC-BY-4.0", "Rao (2020)")


def test_what_an_item_states_itself_counts_before_the_rest() -> None:
    own = item(license="CC0-1.0", **{"sci:citation": "Own (2022)."})
    stated = attribution(own, [collection(license="MIT", **CITED)])
    assert stated.licence_names == ["CC0-1.0"]
    assert text_citation(own, [collection(**CITED)]) == "Own (2022)."


@pytest.mark.parametrize(
    ("document", "above", "cited"),
    [
        (collection(**{"sci:doi": "10.1/maize"}), [dataset(citation="Rao", doi="10.1/maize")], "d"),
        (collection(**{"sci:doi": "10.1/other"}), [dataset(citation="Rao", doi="10.1/maize")], "c"),
        (collection(), [dataset(doi="10.1/maize")], "d"),
        (item(), [collection(**PROVIDERS)], "c"),
        (item(), [collection()], "tile"),
        (item(), [], "tile"),
    ],
)
def test_the_nearest_publication_is_cited(document: Document, above: list[Document], cited: str) -> None:
    assert attribution(document, above).cited.id == cited
