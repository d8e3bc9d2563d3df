"""Links in archives: made last, each as another name of the file it leads to; no symbolic link is ever made.

So what is unpacked leads nowhere, for this program and for any other.
"""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Callable

from . import refusals
from .folders import Folder, Folders
from .refusals import Refusals, Refused, refusal

SYMBOLIC = b"2"[0]
HARD = b"1"[0]
KINDS = frozenset((HARD, SYMBOLIC))
"""Kinds of members that are links."""

_MOST = 100_000  # links of an archive; all are held in memory
_LONGEST = 4095  # bytes of a target: PATH_MAX on Linux, without the NUL at its end
_MOST_HOPS = 40  # links on the way to one file, as the kernel of Linux has it
_CHUNK = 1 << 20


class Links:
    """The links of an archive, gathered while it is read.

    None may lead out of `base`, the folder in the archive that is unpacked (empty for all of them); with
    `replaces`, files and links that exist give way to them. `pause` is called now and then, and raises to end
    it.
    """

    def __init__(
        self, folders: Folders, base: str, replaces: bool, refusals: Refusals, pause: Callable[[], None]
    ) -> None:
        self._folders, self._base, self._replaces = folders, base, replaces
        self._refusals, self._pause = refusals, pause
        self._links: dict[str, tuple[str, str]] = {}  # by path: that of the target, the name in messages
        self._files = array("q")  # hashes of the paths of files that were unpacked

    def unpacked(self, path: str) -> None:
        """Take note of a file of the archive that exists now: links may lead to it."""
        self._files.append(hash(path))
        self.forget(path)

    def forget(self, path: str) -> None:
        """Leave out a link in whose place the archive has something else later."""
        if self._links:
            self._links.pop(path, None)

    def check(self, path: str) -> None:
        """Raise Refused if a link of the archive is on the way to a path."""
        at = path.find("/") if self._links else -1
        while at >= 0:
            if path[:at] in self._links:
                raise Refused(refusals.BELOW_LINK)
            at = path.find("/", at + 1)

    def add(self, path: str, kind: int, target: str, shown: str) -> None:
        """Take a link at a path in the archive, of one of `KINDS`; `shown` is its name in messages.

        Whether it leads to a file is not known before the end. Raises Refused if it leads out of the archive.
        """
        if not self._folders.has_links:
            raise Refused(refusals.LINK_UNSUPPORTED)
        if len(self._links) >= _MOST:
            raise Refused(refusals.TOO_MANY_LINKS)
        target = target.replace("\\", "/")
        if not target or "\0" in target or target.startswith("/") or target[1:2] == ":":
            raise Refused(refusals.LINK_OUTSIDE)
        if len(os.fsencode(target)) > _LONGEST:
            raise Refused(refusals.TOO_LONG)
        parts = path.split("/")[:-1] if kind == SYMBOLIC else []
        for part in target.split("/"):
            if part == ".." and not parts:
                raise Refused(refusals.LINK_OUTSIDE)
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        if self._base and parts[:1] != [self._base]:
            raise Refused(refusals.LINK_OUTSIDE)
        self.check(path)
        self._links.pop(path, None)  # so that the order is that of the last ones
        self._links[path] = "/".join(parts), shown

    def create(self) -> None:
        """Make all links that lead to files, some by others; take note of the others as refused."""
        files = set(self._files) if self._links else set[int]()
        for _ in range(_MOST_HOPS):
            ready = {path: link for path, link in self._links.items() if hash(link[0]) in files}
            for number, (path, (target, shown)) in enumerate(ready.items()):
                if number % 64 == 0:
                    self._pause()
                del self._links[path]
                try:
                    self._make(path, target)
                    files.add(hash(path))
                except (Refused, OSError, ValueError) as error:
                    reason = error if isinstance(error, Refused) else refusal(error)
                    if reason is None:
                        raise
                    self._refusals.add(shown, reason)
            if not ready:
                break
        for _, shown in self._links.values():
            self._refusals.add(shown, refusals.LINK_MISSING)

    def _make(self, path: str, target: str) -> None:
        above, _, source_name = target.rpartition("/")
        source = self._folders.folder(above, make=False).duplicate()
        try:
            status = source.status(source_name)
            if status is None or not stat.S_ISREG(status.st_mode):
                raise Refused(refusals.LINK_MISSING)
            above, _, name = path.rpartition("/")
            folder = self._folders.folder(above)
            if (there := folder.status(name)) is not None:
                if stat.S_ISDIR(there.st_mode):
                    raise Refused(refusals.FOLDER_IN_WAY)
                if os.path.samestat(there, status) or not self._replaces:
                    return
                folder.remove(name)
            try:
                folder.link_file(name, source, source_name)
            except FileExistsError:
                raise Refused(refusals.TWIN) from None
            except (OSError, NotImplementedError):
                self._copy(folder, name, source, source_name)  # no hard links here, or too many of this file
        finally:
            source.close()

    def _copy(self, folder: Folder, name: str, source: Folder, source_name: str) -> None:
        data = source.open(source_name)
        try:
            status = os.fstat(data)
            descriptor = folder.create(name, status.st_mode & 0o755)
            try:
                while chunk := os.read(data, _CHUNK):
                    self._pause()
                    write(descriptor, chunk)
                folder.touch(name, descriptor, int(status.st_mtime))
            except BaseException:
                folder.remove(name)
                raise
            finally:
                os.close(descriptor)
        finally:
            os.close(data)


def write(descriptor: int, data: bytes) -> None:
    """Write all of some data."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
