"""The files: where they are, how large, who may read them, what is wrong with them, and the room left."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from .. import paths
from ..config import Loaded
from ..errors import MLHubException
from ..storage import bytes_of, nearest
from ..text import count, size
from .finding import Finding, note, wrong

_LITTLE = 1_000_000_000
"""Bytes; with less room a download is likely to fail."""
_PRIVATE = ("profiles", "queue", "log", "cache")


def look(loaded: Loaded) -> Iterator[Finding]:
    """Yield the state of all files in MLHUB_HOME, and of the folder that downloads go to."""
    yield from _home()
    for name, path in (
        ("config", paths.config()),
        ("profiles", paths.profiles()),
        ("queue", paths.queue()),
        ("log", paths.log_dir()),
        ("cache", paths.cache()),
    ):
        yield from _file(name, path)
    for problem in loaded.problems:
        yield wrong("config", problem, "fix it with an editor; until then the defaults apply")
    yield from _profiles()
    yield from _crashes()
    yield from _room(loaded.config.download_folder or Path.cwd())


def _home() -> Iterator[Finding]:
    home = paths.home()
    if home.is_dir():
        if os.access(home, os.W_OK | os.X_OK):
            yield Finding("MLHUB_HOME", str(home))
        else:
            yield wrong("MLHUB_HOME", f"{home} cannot be written", "fix its permissions, or set MLHUB_HOME")
    elif home.exists():
        yield wrong("MLHUB_HOME", f"{home} is no folder", "move it away, or set MLHUB_HOME")
    elif os.access(nearest(home.absolute()), os.W_OK):
        yield Finding("MLHUB_HOME", f"{home} (created if missing)")
    else:
        yield wrong(
            "MLHUB_HOME", f"{home} cannot be created", "set MLHUB_HOME to a folder that can be written"
        )


def _file(name: str, path: Path) -> Iterator[Finding]:
    try:
        status = path.stat()
    except FileNotFoundError:
        yield Finding(name, f"{path} (not there)")
        return
    except OSError as error:
        yield wrong(name, f"{path}: {error.strerror}", "fix its permissions")
        return
    mode = stat.S_IMODE(status.st_mode)
    found = f"{path}, {size(bytes_of(path))}, mode {mode:04o}"
    if os.name == "posix" and name in _PRIVATE and mode & 0o077:
        # Of a folder and the queue that is only what the user let be: they hold no keys.
        grave = wrong if name == "profiles" else note
        yield grave(name, f"{found}: others may read it", f"chmod {'700' if path.is_dir() else '600'} {path}")
    elif not os.access(path, os.R_OK | os.W_OK):
        yield wrong(name, f"{found}: it cannot be read and written", f"chmod u+rw {path}")
    else:
        yield Finding(name, found)


def _profiles() -> Iterator[Finding]:
    from ..auth import ProfilesFile, secret_words

    try:
        file = ProfilesFile.load()
        for name in file.names():
            words = secret_words(file.get(name), os.environ)
            broken = words.startswith("broken") or "not set" in words
            yield (note if broken else Finding)(f"profile {name}", words)
    except MLHubException as error:
        yield wrong("profiles", error.message, error.hint)


def _crashes() -> Iterator[Finding]:
    try:
        found = sorted(paths.log_dir().glob("crash-*.log"))
    except OSError:
        return
    if found:
        words = f"{count(len(found), 'report')}, the last {found[-1]}"
        yield note("crashes", words, "they hold no keys: send the last one along with a bug report")


def _room(folder: Path) -> Iterator[Finding]:
    there = nearest(folder.absolute())
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        yield wrong("downloads", f"{folder}: {error.strerror}", "choose another download_folder")
        return
    words = f"{folder}, {size(free)} free"
    if not os.access(there, os.W_OK):
        yield wrong("downloads", f"{folder} cannot be written", "choose another folder: --output-dir")
    elif free < _LITTLE:
        yield note("downloads", words, "make room before large downloads; they wait for it")
    else:
        yield Finding("downloads", words)
