"""Keeps the traceback of a fault of our own in a file, for a report; tells what is none."""

from __future__ import annotations

import traceback
from datetime import datetime

from textual.app import App
from textual.css.query import NoMatches
from textual.worker import WorkerFailed

from .. import paths, storage
from ..text import one_line, redact


def keep_traceback(error: BaseException) -> str:
    """Write the traceback to the log folder and return the lines to leave on the terminal.

    Keys in URLs are redacted; local variables, which may hold keys, are not written.
    """
    # A failed worker holds what it failed of, but does not chain it.
    failed = getattr(error, "error", None)
    cause = error.__cause__ or failed or error
    while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
        cause = cause.exceptions[0]
    what = f"{type(cause).__name__}: {redact(one_line(cause, 200))}"
    written = redact("".join(traceback.format_exception(failed or error)))
    path = paths.log_dir() / f"crash-{datetime.now():%Y%m%d-%H%M%S}.log"
    try:
        storage.make_private_folder(path.parent)
        storage.write_atomic(path, written)
        details = f"details: {path}"
    except OSError as trouble:
        details = f"details could not be written to {path}: {trouble.strerror}"
    headline = f"mlhub-tui: error: this should not have happened: {what}"
    return f"{headline}\nDownloads resume on next start; {details}"


def missed_while_closing(app: App[int], error: BaseException) -> bool:
    """Tell whether an error is only that a widget was gone, or never came, as the app was taken down.

    A screen that is put up while the app ends gets its handlers called all the same, without its widgets.
    """
    cause = error.error if isinstance(error, WorkerFailed) else error
    return isinstance(cause, NoMatches) and not app.is_running
