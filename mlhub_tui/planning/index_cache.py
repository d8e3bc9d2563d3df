"""Where indexes lie, one for each version of each dataset of each source; old ones make room."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import paths
from ..errors import OutputFolderError
from ..text import one_line
from .index_builder import BUILDING

MAX_INDEXES = 4 * 1024**3
"""Bytes of all indexes together; the one that was not used for longest goes first."""
_ENDS = 1 << 16


@dataclass(frozen=True, slots=True)
class Subject:
    """What an index is of.

    Parameters
    ----------
    source
        The source's location, without keys.
    dataset
        The dataset's id, or whatever names the collections that are taken together.
    validator
        What changes when the content does; empty where nobody can tell.
    """

    source: str
    dataset: str
    validator: str = ""

    @property
    def path(self) -> Path:
        """Where its index stands, or will."""
        version = hashlib.sha256(self.validator.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return folder() / f"{self._stem}-{version}.db"

    @property
    def _stem(self) -> str:
        name = json.dumps([self.source, self.dataset])
        return hashlib.sha256(name.encode()).hexdigest()[:24]

    def drop_others(self) -> None:
        """Remove the indexes of other versions, and more where all of them take too much room."""
        kept = self.path
        for path in folder().glob(f"{self._stem}-*"):
            if not path.name.startswith(kept.name):
                _remove(path)
        shrink(keep=kept)


def folder() -> Path:
    """Return where the indexes lie."""
    return paths.cache() / "plans"


def shrink(*, most: int = MAX_INDEXES, keep: Path | None = None) -> int:
    """Remove the indexes that were not used for longest until the rest is small enough; return bytes gone."""
    ended = [path for end in (".db", f".db{BUILDING}") for path in folder().glob(f"*{end}")]
    found = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in ended), reverse=True)
    whole = gone = 0
    for _, size, path in found:
        whole += size
        if whole > most and (keep is None or not path.name.startswith(keep.name)):
            _remove(path)
            gone += size
    return gone


def clear() -> int:
    """Remove all indexes; return the bytes that are gone."""
    return shrink(most=-1)


def touch(path: Path) -> None:
    """Note that an index was used."""
    with suppress(OSError):
        os.utime(path)


def archive_validator(archive: Path) -> str:
    """Return what changes when the content of a `.tar.gz` does, without reading it all.

    gzip ends with the checksum and the length of all that is in it (RFC 1952, section 2.3.1); the size and
    both ends of the file say the rest.

    Raises
    ------
    OutputFolderError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with archive.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f"{size} ".encode())
            digest.update(file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
    except OSError as error:
        raise OutputFolderError(f"cannot read {one_line(archive, 200)}: {error.strerror}") from error
    return digest.hexdigest()[:24]


def _remove(path: Path) -> None:
    with suppress(OSError):  # Windows keeps what another program has open
        path.unlink()
