"""`mlhub-tui download dataset`: what it asks for, what it plans, what it says of bad input."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer
from tests.planning.made import asset, collection, item, named
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.waiting import until_sync
from tests.unpack.test_unpack import archive, file, special

from .conftest import Command, Run, command_line

SMALL = "umd_mali_crop_type"
KENYA = "ref_african_crops_kenya_02"


def dataset(run: Run, *arguments: str, out: Path | None = None) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a download of a dataset."""
    where = () if out is None else ("--output-dir", str(out))
    result = run("download", "dataset", *arguments, *where)
    return result.exit_code, result.stdout, result.stderr


def test_a_dry_run_counts_by_collection_and_key_and_writes_nothing(run: Run, on_sample: SampleServer) -> None:
    code, stdout, stderr = dataset(run, SMALL, "--dry-run", out=run.folder / "out")
    assert (code, stderr) == (0, "")
    lines = stdout.splitlines()
    assert lines[0].split() == ["COLLECTION", "ASSET", "FILES", "SIZE"]
    assert [line.split()[:2] for line in lines if line.startswith(SMALL)] == [
        [f"{SMALL}_labels", "5"],
        [f"{SMALL}_source", "169"],
    ]
    assert lines[-1].split()[:2] == ["all", "174"]
    assert not (run.folder / "out").exists()


def test_a_dry_run_in_json_is_one_object(run: Run, on_sample: SampleServer) -> None:
    code, stdout, _ = dataset(run, SMALL, "--dry-run", "--json", "--collection", f"{SMALL}_source=B01,B02")
    plan = json.loads(stdout)
    assert (code, plan["files"]) == (0, 24)
    assert plan["bytes"] is None or plan["bytes"] > 0
    assert list(plan["collections"]) == [f"{SMALL}_source"]
    assert {key: amount["files"] for key, amount in plan["asset_keys"].items()} == {"B01": 12, "B02": 12}


def test_archives_are_planned_and_downloaded_as_they_are(run: Run, on_sample: SampleServer) -> None:
    plan = json.loads(dataset(run, KENYA, "--archives", "--dry-run", "--json")[1])
    assert plan["files"] == len(plan["collections"]) == 2
    assert plan["bytes"] == sum(part["bytes"] for part in plan["collections"].values())
    chosen = ("--archives", "--collection", f"{KENYA}_labels")
    code, stdout, _ = dataset(run, KENYA, *chosen, out=run.folder)
    assert (code, stdout) == (0, f"{run.folder / f'{KENYA}_labels.tar.gz'}\n")


def test_folders_are_on_stdout_and_the_queue_knows_the_job(run: Run, on_sample: SampleServer) -> None:
    assets = run.folder / "assets"
    given = (SMALL, "--collection", f"{SMALL}_labels", "--asset-output-dir", str(assets))
    code, stdout, stderr = dataset(run, *given, out=run.folder / "out")
    assert (code, stdout.splitlines()) == (0, [str(run.folder / "out" / SMALL), str(assets / SMALL)])
    assert f"done {SMALL}: 5 files" in stderr
    [job] = run.json("queue", "list")
    assert (job["name"], job["state"], job["error"], job["path"]) == (
        SMALL,
        "done",
        None,
        str(run.folder / "out" / SMALL),
    )
    assert (job["dataset"], job["collection"], job["files_done"], job["files_total"]) == (SMALL, None, 5, 5)
    assert job["bytes_done"] == job["bytes_total"] > 0
    assert "5 files" in run("queue", "list").stdout


