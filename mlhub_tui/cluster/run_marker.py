"""Marker of a run at its destination: workers see it, and a second client keeps away while it is fresh.

It is `.mlhub-tui-run-ID.json` in the dataset's folder or below its URL: who runs there, since when, and when
that was last confirmed. It goes with the run; one that a killed client left behind is old after two minutes,
and of no account for another run of the same program's home, which has the lock of the manifest.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from .. import fileio, paths
from ..errors import TargetBusy
from ..text import duration, one_line
from .object_store import ObjectStore

_PREFIX = ".mlhub-tui-run-"
_CONFIRM = 20.0  # seconds
_STALE = 120.0  # seconds after which a marker that was not confirmed is of a client that was killed


class RunMarker:
    """The marker of a run; a context manager.

    Parameters
    ----------
    place
        Absolute folder, or URL.
    say, stop
        As of `ObjectStore.patiently`, for a store that is busy.

    Raises
    ------
    TargetBusy
        If another client runs there.
    MLHubException
        If nothing can be written there.
    """

    def __init__(self, place: str, run: str, say: Callable[[str], object], stop: threading.Event) -> None:
        self.name = f"{_PREFIX}{run}.json"
        self._place, self._run = place, run
        self._folder = None if "://" in place else Path(place)
        self._store = ObjectStore(place if self._folder is None else self._folder.as_uri())
        self._path = self._store.path(self.name)
        self._since, self._confirmed = time.time(), time.monotonic()
        self._say, self._stop = say, stop

    def __enter__(self) -> Self:
        try:
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._write().result()
            else:
                self._patiently(lambda: self._write().result())
        except OSError as error:
            raise fileio.translate_os_error(error, Path(self._place)) from error
        try:
            for other in self._patiently(self._others):
                self._judge(other)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._store.remove(self._path)

    def confirm(self) -> None:
        """Confirm, now and then, that the run still is at work; does not wait for that."""
        if time.monotonic() - self._confirmed >= _CONFIRM:
            self._confirmed = time.monotonic()
            self._write()

    def _judge(self, other: dict[str, Any]) -> None:
        """Keep away from another run that began earlier; remove the marker of one that has ended."""
        age = time.time() - other["seen"]
        if other["home"] == _home() or age > _STALE:
            with contextlib.suppress(Exception):
                self._store.remove(other["path"])
        elif (other["since"], other["run"]) < (self._since, self._run):
            since = datetime.fromtimestamp(other["since"]).astimezone().strftime("%Y-%m-%d %H:%M %Z")
            raise TargetBusy(
                f"{one_line(other['who'], 80)} downloads to {one_line(self._place, 200)} since {since}",
                hint=f"wait until that ends, or choose another folder; if it was killed, retry in"
                f" {duration(max(1.0, _STALE - age))}",
            )

    def _write(self) -> Any:
        who = f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()})"
        told = {"run": self._run, "who": who, "home": _home(), "since": self._since, "seen": time.time()}
        return self._store.put(self._path, json.dumps(told).encode())

    def _others(self) -> list[dict[str, Any]]:
        found = []
        for path in self._store.names(self._path.rpartition("/")[0]):
            name = path.rpartition("/")[2]
            if name.startswith(_PREFIX) and name.endswith(".json") and name != self.name:
                with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
                    told = json.loads(self._store.read(path))
                    words = {key: str(told[key]) for key in ("run", "who", "home")}
                    times = {key: float(told[key]) for key in ("since", "seen")}
                    found.append({"path": path, **words, **times})
        return found

    def _patiently(self, work: Callable[[], Any]) -> Any:
        return self._store.patiently(work, self._say, self._stop)


def _home() -> str:
    """Return what tells the home of this program from those on other machines."""
    found = paths.home().stat()
    return f"{socket.gethostname()}:{found.st_dev}:{found.st_ino}"
