"""Marker of a run at its destination: workers see it, and a second client keeps away while it is fresh.

It is `.mlhub-tui-run-ID.json` in the dataset's folder or below its URL: who runs there, since when, and when
that was last confirmed. It goes with the run; one that a killed client left behind is old after two minutes,
and of no account for another run of the same program's home, which has the lock of the manifest.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from .. import fileio, paths
from ..errors import TargetBusy
from ..text import duration, one_line
from .object_store import ObjectStore

_PREFIX = ".mlhub-tui-run-"
_CONFIRM = 20.0  # seconds
_STALE = 120.0  # seconds after which a marker that was not confirmed is of a client that was killed


class RunMarker:
    """The marker of a run at an absolute folder or a URL; a context manager.

    `say` and `stop` are those of `ObjectStore.patiently`, for a store that is busy.

    Raises
    ------
    TargetBusy
        If another client runs there.
    MLHubException
        If nothing can be written there.
    """

    def __init__(self, place: str, run: str, say: Callable[[str], object], stop: threading.Event) -> None:
        self.name = f"{_PREFIX}{run}.json"
        self._place, self._run, self._say, self._stop = place, run, say, stop
        self._folder = None if "://" in place else Path(place)
        self._store = ObjectStore(place if self._folder is None else self._folder.as_uri())
        self._path = self._store.path(self.name)
        self._since, self._confirmed = time.time(), time.monotonic()

    def __enter__(self) -> Self:
        try:
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._write().result()
        except OSError as error:
            raise fileio.translate_os_error(error, Path(self._place)) from error
        try:
            self._store.patiently(lambda: self._write().result(), self._say, self._stop)
            self._store.patiently(self._keep_away, self._say, self._stop)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._store.remove(self._path)

    def confirm(self) -> None:
        """Confirm, now and then, that the run still is at work; does not wait for that."""
        if time.monotonic() - self._confirmed >= _CONFIRM:
            self._confirmed = time.monotonic()
            self._write()

    def _write(self) -> Future[None]:
        who = f"{_user()}@{socket.gethostname()} (process {os.getpid()})"
        told = {"run": self._run, "who": who, "home": _home(), "since": self._since, "seen": time.time()}
        return self._store.put(self._path, json.dumps(told).encode())

    def _keep_away(self) -> None:
        """Keep away from another run that began earlier; remove the markers of those that have ended."""
        for path in self._store.names(self._path.rpartition("/")[0]):
            name = path.rpartition("/")[2]
            if not name.startswith(_PREFIX) or not name.endswith(".json") or name == self.name:
                continue
            try:
                told = json.loads(self._store.read(path))
                run, who, home = (str(told[key]) for key in ("run", "who", "home"))
                since, age = float(told["since"]), time.time() - float(told["seen"])
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                continue
            if home == _home() or age > _STALE:
                with suppress(Exception):
                    self._store.remove(path)
            elif (since, run) < (self._since, self._run):
                when = datetime.fromtimestamp(since).astimezone().strftime("%Y-%m-%d %H:%M %Z")
                left = duration(max(1.0, _STALE - age))
                raise TargetBusy(
                    f"{one_line(who, 80)} downloads to {one_line(self._place, 200)} since {when}",
                    hint=f"wait until that ends, or choose another folder; if it was killed, retry in {left}",
                )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no entry in the password database
        return "somebody"


def _home() -> str:
    """Return what tells the home of this program from those on other machines."""
    found = paths.home().stat()
    return f"{socket.gethostname()}:{found.st_dev}:{found.st_ino}"
