"""The bytes of one item's asset: every link of the sample catalog leads to a real, small file."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

from . import pictures
from .catalog import Box, CollectionEntry, ModelEntry
from .hashing import mix, part, seed_of
from .items import class_names, footprint, geometry, item_id
from .sensors import CSV, GEOJSON, GEOTIFF, JSON, PDF, PNG, SENSORS, AssetKind

BAND_SIDE = 64
"""Pixels on a side of a band or class raster."""

THUMBNAIL_SIDE = 128
"""Pixels on a side of a thumbnail."""

_CHECKPOINT_SIZE = 256 * 1024


def find_kind(entry: CollectionEntry, file_name: str) -> AssetKind | None:
    """Return the kind of asset that a file name belongs to in this collection, or None."""
    return next((kind for kind in SENSORS[entry.sensor].assets if kind.file_name == file_name), None)


def picture_size(kind: AssetKind) -> int | None:
    """Return the size in bytes of an image without making it, None for what is not an image."""
    if kind.media_type == GEOTIFF:
        return pictures.GEOTIFF_HEADER + BAND_SIDE * BAND_SIDE * _samples(kind)
    return _thumbnail_size() if kind.media_type == PNG else None


@cache
def _thumbnail_size() -> int:
    return len(pictures.png(bytes(THUMBNAIL_SIDE * THUMBNAIL_SIDE), THUMBNAIL_SIDE, bytes(768)))


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
    style = pictures.style_of(entry.dataset)
    pixels = pictures.crop(_scene(entry, index), BAND_SIDE)
    header = pictures.geotiff_header(BAND_SIDE, BAND_SIDE, _samples(kind), footprint(entry, index))
    if kind.key == "labels":
        return header + pixels.translate(pictures.classes(len(class_names(entry))))
    if _samples(kind) == 3:
        colours = pictures.palette(style)
        return header + b"".join(colours[3 * value : 3 * value + 3] for value in pixels)
    return header + pixels.translate(pictures.tone(seed_of(kind.key)))


def _thumbnail(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    style = pictures.style_of(entry.dataset)
    pixels = pictures.crop(_scene(entry, index), THUMBNAIL_SIDE)
    return pictures.png(pixels, THUMBNAIL_SIDE, pictures.palette(style))


def _shapes(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    names = class_names(entry)
    boxes = pictures.shapes(footprint(entry, index), _scene(entry, index), 6)
    features = [_feature(box, names[number % len(names)], number) for number, box in enumerate(boxes)]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def _feature(box: Box, name: str, number: int) -> dict[str, object]:
    return {"type": "Feature", "id": number, "properties": {"class": name}, "geometry": geometry(box)}


def _table(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    west, south, east, north = footprint(entry, index)
    seed = _scene(entry, index)
    rows = ["longitude,latitude,value"]
    for number in range(40):
        x, y = west + (east - west) * part(seed, number, 5), south + (north - south) * part(seed, number, 6)
        rows.append(f"{x:.5f},{y:.5f},{mix(seed, number, 7) % 1500 / 10:.1f}")
    return "\n".join([*rows, ""]).encode()


def _flags(entry: CollectionEntry, index: int, kind: AssetKind) -> bytes:
    names = class_names(entry)
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
