"""A process that writes only below a folder, starts no program and reaches no network but its own."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "shutil.rmtree": (0,),
}
"""Python's audit events of changes to files, and which of their arguments name these."""
_PROGRAMS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system")
_DEVICES = ("/dev/", "/proc/")
_inside: list[str] = []
"""The folder to which the process is confined; empty where it is not."""


@contextmanager
def confined_to(folder: Path) -> Iterator[None]:
    """Refuse, as the system would, what the process does outside a folder."""
    if _look not in _hooked:
        _hooked.append(_look)
        sys.addaudithook(_look)  # for good: it cannot be taken away, only told to look away
    _inside.append(f"{folder.resolve()}{os.sep}")
    try:
        yield
    finally:
        _inside.clear()


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if not _inside:
        return
    if event == "open":
        path, mode, flags = arguments
        if (flags or 0) & _WRITES if mode is None else set(mode) & set("wax+"):
            _refuse_outside(path)
    elif event in _CHANGES:
        for number in _CHANGES[event]:
            _refuse_outside(arguments[number])
    elif event in _PROGRAMS:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(arguments[0]))
    elif event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments[:1]
        if isinstance(address, tuple) and address[0] not in (None, "127.0.0.1", "localhost"):
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


def _refuse_outside(path: object) -> None:
    """Refuse a change of a file outside; relative to a descriptor of a folder, it was opened by its path."""
    if not isinstance(path, str | bytes | os.PathLike):
        return
    name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as it is named: links are not followed
    if not f"{name}{os.sep}".startswith((*_inside, *_DEVICES)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)


_hooked: list[Any] = []
