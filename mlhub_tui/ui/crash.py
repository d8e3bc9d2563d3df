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
        kept = f"details: {path}"
    except OSError as trouble:
        kept = f"details could not be written to {path}: {trouble.strerror}"
    said = f"mlhub-tui: error: this should not have happened: {what}"
    return f"{said}\nUnfinished downloads go on at the next start; {kept}"
