"""An image drawn in half blocks: two pixels a cell, in as many colours as the terminal has."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from ...errors import MLHubException
from ...text import one_line, size
from ..draw import line
from ..glyphs import ascii_only

SIDE = 512
"""Pixels of the longer side that are kept: more than a terminal has cells."""
_SHADES = " .:-=+*#%@"
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


@dataclass(frozen=True)
class Picture:
    """A decoded image, small enough to be drawn again at any size.

    Parameters
    ----------
    image
        A Pillow image in RGB.
    words
        Its format, size in pixels and in bytes.
    """

    image: Any
    words: str


def read_picture(path: Path) -> Picture:
    """Decode an image file; takes its time, so call it in a thread.

    Raises
    ------
    MLHubException
        If it is no image that can be drawn, or one that would fill the memory.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # A small file that unpacks to hundreds of millions of pixels is no preview.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                words = f"{image.format}, {image.width} x {image.height}, {size(path.stat().st_size)}"
                image.draft("RGB", (SIDE, SIDE))
                small: Any = image
                if image.mode.startswith("I;16"):
                    small = image.point(lambda value: value / 257).convert("L")
                small = ImageOps.exif_transpose(small).convert("RGBA")
                small.thumbnail((SIDE, SIDE))
                ground = Image.new("RGBA", small.size, "black")
                return Picture(Image.alpha_composite(ground, small).convert("RGB"), words)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise MLHubException(
            f"this image cannot be drawn: {one_line(error, 120)}", hint="d downloads it"
        ) from None


class PictureCells(Widget):
    """Draws a picture as large as there is room."""

    DEFAULT_CSS = "PictureCells { width: 1fr; height: 1fr; }"

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture
        self._strips: list[Strip] = []
        self._drawn: tuple[int, int] | None = None

    def render_line(self, y: int) -> Strip:
        """Return a row of cells."""
        room = (self.size.width, self.size.height)
        if self._drawn != room:
            self._drawn, self._strips = room, draw(self._picture.image, *room, ascii_only(self.app))
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width)


def draw(image: Any, columns: int, rows: int, ascii_only: bool = False) -> list[Strip]:
    """Return the rows of an image that fits, in its proportions: a cell is one pixel wide and two high."""
    if columns < 1 or rows < 1:
        return []
    scale = min(columns / image.width, rows * 2 / image.height)
    width, height = max(1, round(image.width * scale)), max(2, round(image.height * scale))
    height += height % 2
    if ascii_only:
        grey = image.convert("L").resize((width, height // 2)).tobytes()
        starts = range(0, len(grey), width)
        return [Strip([Segment(_shades(grey[at : at + width]))], width) for at in starts]
    raw = image.resize((width, height)).tobytes()
    pixels = [tuple(raw[at : at + 3]) for at in range(0, len(raw), 3)]
    return [
        Strip(_halves(pixels[at : at + width], pixels[at + width : at + 2 * width]), width)
        for at in range(0, width * height, 2 * width)
    ]


def _shades(grey: bytes) -> str:
    return "".join(_SHADES[value * len(_SHADES) // 256] for value in grey)


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


class PreviewScreen(ModalScreen[None]):
    """A picture over the screen; any of the usual keys closes it."""

    DEFAULT_CSS = """
    PreviewScreen { align: center middle; }
    PreviewScreen > Vertical {
        width: 90%; height: 90%; border: round $accent; background: $surface; padding: 0 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,p", "close", "close", show=False)]

    def __init__(self, label: str, picture: Picture) -> None:
        super().__init__()
        self._label, self._picture = label, picture

    def compose(self) -> ComposeResult:
        """Lay out the picture."""
        with Vertical() as frame:
            frame.border_title = line(f"{self._label}: {self._picture.words}")
            frame.border_subtitle = line("esc closes")
            yield PictureCells(self._picture)

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)
