"""What each worker is asked before a run: whether it sees the place that the files go to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import MLHubException, OutputFolderError
from ..text import one_line, redact
from .object_store import trouble
from .payloads import RunConfig, SerializedError
from .worker_state import state_of


def look(errand: RunConfig, name: str, text: str, dask_worker: Any) -> SerializedError | None:
    """Return what keeps a worker from the place where a client has put a marker; None if nothing does.

    Parameters
    ----------
    name, text
        Of the marker.
    """
    try:
        found = _store(errand, name, dask_worker) if errand.url else _folder(errand, name)
        if found == text:
            return None
        error: MLHubException = OutputFolderError("it sees another place under that name")
    except MLHubException as known:
        error = known
    except Exception as unknown:
        error = OutputFolderError(one_line(redact(f"{type(unknown).__name__}: {unknown}"), 200))
    return SerializedError.of(error)


def _folder(errand: RunConfig, name: str) -> str:
    try:
        return (Path(errand.folder) / name).read_text()
    except OSError as error:
        folder = one_line(errand.folder, 200)
        raise OutputFolderError(
            f"it does not see the folder {folder} ({one_line(error.strerror or error, 80)})",
            hint="choose a folder that all workers have mounted, or a URL such as s3://bucket/folder",
        ) from error


def _store(errand: RunConfig, name: str, worker: Any) -> str:
    store = state_of(worker).store(errand.url)
    try:
        return store.read(store.path(name)).decode()
    except Exception as error:
        raise trouble(error, store) from error
