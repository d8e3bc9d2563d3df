"""The work list of a dataset on disk: where it lies, who has it, and how far its job had come."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .. import paths
from ..errors import TargetBusy
from ..fileio import try_lock
from ..storage import make_private_folder
from ..text import one_line
from ..transfer.engine import TransferCancelled
from .manifest import Manifest
from .requests import DatasetRequest

_PATIENCE = 10.0  # seconds: a run that was paused may still be putting away what had arrived
_TICK = 0.02
_KEPT = 180 * 86400.0  # seconds after which the list of a folder that nobody downloads to goes
_NOTES = "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL)"


def list_path(request: DatasetRequest) -> Path:
    """Return where the work list of a dataset's folder of assets lies, or will."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(request.asset_folder))).hexdigest()[:24]
    return paths.work() / "datasets" / f"{name}.db"


class Opening:
    """Opens a work list in a thread, for somebody who may have left when it is open."""

    def __init__(self, request: DatasetRequest) -> None:
        self._request = request
        self._stopped = threading.Event()
        self._guard = threading.Lock()
        self._made: LockedManifest | None = None

    def open(self) -> LockedManifest:
        """Return the list; errors as `LockedManifest`."""
        made = LockedManifest(self._request, self._stopped)
        with self._guard:
            if self._stopped.is_set():
                made.release()
                raise TransferCancelled
            self._made = made
        return made

    def leave(self) -> None:
        """Let the list go, open or not yet: nobody waits for it any more."""
        with self._guard:
            self._stopped.set()
            if self._made is not None:
                self._made.release()


class LockedManifest:
    """A work list that this run has alone; closed when all who hold it have let it go.

    A run that is interrupted is not waited for: its thread closes the list when it has put away what had
    arrived, and only then may the next one have it.

    Parameters
    ----------
    request
        What it is for.
    stopped
        Ends the wait for another run that has it.

    Raises
    ------
    TargetBusy
        If another program is at the same folder.
    TransferCancelled
        If the wait was ended.

    Attributes
    ----------
    files
        The list itself.
    """

    def __init__(self, request: DatasetRequest, stopped: threading.Event) -> None:
        path = list_path(request)
        make_private_folder(path.parent)
        _drop_old(path.parent, keep=path)
        self._guard = threading.Lock()
        self._holders = 1
        self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait(request, stopped)
            self.files = Manifest(path)
        except BaseException:
            os.close(self._lock)
            raise
        with self.files.transaction() as db:
            db.execute(_NOTES)

    def _wait(self, request: DatasetRequest, stopped: threading.Event) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not try_lock(self._lock):
            if stopped.wait(_TICK):
                raise TransferCancelled
            if time.monotonic() > deadline:
                folder = one_line(request.asset_folder, 200)
                raise TargetBusy(f"another program downloads to {folder}")

    def holding(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return work that has the list until it has ended, whoever lets it go before."""
        with self._guard:
            self._holders += 1

        def held() -> None:
            try:
                work()
            finally:
                self.release()

        return held

    def release(self) -> None:
        """Let it go."""
        with self._guard:
            self._holders -= 1
            if self._holders == 0:
                self.files.close()
                os.close(self._lock)

    def begin(self, stamp: str) -> None:
        """Take note of a wish: of a new one, and of one that came to its end, nothing was done yet."""
        if self.noted("stamp") == stamp and not self.noted("ended"):
            return
        with self.files.transaction() as db:
            db.execute("DELETE FROM note")
            db.execute("INSERT INTO note VALUES ('stamp', ?)", (stamp,))

    def note(self, name: str, value: str = "done") -> None:
        """Take note that a part of the wish is done."""
        with self.files.transaction() as db:
            db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str:
        """Return what was noted of the wish; empty where nothing was."""
        rows = self.files.rows("SELECT value FROM note WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def want_all_again(self) -> None:
        """Have all files of the job fetched again, as `overwrite` has it."""
        with self.files.transaction() as db:
            db.execute("UPDATE fate SET state = 1 WHERE id IN (SELECT id FROM file WHERE job)")


def _drop_old(folder: Path, keep: Path) -> None:
    """Remove the lists of long ago: their files would be looked at again, and not be fetched."""
    oldest = time.time() - _KEPT
    for path in folder.glob("*.db"):
        with contextlib.suppress(OSError):
            if path != keep and path.stat().st_mtime < oldest:
                for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                    name.unlink(missing_ok=True)
