"""Content: what bytes are by their beginning."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from enum import StrEnum

from . import text

GZIP_MAGIC = b"\x1f\x8b"
"""What gzip data begins with (RFC 1952, section 2.3.1)."""

LFS_MAGIC = b"version https://git-lfs.github.com/spec/"
"""What a pointer begins with that a repository has in place of a file (Git LFS specification)."""

MAX_POINTER = 1023
"""Bytes: a pointer is smaller than 1024 (Git LFS specification)."""

START = 4096
"""How many bytes of a file's beginning are looked at."""

_BLOCK = 512  # bytes of a tar header
_LINE = 100  # characters of a first line that are shown
_BLANK = b"\xef\xbb\xbf\xfe\xff\x1e \t\r\n"  # a byte-order mark, and what may stand before a document
_TAR_SUM = re.compile(rb"[ \0]*[0-7]+[ \0]*")  # a header's checksum: as most files are none, the quick look
_PAGE = re.compile(rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S)
_XML = re.compile(rb"<[A-Za-z!?]")
_JSON = re.compile(rb"""\{\s*["}]|\{\s*\Z|\[\s*[\[{"\]\d-]|\[\s*(?:null|true|false)""")
_TITLE = re.compile(r"<title\b[^>]*>([^<]{1,1000})", re.I)
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|head)\b.*?(?:</\1\s*>|\Z)", re.I | re.S)
_TAG = re.compile(r"<[^>]*(?:>|\Z)")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


class ContentKind(StrEnum):
    """What a file's first bytes look like, in the words of an error."""

    NOTHING = "an empty answer"
    GZIP = "gzip data"
    TAR = "a tar archive"
    POINTER = "a Git LFS pointer"
    PAGE = "a web page"
    XML = "XML"
    JSON = "JSON"
    TEXT = "text"
    OTHER = "other data"


READABLE = frozenset({ContentKind.PAGE, ContentKind.XML, ContentKind.JSON, ContentKind.TEXT})
"""What people can read: documents, and other text."""
# Formats that never begin as text does, by the ends of names.
_BINARY = frozenset(
    f".{end}"
    for ends in (
        "7z bgz bz2 gif gpkg grb grb2 grib grib2 gz h5 hdf hdf5 he5 jp2 jpeg jpg las laz nc nc4 npy npz onnx",
        "parquet pdf pmtiles png pt pth sqlite svgz tar taz tgz tif tiff webp xz zip zst",
    )
    for end in ends.split()
)
FORMATS = {
    b"II*\0": "an image (TIFF)",  # BigTIFF too, in either order of bytes
    b"MM\0*": "an image (TIFF)",
    b"II+\0": "an image (TIFF)",
    b"MM\0+": "an image (TIFF)",
    b"\x89PNG": "an image (PNG)",
    b"\xff\xd8\xff": "an image (JPEG)",
    b"\0\0\0\x0cjP  ": "an image (JPEG 2000)",
    b"GIF8": "an image (GIF)",
    b"RIFF": "an image (WebP)",
    b"%PDF-": "a PDF document",
    b"PK\3\4": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x89HDF": "a data file (HDF5)",
    b"CDF\1": "a data file (netCDF)",
    b"CDF\2": "a data file (netCDF)",
    b"CDF\5": "a data file (netCDF)",
    b"GRIB": "a data file (GRIB)",
    b"NITF0": "an image (NITF)",
    b"LASF": "a point cloud (LAS)",
    b"PAR1": "a Parquet file",
    b"ARROW1": "a data file (Arrow)",
    b"\x93NUMPY": "a data file (NumPy)",
    b"SQLite format 3": "a database (SQLite)",  # also GeoPackage
    b"PMTiles": "a map (PMTiles)",
}
"""What files of formats begin with, and what they are."""
_MAGICS = tuple(FORMATS)
_TEXT = 32  # bytes that tell a text from what is compressed
_JSON_NAMES = frozenset({".json", ".geojson", ".topojson", ".ndjson"})
_XML_NAMES = frozenset({".xml", ".kml", ".gml", ".svg", ".vrt", ".qml", ".sld", ".xsd"})
_TEXT_NAMES = frozenset(
    f".{end}"
    for ends in ("csv htm html ini log md md5 met prj", "sha1 sha256 tfw tsv txt wkt wld yaml yml")
    for end in ends.split()
)


