"""What the filter and the facets know of datasets only because their collections state it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.tree_dialogs import FacetScreen
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.widgets.line_view import PickList

from ...sources.static.grow import catalog, collection, link, plant
from ...support.http_server import Answer, HTTPServer, Request, as_json
from ..conftest import Driver, driven
from ..test_browse import current, shown_datasets, tree_of


def extent(start: str, end: str | None, *box: float) -> dict[str, Any]:
    """Return an extent of whole years."""
    interval = [f"{start}-01-01T00:00:00Z", end and f"{end}-12-31T00:00:00Z"]
    return {"spatial": {"bbox": [box or [0, 0, 1, 1]]}, "temporal": {"interval": [interval]}}


def dataset(identity: str, *collections: str) -> dict[str, Any]:
    """Return the record of a dataset, which has no dates."""
    parts = [{"id": one, "types": ["labels"]} for one in collections]
    return {"id": identity, "title": f"Title of {identity}", "collections": parts}


DATASETS = [dataset("old", "old_labels"), dataset("recent", "recent_labels", "recent_more")]
COLLECTIONS = [
    {"id": "old_labels", "extent": extent("2009", "2010")},
    {
        "id": "recent_labels",
        "extent": extent("2017", "2019"),
        "summaries": {"platform": ["sentinel-2a"], "label:tasks": ["segmentation"]},
    },
    {"id": "recent_more", "extent": extent("2019", "2020")},
]


class API(HTTPServer):
    """An MLHub API whose listing of collections waits for `gate`, and fails while `status` says so."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.status = 200
        self.datasets = DATASETS

    def answer(self, request: Request) -> Answer:
        """Answer a listing; of documents there are none."""
        if request.path == "/collections":
            self.gate.wait()
            return as_json({"collections": COLLECTIONS}, self.status)
        listed = {"/datasets": self.datasets, "/models": []}.get(request.path)
        return as_json({"detail": "not here"}, 404) if listed is None else as_json(listed)

    @property
    def listings(self) -> int:
        """How often the collections were listed."""
        return [request.path for request in self.requests].count("/collections")


@pytest.fixture
def api() -> Iterator[API]:
    """Return an API; whatever waits in it ends with the test."""
    with API() as server:
        try:
            yield server
        finally:
            server.gate.set()


def found(driver: Driver) -> list[str]:
    """Return the ids of the datasets that are shown."""
    return [one.id for one in shown_datasets(tree_of(driver))]


async def filtered(driver: Driver, words: str) -> None:
    """Type a filter."""
    await driver.press("slash", then="id, title, tag or DOI")
    await driver.type(words, then=lambda: tree_of(driver).filter == words)


def options_of(api: API, folder: Path) -> AppOptions:
    """Return options that lead to an API."""
    return AppOptions(api_key="k", root_url=f"{api.origin}/", output_dir=folder)


async def test_datasets_are_found_by_the_years_of_their_collections_once_these_are_read(
    api: API, tmp_path: Path
) -> None:
    async with driven(options_of(api, tmp_path), then="Title of recent") as driver:
        assert api.listings == 0, "nothing more is asked at the start"
        await filtered(driver, "2018")
        await driver.until("nothing matches", "Reading collections for years")
        api.gate.set()
        await driver.until(lambda: found(driver) == ["recent"], "year: 2018", "Read 3 collections")
        await driver.press("enter", then=lambda: current(tree_of(driver)).id == "recent")
        await driver.press("escape", then=lambda: len(found(driver)) == 2)
        await driver.press("f", then=FacetScreen)
        picks = driver.app.screen.query_one(PickList)
        offered = {one.key: one.figures for one in picks.lines}
        wanted = {"year=2019": "1", "year=2010": "1", "sensor=sentinel-2a": "1", "task=segmentation": "1"}
        assert offered.items() >= wanted.items()
        await driver.type("2010", then=lambda: picks.current is not None and picks.current.name == "2010")
        await driver.press("enter", then=lambda: found(driver) == ["old"])
        assert api.listings == 1


