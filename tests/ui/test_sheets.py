"""Sheets of documents: what they say of recorded, sample and hostile ones, at the widths of real screens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.content import Content

from mlhub_tui.metadata.blocks import Block, Prose
from mlhub_tui.metadata.detail import document_detail, value_words
from mlhub_tui.models import Catalog, Collection, Dataset, Document, Item, MLModel
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.screens import browse as browse_screen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.widgets.detail_view import DetailView, MarkdownCache, typeset
from mlhub_tui.ui.widgets.detail_view import lines as markdown_lines

from .conftest import Driver, Stage, driven
from .hostile import collection, dataset, item, models, nasty
from .safety import unsafe
from .scenes import browse
from .scenes import collection as collection_scene
from .test_browse import finding


class AtOnce(MarkdownCache):
    """Markdown that is set as it is asked for."""

    def get(self, text: str, width: int) -> list[Content]:
        """Return the lines of a text."""
        return markdown_lines(text, width)


def lines(document: Document, width: int = 78) -> list[str]:
    """Return the lines of a document's sheet."""
    return set_lines(document_detail(document), width)


def set_lines(blocks: list[Block], width: int) -> list[str]:
    """Return the lines of blocks."""
    return typeset(blocks, width, AtOnce()).plain.split("\n")


def section(shown: list[str], heading: str) -> list[str]:
    """Return what stands under a heading."""
    start = shown.index(heading) + 1
    return shown[start : shown.index("", start) if "" in shown[start:] else len(shown)]


SENTINEL = {
    "id": "s2",
    "type": "Collection",
    "stac_version": "1.0.0",
    "description": "# Sentinel\n\nReads **well**, see [site](https://x.example).",
    "license": "CC-BY-SA-4.0",
    "stac_extensions": [
        "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
        "https://x.example/house/v2.0/schema.json",
    ],
    "sci:doi": "10.1/abc",
    "providers": [
        {"name": "Agency", "roles": ["producer", "licensor"], "url": "https://agency.example"},
        {"name": "Host", "roles": ["host"]},
    ],
    "extent": {
        "spatial": {"bbox": [[34.0, -4.0, 41.0, 4.0]]},
        "temporal": {"interval": [["2018-04-01T00:00:00Z", "2020-03-31T00:00:00Z"]]},
    },
    "summaries": {
        "gsd": [10, 20],
        "eo:cloud_cover": {"minimum": 0, "maximum": 80.5},
        "eo:bands": [{"name": "B04", "common_name": "red", "center_wavelength": 0.665}],
        "label:classes": [{"name": "crop", "classes": ["maize", "rice"]}],
        "label:overviews": [{"property_key": "crop", "counts": [{"name": "maize", "count": 12_345}]}],
    },
    "item_assets": {
        "B04": {"gsd": 10, "eo:bands": [{"name": "B04"}], "raster:bands": [{"data_type": "uint16"}]}
    },
    "sci:publications": [{"citation": "Rao &amp; Berg (2020)", "doi": "10.1/x"}],
    "links": [
        {"rel": "self", "href": "https://x.example/c"},
        {"rel": "license", "href": "https://x.example/terms", "title": "The terms"},
        {"rel": "about", "href": "https://x.example/about", "title": "A page"},
        {"rel": "http://www.opengis.net/def/rel/ogc/1.0/queryables", "href": "https://x.example/q"},
        {"rel": "http://x.example/rel/map", "href": "https://x.example/map"},
        {"rel": "about", "href": "javascript:alert(1)", "title": "A trap"},
    ],
}


def test_a_collection_reads_like_a_good_readme() -> None:
    shown = lines(Collection(SENTINEL))
    assert section(shown, "Description")[0] == "Sentinel"
    assert "Reads well, see site (https://x.example)." in shown
    assert any(
        line.startswith("Where") and "Kenya" in line and "Apr 2018 to Mar 2020" in line for line in shown
    )
    assert any(line.startswith("Licence    CC-BY-SA-4.0, The terms") for line in shown)
    assert section(shown, "Licence") == [
        "CC-BY-SA-4.0: Creative Commons Attribution-ShareAlike 4.0 International",
        "requires   credit the source; share what you make of it under the same licence",
        "text       https://creativecommons.org/licenses/by-sa/4.0/",
        "The terms",
        "text       https://x.example/terms",
    ]
    assert section(shown, "Citation")[0] == "Agency. s2. Host. https://doi.org/10.1/abc"
    assert section(shown, "Providers") == [
        "Agency (producer, licensor)  https://agency.example",
        "Host (host)",
    ]
    assert section(shown, "Publications") == ["Rao & Berg (2020) 10.1/x"]
    assert section(shown, "Bands") == [
        "Band  Colour  µm     GSD m  Type",
        "B04   red     0.665  10     uint16",
    ]
    assert section(shown, "Classes") == [
        "Class  Count   Property",
        "maize  12,345  crop",
        "rice           crop",
    ]
    assert section(shown, "Summaries") == ["gsd            10, 20", "eo:cloud_cover 0 to 80.5"]
    assert section(shown, "STAC extensions") == [
        "eo         bands, their wavelengths, and cloud cover of optical imagery",
        "           (1.1.0)",
        "house      of x.example (2.0)",
    ]
    assert section(shown, "Links") == [
        "about      A page https://x.example/about",
        "map        https://x.example/map",
    ]
    assert "alert" not in "\n".join(shown)


