"""Unpacking: an archive's files into a folder and nowhere else, as `tarfile`'s `filter="data"` has it."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import NoSpaceError, OutputFolderError, TargetBusy
from ..sources.static.remarks import OUTSIDE, SPECIAL, Remarks
from ..sources.static.tar_header import BLOCK, Header, Said, parse_header, read_said
from ..sources.static.tar_walk import Data
from ..sources.static.unpacked import DamagedArchive, pieces
from ..text import one_line
from . import folder as folders
from .job import IfExists
from .lock import try_lock
from .many.disk import flush
from .many.places import Tree
from .trouble import Interrupted
from .unpack_link import LINKS, make_link

Show = Callable[[int, int, int | None], None]
"""Told files unpacked, bytes of the archive read, and of how many (None: unknown); called from the thread."""

_LONGEST_SAID = 1 << 20
_LOOK_EVERY = 64  # members
_UNFIT = "whose name cannot stand here"
_LOOSE = "that is a link to what is outside, or not there"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was done.

    Parameters
    ----------
    files
        Files of the archive that stand in the folder now.
    kept
        How many of these stood there before.
    bytes
        Bytes of those that were written.
    notes
        What was left out and why, a line each.
    """

    files: int = 0
    kept: int = 0
    bytes: int = 0
    notes: tuple[str, ...] = ()


def marker(archive: Path) -> Path:
    """Return the file that stands beside an archive while it is being unpacked, and after a kill."""
    return archive.with_name(f"{archive.name}.unpacking")


def half_unpacked(archive: Path) -> bool:
    """Whether the last unpacking of an archive did not come to its end."""
    return marker(archive).exists()


