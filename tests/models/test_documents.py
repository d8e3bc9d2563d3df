"""Documents are shown whatever a server sends in their fields; only one without an id is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import NotValidSTAC, UnexpectedAnswer
from mlhub_tui.models import Asset, CatalogInfo, Collection, CollectionRef, Dataset, Item, MLModel
from mlhub_tui.models.document import Document
from mlhub_tui.text import clean

from .test_recorded import SHOWN, drawn

HOSTILE = "[/]\x1b]52;c;aGk=\x07\u202e\x00\r\n\ud800x"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
FIELDS = [
    "title",
    "description",
    "license",
    "sci:doi",
    "doi",
    "sci:citation",
    "citation",
    "providers",
    "links",
    "tags",
    "registry",
    "bbox",
    "collections",
    "creator_contact",
    "extent",
    "keywords",
    "summaries",
    "assets",
    "item_assets",
    "stac_extensions",
    "geometry",
    "collection",
    "ml-model:architecture",
    "datetime",
    "start_datetime",
    "end_datetime",
]
raws = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=9) | st.just(HOSTILE)},
    optional={
        **dict.fromkeys(FIELDS, values),
        "properties": st.dictionaries(st.sampled_from(FIELDS), values, max_size=5) | values,
    },
)


@pytest.mark.slow
@given(raws, st.sampled_from([Dataset, Collection, Item, MLModel]))
def test_whatever_is_in_the_fields_is_shown_safely(raw: dict[str, Any], kind: type[Document]) -> None:
    document = kind(raw)
    for owner, names in SHOWN.items():
        if isinstance(document, owner):
            for text in (text for name in names for text in drawn(getattr(document, name))):
                assert text == clean(text)
    assert str(document) == clean(str(document))
    assert repr(document) == clean(repr(document))


@given(raws)
def test_pystac_gives_a_view_or_a_reason_in_one_line(raw: dict[str, Any]) -> None:
    for document in (Collection(raw), Item(raw)):
        try:
            document.to_pystac()
        except NotValidSTAC as error:
            assert error.message.startswith("not valid STAC: ")
            assert "\n" not in error.message
            assert error.message == clean(error.message)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"properties": None}, "properties should be an object"),
        ({"assets": []}, "assets should be an object"),
        ({"assets": {"a": "x.tif"}}, "the entries of assets should be objects"),
        ({"assets": {"a": {}}}, "missing field 'href'"),
        ({"links": {"self": "x"}}, "links should be a list"),
    ],
)
def test_what_pystac_stumbles_over_is_said_in_words_of_stac(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"type": "Feature", "stac_version": "1.0.0", "id": "i", "geometry": None}
    given |= {"links": [], "assets": {}}
    with pytest.raises(NotValidSTAC, match=words):
        Item({**given, "properties": {"datetime": "2020-01-01T00:00:00Z"}, **change}).to_pystac()
    extent: dict[str, Any] = {"spatial": {"bbox": []}, "temporal": {"interval": []}}
    named = {"type": "Collection", "stac_version": "1.0.0", "id": "c", "description": "d", "license": "x"}
    with pytest.raises(NotValidSTAC, match="a list has fewer entries than it should have"):
        Collection({**named, "links": [], "extent": extent}).to_pystac()
    with pytest.raises(NotValidSTAC, match="missing field 'stac_version'"):
        Item({"type": "Feature", "id": "i"}).to_pystac()


@pytest.mark.parametrize("raw", [None, 1, "x", [], {}, {"id": None}, {"id": ""}, {"id": True}, {"id": ["x"]}])
def test_what_has_no_id_is_no_document(raw: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="without an id"):
        Dataset(raw)


@pytest.mark.parametrize(("given", "known"), [(7, "7"), (0, "0"), (-3, "-3"), (2020.0, "2020"), (1.5, "1.5")])
def test_a_number_is_an_id(given: float, known: str) -> None:
    item = Item({"id": given, "collection": given})
    assert (item.id, item.label, item.collection_id) == (known, known, known)
    assert item.raw["id"] == given


def test_documents_are_values() -> None:
    assert Dataset({"id": "a", "tags": []}) == Dataset({"id": "a", "tags": []})
    as_collection: Document = Collection({"id": "a"})
    assert as_collection != Dataset({"id": "a"})
    assert len({Dataset({"id": "a", "tags": []}), Dataset({"id": "a", "tags": []})}) == 1
    assert repr(Collection({"id": "a"})) == "Collection('a')"
    assert str(Dataset({"id": "a", "title": "A title"})) == "a: A title"


def test_a_collection_of_both_types_is_in_both_and_once_in_the_list() -> None:
    entries = [
        {"id": "both", "types": ["source_imagery"]},
        {"id": "both", "types": ["labels"], "license": "MIT"},
        {"id": "labels", "types": ["labels"]},
        {"id": "odd", "types": None},
        {"id": None},
        None,
    ]
    collections = Dataset({"id": "d", "collections": entries}).collections
    assert [ref.id for ref in collections] == ["both", "labels", "odd"]
    assert [ref.id for ref in collections.source_imagery] == ["both"]
    assert [ref.id for ref in collections.labels] == ["both", "labels"]
    assert [ref.id for ref in collections.other] == ["odd"]
    assert collections[0] == CollectionRef("both", ("source_imagery", "labels"), "MIT")
    assert len(collections[:2]) == 2


def test_a_doi_is_shown_without_its_resolver() -> None:
    for doi in ("10.1/x", "https://doi.org/10.1/x", "http://doi.org/10.1/x", "doi:10.1/x"):
        assert Collection({"id": "c", "sci:doi": doi}).doi == "10.1/x"
    assert Collection({"id": "c", "sci:doi": "10.1/x"}).registry_url == "https://mlhub.earth/10.1/x"
    assert Collection({"id": "c"}).registry_url is None


def test_the_time_of_an_item_is_a_moment_or_a_range() -> None:
    moment = Item({"id": "i", "properties": {"datetime": "2020-01-02T03:04:05Z"}})
    assert str(moment.interval) == "2020-01-02"
    span = Item(
        {"id": "i", "properties": {"datetime": None, "start_datetime": "2020-01-02", "end_datetime": None}}
    )
    assert str(span.interval) == "2020-01-02 to open"
    assert str(Item({"id": "i"}).interval) == "no dates given"


def test_assets_are_read_from_what_is_there() -> None:
    assets = Asset.parse_all(
        {"B[/]\x1b": {"href": 7, "file:size": -1, "roles": "data", "eo:bands": [{"name": "B"}, 3]}, "x": None}
    )
    assert [(a.label, a.href, a.size, a.roles, len(a.bands)) for a in assets] == [
        ("B[/]", "", None, ("data",), 1)
    ]


def test_assets_in_a_list_are_named_by_what_they_call_themselves() -> None:
    entries = [
        {"href": "a.tif", "title": "Red"},
        {"href": "b.tif", "name": "Red"},
        {"href": "c.tif"},
        None,
        "d.tif",
    ]
    assets = Item({"id": "i", "assets": entries}).assets
    assert [(asset.key, asset.href) for asset in assets] == [
        ("Red", "a.tif"),
        ("Red-1", "b.tif"),
        ("2", "c.tif"),
    ]
    assert not Item({"id": "i", "assets": "x.tif"}).assets


def test_links_in_an_object_have_the_relations_that_it_names() -> None:
    links = {
        "self": {"rel": "self", "href": "i.json"},
        "parent": "c.json",
        "item": [{"href": "1.json"}, 2],
        "x": None,
    }
    assert [(link["rel"], link["href"]) for link in Item({"id": "i", "links": links}).links] == [
        ("self", "i.json"),
        ("parent", "c.json"),
        ("item", "1.json"),
    ]


@given(values)
def test_sizes_are_whole_bytes_or_unknown(value: object) -> None:
    info = CatalogInfo.parse({"stac_catalog_size": value})
    assert info.stac_catalog_size is None or info.stac_catalog_size >= 0
    CatalogInfo.parse(value)
