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


async def test_enter_on_the_first_run_opens_the_sample_catalogue(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until(ProfilesScreen, "Welcome", "sample catalog")
        assert "without a key" not in driver.screen(), "no MLHub source was asked for"
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
        await driver.press("escape", then=ProfilesScreen)


async def test_profiles_are_listed_with_masked_keys_and_the_one_in_use(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path
) -> None:
    write_profiles(
        mlhub_home,
        f"[default]\napi_key = {sample.key}\nroot_url = {sample.root_url}\n"
        "[project1]\napi_key = 0123456789abcdef\n",
    )
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="BigEarthNet") as driver:
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
    async with driven(AppOptions(output_dir=tmp_path), then=("****here", "mine")) as driver:
        await driver.press("g", "enter", then="BigEarthNet")
        assert driver.app.connection is not None
        assert driver.app.connection.credentials.secret == sample.key


async def test_a_profile_is_deleted_after_a_question(tmp_path: Path, mlhub_home: Path) -> None:
    path = write_profiles(mlhub_home, "# kept\n[one]\napi_key = 111111\n[two]\napi_key = 222222\n")
    async with driven(AppOptions(output_dir=tmp_path), then=("one   ", "two   ")) as driver:
        await driver.press("g", "x", then="Delete the profile one?")
        await driver.press("n")
        assert "111111" in path.read_text()
        await driver.press("x", then="Delete the profile one?")
        await driver.press("y", then=lambda: "111111" not in path.read_text())
        assert "# kept" in path.read_text()
        assert "222222" in path.read_text()
