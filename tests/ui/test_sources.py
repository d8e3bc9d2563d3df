"""Sources from the app: a place is looked at, said what it is, opened or saved."""

from __future__ import annotations

import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from mlhub_tui.auth import Kind, ProfilesFile
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.screens.profiles import ProfilesScreen
from mlhub_tui.ui.widgets.profile_list import PROFILE, ProfileList
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html

from ..sources.test_probe import CATALOG, COLLECTION, api_pages, serve
from .conftest import driven, use_sample
from .safety import drawn
from .source_steps import TOKEN, ask_for, choose, is_form, kept, paste, write_catalog

pytestmark = pytest.mark.usefixtures("hasty")


# Looking


async def test_a_stac_api_is_looked_at_described_and_used_once(tmp_path: Path, mlhub_home: Path) -> None:
    with LoopbackServer(serve(api_pages())) as server:
        async with driven(AppOptions(output_dir=tmp_path), (100, 30)) as driver:
            await ask_for(driver, f"{server.url}/stac/v1/collections")
            await driver.until("a STAC API “An API”, 2 collections", "is a part")
            await choose(driver, "use once", "#then")
            await driver.until(lambda: "Profile  " not in driver.screen())  # no name where nothing is saved
            await driver.press("enter", then=lambda: driver.app.connection is not None)
            await driver.until("Collections")
            named = f"STAC API {server.url.removeprefix('http://')}"
            await driver.until(lambda: named in driver.screen().splitlines()[0])
            assert not (mlhub_home / "profiles").exists()
            await driver.press("3", then="in use, not saved")


async def test_a_folder_is_completed_with_tab_saved_and_opened_again(tmp_path: Path) -> None:
    write_catalog(tmp_path / "data" / "wheat-2021")
    (tmp_path / "data" / "notes.txt").write_text("")
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="Welcome") as driver:
        await driver.press("o", then="URL or path ")
        await paste(driver, f"{tmp_path}/data/")
        await driver.until("wheat-2021/")
        assert "notes.txt" not in driver.screen()
        await driver.press("tab")
        field = driver.app.screen.query_one("#location", Input)
        await driver.until(lambda: field.value == f"{tmp_path}/data/wheat-2021/")
        await driver.press("enter", then="a static STAC catalog “Fields of wheat”, 1 catalog or")
        assert "bearer" not in driver.screen(), "there is nobody to send a key to"
        await driver.press("enter", then="wheat")
        await driver.until(lambda: driver.app.connection is not None)
        profile = kept("fields-of-wheat")
        assert (profile.kind, profile.root_url) == (
            Kind.STATIC,
            str(tmp_path / "data" / "wheat-2021" / "catalog.json"),
        )
        await use_sample(driver)
        await driver.press("3", "g", "enter", then="Fields of wheat")


async def test_the_frame_of_a_narrow_form_names_the_keys_that_fit_and_the_one_that_leaves(
    tmp_path: Path,
) -> None:
    catalog = write_catalog(tmp_path / "catalog")
    async with driven(AppOptions(output_dir=tmp_path), (60, 15)) as driver:
        await ask_for(driver, str(catalog), then="ctrl+s finishes, esc cancels")
        await driver.pilot.resize_terminal(100, 30)
        await driver.until("ctrl+s finishes, ctrl+t tests, esc cancels")
        await driver.pilot.resize_terminal(60, 15)
        await driver.until("ctrl+s finishes, esc cancels")
        assert "…" not in driver.screen().splitlines()[-2]


async def test_an_archive_is_opened_in_place(tmp_path: Path) -> None:
    folder = write_catalog(tmp_path / "c").parent
    with tarfile.open(tmp_path / "kept.tar.gz", "w:gz") as archive:
        archive.add(folder, "c")
    async with driven(AppOptions(output_dir=tmp_path), (100, 30)) as driver:
        await ask_for(driver, str(tmp_path / "kept.tar.gz"), then="a static STAC catalog “Fields of wheat”")
        await choose(driver, "use once", "#then")
        await driver.press("enter", then=("kept.tar.gz", "wheat"))


