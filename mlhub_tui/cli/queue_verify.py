"""`mlhub-tui queue verify`: reads finished files once more and says whether they are whole."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from ..errors import MLHubException
from ..queue.job import Job, JobState
from ..text import one_line
from .desk import json_option, open_desk
from .failures import FAILED, report
from .progress import Reporter, reporter

_REDRAW = 0.25


@click.command("verify", short_help="Read finished files again: are they whole?")
@click.argument("ids", nargs=-1, type=click.INT, metavar="[ID...]")
@json_option
def verify(ids: tuple[int, ...], as_json: bool) -> None:
    """Read the files of finished transfers again and say whether they are whole; all without an ID.

    What is compared: the size, the checksums that the server or the catalog gave, and the CRC that every
    gzip archive carries in itself. Ends with 1 if a file is damaged or gone.
    """
    with open_desk() as desk:
        jobs = desk.jobs()
    chosen = [job for job in jobs if (job.id in ids if ids else job.state is JobState.DONE)]
    unfit = [
        MLHubException(f"job {job.id} is {job.state}: there is no whole file to verify")
        for job in chosen
        if job.state is not JobState.DONE
    ]
    unfit += [
        MLHubException(f"there is no job {number}", hint="`mlhub-tui queue list` shows all")
        for number in dict.fromkeys(ids)
        if number not in {job.id for job in jobs}
    ]
    found = _verify([job for job in chosen if job.state is JobState.DONE], as_json)
    for error in unfit:
        report(error)
    if unfit or any(document["error"] for document in found):
        raise click.exceptions.Exit(FAILED)
    if not found and not as_json:
        click.echo("nothing to verify", err=True)


def _verify(jobs: Sequence[Job], as_json: bool) -> list[dict[str, Any]]:
    """Read the files one after the other; print each result as it comes, or all of them as JSON."""
    from ..queue.job_files import remedy, verify_job

    shown, found = reporter(), []
    for job in jobs:
        result = verify_job(job, _Progress(job, shown), threading.Event())
        shown.clear()
        document = {
            "id": job.id,
            "path": job.place,
            "agrees": list(result.agrees),
            "error": result.trouble or None,
        }
        found.append(document)
        if not as_json:
            click.echo(f"{job.id}\t{result}\t{one_line(job.place, 4096)}")
            if result.trouble and job.path.exists():
                click.echo(f"  {remedy(job)}", err=True)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    return found


class _Progress:
    """Draws a bar of what was read, a few times a second."""

    def __init__(self, job: Job, shown: Reporter) -> None:
        self._job, self._shown = replace(job, state=JobState.DOWNLOADING, bytes_done=0), shown
        self._start = self._drawn = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._drawn < _REDRAW:
            return
        self._drawn = now
        speed = done / (now - self._start)
        left = ((self._job.bytes_total or done) - done) / speed if speed else None
        self._shown.update([replace(self._job, bytes_done=done, rate=speed, eta=left)])
