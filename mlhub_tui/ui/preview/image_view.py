"""The widget of a picture: cells in colours or characters, or a graphic over blanks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from rich.console import Console
from textual import work
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ..terminal.terminal_app import TerminalApp
from .graphics import KITTY_ID, Graphic, GraphicsMode, draw, kitty, kitty_gone, shade, sixel

if TYPE_CHECKING:
    from .image_decode import Picture


_NUMBERS = count(KITTY_ID)
"""Numbers by which kitty tells the pictures of this program apart."""


class ImageView(Widget):
    """Draws a picture as large as there is room; scaled and encoded in a thread."""

    DEFAULT_CSS = "ImageView { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False

    @dataclass
    class Drawn(Message):
        """A picture was drawn, in a way, which took so many bytes to the terminal."""

        way: GraphicsMode
        size: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._number = next(_NUMBERS)
        self._picture: Picture | None = None
        self._words = Content()
        self._way, self._lean = GraphicsMode.BLOCKS, False
        self._strips: list[Strip] = []
        self._graphic: Graphic | None = None
        self._waiting = self._placed = self._covered = False

    def on_mount(self) -> None:
        """Draw again what a stop of the program took off the terminal."""
        self.app.app_resume_signal.subscribe(self, lambda _: self._again())

    def show(self, picture: Picture | None, way: GraphicsMode, *, lean: bool = False) -> None:
        """Show another picture, or none; `lean` with fewer colours, for a slow line."""
        self._picture, self._way, self._lean = picture, way, lean
        self.take_off()
        self._strips, self._graphic = [], None
        self.refresh()
        self._prepare()

    def say(self, words: Content) -> None:
        """Show words in place of a picture."""
        self._words = words
        self.show(None, self._way)

    def render(self) -> Content:
        """Return the words that stand where no picture is."""
        return self._words

    def on_resize(self) -> None:
        """Fit the picture to the new room."""
        if self._picture is not None:
            self.show(self._picture, self._way, lean=self._lean)

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
            self._strips = made
            cost = await asyncio.to_thread(_written, made, self.app.console)
        self.refresh()
        self.post_message(self.Drawn(self._way, cost))

    def _made(self, image: Any, columns: int, rows: int) -> Graphic | list[Strip]:
        cell = (
            getattr(getattr(getattr(self.app, "terminal", None), "answers", None), "cell", None)
            or _cell_size()
        )
        if self._way is GraphicsMode.SIXEL:
            try:
                return sixel(image, columns, rows, cell, lean=self._lean)
            except ImportError:
                self._way = GraphicsMode.BLOCKS
        if self._way is GraphicsMode.KITTY:
            return kitty(image, columns, rows, cell, lean=self._lean, picture=self._number)
        if self._way is GraphicsMode.SHADES:
            return shade(image, columns, rows, light=not self.app.current_theme.dark)
        return draw(image, columns, rows, lean=self._lean)

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
        self._placed = self._way is GraphicsMode.KITTY
        self._covered = True

    def take_off(self) -> None:
        """Remove a graphic: kitty's by name, sixels by rewriting the cells below them."""
        app = self.app
        if self._placed and isinstance(app, TerminalApp):
            app.write_terminal(kitty_gone(self._number))
        if self._covered and isinstance(app, TerminalApp):
            app.forget_shown()
        self._placed = self._covered = False

    def _again(self) -> None:
        self._placed = False
        self.refresh()

    def on_unmount(self) -> None:
        """Leave nothing behind on the terminal."""
        self.take_off()


def estimate(way: GraphicsMode, columns: int, rows: int, *, full_colour: bool, lean: bool) -> int:
    """Return about how many bytes a picture takes that fills a room, before it is there."""
    if way is GraphicsMode.SHADES:
        return columns * rows
    if way is GraphicsMode.BLOCKS:
        return columns * rows * (_CELL_BYTES if full_colour else _CELL_BYTES_256)
    return _GRAPHIC_BYTES_LEAN if lean else _GRAPHIC_BYTES


_CELL_BYTES, _CELL_BYTES_256 = 40, 25
_GRAPHIC_BYTES, _GRAPHIC_BYTES_LEAN = 450_000, 80_000
"""What photographs take, as measured; a drawing takes less."""


def _written(strips: list[Strip], console: Console) -> int:
    """Return the bytes of rows as they are written."""
    return sum(len(strip.render(console).encode()) for strip in strips)


def _cell_size() -> tuple[int, int] | None:
    """Return the pixels of a cell as the kernel knows them (TIOCGWINSZ); None where it does not."""
    try:
        import fcntl
        import struct
        import sys
        import termios

        assert sys.__stdout__ is not None
        answer = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("HHHH", answer)
        return (width // columns, height // rows) if width >= columns > 0 and height >= rows > 0 else None
    except (ImportError, OSError, ValueError, AssertionError):
        return None
