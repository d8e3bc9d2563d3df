"""Links in archives: created last, and only where they lead to something of the archive's own tree."""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import refusals
from .folders import Folder, Folders
from .refusals import Refusals, Refused, refusal

SYMBOLIC = b"2"[0]
HARD = b"1"[0]
KINDS = frozenset((HARD, SYMBOLIC))
"""Kinds of members that are links."""

_MOST = 100_000  # links of an archive; all are held in memory
_LONGEST = 4095  # bytes of a target: PATH_MAX on Linux, without the NUL at its end
_MOST_HOPS = 40  # links on the way to one target, as the kernel of Linux has it
_MOST_STEPS = 1024  # names on the way to one target
_CHUNK = 1 << 20
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})


@dataclass(frozen=True, slots=True)
class _Link:
    """A link of the archive: its target's names, `..` only before them; of a hard link its path."""

    kind: int
    shown: str
    parts: tuple[str, ...]
    written: tuple[str, ...]

    @property
    def text(self) -> str:
        """What it says on disk."""
        return "/".join(self.parts) or "."


@dataclass(slots=True)
class Links:
    """The links of an archive, gathered while it is read.

    A symbolic link that is created leads first up, through folders that are folders, then down: wherever each
    name on the way down leads by another link, that one obeys the same rule. So none leads out of the tree,
    whatever becomes of the others. None may lead out of `base`, the names that a folder in the archive has in
    its path (none for all of the output folder); with `replaces`, files and other links give way to them.
    `pause` is called now and then, and raises to end it.
    """

    folders: Folders
    base: list[str]
    replaces: bool
    refusals: Refusals
    pause: Callable[[], None]
    _links: dict[str, _Link] = field(default_factory=dict)
    _files: array[int] = field(default_factory=lambda: array("q"))  # hashes of paths that were unpacked

    def unpacked(self, path: str) -> None:
        """Take note of a file of the archive that exists now: hard links may lead to it."""
        self._files.append(hash(path))
        self.forget(path)

    def forget(self, path: str) -> None:
        """Leave out a link in whose place the archive has something else later."""
        if self._links:
            self._links.pop(path, None)

    def check(self, path: str) -> None:
        """Raise Refused if a link of the archive is on the way to a path."""
        if self._links and any(above in self._links for above in _above(path)):
            raise Refused(refusals.BELOW_LINK)

    def add(self, path: str, kind: int, target: str, shown: str) -> None:
        """Take a link at a path in the archive, of one of `KINDS`; `shown` is its name in messages.

        Whether it leads anywhere is not known before the end. Raises Refused if it leads out of the archive.
        """
        if not self.folders.has_links:
            raise Refused(refusals.LINK_UNSUPPORTED)
        if len(self._links) >= _MOST:
            raise Refused(refusals.TOO_MANY_LINKS)
        target = target.replace("\\", "/")
        written = tuple(part for part in target.split("/") if part not in ("", "."))
        if not target or "\0" in target or target.startswith("/") or target[1:2] == ":":
            raise Refused(refusals.LINK_OUTSIDE)
        parts = _normal(written)
        at = path.split("/")[:-1] if kind == SYMBOLIC else []
        ups = parts.count("..")
        landing = [*at[: len(at) - ups], *parts[ups:]]
        if ups > len(at) or landing[: len(self.base)] != self.base or (kind == HARD and ups):
            raise Refused(refusals.LINK_OUTSIDE)
        if len(os.fsencode(target)) > _LONGEST or len(written) > _MOST_STEPS:
            raise Refused(refusals.TOO_LONG)
        self.check(path)
        if _is_folder(self._place(path)):
            raise Refused(refusals.FOLDER_IN_WAY)
        self._links.pop(path, None)  # so that the order is that of the last ones
        self._links[path] = _Link(kind, shown, parts, written)

    def create(self) -> None:
        """Create all links that may be created; take note of the others as refused."""
        if any(link.kind == HARD for link in self._links.values()):
            files = set(self._files)
            self._settle(HARD, lambda path, link: self._create_hard(path, link, files))
        self._settle(SYMBOLIC, self._find)
        self._settle(SYMBOLIC, self._check_written)
        self._settle(SYMBOLIC, lambda path, link: bool(self._resolve(path, link.parts)))
        self._settle(SYMBOLIC, self._create_symbolic)

    def _settle(self, kind: int, act: Callable[[str, _Link], bool]) -> None:
        """Do something with each link of a kind; those that are refused, or return False, are none any more.

        All are asked before any is left out: what a link leads through is judged by the whole set.
        """
        out: list[str] = []
        for number, (path, link) in enumerate(self._links.items()):
            if link.kind != kind:
                continue
            if number % 64 == 0:
                self.pause()
            try:
                if not act(path, link):
                    out.append(path)
            except (Refused, OSError, ValueError) as error:
                reason = error if isinstance(error, Refused) else refusal(error)
                if reason is None:
                    raise
                self.refusals.add(link.shown, reason)
                out.append(path)
        for path in out:
            del self._links[path]

    def _place(self, path: str) -> os.stat_result | None:
        """Return the status of what is in a link's place; None where it, or its folder, is missing."""
        above, _, name = path.rpartition("/")
        folder = self.folders.find(above)
        return None if folder is None else folder.status(name)

    def _create_hard(self, path: str, link: _Link, files: set[int]) -> bool:
        self.check(path)
        target = "/".join(link.parts)
        if hash(target) not in files:
            raise Refused(refusals.LINK_MISSING)
        above, _, name = target.rpartition("/")
        source = self.folders.folder(above, make=False).duplicate()
        try:
            status = source.status(name)
            if status is None or not stat.S_ISREG(status.st_mode):
                raise Refused(refusals.LINK_MISSING)
            self._link_file(path, source, name, status)
        finally:
            source.close()
        files.add(hash(path))
        return True

    def _link_file(self, path: str, source: Folder, source_name: str, status: os.stat_result) -> None:
        above, _, name = path.rpartition("/")
        folder = self.folders.folder(above)
        there = folder.status(name)
        if there is not None:
            if _is_folder(there):
                raise Refused(refusals.FOLDER_IN_WAY)
            same = os.path.samestat(there, status) or _equal(folder, name, source, source_name)
            if same or not self.replaces:
                return
            folder.remove(name)
        try:
            folder.link_file(name, source, source_name)
        except FileExistsError:
            raise Refused(refusals.TWIN) from None
        except (OSError, NotImplementedError):
            self._copy(folder, name, source, source_name)  # no hard links here, or too many of this file

    def _copy(self, folder: Folder, name: str, source: Folder, source_name: str) -> None:
        with _reading(source, source_name) as data:
            status = os.fstat(data)
            descriptor = folder.create(name, status.st_mode & 0o755)
            try:
                while chunk := os.read(data, _CHUNK):
                    self.pause()
                    write(descriptor, chunk)
                folder.touch(name, descriptor, int(status.st_mtime))
            except BaseException:
                folder.remove(name)
                raise
            finally:
                os.close(descriptor)

    def _find(self, path: str, link: _Link) -> bool:
        """Return whether a link may take its place, or has it."""
        self.check(path)
        there = self._place(path)
        if there is None or self.replaces:
            if _is_folder(there):
                raise Refused(refusals.FOLDER_IN_WAY)
            return True
        above, _, name = path.rpartition("/")
        folder = self.folders.folder(above, make=False)
        return stat.S_ISLNK(there.st_mode) and folder.target(name) == link.text

    def _check_written(self, path: str, link: _Link) -> bool:
        """Refuse a target that means something else as written: `..` after a name that is a link."""
        if link.written == link.parts:
            return True
        if self._resolve(path, link.written) != self._resolve(path, link.parts):
            raise Refused(refusals.LINK_OUTSIDE)
        return True

    def _resolve(self, path: str, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return what a symbolic link leads to, walking through folders, and links of the archive, alone.

        Raises Refused if that is missing, outside, or behind a link that is not the archive's.
        """
        at = path.split("/")[:-1]
        left = list(reversed(parts))
        hops = steps = 0
        while left:
            steps += 1
            name = left.pop()
            if name == "..":
                if len(at) <= len(self.base):
                    raise Refused(refusals.LINK_OUTSIDE)
                at.pop()
                continue
            link = self._links.get("/".join((*at, name)))
            if link is not None and link.kind == SYMBOLIC:
                hops += 1
                left.extend(reversed(link.parts))
            if hops > _MOST_HOPS or steps > _MOST_STEPS:
                raise Refused(refusals.LINK_LOOP)
            if link is not None and link.kind == SYMBOLIC:
                continue
            folder = self.folders.find("/".join(at))
            there = None if folder is None else folder.status(name)
            if there is not None and stat.S_ISLNK(there.st_mode):
                raise Refused(refusals.LINK_FOREIGN)
            if there is None or (left and not _is_folder(there)):
                raise Refused(refusals.LINK_MISSING)
            at.append(name)
        return (*at, "")

    def _create_symbolic(self, path: str, link: _Link) -> bool:
        above, _, name = path.rpartition("/")
        folder = self.folders.folder(above)
        there = folder.status(name)
        if there is not None:
            if _is_folder(there):
                raise Refused(refusals.FOLDER_IN_WAY)
            if stat.S_ISLNK(there.st_mode) and folder.target(name) == link.text:
                return True
            folder.remove(name)
        try:
            folder.link(name, link.text)
        except FileExistsError:
            raise Refused(refusals.TWIN) from None
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise Refused(refusals.LINK_UNSUPPORTED) from error
            raise
        return True


def write(descriptor: int, data: bytes) -> None:
    """Write all of some data."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def _reading(folder: Folder, name: str) -> Iterator[int]:
    descriptor = folder.open(name)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused(refusals.LINK_MISSING)
        yield descriptor
    finally:
        os.close(descriptor)


def _equal(one: Folder, one_name: str, other: Folder, other_name: str) -> bool:
    """Return whether two entries are files of the same content."""
    try:
        with _reading(one, one_name) as first, _reading(other, other_name) as second:
            while chunk := os.read(first, _CHUNK):
                if chunk != os.read(second, len(chunk)):
                    return False
            return not os.read(second, 1)
    except (OSError, Refused):
        return False


def _is_folder(status: os.stat_result | None) -> bool:
    return status is not None and stat.S_ISDIR(status.st_mode)


def _normal(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return a target with `..` only at its begin."""
    normal: list[str] = []
    for part in parts:
        if part == ".." and normal and normal[-1] != "..":
            normal.pop()
        else:
            normal.append(part)
    return tuple(normal)


def _above(path: str) -> Iterator[str]:
    """Yield the folders on the way to a path."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
