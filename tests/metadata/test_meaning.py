"""Licences, extensions, bands and labels, as documents have them and as they should not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.metadata.blocks import GridBlock
from mlhub_tui.metadata.citation import bibtex
from mlhub_tui.metadata.detail import document_detail
from mlhub_tui.metadata.extensions import ABOUT, bands, explained, label_classes
from mlhub_tui.metadata.licences import known, licences
from mlhub_tui.models import Collection, Dataset, Item

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "identity", "name", "requires"),
    [
        ("CC-BY-4.0", "CC-BY-4.0", "Creative Commons Attribution 4.0 International", "credit the source"),
        (
            "cc by-nc-nd 4.0",
            "CC-BY-NC-ND-4.0",
            "Attribution-NonCommercial-NoDerivatives 4.0",
            "not for commerce",
        ),
        ("CC-BY-SA-3.0", "CC-BY-SA-3.0", "Attribution-ShareAlike 3.0 Unported", "under the same licence"),
        ("CC-BY-3.0-IGO", "CC-BY-3.0-IGO", "Attribution 3.0 IGO", "credit"),
        ("CC0-1.0", "CC0-1.0", "Creative Commons Zero", "nothing"),
        ("cdla-permissive-1.0", "CDLA-Permissive-1.0", "Community Data License Agreement", "keep"),
        ("PDDL", "PDDL-1.0", "Public Domain Dedication", "nothing"),
        ("Open Database License (ODbL)", "ODbL-1.0", "Open Database License 1.0", "share databases"),
        ("MIT", "MIT", "MIT License", "keep licence"),
        ("Apache-2.0", "Apache-2.0", "Apache License 2.0", "keep licence"),
        ("proprietary", "proprietary", "no licence with a standard name", "provider's terms"),
        ("various", "various", "several", "part you use"),
        ("other", "other", "without a standard name", "its text"),
    ],
)
def test_licences_are_spelt_out_however_they_are_written(
    text: str, identity: str, name: str, requires: str
) -> None:
    licence = known(text)
    assert licence is not None
    assert licence.id == identity
    assert name in licence.name
    assert requires in licence.requires


def test_what_is_no_known_licence_is_named_as_it_is_and_promises_nothing() -> None:
    for text in ("Public Domain with Attribution", "CC-BY-9.9", "My License", ""):
        assert known(text) is None
    (licence,) = licences(Collection({"id": "a", "license": "My License"}))
    assert (licence.id, licence.name, licence.requires, licence.url) == ("My License", "", "", "")


def test_the_link_of_a_document_goes_before_the_address_that_is_known() -> None:
    link = {"rel": "license", "href": "https://x.example/terms", "title": "CC BY 4.0"}
    (licence,) = licences(Collection({"id": "a", "license": "CC-BY-4.0", "links": [link]}))
    assert (licence.id, licence.url) == ("CC-BY-4.0", "https://x.example/terms")


def test_links_to_licences_are_kept_apart_from_those_named() -> None:
    links = [
        {"rel": "license", "href": "https://x.example/terms", "title": "Terms"},
        {"rel": "license", "href": "javascript:alert(1)", "title": "Bad"},
        {"rel": "license", "href": "https://x.example/?key=secret-key-1"},
        {"rel": "license"},
    ]
    found = licences(Collection({"id": "a", "license": "proprietary", "links": links}))
    assert [(licence.id, licence.url) for licence in found] == [
        ("proprietary", ""),
        ("Terms", "https://x.example/terms"),
    ]


def test_no_number_of_links_takes_long() -> None:
    links = [{"rel": "license", "href": f"https://x.example/{n}", "title": f"T {n}"} for n in range(50_000)]
    assert len(licences(Collection({"id": "a", "license": "MIT", "links": links}))) == 12


def test_of_an_expression_each_licence_is_named() -> None:
    found = licences(Collection({"id": "a", "license": "(CC-BY-4.0 OR MIT) AND Apache-2.0"}))
    assert [licence.id for licence in found] == ["CC-BY-4.0", "MIT", "Apache-2.0"]


def test_of_a_dataset_the_licences_are_those_of_its_collections() -> None:
    refs = [
        {"id": "a", "license": "[CC-BY-4.0](https://creativecommons.org/licenses/by/4.0/)"},
        {"id": "b", "license": "[House rules](https://x.example/rules)"},
        {"id": "c", "license": "CC-BY-4.0"},
    ]
    found = licences(Dataset({"id": "d", "collections": refs}))
    assert [(licence.id, licence.url) for licence in found] == [
        ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("House rules", "https://x.example/rules"),
    ]


def test_extensions_are_named_with_their_version_and_what_they_add() -> None:
    found = explained(
        (
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/nobody-knows/v2.0.0-beta.1/schema.json",
            "https://landsat.usgs.gov/stac/landsat-extension/v1.1.1/schema.json",
            "https://schemas.stacspec.org/v1.0.0-beta.2/extensions/sar/json-schema/schema.json",
            "item-assets",
            "sci",
            "house-rules",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
        )
    )
    assert [(e.name, e.version, e.known) for e in found] == [
        ("eo", "1.1.0", True),
        ("nobody-knows", "2.0.0-beta.1", False),
        ("landsat-extension", "1.1.1", False),
        ("sar", "1.0.0-beta.2", True),
        ("item-assets", "", True),
        ("scientific", "", True),
        ("house-rules", "", False),
    ]
    assert found[0].about == ABOUT["eo"]
    assert found[2].about == "of landsat.usgs.gov"


@pytest.mark.parametrize(
    ("media_type", "word"),
    [
        ("image/tiff; application=geotiff; profile=cloud-optimized", "COG"),
        ("image/tiff; application=geotiff", "GeoTIFF"),
        ("application/vnd.laszip+copc", "LASZIP+COPC"),
        ("application/geo+json", "GeoJSON"),
        ("", ""),
    ],
)
def test_the_media_type_of_an_asset_is_a_word(media_type: str, word: str) -> None:
    item = Item({"id": "1", "assets": {"a": {"href": "https://x.test/a", "type": media_type}}})
    (table,) = (block for block in document_detail(item) if isinstance(block, GridBlock))
    assert table.rows == (("a", word, "", ""),)


def test_an_extension_of_another_host_is_not_taken_for_that_of_the_same_name() -> None:
    (extension,) = explained(("https://evil.example/eo/v1.0.0/schema.json",))
    assert (extension.name, extension.known, extension.about) == ("eo", False, "of evil.example")


def test_what_is_said_of_an_extension_fits_a_line() -> None:
    assert all(len(about) <= 76 and about[-1] != "." for about in ABOUT.values())


@given(st.lists(st.text(max_size=40)))
def test_any_extension_has_a_name(declared: list[str]) -> None:
    for entry in explained(tuple(f"https://{text}" for text in declared)):
        assert entry.about or not entry.known


def test_bands_are_merged_from_summaries_and_files() -> None:
    collection = Collection(
        {
            "id": "c",
            "summaries": {"eo:bands": [{"name": "B04", "common_name": "red", "center_wavelength": 0.665}]},
            "item_assets": {
                "visual": {
                    "eo:bands": [{"name": "B04"}, {"name": "B03", "common_name": "green"}],
                    "raster:bands": [{"data_type": "uint8"}, {"data_type": "uint8", "nodata": 0}],
                },
                "B04": {
                    "gsd": 10.0,
                    "eo:bands": [{"name": "B04", "description": "red light"}],
                    "raster:bands": [{"data_type": "uint16", "nodata": 0, "spatial_resolution": 20}],
                },
                "dem": {"raster:bands": [{"data_type": "float32", "nodata": "nan"}]},
                "pair": {"raster:bands": [{"data_type": "int8"}, {"unit": "m"}]},
            },
        }
    )
    found = {band.name: band for band in bands(collection)}
    assert list(found) == ["B04", "dem", "B03", "pair 1", "pair 2"]
    red = found["B04"]
    assert (red.common, red.wavelength, red.gsd, red.dtype, red.nodata) == (
        "red",
        "0.665",
        "20",
        "uint16",
        "0",
    )
    assert red.about == "red light"
    assert (found["B03"].common, found["B03"].dtype, found["B03"].nodata) == ("green", "uint8", "0")
    assert found["dem"].nodata == "nan"


def test_bands_of_stac_1_1_are_the_same_ones() -> None:
    band = {
        "name": "B8",
        "eo:common_name": "nir",
        "eo:center_wavelength": 0.84,
        "data_type": "uint16",
        "nodata": 0,
    }
    item = Item({"id": "i", "assets": {"a": {"bands": [band], "gsd": 30, "raster:spatial_resolution": 15}}})
    (found,) = bands(item)
    assert (found.name, found.common, found.wavelength, found.gsd) == ("B8", "nir", "0.84", "30")
    assert (found.dtype, found.nodata) == ("uint16", "0")


@given(anything, anything, anything)
def test_whatever_is_in_the_place_of_bands_and_labels_is_survived(one: Any, two: Any, three: Any) -> None:
    fields = {"bands": one, "eo:bands": two, "raster:bands": three}
    bands(Collection({"id": "c", "summaries": fields, "item_assets": {"a": fields, "b": one}, "assets": two}))
    bands(Item({"id": "i", "properties": fields, "assets": {"a": fields}}))
    rows = label_classes({"label:classes": one, "label:overviews": two, "classification:classes": three})
    assert all(isinstance(row.name, str) for row in rows)
    licences(Collection({"id": "c", "license": one, "links": two}))
    bibtex(Collection({"id": "c", "title": one, "providers": two, "links": [{"rel": three, "href": one}]}))


def test_no_number_of_bands_is_too_large() -> None:
    many = [{"name": f"B{n}"} for n in range(50_000)]
    assert len(bands(Item({"id": "i", "properties": {"eo:bands": many}}))) == 400


def test_classes_have_their_counts() -> None:
    rows = label_classes(
        {
            "label:classes": [{"name": "crop", "classes": ["maize", "rice", 3]}],
            "label:overviews": [
                {
                    "property_key": "crop",
                    "counts": [{"name": "maize", "count": 12}, {"name": "wheat", "count": 2}],
                }
            ],
            "classification:classes": [{"value": 1, "name": "cloud"}, {"value": 2, "description": "Water"}],
        }
    )
    assert [(row.of, row.name, row.count, row.value) for row in rows] == [
        ("crop", "maize", 12, ""),
        ("crop", "rice", None, ""),
        ("crop", "3", None, ""),
        ("crop", "wheat", 2, ""),
        ("", "cloud", None, "1"),
        ("", "Water", None, "2"),
    ]


def documents(folder: Path) -> Iterator[Collection | Item]:
    """Yield all collections and items that were recorded."""
    for file in sorted(folder.rglob("*.json")):
        found = json.loads(file.read_text())
        parts = found if isinstance(found, list) else [found]
        for part in parts:
            if isinstance(part, dict):
                yield from (Collection(c) for c in part.get("collections") or [] if "stac_version" in c)
                yield from (Item(f) for f in part.get("features") or [] if isinstance(f.get("id"), str))


def test_recorded_documents_of_stac_services_are_understood(stac_recorded: Path) -> None:
    seen = 0
    for document in documents(stac_recorded):
        named = licences(document)
        assert all(licence.id for licence in named)
        seen += bool(named) + len(bands(document)) + len(explained(document.lines("stac_extensions")))
    assert seen > 500


def test_every_licence_of_the_recorded_collections_that_has_a_standard_name_is_known(recorded: Path) -> None:
    unknown = {
        licence.id
        for document in documents(recorded)
        if isinstance(document, Collection)
        for licence in licences(document)
        if not licence.name
    }
    assert unknown == {"Source Collection License", "Label Collection License"}
