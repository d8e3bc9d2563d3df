"""`mlhub-tui list` and `show`: tables and sheets for people, JSON as received for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Credentials
from mlhub_tui.cli.listing import matches
from mlhub_tui.cli.printing import Writer, cells, table
from mlhub_tui.cli.showing import sheet_lines as lines_of
from mlhub_tui.metadata.detail import document_detail
from mlhub_tui.models import Collection, Dataset, Item, MLModel
from mlhub_tui.sample.server import SampleServer
from tests.support.http_server import LoopbackServer, Request, as_json

from .conftest import Command, Run

KENYA = "ref_african_crops_kenya_02"
LABELS = f"{KENYA}_labels"


@pytest.mark.parametrize(("what", "least"), [("datasets", 30), ("collections", 90), ("models", 3)])
def test_a_listing_is_a_table_or_a_json_array(
    run: Run, on_sample: SampleServer, what: str, least: int
) -> None:
    documents = run.json("list", what)
    assert len(documents) >= least
    rows = run("list", what).stdout.splitlines()
    assert rows[0].startswith("ID ")
    assert [row.split()[0] for row in rows[1:]] == [document["id"] for document in documents]
    assert not any("\t" in row or "…" in row for row in rows)


def test_listings_work_without_a_key(run: Run, sample: SampleServer) -> None:
    for what in ("datasets", "collections"):
        result = run("list", what, "--json", "--root-url", sample.root_url)
        assert (result.exit_code, result.stderr) == (0, "")
        assert json.loads(result.stdout)


def test_the_sample_option_serves_the_catalogue_for_the_command(command: Command) -> None:
    done = command("--sample", "list", "datasets", "--text", "kenya", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert KENYA in [document["id"] for document in json.loads(done.stdout)]


def test_datasets_are_filtered_by_the_server(run: Run, on_sample: SampleServer) -> None:
    found = run.json("list", "datasets", "--tag", "segmentation", "--text", "kenya")
    assert found
    assert all("segmentation" in document["tags"] for document in found)


def test_nothing_found_is_an_empty_array_and_a_word_on_stderr(run: Run, on_sample: SampleServer) -> None:
    for what in ("datasets", "collections", "models"):
        result = run("list", what, "--text", "no-such-words-anywhere")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"no {what} found\n"
        assert run.json("list", what, "--text", "no-such-words-anywhere") == []


def test_items_come_page_by_page_up_to_the_limit(run: Run, on_sample: SampleServer) -> None:
    source = f"{KENYA}_source"
    found = run.json("list", "items", source, "--limit", "25", "--page-size", "10")
    assert len({item["id"] for item in found}) == 25
    rows = run("list", "items", source, "--limit", "51").stdout.splitlines()
    assert len(rows) == 52
    assert [row.split()[0] for row in rows[1:26]] == [item["id"] for item in found]
    assert run.json("list", "items", source, "--limit", "0") == []


def test_items_of_a_missing_collection_leave_stdout_empty(run: Run, on_sample: SampleServer) -> None:
    result = run("list", "items", "nowhere", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere" in result.stderr


def test_a_dataset_is_shown_by_id_and_by_doi(run: Run, on_sample: SampleServer) -> None:
    by_id = run.json("show", "dataset", KENYA)
    by_doi = run.json("show", "dataset", by_id["doi"])
    assert by_id == by_doi
    sheet = run("show", "dataset", KENYA).stdout
    for words in (KENYA, by_id["doi"], by_id["title"], "Archives:", f"{LABELS} ", "source_imagery"):
        assert words in sheet


def test_collection_item_and_model_are_shown(run: Run, on_sample: SampleServer) -> None:
    assert "Archive:      2" in run("show", "collection", LABELS).stdout
    item = run.json("list", "items", LABELS, "--limit", "1")[0]
    sheet = run("show", "item", LABELS, item["id"]).stdout
    assert item["id"] in sheet
    assert all(key in sheet for key in item["assets"])
    model = run.json("list", "models")[0]
    assert model["properties"]["title"] in run("show", "model", model["id"]).stdout


def test_several_documents_are_an_array_or_sheets_apart(run: Run, on_sample: SampleServer) -> None:
    ids = [f"{KENYA}_source", LABELS]
    assert [d["id"] for d in run.json("show", "collection", *ids)] == ids
    assert run("show", "collection", *ids).stdout.count("\n\nID:") == 1


def test_what_is_not_there_is_named(run: Run, on_sample: SampleServer) -> None:
    for arguments in (("dataset", "no1"), ("collection", "no2"), ("item", LABELS, "no3"), ("model", "no4")):
        result = run("show", *arguments, code=1)
        assert arguments[-1] in result.stderr


def test_a_sheet_without_a_key_says_what_needs_one(run: Run, sample: SampleServer) -> None:
    result = run("show", "collection", LABELS, "--root-url", sample.root_url, code=0)
    assert "requires an API key" in result.stdout


def test_json_is_ascii_and_keeps_the_key_to_itself() -> None:
    writer = Writer(Credentials("s3cr&t key", "https://a.example/", None, ""))
    document = Item({"id": "ä\x9b", "links": [{"href": "http://x.example/?a=1&key=s3cr%26t+key"}]})
    line = writer.line(document)
    assert line.isascii()
    assert json.loads(line) == {"id": "ä\x9b", "links": [{"href": "http://x.example/?a=1&key="}]}
    assert Writer(Credentials(None, "https://a.example/", None, "")).line(document) == json.dumps(
        document.raw
    )


def test_a_filter_looks_at_keywords_and_words() -> None:
    document = Collection({"id": "c1", "title": "Maize Fields", "keywords": ["Crops"]})
    assert matches(document, ["crops"], ["maize", "C1"])
    assert not matches(document, ["crop"], [])
    assert not matches(document, [], ["rice"])


@pytest.mark.parametrize("width", [20, 40, 60, 80, 140])
def test_a_table_never_exceeds_the_terminal(width: int) -> None:
    rows = [("i" * 50, "t" * 90, "日本語" * 10, "é" * 30), ("short", "", "", "")]
    for line in table(("ID", "TITLE", "WIDE", "LAST"), rows, width):
        assert cells(line) <= width


def test_a_table_for_a_program_cuts_nothing_and_cleans_all() -> None:
    lines = table(("ID", "TITLE"), [("a\tb", "\x1b]52;c;eA==\x07x\n" + "y" * 200)], None)
    assert lines[1] == "a b  ]52;c;eA==x " + "y" * 200


def test_every_recorded_document_has_a_sheet(recorded: Path) -> None:
    pages = sorted((recorded / "items").glob("*/page-*.json"))
    for width in (None, 80):
        lines: list[str] = []
        for raw in json.loads((recorded / "datasets.json").read_text()):
            lines += lines_of(document_detail(Dataset(raw)), width)
        for raw in json.loads((recorded / "collections.json").read_text())["collections"]:
            lines += lines_of(document_detail(Collection(raw), archive="none"), width)
        for page in pages:
            for raw in json.loads(page.read_text())["features"]:
                lines += lines_of(document_detail(Item(raw)), width)
        for raw in json.loads((recorded / "models.json").read_text()):
            lines += lines_of(document_detail(MLModel(raw)), width)
        assert len(lines) > 1000
        assert not any("\x1b" in line or "\n" in line for line in lines)
        assert "?key=0" not in "\n".join(lines)


def test_a_hostile_document_has_a_sheet() -> None:
    bad = "\x1b[2J[/]\u202e"
    raw = {
        "id": bad,
        "title": bad,
        "description": bad + "\n" + "x" * 300,
        "extent": {"spatial": {"bbox": [[0, 0, 1, 1]] * 1000}},
        "assets": {bad: {"href": f"http://u:p@x.example/{bad}?sig=SECRET", "type": bad}},
        "links": [{"rel": bad, "href": "http://x.example/?key=SECRET"}, {"rel": None, "href": 5}],
    }
    text = "\n".join(lines_of(document_detail(Collection(raw), archive="none"), 80))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "SECRET" not in text
    assert "998 more" in text


def test_a_licence_in_markdown_is_written_out_in_a_sheet_and_named_in_a_table() -> None:
    licence = "[CC-BY-4.0](https://creativecommons.org/licenses/by/4.0/)"
    dataset = Dataset({"id": "d", "collections": [{"id": "c", "types": ["labels"], "license": licence}]})
    sheet = "\n".join(lines_of(document_detail(dataset), None))
    assert "Licence:      CC-BY-4.0\n" in sheet
    assert "  text:         https://creativecommons.org/licenses/by/4.0/\n" in sheet
    assert "[CC-BY" not in sheet
    assert "c   labels  CC-BY-4.0" in sheet


def files(folder: Path, **documents: Any) -> str:
    """Write documents into a folder and return its path."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return str(folder)


