"""Titles whose letters tmux counts otherwise than Textual leave the screen that a full drawing does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import stac
from tests.support.stac import collection, link
from tests.support.waiting import until_sync

pytestmark = pytest.mark.terminal

TITLES = (
    "⚠️ Flood warning map",
    "👩‍🔬 Lab samples",
    "🇰🇪 Kenya crops",
    "क्षेत्र हिन्दी फसल",
    "ภาษาไทย ข้าว",
    "e\u0301te\u0301 NFD",
    "漢字 作物 分類",
    "مرحبا حقول",
    "தமிழ் பயிர்கள்",
    "plain title",
)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Return the folder of a catalog of collections with these titles."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    for number, title in enumerate(TITLES):
        document = collection(f"c{number}", title=title, description=f"about{number}, {title}")
        (folder / f"{number}.json").write_text(json.dumps(document))
    links = (link("child", f"{number}.json", title=title) for number, title in enumerate(TITLES))
    (folder / "catalog.json").write_text(json.dumps(stac.catalog("root", *links)))
    return folder


class Tmux:
    """A tmux server with the app in its window."""

    def __init__(self, folder: Path, catalog: Path) -> None:
        self._command = ["tmux", "-S", str(folder / "tmux.socket"), "-f", os.devnull]
        home = f"MLHUB_HOME={folder / 'home'}"
        app = [sys.executable, "-m", "mlhub_tui", "--source", str(catalog)]
        environment = ["env", home, "MLHUB_TOUR=0", "LC_ALL=C.UTF-8"]
        self.run("new-session", "-d", "-x", "80", "-y", "24", *environment, *app)

    def run(self, *arguments: str) -> str:
        """Run a command of tmux and return what it prints."""
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, timeout=60)
        return done.stdout

    def screen(self) -> str:
        """Return what the window shows."""
        return self.run("capture-pane", "-p")


@pytest.fixture
def tmux(tmp_path: Path, catalog: Path) -> Iterator[Tmux]:
    """Yield tmux with the app on the catalog."""
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    server = Tmux(tmp_path, catalog)
    yield server
    server.run("kill-server")


def test_titles_of_any_letters_leave_the_screen_that_a_full_drawing_does(tmux: Tmux) -> None:
    def still() -> bool:
        before = tmux.screen()
        return TITLES[-1] in before and all(tmux.screen() == before for _ in range(20))

    until_sync(still)
    for key, number in (
        ("Down", 0),
        ("Down", 1),
        ("Down", 2),
        ("Down", 3),
        ("Up", 2),
        ("NPage", len(TITLES) - 1),
    ):
        tmux.run("send-keys", key)
        until_sync(lambda: f"about{number}," in tmux.screen() and still())  # noqa: B023 - called in this turn
        shown = tmux.screen()
        tmux.run("send-keys", "C-l")
        until_sync(still)
        assert tmux.screen() == shown, key
