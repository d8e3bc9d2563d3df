"""What a filter finds: words in any field, what comes near them, facets; said and marked where it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import Collection, Dataset, Entry, EntryKind
from mlhub_tui.ui.catalog.labels import LONGEST, LabelPiece, MatchHighlighter
from mlhub_tui.ui.catalog.matching import (
    PLACE,
    Facet,
    day_of,
    facet_counts,
    facet_text,
    fields,
    fuzzy_match,
    in_order,
    parse,
    parts,
    pieces_allowed,
    search_text,
    toggled,
    with_lines,
)

DATASET = Entry.of(
    Dataset(
        {
            "id": "ref_crops_02",
            "title": "Kenya Crop Type",
            "doi": "https://doi.org/10.34911/rdnt.DW605X",
            "tags": ["crop type", "Segmentation"],
            "date_modified": "2021-05-04T01:02:03Z",
            "collections": [
                {"id": "crops_02_labels", "types": ["labels"], "license": "[CC-BY-4.0](https://x.example)"},
                {"id": "crops_02_source", "types": ["source_imagery"], "license": "CC-BY-4.0"},
            ],
        }
    )
)
LETTERS = st.text("abcde_ 01", max_size=24)


def shown(text: str, found: tuple[int, ...]) -> str:
    """Return a text with what was found in capitals."""
    return "".join(letter.upper() if at in found else letter for at, letter in enumerate(text))


def test_every_field_is_looked_at_and_has_its_name() -> None:
    assert fields(search_text(DATASET)) == [
        ("id", "ref_crops_02"),
        ("title", "kenya crop type"),
        ("doi", "10.34911/rdnt.dw605x"),
        ("tag", "crop type"),
        ("tag", "segmentation"),
        ("collection", "crops_02_labels"),
        ("collection", "crops_02_source"),
    ]
    assert "crops_02_source" in parts(search_text(DATASET))
    assert "kenya" not in parts(search_text(DATASET))


def test_keywords_of_a_collection_are_looked_at_and_an_item_costs_its_id() -> None:
    raw = {"id": "c", "type": "Collection", "keywords": ["Water"], "license": "CC0-1.0"}
    extent = {"temporal": {"interval": [["2018-01-01T00:00:00Z", "2020-02-03T00:00:00Z"]]}}
    collection = Entry.of(Collection({**raw, "extent": extent}))
    assert ("keyword", "water") in fields(search_text(collection))
    assert day_of(facet_text(collection)) == "2020-02-03"
    assert parse("tag=water licence=cc0-1.0").fits(facet_text(collection))
    item = Entry(EntryKind.ITEM, "scene-1", "scene-1")
    assert search_text(item) is item.id
    assert facet_text(item) == ""


def test_an_id_cannot_pass_for_another_field() -> None:
    entry = Entry(EntryKind.COLLECTION, "a\n\x03tag\x1b]52;", "t")
    assert fields(search_text(entry)) == [("id", "a tag]52;"), ("title", "t")]


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        ("knya", "crops_kenya_02", "crops_KeNYA_02"),
        ("kencrop", "kenya crop type", "KENya CROP type"),
        ("bigeanet", "bigearthnet_v1", "BIGEArthNET_v1"),
        ("segmntation", "segmentation", "SEGMeNTATION"),
        ("spcnet7", "spacenet7", "SPaCeNET7"),
    ],
)
def test_what_comes_near_is_found_in_few_pieces(term: str, text: str, expected: str) -> None:
    found = fuzzy_match(term, text)
    assert found is not None
    assert shown(text, found.at) == expected


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("ky", "kenya"),  # two letters are in almost anything
        ("ack", "african_crops_kenya"),  # initials: too many pieces for three letters
        ("enya", "kenya"),  # does not begin with a word
        ("cropken", "kenya crop"),  # another order
        ("c0002", "c00002"),  # numbers are not taken apart
        ("water", "what are the trees here"),
    ],
)
def test_noise_is_not_near(term: str, text: str) -> None:
    assert fuzzy_match(term, text) is None


@given(st.text("abcde01", min_size=1, max_size=8), LETTERS)
def test_what_is_near_holds_all_letters_in_order_in_few_pieces(term: str, text: str) -> None:
    found = fuzzy_match(term, text)
    if found is None:
        return
    assert "".join(text[at] for at in found.at) == term
    assert list(found.at) == sorted(set(found.at))
    jumps = sum(after != before + 1 for before, after in zip(found.at, found.at[1:], strict=False))
    assert jumps + 1 <= found.pieces <= pieces_allowed(term)
    assert in_order(term, text)


@given(LETTERS, st.integers(3, 12))
def test_a_word_that_is_there_is_near_in_one_piece(text: str, length: int) -> None:
    for word in text.replace("_", " ").split():
        if word[:length].isalpha() and len(word[:length]) >= 3:
            found = fuzzy_match(word[:length], text)
            assert found is not None
            assert found.pieces == 1


@pytest.mark.parametrize("text", ["a" * 5000, "ab" * 3000, "a b" * 2000, "a" * 39 + "_" + "a" * 2000])
def test_looking_closely_takes_no_time_that_explodes(text: str) -> None:
    began = time.thread_time()
    fuzzy_match("a" * 39 + "b", text)
    fuzzy_match("aabaabaabaabaab", text)
    assert time.thread_time() - began < 10


# Queries


def test_words_facets_and_dois_are_told_apart() -> None:
    query = parse(
        'Kenya tag="crop type" TYPE:lab doi:10.34911/x https://doi.org/10.5/Y licence=CC-BY-4.0 tag:'
    )
    assert query.terms == ("kenya", "10.34911/x", "10.5/y")
    assert query.facets == (
        Facet("tag", "crop type"),
        Facet("type", "lab", exact=False),
        Facet("licence", "CC-BY-4.0"),
    )
    assert query.fits(facet_text(DATASET))
    assert not parse("tag=crop").fits(facet_text(DATASET)), "exactly that tag"
    assert parse("tag:crop").fits(facet_text(DATASET)), "a tag with that in it"
    assert not parse("tag=segmentation type=other").fits(facet_text(DATASET))


NAMED = st.sampled_from(["tag", "type", "licence"])
VALUES = st.text(min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)


@given(NAMED, VALUES, st.lists(st.sampled_from(["kenya", "crop", "tag:x", 'tag="a b"']), max_size=3))
def test_a_facet_is_put_into_the_words_and_taken_out_again(name: str, value: str, others: list[str]) -> None:
    words = " ".join(others)
    facet = Facet(name, value)
    if not value.replace('"', ""):
        return
    if facet in parse(words).facets:
        return
    there = toggled(words, facet)
    assert len(parse(there).facets) == len(parse(words).facets) + 1
    assert parse(there).terms == parse(words).terms
    assert toggled(there, facet) == words


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_query(words: str) -> None:
    query = parse(words)
    assert all(query.terms)
    query.fits(facet_text(DATASET))
    MatchHighlighter(query.terms, closely=True).marked(words)


# Marks


@given(st.text(max_size=30), st.text(max_size=6), st.booleans())
def test_marks_change_nothing_of_a_text(text: str, term: str, closely: bool) -> None:
    pieces = MatchHighlighter((term.casefold(),) if term else (), closely=closely).marked(text)
    assert "".join(piece.text for piece in pieces) == text


def test_a_match_is_marked_in_letters_that_grow_in_lower_case() -> None:
    marked = MatchHighlighter(("strasse",)).marked("Die Straße hier")
    assert [piece.text for piece in marked if piece.look == "found"] == ["Straße"]


def test_a_match_that_is_not_shown_is_named_where_it_is() -> None:
    searched = search_text(DATASET)
    unseen = MatchHighlighter(("kenya", "segment")).unseen(searched, "Kenya Crop Type")
    assert "".join(piece.text for piece in unseen) == "  tag: segmentation"
    assert LabelPiece("segment", "found") in unseen
    assert MatchHighlighter(("kenya",)).unseen(searched, "Kenya Crop Type") == []
    assert (
        "".join(p.text for p in MatchHighlighter(("dw605",)).unseen(searched, "Kenya"))
        == "  doi: 10.34911/rdnt.dw605x"
    )


@given(st.integers(0, 90), st.integers(1, 20))
def test_what_is_said_of_a_long_value_holds_the_match(before: int, after: int) -> None:
    value = "-" * before + "needle" + "." * after
    said = MatchHighlighter(("needle",)).unseen(f"id\n\x03{value}", "id")
    assert LabelPiece("needle", "found") in said
    assert sum(len(piece.text) for piece in said[2:]) <= LONGEST


def test_years_sensors_and_tasks_of_a_collection_are_found_and_narrowed_by() -> None:
    entry = Entry.of(
        Collection(
            {
                "id": "c",
                "extent": {"temporal": {"interval": [["2017-05-01T00:00:00Z", "2019-01-01T00:00:00Z"]]}},
                "summaries": {"platform": ["sentinel-2a"], "label:tasks": ["segmentation"]},
            }
        )
    )
    assert "2018" in search_text(entry)
    for words in ("year=2018", "sensor=Sentinel-2A", "task:segment", "year=2017 task=segmentation"):
        assert parse(words).fits(facet_text(entry)), words
    assert not parse("year=2020").fits(facet_text(entry))


def test_places_stand_before_the_collections_of_a_dataset() -> None:
    dataset = Entry.of(Dataset({"id": "d", "collections": [{"id": "kenya_source"}]}))
    searched, narrowed = with_lines(
        search_text(dataset), facet_text(dataset), [f"{PLACE}Kenya", f"{PLACE}Africa"]
    )
    assert parts(searched).endswith("kenya_source") and "africa" not in parts(searched)
    assert ("place", "kenya") in fields(searched)
    assert parse("place=kenya").fits(narrowed) and not parse("place=Asia").fits(narrowed)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [([5], "under 100 MB"), ([9 * 10**8, 2 * 10**8], "1 to 10 GB"), ([10**12], "over 100 GB"), ([None], "")],
)
def test_a_collection_is_narrowed_by_the_size_of_its_files(sizes: list[int | None], words: str) -> None:
    assets = {f"{n}": {"href": "a.tar", "file:size": size} for n, size in enumerate(sizes)}
    found = facet_text(Entry.of(Collection({"id": "c", "assets": assets})))
    assert parse('size="1 to 10 GB"').fits(found) is (words == "1 to 10 GB")
    assert [one.words for one in facet_counts([found]).get("size", [])] == ([words] if words else [])
