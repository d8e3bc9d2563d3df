"""Copies that the system makes itself, without the bytes coming through this program; Linux only."""

from __future__ import annotations

import errno
import os

_FICLONE = 0x40049409  # ioctl_ficlone(2)
_CANNOT = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM, errno.EBADF}
)


def clone(target: int, source: int) -> bool:
    """Make a file share all blocks of another one; return whether the file system can do that.

    Parameters
    ----------
    target, source
        Open files.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def copy_range(target: int, source: int, offset: int, count: int) -> int:
    """Copy bytes to the same offset of another file; return how many, 0 where the system cannot.

    Raises
    ------
    OSError
        If it can, and the disk is full or fails.
    """
    copy = getattr(os, "copy_file_range", None)
    if copy is None:
        return 0
    try:
        return int(copy(source, target, count, offset, offset))
    except OSError as error:
        if error.errno in _CANNOT:
            return 0
        raise
