"""Where an asset stands on disk: `collection/item/key.ext`, safe for any id, no two assets on one path."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ..models import Asset
from ..text import file_name

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,12}")
_BY_TYPE = {
    "application/geo+json": ".geojson",
    "application/geopackage+sqlite3": ".gpkg",
    "application/json": ".json",
    "application/netcdf": ".nc",
    "application/pdf": ".pdf",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.laszip+copc": ".laz",
    "application/x-hdf5": ".h5",
    "application/x-netcdf": ".nc",
    "application/x-parquet": ".parquet",
    "application/xml": ".xml",
    "application/zip": ".zip",
    "image/jp2": ".jp2",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/vnd.stac.geotiff": ".tif",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/xml": ".xml",
}


def folder_name(identity: str) -> str:
    """Return the folder of a collection or an item; empty for an empty id."""
    return file_name(identity) if identity else ""


def file_names(assets: Sequence[Asset]) -> dict[str, str]:
    """Return the file name for each key of a document's assets: the key and the extension.

    Names that a file system could take for one another (`B1` and `b1`, `é` as one character and as two, or
    a name and another's part file) get a short hash of the key, whichever of the assets are fetched, so that
    a name never changes.

    Parameters
    ----------
    assets
        All assets of one document.
    """
    plain = {asset.key: file_name(asset.key) + extension(asset) for asset in assets}
    folded = {key: _folded(name) for key, name in plain.items()}
    taken = Counter(folded.values())
    parts = {f"{name}.part" for name in taken}
    return {
        key: _apart(key, name) if taken[folded[key]] > 1 or folded[key] in parts else name
        for key, name in plain.items()
    }


def extension(asset: Asset) -> str:
    """Return the extension of an asset's file, dot included; empty where nothing tells.

    It is that of the href's path; `.tiff` becomes `.tif`, as the seed library writes it, so that both can
    work on one folder. An href without one goes by the media type.
    """
    try:
        path = urlsplit(asset.href.replace("\\", "/")).path
    except ValueError:
        path = ""
    suffix = PurePosixPath(unquote(path)).suffix
    if _EXTENSION.fullmatch(suffix):
        return ".tif" if suffix == ".tiff" else suffix
    return _BY_TYPE.get(asset.media_type.partition(";")[0].strip().lower(), "")


def _folded(name: str) -> str:
    """Return what all names share that a file system may take for one (APFS, NTFS)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _apart(key: str, name: str) -> str:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem, dot, rest = name.rpartition(".")
    return f"{stem}-{digest}{dot}{rest}" if stem else f"{name}-{digest}"
