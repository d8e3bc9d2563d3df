"""What the file system offers beside `pathlib`: locks, renames that replace nothing, flushes, free space."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from . import text
from .errors import NoSpaceError, OutputFolderError
from .storage import nearest, sync_folder

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
    try:
        _flock()(descriptor)
    except OSError as error:
        return error.errno not in _LOCKED
    return True


@cache
def _flock() -> Callable[[int], None]:
    """Return flock(2); on Windows, which has none, the owner record in the journal has to do."""
    try:
        fcntl = import_module("fcntl")
    except ImportError:
        return lambda _: None
    how = fcntl.LOCK_EX | fcntl.LOCK_NB
    return lambda descriptor: fcntl.flock(descriptor, how)


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
        with suppress(OSError):
            other = place.name.swapcase()
            if place.name == other or not (place.exists() and place.with_name(other).exists()):
                continue
            there = {unicodedata.normalize("NFC", name) for name in os.listdir(place.parent)}  # noqa: PTH208
            if unicodedata.normalize("NFC", place.name) not in there:
                words = "is there in another case, which this disk does not tell apart"
                raise OutputFolderError(f"{text.one_line(place, 200)} {words}")


def rename_new(source: str | Path, target: str | Path) -> None:
    """Rename without replacing: renameat2(2), else link(2), which refuses a name that is taken.

    Raises
    ------
    FileExistsError
        If the name is taken.
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

    Parameters
    ----------
    root
        A folder on the file system that all of them are on.
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
        import fcntl  # not in Windows
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
        raise OutputFolderError(f"{_name(there)} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputFolderError(f"folder {_name(there)} cannot be written")


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
        f"the disk of {_name(folder)} has {text.size(left)} left{promised}; {text.size(needed)} are needed"
    )


def device(folder: Path) -> int | None:
    """Return the number of the disk that the folder is, or will be, on."""
    try:
        return nearest(folder).stat().st_dev
    except OSError:
        return None


def translate_os_error(error: OSError, path: Path) -> OutputFolderError:
    """Return our error for an error of the file system."""
    if error.errno in _FULL:
        return NoSpaceError(f"no space left on the disk of {_name(path)}")
    why = text.one_line(error.strerror or error, 120)
    return OutputFolderError(f"cannot write {_name(path)}: {why}")


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
