"""Where files go: as the peer has it for ordinary names, never outside for any name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlhub_tui.planning import layout

IDS = ["ref_african_crops_kenya_02_tile_00", "tile 01", "S2A:MSI", "a.b.c", "-dash", "Ünï", "COM", "B8A"]
HOSTILE = [
    "..",
    ".",
    "/etc",
    "a/b",
    "..\\x",
    "a\\b",
    "",
    " ",
    "x\n",
    ".hidden",
    "~",
    "\u202eid",
    "x" * 300,
    "x.part",
]


@pytest.mark.parametrize("identity", IDS)
def test_ordinary_ids_are_their_own_folders(identity: str) -> None:
    assert layout.component(identity, windows=False) == identity


@pytest.mark.parametrize("identity", HOSTILE)
def test_hostile_ids_become_one_safe_name(identity: str) -> None:
    name = layout.component(identity)
    assert name != identity
    assert len(PurePosixPath(name).parts) == 1
    assert not name.startswith(".")
    assert len(name.encode()) < 230


def test_names_stay_what_they_were_so_that_earlier_downloads_are_found() -> None:
    assert layout.component("a/b") == "a_b-c14cddc0"
    assert layout.component("..") == "_-5ec1f7e7"
    assert layout.item_folder("_COMMON") == "_COMMON_-a44be7e3"
    assert layout.namesake_folder("item", "x") == "item-2d711642"
    assert layout.namesake_folder("n" * 300, "x") == f"{'n' * 204}-2d711642"
    names = [
        layout.distinct_name("a.tif"),
        layout.distinct_name("a.tif", "b"),
        layout.distinct_name("README"),
    ]
    assert names == ["a-ed4cf50d.tif", "a-3e23e816.tif", "README-2b7814d3"]
    assert [layout.beside_document(name) for name in ("a.json", "x")] == ["a-asset.json", "x-asset"]
    assert layout.component("n" * 220) == "n" * 220 and layout.component("é" * 110) == "é" * 110
    assert layout.component("n" * 221) != "n" * 221 and layout.component("é" * 111) != "é" * 111


@pytest.mark.parametrize(
    ("ending", "kept"),
    [(".tif", True), (f".{'e' * 18}", True), (f".{'e' * 19}", False), (".t:f", False), (".tif ", False)],
)
def test_the_name_of_a_key_that_is_no_name_keeps_a_plain_ending(ending: str, kept: bool) -> None:
    assert layout.asset_file("a/b", ending) == f"a_b-c14cddc0{ending if kept else ''}"
    assert layout.asset_file("B01", ".tif") == "B01.tif"


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
@example("..", "..", "/../../x")
@example("a", "x" * 219, "https://a.example/f.tif")
def test_no_name_leads_outside(identity: str, key: str, href: str) -> None:
    parts = (
        layout.component(identity),
        layout.item_folder(identity),
        layout.asset_file(key, layout.extension(href)),
    )
    for part in parts:
        assert part not in ("", ".", "..")
        assert not {"/", "\\", "\x00"} & set(part)
        assert len(part.encode("utf-8", "surrogatepass")) <= 250
        assert not part.endswith(".part")


@given(st.text(max_size=8), st.text(max_size=8))
def test_two_ids_never_share_a_folder(one: str, other: str) -> None:
    if one != other:
        assert layout.item_folder(one) != layout.item_folder(other)


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://a.example/B01.tif", ".tif"),
        ("https://a.example/B01.tiff", ".tif"),
        ("https://a.example/B01.TIF", ".TIF"),
        ("https://a.example/x.tif?sig=a.b", ".tif"),
        ("https://a.example/x?file=y.csv", ".csv"),
        ("https://a.example/x.tif.aux.xml", ".tif"),
        ("https://a.example/labels.geojson", ".geojson"),
        ("https://a.example/scene.tar.gz", ".gz"),
        ("https://a.example/x.nc;v=1?y=z.q", ".nc"),
        ("s3://bucket/key.jp2", ".jp2"),
        ("https://a.json.example/readme", ".json"),
        ("https://a.example/download/token", ""),
        ("https://a.example/.hidden", ""),
        ("https://[", ""),
        ("./beside.vrt", ".vrt"),
    ],
)
def test_extensions_are_the_peers(href: str, expected: str) -> None:
    assert layout.extension(href) == expected


def test_the_folder_of_what_is_shared_is_no_items() -> None:
    assert layout.item_folder("_common") != "_common"
    assert layout.item_folder("_COMMON") != "_COMMON"


def test_catalog_and_assets_may_be_apart() -> None:
    assert layout.catalog_file(Path("/o"), "crops") == Path("/o/crops.tar.gz")
    assert layout.catalog_folder(Path("/o"), "crops") == Path("/o/crops")
    assert layout.catalog_folder(Path("/a"), "../up") != Path("/a/../up")
