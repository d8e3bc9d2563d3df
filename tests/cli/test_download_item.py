"""`mlhub-tui download item`: assets by their keys and roles, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer

from .conftest import Command, Run

LABELS = "ref_african_crops_kenya_02_labels"
ITEM = "ref_african_crops_kenya_02_tile_00_label"
OTHER = "ref_african_crops_kenya_02_tile_01_label"


def test_all_assets_of_items_arrive_at_collection_item_key(run: Run, on_sample: SampleServer) -> None:
    result = run("download", "item", LABELS, ITEM, OTHER, ITEM, "--output-dir", run.folder, code=0)
    files = {
        run.folder / LABELS / name / file
        for name in (ITEM, OTHER)
        for file in ("labels.tif", "documentation.pdf")
    }
    assert set(map(Path, result.stdout.splitlines())) == files
    assert all(file.stat().st_size for file in files)
    assert (run.folder / LABELS / ITEM / "labels.tif").read_bytes()[:2] in (b"II", b"MM")


@pytest.mark.parametrize("choice", [("--asset", "labels"), ("--role", "labels")])
def test_a_key_or_a_role_chooses_and_the_options_may_come_first(
    run: Run, on_sample: SampleServer, tmp_path: Path, choice: tuple[str, str]
) -> None:
    result = run("download", "--output-dir", tmp_path, "item", LABELS, ITEM, *choice)
    assert result.stdout == f"{tmp_path / LABELS / ITEM / 'labels.tif'}\n"


def collection_of(server: FaultServer, folder: Path) -> None:
    """Write a collection with the file of a server as its asset."""
    (folder / "collection.json").write_text(
        '{"type":"Collection","stac_version":"1.0.0","id":"c","description":"d","license":"other",'
        '"extent":{"spatial":{"bbox":[[0,0,1,1]]},"temporal":{"interval":[[null,null]]}},"links":[],'
        f'"assets":{{"data":{{"href":"{server.url}"}}}}}}'
    )


def test_what_breaks_off_for_good_ends_with_what_is_saved_and_the_same_command_fetches_the_rest(
    run: Run, tmp_path: Path
) -> None:
    content = b"II*\0" + bytes(range(256)) * 2000
    with FaultServer(content) as server:
        collection_of(server, tmp_path)
        server.script += [Answer(after=200_000), Answer(404), Answer(404)]
        command = ("download", "item", "c", "--source", str(tmp_path), "--output-dir", str(tmp_path / "out"))
        broken = run(*command)
        assert (broken.exit_code, broken.stdout) == (1, "")
        assert broken.stderr.endswith("note: what arrived is saved: the same command fetches the rest\n")
        again = run(*command)
    assert (again.exit_code, Path(again.stdout.strip()).read_bytes()) == (0, content)
    assert "note:" not in again.stderr
    gets = [request.headers.get("range", "") for request in server.requests if request.method == "GET"]
    assert [bool(one) for one in gets] == [False, True, False, True], "the rest, all, and the rest again"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["option", "setting"])
def test_a_server_may_take_as_long_to_begin_as_is_asked_for(run: Run, mlhub_home: Path, how: str) -> None:
    with FaultServer(b"II*\0" + bytes(range(256)) * 9) as server:
        server.script.append(Answer(before="stall"))
        collection_of(server, run.folder)
        out = ("--source", str(run.folder), "--output-dir", str(run.folder / "out"))
        if how == "setting":
            mlhub_home.mkdir(exist_ok=True)
            (mlhub_home / "config.toml").write_text("first_byte_timeout = 1\n")
        result = run("download", "item", "c", *out, *(["--first-byte-timeout", "1"] * (how == "option")))
    assert result.exit_code == 0, result.stderr
    assert len(server.requests) == 2


def test_a_key_that_is_not_there_is_named_beside_those_that_are(run: Run, on_sample: SampleServer) -> None:
    result = run("download", "item", LABELS, ITEM, "--asset", "nope", "--output-dir", run.folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no asset 'nope'; there are: labels, documentation" in result.stderr
    both = run(
        "download",
        "item",
        LABELS,
        ITEM,
        "--asset",
        "nope",
        "--asset",
        "labels",
        "--output-dir",
        run.folder,
        code=1,
    )
    assert both.stdout.endswith("labels.tif\n")


def test_an_item_that_does_not_exist_is_an_error(run: Run, on_sample: SampleServer, tmp_path: Path) -> None:
    result = run("download", "item", LABELS, "nowhere", "--output-dir", tmp_path, code=1)
    assert "nowhere" in result.stderr


def test_the_queue_lists_assets_with_item_and_key(run: Run, on_sample: SampleServer, tmp_path: Path) -> None:
    run("download", "item", LABELS, ITEM, "--asset", "labels", "--output-dir", tmp_path)
    run("download", LABELS, "--output-dir", tmp_path)
    asset, archive = run.json("queue", "list")
    assert (asset["collection"], asset["item"], asset["asset"]) == (LABELS, ITEM, "labels")
    assert (asset["name"], asset["state"]) == (f"{ITEM}/labels.tif", "done")
    assert (archive["collection"], archive["item"], archive["asset"]) == (LABELS, None, None)


def test_a_collection_of_the_name_of_a_command_can_be_asked_for(run: Run, on_sample: SampleServer) -> None:
    result = run("download", "archives", "item", "--output-dir", run.folder, code=1)
    assert 'collection "item"' in result.stderr


def test_help_shows_both_ways(run: Run) -> None:
    told = run("download", "--help").stdout
    for words in ("COLLECTION...", "--if-exists", "item", "Download assets of items"):
        assert words in told


def test_an_asset_that_does_not_exist_is_two_lines_of_error(
    command: Command, on_sample: SampleServer, tmp_path: Path
) -> None:
    done = command("download", "item", LABELS, ITEM, "--asset", "x", "--output-dir", str(tmp_path))
    assert done.returncode == 2
    first, hint = done.stderr.splitlines()
    assert first.startswith("mlhub-tui: error: there is no asset 'x'; there are: ")
    assert "--asset" in hint


def test_items_that_are_there_arrive_though_another_is_not(run: Run, on_sample: SampleServer) -> None:
    result = run("download", "item", LABELS, "nosuch", ITEM, "--output-dir", run.folder, code=1)
    assert len(result.stdout.splitlines()) == 2
    assert 'note: item "nosuch" of collection' in result.stderr
