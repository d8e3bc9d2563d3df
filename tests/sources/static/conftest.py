"""Fixtures of static catalogs: on disk, and served on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from mlhub_tui.http.session import Session
from mlhub_tui.sources.static.source import StaticSource
from tests.http.patience import Patience
from tests.support.http_server import Answer, LoopbackServer, Request

from .grow import Files, encoded, plant

Open = Callable[..., StaticSource]
Serve = Callable[[Files], LoopbackServer]
Locate = Callable[[Files], str]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Yield what opens sources that wait for nothing and are closed at the end."""
    sources: list[StaticSource] = []

    def open_source(location: str | Path, **options: Any) -> StaticSource:
        web = str(location).startswith("http")
        root = urljoin(str(location), "/") if web else "https://nowhere.invalid/"
        session = options.pop("session", None) or Session(root_url=root, retry=Patience().policy())
        source = StaticSource(str(location), session, **options)
        sources.append(source)
        return source

    yield open_source
    for source in sources:
        await source.aclose()


@pytest.fixture
def served() -> Iterator[Serve]:
    """Yield what serves files on loopback; a value that is callable answers for itself."""
    with ExitStack() as stack:

        def serve(files: Files) -> LoopbackServer:
            def answer(asked: Request) -> Answer:
                found = files.get(asked.path.lstrip("/"))
                if found is None:
                    return Answer(404)
                if callable(found):
                    made = found(asked)
                    assert isinstance(made, Answer)
                    return made
                return Answer(200, encoded(found), {"Content-Type": "application/json"})

            return stack.enter_context(LoopbackServer(answer))

        yield serve


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[Files], Path]:
    """Return what writes files into a folder."""
    return lambda files: plant(tmp_path / "catalog", files)


@pytest.fixture(params=["folder", "server"])
def location(request: pytest.FixtureRequest, tmp_path: Path, served: Serve) -> Locate:
    """Return what puts a catalog into a folder or on a server, and says where it is."""

    def put(files: Files) -> str:
        if request.param == "server":
            return f"{served(files).url}/catalog.json"
        return str(plant(tmp_path / "files", files))

    return put
