"""Unpacking: an archive's files into a folder and nowhere else."""

from __future__ import annotations

import os
import re
import stat
import tarfile
import threading
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .. import fileio
from ..errors import OutputFolderError, TargetBusy
from ..options import IfExists
from ..sources.static.tar_reader import ArchiveReadCancelled, TarReader, is_apple_double, stretches
from ..text import one_line
from ..transfer.engine import TransferCancelled
from . import refusals
from .folders import Folder, Folders
from .links import KINDS, Links, write
from .refusals import Refusals, Refused, refusal

OnProgress = Callable[[int, int, int | None], None]
"""Told files unpacked, bytes of the archive read, and of how many (None: unknown); called from the thread."""

_LOOK_EVERY = 64  # members
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_ON_WINDOWS = re.compile(
    r'[<>:"|?*]|[. ](?:/|$)|(?:^|/)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[./]|$)',
    re.IGNORECASE,
)
_PART = ".part"
_TEMPORARY = ".unpacking.part"  # no member can have this name


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was done."""

    files: int = 0  # of the archive that are in the folder now
    existed: int = 0  # of these, those that existed before
    bytes: int = 0  # of those that were written
    skipped: int = 0  # members that were refused
    notes: tuple[str, ...] = ()  # the first of those, a line each, with the reason


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
    show: OnProgress | None = None,
    stopped: threading.Event | None = None,
) -> Unpacked:
    """Unpack an archive (`.tar.gz` or `.tar`) to an absolute folder, created if missing; blocks.

    Nothing is written outside the folder. Members that would be (absolute names, `..`, links that lead out,
    whatever is below a link), devices, and names that the file system does not take are refused and named in
    the result; `.DS_Store` and `._*` are skipped. An interrupted run leaves a mark beside the archive; the
    next one completes it.

    - `top`: The one folder in the archive that is unpacked; None for all of it. In the output folder it may
      be a link to a folder elsewhere: the user's own, since no member can be one.
    - `if_exists`: What to do with files and links that exist: `skip` keeps them, `resume` keeps files of the
      size and the time of their members, and links with the same target, `overwrite` keeps none. Existing
      folders always stay.

    Raises TransferCancelled if it was stopped. Raises DamagedArchive if the archive cannot be read to its
    end; what came before is there. Raises TargetBusy if another program is unpacking it. Raises
    OutputFolderError if the folder cannot be written, its disk is full, or `top` is no folder in it.
    """
    root, mark, stop = fileio.absolute(folder), marker(archive), stopped or threading.Event()
    fileio.check_writable(root)
    try:
        lock = os.open(mark, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    except OSError as error:
        raise fileio.translate_os_error(error, mark) from error
    try:
        if not fileio.try_lock(lock):
            raise TargetBusy(f"another program is unpacking {one_line(archive.name, 80)}")
        root.mkdir(parents=True, exist_ok=True)
        with Folders(root, top) as folders:
            if top is not None:
                _check_top(folders, root, top)
            inside = archive.parent.samefile(root)
            own = {path.name.casefold() for path in (archive, mark) if inside}
            run = _Unpacker(folders, top, own, if_exists, show, stop)
            with TarReader(archive, progress=run.note_read, cancelled=stop.is_set) as reader:
                done = run.run(reader)
        fileio.sync_files(root, (), ())
    except ArchiveReadCancelled:
        raise TransferCancelled from None
    except OSError as error:
        raise fileio.translate_os_error(error, root) from error
    finally:
        os.close(lock)
    with suppress(OSError):
        mark.unlink()
    return done


def _check_top(folders: Folders, root: Path, top: str) -> None:
    """Raise OutputFolderError if what is in the place of the folder to unpack is none."""
    try:
        folders.find(top)
    except Refused:
        raise OutputFolderError(f"{one_line(root / top, 200)} is no folder") from None


@dataclass(slots=True)
class _Unpacker:
    """One run; members may not take the names in `own`, without case, in the output folder."""

    folders: Folders
    top: str | None
    own: Set[str]
    if_exists: IfExists
    show: OnProgress | None
    stopped: threading.Event
    _refusals: Refusals = field(default_factory=Refusals)
    _links: Links = field(init=False)
    _read: tuple[int, int | None] = (0, None)
    _files: int = 0
    _existed: int = 0
    _bytes: int = 0
    _begun: bool = False  # data of the member

    def __post_init__(self) -> None:
        base, replaces = self.top.split("/") if self.top else [], self.if_exists is not IfExists.SKIP
        self._links = Links(self.folders, base, replaces, self._refusals, self._look_up)

    def run(self, archive: TarReader) -> Unpacked:
        """Unpack everything."""
        for number, header in enumerate(archive.headers()):
            if number % _LOOK_EVERY == 0:
                self._look_up()
            self._member(header, archive)
        self._links.create()
        self._look_up()
        refused = self._refusals
        return Unpacked(self._files, self._existed, self._bytes, refused.total, refused.lines())

    def note_read(self, done: int, whole: int | None) -> None:
        """Take note of how much of the archive is read."""
        self._read = done, whole

    def _look_up(self) -> None:
        if self.stopped.is_set():
            raise TransferCancelled
        if self.show is not None:
            self.show(self._files, *self._read)

    def _member(self, header: tarfile.TarInfo, archive: TarReader) -> None:
        """Unpack a member, or pass over it and take note why."""
        self._begun = False
        try:
            name = self._name(header)
            if name:
                self._put(name, header, archive)
        except Refused as reason:
            self._refusals.add(header.name, reason)
        except (OSError, ValueError) as error:
            refused = None if self._begun else refusal(error)
            if refused is None:
                raise
            self._refusals.add(header.name, refused)

    def _name(self, header: tarfile.TarInfo) -> str:
        """Return the path of a member, without what changes nothing; empty for what is skipped silently.

        Raises Refused if it leads outside, or may not be unpacked whatever there is on disk.
        """
        name = header.name.replace("\\", "/")
        if name.startswith("/") or name[1:2] == ":" or "/../" in f"/{name}/":
            raise Refused(refusals.OUTSIDE)
        if "//" in f"{name}/" or "./" in f"{name}/":
            name = "/".join(part for part in name.split("/") if part not in ("", "."))
        if not name:
            if not header.isdir():
                raise Refused(refusals.UNNAMED)
            return name
        first, _, below = name.partition("/")
        if self.top is not None and first != self.top:
            raise Refused(f"it is not in the folder {one_line(self.top, 80)}")
        if _is_litter(name):
            return ""
        if header.issparse() and not _fits(header):
            raise Refused(refusals.SPARSE)
        if not header.isreg() and not header.isdir() and header.type[0] not in KINDS:
            raise Refused(refusals.SPECIAL)
        if self.top is not None and not below and not header.isdir():
            raise Refused(refusals.FOLDER_IN_WAY)
        if first.casefold() in self.own:
            raise Refused(refusals.ITSELF)
        if _CONTROL.search(name) or (os.name == "nt" and _NOT_ON_WINDOWS.search(name)):
            raise Refused(refusals.UNNAMED)
        if name.endswith(_PART) and not header.isdir():
            raise Refused(refusals.UNFINISHED)
        return name

    def _put(self, name: str, header: tarfile.TarInfo, archive: TarReader) -> None:
        self.folders.check(name)
        if header.isdir():
            self._links.forget(name)
            self._links.check(name)
            self.folders.folder(name)
        elif header.isreg():
            self._links.check(name)
            above, _, last = name.rpartition("/")
            self._file(self.folders.folder(above), last, header, archive)
            self._links.unpacked(name)
        else:
            self._links.add(name, header.type[0], header.linkname, header.name)

    def _file(self, folder: Folder, name: str, header: tarfile.TarInfo, archive: TarReader) -> None:
        """Write a file; one of its name stays as it is, or is replaced in one step."""
        # Whether it can be run is all that is left of its mode: no writing by others, no setuid.
        mode = 0o755 if header.mode & stat.S_IXUSR else 0o644
        try:
            descriptor = folder.create(name, mode)
        except FileExistsError:
            there = folder.status(name)
            if there is not None and stat.S_ISDIR(there.st_mode):
                raise Refused(refusals.FOLDER_IN_WAY) from None
            resumed = self.if_exists is IfExists.RESUME
            if self.if_exists is IfExists.SKIP or (resumed and _is_as_unpacked(there, header)):
                self._existed += 1
                self._files += 1
                return
            with suppress(FileNotFoundError):
                folder.remove(_TEMPORARY)
            self._fill(folder, _TEMPORARY, folder.create(_TEMPORARY, mode), header, archive)
            folder.replace(_TEMPORARY, name)
        else:
            self._fill(folder, name, descriptor, header, archive)
        self._files += 1
        self._bytes += header.size

    def _fill(
        self, folder: Folder, name: str, descriptor: int, header: tarfile.TarInfo, archive: TarReader
    ) -> None:
        """Write a file that was just created, and close it; one that is not finished is removed."""
        done = False
        try:
            if header.issparse():
                os.ftruncate(descriptor, header.size)
            for start, piece in archive.pieces(header):
                self._begun = True
                if header.issparse():
                    os.lseek(descriptor, start, os.SEEK_SET)
                write(descriptor, piece)
                if self.stopped.is_set():
                    raise TransferCancelled
            folder.touch(name, descriptor, _moment(header))
            done = True
        finally:
            os.close(descriptor)
            if not done:
                with suppress(OSError):
                    folder.remove(name)


def _is_as_unpacked(there: os.stat_result | None, header: tarfile.TarInfo) -> bool:
    """Whether what exists is a file of the size and the time of a member.

    A file gets its time last, after all its data. Where an archive gives every member the time 0, that says
    nothing of their versions.
    """
    if there is None or not stat.S_ISREG(there.st_mode):
        return False
    moment = _moment(header)
    return moment > 0 and there.st_size == header.size and there.st_mtime_ns // 10**9 == moment


def _fits(header: tarfile.TarInfo) -> bool:
    """Whether the data of a sparse file is in it, in order."""
    end = 0
    for start, size in stretches(header):
        if start < end or size < 0:
            return False
        end = start + size
    return end <= header.size < 1 << 63


def _moment(header: tarfile.TarInfo) -> int:
    """Return the time of a member in whole seconds; 0 of one that no file can have."""
    return int(header.mtime) if 0 <= header.mtime < 8**11 else 0


def _is_litter(name: str) -> bool:
    """Whether a member is what macOS leaves behind: folder settings, resource forks."""
    return name.rpartition("/")[2] == ".DS_Store" or is_apple_double(name)
