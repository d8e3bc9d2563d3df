"""Browse: the tree, its detail and its filter, driven by keys on the sample catalog."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from mlhub_tui.models import Dataset, Entry, EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.catalog.catalog_tree import CatalogTree
from mlhub_tui.ui.catalog.nodes import MoreNode, NodeRow
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen

from .conftest import Driver, Sizes, Then, driven
from .source_steps import write_catalog


def browse(driver: Driver) -> BrowseScreen:
    """Return the browse screen."""
    screen = driver.app.screen_stack[0]
    assert isinstance(screen, BrowseScreen)
    return screen


def tree_of(driver: Driver) -> CatalogTree:
    """Return the tree, whatever stands before it."""
    return browse(driver).tree_view


def shown_datasets(tree: CatalogTree) -> list[Dataset]:
    """Return the datasets that the tree shows."""
    rows = tree.tree_model.groups[0].visible
    return [d for row in rows if isinstance(row.data, Entry) and isinstance(d := row.data.document, Dataset)]


def current(tree: CatalogTree) -> Entry:
    """Return the entry under the cursor."""
    assert tree.current is not None and isinstance(tree.current.data, Entry)
    return tree.current.data


def row_of(tree: CatalogTree, kind: EntryKind, identity: str) -> NodeRow:
    """Return the first row of an entry."""
    return next(
        row
        for parent in tree.tree_model.grown
        for row in parent.children or []
        if isinstance(row.data, Entry) and (row.data.kind, row.data.id) == (kind, identity)
    )


async def find(driver: Driver, words: str, then: Then = ()) -> None:
    """Filter, and go to the first match."""
    await driver.until("BigEarthNet")
    await driver.press("slash")
    await driver.type(words)
    await driver.press("enter", then=then)


@asynccontextmanager
async def finding(
    options: AppOptions, words: str, *, size: Sizes = (80, 24), then: Then = ()
) -> AsyncIterator[Driver]:
    """Run the app with the first match of a filter under the cursor."""
    async with driven(options, size) as driver:
        await find(driver, words, then)
        yield driver


async def test_the_tree_stands_before_anything_was_answered(options: AppOptions) -> None:
    """The first paint does not wait for the network."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        async with driven(replace(options, root_url=f"http://127.0.0.1:{port}/")) as driver:
            await driver.until("Datasets", "loading")


