"""STAC extensions explained: the name and version in the address of a schema, and what the extension adds."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
MOST = 60
"""Extensions of one document that are looked at."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension as a document declares it.

    Parameters
    ----------
    name
        Its name, or what was declared where no name is to be seen in it.
    version
        Empty where none is named.
    about
        What it adds, or where it is from; empty where neither is known.
    known
        Whether it is one of those that are explained here.
    """

    name: str
    version: str = ""
    about: str = ""
    known: bool = False


def explained(declared: tuple[str, ...]) -> list[Extension]:
    """Return the extensions that a document declares (`stac_extensions`), in its order."""
    return [_extension(entry) for entry in dict.fromkeys(declared[:MOST])]


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
