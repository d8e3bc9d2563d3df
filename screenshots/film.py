"""Make the film of the README, `film.gif`: `python screenshots/film.py`; needs rsvg-convert and Pillow.

Every frame is the app itself, driven by the keys that the film is about; the sample catalog answers.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from dots import draw_dots
from make import FOLDER, PROFILES, PacedSample, settle
from PIL import Image
from textual.pilot import Pilot

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.app import MLHubApp

SIZE = (100, 30)
WIDTH = 900  # pixels
COLOURS = 64
RATE = 6_000_000  # bytes per second, so that a transfer is seen at work
_NAMES = {"_": "underscore", "/": "slash", " ": "space", "?": "question_mark", ":": "colon"}


@dataclass
class Film:
    """The frames so far, each with how long it is seen."""

    app: MLHubApp
    pilot: Pilot[int]
    home: Path
    pictures: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    async def shoot(self, milliseconds: int) -> None:
        """Take a frame."""
        picture = self.app.export_screenshot(title="mlhub-tui", simplify=True)
        picture = picture.replace(str(self.home), "~").replace("<text ", '<text xml:space="preserve" ')
        self.pictures.append(draw_dots(picture))
        self.times.append(milliseconds)

    async def keys(self, keys: str, *, each: int = 110, then: int = 0, wait: float = 0.3) -> None:
        """Press keys one by one, a frame for each; the last one stays for `then`."""
        for key in keys.split() if " " in keys else [keys]:
            await self.pilot.press(_NAMES.get(key, key))
            await settle(self.pilot, wait)
            await self.shoot(each)
        if then:
            self.times[-1] = then

    async def type(self, words: str) -> None:
        """Type words."""
        await self.keys(" ".join(words), each=90, wait=0.05)


def write(film: Film, target: Path) -> None:
    """Draw the pictures and write them as a film, all in the same few colours."""
    frames = [_drawn(picture) for picture in film.pictures]
    some = frames[:: max(1, len(frames) // 8)]
    strip = Image.new("RGB", (some[0].width, some[0].height * len(some)))
    for number, frame in enumerate(some):
        strip.paste(frame, (0, frame.height * number))
    palette = strip.quantize(COLOURS)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    drawn[0].save(target, save_all=True, append_images=drawn[1:], duration=film.times, loop=0, optimize=True)


def _drawn(picture: str) -> Image.Image:
    rsvg = shutil.which("rsvg-convert") or sys.exit("rsvg-convert is needed: apt install librsvg2-bin")
    command = [rsvg, "-w", str(WIDTH), "-b", "#0c0c0c", "/dev/stdin"]
    done = subprocess.run(command, input=picture.encode(), capture_output=True, check=True)  # noqa: S603 - ours
    return Image.open(io.BytesIO(done.stdout)).convert("RGB")


async def play(film: Film) -> None:
    """Find a dataset, see what it looks like, where and when, fetch all of it, and watch it arrive."""
    await film.shoot(1200)
    await film.keys("j j j", each=250)
    await film.keys("/", then=400)
    await film.type("kenya_02_s")
    await film.keys("enter", then=1500, wait=0.8)
    await film.keys("i", then=1200, wait=1.0)
    await film.keys("j j", each=300)
    await film.keys("p", then=1800, wait=2.0)
    await film.keys("l l", each=300, then=600)
    await film.keys("escape", each=300, wait=0.6)
    await film.keys("m", then=1500, wait=1.2)
    await film.keys("n n n", each=450, then=1200)
    await film.keys("J", then=1500, wait=0.8)
    await film.keys("escape", then=500, wait=0.6)
    await film.keys("d", then=1500, wait=1.0)
    await film.keys("enter", then=400, wait=0.2)
    await film.keys("2", each=400, wait=0.4)
    for _ in range(8):
        await settle(film.pilot, 0.9)
        await film.shoot(350)
    await film.keys("L", then=1800, wait=0.8)
    await film.keys("escape", each=300, wait=0.5)
    await film.keys("?", then=1800)


async def record(home: Path) -> Film:
    """Play it at a sample catalog that takes its time."""
    app = MLHubApp(AppOptions(sample=True, output_dir=home / "data"))
    app.sample = PacedSample(RATE)
    async with app.run_test(size=SIZE) as pilot:
        while app.connection is None or "loading" in str(app.screen.query_one("#tree").render_line(0).text):
            await pilot.pause(0.1)
        await settle(pilot, 1.0)
        film = Film(app, pilot, home)
        await play(film)
    return film


def main() -> None:
    """Play it and write it."""
    with tempfile.TemporaryDirectory(prefix="mlhub-") as folder:
        home = Path(folder)
        os.environ |= {"MLHUB_HOME": folder, "MLHUB_TOUR": "0", "TERM": "xterm-256color"}
        (home / "profiles").write_text(PROFILES)
        film = asyncio.run(record(home))
    write(film, FOLDER / "film.gif")
    sys.stdout.write(f"film.gif: {len(film.pictures)} frames\n")


if __name__ == "__main__":
    main()
