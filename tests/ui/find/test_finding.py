"""Finding one's way in Browse: filter, facets, order, ids and DOIs, favourites, back and forward."""

from __future__ import annotations

import gc
import json
import re
import warnings
from pathlib import Path

import pytest
from textual.events import Key
from textual.widgets import Input

from mlhub_tui.models import EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.catalog.catalog_tree import CatalogTree
from mlhub_tui.ui.dialogs.base import ListScreen
from mlhub_tui.ui.dialogs.tree_dialogs import FacetScreen, GotoScreen
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.state import AppState
from mlhub_tui.ui.terminal.characters import to_ascii
from mlhub_tui.ui.widgets.line_view import PickList
from tests.support.stac import catalog, collection, link

from ..conftest import Condition, Driver, driven
from ..test_browse import current, find, shown_datasets, tree_of

KENYA = "ref_african_crops_kenya_02"
_KEYS = {"\r": "enter", "/": "slash", "\x1b": "escape", "_": "underscore", " ": "space", "*": "asterisk"}


def packet(driver: Driver, text: str) -> None:
    """Type text in one go, as a slow line delivers what was typed."""
    for letter in text:
        driver.app.post_message(Key(_KEYS.get(letter, letter), letter))


async def ready(driver: Driver) -> CatalogTree:
    """Wait for the datasets."""
    await driver.until("BigEarthNet")
    return tree_of(driver)


async def goto(driver: Driver, typed: str, then: Condition | None = None) -> None:
    """Ask for an id, take the first line, and wait for what it leads to: the entry of that id."""
    await driver.press("ctrl+g", then=GotoScreen)
    screen = driver.app.screen
    assert isinstance(screen, GotoScreen)
    packet(driver, typed)
    await driver.until(lambda: screen.typed == typed, "look up")
    await driver.press("enter", then=then or (lambda: is_at(driver, typed)))


def is_at(driver: Driver, identity: str) -> bool:
    """Tell whether the cursor is on an entry of the tree in front."""
    tree = tree_of(driver)
    return (
        isinstance(driver.app.screen, BrowseScreen)
        and tree.subject is not None
        and tree.subject.entry.id == identity
    )


# The filter


async def test_a_match_in_a_field_that_is_not_drawn_is_named(options: AppOptions) -> None:
    async with driven(options, (140, 40)) as driver:
        await ready(driver)
        packet(driver, "/marine debris\r")
        await driver.until("1 of 45", "Marine Debris")
        packet(driver, "\x1b/dw605\r")
        await driver.until("doi: 10.34911/rdnt.dw605x", "esc clears")


