"""The screens as text, at three sizes or five, for a person to review in a diff.

`MLHUB_TUI_UPDATE_SNAPSHOTS=1 pytest tests/ui/test_snapshots.py` writes them anew.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from mlhub_tui import paths
from mlhub_tui.auth import ProfilesFile
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.actions import download_actions
from mlhub_tui.ui.theme import DARK, LIGHT
from mlhub_tui.ui.widgets import form_rows

from .conftest import Driver, driven
from .drawing import strips
from .looks import looks
from .scenes import FIRST_START, FOLDER, SCENES, FixedQueue, Scene, app_over
from .scenes_over import COLOURED, OVER
from .test_contrast import faint_texts

SIZES = ((80, 24), (60, 15), (120, 40))
WIDE = ((140, 40), (200, 60))
"""Sizes of the main screens, too; not of Downloads, where the history of speeds grows with time."""
MAIN = ("browse", "items", "plan", "search", "settings", "profiles", "keys")
UPDATE = bool(os.environ.get("MLHUB_TUI_UPDATE_SNAPSHOTS"))
KEPT = Path(__file__).parent / "snapshots"
HOME = "/home/you/1234"
"""As long as the temporary folder it stands for, so that lines break at the same places."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/tmp").is_dir(), reason="needs a folder with a short name"),
]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a home whose path is always as long."""
    folder = Path(tempfile.mkdtemp(prefix="h", dir="/tmp"))
    monkeypatch.setenv("MLHUB_HOME", str(folder / ".mlhub"))
    assert len(str(folder)) == len(HOME)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def fixed(sample: SampleServer, home: Path, monkeypatch: pytest.MonkeyPatch, scene: Scene) -> AppOptions:
    """Return options for the sample catalog; queue, disk and profiles are always the same."""
    monkeypatch.setattr(form_rows, "check_writable", lambda _: None)
    for module in (form_rows, download_actions):
        monkeypatch.setattr(module, "free_space", lambda _: 84_100_000_000)
    if scene not in FIRST_START:
        file = ProfilesFile.load()
        file.save("default", api_key=sample.key, root_url=sample.root_url)
        file.save("project1", api_key="0123456789abcdef1234", root_url="https://mlhub.example.org/v1/")
    return AppOptions(output_dir=FOLDER)


async def settled(driver: Driver) -> str:
    """Return the screen once it stays as it is."""
    before, same = "", 0
    while same < 10:
        await driver.pilot.pause(0.03)
        now = driver.screen()
        before, same = now, same + 1 if now == before else 0
    return before


async def as_reviewed(driver: Driver, path: Path, home: Path) -> str:
    """Return the screen once it is as it was reviewed; where it never is, after some time."""
    wanted = path.read_text(encoding="utf-8")
    with suppress(AssertionError):
        await driver.until(lambda: masked(driver.screen(), home) == wanted)
    return masked(driver.screen(), home)


@pytest.mark.parametrize("scene", (*SCENES, *OVER), ids=[scene.__name__ for scene in (*SCENES, *OVER)])
async def test_the_screen_looks_as_it_was_reviewed(scene: Scene, fixed: AppOptions, home: Path) -> None:
    async with driven(fixed, SIZES[0], app_over(FixedQueue())) as driver:
        await scene(driver)
        for columns, rows in (*SIZES, *(WIDE if scene.__name__ in MAIN else ())):
            await driver.pilot.resize_terminal(columns, rows)
            path = KEPT / f"{scene.__name__}-{columns}x{rows}.txt"
            if UPDATE:
                KEPT.mkdir(exist_ok=True)
                path.write_text(masked(await settled(driver), home), encoding="utf-8")
            assert path.is_file(), f"no snapshot {path}"
            shown = await as_reviewed(driver, path, home)
            assert max(map(len, shown.splitlines())) <= columns
            assert shown == path.read_text(encoding="utf-8"), f"{path.name} differs"
        if scene not in COLOURED:
            await in_few_colours(driver, scene.__name__)
        await in_ascii(driver)
        await in_our_themes(driver)


async def in_our_themes(driver: Driver) -> None:
    """Look at the contrast of every text, at the size at which most is shown."""
    for theme in (DARK, LIGHT):
        take_up(driver, f'theme = "{theme.name}"\n')
        await driver.pilot.pause()
        with suppress(AssertionError):
            await driver.until(lambda: not faint_texts(driver.app))
        assert faint_texts(driver.app) == set(), theme.name


async def in_few_colours(driver: Driver, name: str) -> None:
    """Compare how the screen looks in 16 colours with how it was reviewed."""
    await driver.pilot.resize_terminal(*SIZES[0])
    take_up(driver, 'colours = "16"\n')
    await driver.until(lambda: driver.app.theme == "mlhub-plain")
    path = KEPT / f"{name}-16-colours.txt"
    if UPDATE:
        await settled(driver)
        path.write_text(looks(driver.app), encoding="utf-8")
    wanted = path.read_text(encoding="utf-8")
    with suppress(AssertionError):
        await driver.until(partial(_looks_like, driver, wanted))
    assert looks(driver.app) == wanted, f"{path.name} differs"


def _looks_like(driver: Driver, wanted: str) -> bool:
    with suppress(AssertionError):  # some of the colours may be those from before
        return looks(driver.app) == wanted
    return False


async def in_ascii(driver: Driver) -> None:
    """Draw the screen with nothing but ASCII, each line as wide as before."""
    await driver.pilot.resize_terminal(*SIZES[0])
    take_up(driver, 'characters = "ascii"\ncolours = "mono"\n')
    await driver.until(lambda: driver.screen().isascii())
    columns, rows = SIZES[0]
    assert [strip.cell_length for strip in strips(driver.app)] == [columns] * rows


def take_up(driver: Driver, text: str) -> None:
    """Change the settings while the app runs."""
    paths.config().parent.mkdir(exist_ok=True)
    paths.config().write_text(text)
    driver.app.apply_settings()


def masked(screen: str, home: Path) -> str:
    """Return a screen without what differs between two runs."""
    screen = screen.replace(str(home), HOME)
    # A second is a bar in the history of speeds: as many as the test took, or none.
    screen = re.sub(r"(?:█+ +)?(8\.4 MB/s, at most 8\.4 MB/s)(?:( +)│)?", _without_bars, screen)
    screen = re.sub(r"│\d…$", "│1…", screen, flags=re.MULTILINE)  # of a port, beside a dialog
    return re.sub(r"127\.0\.0\.1:\d{5}", "127.0.0.1:12345", screen) + "\n"


def _without_bars(found: re.Match[str]) -> str:
    words, room = found.groups()
    return words.ljust(len(found[0]) - 1) + "│" if room else words