async def test_a_source_of_unknown_kind_is_connecting_and_one_that_fails_has_no_datasets(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        async with driven(AppOptions(source=url, output_dir=tmp_path)) as driver:
            await driver.until("connecting…", lambda: "Datasets" not in driver.screen())
    missing = AppOptions(source=str(tmp_path / "catalog.json"), output_dir=tmp_path)
    async with driven(missing, then="no such file or folder") as driver:
        await driver.press("1", then=("Source  not loaded", lambda: "Datasets" not in driver.screen()))


async def test_the_root_of_a_static_catalog_has_its_document(tmp_path: Path) -> None:
    options = AppOptions(source=str(write_catalog(tmp_path, "Fields of wheat")), output_dir=tmp_path)
    async with driven(options, then="Fields of wheat  1") as driver:
        await driver.press("J", then=('"title": "Fields of wheat"', "enter fold"))
        await driver.press("escape", then="Fields of wheat  1")


async def test_datasets_come_sorted_by_title_with_their_number_and_the_ways_out_at_every_size(
    options: AppOptions,
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        titles = [dataset.title.casefold() for dataset in shown_datasets(tree_of(driver))]
        assert titles == sorted(titles)
        await driver.until(f"Datasets  {len(titles)}")
        assert len(titles) >= 30
        for size in ((60, 15), (80, 24), (200, 60)):
            await driver.pilot.resize_terminal(*size)
            await driver.until(
                lambda: all(way in driver.screen().splitlines()[-1] for way in ("? help", "q quit"))
            )
        await driver.pilot.resize_terminal(30, 8)
        await driver.until("40 columns")


async def test_a_collection_is_found_by_its_id_before_its_dataset_was_opened(options: AppOptions) -> None:
    async with finding(options, "zzzz", then="nothing matches the filter") as driver:
        await driver.press("escape")
        await find(driver, "kenya_02_lab")
        node = current(tree_of(driver))
        assert (node.kind, node.id) == (EntryKind.COLLECTION, "ref_african_crops_kenya_02_labels")
        await driver.until("CV4A Kenya Crop Type Competition")  # the parent stays in sight
        assert browse(driver).focused is tree_of(driver)
        await driver.until("1 of 45  /kenya_02")
        await driver.press("escape", then="Chesapeake")
        node = current(tree_of(driver))
        assert (node.kind, node.id) == (EntryKind.COLLECTION, "ref_african_crops_kenya_02_labels"), "it stays"


async def test_the_detail_follows_the_cursor_and_shows_the_id(options: AppOptions) -> None:
    async with driven(options, (140, 40)) as driver:
        await driver.until("Most frequent", "labels (45), source imagery (43)", "CC-BY-4.0 (20)")
        await find(driver, "spacenet7", then="SpaceNet 7")
        assert current(tree_of(driver)).kind in (EntryKind.DATASET, EntryKind.COLLECTION)
        await driver.press("g", "j", then=("Licence", "Citation", "spacenet7"))


async def test_a_collection_of_both_types_stands_under_both(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        dataset = next(d for d in shown_datasets(tree_of(driver)) if d.id == "spacenet1")
        assert [c.id for c in dataset.collections] == ["sn1_AOI_1_RIO"]
        assert dataset.collections.source_imagery == dataset.collections.labels
        await find(driver, "sn1_AOI")
        await driver.until("Source imagery", "Labels", lambda: driver.screen().count("sn1_AOI_1_RIO") >= 2)


async def test_d_on_a_type_of_collections_is_about_all_of_them(options: AppOptions) -> None:
    async with finding(options, "dlr_fusion_competition_germany", then="8 source") as driver:
        await driver.press("escape", "enter")
        await driver.until("▾ Source imagery", "train_source_planet_5day", "test_source_planet_5day")
        await driver.press("down", then="8 in this dataset")
        await driver.press("d", then="8 archives")


async def test_items_come_page_by_page_as_the_cursor_goes_down(options: AppOptions) -> None:
    async with finding(options, "kenya_02_source", size=(100, 50)) as driver:
        await driver.press("l")
        tree = tree_of(driver)
        collection = row_of(tree, EntryKind.COLLECTION, "ref_african_crops_kenya_02_source")
        items = tree.tree_model.grown[collection]
        assert items is not None
        await driver.until(lambda: items.loaded and not items.loading)
        first = items.loaded
        assert not items.complete
        assert tree.move_to(next(row for row in tree.tree_model.rows if isinstance(row.data, MoreNode)))
        await driver.until(lambda: items.loaded > first)
        ids = [row.data.id for row in collection.visible if isinstance(row.data, Entry)]
        assert len(set(ids)) == len(ids) == items.loaded, "no item twice"
        await driver.until(lambda: current(tree).kind is EntryKind.ITEM)


async def test_enter_opens_the_collection_with_everything_about_it(options: AppOptions) -> None:
    async with finding(options, "kenya_02_labels") as driver:
        await driver.press("enter", then=(DocumentScreen, "10.34911/rdnt.dw605x", "Archive"))
        await driver.press("J", then='"type": "Collection"')
        await driver.press("i", then="4 items of 4")
        await driver.press("escape")
        assert isinstance(driver.app.screen, BrowseScreen)


async def test_the_item_table_goes_on_to_the_last_item(options: AppOptions) -> None:
    async with finding(options, "kenya_02_source") as driver:
        await driver.press("i", then="30 items of 52")
        await driver.press("G", then=("52 items of 52", lambda: "more below" not in driver.screen()))
        await driver.until(lambda: "52 items of 52" in driver.screen().splitlines()[1])


async def test_without_a_key_items_lead_to_the_profiles(sample: SampleServer, options: AppOptions) -> None:
    async with finding(AppOptions(root_url=sample.root_url), "kenya_02_source") as driver:
        await driver.press("l", then="need an API key")
        await driver.press("y", then="browse without a key")


async def test_a_server_that_is_not_there_is_said_with_the_way_on(options: AppOptions) -> None:
    async with driven(replace(options, root_url="http://127.0.0.1:9/")) as driver:
        await driver.until("127.0.0.1:9", "try again (r)")
        await driver.press("g", "j", "j", "j", "j", then="Enter: try the sample catalog")
        await driver.press("enter", then="BigEarthNet")
        await driver.until(lambda: "sample catalog" in driver.screen().splitlines()[0])


async def test_reload_keeps_the_cursor_and_what_was_open(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = tree_of(driver)
        await driver.press("j", "j", "l", "j", "j")
        row, line = tree.current, tree.cursor_line
        assert row is not None
        path = tree.tree_model.path(row)
        assert current(tree).kind is EntryKind.COLLECTION
        await driver.press("r", then=lambda: tree.tree_model.top.complete)
        assert tree.current is not None
        assert tree.current is not row, "it is another tree"
        assert tree.tree_model.path(tree.current) == path
        assert tree.cursor_line == line


async def test_selected_collections_are_marked_not_only_coloured(options: AppOptions) -> None:
    async with finding(options, "kenya_02_labels") as driver:
        await driver.press("space", then="✓")
        await driver.press("k", "space", then=lambda: "✓" not in driver.screen())


async def test_keys_typed_fast_find_the_children_of_what_was_just_expanded(options: AppOptions) -> None:
    async with finding(options, "bigearthnet") as driver:
        await driver.press("escape", "g")
        tree = tree_of(driver)
        tree.move_to(row_of(tree, EntryKind.DATASET, "sen12floods"))
        tree.expand_current()
        tree.action_cursor_down()
        tree.action_cursor_down()
        assert current(tree).kind is EntryKind.COLLECTION
        dataset = tree.tree_model.dataset(tree.current)
        assert dataset is not None
        assert dataset.id == "sen12floods"
