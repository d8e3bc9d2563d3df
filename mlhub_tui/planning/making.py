"""What all ways to make an index have in common: whether there is one, its end, its failures in words."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator

from .. import fileio
from ..errors import MLHubException, NoSpaceError, OutputFolderError
from ..text import one_line
from .index import Index, NoIndex
from .index_builder import Builder
from .index_cache import Subject, touch
from .progress import Progress

Show = Callable[[Progress], None]
"""Told how far it is; called from the thread that builds."""
_WHERE = "it lies in the folder of MLHUB_HOME: make room there, then try again"


class Stopped(MLHubException):
    """The building of an index was stopped."""


def opened(subject: Subject) -> Index | None:
    """Return the index of a subject where there is a whole one."""
    try:
        index = Index(subject.path)
    except NoIndex:
        return None
    touch(subject.path)
    return index


@contextlib.contextmanager
def writing(subject: Subject) -> Iterator[None]:
    """Say in a sentence why an index cannot be written."""
    try:
        yield
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
        words = f"the index of {one_line(subject.dataset, 60)} cannot be written: {one_line(error, 120)}"
        raise (NoSpaceError if full else OutputFolderError)(words, hint=_WHERE) from error
    except OSError as error:
        raise fileio.translate_os_error(error, subject.path.parent) from error


def finish(builder: Builder, subject: Subject, stop: threading.Event) -> None:
    """Give an index its name; Stopped if it was stopped."""
    facts = {"source": subject.source, "dataset": subject.dataset, "validator": subject.validator}
    try:
        builder.finish({**facts, "notes": "\n".join(builder.notes)}, stopped=stop)
    except sqlite3.OperationalError:
        if stop.is_set():
            raise Stopped("the reading of the catalog was stopped") from None
        raise
