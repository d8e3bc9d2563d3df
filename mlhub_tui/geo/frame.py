"""A box that is being chosen on a map: one corner stays, the other is moved."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..models import BBox
from .boxes import Box, as_bbox, plain
from .view import MapView, seen

_MOST_DIGITS = 6
_STEP = (2, 4)
"""Dots across and down that a key moves a corner by: a cell."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Two corners, in degrees.

    Parameters
    ----------
    still
        Longitude and latitude of the corner that stays.
    corner
        Those of the one that is moved; its longitude may lie beyond the antimeridian.
    """

    still: tuple[float, float]
    corner: tuple[float, float]

    @classmethod
    def around(cls, bbox: BBox) -> Frame | None:
        """Return the frame of a box, its lower right corner to be moved; None where it lies nowhere."""
        box = plain(bbox)
        return cls((box[0], box[3]), (box[2], box[1])) if box is not None else None

    @classmethod
    def within(cls, view: MapView) -> Frame:
        """Return a frame in the middle of what is seen, half as wide and high."""
        across, down = (view.east - view.west) / 4, view.height / view.scale / 4
        across, down = min(across, 45.0), min(down, 30.0)
        (west, east), (north, south) = (
            (view.longitude - across, view.longitude + across),
            (view.latitude + down, view.latitude - down),
        )
        return cls((west, min(north, 90.0)), (east, max(south, -90.0)))

    @property
    def box(self) -> Box:
        """The box between the corners."""
        (x0, y0), (x1, y1) = self.still, self.corner
        found = plain((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
        assert found is not None
        return found

    def words(self, view: MapView) -> str:
        """Return the box as people type it, and what keys do here."""
        box = self.taken(view)
        degrees = ",".join(f"{value:g}" for value in (box.west, box.south, box.east, box.north))
        return f"{degrees}  enter takes, o other corner, esc leaves"

    def moved(self, view: MapView, across: int, down: int) -> tuple[Frame, MapView]:
        """Return the frame with its corner so many cells further, and a view in which it is seen."""
        x = self.corner[0] + across * _STEP[0] / view.across
        y = self.corner[1] - down * _STEP[1] / view.scale
        x = min(max(x, self.still[0] - 360), self.still[0] + 360)
        frame = replace(self, corner=(x, min(max(y, -90.0), 90.0)))
        corner = plain((*frame.corner, *frame.corner))
        return frame, seen(view, corner) if corner is not None else view

    def turned(self) -> Frame:
        """Return the frame with the other corner to be moved."""
        return Frame(self.corner, self.still)

    def taken(self, view: MapView) -> BBox:
        """Return the box, in as many digits as the view's dots tell apart."""
        digits = min(max(math.ceil(math.log10(view.scale)), 0), _MOST_DIGITS)
        return as_bbox(self.box, digits)