def is_text_name(name: str) -> bool:
    """Return whether a file is of a format that people can read, by the end of its name."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  (as in `is_odd`)
    return suffix in _TEXT_NAMES or suffix in _JSON_NAMES or suffix in _XML_NAMES


def is_odd(kind: ContentKind, name: str) -> bool:
    """Return whether what people can read is not of the format that the end of a file's name tells."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  (five times as fast)
    if kind is ContentKind.XML and suffix in _JSON_NAMES:
        return True
    return suffix in _BINARY or (kind is ContentKind.JSON and suffix in _XML_NAMES)


def recognise(start: bytes, media_type: str = "") -> ContentKind:
    """Return what a file is by its first bytes, and by the Content-Type that it was sent with."""
    if not start:
        return ContentKind.NOTHING
    if start.startswith(GZIP_MAGIC):
        return ContentKind.GZIP
    if start.startswith(LFS_MAGIC):
        return ContentKind.POINTER
    if is_tar(start):
        return ContentKind.TAR
    words = _in_utf8(start).lstrip(_BLANK)
    if _PAGE.match(words):
        return ContentKind.PAGE
    if _CONTROL.search(words):
        return ContentKind.OTHER
    html = media_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
    if _XML.match(words):
        return ContentKind.PAGE if html else ContentKind.XML
    if _JSON.match(words):
        return ContentKind.JSON
    try:
        # What is cut in the middle of a character is text all the same.
        words[: max(len(words) - 3, min(len(words), 8))].decode()
    except UnicodeDecodeError:
        return ContentKind.OTHER
    return ContentKind.PAGE if html else ContentKind.TEXT


def is_plain(start: bytes) -> bool:
    """Return whether first bytes are surely those of a file as it is, rather than of a compressed form."""
    kind = recognise(start)
    if kind is ContentKind.TEXT:
        return len(start) >= _TEXT
    return start.startswith(_MAGICS) if kind is ContentKind.OTHER else kind is not ContentKind.NOTHING


def is_tar(start: bytes) -> bool:
    """Return whether bytes begin with a tar header whose checksum is right."""
    if len(start) < _BLOCK or not start[0] or not _TAR_SUM.fullmatch(start, 148, 156):
        return False
    import tarfile  # start-up time: it loads the compressors

    try:
        tarfile.TarInfo.frombuf(start[:_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def first_line(start: bytes, hidden: Iterable[str] = ()) -> str:
    """Return the first line of a text that came, cleaned, without keys, and cut; of a web page its title.

    - `hidden`: Forms of a key that are masked in it.
    """
    words = _in_utf8(start).lstrip(_BLANK)
    if _PAGE.match(words):
        line = _page_words(words.decode("utf-8", "replace"))
    else:
        line = words.decode("utf-8", "replace").splitlines()[0] if words else ""
    return text.one_line(text.masked(text.redact(line), hidden), _LINE)


def _page_words(page: str) -> str:
    """Return the title of a web page, without one the start of its text."""
    titles = (_plain(found) for found in _TITLE.findall(page))
    return next(filter(None, titles), "") or _plain(_UNSEEN.sub(" ", page))


def _plain(markup: str) -> str:
    from html import unescape  # start-up time: few servers send a page

    return " ".join(unescape(_TAG.sub(" ", markup)).split())


def _in_utf8(start: bytes) -> bytes:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start[: len(start) & ~1].decode("utf-16", "replace").encode()
    return start
