"""Files that must not be lost: atomic writes, with secrets readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO


def make_private_folder(folder: Path) -> None:
    """Create a folder (and its parents) with mode 0700; an existing one keeps its mode."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def remove_database(path: Path) -> None:
    """Remove an SQLite database, if it exists, with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int | None = None, errors: str = "strict") -> Iterator[TextIO]:
    """Open a text file that takes the place of a path once all is written: temporary file, fsync, rename.

    A reader sees the old or the new content, never a part; after a power cut likewise. Where anything goes
    wrong the old content stays. A symbolic link keeps pointing where it does: its target is replaced.

    Parameters
    ----------
    path
        The file; its folder must exist.
    mode
        Permission bits of the file; by default as the umask lets.
    errors
        What is done with text that is no Unicode, as `open` takes it.

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name[:80]}.{os.urandom(4).hex()}.part")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else mode & 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors=errors, newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(target.parent)


def write_atomic(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a file's content in one step, by default readable by its owner only; as `replacing`."""
    with replacing(path, mode=mode) as file:
        file.write(text)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk where the system can (not on Windows)."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def bytes_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; what cannot be read counts nothing."""
    total, waiting = 0, [path]
    while waiting:
        with contextlib.suppress(OSError):
            one = waiting.pop()
            if one.is_dir() and not one.is_symlink():
                waiting.extend(one.iterdir())
            else:
                total += one.lstat().st_size
    return total


def shrink_folder(folder: Path, most_bytes: int, most_files: int = 1 << 40, *, keep: str = "") -> int:
    """Remove the least recently used files below a folder until so many bytes and files are left, at most.

    Locks stay, and files whose names begin with `keep`; what a killed program left half done (`.new`,
    `.part`) goes after a day. Returns the bytes removed.
    """
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and path.suffix != ".lock":
                room = status.st_size
                if path.suffix == ".part":  # of a large file, with holes that take no room
                    room = min(room, getattr(status, "st_blocks", 1 << 40) * 512)
                found.append((status.st_mtime, room, path))
    total = removed = 0
    for number, (used, room, path) in enumerate(sorted(found, reverse=True)):
        total += room
        abandoned = path.suffix in (".new", ".part") and used < time.time() - 86400
        if not (keep and path.name.startswith(keep)) and (
            total > most_bytes or number >= most_files or abandoned
        ):
            with contextlib.suppress(OSError):  # Windows refuses while another program has it open
                path.unlink()
                removed += room
    return removed


def same_names(folder: Path) -> Callable[[str], str]:
    """Return the key under which the file system of a folder keeps a name, by trying it out.

    Names that differ in case, or in their Unicode normal form, are one name on macOS and Windows, and on
    some mounts of Linux: what is tried is the nearest folder that is there, with a file of its own.
    """
    import tempfile  # where names are compared: by downloads of datasets
    import unicodedata

    def fold(name: str) -> str:
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())

    try:
        with tempfile.NamedTemporaryFile(prefix=".mlhub-Prüfe-", dir=nearest(folder)) as file:
            path = Path(file.name)
            apart = unicodedata.normalize("NFD", path.name)
            if path.with_name(path.name.swapcase()).exists():
                return fold
            if path.with_name(apart).exists():
                return lambda name: unicodedata.normalize("NFC", name)
    except OSError:
        return fold if os.name == "nt" else str
    return str


def nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