def test_what_is_gone_is_found_and_fetched_again(run: Run, on_sample: SampleServer, tmp_path: Path) -> None:
    given = (SMALL, "--collection", f"{SMALL}_labels")
    assert dataset(run, *given, out=tmp_path)[0] == 0
    assert run("queue", "verify").exit_code == 0
    lost = tmp_path / SMALL / f"{SMALL}_labels" / "legend.csv"
    lost.unlink()
    found = run("queue", "verify", code=1)
    assert f"1 file gone or changed, {SMALL}_labels/legend.csv first" in found.stdout
    assert "what is missing is fetched" in found.stderr
    assert dataset(run, *given, out=tmp_path)[0] == 0
    assert lost.exists()


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["nothing"], 1, 'dataset "nothing" does not exist'),
        ([SMALL, "--collection", "other"], 1, f"dataset {SMALL} has no collection 'other'"),
        ([SMALL, "--collection", "=B01"], 2, "names no collection"),
        ([SMALL, "--collection", f"{SMALL}_source="], 2, "names no asset key"),
        ([SMALL, "--bbox", "1,2,3"], 2, "has 3 numbers, not 4 or 6"),
        ([SMALL, "--bbox", "30,60,40,50"], 2, "has its south (60) above its north (50)"),
        ([SMALL, "--bbox", "10,-120,20,120"], 2, "latitude and longitude may be swapped"),
        ([SMALL, "--bbox", "190,0,200,10"], 2, "beyond 180 degrees"),
        ([SMALL, "--datetime", "soon"], 2, '"soon" is no date'),
        ([SMALL, "--datetime", "2020/2019"], 2, "ends before it starts"),
        ([SMALL, "--intersects", "/nowhere.geojson"], 2, "nowhere.geojson cannot be read"),
        ([SMALL, "--bbox", "1,2,3,4", "--intersects", "x"], 2, "both given"),
        ([SMALL, "--archives", "--bbox", "1,2,3,4"], 2, "archives come whole: leave out --bbox"),
        ([SMALL, "--archives", "--catalog-only"], 2, "leave out --catalog-only"),
        ([SMALL, "--archives", "--collection", f"{SMALL}_source=B01"], 2, "leave out asset keys"),
        ([SMALL, "--json"], 2, "--json belongs to --dry-run"),
    ],
)
def test_bad_input_is_a_sentence_and_an_exit_code(
    run: Run, on_sample: SampleServer, tmp_path: Path, given: list[str], code: int, words: str
) -> None:
    ended, stdout, stderr = dataset(run, *given, out=tmp_path / "out")
    assert (ended, stdout) == (code, "")
    assert words in stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "area.json is no JSON"),
        ('{"type": "Thing"}', 'is no GeoJSON: its type is "Thing"'),
        ('{"type": "Feature", "geometry": null}', "holds no geometry"),
        ('{"type": "Point", "coordinates": [500, 100]}', "these are no degrees"),
    ],
)
def test_geojson_that_is_none_is_refused(run: Run, on_sample: SampleServer, text: str, words: str) -> None:
    file = run.folder / "area.json"
    file.write_text(text)
    code, _, stderr = dataset(run, SMALL, "--intersects", str(file), "--dry-run")
    assert code == 2
    assert words in stderr


def test_nothing_matches_is_said(run: Run, on_sample: SampleServer) -> None:
    far = ("--bbox", "100,60,110,70", "--collection", f"{SMALL}_source=B01")
    code, stdout, stderr = dataset(run, SMALL, *far, "--dry-run", "--json")
    assert (code, json.loads(stdout)["files"]) == (0, 0)
    assert "nothing matches" in stderr
    code, stdout, stderr = dataset(run, SMALL, *far, out=run.folder)
    assert (code, stdout) == (1, "")
    assert f"failed {SMALL}: nothing in {SMALL} matches the filters" in stderr
    assert "widen the area or the time" in stderr
    assert not (run.folder / SMALL).exists()


def test_a_key_that_is_not_there_is_named_beside_those_that_are(run: Run, on_sample: SampleServer) -> None:
    words = f"{SMALL}_labels has no asset 'nope'; there are: labels, documentation"
    for keys, expected in (("nope", 2), ("nope,labels", 0)):
        code, _, stderr = dataset(run, SMALL, "--collection", f"{SMALL}_labels={keys}", "--dry-run")
        assert (code, words in stderr) == (expected, True)


