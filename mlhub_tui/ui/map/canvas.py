"""A map as text: layers of dots (coastlines, borders, footprints, a selection) drawn in braille patterns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, NamedTuple

from ...metadata.places import UNITS, Box, WorldLine, plain, world
from ...models import Document, Item
from .projection import HIGH, WIDE, MapView

MOST_DRAWN = 2_000
"""Footprints drawn at most, evenly chosen among more: beyond that they are one on the other."""
_OUTLINED = 12
"""Dots from which on a footprint is drawn with its outline, not as a box."""
_FILLED = 0.25
"""Of the view: a current footprint that is larger is not filled."""
BORDERS_FROM = 2.2
"""Dots in a degree from which on borders are drawn: of the whole globe they would be noise."""
_SMALLEST = 1.2
"""Dots of an island across or down that is drawn, where all of the globe is."""
_FLAT = 1e-9
"""Dots down of a line that is taken as level: the slope of a smaller one may be beyond any number."""
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of a dot in a braille pattern (Unicode, U+2800 to U+28FF), by row and column of the cell."""
_ACROSS = tuple(
    tuple(
        bytes((pair[byte & 3], pair[byte >> 2 & 3], pair[byte >> 4 & 3], pair[byte >> 6]))
        for byte in range(256)
    )
    for pair in ((0, left, right, left | right) for left, right in _BITS)
)
"""For each row of a cell and 8 dots across: the patterns of the 4 cells."""
PATTERNS = {0: " ", **{pattern: chr(0x2800 + pattern) for pattern in range(1, 256)}}
"""For `str.translate`: patterns as characters; an empty one is a space."""