async def test_what_comes_near_is_shown_where_nothing_holds_the_words(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        packet(driver, "/bigeanet\r")
        await driver.until("1 near of 45")
        await driver.until(lambda: current(tree).id == "bigearthnet_v1")
        packet(driver, "\x1b/bigearth\r")
        await driver.until("1 of 45")


async def test_the_cursor_goes_to_what_is_called_so_not_to_what_holds_it(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        packet(driver, "/landcovernet\r")
        await driver.until(lambda: tree.found_words.endswith("of 45 datasets") and not tree.is_looking)
        assert len(shown_datasets(tree)) > 3
        await driver.until(lambda: current(tree).title == "LandCoverNet")


async def test_the_filter_there_is_comes_up_selected_for_typing_to_replace_or_to_edit(
    options: AppOptions,
) -> None:
    async with driven(options) as driver:
        await find(driver, "kenya", then=("/ kenya", lambda: not isinstance(driver.app.focused, Input)))
        await driver.press("slash")
        await driver.type("mali", then="/ mali")
        await driver.press("enter", then=lambda: not isinstance(driver.app.focused, Input))
        await driver.press("slash", "end")
        await driver.type(" crop", then="/ mali crop")
        await driver.press("enter", then=lambda: not isinstance(driver.app.focused, Input))


async def test_keys_behind_the_enter_that_ends_the_filter_are_commands(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        packet(driver, "/kenya_02_labels\r*")
        await driver.until(lambda: tree.favourites)
        assert tree.filter == "kenya_02_labels"
        packet(driver, "\x1b/bigearth\rljj\x1b/sn7_train_lab\r\r")
        await driver.until(DocumentScreen, "sn7_train_labels")
        assert tree.filter == "sn7_train_lab"


async def test_keys_go_on_in_the_field_that_is_open_already(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await driver.press("slash", then="id, title, tag or DOI")
        packet(driver, "kenya\rl")
        await driver.until(lambda: tree.filter == "kenya" and not tree.is_looking)
        await driver.until(lambda: driver.app.focused is tree)
        assert tree.filter == "kenya"
        await driver.until(lambda: tree.current is not None and tree.current.is_open)


# Facets


async def test_facets_narrow_the_tree_and_say_how_many_are_left(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await driver.press("f", then=("source imagery", "Country or continent", "Africa"))
        picked = driver.app.screen.query_one(PickList)
        packet(driver, "zzz")
        await driver.until("no match")
        await driver.press("ctrl+u")
        packet(driver, "sentinel-1")
        await driver.until(lambda: picked.current is not None and picked.current.name == "sentinel-1")
        await driver.press("enter")
        await driver.until(lambda: tree.filter == "tag=sentinel-1", "Narrow: 13 of 45 datasets", "[x]")
        await driver.press("escape", then=(BrowseScreen, "/ tag=sentinel-1"))
        assert len(shown_datasets(tree)) == 13
        packet(driver, "/asia\r")
        await driver.until(lambda: tree.filter == "tag=sentinel-1 asia", "/ tag=sentinel-1 asia")
        assert 0 < len(shown_datasets(tree)) < 13
        await driver.press("escape", then=lambda: tree.filter == "" and len(shown_datasets(tree)) == 45)


async def test_places_are_found_that_only_the_extent_tells(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        packet(driver, "/uzbekistan\r")
        await driver.until(lambda: [one.id for one in shown_datasets(tree)][:1] == ["idiv_asia_crop_type"])
        await driver.press("escape")
        packet(driver, "/place=Kenya\r")
        await driver.until(lambda: tree.filter == "place=Kenya" and 0 < len(shown_datasets(tree)) < 9)


async def test_a_facet_that_was_ticked_is_unticked(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        packet(driver, "/tag=sentinel-1 type=labels\r")
        await driver.until(lambda: tree.filter == "tag=sentinel-1 type=labels")
        await driver.press("f", then=(FacetScreen, "[x] labels", "[x] sentinel-1"))
        await driver.press("enter", then=lambda: tree.filter == "tag=sentinel-1")


# The order


async def test_the_order_is_said_and_found_again(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await driver.press("z", then="by id")
        ids = [dataset.id.casefold() for dataset in shown_datasets(tree)]
        assert ids == sorted(ids)
        assert len(ids) == 45
        await driver.press("q", then=lambda: driver.app.return_code == 0)
    async with driven(options, then="by id") as driver:
        tree = tree_of(driver)
        await driver.until(lambda: [dataset.id.casefold() for dataset in shown_datasets(tree)] == ids)
        await driver.press("z", then="newest first")
        days = [dataset.raw["date_modified"] or "" for dataset in shown_datasets(tree)]
        assert days == sorted(days, reverse=True)
        await driver.press("z", then=lambda: "newest" not in driver.screen())
        titles = [dataset.title.casefold() for dataset in shown_datasets(tree)]
        assert titles == sorted(titles)


async def test_numbers_are_in_order_of_their_value(tmp_path: Path) -> None:
    names = ["Tile 10", "tile 2", "Tile 1", "Area 300", "area 4"]
    for name in names:
        (tmp_path / f"{name}.json").write_text(json.dumps(collection(name, title=name)))
    links = [link("child", f"{name}.json", title=name) for name in names]
    (tmp_path / "catalog.json").write_text(json.dumps(catalog("root", *links)))
    async with driven(AppOptions(source=str(tmp_path), output_dir=tmp_path), then="Area 300") as driver:
        await driver.press("z", then="by title")
        found = re.findall(r"(?i)(?:tile|area) \d+", "\n".join(driver.screen().splitlines()[1:9]))
        assert list(dict.fromkeys(found)) == ["area 4", "Area 300", "Tile 1", "tile 2", "Tile 10"]


async def test_a_filter_keeps_to_the_order(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await driver.press("z")
        packet(driver, "/ramp\r")
        await driver.until("by id", lambda: 1 < len(shown_datasets(tree)) < 45)
        ids = [dataset.id.casefold() for dataset in shown_datasets(tree)]
        assert ids == sorted(ids)


# Going to an id


@pytest.mark.parametrize(
    "typed",
    ["10.34911/rdnt.dw605x", "doi:10.34911/rdnt.dw605x", "https://doi.org/10.34911/RDNT.DW605X", KENYA],
)
async def test_a_dataset_is_gone_to_by_id_and_doi(options: AppOptions, typed: str) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await goto(driver, typed, lambda: is_at(driver, KENYA))


async def test_a_collection_is_gone_to_whose_dataset_is_closed_and_filtered_away(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        packet(driver, "/marine\r")
        await driver.until("1 of 45")
        await goto(driver, "sn7_train_labels")
        assert current(tree).kind is EntryKind.COLLECTION
        assert tree.filter == "", "it would hide it"


async def test_an_item_is_looked_up_and_loaded_where_it_stands(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        item = "ref_african_crops_kenya_02_tile_02_20190721"
        await goto(driver, f"{KENYA}_source/{item}", lambda: is_at(driver, item))
        assert current(tree).kind is EntryKind.ITEM


async def test_a_url_of_the_source_leads_to_its_document(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await goto(
            driver,
            f"{options.root_url}collections/sn7_train_labels",
            lambda: is_at(driver, "sn7_train_labels"),
        )
        await goto(driver, "https://elsewhere.example/collections/x", "is not of this source")


async def test_what_is_not_there_is_said_and_can_be_mended(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await goto(driver, "no_such_thing", "nothing here is called no_such_thing")
        await driver.press("escape", then=BrowseScreen)


async def test_an_id_may_be_typed_right_behind_the_key(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        driver.app.post_message(Key("ctrl+g", "\x07"))
        packet(driver, "sn7_train_labels\r")
        await driver.until(lambda: is_at(driver, "sn7_train_labels"))


async def test_tab_completes_an_id(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("ctrl+g", then=GotoScreen)
        packet(driver, "sn7_train_s")
        await driver.until("sn7_train_source")
        await driver.press("tab")
        screen = driver.app.screen
        assert isinstance(screen, GotoScreen)
        await driver.until(lambda: screen.typed == "sn7_train_source")


# Favourites


async def test_a_favourite_is_marked_remembered_at_once_and_gone_to(
    options: AppOptions, mlhub_home: Path
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await goto(driver, "sn7_train_labels")
        await driver.press("asterisk", then="★ sn7_train_labels")
        await driver.until(
            lambda: [one.id for _, one in AppState.load().favourites.all()] == ["sn7_train_labels"]
        )
        assert tree.favourites
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await driver.press("g", "F", then=(ListScreen, "sn7_train_labels"))
        await driver.press("enter", then=lambda: is_at(driver, "sn7_train_labels"))
        await driver.press("asterisk", then=lambda: not tree.favourites)
        await driver.until(lambda: not [*AppState.load().favourites.all()])


def test_the_mark_has_its_like_in_ascii() -> None:
    assert to_ascii("★") == "*"


async def test_a_favourite_of_a_deep_item_that_went_away_shows_what_is_above_it(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await goto(driver, "sn7_train_labels")
        await driver.press("asterisk", then=lambda: tree.favourites)
        favourites = driver.app.memory.favourites
        source, one = next(favourites.all())
        gone = type(one)("dataset", "gone", "Gone", "", "", (*one.path[:2], "collection:gone"), one.place)
        favourites.remove(source, one.key)
        favourites.toggle(source, gone)
        await driver.press("F", then="Gone")
        await driver.press("enter", then=BrowseScreen)
        await driver.until(lambda: is_at(driver, "spacenet7"))


# Back and forward


async def test_one_goes_back_to_where_one_was_and_forward_again(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await goto(driver, KENYA)
        await goto(driver, "sn7_train_labels")
        await driver.press("ctrl+o", then=lambda: is_at(driver, KENYA))
        await driver.press("ctrl+y", then=lambda: is_at(driver, "sn7_train_labels"))
        await driver.press("ctrl+y", then=lambda: "Nothing further forward" in driver.said())
        # Two at once: the first is dropped before it began.
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            driver.app.action_travel(-1)
            driver.app.action_travel(-1)
            await driver.until(lambda: is_at(driver, KENYA))
            gc.collect()
        assert [str(one.message) for one in seen if "never awaited" in str(one.message)] == []


@pytest.mark.slow
async def test_documents_that_were_open_are_places_too(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await goto(driver, "sn7_train_labels")
        await driver.press("enter", then=DocumentScreen)
        await driver.press("escape", then=BrowseScreen)
        await goto(driver, KENYA)
        await driver.press("ctrl+o", then=lambda: is_at(driver, "sn7_train_labels"))
        await driver.press("ctrl+o", then=(DocumentScreen, "sn7_train_labels"))
        await driver.press("ctrl+o", then=lambda: is_at(driver, "sn7_train_labels"))
        await driver.press("2", then=lambda: driver.app.current_mode == "downloads")
        await driver.press("ctrl+o", then=lambda: is_at(driver, "sn7_train_labels"))


async def test_one_goes_back_to_another_source(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await goto(driver, KENYA)
        driver.app.use_sample()
        await driver.until("sample catalog", lambda: not is_at(driver, KENYA))
        await driver.until("BigEarthNet")
        await driver.press("ctrl+o", then=lambda: "sample catalog" not in driver.screen())
        await driver.until(lambda: is_at(driver, KENYA))
