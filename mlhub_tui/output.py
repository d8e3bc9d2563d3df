"""Output of downloads: a folder or fsspec URL as people give it, and a folder that no path leads out of."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .errors import FileConflict, OutputFolderError
from .fileio import not_folder, translate_os_error
from .text import one_line

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_CHAIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+::")
_LOCAL = ("file", "local")
_READ_ONLY = ("http", "https", "github", "git", "data", "reference", "zip", "tar", "libarchive")
_MISTYPED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)|(?:s3a?|gc?s|abfss?|az|adl|file)//", re.IGNORECASE)


class BadOutput(OutputFolderError):
    """The URL of an output folder cannot be used."""

    default_hint = "an output URL looks like s3://bucket/folder"


def is_url(text: str) -> bool:
    """Return whether an output folder is a URL; names of drives in Windows are none."""
    return _URL.match(text) is not None or _CHAIN.match(text) is not None


def parse(text: str) -> tuple[Path | None, str]:
    """Return an output folder as a path, or as an fsspec URL: its scheme in small letters, no `/` at its end.

    URLs of files of this machine are paths. Credentials have no place in a URL: it is saved in the queue and
    shown; fsspec takes them from its own configuration and the environment (fsspec, "Configuration").

    Raises BadOutput if it holds credentials, or options in a query, is no place to write to, or was meant to
    be a URL.
    """
    if _CHAIN.match(text):
        raise BadOutput("a chain of file systems is for reading", hint="name the store itself")
    found = _URL.match(text.strip())
    if found is None and _MISTYPED.match(text):
        raise BadOutput(f"{one_line(text, 60)} is no URL", hint=f"{BadOutput.default_hint}; a folder, ./NAME")
    if found is None:
        return Path(text).expanduser().absolute(), ""
    scheme, rest = found[1].lower(), found[2]
    where = f"{scheme}://..."
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        if parts.password is not None:
            raise _secret(where)
    except ValueError as error:
        raise BadOutput(f"{where} is no URL: {one_line(error, 80)}") from None
    if "?" in rest or "#" in rest:
        raise _secret(where)
    if scheme in _LOCAL:
        return _local(parts.netloc, rest), ""
    if scheme in _READ_ONLY:
        raise BadOutput(f"nothing can be written to {where}")
    if not parts.netloc:
        raise BadOutput(f"{where} names no bucket or host")
    if any(part in (".", "..") for part in rest.split("/")) or re.search(r"[\x00-\x1f\x7f]", rest):
        raise BadOutput(f"{where} is no plain path")
    return None, f"{scheme}://{rest.rstrip('/')}"


def _local(host: str, rest: str) -> Path:
    if host not in ("", "localhost"):
        return Path(rest).absolute()  # fsspec has `local://relative`
    path = unquote(rest.removeprefix(host))
    if os.name == "nt":
        path = path.lstrip("/")
    return Path(path).absolute()


def _secret(where: str) -> BadOutput:
    return BadOutput(
        f"{where} carries credentials or options",
        hint="leave them out: fsspec finds them in its configuration and the environment",
    )


_MAX_FOLDERS = 4096  # folders that are remembered as made
_OUTSIDE = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f]")  # a part that is no name; a control character
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
)


class OutputTree:
    """The folder that all files go to, an absolute path; it and its subfolders are created if missing.

    `made` are folders in which new folders were made since the last flush; the caller empties it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(root)
        self._prefix = os.path.join(self._root, "")  # noqa: PTH118  (with a separator at its end)
        self._sound: set[str] = set()
        self._empty: dict[str, bool] = {}
        self.made: set[str] = set()

    def target(self, path: str) -> str:
        """Return the absolute path of a relative one; OutputFolderError if it leads outside the folder."""
        if _OUTSIDE.search(path) or (os.name == "nt" and re.search(r'[\\:<>"|?*]', path)):
            raise OutputFolderError(f"{one_line(path, 200)} is no path inside the output folder")
        if path.endswith(".part"):
            raise OutputFolderError(f"{one_line(path, 200)}: names in .part are those of unfinished files")
        return self._prefix + (path if os.sep == "/" else path.replace("/", os.sep))

    def was_empty(self, target: str) -> bool:
        """Return whether the folder of a target held nothing, or was missing, when it was first asked for.

        Then only what came since can stand under the target's name; one look serves all files of a folder.
        """
        folder = target.rpartition(os.sep)[0]
        if (empty := self._empty.get(folder)) is None:
            if len(self._empty) >= _MAX_FOLDERS:
                self._empty.clear()
            empty = self._empty[folder] = _is_empty(folder)
        return empty

    def make(self, target: str) -> str:
        """Make the folder of a target, if needed, and return it.

        No link on the way may lead outside: each folder below the root is one that was made here, or a real
        one, or a link that stays inside. OutputFolderError if that fails.
        """
        wanted = target.rpartition(os.sep)[0]
        if wanted not in self._sound:
            try:
                self._make_again(wanted)
            except OSError as error:
                raise translate_os_error(error, Path(wanted)) from error
        return wanted

    def duplicate(self, source: str, path: str, *, replace: bool = False) -> int:
        """Make a file with the bytes of another one of the same folder; return their number.

        It is a hard link, so that a thousand items that name one file take its room once; a copy where the
        disk has no links. The engine replaces files whole, so that one is never written through the other.
        Another file under its name is replaced if `replace`, or is taken for it if it has the same size.

        Raises FileConflict if another file has its name; OutputFolderError if it cannot be written.
        """
        first, target = Path(self.target(source)), Path(self.target(path))
        self.make(str(target))
        try:
            size = first.stat().st_size
            if os.path.lexists(target):
                same = target.is_file() and target.samefile(first)
                if same or (target.is_file() and not replace and target.stat().st_size == size):
                    return size
                if not target.is_file() or not replace:
                    raise FileConflict(f"another file {one_line(target.name, 80)} is there")
            part = Path(f"{target}.part")
            part.unlink(missing_ok=True)
            try:
                os.link(first, part)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                import shutil  # start-up time: it loads the compressors

                shutil.copyfile(first, part)
                shutil.copystat(first, part)
            part.replace(target)
        except OSError as error:
            raise translate_os_error(error, target) from error
        return size

    def forget(self) -> None:
        """Look at the folders again when they are needed next."""
        self._sound.clear()

    def _make_again(self, wanted: str) -> None:
        try:
            self._make(wanted)
        except FileNotFoundError:  # somebody took a folder away that was there
            self.forget()
            self._make(wanted)

    def _make(self, wanted: str) -> None:
        if wanted in self._sound:
            return
        if wanted == self._root:
            self.root.mkdir(parents=True, exist_ok=True)
        else:
            above = wanted.rpartition(os.sep)[0]
            self._make(above)
            try:
                os.mkdir(wanted)  # noqa: PTH102
                self.made.add(above)
            except FileExistsError:
                self._check(wanted)
        if len(self._sound) >= _MAX_FOLDERS:
            self._sound.clear()
        self._sound.add(wanted)

    def _check(self, wanted: str) -> None:
        mode = os.lstat(wanted).st_mode
        if stat.S_ISDIR(mode):
            return
        if not stat.S_ISLNK(mode) or not Path(wanted).is_dir():
            raise OutputFolderError(not_folder(Path(wanted)))
        if not Path(wanted).resolve().is_relative_to(self.root.resolve()):
            raise OutputFolderError(f"{one_line(wanted, 200)} is a link that leads outside the output folder")


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it cannot be listed, which does not tell what is in it
        return False
