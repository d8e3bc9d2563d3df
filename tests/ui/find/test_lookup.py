"""Looking up what is not loaded yet, in each kind of source, and the way to it in the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.auth import Kind, for_location
from mlhub_tui.errors import EntityDoesNotExist, NotOffered
from mlhub_tui.options import AppOptions
from mlhub_tui.sources.open_source import open_source
from mlhub_tui.ui.catalog.lookup import doi_of, is_url, look_up, plain
from mlhub_tui.ui.state import HISTORY_SIZE, HistoryEntry, NavigationHistory

from ..conftest import driven
from ..source_steps import write_catalog
from ..stac_service import Service
from .test_finding import goto, is_at


@pytest.mark.parametrize(
    "typed",
    ["10.34911/rdnt.x", "doi:10.34911/rdnt.x", "https://doi.org/10.34911/rdnt.x", " doi: 10.34911/rdnt.x"],
)
def test_a_doi_is_known_in_all_its_forms(typed: str) -> None:
    assert doi_of(typed) == "10.34911/rdnt.x"
    assert plain(typed) == "10.34911/rdnt.x"
    assert not is_url(typed)


@pytest.mark.parametrize("typed", ["kenya", "10.5", "https://stac.example/10.34911/x", "a/10.34911/x", ""])
def test_what_is_no_doi_is_none(typed: str) -> None:
    assert doi_of(typed) == ""


async def test_an_item_of_an_api_is_found_by_its_id_alone(tmp_path: Path) -> None:
    service = Service(number=250)
    with service.server:
        source = open_source(for_location(service.root, kind=Kind.STAC_API))
        items = f"{service.root}collections/scenes/items"
        for typed in ("scene-00000", "scenes/scene-00007", f"{items}/scene-00007"):
            found = await look_up(typed, source)
            assert found.entry.id == typed.rpartition("/")[2]
            assert found.path == ("group:collections", "collection:scenes", f"item:{found.entry.id}")
        assert (await look_up("scenes", source)).path == ("group:collections", "collection:scenes")
        with pytest.raises(EntityDoesNotExist, match="nothing here is called"):
            await look_up("10.34911/rdnt.x", source)
        with pytest.raises(NotOffered):
            await look_up("https://elsewhere.example/x", source)
        await source.aclose()


async def test_the_way_to_an_item_leads_over_further_pages(tmp_path: Path) -> None:
    service = Service(number=350)
    with service.server:
        async with driven(AppOptions(source=service.root, output_dir=tmp_path), then="Scenes") as driver:
            await goto(driver, "scenes/scene-00330", lambda: is_at(driver, "scene-00330"))


async def test_a_document_of_a_static_catalog_is_gone_to_by_id_and_place(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "catalog")
    source = open_source(for_location(str(root), kind=Kind.STATIC))
    by_place = await look_up((tmp_path / "catalog" / "x" / "collection.json").as_uri(), source)
    by_id = await look_up(by_place.entry.id, source)
    assert by_id.entry == by_place.entry
    with pytest.raises(EntityDoesNotExist):
        await look_up("nowhere", source)
    await source.aclose()
    async with driven(AppOptions(source=str(root), output_dir=tmp_path), then="wheat") as driver:
        await goto(driver, by_id.entry.id)


# The trail


def stop(name: str) -> HistoryEntry:
    """Return a place."""
    return HistoryEntry("source", (name,))


def test_one_goes_back_over_what_was_visited_and_forward_again() -> None:
    trail = NavigationHistory()
    for name in "abbc":
        trail.visit(stop(name))
    assert [one.path[0] for one in trail.stops] == ["a", "b", "c"]
    assert trail.go(stop("c"), -1) == stop("b")
    assert trail.go(stop("b"), -1) == stop("a")
    assert trail.go(stop("a"), -1) is None
    assert trail.go(stop("a"), 1) == stop("b")
    trail.visit(stop("d"))
    assert trail.go(stop("d"), 1) is None, "what was ahead is forgotten"
    assert trail.go(stop("d"), -1) == stop("b")


def test_a_place_one_went_to_by_hand_is_come_back_to() -> None:
    trail = NavigationHistory()
    trail.visit(stop("a"))
    trail.visit(stop("b"))
    assert trail.go(stop("x"), -1) == stop("b")
    assert trail.go(stop("b"), 1) == stop("x")


def test_the_trail_is_bounded() -> None:
    trail = NavigationHistory()
    for number in range(3 * HISTORY_SIZE):
        trail.visit(stop(str(number)))
    assert len(trail.stops) == HISTORY_SIZE
    assert trail.go(stop(str(3 * HISTORY_SIZE - 1)), -1) == stop(str(3 * HISTORY_SIZE - 2))
