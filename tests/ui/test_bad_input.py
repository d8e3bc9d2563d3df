"""Bad input through the app: each kind is said in a line, with the way on; nothing crashes or is lost."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from mlhub_tui.auth import ProfilesFile
from mlhub_tui.options import AppOptions
from mlhub_tui.queue.job import JobState
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.screens.profiles import ProfilesScreen
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html

from .conftest import Driver, driven, to_row, use_sample
from .stac_service import Service
from .test_browse import find, finding

KEY = "secret-key-of-somebody-1234"
SMALL = "ref_african_crops_kenya_02_labels"
NOT_YET = "rti_rwanda_crop_type_raw"


pytestmark = pytest.mark.usefixtures("hasty")


def words(driver: Driver) -> str:
    """Return the screen without the line breaks and columns of its layout."""
    return re.sub(r"[\s│▏╭╮╰╯─!]+", "", driver.screen())


async def said(driver: Driver, *parts: str) -> None:
    """Wait until the screen says all of these, wherever its lines break."""
    await driver.until(lambda: all(re.sub(r"\s+", "", part) in words(driver) for part in parts))


# Keys


@pytest.mark.parametrize("given", ["argument", "environment", "profile"])
async def test_a_wrong_key_leads_to_the_profiles_with_the_key_masked(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    options = AppOptions(root_url=sample.root_url, output_dir=tmp_path)
    if given == "argument":
        options = replace(options, api_key=KEY)
    elif given == "environment":
        monkeypatch.setenv("MLHUB_API_KEY", KEY)
    else:
        ProfilesFile.load().save("mine", api_key=KEY)
        options = replace(options, profile="mine")
    async with driven(options, then=ProfilesScreen) as driver:
        await said(driver, "the API refused the key ****1234", "check the key on the Profiles screen")
        origin = {"argument": "--api-key", "environment": "MLHUB_API_KEY", "profile": "profile mine"}[given]
        await said(driver, origin)
        assert KEY[:8] not in words(driver)


# The profiles file


def no_file(path: Path) -> None:
    """Leave it missing."""


def a_folder(path: Path) -> None:
    """Make it unreadable, also for root: a folder of that name."""
    path.mkdir(parents=True)


def broken(path: Path) -> None:
    """Write what is no INI file."""
    path.parent.mkdir(parents=True)
    path.write_text("[default]\napi_key = 1\nnonsense\n")


def another(path: Path) -> None:
    """Write another profile than the one that is asked for."""
    path.parent.mkdir(parents=True)
    path.write_text("[project2]\napi_key = 12345\n")


@pytest.mark.parametrize("profile", [None, "project1"])
@pytest.mark.parametrize(
    ("prepare", "expected"),
    [(no_file, "does not exist"), (a_folder, "it is a folder"), (broken, "line 3"), (another, "project2")],
)
async def test_trouble_with_the_profiles_file_names_file_profile_and_command(
    tmp_path: Path, mlhub_home: Path, prepare: Callable[[Path], None], expected: str, profile: str | None
) -> None:
    path = mlhub_home / "profiles"
    prepare(path)
    async with driven(AppOptions(profile=profile, output_dir=tmp_path), then=ProfilesScreen) as driver:
        if prepare is no_file and profile is None:
            await said(driver, "Welcome", str(path))
            return
        await said(driver, str(path), expected)
        if profile and prepare in (no_file, another):
            await said(driver, "project1", "configure --profile project1")
        else:
            await said(driver, "configure")
        assert "Traceback" not in driver.screen()


# The root URL


@pytest.mark.parametrize("given", ["argument", "environment"])
async def test_a_root_url_without_scheme_is_named_with_a_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    root = "example.org/mlhub/v1"
    if given == "environment":
        monkeypatch.setenv("MLHUB_ROOT_URL", root)
    options = AppOptions(api_key=KEY, root_url=root if given == "argument" else None, output_dir=tmp_path)
    async with driven(options, then=ProfilesScreen) as driver:
        await said(driver, root, "http:// or https:// is missing", f"did you mean https://{root}?")
        await said(driver, "--root-url" if given == "argument" else "MLHUB_ROOT_URL")


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


async def test_a_host_that_does_not_answer_is_named_with_the_cause_and_r_tries_again(tmp_path: Path) -> None:
    port = free_port()
    options = AppOptions(api_key=KEY, root_url=f"http://127.0.0.1:{port}/mlhub/v1/", output_dir=tmp_path)
    async with driven(options) as driver:
        await said(driver, f"http://127.0.0.1:{port}/mlhub/v1/", "connection refused", "try again (r)")
        with SampleServer(port=port, rate=None):
            # The sample refuses the key, which is another trouble than not being there.
            await driver.press("r", then=ProfilesScreen)


async def test_a_source_of_an_unknown_kind_that_was_away_is_opened_by_r(tmp_path: Path) -> None:
    service = Service()
    answers, service.server.handler = service.server.handler, lambda _: as_json({}, 500)
    with service.server:
        async with driven(AppOptions(source=service.root, output_dir=tmp_path)) as driver:
            await driver.until(ProfilesScreen)
            await driver.press("1", then="try again (r)")
            service.server.handler = answers
            await driver.press("r", then="▸ Scenes")


async def test_a_certificate_that_nobody_vouches_for_is_said(tmp_path: Path) -> None:
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(settings)
    with LoopbackServer(lambda _: as_json([]), tls=settings) as server:
        options = AppOptions(api_key=KEY, root_url=server.root, output_dir=tmp_path)
        async with driven(options) as driver:
            await said(driver, "TLS failed", server.root, "certificate", "try again (r)")


async def test_a_captive_portal_is_told_from_an_api(tmp_path: Path) -> None:
    with LoopbackServer(lambda _: page_of_html()) as server:
        options = AppOptions(api_key=KEY, root_url=server.root, output_dir=tmp_path)
        async with driven(options) as driver:
            await said(driver, "a web page instead of data", "captive portal", server.root, "try again (r)")


async def test_the_hosted_service_that_ended_is_not_asked_but_other_places_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen all the same it is asked; its name is not known here."""
    known, asked = socket.getaddrinfo, []

    def unknown(host: Any, *rest: Any, **named: Any) -> Any:
        if host in ("api.radiant.earth", b"api.radiant.earth"):
            asked.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with driven(AppOptions(api_key=KEY, output_dir=tmp_path)) as driver:
        await said(driver, "api.radiant.earth", "ended in 2023", "choose the sample catalog")
        await driver.until("planetary-computer")
        assert not asked
        await to_row(driver, "anonymous")
        await driver.press("enter")
        await said(driver, "api.radiant.earth", "host not found (DNS)", "ended in 2023")
        assert asked
        await use_sample(driver)


