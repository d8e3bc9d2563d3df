"""`mlhub-tui show --bibtex` and `--citation`: for a paper, out of what the document says."""

from __future__ import annotations

import json

from mlhub_tui.sample.server import SampleServer

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
    known = json.loads(run("show", "dataset", KENYA, "--json").stdout)
    assert run("show", "dataset", KENYA, "--citation").stdout == known["citation"] + "\n"


def test_of_several_documents_the_entries_stand_apart(run: Run, on_sample: SampleServer) -> None:
    result = run("show", "collection", f"{KENYA}_source", f"{KENYA}_labels", "--bibtex")
    assert result.stdout.count("@dataset{") == 2
    assert "}\n\n@dataset{" in result.stdout
    model = json.loads(run("list", "models", "--json").stdout)[0]["id"]
    assert run("show", "model", model, "--bibtex").stdout.startswith("@software{")


def test_a_citation_that_had_to_be_made_is_said_to_be(run: Run, on_sample: SampleServer) -> None:
    item = json.loads(run("list", "items", f"{KENYA}_labels", "--limit", "1", "--json").stdout)[0]
    result = run("show", "item", f"{KENYA}_labels", item["id"], "--citation")
    assert item["id"] in result.stdout
    assert "has no citation" in result.stderr


def test_a_sheet_spells_the_licence_out(run: Run, on_sample: SampleServer) -> None:
    sheet = run("show", "dataset", KENYA).stdout
    assert "CC-BY-SA-4.0: Creative Commons Attribution-ShareAlike 4.0 International\n" in sheet
    assert "  asks:         credit the source; " in sheet


def test_sheets_have_bands_and_what_extensions_add(run: Run, on_sample: SampleServer) -> None:
    item = json.loads(run("list", "items", f"{KENYA}_source", "--limit", "1", "--json").stdout)[0]
    rows = [
        " ".join(row.split())
        for row in run("show", "item", f"{KENYA}_source", item["id"]).stdout.splitlines()
    ]
    assert "BAND COLOUR GSD M" in rows
    assert "B04 red 10" in rows
    assert any(row.startswith("eo: bands, their wavelengths") for row in rows)