@pytest.fixture
def hostile() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def test_a_static_catalog_is_downloaded_from_too(run: Run, hostile: FaultServer, tmp_path: Path) -> None:
    base = hostile.url.removesuffix("/store/file.tar.gz")
    hostile.by_target = {"/store/a.tif": b"a" * 900, "/store/b": b"b" * 50}
    assets = {"a": asset(f"{base}/store/a.tif"), "b": asset(f"{base}/store/b"), "none": {"title": "no href"}}
    fields = collection("fields", {"legend": asset(f"{base}/store/b")})
    links = [{"rel": "item", "href": f"./{name}/{name}.json"} for name in ("x", "bare")]
    root = {"type": "Catalog", "id": "farm", "stac_version": "1.0.0", "description": "d"}
    members = named(
        "farm",
        [
            {**fields, "stac_version": "1.0.0", "description": "d", "license": "x", "links": links},
            {
                **item("x", assets=assets, datetime="2020-01-01T00:00:00Z"),
                "stac_version": "1.0.0",
                "links": [],
            },
            {**item("bare", assets={}), "stac_version": "1.0.0", "links": []},
        ],
    )
    child = {"rel": "child", "href": "./fields/collection.json"}
    members[0] = ("farm/catalog.json", {**root, "links": [child]})
    for name, document in members:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    source = ("--source", str(tmp_path / "farm" / "catalog.json"))
    _, stdout, stderr = dataset(run, "fields", *source, "--dry-run", "--json")
    assert json.loads(stdout)["files"] == 3
    assert "1 asset without an href" in stderr
    code, stdout, stderr = dataset(run, "fields", *source, out=tmp_path / "out")
    assert (code, stdout) == (0, f"{tmp_path / 'out' / 'fields'}\n"), stderr
    assert "3 files; 1 asset without an href" in stderr
    out = tmp_path / "out" / "fields"
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {"fields/legend", "fields/x/a.tif", "fields/x/b", "err_report.csv"}
    assert dataset(run, "fields", *source, "--archives")[0] == 1


@pytest.mark.slow
def test_ctrl_c_keeps_what_came_and_the_command_goes_on(
    on_sample: SampleServer, command: Command, tmp_path: Path
) -> None:
    given = ("download", "dataset", KENYA, "--output-dir", str(tmp_path))
    running = subprocess.Popen(
        command_line(*given), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    until_sync(lambda: list(tmp_path.rglob("*.tif")) or running.poll() is not None)
    running.send_signal(2)
    _, stderr = running.communicate(timeout=60)
    if running.returncode != 0:  # else it was done first
        assert running.returncode == 130, stderr
        assert "the progress of 1 transfer is saved" in stderr
    done = command(*given)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / KENYA}\n"), done.stderr
    assert not list(tmp_path.rglob("*.part"))


