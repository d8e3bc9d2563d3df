"""The bytes of one item's asset: every link of the sample catalog leads to a real, small file."""

from __future__ import annotations

import itertools
import json
import struct
import zlib
from collections.abc import Callable
from functools import cache

from .catalog import CSV, GEOJSON, GEOTIFF, JSON, PDF, PNG, AssetKind, Box, CollectionEntry, ModelEntry
from .items import footprint, geometry, item_id, mix, part, seed_of

BAND_SIDE = 64
"""Pixels on a side of a band or class raster."""

THUMBNAIL_SIDE = 128
"""Pixels on a side of a thumbnail."""

_CHECKPOINT_SIZE = 256 * 1024


def picture_size(kind: AssetKind) -> int | None:
    """Return the size in bytes of an image without making it, None for what is not an image."""
    if kind.media_type == GEOTIFF:
        return GEOTIFF_HEADER + BAND_SIDE * BAND_SIDE * _samples(kind)
    return _thumbnail_size() if kind.media_type == PNG else None


@cache
def _thumbnail_size() -> int:
    return len(png(bytes(THUMBNAIL_SIDE * THUMBNAIL_SIDE), THUMBNAIL_SIDE, bytes(768)))


def asset_bytes(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    """Return the content of an asset of the item at `index`."""
    makers: dict[str, Callable[[CollectionEntry, int, AssetKind], bytes]] = {
        GEOTIFF: _raster,
        PNG: _thumbnail,
        GEOJSON: _shapes,
        CSV: _table,
        JSON: _flags,
    }
    if kind.media_type == PDF:
        return documentation(entry)
    return makers[kind.media_type](entry, index, kind)


def documentation(entry: CollectionEntry) -> bytes:
    """Return the page that all items of a collection share, as a PDF of one page (ISO 32000-1)."""
    lines = [
        entry.title or entry.id,
        entry.description,
        f"Licence: {entry.license}",
        "Sample data, not for training.",
    ]
    text = "BT /F1 12 Tf 50 780 Td 18 TL " + " ".join(f"({_pdf_text(line)}) Tj T*" for line in lines) + " ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{body}{end}startxref\n{len(body)}\n%%EOF\n".encode("ascii")


def _pdf_text(line: str) -> str:
    plain = line.encode("ascii", "replace").decode("ascii")
    return plain.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _scene(entry: CollectionEntry, index: int) -> int:
    return mix(seed_of(entry.dataset), index)


def _samples(kind: AssetKind) -> int:
    return 3 if len(kind.bands) == 3 else 1


def _raster(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    style = style_of(entry.dataset)
    pixels = crop(_scene(entry, index), BAND_SIDE)
    header = geotiff_header(BAND_SIDE, BAND_SIDE, _samples(kind), footprint(entry, index))
    if kind.key == "labels":
        return header + pixels.translate(classes(len(entry.classes)))
    if _samples(kind) == 3:
        colours = palette(style)
        return header + b"".join(colours[3 * value : 3 * value + 3] for value in pixels)
    return header + pixels.translate(tone(seed_of(kind.key)))


def _thumbnail(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    style = style_of(entry.dataset)
    pixels = crop(_scene(entry, index), THUMBNAIL_SIDE)
    return png(pixels, THUMBNAIL_SIDE, palette(style))


def _shapes(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    boxes = shapes(footprint(entry, index), _scene(entry, index), 6)
    features = [
        {"type": "Feature", "id": number, "properties": {"class": name}, "geometry": geometry(box)}
        for number, (name, box) in enumerate(zip(itertools.cycle(entry.classes), boxes))
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def _table(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    west, south, east, north = footprint(entry, index)
    seed = _scene(entry, index)
    rows = ["longitude,latitude,value"]
    for number in range(40):
        x, y = west + (east - west) * part(seed, number, 5), south + (north - south) * part(seed, number, 6)
        rows.append(f"{x:.5f},{y:.5f},{mix(seed, number, 7) % 1500 / 10:.1f}")
    return "\n".join([*rows, ""]).encode()


def _flags(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    names = entry.classes
    seed = _scene(entry, index)
    present = [name for number, name in enumerate(names) if mix(seed, number, 8) % 3 == 0] or names[:1]
    return json.dumps({"item": item_id(entry, index), "labels": present}).encode()


def model_file(entry: ModelEntry, file_name: str) -> bytes | None:
    """Return the content of a model's asset by its file name, or None where the model has no such file."""
    known = {asset["href"]: asset for asset in entry.raw["assets"].values()}
    if file_name not in known:
        return None
    if file_name.endswith(".yml"):
        return f"services:\n  model:\n    image: example.invalid/{entry.id}:1\n".encode()
    pattern = f"{entry.id} {file_name}\n".encode()
    return (pattern * (_CHECKPOINT_SIZE // len(pattern) + 1))[:_CHECKPOINT_SIZE]


SIDE = 256
"""Pixels on a side of a world, which repeats itself at its edges."""

STYLES = {
    "land": bytes.fromhex("163a5c 265c78 c4b68c 78924e 466e34 2c522c 787060 e4e2dc"),
    "farm": bytes.fromhex("5e4a32 967e54 baac6c 809646 547c34 36602c 6e865c cec496"),
    "town": bytes.fromhex("3c423c 606854 8c887e aaa092 966050 bcb8b2 6e727c e2e0da"),
    "storm": bytes.fromhex("08080c 24242c 4a4a54 707078 96969c bcbcc0 e0e0e2 fafafa"),
}
"""Of each kind of land, the eight colours between dark and bright, three bytes each."""


def style_of(dataset: str) -> str:
    """Return which style suits a dataset by its id."""
    if any(word in dataset for word in ("spacenet", "ramp", "open_cities")):
        return "town"
    if "storm" in dataset:
        return "storm"
    crops = ("crop", "agri", "cashew", "fusion", "boundary")
    return "farm" if any(word in dataset for word in crops) else "land"


def crop(seed: int, side: int) -> bytes:
    """Return `side` x `side` bytes of the world, from a place chosen by `seed`."""
    world = _world()
    left, top = mix(seed, 1) % SIDE, mix(seed, 2) % SIDE
    rows = (world[y % SIDE * SIDE :][:SIDE] for y in range(top, top + side))
    return b"".join((row + row)[left : left + side] for row in rows)


@cache
def _world() -> bytes:
    """Return the brightness of every pixel: noise of four scales that repeats itself at the edges."""
    total = [0] * (SIDE * SIDE)
    for cell, weight in ((64, 8), (32, 4), (16, 2), (8, 1)):
        for place, value in enumerate(_octave(cell)):
            total[place] += weight * value
    low, high = min(total), max(total)
    return bytes((value - low) * 255 // (high - low) for value in total)


def _octave(cell: int) -> list[int]:
    count = SIDE // cell
    lattice = [[mix(cell, x, y) & 255 for x in range(count)] for y in range(count)]
    wide = [
        [
            (row[x // cell] * (cell - x % cell) + row[(x // cell + 1) % count] * (x % cell)) // cell
            for x in range(SIDE)
        ]
        for row in lattice
    ]
    values: list[int] = []
    for y in range(SIDE):
        upper, lower, step = wide[y // cell], wide[(y // cell + 1) % count], y % cell
        values += [(a * (cell - step) + b * step) // cell for a, b in zip(upper, lower, strict=True)]
    return values


def palette(style: str) -> bytes:
    """Return 256 colours of three bytes, blended between the style's eight."""
    stops, colours = STYLES[style], bytearray()
    for value in range(256):
        place, rest = divmod(value * 7, 255)
        first, second = stops[3 * place :][:3], stops[3 * min(place + 1, 7) :][:3]
        colours += bytes((a * (255 - rest) + b * rest) // 255 for a, b in zip(first, second, strict=True))
    return bytes(colours)


def tone(seed: int) -> bytes:
    """Return a translation table of 256 bytes: one band's response to the land's brightness."""
    gain, offset = 120 + mix(seed, 1) % 136, mix(seed, 2) % 60
    return bytes(min(255, offset + value * gain // 255) for value in range(256))


def classes(count: int) -> bytes:
    """Return a translation table that turns brightness into class numbers from 0 to `count` - 1."""
    return bytes(value * count // 256 for value in range(256))


def png(pixels: bytes, side: int, colours: bytes) -> bytes:
    """Return a palette PNG (W3C PNG specification, third edition) of `side` x `side` pixels."""
    lines = b"".join(b"\0" + pixels[y * side :][:side] for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 3, 0, 0, 0)
    data = b"\x78\x01" + stored(lines) + struct.pack(">I", zlib.adler32(lines))
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def stored(data: bytes) -> bytes:
    """Return `data` as deflate blocks that are not compressed (RFC 1951, section 3.2.4)."""
    blocks = [data[place : place + 65535] for place in range(0, len(data), 65535)] or [b""]
    last = len(blocks) - 1
    return b"".join(
        struct.pack("<BHH", place == last, len(block), len(block) ^ 0xFFFF) + block
        for place, block in enumerate(blocks)
    )


def geotiff_header(width: int, height: int, bands: int, box: Box) -> bytes:
    """Return all of an uncompressed 8-bit GeoTIFF but its pixels (TIFF 6.0; OGC GeoTIFF 1.1, EPSG:4326)."""
    west, south, east, north = box
    scale = struct.pack("<3d", (east - west) / width, (north - south) / height, 0.0)
    tie = struct.pack("<6d", 0.0, 0.0, 0.0, west, north, 0.0)
    keys = struct.pack("<16H", 1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)
    bits = struct.pack("<3H", 8, 8, 8) + b"\0\0"
    entries = 13
    extra = 8 + 2 + entries * 12 + 4
    places = {33550: extra, 33922: extra + 24, 34735: extra + 72, 258: extra + 104}
    pixels = extra + 112
    colour = 2 if bands == 3 else 1
    rows = (
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, bands, places[258] if bands == 3 else 8),
        (259, 3, 1, 1),
        (262, 3, 1, colour),
        (273, 4, 1, pixels),
        (277, 3, 1, bands),
        (278, 4, 1, height),
        (279, 4, 1, width * height * bands),
        (284, 3, 1, 1),
        (33550, 12, 3, places[33550]),
        (33922, 12, 6, places[33922]),
        (34735, 3, 16, places[34735]),
    )
    directory = (
        struct.pack("<H", entries) + b"".join(struct.pack("<HHII", *row) for row in rows) + b"\0\0\0\0"
    )
    return b"II*\0" + struct.pack("<I", 8) + directory + scale + tie + keys + bits


GEOTIFF_HEADER = len(geotiff_header(1, 1, 1, (0.0, 0.0, 1.0, 1.0)))
"""Bytes before the pixels of every GeoTIFF written here."""


def shapes(box: Box, seed: int, count: int) -> list[Box]:
    """Return `count` small boxes inside `box`, for annotations."""
    west, south, east, north = box
    width, height = east - west, north - south
    found: list[Box] = []
    for number in range(count):
        left = west + width * 0.9 * part(seed, number, 1)
        bottom = south + height * 0.9 * part(seed, number, 2)
        size = 0.02 + 0.08 * part(seed, number, 3)
        right, top = left + width * size, bottom + height * size
        found.append((round(left, 7), round(bottom, 7), round(right, 7), round(top, 7)))
    return found
