"""The tally of assets: what there is by key and role, and what a choice comes to."""

from __future__ import annotations

from typing import Any

from mlhub_tui.models import Item
from mlhub_tui.planning.assets import AssetTally
from mlhub_tui.ui.dialogs.asset_dialog import RoleSelection


def item(identity: str, **assets: dict[str, Any]) -> Item:
    """Return an item with assets at absolute places unless they say otherwise."""
    made = {key: {"href": f"https://x.example/{identity}/{key}", **told} for key, told in assets.items()}
    return Item({"id": identity, "type": "Feature", "properties": {}, "assets": made})


def tally(*items: Item) -> AssetTally:
    """Return the tally of some items."""
    found = AssetTally()
    for one in items:
        found.add(one)
    return found


DATA = {"roles": ["data"], "file:size": 10}
SOME = tally(
    item("a", red=DATA, blue={"roles": ["data", "extra"]}, thumb={"roles": ["thumbnail"], "file:size": 1}),
    item("b", red={"roles": ["old"]}, thumb={"roles": ["thumbnail"]}),
    item(
        "c", red=DATA, paid={"roles": ["data"], "href": "s3://usgs-landsat/x", "storage:requester_pays": True}
    ),
)


def totals(of: AssetTally, keys: set[str], roles: set[str]) -> tuple[int, int, int, int]:
    found = of.totals(keys, roles)
    return found.files, found.size, found.unknown, found.barred


def test_keys_and_roles_are_counted_with_their_sizes() -> None:
    assert [(c.key, c.count, c.size, c.sized, c.roles) for c in SOME.by_key()] == [
        ("red", 3, 20, 2, ("data", "old")),
        ("thumb", 2, 1, 1, ("thumbnail",)),
        ("blue", 1, 0, 0, ("data", "extra")),
        ("paid", 1, 0, 0, ("data",)),
    ]
    assert [(c.key, c.count, c.barred) for c in SOME.by_role()] == [
        ("data", 4, 1),
        ("thumbnail", 2, 0),
        ("extra", 1, 0),
        ("old", 1, 0),
    ]


def test_documents_are_counted_too() -> None:
    assert (tally().documents, SOME.documents) == (0, 3)


def test_what_is_paid_for_is_told_apart() -> None:
    assert ([each.key for each in SOME.by_key() if each.paid], SOME.paid) == (["paid"], 1)
    assert "requester-pays" in next(c.why for c in SOME.by_key() if c.key == "paid")
    nowhere = tally(item("a", y={"href": ""}))
    assert (nowhere.paid, [each.barred for each in nowhere.by_key()]) == (0, [1])


def test_an_asset_that_has_a_key_and_a_role_is_counted_once() -> None:
    assert totals(SOME, {"red"}, {"data"}) == (4, 20, 2, 1)
    assert totals(SOME, {"thumb"}, set()) == (2, 1, 1, 0)
    assert totals(SOME, set(), set()) == (0, 0, 0, 0)


def test_assets_without_roles_are_found_by_their_keys() -> None:
    bare = tally(item("a", x={}, y={"href": ""}))
    assert bare.by_role() == [] and totals(bare, {"x", "y"}, set()) == (1, 0, 1, 1)


def test_a_role_ticks_its_keys_whole_or_in_part() -> None:
    ticks = RoleSelection(SOME)
    ticks.roles |= {"data"}
    assert [ticks.box(key) for key in ("red", "blue", "thumb", "paid")] == ["[-]", "[x]", "[ ]", "[x]"]


def test_a_key_that_is_unticked_leaves_the_others_of_its_role() -> None:
    ticks = RoleSelection(SOME)
    ticks.roles |= {"data"}
    ticks.toggle_key("blue")
    assert ticks.roles == set() and ticks.keys == {"red", "paid"}
    ticks.toggle_key("blue")
    assert ticks.keys == {"red", "paid", "blue"}


def test_all_and_none() -> None:
    ticks = RoleSelection(SOME)
    ticks.toggle_all()
    assert ticks.keys == {"red", "blue", "thumb", "paid"}
    ticks.toggle_all()
    assert ticks.keys == set()


def test_data_is_ticked_at_first_else_all_that_can_be_fetched() -> None:
    ticks = RoleSelection(SOME)
    ticks.tick_data()
    assert (ticks.roles, ticks.keys) == ({"data"}, set())
    bare = RoleSelection(tally(item("a", x={}, y={"href": ""})))
    bare.tick_data()
    assert (bare.roles, bare.keys) == (set(), {"x"})