def links(rel: str, *names: str) -> list[dict[str, str]]:
    return [{"rel": rel, "href": f"{name}.json"} for name in names]


def catalog_with_gaps(folder: Path) -> str:
    """Return the path of a catalog of which a collection is missing, and most items of the other one."""
    lost = [f"lost-{number}" for number in range(40)]
    return files(
        folder,
        catalog={"type": "Catalog", "id": "root", "links": links("child", "there", "gone")},
        there={"type": "Collection", "id": "there", "extent": {}, "links": links("item", *lost, "here")},
        here={"type": "Feature", "id": "here", "properties": {}},
    )


def test_what_a_listing_could_not_read_is_said(run: Run, tmp_path: Path) -> None:
    place = catalog_with_gaps(tmp_path)
    for command in (("list", "collections", "--json"), ("show", "collection", "gone")):
        result = run("--source", place, *command)
        assert "1 catalog or collection could not be read, the first: not found: " in result.stderr
        assert result.exit_code == 1
    result = run("--source", place, "list", "items", "there", "--page-size", "2", "--json", code=1)
    assert [json.loads(line.rstrip(","))["id"] for line in result.stdout.splitlines()[1:]] == ["here"]
    assert "the JSON has no end" in result.stderr
    assert "error: the listing is not complete: 40 documents could not be read" in result.stderr
    assert result.stderr.count("items could not be read") == 12
    assert "and 8 notes like these" in result.stderr
    assert "there may be more" not in result.stderr
    searched = run("search", place, "-c", "there", "--datetime", "2020", "--csv", code=1)
    assert "not complete: 40 documents could not be read" in searched.stderr
    item = run("--source", place, "show", "item", "there", "lost-7")
    assert "not found: " in item.stderr
    assert "lost-7.json" in item.stderr


