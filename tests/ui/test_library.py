"""The Library: what is on this disk, without any source; verified, filtered, opened in Browse."""

from __future__ import annotations

import tarfile
from pathlib import Path

from mlhub_tui.options import AppOptions

from .conftest import Driver, driven
from .source_steps import write_catalog


def packed(folder: Path, name: str, title: str) -> Path:
    """Write an archive with a static catalog in it."""
    write_catalog(folder / ".source", title)
    path = folder / "out" / f"{name}.tar.gz"
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        file.add(folder / ".source", arcname=name)
    return path


async def on_the_library(driver: Driver, *words: str) -> None:
    await driver.until(lambda: driver.app.queue is not None and driver.app.queue.loaded)
    await driver.press("4", then=("4 Library", *words))


async def test_before_the_first_download_it_names_the_folder_and_the_key(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path / "none"), (140, 24)) as driver:
        await on_the_library(driver, "press d")
        assert "nonedoesnotexistyet" in "".join(driver.screen().split()), "the path, broken into lines"
        await driver.press("v", then=lambda: "Put the cursor on a download" in driver.said())


async def test_archives_are_listed_with_size_and_licence_filtered_and_sorted(tmp_path: Path) -> None:
    packed(tmp_path, "wheat", "Fields of wheat")
    packed(tmp_path, "barley", "Fields of barley")
    async with driven(AppOptions(output_dir=tmp_path / "out")) as driver:
        await on_the_library(driver, "2 downloads", "barley  whole", "wheat   whole", "MIT")
        await driver.press("z")
        await driver.until("Name ↓", lambda: driver.screen().index("barley") < driver.screen().index("wheat"))
        await driver.press("slash")
        await driver.type("whe", then=("1 of 2", lambda: "barley" not in driver.screen()))
        await driver.press("enter", then="verify")
        await driver.press("y", then=lambda: driver.app.clipboard == str(tmp_path / "out" / "wheat.tar.gz"))
        await driver.press("escape", then="barley")


async def test_v_verifies_and_damage_stays_on_the_screen(tmp_path: Path) -> None:
    path = packed(tmp_path, "wheat", "Fields of wheat")
    async with driven(AppOptions(output_dir=tmp_path / "out")) as driver:
        await on_the_library(driver, "wheat  whole", "MIT")
        await driver.press("v", then="whole: size, gzip CRC")
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        path.write_bytes(data)
        await driver.press("r", then="MIT")
        await driver.press("v", then=("wheat  changed", "damaged: wheat.tar.gz"))


async def test_enter_opens_an_archive_from_the_disk_also_over_a_filtered_tree(tmp_path: Path) -> None:
    packed(tmp_path, "wheat", "Fields of wheat")
    other = write_catalog(tmp_path / "other", "Another catalog")
    async with driven(AppOptions(source=str(other), output_dir=tmp_path / "out")) as driver:
        await driver.until("Another catalog")
        await driver.press("slash")
        await driver.type("nothing")
        await driver.press("enter", then="nothing matches")
        await on_the_library(driver, "wheat  whole", "MIT")
        await driver.press("enter")
        await driver.until(
            "Fields of wheat", "static wheat", lambda: "nothing matches" not in driver.screen()
        )