# Collections and archives


def lonely(asked: Request) -> Answer:
    """Answer with a dataset whose only collection is not there."""
    if asked.path.endswith("/datasets"):
        return as_json([{"id": "lonely", "collections": [{"id": "gone", "types": ["labels"]}]}])
    if asked.path.endswith("/models"):
        return as_json([])
    return as_json({"detail": "no such thing"}, 404)


async def test_a_collection_that_does_not_exist_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    with LoopbackServer(lonely) as server:
        options = AppOptions(api_key=KEY, root_url=server.root, output_dir=tmp_path / "out")
        async with driven(options, (120, 30), then="lonely") as driver:
            await driver.press("slash", *"gone", "enter")
            await said(driver, 'collection "gone" does not exist')
            await driver.press("l", then="try again (enter)")
            await driver.press("d", then="no archive yet")
            await driver.press("enter", "2")
            await driver.until(lambda: [job.state for job in driver.app.jobs] == [JobState.FAILED])
            await said(driver, 'the archive of collection "gone" does not exist')
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


async def test_an_archive_that_is_not_generated_yet_is_named_and_leaves_nothing(options: AppOptions) -> None:
    async with finding(options, NOT_YET) as driver:
        await said(driver, "none yet: it may still be generating")
        await driver.press("d", then="no archive yet")
        await driver.press("enter", "2")
        await driver.until(lambda: [job.state for job in driver.app.jobs] == [JobState.FAILED])
        await said(
            driver, NOT_YET, "it may still be generating", "check the ID; if it is right, try again later"
        )
    assert not options.output_dir.exists() or not list(options.output_dir.iterdir())


# The output folder


async def queue_to(driver: Driver, collection: str) -> None:
    """Queue an archive without a look at the warnings, and go to Downloads."""
    await find(driver, collection)
    await driver.press("d", then=(DownloadScreen, lambda: "requesting" not in driver.screen()))
    await driver.press("enter", then=lambda: len(driver.app.jobs) > 0)
    await driver.press("2")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder in which nothing can be made, not even by root."""
    if os.geteuid() == 0:
        yield Path("/proc/mlhub-tui-test")
        return
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    yield folder
    folder.chmod(0o700)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
async def test_a_folder_that_cannot_be_written_is_said_and_the_job_is_kept(
    options: AppOptions, closed: Path, tmp_path: Path
) -> None:
    async with driven(replace(options, output_dir=closed)) as driver:
        await queue_to(driver, SMALL)
        await driver.until(lambda: [job.state for job in driver.app.jobs] == [JobState.FAILED])
        await said(driver, str(closed), "choose another folder, or fix this one, then retry")
    async with driven(options) as driver:
        await driver.until(lambda: len(driver.app.jobs) == 1)
        assert driver.app.jobs[0].state is JobState.FAILED, "the queue keeps it"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of 64 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_a_full_disk_is_said_before_and_after_and_room_lets_it_go_on(
    options: AppOptions, tiny_disk: Path
) -> None:
    async with finding(replace(options, output_dir=tiny_disk), SMALL) as driver:
        await driver.press("d", then="it will not fit")
        await driver.press("enter", "2")
        await driver.until(lambda: [job.state for job in driver.app.jobs] == [JobState.NO_SPACE])
        await said(driver, "no space", "make room or choose another disk, then retry")
        assert not (tiny_disk / f"{SMALL}.tar.gz").exists()
        subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
        await driver.press("r", then=lambda: [job.state for job in driver.app.jobs] == [JobState.DONE])
    assert [path.name for path in tiny_disk.iterdir()] == [f"{SMALL}.tar.gz"]


# The terminal


@pytest.mark.parametrize("key", ["1", "2", "3"])
async def test_every_place_says_what_size_it_needs(options: AppOptions, key: str) -> None:
    async with driven(options, (30, 8)) as driver:
        await driver.press(key, then="40 columns")
        await driver.pilot.resize_terminal(60, 15)
        await driver.until(lambda: "40 columns" not in driver.screen(), "? help")


async def test_dialogs_stay_usable_in_a_small_terminal(options: AppOptions) -> None:
    async with finding(options, SMALL, size=(44, 12)) as driver:
        await driver.press("d", then=("If it exists", "[resume]"))
        await driver.press("escape", "question_mark", then="Keys")
        await driver.press("escape", "3", "ctrl+s", then="URL or path")
