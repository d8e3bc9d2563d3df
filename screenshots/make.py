"""Make the screenshots of the README from the sample catalog: `python screenshots/make.py`.

Every picture is the app itself, driven by keys, at 80x24 and 140x40; nothing is drawn by hand.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from dots import draw_dots
from textual.pilot import Pilot
from textual.widgets import Input

from mlhub_tui.auth import Credentials
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.process import SAMPLE_NAME, SampleOnDemand
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.screens.results import ResultsScreen

FOLDER = Path(__file__).parent
SIZES = ((80, 24), (140, 40))
RATE = 1_200_000
Scene = Callable[[Pilot[int], MLHubApp], Awaitable[None]]


class PacedSample(SampleOnDemand):
    """A sample catalog in this process, with a rate of its own, so that transfers are seen at work.

    - `rate`: Bytes per second of one answer.
    """

    def __init__(self, rate: int) -> None:
        super().__init__()
        self._server = SampleServer(rate=rate)

    def credentials(self) -> Credentials:
        """Return the credentials of the running sample catalog."""
        self._server.start()
        return Credentials(
            api_key=self._server.key,
            root_url=self._server.root_url,
            profile=None,
            key_origin=SAMPLE_NAME,
            root_origin=SAMPLE_NAME,
        )

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()


async def settle(pilot: Pilot[int], seconds: float = 0.6) -> None:
    """Let the app answer, and the detail follow."""
    await pilot.pause(seconds)


async def find(pilot: Pilot[int], words: str) -> None:
    """Filter the tree and go to the first match."""
    await pilot.press("slash")
    await pilot.press(*("underscore" if letter == "_" else letter for letter in words), "enter")
    await settle(pilot)


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Wait for what a picture shows, however slow the machine is."""
    while not condition():
        await pilot.pause(0.1)


async def queue(pilot: Pilot[int], app: MLHubApp, words: str) -> None:
    """Queue the download of a collection."""
    known = len(app.jobs)
    await find(pilot, words)
    await pilot.press("d")
    await until(pilot, lambda: app.screen.is_modal)
    await settle(pilot, 0.2)
    await pilot.press("enter")
    await until(pilot, lambda: len(app.jobs) > known)
    await pilot.press("escape")