class Dots:
    """A bitmap of dots, each row of them one number; what is drawn outside is cut off.

    - `columns`, `rows`: Its size in cells.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * WIDE, rows * HIGH
        self._lines = [0] * self.height

    def fill(self, left: int, top: int, right: int, bottom: int) -> None:
        """Fill a box; its edges count."""
        left, right = max(left, 0), min(right, self.width - 1)
        if left > right:
            return
        across = (2 << right) - (1 << left)
        for y in range(max(top, 0), min(bottom, self.height - 1) + 1):
            self._lines[y] |= across

    def box(self, left: int, top: int, right: int, bottom: int) -> None:
        """Draw the outline of a box."""
        self.fill(left, top, right, top)
        self.fill(left, bottom, right, bottom)
        self.fill(left, top + 1, left, bottom - 1)
        self.fill(right, top + 1, right, bottom - 1)

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a straight line: in each row of dots what it crosses there."""
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        low, high = sorted((int(x0), int(x1)))
        slope = (x1 - x0) / (y1 - y0) if y1 - y0 > _FLAT else 0.0
        last = min(int(y1), self.height - 1)
        for y in range(max(int(y0), 0), last + 1):
            enter = x0 if y <= y0 else x0 + (y - y0) * slope
            leave = x1 if y + 1 > y1 else x0 + (y + 1 - y0) * slope
            start, stop = sorted((int(enter), int(leave)))
            # Where the line leaves the row, the next one begins: the dot is drawn there.
            if y < last and stop > start:
                start, stop = (start, stop - 1) if slope > 0 else (start + 1, stop)
            self.fill(max(start, low), y, min(stop, high), y)

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Draw a line through points, whose parts are mostly shorter than a dot."""
        width, height, lines = self.width, self.height, self._lines
        last_x = last_y = -9
        for (x0, y0), (x1, y1) in pairwise(zip(xs, ys, strict=True)):
            x, y = int(x1), int(y1)
            if x == last_x and y == last_y:
                continue
            if 0 <= x < width and 0 <= y < height and abs(x - last_x) <= 1 and abs(y - last_y) <= 1:
                lines[y] |= 1 << x
            else:
                self.line(x0, y0, x1, y1)
            last_x, last_y = x, y

    def polygon(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Fill a polygon, by the edges that each row of dots crosses (even-odd)."""
        for row in range(max(int(min(ys)), 0), min(int(max(ys)), self.height - 1) + 1):
            middle = row + 0.5
            crossed = sorted(
                x0 + (middle - y0) / (y1 - y0) * (x1 - x0)
                for (x0, x1), (y0, y1) in zip(pairwise(xs), pairwise(ys), strict=True)
                if (y0 > middle) != (y1 > middle)
            )
            for start, stop in zip(crossed[0::2], crossed[1::2], strict=False):
                self.fill(int(max(start, 0)), row, int(min(stop, self.width)), row)

    def crop(self, left: float, right: float) -> None:
        """Forget the dots left and right of these, between which the globe lies."""
        first, last = math.ceil(max(left, 0)), math.floor(min(right, self.width))
        self._lines = [line & ((1 << last) - (1 << first)) for line in self._lines]

    def dotted(self) -> None:
        """Leave out every other pair of dots, whichever way a line goes."""
        even, odd = (int.from_bytes(bytes([p]) * (self.width // 8 + 1), "little") for p in (0x33, 0xCC))
        self._lines = [line & (odd if y & 1 else even) for y, line in enumerate(self._lines)]

    def cells(self) -> bytes:
        """Return the pattern of each cell, row by row."""
        columns, wide = self.width // WIDE, (self.width + 7) // 8
        found = []
        for top in range(0, self.height, HIGH):
            made = 0
            for line, spread in zip(self._lines[top : top + HIGH], _ACROSS, strict=True):
                made |= int.from_bytes(
                    b"".join([spread[byte] for byte in line.to_bytes(wide, "little")]), "little"
                )
            found.append(made.to_bytes(wide * 4, "little")[:columns])
        return b"".join(found)


class Layer(IntEnum):
    """What a cell shows; the higher ones lie on the lower ones."""

    BLANK = 0
    BORDER = 1
    COAST = 2
    EXTENT = 3
    FOOTPRINT = 4
    CURRENT = 5
    SELECTION = 6


_ASCII = b" ,.+#@*".ljust(256)
"""The characters of the layers where braille cannot be drawn."""


class Run(NamedTuple):
    """Neighbouring cells of one look."""

    text: str
    layer: int


Picture = list[list[Run]]
"""Rows of runs; each row is as wide as the view."""


class Scene(NamedTuple):
    """What is on a map beside the world.

    - `extents`: Boxes of the whole.
    - `footprints`: Where items lie.
    - `current`: Where that one lies that is under the cursor.
    - `selection`: The box being chosen.
    """

    extents: Sequence[Footprint] = ()
    footprints: Sequence[Footprint] = ()
    current: Footprint | None = None
    selection: Box | None = None


def draw(view: MapView, scene: Scene, *, ascii_only: bool = False) -> Picture:
    """Return the map of a view, row by row."""
    layers = [
        *_ground(view),
        (Layer.EXTENT, _footprints(view, scene.extents)),
        (Layer.FOOTPRINT, _footprints(view, scene.footprints)),
        (Layer.CURRENT, _footprints(view, [scene.current] if scene.current else [], marked=True)),
        (Layer.SELECTION, _footprints(view, [Footprint(scene.selection)] if scene.selection else [])),
    ]
    return _rows([layer for layer in layers if any(layer[1])], view, ascii_only)


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
            dots.path([start + x * across for x in xs], [(top - y) * scale for y in ys])
    if dotted:
        dots.dotted()
    dots.crop(view.left, view.width - view.left)
    return dots.cells()


def _footprints(view: MapView, footprints: Sequence[Footprint], *, marked: bool = False) -> bytes:
    """Draw boxes and outlines; marked ones so that they are seen without colours: filled, or double."""
    dots = Dots(view.columns, view.rows)
    for box, outlines in footprints[:: max(-(-len(footprints) // MOST_DRAWN), 1)]:
        top, bottom = int(view.y(box[3])), int(view.y(box[1]))
        for turn in view.turns(box[0], box[2]):
            left, right = int(view.x(box[0] + turn)), int(view.x(box[2] + turn))
            if right - left < WIDE and bottom - top < HIGH:
                # Heavier than a coast, and still in one cell.
                x, y = (left // WIDE * WIDE, top // HIGH * HIGH) if marked else (left & ~1, top & ~1)
                dots.fill(x, y, x + 1, y + (HIGH - 1 if marked else 1))
                continue
            seen = max(min(right, view.width) - max(left, 0), 0) * max(
                min(bottom, view.height) - max(top, 0), 0
            )
            filled = marked and seen < _FILLED * view.width * view.height
            if outlines and (marked or right - left >= _OUTLINED or bottom - top >= _OUTLINED):
                for xs, ys in outlines:
                    moved = [view.x(x + turn) for x in xs], [view.y(y) for y in ys]
                    dots.path(*moved)
                    if filled:
                        dots.polygon(*moved)
            elif filled:
                dots.fill(left, top, right, bottom)
            else:
                dots.box(left, top, right, bottom)
                if marked:
                    dots.box(left + 1, top + 1, right - 1, bottom - 1)
    dots.crop(view.left, view.width - view.left)
    return dots.cells()


_SOME = {layer: bytes([0, *[1 << layer] * 255]) for layer in Layer if layer}
"""For `bytes.translate`: a pattern as the bit of its layer, if any dot is set."""
_TOP = bytes(max(bits.bit_length() - 1, 0) for bits in range(256))
"""For `bytes.translate`: the bits of a cell's layers as the highest of them."""
_LOOKS = bytes([0, Layer.COAST, Layer.COAST, Layer.FOOTPRINT, *range(Layer.FOOTPRINT, 256)])
"""For `bytes.translate`: layers of one look as one; their dots tell them apart."""


def _rows(layers: Sequence[tuple[Layer, bytes]], view: MapView, ascii_only: bool) -> Picture:
    """Return the layers as text, each cell in the look of its highest one."""
    columns, size = view.columns, view.columns * view.rows
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


_MOST_POINTS = 400
"""Points of an outline at most; of longer ones every other is left out, until they are as short."""
_MOST_RINGS = 20


class Outline(NamedTuple):
    """A closed line in degrees; longitudes continue beyond 180 where it crosses the antimeridian."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]


class Footprint(NamedTuple):
    """Where something lies.

    - `box`: The box around it.
    - `outlines`: Its outer lines; empty where it is the box itself.
    """

    box: Box
    outlines: tuple[Outline, ...] = ()


def footprint_of(document: Document) -> Footprint | None:
    """Return where an item lies, None where it has no place or is no item."""
    if not isinstance(document, Item):
        return None
    box = plain(found) if (found := document.bbox) is not None else None
    return Footprint(box, outlines_of(document.raw.get("geometry"), box)) if box is not None else None


def outlines_of(geometry: Any, box: Box) -> tuple[Outline, ...]:
    """Return the outer lines of a GeoJSON polygon or several; nothing for all else and plain boxes."""
    found = [_outline(ring, box) for ring in islice(_rings(geometry), _MOST_RINGS)]
    outlines = tuple(outline for outline in found if outline is not None)
    if len(outlines) < len(found) or (len(outlines) == 1 and _is_box(outlines[0])):
        return ()
    return outlines


def _rings(geometry: Any) -> Iterator[list[Any]]:
    if not isinstance(geometry, dict) or not isinstance(coordinates := geometry.get("coordinates"), list):
        return
    kind = geometry.get("type")
    for polygon in [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []:
        if isinstance(polygon, list) and polygon and isinstance(polygon[0], list):
            yield polygon[0]


def _outline(ring: list[Any], box: Box) -> Outline | None:
    """Return a ring that follows the globe, None where it is none."""
    step = max(1, math.ceil(len(ring) / _MOST_POINTS))
    xs: list[float] = []
    ys: list[float] = []
    for point in [*ring[::step], ring[0]] if ring else []:
        try:
            x, y = float(point[0]), float(point[1])
        except (TypeError, ValueError, IndexError, KeyError, OverflowError):
            return None
        if not (abs(x) <= 540 and abs(y) <= 90):
            return None
        # An edge takes the shorter way around the globe.
        if xs:
            x += 360 * round((xs[-1] - x) / 360)
        xs.append(x)
        ys.append(y)
    if len(xs) < 4:
        return None
    turn = 360 * round((box[0] - min(xs)) / 360)
    return Outline(tuple(x + turn for x in xs), tuple(ys))


def _is_box(outline: Outline) -> bool:
    return len(set(outline.xs)) == 2 == len(set(outline.ys)) and len(outline.xs) <= 6