def test_a_catalog_that_is_damaged_is_said(run: Run, on_sample: SampleServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert dataset(run, SMALL, "--catalog-only", out=out)[0] == 0
    path = out / f"{SMALL}.tar.gz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    code, _, stderr = dataset(run, SMALL, out=out)
    assert code == 1
    assert "damaged" in stderr
    assert dataset(run, SMALL, "--if-exists", "overwrite", "--catalog-only", out=out)[0] == 0


def test_a_dataset_without_a_catalog_is_its_archives_with_a_note(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(asked: Request) -> Answer:
        if asked.path.endswith("/datasets/d"):
            return as_json({"id": "d", "collections": [{"id": "c"}, {"id": "none"}]})
        if asked.path.endswith("/archive/c/info"):
            return as_json({"collection": "c", "size": 5})
        return as_json({}, 404)

    monkeypatch.setenv("MLHUB_API_KEY", "k")
    with LoopbackServer(answer) as server:
        where = ("--root-url", server.root, "--dry-run", "--json")
        code, stdout, stderr = dataset(run, "d", *where)
        assert code == 0
        assert json.loads(stdout) == {
            "files": 1,
            "bytes": 5,
            "collections": {"c": {"files": 1, "bytes": 5}},
            "asset_keys": {},
        }
        assert "it may still be generating: its archives are downloaded" in stderr
        assert "none has no archive" in stderr
        code, _, stderr = dataset(run, "d", "--assets", *where)
        assert code == 1
        assert 'the catalog of dataset "d" does not exist; it may still be generating' in stderr
        code, _, stderr = dataset(run, "d", "--bbox", "1,2,3,4", *where)
        assert code == 1
        assert "without options for a part of it, its archives are downloaded" in stderr


def test_members_that_lead_out_of_a_catalogs_archive_are_named_and_the_rest_is_unpacked(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = "n" * 300
    catalog = archive(
        tmp_path / "made.tar.gz",
        [
            file("d/catalog.json", b'{"type": "Catalog", "id": "d", "links": []}'),
            special("d/up", tarfile.SYMTYPE, "../.."),
            file("d/up/evil"),
            file(f"d/{long}1"),
            file(f"d/{long}2"),
            file("d/last"),
        ],
    ).read_bytes()
    answers = {
        "/datasets/d": as_json({"id": "d", "collections": [{"id": "c"}]}),
        "/catalog/d/info": as_json({"dataset": "d", "stac_catalog_size": len(catalog)}),
        "/catalog/d": Answer(body=catalog, headers={"Content-Type": "application/gzip"}),
    }
    monkeypatch.setenv("MLHUB_API_KEY", "k")
    with LoopbackServer(lambda asked: answers.get(asked.path, as_json({}, 404))) as server:
        given = ("d", "--catalog-only", "--root-url", server.url)
        code, stdout, stderr = dataset(run, *given, out=tmp_path / "out")
    assert (code, stdout) == (0, f"{tmp_path / 'out' / 'd'}\n"), stderr
    assert "skipped 3 members of the catalog archive" in stderr
    lines = [line.strip() for line in stderr.splitlines()]
    assert "d/up: a link that leads out of the archive" in lines
    assert len({line for line in lines if line.startswith("d/nnn") and "name too long" in line}) == 2
    assert not {"evil", "up"} & {path.name for path in (*tmp_path.iterdir(), *(tmp_path / "out").iterdir())}
    assert sorted(path.name for path in (tmp_path / "out/d").iterdir()) == [
        "catalog.json",
        "err_report.csv",
        "last",
        "up",
    ]
    assert [path.name for path in (tmp_path / "out/d/up").iterdir()] == ["evil"]


def test_a_dataset_is_queued_and_fetched_by_what_runs_the_queue(run: Run, on_sample: SampleServer) -> None:
    assert run("queue", "add", "--dataset", "10.1/x").exit_code == 2
    added = run("queue", "add", "--dataset", SMALL, "--output-dir", run.folder)
    assert added.stdout.split() == ["1", "queued", str(run.folder / SMALL)]
    ran = run("queue", "run", "--until-empty")
    assert (ran.exit_code, ran.stdout) == (0, f"{run.folder / SMALL}\n"), ran.stderr
    assert len(list((run.folder / SMALL).rglob("B01.tif"))) == 12


@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit of open files")
@pytest.mark.parametrize("hard", [False, True])
def test_a_limit_of_open_files_is_raised_where_that_may_be_and_is_named_where_not(
    on_sample: SampleServer, tmp_path: Path, hard: bool
) -> None:
    """A shell of macOS lets a program open 256 files."""
    limit = f"ulimit {'' if hard else '-S '}-n 40"
    given = command_line("download", "dataset", "ref_african_crops_kenya_02", "--output-dir", str(tmp_path))
    done = subprocess.run(
        ["sh", "-c", f'{limit}; exec "$@"', "sh", *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if hard else 0), done.stderr
    assert ("Too many open files\n  let programs open more files: `ulimit -n 4096`" in done.stderr) == hard
