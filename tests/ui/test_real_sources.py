"""Browse on real sources of every kind: a recorded STAC API, and static catalogs wherever they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.models import Entry
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from tests.support import stac
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

from ..sources.stac_replay import STACReplay
from ..sources.static.grow import catalog, encoded, forest, link, pack, plant
from .conftest import Driver, driven
from .test_browse import tree_of


def current_id(driver: Driver) -> str:
    """Return the id under the cursor."""
    row = tree_of(driver).current
    return row.data.id if row is not None and isinstance(row.data, Entry) else ""


def files() -> dict[str, Any]:
    """Return a catalog with all that may go wrong below its root."""
    found = forest(2, 300)
    links = found["catalog.json"]["links"]
    links += [
        link("child", "./broken.json", title="Broken one"),
        link("child", "./missing.json", title="Missing one"),
        link("child", "./loop/catalog.json", title="Loop"),
    ]
    found["broken.json"] = b"{nope"
    found["loop/catalog.json"] = catalog("loop", link("child", "../catalog.json", title="Root again"))
    return found


def served(asked: Request) -> Answer:
    """Answer with the files."""
    found = files().get(asked.path.lstrip("/"))
    return Answer(200, encoded(found), {"Content-Type": "application/json"}) if found else Answer(404)


async def walk(driver: Driver) -> None:
    """Go down to the items of a static catalog, and look at one."""
    await driver.until("regions")
    await driver.press("j", "l", then="c1")
    await driver.press("j", "l", then="c0-0010")
    await driver.press("j", "j", then=lambda: current_id(driver) == "c0-0001")
    await driver.until("Collection c0")
    await driver.press("slash")
    await driver.type("0012", then=(" found, filtering the 2", "c0-0012"))
    await driver.press("enter", "escape")
    await driver.press("i", then=("250 items of 300, more below", "c0-0003  2020-01-01  1"))
    await driver.press("G", then="300 items of 300")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["folder", "archive", "server"])
async def test_a_static_catalog_is_browsed_wherever_it_lies(tmp_path: Path, where: str) -> None:
    with LoopbackServer(served) as server:
        if where == "folder":
            location = str(plant(tmp_path / "catalog", files()))
        elif where == "archive":
            location = str(pack(tmp_path / "catalog.tar.gz", files()))
        else:
            location = f"{server.url}/catalog.json"
        async with driven(AppOptions(source=location, output_dir=tmp_path)) as driver:
            await walk(driver)
            await driver.until(lambda: "static" in driver.screen().splitlines()[0])


async def test_what_is_wrong_in_a_static_catalog_is_said_in_its_place(tmp_path: Path) -> None:
    folder = plant(tmp_path / "catalog", files())
    async with driven(AppOptions(source=str(folder), output_dir=tmp_path), (140, 40)) as driver:
        await driver.until("Broken one  ! the document is not JSON", "Missing one  ! not found")
        await driver.press("j", "j", "l", then="try again (enter)")
        (folder / "broken.json").write_bytes(encoded(catalog("mended", link("item", "./x/x.json"))))
        await driver.press("j", "j", "enter", then=("└   x", lambda: "not JSON" not in driver.screen()))
        await driver.press("G", "l", then=lambda: "leads back to itself" in driver.screen())


async def test_a_recorded_stac_api_is_browsed(stac_recorded: Path, tmp_path: Path) -> None:
    with STACReplay(stac_recorded, "planetarycomputer.microsoft.com") as server:
        options = AppOptions(source=f"{server.url}/api/stac/v1/", output_dir=tmp_path)
        async with driven(options, (120, 40), then="Collections  ") as driver:
            await driver.until(lambda: tree_of(driver).started and tree_of(driver).tree_model.top.complete)
            await driver.until(lambda: "STAC API" in driver.screen().splitlines()[0])
            assert tree_of(driver).tree_model.top.loaded > 30
            await driver.press("slash")
            await driver.type("naip", then="found, filtering the")
            await driver.press("enter", then=lambda: current_id(driver) == "naip")
            await driver.until("Licence")
            await driver.press("enter", then=DocumentScreen)
            await driver.press("J", then='"type": "Collection"')
            await driver.press("escape")


def pages(asked: Request) -> Answer:
    """Answer as an API of 25 collections in pages of 10, each with 5 items in pages of 2."""
    root = f"http://{asked.headers['Host']}/"
    conforms = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/collections"]
    data = {"rel": "data", "href": f"{root}collections", "type": "application/json"}
    if asked.path == "/":
        return as_json(stac.catalog("small", data, title="Small API", conformsTo=conforms))
    start = int(asked.query.get("from", ["0"])[0])
    parts = asked.path.strip("/").split("/")
    if parts == ["collections"]:
        found = [_collection(n) for n in range(start, min(start + 10, 25))]
        links = [_next(f"{root}collections?from={start + 10}")] if start + 10 < 25 else []
        return as_json({"collections": found, "links": links, "numberMatched": 25})
    if len(parts) == 2:
        return as_json(_collection(int(parts[1][1:])))
    if len(parts) != 3:
        return Answer(404)
    found = [_item(parts[1], n) for n in range(start, min(start + 2, 5))]
    links = [_next(f"{root}{'/'.join(parts)}?from={start + 2}")] if start + 2 < 5 else []
    return as_json({"type": "FeatureCollection", "features": found, "links": links, "numberMatched": 5})


def _next(href: str) -> dict[str, str]:
    return {"rel": "next", "href": href, "type": "application/geo+json", "method": "GET"}


def _collection(number: int) -> dict[str, Any]:
    return stac.collection(f"c{number}", title=f"Number {number}")


def _item(collection: str, number: int) -> dict[str, Any]:
    return stac.item(f"{collection}-{number}", collection, assets={"data": {"href": f"./{number}.tif"}})


async def test_the_pages_of_a_stac_api_come_as_they_are_reached(tmp_path: Path) -> None:
    with LoopbackServer(pages) as server:
        async with driven(AppOptions(source=f"{server.url}/", output_dir=tmp_path)) as driver:
            await driver.until("Collections  10 of 25")
            await driver.press("G", then="Collections  20 of 25")
            await driver.press("G", then="Collections  25")
            await driver.press("G", "l", then="c24-0")
            await driver.press("j", "j", "j", then=lambda: current_id(driver) == "c24-2")
            await driver.press("j", then="c24-3")
            await driver.press("g", then=("Small API", "Collections  25"))
