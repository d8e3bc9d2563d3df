"""Which assets an item has, by the sensor or kind of label of its collection."""

from __future__ import annotations

from dataclasses import dataclass

Band = dict[str, str | float]

GEOTIFF = "image/tiff; application=geotiff"
PNG = "image/png"
GEOJSON = "application/geo+json"
CSV = "text/csv"
PDF = "application/pdf"
JSON = "application/json"

_SUFFIXES = {GEOTIFF: "tif", PNG: "png", GEOJSON: "geojson", CSV: "csv", PDF: "pdf", JSON: "json"}


@dataclass(frozen=True, slots=True)
class AssetKind:
    """One asset that every item of a collection has."""

    key: str
    media_type: str
    roles: tuple[str, ...]
    title: str = ""
    bands: tuple[Band, ...] = ()

    @property
    def suffix(self) -> str:
        """The file name's ending, without the dot."""
        return _SUFFIXES[self.media_type]

    @property
    def file_name(self) -> str:
        """The name of the asset's file inside the item's folder."""
        return f"{self.key}.{self.suffix}"


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the items of a collection look like; `degrees` is the side of an unbounded footprint."""

    platform: str
    instrument: str
    gsd: float
    degrees: float
    assets: tuple[AssetKind, ...]

    @property
    def is_label(self) -> bool:
        """Whether the items are labels only."""
        return not self.platform


def _bands(*rows: tuple[str, str, float]) -> tuple[AssetKind, ...]:
    return tuple(
        AssetKind(name, GEOTIFF, ("data",), bands=({"name": name, "common_name": common, "gsd": gsd},))
        for name, common, gsd in rows
    )


def _rgb(key: str, title: str, gsd: float) -> AssetKind:
    names = ("red", "green", "blue")
    bands = tuple[Band, ...]({"name": name, "common_name": name, "gsd": gsd} for name in names)
    return AssetKind(key, GEOTIFF, ("data", "visual"), title, bands)


_THUMBNAIL = AssetKind("thumbnail", PNG, ("thumbnail",), "Quick look")
DOCUMENTATION = AssetKind("documentation", PDF, ("metadata",), "Documentation")
"""The asset that all items of a collection share."""

_LABEL_RASTER = AssetKind("labels", GEOTIFF, ("labels",), "Class raster")
_LABEL_SHAPES = AssetKind("labels", GEOJSON, ("labels",), "Annotated shapes")

_SENTINEL_2 = _bands(
    ("B01", "coastal", 60),
    ("B02", "blue", 10),
    ("B03", "green", 10),
    ("B04", "red", 10),
    ("B05", "rededge", 20),
    ("B06", "rededge", 20),
    ("B07", "rededge", 20),
    ("B08", "nir", 10),
    ("B8A", "nir08", 20),
    ("B09", "nir09", 60),
    ("B11", "swir16", 20),
    ("B12", "swir22", 20),
)
_CLOUDS = AssetKind("CLD", GEOTIFF, ("data", "cloud"), "Cloud probability", ({"name": "CLD"},))

_LANDSAT = _bands(
    ("B02", "blue", 30),
    ("B03", "green", 30),
    ("B04", "red", 30),
    ("B05", "nir", 30),
    ("B06", "swir16", 30),
    ("B07", "swir22", 30),
)
_RADAR = tuple(AssetKind(name, GEOTIFF, ("data",), bands=({"name": name},)) for name in ("VV", "VH"))
_QUAD = tuple(AssetKind(n, GEOTIFF, ("data",), bands=({"name": n},)) for n in ("HH", "HV", "VH", "VV"))
_PLANET = _bands(("B01", "blue", 3), ("B02", "green", 3), ("B03", "red", 3), ("B04", "nir", 3))
_PAN = AssetKind(
    "PAN", GEOTIFF, ("data",), "Panchromatic", ({"name": "PAN", "common_name": "pan", "gsd": 0.3},)
)


def _imagery(platform: str, instrument: str, gsd: float, degrees: float, *assets: AssetKind) -> Sensor:
    return Sensor(platform, instrument, gsd, degrees, (*assets, _THUMBNAIL, DOCUMENTATION))


def _labels(*assets: AssetKind, degrees: float = 0.0231) -> Sensor:
    return Sensor("", "", 0, degrees, (*assets, DOCUMENTATION))


SENSORS = {
    "sentinel-1": _imagery("Sentinel-1", "C-band SAR", 10, 0.0231, *_RADAR),
    "sentinel-2": _imagery("Sentinel-2", "MultiSpectral Instrument", 10, 0.0231, *_SENTINEL_2, _CLOUDS),
    "landsat-8": _imagery("Landsat-8", "OLI", 30, 0.0693, *_LANDSAT),
    "planetscope": _imagery("PlanetScope", "PS2", 3, 0.0069, *_PLANET),
    "naip": _imagery("NAIP", "Aerial camera", 1, 0.06, _rgb("image", "Aerial photograph", 1)),
    "drone": _imagery("UAV", "RGB camera", 0.05, 0.002, _rgb("image", "Orthophoto", 0.05)),
    "goes": _imagery("GOES", "Imager", 2000, 7.3, AssetKind("image", GEOTIFF, ("data",), "Infrared window")),
    "maxar": _imagery("WorldView", "Very fine optical", 0.3, 0.0008, _rgb("image", "Chip", 0.3)),
    "worldview": _imagery(
        "WorldView-3", "WV110", 0.3, 0.0018, _PAN, _rgb("PS-RGB", "Sharpened colour", 0.3), _LABEL_SHAPES
    ),
    "sar-optical": _imagery(
        "Capella airborne", "X-band SAR", 0.5, 0.004, *_QUAD, _rgb("PS-RGB", "Optical", 0.5), _LABEL_SHAPES
    ),
    "raster-labels": _labels(_LABEL_RASTER),
    "vector-labels": _labels(_LABEL_SHAPES),
    "flag-labels": _labels(AssetKind("labels", JSON, ("labels",), "Flags")),
    "table-labels": _labels(AssetKind("labels", CSV, ("labels",), "Table"), degrees=7.3),
}
"""Every value that `sensor` may have in the catalog's files."""
