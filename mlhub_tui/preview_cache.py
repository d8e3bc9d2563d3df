"""The images that were fetched for previews, on disk: bounded, the longest unseen go first."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from . import paths
from .fileio import make_private_folder, shrink_folder
from .models import Asset, Document

MOST_FILES = 200
MOST_BYTES = 200_000_000
FRESH = 24 * 3600.0
"""Seconds for which a cached image is used without revalidation."""


def folder() -> Path:
    """Return where they lie."""
    return paths.cache() / "previews"


def place(root_url: str, document: Document, asset: Asset) -> Path:
    """Return the folder of one image; its href counts without its query, where signatures are."""
    href = asset.href.partition("?")[0]
    marks = (root_url, document.url, document.id, str(document.raw.get("collection", "")), asset.key, href)
    name = hashlib.sha256("\0".join(marks).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return folder() / name


def found(where: Path) -> Path | None:
    """Return an image that was fetched within a day, and note that it was looked at; blocks for a moment."""
    with contextlib.suppress(OSError):
        for path in where.rglob("*"):
            if path.is_file() and path.suffix != ".part" and _age(where) < FRESH:
                os.utime(path)
                return path
    return None


def make(where: Path) -> None:
    """Create the folder of an image, or mark it as just used, after deleting the oldest over the limit."""
    shrink()
    make_private_folder(where)
    os.utime(where)


def _age(where: Path) -> float:
    return time.time() - where.stat().st_mtime


def shrink(most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> int:
    """Remove what is too much; return the bytes that are gone."""
    gone = shrink_folder(folder(), most_bytes, most_files)
    for where in sorted(folder().rglob("*"), reverse=True):
        with contextlib.suppress(OSError):
            # Only if nothing is in it, and nobody has just made it to fetch an image into.
            if where.is_dir() and (not most_files or _age(where) > FRESH):
                where.rmdir()
    return gone


def clear() -> int:
    """Remove all; return the bytes that are gone."""
    return shrink(0, 0)
