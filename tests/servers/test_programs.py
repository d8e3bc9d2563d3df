"""The whole program on real servers: the command line, a download, and the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlhub_tui.auth import Kind, for_location
from mlhub_tui.cli import root
from mlhub_tui.http.session import Session
from mlhub_tui.options import AppOptions
from mlhub_tui.queue.run_job import fetch_asset
from mlhub_tui.sources.probe import probe
from mlhub_tui.sources.stac.api_source import STACAPISource

from ..ui.conftest import driven
from .conftest import BYTES, SERVERS, Server
from .recorded_data import HERE

pytestmark = SERVERS


@pytest.fixture(params=["pgstac", "rustac"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return either server."""
    found: Server = request.getfixturevalue(request.param)
    return found


async def test_a_server_is_known_for_what_it_is(server: Server) -> None:
    found = await probe(for_location(server.root))
    assert found.kind is Kind.STAC_API


async def test_an_asset_is_downloaded(server: Server, tmp_path: Path) -> None:
    source = STACAPISource(Session(root_url=server.root))
    item = await source.item("naip", HERE)
    path = await fetch_asset(source, item, "data", tmp_path)
    await source.aclose()
    assert path == tmp_path / "naip" / HERE / "data.tif"
    assert path.read_bytes() == BYTES


def test_the_command_line_lists_and_searches(server: Server) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(root, arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    loaded = {raw["id"]: raw for raw in server.data.items_of("landsat-c2-l2")}
    listed = json.loads(run("--source", server.root, "list", "items", "landsat-c2-l2", "--json"))
    assert {item["id"] for item in listed} == set(loaded)
    found = json.loads(run("search", server.root, "-c", "landsat-c2-l2", "--limit", "3", "--geojson"))
    assert len(found["features"]) == 3
    urls = run("search", server.root, "-c", "naip", "--ids", HERE, "--urls").splitlines()
    assert urls == [server.data.items["naip", HERE]["assets"]["data"]["href"]]


async def test_the_app_shows_its_collections_and_items(server: Server) -> None:
    async with driven(AppOptions(source=server.root), size=(120, 40)) as app:
        await app.until("aster-l1t")
        await app.press("slash")
        await app.type("naip")
        await app.press("enter")
        await app.until("National Agriculture Imagery Program")
        await app.press("i")
        await app.until(HERE)
