"""The first paint comes before anything slow is even imported."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mlhub_tui.ui.app import IMPORTED_WHILE_IDLE

SCRIPT = """
import asyncio, sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mlhub_tui.ui.app import IMPORTED_WHILE_IDLE
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.app import MLHubApp

class Watched(MLHubApp):
    def _begin(self):
        strips = self.screen._compositor.render_strips()
        text = "\\n".join("".join(s.text for s in strip) for strip in strips)
        heavy = sorted({m.split(".")[0] for m, loaded in sys.modules.items() if loaded} &
                       {"httpx", "pystac", "humanize", "starlette", "uvicorn", "sqlite3", "markdown_it"})
        late = "queue.job queue.service http.errors sources.base metadata.detail metadata.citation"
        heavy += sorted({f"mlhub_tui.{name}" for name in late.split()} & set(sys.modules))
        print("painted", "connecting…" in text or "Welcome" in text, heavy)

async def main():
    async with Watched(AppOptions(sample=SAMPLE, output_dir=Path("."))).run_test(size=(80, 24)) as pilot:
        await pilot.pause()

asyncio.run(main())
"""


def first_paint(sample: bool, tmp_path: Path) -> str:
    """Run the app in a process of its own and return what was there at its first paint."""
    script = SCRIPT.replace("SAMPLE", str(sample))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_the_tree_is_painted_before_http_stac_and_sqlite_are_imported(tmp_path: Path) -> None:
    assert first_paint(True, tmp_path) == "painted True []"


def test_the_profiles_are_painted_before_http_stac_and_sqlite_are_imported(tmp_path: Path) -> None:
    assert first_paint(False, tmp_path) == "painted True []"


@pytest.mark.parametrize("name", IMPORTED_WHILE_IDLE)
def test_what_is_imported_while_idle_is_there(name: str) -> None:
    assert find_spec(f"mlhub_tui.ui.{name}") is not None


OPENING = """
import asyncio, sys
from mlhub_tui.auth import Kind, for_location
from mlhub_tui.ui.source_connection import open_connection

credentials = for_location("https://api.example.org/mlhub/v1", kind=Kind.MLHUB)
print(asyncio.run(open_connection(credentials)).credentials.root_url)
parts = ("probe", "static.", "stac.")
print([name for name in sys.modules if name.startswith(tuple(f"mlhub_tui.sources.{part}" for part in parts))])
"""


def test_a_source_of_a_known_kind_opens_without_the_modules_of_other_kinds() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENING], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["https://api.example.org/mlhub/v1/", "[]"]
