"""Profiles: the first run, saving and choosing a key, and what goes wrong with the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlhub_tui.auth import ProfilesFile
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.screens.profiles import ProfilesScreen

from .conftest import Driver, driven


def write_profiles(home: Path, text: str) -> Path:
    """Write a profiles file."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "profiles"
    path.write_text(text)
    return path


def shown_profiles(driver: Driver) -> bool:
    """Tell whether the profile screen is in front."""
    return isinstance(driver.app.screen, ProfilesScreen)


async def test_the_first_run_lands_on_the_profiles(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        assert shown_profiles(driver)
        await driver.until("Welcome", "sample catalog")
        assert "without a key" not in driver.screen(), "no MLHub source was asked for"


async def test_enter_on_the_first_run_opens_the_sample_catalogue(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")
        await driver.press("enter", then="BigEarthNet")
        await driver.until(lambda: "sample catalog" in driver.screen().splitlines()[0])
        await driver.press("3", then="built-in sample catalog")


async def enter_key(driver: Driver, root_url: str, key: str) -> None:
    """Fill in the form of a first source, up to its key."""
    await driver.until("Welcome")
    await driver.press("ctrl+s", then="URL or path")
    await driver.type(root_url)
    await driver.press("enter", then="Parameter")
    await driver.type(key)


async def test_a_key_is_entered_tested_saved_and_used(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path
) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await enter_key(driver, sample.root_url, sample.key)
        await driver.until("•" * len(sample.key))  # typed unseen
        await driver.press("ctrl+t", then="accepts the key")
        await driver.press("ctrl+s", then="BigEarthNet")
        saved = ProfilesFile.load().get("default")
        assert (saved.api_key, saved.root_url) == (sample.key, sample.root_url)
        assert (mlhub_home / "profiles").stat().st_mode & 0o777 == 0o600
        await driver.until(lambda: "default @ 127.0.0.1" in driver.screen().splitlines()[0])


async def test_a_refused_key_is_said_in_the_form(sample: SampleServer, tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await enter_key(driver, sample.root_url, "not-the-right-key")
        await driver.press("ctrl+t", then="refused the key ****-key")
        await driver.press("escape")
        assert shown_profiles(driver)


@pytest.mark.parametrize(
    ("root", "said"), [("example.org/mlhub", "no such file or folder"), ("ftp://example.org", "http")]
)
async def test_what_cannot_be_a_source_is_not_saved(
    tmp_path: Path, mlhub_home: Path, root: str, said: str
) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")
        await driver.press("ctrl+s", then="URL or path")
        await driver.type(root)
        await driver.press("enter", then="! ")
        await driver.until(said)
        assert not (mlhub_home / "profiles").exists()


async def test_profiles_are_listed_with_masked_keys_and_the_one_in_use(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path
) -> None:
    write_profiles(
        mlhub_home,
        f"[default]\napi_key = {sample.key}\nroot_url = {sample.root_url}\n"
        "[project1]\napi_key = 0123456789abcdef\n",
    )
    async with driven(AppOptions(output_dir=tmp_path), (100, 30)) as driver:
        await driver.until("BigEarthNet")
        await driver.press("3", then="****cdef")
        assert "0123456789" not in driver.screen()
        await driver.until("from profile default")
        await driver.until(lambda: re.search("default.*127[.]0[.]0[.]1", driver.screen()))


async def test_choosing_a_profile_uses_its_own_key_whatever_the_environment_says(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_profiles(mlhub_home, f"[mine]\napi_key = {sample.key}\nroot_url = {sample.root_url}\n")
    monkeypatch.setenv("MLHUB_API_KEY", "another-key-from-elsewhere")
    monkeypatch.setenv("MLHUB_ROOT_URL", sample.root_url)
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("****here", "mine")
        await driver.press("g", "enter", then="BigEarthNet")
        assert driver.app.connection is not None
        assert driver.app.connection.credentials.secret == sample.key


async def test_a_profile_is_deleted_after_a_question(tmp_path: Path, mlhub_home: Path) -> None:
    path = write_profiles(mlhub_home, "# kept\n[one]\napi_key = 111111\n[two]\napi_key = 222222\n")
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("one   ", "two   ")
        await driver.press("g", "x", then="Delete the profile one?")
        await driver.press("n")
        assert "111111" in path.read_text()
        await driver.press("x", then="Delete the profile one?")
        await driver.press("y", then=lambda: "111111" not in path.read_text())
        assert "# kept" in path.read_text()
        assert "222222" in path.read_text()


async def test_a_broken_file_is_named_with_what_to_do(tmp_path: Path, mlhub_home: Path) -> None:
    write_profiles(mlhub_home, "this is no ini file\n")
    async with driven(AppOptions(output_dir=tmp_path), (200, 30)) as driver:
        await driver.until("! ", "line 1")
        await driver.until(lambda: str(mlhub_home / "profiles")[:40] in driver.screen().replace("\n", ""))


async def test_a_profile_that_is_not_there_is_named(tmp_path: Path, mlhub_home: Path) -> None:
    write_profiles(mlhub_home, "[project1]\napi_key = 111111\n")
    async with driven(AppOptions(profile="projekt1", output_dir=tmp_path), (120, 30)) as driver:
        await driver.until("projekt1", "project1")
