"""The download queue: is its file whole, who runs it, and how its transfers stand."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from .. import paths
from ..errors import MLHubException
from ..text import rate
from .finding import Finding, note, wrong

PART = "queue"


def look() -> Iterator[Finding]:
    """Yield the state of the queue; nothing is made or mended where it is missing or damaged."""
    path = paths.queue()
    if not path.exists():
        yield Finding(PART, "file", f"{path} (made with the first download)")
        return
    if fault := _fault():
        hint = "the next start sets a damaged file aside and begins anew; a locked one frees itself"
        yield wrong(PART, "file", f"{path}: {fault}", hint)
        return
    yield Finding(PART, "file", f"{path}, whole")
    try:
        yield from _content()
    except (MLHubException, sqlite3.Error) as error:
        yield wrong(PART, "file", str(error), getattr(error, "hint", ""))


def _fault() -> str:
    """Return what is wrong with the file, empty where nothing is."""
    try:
        with closing(
            sqlite3.connect(f"{paths.queue().absolute().as_uri()}?mode=ro", uri=True, timeout=2)
        ) as db:
            said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            return "" if said == "ok" else said
    except sqlite3.Error as error:
        return str(error)


def _content() -> Iterator[Finding]:
    from ..downloads.desk import Desk
    from ..downloads.job import State

    with Desk(paths.queue()) as desk:
        jobs, runners, settings = desk.jobs(), desk.runners(), desk.settings()
    if runners:
        yield Finding(PART, "run by", ", ".join(f"{kind} (pid {pid})" for kind, pid in runners))
    states = Counter(str(job.state) for job in jobs)
    yield Finding(PART, "transfers", ", ".join(f"{n} {state}" for state, n in states.most_common()) or "none")
    waiting = sum(not job.state.finished and job.state is not State.PAUSED for job in jobs)
    if waiting and not runners:
        hint = "start the app, or `mlhub-tui queue run --until-empty`"
        yield note(PART, "waiting", f"{waiting}, and nothing runs the queue", hint)
    for job in [job for job in jobs if job.state is State.FAILED][:3]:
        yield note(PART, f"failed: {job.name}", job.reason, job.hint)
    limit = rate(settings.limit) or "off"
    yield Finding(
        PART, "limits", f"speed {limit}, {settings.transfers} at a time, {settings.per_host} from one host"
    )
