"""The download queue: whether its file is whole, who runs it, and the state of its transfers."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from .. import paths, queue
from ..errors import MLHubException
from ..text import rate
from .finding import Finding, note, wrong


def look() -> Iterator[Finding]:
    """Yield the state of the queue; a file that is missing or damaged is left as it is."""
    path = paths.queue()
    if path.parent.is_dir() and queue.database.lacks_locks(path.parent):
        hint = "set MLHUB_HOME to a local disk; downloads work, and are not saved for the next start"
        yield wrong("file", f"the file system of {path.parent} has no locks", hint)
        return
    if not queue.database.exists(path):
        yield Finding("file", f"{path} (made with the first download)")
        return
    try:
        _check(path)
        yield Finding("file", f"{path}, whole")
        yield from _content()
    except (MLHubException, sqlite3.Error) as error:
        yield wrong("file", str(error), getattr(error, "hint", ""))


def _check(path: Path) -> None:
    """Raise what is wrong with the file; it is opened for reading only."""
    queue.database.check(path)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as db:
            queue.database.verify(db, path)
    except sqlite3.Error as error:
        raise queue.database.unusable(path, error) from error


def _content() -> Iterator[Finding]:
    with queue.client.QueueClient(paths.queue()) as client:
        jobs, runners, settings = client.jobs(), client.runners(), client.settings()
    if runners:
        yield Finding("run by", ", ".join(f"{kind} (pid {pid})" for kind, pid in runners))
    states = Counter(str(job.state) for job in jobs)
    yield Finding("transfers", ", ".join(f"{n} {state}" for state, n in states.most_common()) or "none")
    waiting = sum(not job.state.finished and job.state is not queue.job.JobState.PAUSED for job in jobs)
    if waiting and not runners:
        hint = "start the app, or `mlhub-tui queue run --until-empty`"
        yield note("waiting", f"{waiting}, and nothing runs the queue", hint)
    for job in [job for job in jobs if job.state is queue.job.JobState.FAILED][:3]:
        yield note(f"failed: {job.name}", job.reason, job.hint)
    limit = rate(settings.limit) or "off"
    yield Finding(
        "limits", f"speed {limit}, {settings.transfers} at a time, {settings.per_host} from one host"
    )
