"""STAC extensions: what each adds, and the bands and classes that they describe, as rows of tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..models import Asset, Collection, Document, Item, JsonDict
from ..text import one_line

ABOUT = {
    "accuracy": "how exact positions and values are",
    "alternate-assets": "other places where the same files are",
    "anonymized-location": "places that are hidden, or not the true ones, on purpose",
    "archive": "what is in files that hold other files",
    "authentication": "how to sign in to fetch files",
    "card4l": "products that are ready for analysis by the CEOS rules",
    "ceos-ard": "products that are ready for analysis by the CEOS rules",
    "cf": "variables named by the climate and forecast conventions",
    "classification": "what values or bits of pixels stand for",
    "composite": "bands of several files shown as one image",
    "contacts": "whom to ask",
    "datacube": "dimensions and variables of a data cube",
    "eo": "bands, their wavelengths, and cloud cover of optical imagery",
    "file": "size and checksum of each file",
    "forecast": "when a forecast was made, and for when it is",
    "grid": "the code of a tile in a grid",
    "insar": "pairs of radar images: baselines, dates, angles",
    "item-assets": "which files each item has",
    "label": "labels to train with: classes, tasks, how they were made",
    "landsat": "Landsat's own fields: path, row, scene, processing",
    "language": "in which languages the texts are",
    "mgrs": "the tile of the Military Grid Reference System",
    "ml-aoi": "areas for machine learning, and their split to train, validate and test",
    "ml-model": "a trained model: architecture, task, how it was trained and is run",
    "mlm": "a trained model: inputs, outputs, framework, task, files",
    "order": "whether data has to be ordered first, and how far an order is",
    "pointcloud": "clouds of points: their count, kind, density and fields",
    "processing": "how it was processed: level, facility, software",
    "product": "kind, timeliness and acquisition of a product",
    "projection": "coordinate system, footprint and grid of each file",
    "raster": "data type, no-data value, scale and statistics of each band",
    "render": "how images are best drawn: bands, range, colours",
    "sar": "radar imagery: mode, frequency, polarizations, resolution",
    "sat": "the satellite's orbit",
    "scientific": "DOI, citation and publications",
    "sentinel-1": "Sentinel-1's own fields: product, orbit files, slices",
    "sentinel-2": "Sentinel-2's own fields: tile, product, quality of the scene",
    "single-file-stac": "items and their collections in one file",
    "stats": "how much a catalog holds",
    "storage": "the cloud and region where files are, and who pays for requests",
    "table": "columns and rows of tables",
    "themes": "subjects, of vocabularies",
    "tiled-assets": "files that are named by a pattern of tiles",
    "timestamps": "when it was published, when it expires",
    "version": "the version, and which came before and after it",
    "view": "the angles of sensor and sun",
    "virtual-assets": "files made of others as they are asked for",
    "web-map-links": "web maps of the data: WMS, WMTS, XYZ, TileJSON",
    "xarray-assets": "how to open the files with xarray",
    "zarr": "groups and arrays of Zarr stores",
}
"""What the extensions of the STAC community add, by their names at stac-extensions.github.io."""

_SHORT = {
    "proj": "projection",
    "sci": "scientific",
    "cube": "datacube",
    "scientific-citation": "scientific",
    "asset": "item-assets",
    "alternate": "alternate-assets",
    "auth": "authentication",
}
_HOMES = ("stac-extensions.github.io", "schemas.stacspec.org")
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+(?:-[\w.]+)?)", re.ASCII)
_MOST_EXTENSIONS = 60
"""Extensions of one document that are looked at."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension as a document declares it.

    - `name`: Its name, or what was declared where no name is to be seen in it.
    - `version`: Empty where none is named.
    - `about`: What it adds, or where it is from; empty where neither is known.
    - `known`: Whether it is one of those that are explained here.
    """

    name: str
    version: str = ""
    about: str = ""
    known: bool = False


def explained(declared: tuple[str, ...]) -> list[Extension]:
    """Return the extensions that a document declares (`stac_extensions`), in its order."""
    return [_extension(entry) for entry in dict.fromkeys(declared[:_MOST_EXTENSIONS])]


def _extension(declared: str) -> Extension:
    address = re.split(r"[?#]", declared.partition("://")[2][:500])[0]
    parts = [name for part in address.split("/") if (name := one_line(part, 80))]
    if not parts:
        name = _SHORT.get(declared, declared)
        about = ABOUT.get(name, "")
        return Extension(name if about else one_line(declared, 120), "", about, bool(about))
    host, *path = parts
    versions = [number for number, part in enumerate(path) if _VERSION.fullmatch(part)]
    at = versions[-1] if versions else len(path) - 1
    # `…/NAME/v1.0.0/schema.json`, and of old `…/v0.9.0/extensions/NAME/schema.json`.
    after = path.index("extensions") + 1 if "extensions" in path else 0
    name = path[after] if 0 < after < len(path) else path[at - 1] if at > 0 else path[at] if path else host
    found = _VERSION.fullmatch(path[at]) if versions else None
    name = _SHORT.get(name, name)
    about = ABOUT.get(name, "") if host in _HOMES else ""
    return Extension(name, found[1] if found else "", about or f"of {host}", bool(about))


_MOST_BANDS = 400
"""Bands that are merged; hyperspectral sensors have some hundred."""


@dataclass(slots=True)
class Band:
    """A band; texts are cleaned, and empty where the document has no value.

    - `name`: Its name, else its common name, else the key of its file.
    - `common`: The common name: `red`, `nir`.
    - `wavelength`: The middle of what it sees, in micrometres.
    - `gsd`: The distance between pixels, in metres.
    - `about`: What it is, in the document's words.
    """

    name: str
    common: str = ""
    wavelength: str = ""
    gsd: str = ""
    dtype: str = ""
    nodata: str = ""
    about: str = ""

    def take(self, name: str, value: str) -> None:
        """Set an attribute of the band, unless it has a value already."""
        if value and not getattr(self, name):
            setattr(self, name, value)


def bands(document: Document) -> list[Band]:
    """Return the bands of a collection, an item or a model, each once, in the order they are named.

    Merged are `bands` (STAC 1.1), `eo:bands` and `raster:bands` of summaries or properties, of the assets and
    of `item_assets`. Values of the bands themselves come first, then those of files with one band, then those
    of files with several: an image for the eye has other types than the bands it is made of.
    """
    found: dict[str, Band] = {}
    fields: Mapping[str, Any] = {}
    files: tuple[Asset, ...] = ()
    if isinstance(document, Collection):
        fields, files = document.summaries, (*document.item_assets, *document.assets)
    elif isinstance(document, Item):
        fields, files = document.properties, document.assets
    _gather(found, _described(fields), {}, "")
    described = [(asset, _described(asset.raw)) for asset in files]
    for single in (True, False):
        for asset, entries in described:
            if (len(entries) == 1) == single:
                _gather(found, entries, asset.raw, asset.label)
    return list(found.values())


def _described(fields: Mapping[str, Any]) -> list[JsonDict]:
    """Return the bands of one place; the lists of two extensions are of the same bands, in the same order."""
    given = [
        [entry if isinstance(entry, dict) else {} for entry in value[:_MOST_BANDS]]
        for key in ("bands", "eo:bands", "raster:bands")
        if isinstance(value := fields.get(key), list)
    ]
    merged: list[JsonDict] = [{} for _ in range(max(map(len, given), default=0))]
    for entries in given:
        for entry, known in zip(entries, merged, strict=False):
            known.update({key: value for key, value in entry.items() if key not in known})
    return [entry for entry in merged if entry]


def _gather(found: dict[str, Band], entries: list[JsonDict], file: JsonDict, key: str) -> None:
    """Merge the bands of one place: their own values, else those of the whole file."""
    for number, entry in enumerate(entries):
        name = one_line(_scalar(entry.get("name")), 60) or one_line(_scalar(_of(entry, "common_name")), 60)
        if not name:
            name = f"{key} {number + 1}".strip() if len(entries) > 1 or not key else one_line(key, 60)
        identity = name.casefold()
        if identity not in found and len(found) >= _MOST_BANDS:
            continue
        band = found.setdefault(identity, Band(name))
        band.take("common", one_line(_scalar(_of(entry, "common_name")), 30))
        band.take("wavelength", _number_text(_of(entry, "center_wavelength")))
        gsd = (
            _of(entry, "gsd"),
            _of(entry, "spatial_resolution"),
            file.get("gsd"),
            _of(file, "spatial_resolution"),
        )
        band.take("gsd", next(filter(None, map(_number_text, gsd)), ""))
        band.take("dtype", _scalar(_of(entry, "data_type")) or _scalar(_of(file, "data_type")))
        band.take("nodata", _scalar(_of(entry, "nodata")) or _scalar(_of(file, "nodata")))
        band.take("about", one_line(_scalar(entry.get("description")), 120))


def _of(entry: Mapping[str, Any], name: str) -> Any:
    """Return a field by its name, with or without the prefix of its extension."""
    return next(
        (entry[key] for key in (name, f"eo:{name}", f"raster:{name}") if entry.get(key) is not None), None
    )


def _scalar(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _number_text(value) if not isinstance(value, str) else one_line(value, 60)


def _number_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return ""


_MOST_CLASSES = 300
"""Classes that are named."""


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class.

    - `of`: The property of the labels that has it; empty for rasters.
    - `name`: Its name, or the value it stands for.
    - `count`: How many there are; None where nobody says.
    - `value`: The pixel value that stands for it; empty if unknown.
    """

    of: str
    name: str
    count: int | float | None = None
    value: str = ""


