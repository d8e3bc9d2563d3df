"""Files beyond `pathlib`: atomic writes, private folders, locks, renames that replace nothing, free space."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TextIO

from . import text
from .errors import NoSpaceError, OutputFolderError


def make_private_folder(folder: Path) -> None:
    """Create a folder (and its parents) with mode 0700; an existing one keeps its mode.

    Raises OSError; where a file or a link to nothing is in its place, in words that say so.
    """
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileExistsError as error:
            there = Path(error.filename)
            raise FileExistsError(error.errno, not_folder(there), error.filename) from None


def remove_database(path: Path) -> None:
    """Remove an SQLite database, if it exists, with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int | None = None, errors: str = "strict") -> Iterator[TextIO]:
    """Open a text file that takes the place of a path once all is written: temporary file, fsync, rename.

    A reader sees the old or the new content, never a part; after a power cut likewise. Where anything goes
    wrong the old content stays. A symbolic link keeps pointing where it does: its target is replaced.

    - `path`: The file; its folder must exist.
    - `mode`: Permission bits of the file; by default as the umask lets.
    - `errors`: What is done with text that is no Unicode, as `open` takes it.

    Raises OSError if the folder cannot be written or the disk is full.
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


_TOO_MANY_OPEN = frozenset({errno.EMFILE, errno.ENFILE})
_MOST_OPEN = 4096
MORE_OPEN = f"let programs open more files: `ulimit -n {_MOST_OPEN}`, then retry"
"""What to do where a process, or the machine, has as many files and connections open as it may."""
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_LOCKED = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES} | _FULL
)  # a second name may need room, where a new one does not
_NO_RENAMEAT2 = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP})
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this program; False if another one (or another transfer) holds it.

    The lock goes with the open file (flock), so closing it or the end of the process, whatever ends it,
    releases it. File systems without locks answer an error that is taken for "not held": the owner record
    in the journal is the second guard there.
    """
    flock, how = _flock()
    try:
        flock(descriptor, how)
    except OSError as error:
        return error.errno not in _LOCKED
    return True


@cache
def _flock() -> tuple[Callable[[int, int], None], int]:
    """Return flock(2) and how to lock; Windows has none: there the owner record in the journal must do."""
    try:
        fcntl = import_module("fcntl")
    except ImportError:
        return lambda _, __: None, 0
    return fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB


def check_regular(path: str | Path, mode: int) -> None:
    """Raise OutputFolderError if what stands under a file's name is a folder, a pipe or a device."""
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise OutputFolderError(f"{text.one_line(path, 200)} is {what}")


def check_spelling(path: Path, names: int) -> None:
    """Raise OutputFolderError if one of a path's last names is there in another case.

    Where the file system ignores case, the files of both would be one.
    """
    for place in (path, *path.parents)[:names]:
        with contextlib.suppress(OSError):
            other = place.name.swapcase()
            if place.name == other or not (place.exists() and place.with_name(other).exists()):
                continue
            there = {unicodedata.normalize("NFC", name) for name in os.listdir(place.parent)}  # noqa: PTH208
            if unicodedata.normalize("NFC", place.name) not in there:
                words = "is there in another case, which this disk does not tell apart"
                raise OutputFolderError(f"{text.one_line(place, 200)} {words}")


def rename_new(source: str | Path, target: str | Path) -> None:
    """Rename without replacing: renameat2(2), else link(2), which refuses a name that is taken.

    Raises FileExistsError if the name is taken.
    """
    quick = _renameat2()
    if quick is not None and quick(os.fsencode(source), os.fsencode(target)):
        return
    source, target = Path(source), Path(target)
    if os.name != "posix":
        source.rename(target)
        return
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from None
        source.rename(target)
        return
    source.unlink()


def sync_files(root: Path, descriptors: Iterable[int], folders: Iterable[str]) -> None:
    """Make open files, and the names in folders, safe on disk.

    One syncfs(2) does it for a whole file system, four times as fast as fsync(2) for each of 256 small
    files; trusted from Linux 5.8 on, which reports what could not be written.

    - `root`: A folder on the file system that all of them are on.
    """
    whole = _syncfs()
    if whole is not None:
        descriptor = os.open(root, os.O_RDONLY)
        try:
            whole(descriptor)
        finally:
            os.close(descriptor)
        return
    for number in descriptors:
        os.fsync(number)
    for folder in folders:
        sync_folder(Path(folder))


