"""A map as text: coastlines, borders, footprints, the current one and a selection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from .braille import HIGH, PATTERNS, WIDE, Dots
from .footprints import Box, Footprint
from .projection import MapView
from .world import UNITS, WorldLine, world

MOST_DRAWN = 2_000
"""Footprints drawn at most, evenly chosen among more: beyond that they are one on the other."""
_OUTLINED, _MOST_OUTLINES = 12, 300
"""Dots from which on a footprint is drawn with its outline, not as a box; and how many are at most."""
_FILLED = 0.25
"""Of the view: a current footprint that is larger is not filled."""
BORDERS_FROM = 2.2
"""Dots in a degree from which on borders are drawn: of the whole globe they would be noise."""
_SMALLEST = 1.2
"""Dots of an island across or down that is drawn, where all of the globe is."""
_DETAIL = 50
"""Points of a line for each dot of its length, beyond which every other will do."""


class Layer(IntEnum):
    """What a cell shows; the higher ones lie on the lower ones."""

    BLANK = 0
    BORDER = 1
    COAST = 2
    EXTENT = 3
    FOOTPRINT = 4
    CURRENT = 5
    SELECTION = 6


ASCII = {
    Layer.BLANK: " ",
    Layer.BORDER: ",",
    Layer.COAST: ".",
    Layer.EXTENT: "+",
    Layer.FOOTPRINT: "#",
    Layer.CURRENT: "@",
    Layer.SELECTION: "*",
}
"""The character of a layer where braille cannot be drawn."""
_ASCII = "".join(ASCII.values()).ljust(256).encode()


class Run(NamedTuple):
    """Neighbouring cells of one look."""

    text: str
    layer: int


Picture = list[list[Run]]
"""Rows of runs; each row is as wide as the view."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is on a map beside the world.

    Parameters
    ----------
    extents
        Boxes of the whole.
    footprints
        Where items lie.
    current
        Where that one lies that is under the cursor.
    selection
        The box being chosen.
    """

    extents: Sequence[Footprint] = ()
    footprints: Sequence[Footprint] = ()
    current: Footprint | None = None
    selection: Box | None = None


def draw(view: MapView, scene: Scene, *, ascii_only: bool = False) -> Picture:
    """Return the map of a view, row by row."""
    layers = [*_ground(view)]
    layers.append((Layer.EXTENT, _footprints(view, scene.extents)))
    layers.append((Layer.FOOTPRINT, _footprints(view, thinned(scene.footprints))))
    if scene.current is not None:
        layers.append((Layer.CURRENT, _marked(view, scene.current)))
    if scene.selection is not None:
        layers.append((Layer.SELECTION, _footprints(view, [Footprint(scene.selection)])))
    return _rows([layer for layer in layers if any(layer[1])], view, ascii_only)


def thinned(footprints: Sequence[Footprint]) -> Sequence[Footprint]:
    """Return as many footprints as are drawn, evenly chosen."""
    step = -(-len(footprints) // MOST_DRAWN)
    return footprints[::step] if step > 1 else footprints


# Layers


@lru_cache(maxsize=16)
def _ground(view: MapView) -> tuple[tuple[Layer, bytes], ...]:
    """Return borders and coast, which stay while a view does."""
    earth = world()
    coast = (Layer.COAST, _lines(view, earth.coast))
    if view.scale < BORDERS_FROM:
        return (coast,)
    return ((Layer.BORDER, _lines(view, earth.borders, dotted=True)), coast)


def _lines(view: MapView, lines: Iterable[WorldLine], *, dotted: bool = False) -> bytes:
    """Draw lines of the world."""
    dots = Dots(view.columns, view.rows)
    scale, across = view.scale / UNITS, view.across / UNITS
    top, bottom = view.north * UNITS, view.south * UNITS
    smallest = _SMALLEST / scale if view.scale < BORDERS_FROM else 0.0
    for xs, ys, west, south, east, north in lines:
        if south > top or north < bottom or (east - west < smallest and north - south < smallest):
            continue
        for turn in view.turns(west / UNITS, east / UNITS):
            start = view.x(turn)
            # A step of zero dots is the same dot: far away, every other point is enough.
            step = 2 if len(xs) > _DETAIL * max(1.0, (north - south) * scale, (east - west) * across) else 1
            dots.path([start + x * across for x in xs[::step]], [(top - y) * scale for y in ys[::step]])
    if dotted:
        dots.dotted()
    dots.keep(view.left, view.width - view.left)
    return dots.cells()


def _footprints(view: MapView, footprints: Iterable[Footprint]) -> bytes:
    """Draw boxes and outlines."""
    dots = Dots(view.columns, view.rows)
    left, north, scale, across = view.left, view.north, view.scale, view.across
    west, draw_box, once_around = view.west, dots.box, 360 * view.across
    edge = view.width - left
    outlined = 0
    for box, outlines in footprints:
        # The first dot at or right of the view's left edge, on the circle.
        start = (box[0] - west) % 360 * across
        stop = start + (box[2] - box[0]) * across
        top, bottom = int((north - box[3]) * scale), int((north - box[1]) * scale)
        for x0, x1 in ((start, stop), (start - once_around, stop - once_around)):
            if x0 >= edge or x1 < 0:
                continue
            large = x1 - x0 >= _OUTLINED or bottom - top >= _OUTLINED
            if outlines and large and outlined < _MOST_OUTLINES:
                outlined += 1
                move = x0 + left - box[0] * across
                for xs, ys in outlines:
                    dots.path([move + x * across for x in xs], [(north - y) * scale for y in ys])
                continue
            first, last = int(x0 + left) if x0 + left >= 0 else -1, int(x1 + left)
            if last - first < 2 and bottom - top < 2 and first >= 0:
                # Heavier than a coast, and still in one cell.
                first, top = first & ~1, top & ~1
                last, bottom = first + 1, top + 1
            draw_box(first, top, last, bottom)
    dots.keep(view.left, view.width - view.left)
    return dots.cells()


def _marked(view: MapView, footprint: Footprint) -> bytes:
    """Draw the current footprint so that it is seen without colours: filled, and a cell at least."""
    dots = Dots(view.columns, view.rows)
    west, south, east, north = footprint.box
    top, bottom = int(view.y(north)), int(view.y(south))
    high = max(min(bottom, view.height) - max(top, 0), 0)
    for turn in view.turns(west, east):
        left, right = int(view.x(west + turn)), int(view.x(east + turn))
        if right - left < WIDE and bottom - top < HIGH:
            left, top = left // WIDE * WIDE, top // HIGH * HIGH
            dots.fill(left, top, left + WIDE - 1, top + HIGH - 1)
            continue
        wide = max(min(right, view.width) - max(left, 0), 0)
        filled = wide * high < _FILLED * view.width * view.height
        if not footprint.outlines:
            if filled:
                dots.fill(left, top, right, bottom)
            else:
                dots.box(left, top, right, bottom)
                dots.box(left + 1, top + 1, right - 1, bottom - 1)
        for xs, ys in footprint.outlines:
            moved = [view.x(x + turn) for x in xs], [view.y(y) for y in ys]
            if filled:
                dots.polygon(*moved)
            dots.path(*moved)
    dots.keep(view.left, view.width - view.left)
    return dots.cells()


# Rows

_SOME = {layer: bytes([0, *[1 << layer] * 255]) for layer in Layer if layer}
"""For `bytes.translate`: a pattern as the bit of its layer, if any dot is set."""
_TOP = bytes(max(bits.bit_length() - 1, 0) for bits in range(256))
"""For `bytes.translate`: the bits of a cell's layers as the highest of them."""
_LOOKS = bytes([0, Layer.COAST, Layer.COAST, Layer.FOOTPRINT, *range(Layer.FOOTPRINT, 256)])
"""For `bytes.translate`: layers of one look as one; their dots tell them apart."""


def _rows(layers: Sequence[tuple[Layer, bytes]], view: MapView, ascii_only: bool) -> Picture:
    """Return the layers as text, each cell in the look of its highest one."""
    columns, rows = view.columns, view.rows
    size = columns * rows
    dots = owners = 0
    for layer, cells in layers:
        dots |= int.from_bytes(cells, "little")
        owners |= int.from_bytes(cells.translate(_SOME[layer]), "little")
    owned = owners.to_bytes(size, "little").translate(_TOP)
    if ascii_only:
        text = owned.translate(_ASCII).decode()
    else:
        text = dots.to_bytes(size, "little").decode("latin-1").translate(PATTERNS)
    looks = owned.translate(_LOOKS)
    return [_runs(text[at : at + columns], looks[at : at + columns]) for at in range(0, size, columns)]


def _runs(text: str, looks: bytes) -> list[Run]:
    """Return a row as runs; a blank takes the look of what is before it."""
    runs: list[Run] = []
    look, start = 0, 0
    for at, here in enumerate(looks):
        if here and here != look:
            if look:
                runs.append(Run(text[start:at], Layer(look)))
                start = at
            look = here
    runs.append(Run(text[start:], Layer(look)))
    return runs