async def test_the_cursor_stays_on_what_comes_near_while_collections_are_read(
    api: API, tmp_path: Path
) -> None:
    async with driven(options_of(api, tmp_path), then="Title of recent") as driver:
        await filtered(driver, "ttle")
        await driver.until("2 near of 2")
        await driver.press("enter", then=lambda: current(tree_of(driver)).id == "old")
        await driver.press("j")
        row = tree_of(driver).current
        assert row is not None and current(tree_of(driver)).id == "recent"
        api.gate.set()
        await driver.until(lambda: "2018" in row.searched)
        await driver.until(lambda: not tree_of(driver).is_looking)
        await driver.pilot.pause()
        assert tree_of(driver).current is row


async def test_the_cursor_leaves_what_only_came_near_once_something_matches(api: API, tmp_path: Path) -> None:
    api.datasets = [dataset("sen-tinel", "old_labels"), dataset("recent", "recent_labels")]
    async with driven(options_of(api, tmp_path), then="Title of recent") as driver:
        await filtered(driver, "sentinel")
        await driver.until("1 near of 2")
        await driver.press("enter", then=lambda: current(tree_of(driver)).id == "sen-tinel")
        api.gate.set()
        await driver.until(lambda: found(driver) == ["recent"])
        await driver.until(lambda: current(tree_of(driver)).id == "recent")


async def test_facets_open_at_once_and_fill_when_the_collections_are_read(api: API, tmp_path: Path) -> None:
    async with driven(options_of(api, tmp_path), then="Title of recent") as driver:
        await driver.press("f", then=(FacetScreen, "labels"))
        keys = [one.key for one in driver.app.screen.query_one(PickList).lines]
        assert not any(key.startswith("year=") for key in keys)
        api.gate.set()
        await driver.until("2017", "sentinel-2a")


async def test_where_collections_cannot_be_read_the_filter_says_so_and_tries_again(
    api: API, tmp_path: Path, hasty: None
) -> None:
    api.status = 500
    api.gate.set()
    async with driven(options_of(api, tmp_path), then="Title of recent") as driver:
        await filtered(driver, "old")
        await driver.until("Years, sensors and tasks are unknown", lambda: found(driver) == ["old"])
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, BrowseScreen) and len(found(driver)) == 2)
        api.status = 200
        await filtered(driver, "2018")
        await driver.until(lambda: found(driver) == ["recent"])


async def test_a_filter_that_was_left_in_force_finds_them_too_also_after_a_reload(
    api: API, tmp_path: Path
) -> None:
    api.gate.set()
    async with driven(options_of(api, tmp_path), then="Title of recent") as driver:
        await filtered(driver, "year=2018")
        await driver.until(lambda: found(driver) == ["recent"])
        await driver.press("enter", then="esc clears")
        await driver.press("r", then=(lambda: api.listings == 2, lambda: found(driver) == ["recent"]))
        await driver.press("q", then=lambda: driver.app.return_code == 0)
    async with driven(options_of(api, tmp_path)) as driver:
        await driver.until("year=2018", lambda: found(driver) == ["recent"])


async def test_the_sample_is_found_by_place_and_year(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        for words in ("uzbekistan", "2018"):
            await filtered(driver, words)
            await driver.until(lambda: "idiv_asia_crop_type" in found(driver) and len(found(driver)) < 45)
            await driver.press("escape", then=lambda: len(found(driver)) == 45)


async def test_collections_of_a_static_catalog_are_found_by_place_year_and_sensor(tmp_path: Path) -> None:
    root = catalog("root", link("child", "./a/a.json", title="A"), link("child", "./b/b.json", title="B"))
    there = extent("2017", "2019", 33.9, -0.4, 35.2, 0.9)
    kenya = collection("a", extent=there, summaries={"platform": ["s2"]})
    asia = collection("b", extent=extent("2020", "2020", 66, 40, 67, 41))
    folder = plant(tmp_path / "c", {"catalog.json": root, "a/a.json": kenya, "b/b.json": asia})
    async with driven(AppOptions(source=str(folder), output_dir=tmp_path)) as driver:
        await driver.until("A", "B", lambda: tree_of(driver).tree_model.top.loaded == 2)
        for words in ("2018", "kenya", "s2"):
            await filtered(driver, words)
            await driver.until("1 found, filtering")
            await driver.press("escape", then=lambda: tree_of(driver).filter == "")
