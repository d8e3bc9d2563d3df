"""Folders below an output folder: each opened below the one before, so that no link is ever followed.

A path as a whole is never given to the system: what it names is decided by links on the way, and no look at
them beforehand is good enough (a chain of links grows beyond PATH_MAX, where `realpath` gives up).
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from pathlib import Path
from typing import Self

from . import refusals
from .refusals import Refused

_MOST_OPEN = 64
_DEEPEST = 256
_LONGEST = 4095  # bytes of an absolute path: PATH_MAX on Linux, without the NUL at its end
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_OLD = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SURROGATE = 0x20000000  # Windows: the bit of the reparse tags of links and junctions, not of cloud folders
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP, errno.EMLINK})


class _Missing(Refused):
    """A folder that is not there."""


class Folder:
    """A folder whose entries are reached through its descriptor; without descriptors, by a checked path.

    `descriptor` is None where the system has no calls relative to one; `prefix` stands before each name.
    """

    __slots__ = ("_names", "descriptor", "prefix")

    def __init__(self, descriptor: int | None, prefix: str = "") -> None:
        self.descriptor = descriptor
        self.prefix = prefix
        self._names: set[str] | None = None

    def create(self, name: str, mode: int) -> int:
        """Create a file and return its descriptor; FileExistsError if anything has its name."""
        if self._names is not None and name in self._names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        descriptor = os.open(self.prefix + name, _NEW, mode, dir_fd=self.descriptor)
        self._has(name)
        return descriptor

    def open(self, name: str) -> int:
        """Open a file to read; never one that a link leads to."""
        return os.open(self.prefix + name, _OLD, dir_fd=self.descriptor)

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of an entry itself; None if there is none.

        Raises Refused if it has another spelling, where a file system ignores case or normalises Unicode.
        """
        try:
            found = os.stat(self.prefix + name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not self._spells(name):
            raise Refused(refusals.TWIN)
        return found

    def remove(self, name: str) -> None:
        """Remove a file or a link."""
        os.unlink(self.prefix + name, dir_fd=self.descriptor)
        if self._names is not None:
            self._names.discard(name)

    def replace(self, name: str, other: str) -> None:
        """Give a file the name of another entry, in whose place it comes."""
        where = self.descriptor
        os.replace(self.prefix + name, self.prefix + other, src_dir_fd=where, dst_dir_fd=where)
        if self._names is not None:
            self._names.discard(name)

    def touch(self, name: str, descriptor: int, moment: int) -> None:
        """Set the time of a file that was just created."""
        where = descriptor if os.utime in os.supports_fd else self.prefix + name
        try:
            os.utime(where, (moment, moment))
        except (OSError, OverflowError):
            return  # a time that the file system does not have

    def make(self, name: str) -> None:
        """Create a folder in this one."""
        os.mkdir(self.prefix + name, dir_fd=self.descriptor)
        self._has(name)

    def target(self, name: str) -> str:
        """Return what a link says."""
        return os.readlink(self.prefix + name, dir_fd=self.descriptor)

    def link(self, name: str, target: str) -> None:
        """Create a symbolic link; FileExistsError if anything has its name."""
        os.symlink(target, self.prefix + name, dir_fd=self.descriptor)
        self._has(name)

    def link_file(self, name: str, source: Folder, source_name: str) -> None:
        """Create a hard link to a file, not to what a link leads to; FileExistsError as `create`."""
        os.link(
            source.prefix + source_name,
            self.prefix + name,
            src_dir_fd=source.descriptor,
            dst_dir_fd=self.descriptor,
            follow_symlinks=False,
        )
        self._has(name)

    def close(self) -> None:
        """Close its descriptor."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = -1

    def duplicate(self) -> Folder:
        """Return the folder once more, which stays open when this one is closed."""
        return Folder(None if self.descriptor is None else os.dup(self.descriptor), self.prefix)

    def _has(self, name: str) -> None:
        if self._names is not None:
            self._names.add(name)

    def _spells(self, name: str) -> bool:
        """Whether an entry that exists has just this name; a folder of new entries is never read."""
        if self._names is None:
            where = self.prefix if self.descriptor is None else self.descriptor
            self._names = set(os.listdir(where))  # noqa: PTH208  (pathlib takes no descriptors)
        return name in self._names


class Folders:
    """The folders below an output folder, by their paths in the archive; some of them are held open.

    The output folder is absolute and exists; it may be a link itself, and so may the folder `top` in it: they
    are the user's own choice. `has_links` is whether links can be created without ever following one.
    """

    def __init__(self, root: Path, top: str | None = None) -> None:
        self._top = top
        calls = {os.open, os.stat, os.mkdir, os.unlink, os.symlink, os.readlink, os.link, os.rename}
        self.has_links = calls <= os.supports_dir_fd and os.listdir in os.supports_fd and bool(_NOFOLLOW)
        self._room = _LONGEST - len(os.fsencode(root)) - 1
        if self.has_links:
            self._root = Folder(os.open(root, _DIRECTORY & ~_NOFOLLOW))
        else:
            self._root = Folder(None, f"{root}{os.sep}")
        self._open: OrderedDict[str, Folder] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for folder in (*self._open.values(), self._root):
            folder.close()
        self._open.clear()

    def check(self, path: str) -> None:
        """Raise Refused if a path is longer or deeper than paths can be that people can work with."""
        if len(os.fsencode(path)) > self._room:
            raise Refused(refusals.TOO_LONG)
        if path.count("/") >= _DEEPEST:
            raise Refused(refusals.TOO_LONG)

    def folder(self, path: str, *, make: bool = True) -> Folder:
        """Return a folder by its path in the archive (empty for the output folder), open for a while.

        With `make` it is created if missing. Raises Refused if it is, or a file or link is on the way.
        """
        found = self._open.get(path)
        if found is not None:
            self._open.move_to_end(path)
            return found
        if not path:
            return self._root
        above, _, name = path.rpartition("/")
        folder = self._below(self.folder(above, make=make), name, make=make)
        if len(self._open) >= _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        self._open[path] = folder
        return folder

    def find(self, path: str) -> Folder | None:
        """Return a folder, None if it is missing; errors as `folder`."""
        try:
            return self.folder(path, make=False)
        except _Missing:
            return None

    def _below(self, above: Folder, name: str, *, make: bool) -> Folder:
        given = above is self._root and name == self._top
        if (folder := self._enter(above, name, follow=given)) is not None:
            try:
                above.status(name)  # which refuses another spelling
            except BaseException:
                folder.close()
                raise
            return folder
        if not make:
            raise _Missing(refusals.LINK_MISSING)
        above.make(name)
        folder = self._enter(above, name, follow=False)
        if folder is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return folder

    def _enter(self, above: Folder, name: str, *, follow: bool) -> Folder | None:
        """Return a folder in another one; None if there is nothing of its name."""
        path = above.prefix + name
        try:
            if above.descriptor is not None:
                flags = _DIRECTORY & ~_NOFOLLOW if follow else _DIRECTORY
                return Folder(os.open(path, flags, dir_fd=above.descriptor))
            found = Path(path).stat(follow_symlinks=follow)
        except FileNotFoundError:
            if follow and above.status(name) is not None:
                raise Refused(refusals.BELOW_LINK) from None  # a link to nothing
            return None
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                raise
            found = os.stat(path, dir_fd=above.descriptor, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode) or (not follow and getattr(found, "st_reparse_tag", 0) & _SURROGATE):
            raise Refused(refusals.BELOW_LINK)
        if not stat.S_ISDIR(found.st_mode):
            raise Refused(refusals.FILE_IN_WAY)
        return Folder(None, f"{path}{os.sep}")