async def browse(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the tree with a dataset opened and a collection under the cursor."""
    await pilot.press(*"jjjjjjljj")
    await settle(pilot, 1.0)


async def search(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the filter while it is typed."""
    await pilot.press("slash", *"kenya")
    await settle(pilot)


async def collection(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show a collection whole, with its items."""
    await find(pilot, "kenya_02_source")
    await pilot.press("i")
    await settle(pilot, 1.0)


async def where(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show where and when the items of a collection are."""
    await find(pilot, "landcovernet_v1_source")
    await pilot.press("m")
    await settle(pilot, 1.0)
    if app.size.width >= 120:
        await pilot.press("m")  # the one beside the tree has the keys, and no items
        await settle(pilot, 1.0)
    await pilot.press(*"nnnnnn")
    await settle(pilot)


async def items(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what a search in a collection finds."""
    await find(pilot, "kenya_02_source")
    await pilot.press("s")
    await settle(pilot)
    app.screen.query_one("#datetime", Input).value = "2019-06/2019-09"
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(app.screen, ResultsScreen))
    await settle(pilot, 1.0)
    await pilot.press("space", "space", "j")
    await settle(pilot)


async def assets(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the assets of two items to choose from."""
    await items(pilot, app)
    await pilot.press("d")
    await settle(pilot, 1.0)


async def download(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the questions before a download."""
    await find(pilot, "bigearthnet_v1_lab")
    await pilot.press("d")
    await settle(pilot, 1.0)


async def dataset(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the ways to download a dataset."""
    await find(pilot, "landcovernet_eu")
    await pilot.press("g", "j", "d")
    await settle(pilot, 1.0)


async def plan(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what is selected of a dataset: keys, an area, a time."""
    await dataset(pilot, app)
    await pilot.press("space", "enter")
    await settle(pilot, 2.0)
    for field, typed in (("area", "-10,36,30,60"), ("time", "2018-03/2018-10")):
        app.screen.query_one(f"#{field}", Input).value = typed
    await pilot.press("j", "l", "j", "j", "space")
    await settle(pilot)


async def downloads(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show transfers in several states."""
    first = (
        "kenya_02_labels",
        "cashew_benin_source",
        "sn4_",
        "landcovernet_v1_source",
        "bigearthnet_v1_labels",
    )
    for words in first:
        await queue(pilot, app, words)
    await until(pilot, lambda: all(job.state.finished for job in app.jobs))
    await queue(pilot, app, "bigearthnet_v1_source")
    app.clear_notifications()
    await pilot.press("2")
    await settle(pilot, 0.2)
    await pilot.press("G")
    await until(pilot, lambda: app.jobs[-1].bytes_done * 2 > (app.jobs[-1].bytes_total or 0) > 0)


async def profiles(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the profiles."""
    await pilot.press("3")
    await settle(pilot)


async def source(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what was found at a URL, and what is asked before it is saved."""
    await pilot.press("3", "o")
    await settle(pilot)
    names = {"/": "slash", ".": "full_stop", ":": "colon"}
    await pilot.press(*(names.get(letter, letter) for letter in app.sample.credentials().root_url), "enter")
    await settle(pilot, 1.0)


async def facets(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what the datasets have in common, with one of it ticked."""
    await pilot.press("f")
    await settle(pilot, 1.0)
    await pilot.press("down", "down", "enter")
    await settle(pilot)


async def preview(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what an item looks like."""
    await find(pilot, "kenya_02_source")
    await pilot.press("l")
    await settle(pilot, 1.0)
    await pilot.press("j", "p")
    await settle(pilot, 2.0)


async def sheet(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what the items of a collection look like, some of them selected."""
    await find(pilot, "kenya_02_source")
    await pilot.press("i")
    await settle(pilot, 1.0)
    await pilot.press("p")
    await settle(pilot, 3.0)
    await pilot.press("space", "right", "space")
    await settle(pilot)


async def library(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show what was downloaded."""
    for words in ("kenya_02_labels", "cashew_benin_source", "cashew_benin_labels"):
        await queue(pilot, app, words)
    await until(pilot, lambda: all(job.state.finished for job in app.jobs))
    app.clear_notifications()
    await pilot.press("4")
    await settle(pilot, 1.0)


async def json(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the JSON of a collection, folded and searched."""
    await find(pilot, "kenya_02_source")
    await pilot.press("enter")
    await settle(pilot, 1.0)
    await pilot.press("J")
    await settle(pilot)
    await pilot.press("minus", "l", "slash", *"bbox", "enter")
    await settle(pilot)


async def keys(pilot: Pilot[int], app: MLHubApp) -> None:
    """Show the help."""
    await pilot.press("question_mark")
    await settle(pilot)


SCENES: dict[str, Scene] = {
    "browse": browse,
    "filter": search,
    "facets": facets,
    "collection": collection,
    "json": json,
    "map": where,
    "preview": preview,
    "contact-sheet": sheet,
    "results": items,
    "assets": assets,
    "download": download,
    "dataset": dataset,
    "plan": plan,
    "downloads": downloads,
    "library": library,
    "profiles": profiles,
    "source": source,
    "help": keys,
}

PROFILES = """[default]
api_key = 7d1f0c2e9ab34c55
[team]
api_key = 51c9e6b7d2f04a88
root_url = https://mlhub.example.org/v1/
"""


async def take(name: str, scene: Scene, size: tuple[int, int], folder: Path) -> None:
    """Run one scene and write its picture."""
    os.environ |= {"MLHUB_HOME": str(folder), "MLHUB_TOUR": "0", "TERM": "xterm-256color"}
    (folder / "profiles").write_text(PROFILES)
    app = MLHubApp(AppOptions(sample=True, output_dir=Path("/data")))
    app.output_dir = folder / "data"
    app.sample = PacedSample(RATE)
    async with app.run_test(size=size) as pilot:
        while app.connection is None or "loading" in str(app.screen.query_one("#tree").render_line(0).text):
            await pilot.pause(0.1)
        await settle(pilot)
        await scene(pilot, app)
        picture = app.export_screenshot(title="mlhub-tui", simplify=True)
    picture = picture.replace(str(folder), "~").replace("<text ", '<text xml:space="preserve" ')
    picture = draw_dots(picture)
    target = FOLDER / f"{name}-{size[0]}x{size[1]}.svg"
    target.write_text(picture)
    sys.stdout.write(f"{target.name}\n")


async def main(wanted: list[str]) -> None:
    """Take the pictures that are wanted, all by default."""
    for name, scene in SCENES.items():
        for size in SIZES:
            if not wanted or name in wanted:
                with tempfile.TemporaryDirectory(prefix="mlhub-") as folder:
                    await take(name, scene, size, Path(folder))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
