"""Keeps the traceback of a fault of our own in a file, for a report."""

from __future__ import annotations

import traceback
from datetime import datetime

from .. import paths, storage
from ..text import one_line, redact


def keep_traceback(error: BaseException) -> str:
    """Write the traceback to the log folder and return the lines to leave on the terminal.

    Keys in URLs are redacted; local variables, which may hold keys, are not written.
    """
    cause = error.__cause__ or getattr(error, "error", None) or error
    what = f"{type(cause).__name__}: {redact(one_line(cause, 200))}"
    written = redact("".join(traceback.format_exception(cause) + traceback.format_exception(error)))
    path = paths.log_dir() / f"crash-{datetime.now():%Y%m%d-%H%M%S}.log"
    try:
        storage.make_private_folder(path.parent)
        storage.write_atomic(path, written)
        kept = f"details: {path}"
    except OSError as trouble:
        kept = f"details could not be written to {path}: {trouble.strerror}"
    said = f"mlhub-tui: error: this should not have happened: {what}"
    return f"{said}\nUnfinished downloads go on at the next start; {kept}"
