"""A map of the world with extents and footprints over it, moved by keys; a box can be chosen on it.

It posts `Moved` (another footprint is current), `Opened` (enter on it), `BoxChosen` and `BoxLeft`. Nothing is
drawn, and the map's data not read, before it has a size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ...metadata.places import Box, around, places, plain
from ...models import BBox
from ..commands import MAP, AppCommand, bindings, called
from ..terminal.characters import ascii_only
from ..terminal.tty import lacks_braille
from ..widgets.bars import KeyRefused
from .canvas import Footprint, Picture, Scene, draw
from .projection import WIDE, Frame, MapView, cell_of, centred, fitted, footprint_at, seen, whole

CLOSE, CONTEXT = 0.02, 9.0
"""Degrees of latitude that a map shows at least at first: some 2 km of what is a point; as much as there is a
coast or a border in."""
STEP = (8, 8)
"""Dots across and down by which a key moves the map."""
_LOOKS = ("", "", "coast", "", "footprint", "current", "selection")
"""The look of each layer; borders and extents have those of coasts and footprints."""


class FootprintMap(Widget, can_focus=True):
    """Where the data is.

    - `least`: Degrees of latitude that are seen at least at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(binding for binding in bindings(MAP) if getattr(binding, "id", "") != "map.dates"),
        Binding("escape", "leave_box", show=False),
    ]
    DEFAULT_CSS = """
    FootprintMap { background: $background; height: 1fr; }
    FootprintMap > .map--coast { color: $muted; }
    FootprintMap > .map--footprint { color: $primary; }
    FootprintMap > .map--current { color: $accent; text-style: bold; }
    FootprintMap > .map--selection { color: $warning; text-style: bold; }
    FootprintMap > .map--caption { color: $muted; background: $surface; }
    FootprintMap:focus > .map--caption { color: $foreground; background: $panel; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"map--{look}" for look in _LOOKS if look), "map--caption"}
    ALLOW_SELECT = False

    @dataclass
    class Moved(Message):
        """Another footprint is the current one."""

        index: int

    @dataclass
    class Opened(Message):
        """Enter on the current footprint."""

        index: int

    @dataclass
    class BoxChosen(Message):
        """A box was chosen."""

        box: BBox

    class BoxLeft(Message):
        """No box was chosen after all."""

    class ModeChanged(Message):
        """A box is being chosen, or no longer."""

    def __init__(self, *, id: str | None = None, least: float = CLOSE) -> None:
        super().__init__(id=id)
        self._least = least
        self.boxes: tuple[BBox, ...] = ()
        """The boxes of the whole, as they were given."""
        self.extents: list[Footprint] = []
        self.footprints: list[Footprint] = []
        self.current: int | None = None
        self.note = ""
        """Words for the line below, in place of the name of what is seen."""
        self._view: MapView | None = None
        self._fits = True
        """Whether the view is still that of all there is: no key has moved it."""
        self._frame: Frame | None = None
        self._asked: BBox | bool = False
        self._strips: list[Strip] = []

    # What is shown

    def show(
        self, extents: Sequence[BBox], footprints: Sequence[Footprint] = (), *, keep_view: bool = False
    ) -> None:
        """Show other boxes and footprints; zoom to all of them unless `keep_view`."""
        self.boxes = tuple(extents)
        self.extents = [Footprint(box) for one in extents if (box := plain(one)) is not None]
        self.footprints = list(footprints)
        self.current = None
        if not keep_view:
            self._view, self._fits = None, True
        self.redraw()

    def add(self, footprints: Sequence[Footprint]) -> None:
        """Show more footprints: where the view is once a key has moved it, until then all of them."""
        self.footprints.extend(footprints)
        if footprints:
            self._refit()
            self.redraw()

    def _refit(self) -> None:
        if self._fits and not self.choosing:
            self._view = None

    def highlight(self, index: int | None) -> None:
        """Mark a footprint as the current one, and move the map to it where it is out of sight."""
        index = index if index is not None and 0 <= index < len(self.footprints) else None
        if index == self.current:
            return
        self.current = index
        if index is not None and self._view is not None:
            self._view = seen(self._view, self.footprints[index].box)
        self.redraw()

    @property
    def choosing(self) -> bool:
        """Whether a box is being chosen."""
        return self._frame is not None or self._asked is not False

    def choose_box(self, start: BBox | None = None) -> None:
        """Begin to choose a box: keys move its corner, enter takes it, esc leaves it."""
        self._asked = start if start is not None else True
        self.post_message(self.ModeChanged())
        self.redraw()

    def leave_box(self) -> None:
        """Choose no box."""
        self._frame, self._asked = None, False
        self.post_message(self.ModeChanged())
        self.redraw()

    @property
    def mode_hints(self) -> list[AppCommand]:
        """The keys for the footer while a box is being chosen, in place of the map's."""
        if not self.choosing:
            return []
        return called(
            map_open="take box",
            map_corner="other corner",
            app_back="cancel",
            map_closer="zoom in",
            map_farther="zoom out",
        )

    @property
    def view(self) -> MapView | None:
        """What part of the world is seen, None before it has a size."""
        return self._view

    # Drawing

    def on_resize(self) -> None:
        """Draw for the new size: a view that was fitted to another one would show less."""
        self._refit()
        self.redraw()

    def notify_style_update(self) -> None:
        """Take up other colours."""
        super().notify_style_update()
        self.redraw()

    def redraw(self) -> None:
        """Redraw the map, once it is visible."""
        self._strips = []
        width, height = self.size
        if width >= 2 and height >= 2:
            self._settle(width, height - 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line of what is drawn."""
        width = self.size.width
        if not self._strips and self._view is not None and width >= 2:
            self._strips = [*self._map_strips(), self._caption(width)]
        return self._strips[y] if y < len(self._strips) else Strip.blank(width, self.rich_style)

    def _settle(self, columns: int, rows: int) -> None:
        """Make sure that there is a view of this size, and of a frame where one is asked for."""
        if self._view is None:
            self._view = self._fitted(columns, rows, self._least)
        self._view = self._view.resized(columns, rows)
        if self._asked is not False:
            start, self._asked = self._asked, False
            self._frame = Frame.around(start) if isinstance(start, BBox) else None
            if self._frame is not None:
                self._view = seen(self._view, self._frame.box)
            else:
                self._frame = Frame.within(self._view)

    def _fitted(self, columns: int, rows: int, least: float) -> MapView:
        box = around([footprint.box for footprint in self.footprints or self.extents])
        return whole(columns, rows) if box is None else fitted(box, columns, rows, least=least)

    def picture(self) -> Picture:
        """Return what is seen, as text."""
        assert self._view is not None
        scene = Scene(
            self.extents,
            self.footprints,
            self.footprints[self.current] if self.current is not None else None,
            self._frame.box if self._frame is not None else None,
        )
        return draw(self._view, scene, ascii_only=self.ascii_only)

    @property
    def ascii_only(self) -> bool:
        """Whether braille is left alone."""
        return ascii_only(self.app) or lacks_braille()

    def _map_strips(self) -> list[Strip]:
        styles = [self._look(look) for look in _LOOKS]
        width = self.size.width
        return [Strip([Segment(text, styles[layer]) for text, layer in row], width) for row in self.picture()]

    def _look(self, name: str) -> Style:
        own = self.get_component_rich_style(f"map--{name}", partial=True) if name else Style()
        return self.rich_style + own

    def _caption(self, width: int) -> Strip:
        """Return the line below: what is seen, and how long a kilometre is."""
        assert self._view is not None
        words, box = self.note, None
        if self._frame is not None:
            words, box = self._frame.words(self._view), self._frame.box
        elif self.current is not None:
            box = self.footprints[self.current].box
        text = caption(self._view, words, box, width, ascii_only=self.ascii_only)
        return Strip([Segment(text, self._look("caption"))]).adjust_cell_length(width, self._look("caption"))

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the terminal's own cursor stands: on what the keys move, else on the line of words below."""
        region = self.content_region
        below = Offset(region.x, max(region.bottom - 1, region.y))
        if self._view is None:
            return below
        cell = cell_of(self._view, *at) if (at := self._place) is not None else None
        return below if cell is None else region.offset + Offset(*cell)

    @property
    def _place(self) -> tuple[float, float] | None:
        """What the keys move: the corner of the box that is chosen, else the current footprint's middle."""
        if self._frame is not None:
            return self._frame.corner
        if self.current is None:
            return None
        west, south, east, north = self.footprints[self.current].box
        return (west + east) / 2, (south + north) / 2

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys that do nothing here to the screen."""
        framed = self._frame is not None
        some = bool(self.footprints)
        return {"corner": framed, "step": some, "take": framed or some}.get(action, True)

    def action_pan(self, across: int, down: int) -> None:
        """Move the map, or the corner of the box that is being chosen."""
        if self._view is None:
            return
        self._fits = False
        if self._frame is not None:
            self._frame, self._view = self._frame.moved(self._view, across, down)
        else:
            self._view = self._view.moved(across * STEP[0], down * STEP[1])
        self.redraw()

    def action_zoom(self, direction: int) -> None:
        """Zoom in or out; the current footprint, or the corner, moves to the middle."""
        if self._view is None:
            return
        self._fits = False
        if direction > 0 and self._place is not None:
            self._view = centred(self._view, *self._place)
        self._view = self._view.zoomed(2.0**direction)
        self.redraw()

    def action_fit(self) -> None:
        """Show all there is, as close as it goes."""
        if self._view is not None:
            self._view, self._fits = self._fitted(self._view.columns, self._view.rows, 0.0), True
            self.redraw()

    def action_world(self) -> None:
        """Show the whole world."""
        if self._view is not None:
            self._view, self._fits = whole(self._view.columns, self._view.rows), False
            self.redraw()

    def action_step(self, step: int) -> None:
        """Go to the next or previous footprint."""
        self._fits = False
        count = len(self.footprints)
        now = self.current if self.current is not None else (-1 if step > 0 else 0)
        self.highlight((now + step) % count)
        if self.current is not None:
            self.post_message(self.Moved(self.current))

    def action_take(self) -> None:
        """Take the box that is being chosen, or open the current footprint."""
        if self._frame is not None and self._view is not None:
            box = self._frame.taken(self._view)
            self.leave_box()
            self.post_message(self.BoxChosen(box))
        elif self.current is not None:
            self.post_message(self.Opened(self.current))
        else:
            self.post_message(KeyRefused("Go to a footprint first, by n or N."))

    def action_box(self) -> None:
        """Begin to choose a box."""
        if not self.choosing:
            self.choose_box()

    def action_corner(self) -> None:
        """Move the other corner from now on."""
        if self._frame is not None:
            self._frame = self._frame.turned()
            self.redraw()

    def action_leave_box(self) -> None:
        """Choose no box; else the key is the screen's."""
        if self._frame is None:
            raise SkipAction
        self.leave_box()
        self.post_message(self.BoxLeft())

    # The mouse

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Zoom in."""
        event.stop()
        self.action_zoom(1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """See more."""
        event.stop()
        self.action_zoom(-1)

    def on_click(self, event: Click) -> None:
        """Go to the footprint that the mouse points at."""
        if self._view is None or self._frame is not None:
            return
        found = footprint_at(self._view, [f.box for f in self.footprints], event.x, event.y)
        if found is not None:
            self.highlight(found)
            self.post_message(self.Moved(found))


_LONGEST_BAR = 10
"""Cells of the scale's bar."""
_LEAST_WORDS = 12


def caption(view: MapView, words: str, box: Box | None, width: int, *, ascii_only: bool = False) -> str:
    """Return the line in at most `width` cells; what does not fit is left out, the scale last.

    - `view`: What is seen.
    - `words`: What to say first.
    - `box`: The box to describe by its place and its middle; None for the whole view.
    - `width`: Cells.
    - `ascii_only`: Whether only ASCII characters are drawn.
    """
    bar = scale_bar(view, ascii_only=ascii_only)
    parts = [words, places([box]) if box is not None else "", degrees(view, box, ascii_only=ascii_only)]
    room = width - len(bar) - 3
    line = ""
    for part in filter(None, parts):
        longer = f"{line}  {part}" if line else part
        if len(longer) <= room:
            line = longer
        elif not line and room >= _LEAST_WORDS:
            line = f"{part[: room - 1]}…"
    return f" {line:<{max(room, 0)}} {bar} "[:width]


def degrees(view: MapView, box: Box | None, *, ascii_only: bool = False) -> str:
    """Return the middle of a box, or of the view, as precise as a dot is."""
    longitude, latitude = view.longitude, view.latitude
    if box is not None:
        longitude = ((box[0] + box[2]) / 2 + 180) % 360 - 180
        latitude = (box[1] + box[3]) / 2
    digits = 0 if view.scale < 1 else 1 if view.scale < 20 else 2 if view.scale < 200 else 4
    sign = "" if ascii_only else "°"
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.{digits}f}{sign}{north} {abs(longitude):.{digits}f}{sign}{east}"


def scale_bar(view: MapView, *, ascii_only: bool = False) -> str:
    """Return a bar and the kilometres, or metres, that it is long at the middle of the view."""
    cell = view.kilometres * WIDE
    longest = _LONGEST_BAR * cell
    length = 10.0 ** len(str(int(longest * 1000))) / 1000
    while length > longest:
        # 1, 5, 2, 1: lengths that people can divide.
        leading = f"{length:.6e}"[0]
        length = length / 2 if leading in "12" else length / 2.5
    cells = max(round(length / cell), 1)
    amount = f"{length:,.0f} km" if length >= 1 else f"{length * 1000:,.0f} m"
    left, middle, right = "|-|" if ascii_only else "├─┤"
    return f"{left}{middle * max(cells - 2, 0)}{right} {amount}"
