"""BibTeX entries: read back by the rules of BibTeX, whatever the metadata is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.metadata.citation import Author, bibtex, escaped, key, read, text_citation
from mlhub_tui.models import Collection, Dataset, Item, MLModel


def entry(text: str) -> tuple[str, str, dict[str, str]]:
    """Return the type, the key and the fields of an entry, read as BibTeX does: by counting braces."""
    head = re.match(r"@(\w+)\{([^\s\"#%'(),={}]+),", text)
    assert head is not None, text
    fields: dict[str, str] = {}
    at = head.end()
    while (name := re.compile(r"\s*(\w+) = \{").match(text, at)) is not None:
        start, depth, at = name.end(), 1, name.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        fields[name[1]] = text[start : at - 1]
        at += text[at] == ","
    assert text[at:] == "\n}", text[at:]
    return head[1], head[2], fields


KENYA: dict[str, Any] = {
    "id": "ref_african_crops_kenya_02",
    "title": "Crops & fields of Kenya",
    "doi": "10.34911/rdnt.dw605x",
    "collections": [{"id": "a", "license": "[CC-BY-4.0](https://creativecommons.org/licenses/by/4.0/)"}],
}


def test_an_entry_has_what_the_citation_and_the_record_say() -> None:
    citation = (
        'Rao, K., van der Berg, A.P. & Radiant Earth Foundation (2020) "Crop 100% type", Version 1.0, Zenodo.'
    )
    kind, name, fields = entry(bibtex(Dataset(KENYA | {"citation": citation})))
    assert (kind, name) == ("dataset", "ref_african_crops_kenya_02")
    assert fields == {
        "author": "Rao, K. and van der Berg, A.P. and {Radiant Earth Foundation}",
        "title": r"{Crop 100\% type}",
        "year": "2020",
        "version": "1.0",
        "publisher": "Zenodo",
        "doi": "10.34911/rdnt.dw605x",
        "url": "https://doi.org/10.34911/rdnt.dw605x",
        "license": "CC-BY-4.0",
    }


def test_without_a_citation_the_producers_are_the_authors() -> None:
    providers = [
        {"name": "Host & Sons", "roles": ["host"]},
        {"name": "Amer, Karim", "roles": ["producer"]},
        {"name": "Land and Water", "roles": ["producer"]},
    ]
    links = [
        {"rel": "self", "href": "https://x.example/c?key=1"},
        {"rel": "about", "href": "https://x.example/a_b"},
    ]
    document = Collection({"id": "c 1", "title": "Fields", "providers": providers, "links": links})
    _, name, fields = entry(bibtex(document))
    assert re.fullmatch(r"c-1-[0-9a-f]{6}", name)
    assert fields["author"] == "Amer, Karim and {Land and Water}"
    assert fields["publisher"] == r"Host \& Sons"
    assert fields["url"] == "https://x.example/a_b"
    assert "year" not in fields, "the time of the data is not when it was published"
    assert (
        text_citation(document) == "Amer, Karim, Land and Water. Fields. Host & Sons. https://x.example/a_b"
    )


def test_a_model_is_software_and_an_item_has_the_year_it_was_made() -> None:
    model = MLModel({"id": "m", "properties": {"title": "Net", "sci:doi": "10.1/x_y"}})
    kind, _, fields = entry(bibtex(model))
    assert kind == "software"
    assert fields["doi"] == "10.1/x_y", "a DOI is taken as it is"
    item = Item(
        {"id": "i", "properties": {"created": "2021-02-03T00:00:00Z", "datetime": "1999-01-01T00:00:00Z"}}
    )
    assert entry(bibtex(item))[2]["year"] == "2021"


@given(st.text(), st.text(min_size=1), st.text(), st.text())
def test_any_metadata_makes_an_entry_that_can_be_read(title: str, identity: str, name: str, doi: str) -> None:
    providers = [{"name": name, "roles": ["producer"], "url": title}]
    raw = {"id": identity, "title": title, "sci:doi": doi, "providers": providers, "license": title}
    _, _, fields = entry(bibtex(Collection(raw | {"sci:citation": title})))
    for field in ("title", "author", "license"):
        assert not re.search(r"(?<!\\)[&%$#_]", fields.get(field, ""))


@given(st.text())
def test_what_is_escaped_has_balanced_braces_and_can_be_told_back(text: str) -> None:
    made = escaped(text)
    assert made.count("{") == made.count("}")
    words = {"textbackslash": "\\", "textbraceleft": "{", "textbraceright": "}", "textasciitilde": "~"}
    words |= {"textasciicircum": "^", "textless": "<", "textgreater": ">", "textbar": "|"}
    back = re.sub(r"\\(?:(text[a-z]+)\{\}|([&%$#_]))", lambda m: words[m[1]] if m[1] else m[2], made)
    assert back == one_line_of(text)


def one_line_of(text: str) -> str:
    """Return text as it is shown on one line."""
    from mlhub_tui.text import one_line

    return one_line(text, 1_000)


@given(st.text(min_size=1))
def test_a_key_is_stable_and_one_that_bibtex_takes(identity: str) -> None:
    assert key(identity) == key(identity)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_:.+/-]*", key(identity))


def test_ids_that_had_to_be_changed_have_keys_of_their_own() -> None:
    assert len({key(identity) for identity in ("a b", "a,b", "a-b", "1a", "2a", "é", "è")}) == 7


@pytest.mark.parametrize(
    ("citation", "authors", "year", "title"),
    [
        ("Rineer J., O’Neil M., & Chew R. (2021) “Drones”", "Rineer|J. O’Neil|M. Chew|R.", "2021", ""),
        ('G. Sumbul, V. Markl, "Big Earth Net", IEEE', "Sumbul|G. Markl|V.", "", "Big Earth Net"),
        (
            "Remelgado, Ruben; Zaitov, S.; et al. (2020): A set. Site.",
            "Remelgado|Ruben Zaitov|S.",
            "2020",
            "A set",
        ),
        (
            'Clément Rambour, Bertrand Le Saux, Mihai Datcu, September 14, 2020, "SEN12 FLOOD", IEEE',
            "Rambour|Clément Le Saux|Bertrand Datcu|Mihai",
            "2020",
            "SEN12 FLOOD",
        ),
        ('GFDRR Labs (2020). "Open Cities"', "GFDRR Labs|", "2020", "Open Cities"),
        (
            "Planet, & German Aerospace Center (DLR). (2021). A Set (Version 1.0)",
            "Planet| German Aerospace Center (DLR)|",
            "2021",
            "A Set",
        ),
        ("Caleb Robinson. (2021). Wind model (2.0). Zenodo.", "Robinson|Caleb", "2021", "Wind model"),
        ('& Booth, K. (TODO) "Foo"', "", "", ""),
        ("Source Collection Citation", "", "", ""),
        ('12 things; 13 others (2020) "A b"', "", "2020", "A b"),
    ],
)
def test_citations_of_many_styles_are_read(citation: str, authors: str, year: str, title: str) -> None:
    known = read(citation)
    assert " ".join(f"{a.family}|{a.given}" for a in known.authors) == authors
    assert (known.year, known.title) == (year, title)


def test_whoever_is_a_provider_is_no_person() -> None:
    assert read('Blue Field (2020) "A b"').authors == (Author("Field", "Blue"),)
    assert read('Blue Field (2020) "A b"', frozenset({"blue field"})).authors == (Author("Blue Field"),)


def test_more_authors_than_are_named_are_said_to_be() -> None:
    raw = KENYA | {"citation": "Rao, K.; Berg, A.; et al. (2020): A set. Zenodo."}
    assert entry(bibtex(Dataset(raw)))[2]["author"] == "Rao, K. and Berg, A. and others"


@given(st.text(alphabet="Ab ,;&.()\"'“”–0129and et al.", max_size=300))
def test_no_citation_stops_the_reader(text: str) -> None:
    read(text)


def test_a_citation_without_end_is_read_in_no_time() -> None:
    for bomb in (
        "A. " * 50_000,
        "(" * 50_000,
        "[](" * 30_000,
        '"' * 50_000,
        "a," * 50_000,
        "A B & " * 20_000,
    ):
        read(bomb)
        read(bomb + '(2020) "A b"')


@pytest.mark.parametrize(("file", "kind"), [("datasets.json", Dataset), ("models.json", MLModel)])
def test_every_recorded_document_has_an_entry(
    recorded: Path, file: str, kind: type[Dataset | MLModel]
) -> None:
    for raw in json.loads((recorded / file).read_text()):
        _, name, fields = entry(bibtex(kind(raw)))
        assert name == raw["id"]
        assert fields["title"]
        assert text_citation(kind(raw))


def test_every_recorded_collection_has_an_entry(recorded: Path) -> None:
    keys = set()
    for raw in json.loads((recorded / "collections.json").read_text())["collections"]:
        _, name, fields = entry(bibtex(Collection(raw)))
        keys.add(name)
        assert {"title", "license"} <= set(fields)
    assert len(keys) == 103
