"""The manual: topics that are read, searched and written as man pages; what it shows is true."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from mlhub_tui import manual
from mlhub_tui.auth import ProfilesFile
from mlhub_tui.cli import root
from mlhub_tui.cli.manual import commands_of, text_of
from mlhub_tui.config.config import table
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.commands import key_table
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

from .conftest import Run

README = Path(__file__).parents[2] / "README.md"


def texts() -> list[tuple[str, str]]:
    """Return all topics as they are printed, and the README."""
    assert isinstance(root, click.Group)
    return [("README", README.read_text()), *((topic, text_of(topic, root)) for topic in manual.TOPICS)]


def test_every_topic_is_printed_as_markdown_in_a_pipe(run: Run) -> None:
    for topic in manual.TOPICS:
        text = run("help", topic).stdout
        assert text.startswith("# ")
        assert "{{" not in text
    assert [line.split()[0] for line in run("help").stdout.splitlines()] == [*manual.TOPICS]


def test_the_tables_are_those_of_the_program(run: Run) -> None:
    assert key_table() in run("help", "keyboard").stdout
    assert table() in run("help", "configuration").stdout
    reference = run("help", "commands").stdout
    for path in ("mlhub-tui download dataset", "mlhub-tui queue pause", "mlhub-tui help"):
        assert f"\n## {path}\n" in reference


def test_a_command_is_explained_and_a_mistyped_topic_gets_a_guess(run: Run) -> None:
    assert "Usage: mlhub-tui search" in run("help", "search").stdout
    wrong = run("help", "dwnloads", code=2)
    assert "Did you mean 'downloads'?" in wrong.stderr


def test_a_search_names_topic_heading_and_line(run: Run) -> None:
    lines = run("help", "--search", "no_proxy").stdout.splitlines()
    assert any(line.startswith("configuration: Environment variables: ") for line in lines)
    assert run("help", "downloads", "--search", "NO_PROXY").exit_code == 1
    assert run("help", "--search", "no such words anywhere").exit_code == 1


ITEMS = [f"i{number}" for number in range(3)]


def answers(request: Request) -> Answer:
    """Answer as a STAC API that has any collection, each with the same items, and finds them all."""
    root = f"http://{request.headers['host']}"
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    document = {"stac_version": "1.0.0", "description": "d", "license": "other", "links": []}
    classes = [
        "core",
        "collections",
        "ogcapi-features",
        "item-search",
        "item-search#filter",
        "item-search#sort",
    ]
    links = [{"rel": "data", "href": f"{root}/collections"}, {"rel": "search", "href": f"{root}/search"}]
    box = {"type": "Polygon", "coordinates": [[[-77, 38], [-76, 38], [-76, 39], [-77, 39], [-77, 38]]]}
    matched = re.fullmatch(r"/collections/([^/]+)(/items)?(?:/([^/]+))?", request.path)
    wanted = (request.body or {}).get("collections") or request.query.get("collections") or ["naip"]
    identity = matched[1] if matched else wanted[0]
    items = [
        {
            **document,
            "type": "Feature",
            "id": name,
            "collection": identity,
            "bbox": [-77, 38, -76, 39],
            "geometry": box,
            "properties": {"datetime": "2021-03-01T00:00:00Z"},
            "assets": {"image": {"href": f"{root}/{name}.tif"}, "thumbnail": {"href": f"{root}/{name}.png"}},
        }
        for name in ITEMS
    ]
    collection = {**document, "type": "Collection", "id": identity, "title": "kenya", "extent": extent}
    page = {"type": "FeatureCollection", "features": items, "links": []}
    if request.path in ("", "/"):
        conforms = [f"https://api.stacspec.org/v1.0.0/{name}" for name in classes]
        conforms.append("http://www.opengis.net/spec/cql2/1.0/conf/cql2-text")
        return as_json({**document, "type": "Catalog", "id": "r", "links": links, "conformsTo": conforms})
    if request.path == "/collections":
        return as_json({"collections": [collection], "links": []})
    if request.path == "/search" or (matched and matched[2] and not matched[3]):
        return as_json(page)
    if matched:
        named = next((item for item in items if item["id"] == matched[3]), None)
        return as_json(named or collection)
    return Answer(200, b"II*\0", {"Content-Type": "image/tiff"})


@pytest.fixture
def place(
    on_sample: SampleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mapping[str, str]]:
    """Give a folder with the files that the manual names, and what its placeholders stand for.

    Public sources and those of other organisations are one on loopback.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MINE_TOKEN", "token-of-the-manual")
    (tmp_path / "data").mkdir()
    shape = {"type": "Point", "coordinates": [-76.5, 38.5]}
    (tmp_path / "area.geojson").write_text(json.dumps(shape))
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "saved", "description": "d", "links": []}
    for archive in (tmp_path / "catalog.tar.gz", tmp_path / "data" / "catalog.tar.gz"):
        with tarfile.open(archive, "w:gz") as tar:
            found = tarfile.TarInfo("catalog.json")
            found.size = len(content := json.dumps(catalog).encode())
            tar.addfile(found, io.BytesIO(content))
    with LoopbackServer(answers) as api:
        file = ProfilesFile.load()
        file.save("team", api_key=on_sample.key, root_url=on_sample.root_url)
        for name in ("earth-search", "planetary-computer"):
            file.save(name, kind="stac-api", root_url=f"{api.url}/")
        file.save("default", api_key=on_sample.key, root_url=on_sample.root_url)
        kenya, item = "ref_african_crops_kenya_02", "ref_african_crops_kenya_02_tile_00_label"
        yield {
            r"https://(?:data|stac)\.example\.org/[\w./]+": f"{api.url}/",
            r"COLLECTION\.\.\.": f"{kenya}_labels",
            r"item COLLECTION ITEM --asset B04": f"item {kenya}_labels {item} --asset labels",
            r"COLLECTION ITEM": f"{kenya}_labels {item}",
            r"items COLLECTION": "items naip",
            r"COLLECTION": f"{kenya}_labels",
            r"SOURCE=B04,B08 --collection LABELS": f"{kenya}_source=B04,B08 --collection {kenya}_labels",
            r"DATASET": kenya,
            r"/scratch": str(tmp_path / "scratch"),
            r"~": str(tmp_path),
            r"queue log 3": "queue log 1",
            r"sources add earth-search": "sources add earth-search --replace",
            r"--port 8600": "--port 70000",  # refused: it would serve until Ctrl+C
        }