def allow_open_files() -> None:
    """Raise the soft limit of open files (getrlimit(2)), 256 on macOS, as far as the hard one lets."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        limits = import_module("resource")
        soft, hard = limits.getrlimit(limits.RLIMIT_NOFILE)
        most = _MOST_OPEN if hard < 0 else min(hard, _MOST_OPEN)
        if 0 <= soft < most:
            limits.setrlimit(limits.RLIMIT_NOFILE, (most, hard))


def max_open_files(most: int) -> int:
    """Return how many files, `most` at most, may be open for one batch; some systems allow 256 in all."""
    try:
        limits = import_module("resource")
    except ImportError:
        return most
    soft = limits.getrlimit(limits.RLIMIT_NOFILE)[0]
    return most if soft < 0 else max(16, min((soft - 128) // 4, most))


def clone(target: int, source: int) -> bool:
    """Make an open file share all blocks of another one (FICLONE: btrfs, XFS); False where it cannot."""
    try:
        fcntl = import_module("fcntl")
    except ImportError:  # Windows
        return False
    try:
        fcntl.ioctl(target, 0x40049409, source)  # FICLONE, ioctl_ficlone(2)
    except OSError:
        return False
    return True


def expanded(path: Path) -> Path:
    """Return a path with `~` expanded; as it is where there is no such home (`~nobody`)."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def absolute(folder: Path) -> Path:
    """Return the folder as an absolute path with `~` expanded; nothing is created or resolved."""
    try:
        return folder.expanduser().absolute()
    except RuntimeError as error:  # `~nobody`: pathlib found no home folder
        raise OutputFolderError(f"no home folder for {text.one_line(folder, 200)}") from error


def check_writable(folder: Path) -> None:
    """Raise OutputFolderError unless a file can be made in the folder, or the folder itself can be made."""
    try:
        there = nearest(folder)
    except OSError as error:
        raise translate_os_error(error, folder) from error
    if not there.is_dir():
        raise OutputFolderError(not_folder(there))
    if not os.access(there, os.W_OK | os.X_OK):
        read_only = hasattr(os, "statvfs") and os.statvfs(there).f_flag & os.ST_RDONLY
        why = "its file system is read-only" if read_only else "permission denied"
        raise OutputFolderError(f"folder {_name(there)} cannot be written: {why}")


def not_folder(path: Path) -> str:
    """Return the words for what is in the place of a folder and is none."""
    what = "a file, not a folder" if path.exists() else "a link to what does not exist"
    return f"{_name(path)} is {what}"


def make_folder(folder: Path) -> None:
    """Create the folder and its parents; OutputFolderError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate_os_error(error, folder) from error


def free_space(folder: Path) -> int | None:
    """Return how many bytes the disk of the folder (or of its nearest parent) has left for this user."""
    usage = _disk_usage(folder)
    return None if usage is None else usage[2]


def _disk_usage(folder: Path) -> tuple[int, int, int] | None:
    """Return the bytes of a disk: all, used, and free for this user."""
    import shutil  # start-up time: it loads the compressors

    try:
        return shutil.disk_usage(nearest(folder))
    except OSError:
        return None


def check_fits(folder: Path, size: int) -> None:
    """Raise OutputFolderError for a file that is larger than its disk: no room that is made can help."""
    usage = _disk_usage(folder)
    if usage is not None and size > usage[0]:
        words = f"the file is announced with {text.size(size)}, the disk of {_name(folder)} has"
        raise OutputFolderError(f"{words} {text.size(usage[0])} in all")


def check_free_space(folder: Path, needed: int, *, reserved: int = 0) -> None:
    """Raise NoSpaceError where the disk has less than `needed` bytes beside the `reserved` ones."""
    left = free_space(folder)
    if left is None or left - reserved >= needed:
        return
    promised = f", {text.size(reserved)} of it for other transfers" if reserved else ""
    raise NoSpaceError(
        f"{text.size(needed)} are needed; the disk of {_name(folder)} has {text.size(left)} left{promised}"
    )


def device(folder: Path) -> int | None:
    """Return the number of the disk that the folder is, or will be, on."""
    try:
        return nearest(folder).stat().st_dev
    except OSError:
        return None


def remove_link(path: Path | str) -> None:
    """Remove a link in the place of a part file: what it leads to is not ours to write."""
    if os.path.islink(path):  # noqa: PTH114  (Path costs ten times as much, for each file)
        os.unlink(path)  # noqa: PTH108


def translate_os_error(error: OSError, path: Path) -> OutputFolderError:
    """Return our error for an error of the file system."""
    if error.errno in _FULL:
        return NoSpaceError(f"no space left on the disk of {_name(path)}")
    hint = MORE_OPEN if error.errno in _TOO_MANY_OPEN else None
    why = text.one_line(error.strerror or error, 120)
    return OutputFolderError(f"cannot write {_name(path)}: {why}", hint=hint)


def _name(path: Path) -> str:
    return text.one_line(path, 200)


@cache
def _syncfs() -> Callable[[int], None] | None:
    if sys.platform != "linux":
        return None
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < (5, 8):
        return None
    return _of_libc("syncfs")


@cache
def _renameat2() -> Callable[[bytes, bytes], bool] | None:
    """Return renameat2(2) without replacing: True if done, False if the file system does not offer it."""
    function = _of_libc("renameat2") if sys.platform == "linux" else None
    if function is None:
        return None

    def call(source: bytes, target: bytes) -> bool:
        try:
            function(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE)
        except OSError as error:
            if error.errno in _NO_RENAMEAT2:
                return False
            raise OSError(
                error.errno, error.strerror, os.fsdecode(source), None, os.fsdecode(target)
            ) from None
        return True

    return call


def _of_libc(name: str) -> Callable[..., None] | None:
    """Return a function of the C library that raises OSError; None where it is missing."""
    import ctypes  # start-up time

    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        return None

    def call(*values: object) -> None:
        if function(*values):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return call
