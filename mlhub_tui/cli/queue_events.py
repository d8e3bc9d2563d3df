"""`queue log`: what happened to a transfer since it was queued, whichever program ran it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from .. import paths
from ..errors import MLHubException
from ..queue.job import IDLE_STATES
from ..text import local_time
from .desk import json_option, open_desk

if TYPE_CHECKING:
    from ..queue.client import QueueClient
    from ..queue.job import Event

_EVERY = 0.5


@click.command("log", short_help="Print what happened to a transfer.")
@click.argument("job_id", type=click.INT, metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Continue until the transfer has ended.")
@json_option
def log(job_id: int, follow: bool, as_json: bool) -> None:
    """Print what happened to a transfer since it was queued, whichever program ran it.

    A line an entry, with its local time; keys and links are never in it. Of a long log the middle is left
    out. With --json, a line is an object: `number`, `at` in seconds since the epoch, `words`.
    """
    from ..queue.database import exists

    if not exists(paths.queue()):
        raise _missing(job_id)
    with open_desk() as desk:
        seen = 0
        for event in _events(desk, job_id, follow):
            if event.number > seen + 1 and not as_json:
                click.echo(f"… {event.number - seen - 1} left out")
            click.echo(_json(event) if as_json else f"{local_time(event.at)}  {event.words}")
            seen = event.number


def _events(desk: QueueClient, job_id: int, follow: bool) -> Iterator[Event]:
    seen = 0
    while True:
        job = next((job for job in desk.jobs() if job.id == job_id), None)
        if job is None and not seen:
            raise _missing(job_id)
        for event in desk.log(job_id, seen):
            seen = event.number
            yield event
        if not follow or job is None or job.state in IDLE_STATES:
            return
        time.sleep(_EVERY)


def _missing(job_id: int) -> MLHubException:
    return MLHubException(f"there is no job {job_id}", hint="`mlhub-tui queue list` shows all")


def _json(event: Event) -> str:
    return json.dumps({"number": event.number, "at": event.at, "words": event.words}, ensure_ascii=False)
