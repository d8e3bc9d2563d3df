"""Pictures in a terminal: half blocks, characters, sixel, the kitty protocol, and the widget of one."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import sys
from base64 import standard_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ...config import abilities
from ..terminal.terminal_app import TerminalApp
from ..terminal.tty import tmux

if TYPE_CHECKING:
    from ..terminal.driver import TerminalAnswers
    from .image_decode import Picture


class ImageView(Widget):
    """Draws a picture as large as there is room; scaled and encoded in a thread."""

    DEFAULT_CSS = "ImageView { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False

    @dataclass
    class Drawn(Message):
        """A picture was drawn, in a way, which took so many bytes to the terminal."""

        mode: GraphicsMode
        size: int

    def __init__(self) -> None:
        super().__init__()
        self._number = next(_NUMBERS)
        self._picture: Picture | None = None
        self._words = Content()
        self._graphics, self._reduced = GraphicsMode.BLOCKS, False
        self._strips: list[Strip] = []
        self._graphic: Graphic | None = None
        self._waiting = self._placed = self._covered = False

    def on_mount(self) -> None:
        """Draw again what a stop of the program took off the terminal."""
        self.app.app_resume_signal.subscribe(self, lambda _: self._again())

    def show(self, picture: Picture | None, mode: GraphicsMode, *, reduced: bool = False) -> None:
        """Show another picture, or none; `reduced` with fewer colours, for a slow line."""
        self._picture, self._graphics, self._reduced = picture, mode, reduced
        self.take_off()
        self._strips, self._graphic = [], None
        self.refresh()
        self._prepare()

    def say(self, words: Content) -> None:
        """Show words in place of a picture."""
        self._words = words
        self.show(None, self._graphics)

    def render(self) -> Content:
        """Return the words that stand where no picture is."""
        return self._words

    def on_resize(self) -> None:
        """Fit the picture to the new room."""
        if self._picture is not None:
            self.show(self._picture, self._graphics, reduced=self._reduced)

    @work(exclusive=True, group="draw")
    async def _prepare(self) -> None:
        picture, (columns, rows) = self._picture, self.content_size
        if picture is None or columns < 1 or rows < 1:
            return
        made = await asyncio.to_thread(self._made, picture.image, columns, rows)
        if self._picture is not picture or not self.is_attached:
            return
        if isinstance(made, Graphic):
            self._graphic = made
            cost = len(made.sequence)
        else:
            self._strips, console = made, self.app.console
            cost = await asyncio.to_thread(lambda: sum(len(s.render(console).encode()) for s in made))
        self.refresh()
        self.post_message(self.Drawn(self._graphics, cost))

    def _made(self, image: Any, columns: int, rows: int) -> Graphic | list[Strip]:
        cell = (
            getattr(getattr(getattr(self.app, "terminal", None), "answers", None), "cell", None)
            or _cell_size()
        )
        if self._graphics is GraphicsMode.SIXEL:
            try:
                return sixel(image, columns, rows, cell, reduced=self._reduced)
            except ImportError:
                self._graphics = GraphicsMode.BLOCKS
        if self._graphics is GraphicsMode.KITTY:
            return kitty(image, columns, rows, cell, reduced=self._reduced, picture=self._number)
        if self._graphics is GraphicsMode.SHADES:
            return shade(image, columns, rows, light=not self.app.current_theme.dark)
        return draw(image, columns, rows, reduced=self._reduced)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Return a row of cells, in the middle of the room; of words while there is no picture."""
        if self._picture is None:
            return super().render_line(y)
        width, height = self.size
        row = y - (height - len(self._strips)) // 2
        if not 0 <= row < len(self._strips):
            return Strip.blank(width, self.rich_style)
        strip = self._strips[row]
        left = Strip.blank((width - strip.cell_length) // 2, self.rich_style)
        return Strip.join([left, strip.apply_style(self.rich_style)]).adjust_cell_length(
            width, self.rich_style
        )

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return rows; a graphic lies over them, and comes again after they were written."""
        if self._graphic is not None and not self._waiting and not self._placed:
            self._waiting = True
            self.call_after_refresh(self._put)
        return super().render_lines(crop)

    def _put(self) -> None:
        """Write the graphic over the cells, where nothing else is in front of them."""
        self._waiting = False
        graphic, region = self._graphic, self.content_region
        if graphic is None or not self.screen.is_current or not region:
            return
        x = region.x + max(region.width - graphic.columns, 0) // 2
        y = region.y + max(region.height - graphic.rows, 0) // 2
        app = self.app
        if isinstance(app, TerminalApp):
            app.write_terminal(f"\x1b7\x1b[{y + 1};{x + 1}H{graphic.sequence}\x1b8")
            app.forget_shown()
        # Text that is written later wipes out sixels, and not what kitty's protocol has put there.
        self._placed = self._graphics is GraphicsMode.KITTY
        self._covered = True

    def take_off(self) -> None:
        """Remove a graphic: kitty's by name, sixels by rewriting the cells below them."""
        app = self.app
        if self._placed and isinstance(app, TerminalApp):
            app.write_terminal(f"\x1b_Ga=d,d=I,i={self._number},q=2\x1b\\")
        if self._covered and isinstance(app, TerminalApp):
            app.forget_shown()
        self._placed = self._covered = False

    def _again(self) -> None:
        self._placed = False
        self.refresh()

    def on_unmount(self) -> None:
        """Leave nothing behind on the terminal."""
        self.take_off()


def estimate(mode: GraphicsMode, columns: int, rows: int, *, full_colour: bool, reduced: bool) -> int:
    """Return about how many bytes a picture takes that fills a room, before it is there."""
    if mode is GraphicsMode.SHADES:
        return columns * rows
    if mode is GraphicsMode.BLOCKS:
        return columns * rows * (_CELL_BYTES if full_colour else _CELL_BYTES_256)
    return _REDUCED_BYTES if reduced else _GRAPHIC_BYTES


_CELL_BYTES, _CELL_BYTES_256 = 40, 25
_GRAPHIC_BYTES, _REDUCED_BYTES = 450_000, 80_000
"""What photographs take, as measured; a drawing takes less."""


def _cell_size() -> tuple[int, int] | None:
    """Return the pixels of a cell as the kernel knows them (TIOCGWINSZ); None where it does not."""
    try:
        import fcntl  # not in Windows
        import termios

        assert sys.__stdout__ is not None
        answer = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("HHHH", answer)
        return (width // columns, height // rows) if width >= columns > 0 and height >= rows > 0 else None
    except (ImportError, OSError, ValueError, AssertionError):
        return None


_SHADES = " .:-=+*#%@"
_REDUCED = 48
"""Colours over a slow line: neighbours that are the same cost nothing."""


def draw(image: Any, columns: int, rows: int, *, reduced: bool = False) -> list[Strip]:
    """Return the rows of an image in colours, in its proportions: a cell is one pixel wide and two high."""
    if columns < 1 or rows < 1:
        return []
    width, height = fitted(image.size, columns, rows * 2)
    height += height % 2
    small = image.resize((width, height))
    if reduced:
        small = small.quantize(_REDUCED, dither=0).convert("RGB")
    raw = small.tobytes()
    pixels = [tuple(raw[at : at + 3]) for at in range(0, len(raw), 3)]
    return [
        Strip(_halves(pixels[at : at + width], pixels[at + width : at + 2 * width]), width)
        for at in range(0, width * height, 2 * width)
    ]


def shade(image: Any, columns: int, rows: int, *, light: bool = False) -> list[Strip]:
    """Return the rows of an image in ASCII; `light` where the ground is light."""
    if columns < 1 or rows < 1:
        return []
    width, height = fitted(image.size, columns, rows * 2)
    shades = _SHADES[::-1] if light else _SHADES
    grey = image.convert("L").resize((width, max(height // 2, 1))).tobytes()
    lines = (grey[at : at + width] for at in range(0, len(grey), width))
    return [
        Strip([Segment("".join(shades[value * len(shades) // 256] for value in line))], width)
        for line in lines
    ]


def fitted(size: tuple[int, int], width: float, height: float) -> tuple[int, int]:
    """Return the size of an image that fills a place in its proportions."""
    scale = min(width / size[0], height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _halves(above: list[tuple[int, ...]], below: list[tuple[int, ...]]) -> list[Segment]:
    """Return cells of two pixels each; neighbours that look the same are one segment."""
    segments: list[Segment] = []
    last, number = None, 0
    for pair in [*zip(above, below, strict=True), None]:
        if pair == last:
            number += 1
            continue
        if last is not None:
            style = Style(color=Color.from_rgb(*last[0]), bgcolor=Color.from_rgb(*last[1]))
            segments.append(Segment("▀" * number, style))
        last, number = pair, 1
    return segments


CELL = (10, 20)
"""Pixels of a cell where the terminal does not tell: those of the VT340, which sixel comes from."""
_REDUCED_SIDE, _REDUCED_COLOURS = 400, 32
"""Pixels and colours over a slow line: a photograph takes 50 to 90 kB."""
_CHUNK = 4096
"""Bytes of base64 in one sequence (kitty graphics protocol, "Remote client")."""
KITTY_ID = 0x4D4C4842
"""The number of the first picture; others have the next ones."""
_NUMBERS = count(KITTY_ID)


@dataclass(frozen=True, slots=True)
class Graphic:
    """A picture as a terminal takes it.

    - `sequence`: Written with the cursor in the top left cell.
    - `columns`, `rows`: The cells it covers.
    """

    sequence: str
    columns: int
    rows: int


def sixel(
    image: Any, columns: int, rows: int, cell: tuple[int, int] | None = None, *, reduced: bool = False
) -> Graphic:
    """Return a picture in sixel that fills a room, by the encoder of textual-image.

    That package asks the terminal when its renderables are imported, and reads the answer, or whatever was
    typed, from under the app: so it is the encoder alone that is imported.

    Raises ImportError if textual-image is not there, or has its encoder elsewhere.
    """
    from textual_image._sixel import SixelOptions, image_to_sixels  # of the extra `images`

    wide, high = cell or CELL
    width, height = columns * wide, rows * high
    if reduced:
        width, height = min(width, _REDUCED_SIDE), min(height, _REDUCED_SIDE)
    size = fitted(image.size, width, height)
    # A sixel is six pixels high: the rest of the last one would reach into the line below.
    size = (size[0], max(size[1] // 6 * 6, 6))
    options = SixelOptions(colors=_REDUCED_COLOURS, smooth=3) if reduced else SixelOptions(colors=128)
    sequence = image_to_sixels(image.resize(size), options)
    return Graphic(sequence, min(-(-size[0] // wide), columns), min(-(-size[1] // high), rows))


def kitty(
    image: Any,
    columns: int,
    rows: int,
    cell: tuple[int, int] | None = None,
    *,
    reduced: bool = False,
    picture: int = KITTY_ID,
) -> Graphic:
    """Return a picture in kitty's graphics protocol that fills a room; the terminal scales it.

    It is transmitted as PNG and put at the cursor, which stays (`C=1`), and no answer is asked for (`q=2`);
    `picture` is its number, by which it is removed.
    """
    wide, high = cell or CELL
    size = fitted(image.size, columns * wide, rows * high)
    across, down = min(max(-(-size[0] // wide), 1), columns), min(max(-(-size[1] // high), 1), rows)
    if reduced or size[0] < image.width:
        size = fitted(size, min(_REDUCED_SIDE, size[0]), min(_REDUCED_SIDE, size[1])) if reduced else size
        image = image.resize(size)
    if reduced:
        image = image.quantize(_REDUCED_COLOURS, dither=0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    data = standard_b64encode(buffer.getvalue()).decode()
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    first = f"a=T,f=100,i={picture},p=1,c={across},r={down},C=1,q=2,"
    parts = [
        f"\x1b_G{first if number == 0 else ''}m={int(number < len(chunks) - 1)};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    ]
    return Graphic("".join(parts), across, down)


PATIENCE = 1.0
"""Seconds to wait for the terminal's answers, once, when the first picture is there."""


class GraphicsMode(Enum):
    """A way to draw pictures, in words for people."""

    BLOCKS = "half blocks"
    SHADES = "characters"
    SIXEL = "sixel"
    KITTY = "kitty graphics"


def plainly(app: Any) -> GraphicsMode | None:
    """Return the way where nobody has to be asked; None where the terminal has."""
    if app.draws_ascii or app.no_color:
        return GraphicsMode.SHADES
    wanted = app.loaded.config.images
    if wanted == "kitty":
        return GraphicsMode.KITTY
    if wanted == "sixel":
        return GraphicsMode.SIXEL if find_spec("textual_image") is not None else GraphicsMode.BLOCKS
    if wanted == "blocks" or not speaks(os.environ) or not hasattr(app.terminal, "ask"):
        return GraphicsMode.BLOCKS
    return None


def speaks(environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal may speak graphics, for all that its environment tells.

    GNU screen passes none of them on; the Linux console and the terminals of old have none.
    """
    return not (abilities.plain_terminal(environ) or environ.get("STY"))


async def asked(app: Any) -> GraphicsMode:
    """Ask the terminal and return the way; blocks where it says nothing in time."""
    answers: TerminalAnswers = app.terminal.ask()
    async with asyncio.TaskGroup() as group:
        answered = group.create_task(_complete(answers))
        outer = group.create_task(tmux("display-message", "-p", "#{client_termfeatures}"))
    return best(answers, os.environ, outer.result() or "") if answered.result() else GraphicsMode.BLOCKS


def best(answers: TerminalAnswers, environ: Mapping[str, str], outer: str) -> GraphicsMode:
    """Return the best way that the answers allow.

    Sixel comes first: the terminals that speak both (WezTerm, Konsole) draw it soundly. tmux answers for
    itself: it must draw sixel, and the terminal around it as well; kitty's graphics it does not pass on.
    """
    if (
        answers.sixel
        and find_spec("textual_image") is not None
        and (not environ.get("TMUX") or "sixel" in outer)
    ):
        return GraphicsMode.SIXEL
    return GraphicsMode.KITTY if answers.kitty and not environ.get("TMUX") else GraphicsMode.BLOCKS


async def _complete(answers: TerminalAnswers) -> bool:
    """Wait for the last answer, as long as it is worth."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not answers.complete.is_set():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.02)
    return True