def test_bands_lose_columns_before_they_lose_their_names() -> None:
    narrow = lines(Collection(SENTINEL), 24)
    assert section(narrow, "Bands") == ["Band  Colour  µm", "B04   red     0.665"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"minimum": 1, "maximum": 5}, "1 to 5"),
        ({"minimum": "2018", "maximum": "2018"}, "2018"),
        ([1, 2.50, "x"], "1, 2.5, x"),
        ([{"name": "a"}, {"name": "b"}], "a, b"),
        ({"type": "Polygon", "coordinates": [[1, 2]]}, "a Polygon, in the JSON"),
        ({"a": 1, "b": "x"}, "a 1, b x"),
        (True, "yes"),
        (0.1 + 0.2, "0.3"),
        ({"a": [1]}, '{"a": [1]}'),
        ([None] * 1_000, "1,000 entries, in the JSON"),
    ],
)
def test_values_are_told_in_few_words(value: object, words: str) -> None:
    assert value_words(value) == words


def test_a_number_of_too_many_digits_is_left_out() -> None:
    assert value_words(10**5_000) == "…"
    assert value_words({"a": 10**5_000}) == "a …"


def recorded_documents(folder: Path) -> Iterator[Document]:
    """Yield all documents that were recorded."""
    for file in sorted(folder.rglob("*.json")):
        found = json.loads(file.read_text())
        for part in found if isinstance(found, list) else [found]:
            if not isinstance(part, dict):
                continue
            if "collections" in part and "tags" in part:
                yield Dataset(part)
            elif part.get("type") == "Feature" and isinstance(part.get("id"), str):
                yield MLModel(part)
            elif part.get("type") == "Catalog" and isinstance(part.get("id"), str):
                yield Catalog(part)
            elif "stac_version" in part and "extent" in part:
                yield Collection(part)
            yield from (Collection(c) for c in part.get("collections") or [] if "stac_version" in c)
            yield from (Item(f) for f in part.get("features") or [] if isinstance(f.get("id"), str))


@pytest.mark.slow
def test_every_recorded_dataset_collection_model_and_item_is_drawn(recorded: Path) -> None:
    drawn = draw_all(recorded_documents(recorded))
    assert drawn >= 180


@pytest.mark.slow
def test_every_recorded_document_of_stac_services_is_drawn(stac_recorded: Path) -> None:
    drawn = draw_all(recorded_documents(stac_recorded))
    assert drawn >= 150


def draw_all(documents: Iterator[Document]) -> int:
    """Draw documents at three widths, and return how many there were."""
    drawn = 0
    for document in documents:
        drawn += 1
        for width in (36, 78):
            shown = lines(document, width)
            assert not unsafe("".join(shown))
            assert len(shown) < 3_000
            assert not any("Traceback" in line or line.endswith("None") for line in shown[:3])
    return drawn


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 10, 36, 78])
def test_hostile_documents_are_drawn_as_text(width: int) -> None:
    began = time.thread_time()
    documents = [
        Collection(collection("c")),
        Item(item("i")),
        Dataset(dataset("d", [{"id": "x", "license": nasty("l")}])),
        MLModel(models()[2]),
        Catalog({**collection("k"), "type": "Catalog"}),
    ]
    for document in documents:
        shown = "".join(lines(document, width))
        assert not unsafe(shown)
        assert "stolen-key" not in shown
    assert time.thread_time() - began < 10, "a fraction of a second of CPU"


async def test_a_description_is_set_as_markdown_and_a_licence_spelt_out_in_the_app(
    options: AppOptions,
) -> None:
    async with driven(options, (80, 50)) as driver:
        await collection_scene(driver)
        await driver.until(
            "Creative Commons Attribution-ShareAlike 4.0 International", "requires", "STAC extensions"
        )


async def test_bibtex_and_citation_are_copied_in_browse_and_on_the_document(options: AppOptions) -> None:
    async with driven(options, (100, 40)) as driver:
        await browse(driver)
        await driver.until("Sentinel-2 surface reflectance")  # its dataset has the same DOI
        await driver.press("B")
        await driver.until(
            lambda: driver.app.clipboard.startswith("@dataset{ref_african_crops_kenya_02_source,\n")
        )
        await driver.press("Y")
        await driver.until(lambda: driver.app.clipboard.startswith("Radiant Earth Foundation (2020)"))
        await driver.press("enter", then=(DocumentScreen, "Licence"))
        await driver.press("B", then=lambda: driver.app.clipboard.startswith("@dataset{"))


async def test_what_is_not_loaded_yet_is_loaded_before_it_is_cited(
    options: AppOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse_screen, "DETAIL_DELAY", 60)
    async with finding(options, "kenya_02_s", size=(100, 40)) as driver:
        await driver.press("B")
        await driver.until(
            lambda: driver.app.clipboard.startswith("@dataset{ref_african_crops_kenya_02_source,\n")
        )


async def test_a_collection_without_a_citation_is_cited_as_its_dataset(options: AppOptions) -> None:
    async with finding(options, "bigearthnet_v1_l", size=(100, 40), then="Licence") as driver:
        await driver.press("B", then=lambda: driver.app.clipboard.startswith("@dataset{bigearthnet_v1"))


@pytest.mark.slow
async def test_a_long_description_is_read_while_keys_are_answered(options: AppOptions) -> None:
    class Shown(Stage):
        def compose(self) -> ComposeResult:
            yield DetailView()

    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        driver = Driver(app, pilot)  # type: ignore[arg-type]  # it needs no more than a screen
        app.query_one(DetailView).show([Prose("# Head\n\n" + "*word* " * 3_000), Prose("**below**")])
        await driver.until("Head", "word word")
        await driver.press("G", then="below")
