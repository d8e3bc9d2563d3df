"""`S` finds collections in all known sources: source by source, none of which can spoil the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mlhub_tui.auth import ProfilesFile
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.catalog.source_search import FindScreen
from tests.support.http_server import Answer, LoopbackServer, Request

from ...sources.test_probe import COLLECTION, landing, serve
from ..conftest import Driver, driven
from ..source_steps import write_catalog

KENYA = {"bbox": [[36.0, -1.0, 37.0, 0.5]]}
TOKEN = "0123456789-a-token-of-profile-one"


@contextmanager
def api(name: str, *collections: str, gate: threading.Event | None = None) -> Iterator[LoopbackServer]:
    """Serve a STAC API with collections in Kenya, and save it as a profile."""
    pages: dict[str, Any] = {}

    def answer(request: Request) -> Answer:
        if gate is not None and request.path == "/collections":
            gate.wait()
        return serve(pages)(request)

    with LoopbackServer(answer) as server:
        extent = {"spatial": KENYA, "temporal": {"interval": [["2018-01-01T00:00:00Z", None]]}}
        listed = [{**COLLECTION, "id": one, "title": f"The {one}", "extent": extent} for one in collections]
        root = server.origin
        pages |= {"/": landing(root), "/collections": {"collections": listed, "links": []}}
        pages |= {f"/collections/{one['id']}": one for one in listed}
        key = {"token": f"{TOKEN}-{name}", "auth": "bearer"}
        ProfilesFile.load().save(name, root_url=root, kind="stac-api", **key)
        yield server


async def ask(driver: Driver, words: str) -> None:
    """Type words into the dialog; nothing is sent by that."""
    await driver.press("S", then=(FindScreen, "Enter searches"))
    await driver.type(words, then=words)


async def test_sources_are_searched_once_confirmed_each_with_its_own_key(tmp_path: Path) -> None:
    with api("first", "maize", "barley") as first, api("second", "wheat", "maize-two") as second:
        async with driven(
            AppOptions(source=str(write_catalog(tmp_path / "x")), output_dir=tmp_path)
        ) as driver:
            await driver.until("Fields of wheat")
            await ask(driver, "maize")
            assert not first.requests and not second.requests
            await driver.press("enter")
            await driver.until("first: 1 of 2 collections", "second: 1 of 2 collections", "maize-two")
            await driver.until("static x: 0 of 1 collection")
        for name, server in (("first", first), ("second", second)):
            sent = {str(request.headers.get("authorization")) for request in server.requests}
            assert sent == {f"Bearer {TOKEN}-{name}"}, "each key goes to its own source"


async def test_place_and_year_are_found_and_nothing_is_said_so(tmp_path: Path) -> None:
    with api("first", "maize"):
        async with driven(AppOptions(output_dir=tmp_path), then="first") as driver:
            await ask(driver, "kenya 2018")
            await driver.press("enter", then=("first: 1 of 1 collection", "The maize"))
            await driver.type(" snow")
            await driver.press("enter", then=("first: 0 of 1 collection", "Nothing in 1 source matches"))


async def test_a_source_that_fails_says_why_and_a_slow_one_does_not_hold_up_the_others(
    tmp_path: Path,
) -> None:
    gate = threading.Event()
    with ExitStack() as servers:
        servers.enter_context(api("slow", "maize-late", gate=gate))
        servers.callback(gate.set)
        servers.enter_context(api("quick", "maize"))
        broken = servers.enter_context(api("broken"))
        broken.handler = lambda _: Answer(403)
        async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="quick") as driver:
            await ask(driver, "maize")
            await driver.press("enter", then=("quick: 1 of 1 collection", "slow: searching…", "broken: !"))
            await driver.press("escape", then=("slow: stopped", "quick: 1 of 1 collection"))
            await driver.press("escape", then=lambda: not isinstance(driver.app.screen, FindScreen))


async def test_without_a_source_it_says_how_to_get_one(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.press("S", then=(FindScreen, "No source is known yet"))
        assert not driver.said()