def label_classes(fields: Mapping[str, Any]) -> list[LabelClass]:
    """Return the classes of properties or summaries.

    Those of `label:classes` with the counts of `label:overviews`, and those of `classification:classes`.

    - `fields`: As received; what is not as the Label extension (1.0) has it is left out.
    """
    counts = _counts(fields.get("label:overviews"))
    found: dict[tuple[str, str], LabelClass] = {}
    for entry in _objects(fields.get("label:classes")):
        of = _word(entry.get("name"))
        classes = entry.get("classes")
        for value in classes[: 4 * _MOST_CLASSES] if isinstance(classes, list) else []:
            name = _word(value)
            if name:
                found[of, name] = LabelClass(of, name, counts.pop((of, name), None))
    for (of, name), number in counts.items():
        found.setdefault((of, name), LabelClass(of, name, number))
    for entry in _objects(fields.get("classification:classes")):
        value = _word(entry.get("value"))
        name = _word(entry.get("title")) or _word(entry.get("name")) or _word(entry.get("description"))
        count = entry.get("count")
        found["", name or value] = LabelClass("", name or value, _number(count), value)
    return list(found.values())[:_MOST_CLASSES]


def _counts(overviews: object) -> dict[tuple[str, str], int | float]:
    counts: dict[tuple[str, str], int | float] = {}
    for entry in _objects(overviews):
        of = _word(entry.get("property_key"))
        for row in _objects(entry.get("counts")):
            name, number = _word(row.get("name")), _number(row.get("count"))
            if name and number is not None:
                counts[of, name] = counts.get((of, name), 0) + number
    return counts


def _objects(value: object) -> list[dict[str, Any]]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries[: 4 * _MOST_CLASSES] if isinstance(entry, dict)]


def _word(value: object) -> str:
    return one_line(value, 80) if isinstance(value, str | int | float) else ""


def _number(value: object) -> int | float | None:
    return (
        value if isinstance(value, int | float) and not isinstance(value, bool) and value == value else None
    )