def lines_of_shell(text: str) -> Iterator[str]:
    """Yield the commands of this program in the shell examples of a text."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        yield from (line for line in block.splitlines() if re.match(r"(\w+=\S+ )?mlhub-tui", line))


def expected_code(line: str) -> int:
    """Return the exit code of an example where there is no terminal to start the app in."""
    starts_app = not re.search(r"mlhub-tui (--debug |--source \S+ )?[a-z]", line)
    return 2 if starts_app or "--port" in line else 0


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        pytest.param(*each, id=each[0], marks=[pytest.mark.slow] if each[0] == "datasets" else [])
        for each in texts()
        if any(lines_of_shell(each[1]))
    ],
)
def test_every_command_of_the_manual_runs(topic: str, text: str, run: Run, place: Mapping[str, str]) -> None:
    for line in lines_of_shell(text):
        typed = line
        for placeholder, meant in place.items():
            typed = re.sub(placeholder, meant, typed)
        words = shlex.split(typed.partition(" | ")[0].partition(" > ")[0], comments=True)
        arguments = words[words.index("mlhub-tui") + 1 :]
        cluster = "--engine" in arguments  # that of a test of its own
        result = run(*arguments, *(["--help"] if cluster else []), input="a-key-of-the-manual\ny\n")
        expected = 0 if cluster else expected_code(line)
        assert result.exit_code == expected, f"{topic}: {line}: {result.stdout[-200:]}{result.stderr}"


def pieces_of_python() -> Iterator[tuple[str, str]]:
    """Yield the examples in Python, with their topics."""
    for topic, text in texts():
        yield from ((topic, block) for block in re.findall(r"```python\n(.*?)```", text, re.S))


@pytest.mark.parametrize(
    ("topic", "code"),
    [pytest.param(*each, id=each[0]) for each in pieces_of_python() if each[0] != "cluster"],
)
def test_every_piece_of_python_runs(topic: str, code: str, place: Mapping[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{topic}: {done.stderr}"
    assert list((tmp_path / "data").glob("*.tar.gz"))


def test_what_needs_other_packages_is_python_at_least() -> None:
    for topic, code in pieces_of_python():
        compile(code, topic, "exec")


def test_every_topic_that_is_named_exists() -> None:
    for topic, text in texts():
        for name in re.findall(r"`mlhub-tui help ([a-z-]+)`", text):
            assert name in manual.TOPICS, f"{topic}: {name}"


def test_there_is_a_man_page_for_each_command_without_warnings_of_roff(run: Run, tmp_path: Path) -> None:
    pages = [Path(line) for line in run("help", "--man", tmp_path / "man1").stdout.splitlines()]
    assert isinstance(root, click.Group)
    context = click.Context(root, info_name="mlhub-tui", **root.context_settings)
    names = {"mlhub-tui", *(own.command_path.replace(" ", "-") for _, own in commands_of(root, context))}
    assert {page.name for page in pages} == {f"{name}.1" for name in names}
    if shutil.which("groff"):
        for page in pages:
            command = ["groff", "-ww", "-man", "-Tutf8", str(page)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stderr) == (0, ""), page.name
            assert "S\x08SY\x08YN\x08N" in done.stdout  # SYNOPSIS, in bold


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150