def test_a_listing_that_has_as_many_as_wanted_is_whole_whatever_is_missing(run: Run, tmp_path: Path) -> None:
    place = catalog_with_gaps(tmp_path)
    result = run("--source", place, "list", "items", "there", "--limit", "1", "--json")
    assert (result.exit_code, [each["id"] for each in json.loads(result.stdout)]) == (0, ["here"])


def test_a_listing_of_items_that_repeats_itself_is_shown_and_ends_as_an_error(run: Run) -> None:
    def same(asked: Request) -> Any:
        page = int(asked.query.get("page", ["0"])[0])
        following = [{"rel": "next", "href": f"?page={page + 1}"}]
        return as_json({"features": [{"type": "Feature", "id": "a"}, {"id": None}], "links": following})

    with LoopbackServer(same) as api:
        result = run("--root-url", api.root, "--api-key", "k", "list", "items", "c")
    assert result.exit_code == 1
    assert "the listing broke off after 1 item\n" in result.stderr
    assert "error: the listing is not complete: the same page came again" in result.stderr


def test_what_is_not_valid_stac_is_shown_with_the_reason(run: Run, tmp_path: Path) -> None:
    place = catalog_with_gaps(tmp_path)
    result = run("--source", place, "show", "collection", "there")
    assert result.stdout.startswith("ID:           there")
    assert "note: there: not valid STAC: " in result.stderr
    assert "not valid" not in run("--source", place, "show", "collection", "there", "--json").stderr


def test_what_pystac_only_warns_of_is_shown_without_its_warning(command: Command, tmp_path: Path) -> None:
    base = {"type": "Collection", "stac_version": "1.0.0", "description": "d", "license": "MIT", "links": []}
    place = files(tmp_path, collection={**base, "id": "plain"})
    assert command("--source", place, "show", "collection", "plain").stderr == ""
