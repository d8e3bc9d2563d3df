"""Fixtures: stac-fastapi on pgstac and rustac, loaded with what production services answered."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlhub_tui.http.session import Session
from mlhub_tui.sources.stac.api_source import STACAPISource
from tests.support.http_server import Answer, LoopbackServer, Request

from .needs import environment
from .postgres import need_postgres, private_postgres
from .processes import free_port, serving
from .recorded_data import Recorded, write_lines

SERVERS = [pytest.mark.servers, pytest.mark.xdist_group("servers"), pytest.mark.timeout(600)]
"""The marks of a test that needs a server: one process starts them, and the first test waits for that."""
BYTES = bytes(range(256)) * 64
RUSTAC_COLLECTIONS = ("aster-l1t", "landsat-c2-l2", "naip", "sentinel-2-l2a")
"""The collections with items that rustac reads; it refuses the documents of some others."""


@dataclass(frozen=True)
class Server:
    """A server and what is in it."""

    root: str
    data: Recorded


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the servers' programs; nothing is installed where they could not run."""
    need_postgres()
    return environment(pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def files() -> Iterator[LoopbackServer]:
    """Yield a server of the bytes of assets."""

    def answer(asked: Request) -> Answer:
        return Answer(200, BYTES, {"Content-Type": "image/tiff", "ETag": '"one"'})

    with LoopbackServer(answer) as server:
        yield server


@pytest.fixture(scope="session")
def stac_data(stac_recorded: Path, files: LoopbackServer) -> Recorded:
    """Return what the servers are loaded with."""
    data = Recorded.load(stac_recorded)
    data.add_item_here("naip", files.url)
    return data


@pytest.fixture(scope="session")
def pgstac(stac_data: Recorded, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield stac-fastapi on pgstac with all recorded collections, and their items that have a place."""
    folder = tmp_path_factory.mktemp("pgstac")
    collections = write_lines(folder / "collections.ndjson", list(stac_data.collections.values()))
    items = write_lines(folder / "items.ndjson", list(stac_data.items.values()))
    with private_postgres() as environ:
        _pypgstac(programs, environ, "migrate")
        _pypgstac(programs, environ, "load", "collections", str(collections), "--method", "upsert")
        _pypgstac(programs, environ, "load", "items", str(items), "--method", "upsert")
        port = free_port()
        app = "stac_fastapi.pgstac.app:create_app"
        command = [str(programs / "uvicorn"), "--factory", app, "--host", "127.0.0.1", "--port", str(port)]
        with serving(command, port, folder / "log", environ):
            yield Server(f"http://127.0.0.1:{port}/", stac_data)


def _pypgstac(programs: Path, environ: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [str(programs / "pypgstac"), *arguments], env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-800:]


@pytest.fixture(scope="session")
def rustac(stac_data: Recorded, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield rustac with a few of the recorded collections and their items."""
    if not (programs / "rustac").exists():
        pytest.skip("rustac is not installed")
    folder = tmp_path_factory.mktemp("rustac")
    paths = []
    for identity in RUSTAC_COLLECTIONS:
        paths.append(folder / f"{identity}.json")
        paths[-1].write_text(json.dumps(stac_data.collections[identity]))
    paths.append(folder / "items.json")
    features = stac_data.items_of(*RUSTAC_COLLECTIONS)
    paths[-1].write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    port = free_port()
    command = [str(programs / "rustac"), "serve", "-a", f"127.0.0.1:{port}", *map(str, paths)]
    with serving(command, port, folder / "log"):
        yield Server(f"http://127.0.0.1:{port}/", stac_data)


@pytest.fixture
async def pgstac_source(pgstac: Server) -> AsyncIterator[STACAPISource]:
    """Yield a source over stac-fastapi."""
    source = STACAPISource(Session(root_url=pgstac.root))
    yield source
    await source.aclose()


@pytest.fixture
async def rustac_source(rustac: Server) -> AsyncIterator[STACAPISource]:
    """Yield a source over rustac."""
    source = STACAPISource(Session(root_url=rustac.root))
    yield source
    await source.aclose()
