"""Where the files of a dataset stand on disk: the layout of radiant_mlhub, for ids that mean no harm.

`{out}/{dataset}.tar.gz` and `{out}/{dataset}/` are the catalog; below `{assets}/{dataset}/` an item's
asset is `{collection}/{item}/{key}{ext}`, a collection's `{collection}/{key}{ext}`, and what items share
is `{collection}/_common/{key}{ext}` (radiant_mlhub 0.5.5, `CatalogDownloader`).
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..http.urls import resolve_href
from ..models import Asset
from ..text import clean, file_name

COMMON_KEYS = frozenset({"documentation", "readme", "test_split", "train_split", "validation_split"})
"""Keys of assets that all items of a collection share."""
COMMON_FOLDER = "_common"
REPORT = "err_report.csv"
PAGE_TYPES = ("text/html", "application/xhtml+xml")
PAGE_ENDINGS = (".html", ".htm", ".xhtml")
"""Media types and endings of web pages, which are refused where something else is expected."""

_BY_SUBSTRING = (".tif", ".tiff", ".json", ".pdf", ".png", ".jpg", ".jpeg", ".csv")
_NEVER = frozenset("/\\")
_NEVER_ON_WINDOWS = frozenset('/\\<>:"|?*')
_PART = ".part"  # what unfinished files end with
_MOST = 220  # bytes; file systems allow 255, and a part file's name is longer than its file's


class Scope(IntEnum):
    """What an asset belongs to."""

    ITEM = 0
    COMMON = 1
    COLLECTION = 2


def extension(href: str) -> str:
    """Return the extension of an asset's file as radiant_mlhub has it, dot included; it may be empty.

    Anywhere in the URL one of eight usual extensions counts, in their order, so that `.tiff` becomes `.tif`;
    else it is the last one of the URL's path. radiant_mlhub gives up on a URL without any.
    """
    for usual in _BY_SUBSTRING:
        if usual in href:
            return usual
    try:
        path = urlsplit(href.replace("\\", "/")).path
    except ValueError:
        return ""
    return PurePosixPath(path.partition(";")[0]).suffix


def component(identity: str, *, windows: bool = os.name == "nt") -> str:
    """Return an id as one part of a path: itself where that is a plain name, else a safe one with a hash.

    - `identity`: As received.
    - `windows`: Whether names must do for Windows, which takes fewer.
    """
    return identity if _is_plain(identity, windows) else _distinct(identity)


def item_folder(identity: str) -> str:
    """Return the folder of an item; the one of the common assets is not to be had."""
    return _distinct(f"{identity} ") if identity.casefold() == COMMON_FOLDER else component(identity)


def namesake_folder(folder: str, hrefs: str) -> str:
    """Return the folder of an item beside another one of the same id, by the hrefs of its assets."""
    return component(f"{folder[: _MOST - 16]}-{_short_hash(hrefs)}")


def distinct_name(name: str, of: str = "") -> str:
    """Return a name with a hash of itself, or `of` what it is that has it, before its extension."""
    stem, dot, ending = name.rpartition(".")
    digest = _short_hash(of or name)
    return f"{stem}-{digest}{dot}{ending}" if stem else f"{name}-{digest}"


def asset_file(key: str, ending: str) -> str:
    """Return the name of an asset's file, whose href has the extension `ending`."""
    name = f"{key}{ending}"
    if _is_plain(name, os.name == "nt"):
        return name
    return component(key) + (ending if _is_plain(f"x{ending}", True) and len(ending) < 20 else "")


def beside_document(name: str) -> str:
    """Return another name for an asset's file that would stand where its own document stands."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-asset{dot}{ending}" if stem else f"{name}-asset"


def catalog_file(out: Path, dataset: str) -> Path:
    """Return where the catalog archive of a dataset stands."""
    return out / f"{component(dataset)}.tar.gz"


def catalog_folder(out: Path, dataset: str) -> Path:
    """Return where the unpacked catalog of a dataset stands."""
    return out / component(dataset)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _is_plain(name: str, windows: bool) -> bool:
    """Whether a name is one file's, stays what it is when it is drawn, and hides nothing."""
    if not name or name[0] in ".~" or name != name.strip() or len(name) > _MOST or name.endswith(_PART):
        return False
    if not name.isascii() and (len(name.encode("utf-8", "replace")) > _MOST or clean(name) != name):
        return False
    never = _NEVER_ON_WINDOWS if windows else _NEVER
    if not name.isprintable() or not never.isdisjoint(name):
        return False
    return not windows or file_name(name.replace(" ", "_")) == name.replace(" ", "_")


def _distinct(identity: str) -> str:
    """Return a safe name that no other id has: one that `file_name` leaves as it is gets a hash as well."""
    safe = file_name(identity)
    return safe if safe != identity else file_name(f"{identity} ")


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
    """
    plain = {asset.key: file_name(asset.key) + asset_extension(asset) for asset in assets}
    folded = {key: _folded(name) for key, name in plain.items()}
    taken = Counter(folded.values())
    parts = {f"{name}.part" for name in taken}
    return {
        key: distinct_name(name, key) if taken[folded[key]] > 1 or folded[key] in parts else name
        for key, name in plain.items()
    }


def asset_extension(asset: Asset) -> str:
    """Return the extension of an asset's file, dot included; empty where nothing tells.

    It is that of the href's path; `.tiff` becomes `.tif`, as radiant_mlhub writes it, so that both can
    work on one folder. An href without one goes by the media type.
    """
    href = asset.href.strip()
    try:
        # GDAL's `/vsicurl?url=...` has it in what it names.
        path = urlsplit(resolve_href("", href) if href.startswith("/vsi") else href.replace("\\", "/")).path
    except ValueError:
        path = ""
    suffix = PurePosixPath(unquote(path)).suffix
    if _EXTENSION.fullmatch(suffix):
        return ".tif" if suffix == ".tiff" else suffix
    return _BY_TYPE.get(asset.media_type.partition(";")[0].strip().lower(), "")


def _folded(name: str) -> str:
    """Return what all names share that a file system may take for one (APFS, NTFS)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
