"""Bands: the metadata of a document's bands from its many places, merged into one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..models import Asset, Collection, Document, Item, JsonDict
from ..text import one_line

MOST = 400
"""Bands that are merged; hyperspectral sensors have some hundred."""


@dataclass(slots=True)
class Band:
    """A band; texts are cleaned, and empty where the document has no value.

    Parameters
    ----------
    name
        Its name, else its common name, else the key of its file.
    common
        The common name: `red`, `nir`.
    wavelength
        The middle of what it sees, in micrometres.
    gsd
        The distance between pixels, in metres.
    dtype
        The data type of a pixel.
    nodata
        The value of pixels without data.
    about
        What it is, in the document's words.
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
        [entry if isinstance(entry, dict) else {} for entry in value[:MOST]]
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
        if identity not in found and len(found) >= MOST:
            continue
        band = found.setdefault(identity, Band(name))
        band.take("common", one_line(_scalar(_of(entry, "common_name")), 30))
        band.take("wavelength", _number(_of(entry, "center_wavelength")))
        gsd = (
            _of(entry, "gsd"),
            _of(entry, "spatial_resolution"),
            file.get("gsd"),
            _of(file, "spatial_resolution"),
        )
        band.take("gsd", next(filter(None, map(_number, gsd)), ""))
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
    return _number(value) if not isinstance(value, str) else one_line(value, 60)


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return ""