def unpack(
    archive: Path,
    folder: Path,
    *,
    top: str | None = None,
    if_exists: IfExists = IfExists.RESUME,
    show: Show | None = None,
    stopped: threading.Event | None = None,
) -> Unpacked:
    """Unpack an archive; it blocks, so it wants a thread.

    Nothing is written outside the folder: absolute paths, `..`, devices and links that lead out are left out
    and told, as `tarfile.data_filter` refuses them (PEP 706); so are `.DS_Store` and `._*`. A run that was
    broken off leaves a mark beside the archive, and is made good by the next one.

    Parameters
    ----------
    archive
        A `.tar.gz` or `.tar`.
    folder
        Absolute; made if need be.
    top
        The one folder in the archive that is unpacked; None for all of it.
    if_exists
        What to do with files that are there: `skip` keeps them, `resume` keeps those of the right size,
        `overwrite` keeps none. A file that a kill cut short has not the right size.
    show
        Told how far it is.
    stopped
        Ends it early.

    Raises
    ------
    Interrupted
        If it was stopped.
    DamagedArchive
        If the archive cannot be read to its end; what came before is there.
    TargetBusy
        If another program is unpacking it.
    OutputFolderError
        If the folder cannot be written, or its disk is full.
    """
    root = folders.normal(folder)
    folders.check(root)
    mark = marker(archive)
    try:
        lock = os.open(mark, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise folders.trouble(error, mark) from error
    try:
        if not try_lock(lock):
            raise TargetBusy(f"another program is unpacking {one_line(archive.name, 80)}")
        done = _Unpacker(root, top, if_exists, show, stopped or threading.Event()).run(archive)
        try:
            flush(root, (), ())
        except OSError as error:
            raise folders.trouble(error, root) from error
    finally:
        os.close(lock)
    with suppress(OSError):
        mark.unlink()
    return done


class _Unpacker:
    """One run."""

    def __init__(
        self,
        root: Path,
        top: str | None,
        if_exists: IfExists,
        show: Show | None,
        stopped: threading.Event,
    ) -> None:
        self._tree = Tree(root)
        self._top = top
        self._if_exists = if_exists
        self._show = show
        self._stopped = stopped
        self._remarks = Remarks()
        self._read: tuple[int, int | None] = (0, None)
        self._members = self._files = self._kept = self._bytes = 0

    def run(self, archive: Path) -> Unpacked:
        """Unpack everything."""
        try:
            self._tree.root.mkdir(parents=True, exist_ok=True)
            with pieces(archive, self._note_read) as given:
                self._walk(Data(given))
        except OSError as error:
            raise folders.trouble(error, self._tree.root) from error
        return Unpacked(self._files, self._kept, self._bytes, self._remarks.lines())

    def _note_read(self, done: int, whole: int | None) -> None:
        self._read = done, whole

    def _walk(self, data: Data) -> None:
        said = Said()
        while (block := data.header()) is not None:
            header = parse_header(block, data.at - BLOCK)
            if header.is_about_next:
                if header.size > _LONGEST_SAID:
                    raise DamagedArchive(f"the archive is damaged at byte {data.at:,}")
                said = read_said(header, data.take(header.size), said)
                continue
            if self._members % _LOOK_EVERY == 0:
                self._look_up()
            self._members += 1
            self._member(said.applied(header), block, data)
            said = Said()
        self._look_up()

    def _look_up(self) -> None:
        if self._stopped.is_set():
            raise Interrupted
        if self._show is not None:
            self._show(self._files, *self._read)

    def _member(self, header: Header, block: bytes, data: Data) -> None:
        """Unpack a member, or pass over it and remark why."""
        name = _name(header)
        if name is None or (name and self._top is not None and name.partition("/")[0] != self._top):
            self._remarks.add(OUTSIDE, header.name)
        elif not name or _is_litter(name):
            pass
        elif not header.is_regular and not header.is_folder and header.kind not in LINKS:
            self._remarks.add(SPECIAL, header.name)
        else:
            try:
                self._put(name, header, block, data)
            except _Unfit:
                self._remarks.add(_UNFIT, header.name)
            else:
                return
        data.skip(header.size)

    def _put(self, name: str, header: Header, block: bytes, data: Data) -> None:
        try:
            target = self._tree.target(name)
            self._tree.make(f"{target}{os.sep}_" if header.is_folder else target)
        except NoSpaceError:
            raise
        except OutputFolderError as error:
            raise _Unfit from error
        if header.is_regular:
            return self._file(target, header, block, data)
        data.skip(header.size)
        if not header.is_folder and not make_link(self._tree.root, target, name, block):
            self._remarks.add(_LOOSE, header.name)
        return None

    def _file(self, target: str, header: Header, block: bytes, data: Data) -> None:
        # As `tarfile.data_filter`: whether it can be run is all that is left of its mode.
        mode = 0o755 if _number(block[100:108]) & stat.S_IXUSR else 0o644
        self._files += 1
        try:
            descriptor = os.open(target, _NEW, mode)
        except FileExistsError:
            there = os.lstat(target)
            if stat.S_ISDIR(there.st_mode):
                raise _Unfit from None
            same = stat.S_ISREG(there.st_mode) and there.st_size == header.size
            if self._if_exists is IfExists.SKIP or (self._if_exists is IfExists.RESUME and same):
                self._kept += 1
                return data.skip(header.size)
            os.unlink(target)  # noqa: PTH108
            descriptor = os.open(target, _NEW, mode)
        try:
            for chunk in data.chunks(header.size):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(descriptor, view) :]
                if self._stopped.is_set():
                    raise Interrupted
        finally:
            os.close(descriptor)
        moment = _number(block[136:148])
        os.utime(target, (moment, moment))
        self._bytes += header.size
        return None


class _Unfit(Exception):
    """A member cannot stand under its name here; nothing of its data was read."""


def _name(header: Header) -> str | None:
    """Return the path of a member, without what changes nothing; None if it leads outside."""
    name = header.name.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or "/../" in f"/{name}/":
        return None
    if "//" in f"{name}/" or "./" in f"{name}/":
        return "/".join(part for part in name.split("/") if part not in ("", "."))
    return name


def _number(field: bytes) -> int:
    """Return a number of a header; 0 where it is none."""
    with suppress(ValueError):
        return int(field.strip(b" \0") or b"0", 8)
    return 0


def _is_litter(name: str) -> bool:
    """Whether a member is what macOS leaves behind: folder settings, resource forks (AppleDouble)."""
    last = name.rpartition("/")[2]
    return last == ".DS_Store" or last.startswith("._")
