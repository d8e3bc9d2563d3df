"""The log of a queue that runs in the background: one line an event, bounded in size, without keys."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from io import StringIO
from logging.handlers import RotatingFileHandler

from ..queue.background import log_file
from ..storage import make_private_folder
from ..text import mask, one_line, redact
from .progress import Lines, Reporter

_BYTES, _FILES = 1_000_000, 3


@contextlib.contextmanager
def open_log(key: str | None) -> Iterator[logging.Logger]:
    """Give a logger that writes to `log/queue.log` in MLHUB_HOME; where that fails, one that writes nowhere.

    Parameters
    ----------
    key
        The key in use, which is cut out of whatever is written.
    """
    log = logging.Logger("mlhub_tui.queue", logging.INFO)
    handler: logging.Handler
    try:
        make_private_folder(log_file().parent)
        handler = RotatingFileHandler(log_file(), maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")
        log_file().chmod(0o600)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    handler.addFilter(_Clean(key))
    log.addHandler(handler)
    log.info("starts")
    try:
        yield log
    finally:
        handler.close()


def log_reporter(log: logging.Logger) -> Reporter:
    """Return a reporter whose lines go to the log."""
    return Lines(_Stream(log))


class _Clean(logging.Filter):
    """Makes every record one line without keys."""

    def __init__(self, key: str | None) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        words = redact(one_line(record.getMessage(), 1000))
        record.msg = words.replace(self._key, mask(self._key)) if self._key else words
        record.args = ()
        return True


class _Stream(StringIO):
    """A stream whose lines are records of a log."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._log.info(line)
        return len(text)
