"""Make `mlhub_tui/metadata/world.bin` anew: `python -m tests.ui.map.make_world FOLDER`.

The folder holds `countries-110m.json` and `countries-50m.json` of the npm package `world-atlas` (2.0.2):
Natural Earth's countries (public domain). All of the first are taken, and of the second those that it lacks.
Points closer to their line than a hundredth of a degree (two, of the small ones) are left out.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

UNITS = 100
TURN = 360 * UNITS
TARGET = Path(__file__).parent.parent.parent / "mlhub_tui" / "metadata" / "world.bin"
Point = tuple[int, int]

CONTINENTS = {
    "Africa": """
        012 024 072 108 120 132 140 148 174 178 180 204 226 231 232 262 266 270 288 324 384 404 426
        430 434 450 454 466 478 480 504 508 516 562 566 624 646 654 678 686 690 694 706 710 716 728
        729 732 748 768 788 800 818 834 854 894
    """,
    "Asia": """
        004 031 048 050 051 064 086 096 104 116 144 156 158 196 268 275 344 356 360 364 368 376 392
        398 400 408 410 414 417 418 422 446 458 462 496 512 524 586 608 626 634 682 702 704 760 762
        764 784 792 795 860 887
    """,
    "Europe": """
        008 020 040 056 070 100 112 191 203 208 233 234 246 248 250 276 300 336 348 352 372 380 428
        438 440 442 470 492 498 499 528 578 616 620 642 643 674 688 703 705 724 752 756 804 807 826
        831 832 833
    """,
    "North America": """
        028 044 052 060 084 092 124 136 188 192 212 214 222 304 308 320 332 340 388 484 500 531 533
        534 558 591 630 652 659 660 662 663 666 670 780 796 840 850
    """,
    "South America": """
        032 068 076 152 170 218 238 239 328 600 604 740 858 862
    """,
    "Oceania": """
        016 036 090 184 242 258 296 316 520 540 548 554 570 574 580 583 584 585 598 612 776 876 882
    """,
    "Antarctica": "010 260",
}
"""Countries by their numbers in ISO 3166-1."""
UNNUMBERED = {"N. Cyprus": "Asia", "Somaliland": "Africa", "Kosovo": "Europe"}
NAMES = {
    "Dem. Rep. Congo": "DR Congo",
    "Dominican Rep.": "Dominican Republic",
    "Falkland Is.": "Falkland Islands",
    "Fr. S. Antarctic Lands": "French Southern Lands",
    "W. Sahara": "Western Sahara",
    "Central African Rep.": "Central African Republic",
    "Eq. Guinea": "Equatorial Guinea",
    "eSwatini": "Eswatini",
    "Solomon Is.": "Solomon Islands",
    "Bosnia and Herz.": "Bosnia and Herzegovina",
    "Macedonia": "North Macedonia",
    "S. Sudan": "South Sudan",
    "United States of America": "United States",
    "N. Cyprus": "Cyprus",
    "Somaliland": "Somalia",
    "Marshall Is.": "Marshall Islands",
    "N. Mariana Is.": "Northern Mariana Islands",
    "U.S. Virgin Is.": "US Virgin Islands",
    "S. Geo. and the Is.": "South Georgia",
    "Br. Indian Ocean Ter.": "British Indian Ocean Territory",
    "Pitcairn Is.": "Pitcairn Islands",
    "Cayman Is.": "Cayman Islands",
    "British Virgin Is.": "British Virgin Islands",
    "Turks and Caicos Is.": "Turks and Caicos Islands",
    "São Tomé and Principe": "São Tomé and Príncipe",
    "St. Vin. and Gren.": "Saint Vincent and the Grenadines",
    "St. Kitts and Nevis": "Saint Kitts and Nevis",
    "Cook Is.": "Cook Islands",
    "St. Pierre and Miquelon": "Saint Pierre and Miquelon",
    "Wallis and Futuna Is.": "Wallis and Futuna",
    "St-Martin": "Saint Martin",
    "St-Barthélemy": "Saint Barthélemy",
    "Fr. Polynesia": "French Polynesia",
    "Faeroe Is.": "Faroe Islands",
    "Antigua and Barb.": "Antigua and Barbuda",
}
"""Names in full; two of one name become one."""
LEFT_OUT = {"Indian Ocean Ter.", "Siachen Glacier", "Heard I. and McDonald Is."}
INLAND = {"Vatican", "San Marino", "Liechtenstein", "Andorra", "Monaco"}
"""Small countries whose outline is a border, not a coast."""


class Atlas:
    """Lines, who uses them, and the rings of the countries."""

    def __init__(self) -> None:
        self.lines: list[list[Point]] = []
        self.users: list[Counter[str]] = []
        self.countries: dict[str, tuple[str, list[tuple[list[int], bool]]]] = {}
        self.numbers: set[str] = set()

    def add(self, topology: dict[str, Any], *, small: bool) -> None:
        """Add the countries of a topology; of the small ones, those that are not there yet."""
        lines, local, known = decoded(topology), dict[int, int](), set(self.numbers)
        for geometry in topology["objects"]["countries"]["geometries"]:
            number, given = geometry.get("id"), geometry["properties"]["name"]
            if small and (number in known or given in known or given in LEFT_OUT):
                continue
            self.numbers |= {given, *([number] if number else [])}
            name = NAMES.get(given, given)
            continent = next((c for c, all_ in CONTINENTS.items() if number and number in all_.split()), "")
            _, rings = self.countries.setdefault(name, (continent or UNNUMBERED[given], []))
            polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
            for ring, hole in ((r, at > 0) for polygon in polygons for at, r in enumerate(polygon)):
                numbers = []
                for arc in ring:
                    own = arc if arc >= 0 else ~arc
                    if own not in local:
                        local[own] = len(self.lines)
                        self.lines.append(unwrapped(thinned(lines[own], 2.0 if small else 1.0)))
                        self.users.append(Counter())
                    self.users[local[own]][name] += 1
                    numbers.append(local[own] if arc >= 0 else ~local[own])
                rings.append((numbers, hole))

    def kinds(self) -> bytes:
        """Return what each line is: 0 a coast, 1 a border, 2 a seam within a country."""
        found = bytearray()
        for users in self.users:
            shared = users.total() > 1
            found.append(2 if shared and len(users) == 1 else 1 if shared or set(users) & INLAND else 0)
        return bytes(found)

    def ring(self, numbers: list[int]) -> list[Point]:
        """Return the points of a ring, closed around the pole where it goes all around."""
        points: list[Point] = []
        for number in numbers:
            line = self.lines[number] if number >= 0 else self.lines[~number][::-1]
            turn = TURN * round((points[-1][0] - line[0][0]) / TURN) if points else 0
            points += [(x + turn, y) for x, y in line[1 if points else 0 :]]
        if points[0] != points[-1]:
            points += [(points[-1][0], -90 * UNITS), (points[0][0], -90 * UNITS), points[0]]
        turn = TURN * ((min(x for x, _ in points) + TURN // 2) // TURN)
        return [(x - turn, y) for x, y in points]

    def rows(self) -> list[list[Any]]:
        """Return the countries as they are kept."""
        found = []
        for name, (continent, rings) in sorted(self.countries.items()):
            kept: list[list[Any]] = []
            for numbers, hole in rings:
                points = self.ring(numbers)
                area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(points)) / 2 / UNITS / UNITS)
                if len(points) >= 4 and area >= 1e-4:
                    xs, ys = zip(*points, strict=True)
                    box = [min(xs), min(ys), max(xs), max(ys)]
                    kept.append([round(-area if hole else area, 3), *box, numbers])
            found.append([name, continent, kept])
        return found


def decoded(topology: dict[str, Any]) -> list[list[Point]]:
    """Return the lines of a topology (TopoJSON, section 2.2) in hundredths of a degree."""
    (across, up), (west, south) = topology["transform"]["scale"], topology["transform"]["translate"]
    lines = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            longitude, latitude = round((x * across + west) * UNITS), round((y * up + south) * UNITS)
            reach = TURN // 2
            line.append((max(-reach, min(reach, longitude)), max(-reach // 2, min(reach // 2, latitude))))
        lines.append(line)
    return lines


def thinned(line: list[Point], tolerance: float) -> list[Point]:
    """Return a line without points that are near enough to it (Douglas and Peucker)."""
    points = [line[0], *(b for a, b in pairwise(line) if a != b)]
    if len(points) < 3:
        return points if len(points) > 1 else line[:1] + line[-1:]
    kept, stack = {0, len(points) - 1}, [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        away = [(distance(points[at], points[first], points[last]), -at) for at in range(first + 1, last)]
        if away and max(away)[0] > tolerance:
            at = -max(away)[1]
            kept.add(at)
            stack += [(first, at), (at, last)]
    return [points[at] for at in sorted(kept)]


def distance(point: Point, start: Point, end: Point) -> float:
    """Return how far a point is from the line through two others, or from the one point that they are."""
    (x, y), (x0, y0), (x1, y1) = point, start, end
    squared: float = (x1 - x0) ** 2 + (y1 - y0) ** 2
    if squared:
        return float(abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / squared**0.5)
    return float(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5)


def unwrapped(line: list[Point]) -> list[Point]:
    """Return a line that goes on over the antimeridian."""
    found = line[:1]
    for x, y in line[1:]:
        found.append((x + TURN * round((found[-1][0] - x) / TURN), y))
    return found


def planes(numbers: array[int]) -> bytes:
    """Return 16-bit numbers as all their low bytes, then all their high ones: they pack better."""
    data = numbers.tobytes()
    return data[0::2] + data[1::2]


def packed(atlas: Atlas) -> bytes:
    """Return the file."""
    head = json.dumps(atlas.rows(), ensure_ascii=False, separators=(",", ":")).encode()
    steps = [(b[0] - a[0], b[1] - a[1]) for line in atlas.lines for a, b in pairwise([(0, 0), *line])]
    parts = [
        struct.pack("<III", len(head), len(atlas.lines), len(steps)),
        head,
        atlas.kinds(),
        planes(array("H", map(len, atlas.lines))),
        *(planes(array("h", values)) for values in zip(*steps, strict=True)),
    ]
    return zlib.compress(b"".join(parts), 9)


def main(folder: Path) -> None:
    """Write the file."""
    atlas = Atlas()
    for name, small in (("countries-110m.json", False), ("countries-50m.json", True)):
        atlas.add(json.loads((folder / name).read_text(encoding="utf-8")), small=small)
    TARGET.write_bytes(packed(atlas))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
