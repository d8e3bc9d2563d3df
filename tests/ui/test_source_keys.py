"""Keys of sources in the app: entered in any way, kept out of sight, and for their own host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input

from mlhub_tui.auth import ProfilesFile
from mlhub_tui.options import AppOptions
from tests.support.http_server import LoopbackServer, Request

from ..sources.test_probe import api_pages, serve
from .conftest import Driver, Sizes, Then, driven
from .source_steps import TOKEN, ask_for, choose, is_form, kept, paste, write_catalog

pytestmark = pytest.mark.usefixtures("hasty")


# Keys


@asynccontextmanager
async def asked(
    folder: Path,
    query: str = "",
    *,
    key: Callable[[Request], bool] | None = None,
    then: Then = "a STAC API “An API”",
    size: Sizes = (100, 30),
) -> AsyncIterator[Driver]:
    """Run the app with the form, which was given an API that wants a key or none."""
    with LoopbackServer(serve(api_pages(), key=key)) as server:
        async with driven(AppOptions(output_dir=folder), size) as driver:
            await ask_for(driver, f"{server.url}/stac/v1{query}", key="ctrl+s", then=then)
            yield driver


async def name_variable(driver: Driver, name: str) -> None:
    """Say that a bearer token is in a variable."""
    await choose(driver, "bearer", "#way")
    await driver.press("tab", "tab")
    await paste(driver, name)


async def test_a_bearer_token_stays_in_its_variable(
    tmp_path: Path, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EO_TOKEN", TOKEN)

    def allowed(asked: Request) -> bool:
        return str(asked.headers.get("Authorization")) == f"Bearer {TOKEN}"

    async with asked(tmp_path, key=allowed, then="It shows nothing without a key") as driver:
        await name_variable(driver, "EO_TOKEN")
        await driver.press("ctrl+s", then="a STAC API “An API”")
        await driver.press("ctrl+t", then="accepts the key ****abcd")
        await driver.press("enter", then=lambda: driver.app.connection is not None)
        profile = kept("an-api")
        assert profile.extra["token_env"] == "EO_TOKEN"
        assert TOKEN not in (mlhub_home / "profiles").read_text()
        await driver.press("3", then="token $EO_TOKEN")


async def test_a_key_in_a_pasted_url_goes_to_its_field_and_off_the_screen(tmp_path: Path) -> None:
    def allowed(asked: Request) -> bool:
        return asked.query.get("apikey") == [TOKEN]

    async with asked(tmp_path, f"?apikey={TOKEN}", key=allowed, size=(120, 30)) as driver:
        assert TOKEN not in driver.screen()
        await driver.until("apikey")
        await driver.press("enter", then=lambda: driver.app.connection is not None)
        profile = kept("an-api")
        assert (profile.api_key, profile.extra["key_param"]) == (TOKEN, "apikey")
        assert str(profile.root_url).endswith("/stac/v1")


@pytest.mark.parametrize(
    ("way", "named", "options"),
    [
        ("header", "X-Api-Key", {"header": "X-Api-Key", "header_value": TOKEN}),
        ("basic", "me", {"user": "me", "password": TOKEN}),
    ],
)
async def test_headers_and_passwords_are_saved_as_such(
    tmp_path: Path, way: str, named: str, options: dict[str, str]
) -> None:
    async with asked(tmp_path) as driver:
        await choose(driver, way, "#way")
        await driver.press("tab")
        await paste(driver, named)
        await driver.press("tab")
        await paste(driver, TOKEN)
        await driver.press("ctrl+s", then=lambda: driver.app.connection is not None)
        assert {name: kept("an-api").extra.get(name) for name in options} == options


async def test_a_variable_that_is_not_set_may_be_saved_but_not_used(tmp_path: Path, mlhub_home: Path) -> None:
    async with asked(tmp_path) as driver:
        await name_variable(driver, "NOT_SET_HERE")
        await driver.press("ctrl+s", then="the variable NOT_SET_HERE is not set here")
        assert not (mlhub_home / "profiles").exists()
        await choose(driver, "save", "#then")
        await driver.press("enter", then="$NOT_SET_HERE (not set)"[:14])
        assert kept("an-api").extra["token_env"] == "NOT_SET_HERE"


async def test_a_secret_in_the_field_of_the_variable_is_not_quoted(tmp_path: Path) -> None:
    async with asked(tmp_path) as driver:
        await name_variable(driver, TOKEN)
        await driver.press("ctrl+s", then="that cannot be the name of a variable")
        await driver.until(lambda: driver.screen().count(TOKEN) == 1)  # in its field only


# Editing


async def test_editing_keeps_the_key_and_what_it_does_not_know(tmp_path: Path, mlhub_home: Path) -> None:
    ProfilesFile.load().save(
        "mine", root_url="https://a.example/stac/", kind="stac-api", token=TOKEN, colour="blue"
    )
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="token ****abcd") as driver:
        await driver.press("g", "E", then="****abcd stays if left empty")
        await choose(driver, "save", "#then")
        field = driver.app.screen.query_one("#location", Input)
        field.value = "https://a.example/stac/v2/"
        await driver.press("enter", then=lambda: not is_form(driver))
        profile = kept("mine")
        assert profile.root_url == "https://a.example/stac/v2/"
        assert (profile.extra["token"], profile.extra["colour"]) == (TOKEN, "blue")


async def test_a_stored_key_goes_to_another_host_only_if_that_is_agreed_to(tmp_path: Path) -> None:
    ProfilesFile.load().save("mine", root_url="https://a.example/", kind="stac-api", token=TOKEN)
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="token ****abcd") as driver:
        await driver.press("g", "E", then="stays if left empty")
        await choose(driver, "save", "#then")
        driver.app.screen.query_one("#location", Input).value = "https://b.example/"
        await driver.press("enter", then="was for a.example, and would go to b.example")
        assert kept("mine").root_url == "https://a.example/"
        await driver.press("enter", then=lambda: not is_form(driver))
        assert kept("mine").root_url == "https://b.example/"


async def test_a_variable_takes_the_place_of_a_stored_key(tmp_path: Path, mlhub_home: Path) -> None:
    ProfilesFile.load().save("default", api_key=TOKEN, root_url="https://a.example/")
    async with driven(AppOptions(output_dir=tmp_path, profile="none"), (100, 30)) as driver:
        await driver.until("key ****abcd")
        await driver.press("g", "E", then="stays if left empty")
        await driver.press("tab")
        await paste(driver, "MINE_KEY")
        await driver.until("is removed: the variable takes its place")
        await choose(driver, "save", "#then")
        await driver.press("enter", then=lambda: not is_form(driver))
        assert TOKEN not in (mlhub_home / "profiles").read_text()
        assert kept("default").extra["key_env"] == "MINE_KEY"
        assert "kind" not in kept("default").extra, "an MLHub profile is one without that word"


async def test_a_name_that_is_taken_is_not_written_over(tmp_path: Path) -> None:
    path = write_catalog(tmp_path / "c")
    ProfilesFile.load().save("mine", root_url="https://a.example/")
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="a.example") as driver:
        await ask_for(driver, str(path), then="a static STAC catalog")
        driver.app.screen.query_one("#name", Input).value = "mine"
        await driver.press("enter", then="there is a profile mine already")
        assert kept("mine").root_url == "https://a.example/"