async def test_what_is_no_source_is_called_what_it_is_and_may_be_forced(tmp_path: Path) -> None:
    with LoopbackServer(lambda _: page_of_html()) as server:
        async with driven(AppOptions(output_dir=tmp_path), (100, 30)) as driver:
            await ask_for(driver, f"{server.url}/page")
            await driver.until("! ", "is a web page", "name the root of a STAC API")
            assert "Then" not in driver.screen()
            await choose(driver, "STAC API", "#kind")
            await driver.until("Then")
            await driver.press("tab", "tab")
            await paste(driver, "forced")
            await driver.press("ctrl+s", then=lambda: not is_form(driver))
            assert kept("forced").kind is Kind.STAC_API


async def test_escape_stops_a_look_and_then_leaves(tmp_path: Path) -> None:
    going = threading.Event()

    def hang(_: Request) -> Answer:
        going.wait()
        return as_json({})

    with LoopbackServer(hang) as server:
        async with driven(AppOptions(output_dir=tmp_path)) as driver:
            await ask_for(driver, f"{server.url}/stac", then=("Looking at 127.0.0.1", "esc stops"))
            await driver.press("escape", then="Stopped.")
            assert is_form(driver)
            await driver.press("escape", then=lambda: not is_form(driver))
        going.set()


@pytest.mark.parametrize(
    "place", ["/no/such/folder", "http://127.0.0.1:9/stac", "https://", "ftp://h/x", "\x00"]
)
async def test_every_error_of_a_look_is_a_line_in_the_form(
    tmp_path: Path, mlhub_home: Path, place: str
) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await ask_for(driver, place, then="! ")
        assert is_form(driver) and not (mlhub_home / "profiles").exists()
        drawn(driver.app)


async def test_the_form_opens_from_anywhere(sample: SampleServer, tmp_path: Path) -> None:
    options = AppOptions(api_key=sample.key, root_url=sample.root_url, output_dir=tmp_path)
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("o", then="Open or add a source")
        await driver.press("escape", "2", "o", then="Open or add a source")


# Starting with a source


async def test_a_source_that_did_not_answer_is_under_the_cursor_and_enter_retries(tmp_path: Path) -> None:
    answers = serve(api_pages())
    up = threading.Event()

    def answer(request: Request) -> Answer:
        return answers(request) if up.is_set() else Answer(503)

    with LoopbackServer(answer) as server:
        options = AppOptions(source=f"{server.url}/stac/v1", output_dir=tmp_path)
        async with driven(options, (100, 30), then=("It could not be opened", "503")) as driver:
            up.set()
            await driver.press("enter", then=("STAC API 127.0.0.1", "Collections"))
            await driver.press("3", then="in use, not saved")
            assert "could not be opened" not in driver.screen()


async def test_a_start_with_what_is_no_source_shows_why_and_the_ways_out(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text("<html>")
    options = AppOptions(source=str(tmp_path / "page.json"), output_dir=tmp_path)
    async with driven(options, (120, 30), then="!") as driver:
        assert isinstance(driver.app.screen, ProfilesScreen)
        await driver.until(lambda: "page.jsonisawebpage" in "".join(driver.screen().split()))
        await driver.until("planetary-computer")
        await use_sample(driver)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_start_with_what_wants_a_key_asks_for_it(tmp_path: Path, whole: bool) -> None:
    def allowed(asked: Request) -> bool:
        landing = not whole and asked.path in ("/stac/v1", "/stac/v1/")
        return landing or asked.headers.get("Authorization") == f"Bearer {TOKEN}"

    with LoopbackServer(serve(api_pages(), key=allowed)) as server:
        options = AppOptions(source=f"{server.url}/stac/v1", output_dir=tmp_path)
        async with driven(options, (100, 30), then="say how its key is sent") as driver:
            assert is_form(driver)
            await choose(driver, "bearer", "#way")
            await driver.press("tab")
            await paste(driver, TOKEN)
            await driver.press("ctrl+s")
            if whole:
                await driver.until("a STAC API “An API”")
                await driver.press("enter")
            await driver.until(lambda: not is_form(driver))
            await driver.until("Collections: 2")
            assert TOKEN not in driver.screen()


async def test_a_start_offline_takes_what_was_kept(tmp_path: Path) -> None:
    links = [{"rel": "child", "href": "./x.json", "title": "wheat"}]
    pages: dict[str, Any] = {
        "/cat/catalog.json": {**CATALOG, "title": "Kept", "links": links},
        "/cat/x.json": COLLECTION,
    }
    away = False

    def answer(asked: Request) -> Answer:
        return Answer(before="close") if away else serve(pages)(asked)

    with LoopbackServer(answer) as server:
        options = AppOptions(source=f"{server.url}/cat/", output_dir=tmp_path)
        async with driven(options, (120, 30)) as driver:
            await driver.until("▸ wheat  x")
        away = True
        async with driven(options, (120, 30)) as driver:
            await driver.until("▸ wheat  x", "offline: as of")


# Public sources


async def test_a_public_source_is_added_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("contacted")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="planetary-computer") as driver:
        await driver.press("j", "j", then="Microsoft Planetary Computer: Sentinel")
        await driver.press("ctrl+s", then="not asked for anything yet")
        await choose(driver, "save", "#then")
        await driver.press("enter", then=lambda: not is_form(driver))
        profile = kept("planetary-computer")
        assert profile.kind is Kind.STAC_API
        await driver.until("Without a profile")
        chosen = driver.app.screen.query_one(ProfileList)
        await driver.until(
            lambda: chosen.current is not None and chosen.current.key == PROFILE + profile.name
        )


