"""`mlhub-tui show --bibtex` and `--citation`: for a paper, out of what the document says."""

from __future__ import annotations

from pathlib import Path

from mlhub_tui.sample.server import SampleServer

from ..sources.static.grow import forest, plant
from .conftest import Run

KENYA = "ref_african_crops_kenya_02"


def test_a_dataset_is_cited_for_bibtex(run: Run, on_sample: SampleServer) -> None:
    result = run("show", "dataset", KENYA, "--bibtex")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == f"@dataset{{{KENYA},"
    assert lines[-1] == "}"
    assert "  doi = {10.34911/rdnt.dw605x}," in lines
    assert "  author = {{Radiant Earth Foundation}}," in lines


def test_a_dataset_is_cited_in_a_line(run: Run, on_sample: SampleServer) -> None:
    known = run.json("show", "dataset", KENYA)
    assert run("show", "dataset", KENYA, "--citation").stdout == known["citation"] + "\n"


def test_of_several_documents_the_entries_stand_apart(run: Run, on_sample: SampleServer) -> None:
    result = run("show", "collection", f"{KENYA}_source", f"{KENYA}_labels", "--bibtex")
    assert result.stdout.count("@dataset{") == 2
    assert "}\n\n@dataset{" in result.stdout
    model = run.json("list", "models")[0]["id"]
    assert run("show", "model", model, "--bibtex").stdout.startswith("@software{")


def test_items_are_cited_as_the_collection_they_belong_to(run: Run, on_sample: SampleServer) -> None:
    listed = run.json("list", "items", f"{KENYA}_labels", "--limit", "2")
    ids = [item["id"] for item in listed]
    known = run.json("show", "collection", f"{KENYA}_labels")
    result = run("show", "item", f"{KENYA}_labels", *ids, "--citation")
    assert (result.stdout, result.stderr) == (f"{known['sci:citation']}\n" * 2, "")
    entries = run("show", "item", f"{KENYA}_labels", *ids, "--bibtex").stdout
    assert entries.count("@dataset{") == 1, "BibTeX refuses an entry that it read before"
    sheet = run("show", "item", f"{KENYA}_labels", ids[0]).stdout
    assert "CC-BY-SA-4.0" in sheet and known["sci:citation"][:40] in sheet and known["sci:doi"] in sheet


def test_a_citation_that_had_to_be_made_is_said_to_be(run: Run, tmp_path: Path) -> None:
    root = plant(tmp_path, forest()) / "catalog.json"
    result = run("show", "item", "c0", "c0-0000", "--citation", "--source", root)
    assert "c0-0000" in result.stdout
    assert "has no citation" in result.stderr


def test_an_item_of_a_static_catalog_inherits_from_what_it_lies_in(run: Run, tmp_path: Path) -> None:
    files = forest(1, 1)
    collection = files["regions/c0/collection.json"]
    collection |= {"license": "CC-BY-4.0", "providers": [{"name": "Fields Inc", "roles": ["producer"]}]}
    collection["links"].append({"rel": "parent", "href": "../catalog.json"})
    files["regions/catalog.json"] |= {"sci:citation": "Berg, A. (2021) Fields.", "sci:doi": "10.1/f"}
    files["regions/c0/c0-0000/c0-0000.json"]["links"].append({"rel": "parent", "href": "../collection.json"})
    root = plant(tmp_path, files) / "catalog.json"
    sheet = run("show", "item", "c0", "c0-0000", "--source", root).stdout
    for words in ("CC-BY-4.0", "Fields Inc (producer)", "Berg, A. (2021) Fields.", "10.1/f"):
        assert words in sheet


def test_a_sheet_spells_the_licence_out(run: Run, on_sample: SampleServer) -> None:
    sheet = run("show", "dataset", KENYA).stdout
    assert "CC-BY-SA-4.0: Creative Commons Attribution-ShareAlike 4.0 International\n" in sheet
    assert "  requires:     credit the source; " in sheet


def test_sheets_have_bands_and_what_extensions_add(run: Run, on_sample: SampleServer) -> None:
    item = run.json("list", "items", f"{KENYA}_source", "--limit", "1")[0]
    rows = [
        " ".join(row.split())
        for row in run("show", "item", f"{KENYA}_source", item["id"]).stdout.splitlines()
    ]
    assert "BAND COLOUR GSD M" in rows
    assert "B04 red 10" in rows
    assert any(row.startswith("eo: bands, their wavelengths") for row in rows)