# Tests of a source, files, hostile texts


async def test_each_kind_can_be_tested(sample: SampleServer, tmp_path: Path) -> None:
    path = write_catalog(tmp_path / "c")
    with LoopbackServer(serve(api_pages())) as server:
        file = ProfilesFile.load()
        file.save("a-hub", api_key=sample.key, root_url=sample.root_url)
        file.save("b-api", root_url=f"{server.url}/stac/v1/", kind="stac-api", token=TOKEN)
        file.save("c-static", root_url=str(path), kind="static")
        file.save("d-lost", root_url=str(path.parent / "gone.json"), kind="static")
        async with driven(AppOptions(output_dir=tmp_path, profile="none"), (100, 30)) as driver:
            await driver.until("d-lost")
            for said in ("✓ it accepts the key ****\n", "****abcd\n", "✓ it answers", "! not found"):
                await driver.press("v", then=said)
                await driver.press("j")


async def test_profiles_are_read_off_the_event_loop(
    sample: SampleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ProfilesFile.load().save("mine", api_key=sample.key, root_url=sample.root_url)
    here, load = threading.get_ident(), ProfilesFile.load
    threads: list[int] = []

    def watched(path: Path | None = None) -> ProfilesFile:
        threads.append(threading.get_ident())
        return load(path)

    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        monkeypatch.setattr(ProfilesFile, "load", watched)
        await driver.until("mine")
        await driver.press("g", "v", then="accepts the key")
        await driver.press("enter", then="BigEarthNet")
        await driver.press("3", "E", "escape")
    assert len(threads) >= 4
    assert here not in threads


async def test_hostile_titles_and_names_are_text(tmp_path: Path) -> None:
    hostile = "x\x1b]52;c;aGk=\x07[/][@click=app.quit]\u202e"
    write_catalog(tmp_path / "c", title=hostile)
    (tmp_path / "c" / "bad\x1b[31m.json").write_text("{}")
    (tmp_path / "c" / "[bold.json").write_text("{}")
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="Welcome") as driver:
        await driver.press("o", then="URL or path ")
        await paste(driver, f"{tmp_path}/c/\x1b[31m")
        drawn(driver.app)
        field = driver.app.screen.query_one("#location", Input)
        field.value = f"{tmp_path}/c/"
        await driver.until("[bold.json")
        assert "bad" not in driver.screen()
        drawn(driver.app)
        await driver.press("enter", then="a static STAC catalog")
        drawn(driver.app)
        await driver.press("enter", then="▸ wheat  x")
        await driver.press("3")
        drawn(driver.app)


async def test_the_palette_offers_the_public_sources(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path), (100, 30), then="Welcome") as driver:
        await driver.press("colon")
        await driver.type("umbra", then="Browse Umbra Open Data")


async def test_the_hosted_service_is_not_asked_at_the_start(tmp_path: Path) -> None:
    ProfilesFile.load().save("default", api_key="0123456789abcdef")
    async with driven(AppOptions(output_dir=tmp_path), (100, 30)) as driver:
        await driver.until("the hosted MLHub service (api.radiant.earth) ended in 2023", "key ****cdef")
        assert driver.app.connection is None
        await driver.press("enter", then="BigEarthNet")
