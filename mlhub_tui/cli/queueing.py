"""`mlhub-tui queue`: the download queue of the app, without the app."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import paths
from ..auth import Kind, resolve_or_anonymous
from ..errors import MLHubException
from ..options import IfExists
from ..planning.requests import SAMPLE, ArchiveRequest, DownloadRequest
from ..queue.job import Job
from ..text import count, one_line
from .connect import chosen
from .desk import json_option, note, open_desk
from .failures import FAILED, report
from .options import Choice, Group, connection_options, output_dir, output_option
from .queue_events import log
from .queue_lines import HEADERS, document, row
from .queue_settings import limit_command, set_command
from .queue_verify import verify
from .tables import table, terminal_width

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..queue.client import CommandResult, QueueClient

_ANSWER = 3.0  # seconds in which a program that runs obeys
EPILOG = """\b
Examples:
  mlhub-tui queue add ref_african_crops_kenya_02_labels --output-dir ~/data
  mlhub-tui queue add --dataset ref_african_crops_kenya_02
  mlhub-tui queue run --until-empty
  mlhub-tui queue run --detach        continue after logging out
  mlhub-tui queue list --json | jq -r '.[] | select(.state == "done").path'
  mlhub-tui queue pause 3 4
  mlhub-tui queue resume              all that is paused or stuck
  mlhub-tui queue limit 5M            while it runs; `off` lifts it
  mlhub-tui queue set --transfers 4 --connections 1
  mlhub-tui queue verify              read what is done again
  mlhub-tui queue log 3               what happened to it; -f follows it
"""


@click.group(
    "queue", cls=Group, epilog=EPILOG, short_help="Add to the download queue, list, control and run it."
)
def queue_group() -> None:
    """Add to the download queue, look at it, control it and run it.

    It is the queue of the app: commands act on transfers wherever they run.
    """


for _command in (set_command, limit_command, verify, log):
    queue_group.add_command(_command)


@queue_group.command("add", short_help="Queue archives; the app or `queue run` fetches them.")
@click.argument("collections", nargs=-1, required=True, metavar="COLLECTION...")
@click.option(
    "--dataset", "datasets", is_flag=True, help="They are IDs of datasets: catalogs and all their assets."
)
@output_option
@click.option(
    "--if-exists",
    type=click.Choice([choice.value for choice in IfExists]),
    default=IfExists.RESUME.value,
    show_default=True,
    help="What to do with a file that is there.",
)
@connection_options
@click.pass_context
def add(context: click.Context, collections: tuple[str, ...], datasets: bool, if_exists: str) -> None:
    """Queue the archives of collections, or datasets; whatever runs the queue fetches them.

    The queue keeps the root URL and the name of the profile, never a key.
    """
    choice, folder = Choice.of(context), output_dir(context)
    source, profile, kind = SAMPLE, None, Kind.MLHUB
    if not choice.sample:
        found = _credentials(choice)
        source, profile, kind = found.root_url, found.profile, found.kind or Kind.MLHUB
        _warn_of_key(found)
    names, exists = dict.fromkeys(collections), IfExists(if_exists)
    requests: list[DownloadRequest]
    if datasets:
        requests = _datasets(names, folder, source=source, profile=profile, kind=kind, if_exists=exists)
    else:
        requests = [ArchiveRequest(source, profile, name, folder, exists, title=name) for name in names]
    with open_desk() as desk:
        jobs = desk.add(requests)
        for job in jobs:
            _say(job)
        if not desk.runners():
            note("nothing runs the queue now: `mlhub-tui queue run` does, and the app")


def _datasets(names: Iterable[str], folder: Path, *, kind: Kind, **options: Any) -> list[DownloadRequest]:
    """Return the requests for whole datasets; the queue knows them by their IDs."""
    from ..planning.requests import dataset_request

    for name in names:
        if "/" in name and kind is Kind.MLHUB:
            raise click.UsageError(f"{name!r} is a DOI: the queue takes the dataset's ID, which `show` tells")
    return [dataset_request(name, folder, kind=kind, **options) for name in names]


@queue_group.command("list", short_help="List what is queued, running and finished.")
@json_option
def list_jobs(as_json: bool) -> None:
    """List what is queued, running and finished, wherever it runs."""
    from ..queue.database import exists

    jobs: Sequence[Job] = ()
    if exists(paths.queue()):
        with open_desk() as desk:
            jobs = desk.jobs()
    if as_json:
        click.echo(json.dumps([document(job) for job in jobs], indent=2))
        return
    if not jobs:
        click.echo("the queue is empty", err=True)
        return
    for line in table(HEADERS, [row(job) for job in jobs], terminal_width()):
        click.echo(line)


def _verb(name: str, help: str) -> Callable[[Sequence[int]], None]:
    """Add the command of a verb that needs no question."""

    @queue_group.command(name, help=help, short_help=help)
    @click.argument("ids", nargs=-1, type=click.INT, metavar="[ID...]")
    def command(ids: tuple[int, ...]) -> None:
        from ..queue.job import JobAction

        verb = JobAction(name)
        with open_desk() as desk:
            _finish(desk, name, desk.order(verb, ids or None))

    return command


_verb("pause", "Pause transfers; all without an ID.")
_verb("resume", "Resume transfers that are paused or stuck; all without an ID.")
_verb(
    "retry",
    "Try again what failed, was cancelled or waits for its next try, all without an ID;"
    " a finished dataset that is named is completed.",
)


@queue_group.command("cancel", short_help="Cancel transfers; all without an ID.")
@click.argument("ids", nargs=-1, type=click.INT, metavar="[ID...]")
@click.option("--keep-part", is_flag=True, help="Leave the partial files.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def cancel(ids: tuple[int, ...], keep_part: bool, yes: bool) -> None:
    """Cancel transfers, and delete their partial files; all without an ID."""
    from ..queue.job import TRANSITIONS, JobAction

    with open_desk() as desk:
        jobs = [job for job in desk.jobs() if job.state in TRANSITIONS[JobAction.CANCEL].starts]
        chosen = [job for job in jobs if not ids or job.id in ids]
        if chosen and not yes:
            what = f"{count(len(chosen), 'transfer')}" if len(chosen) > 1 else one_line(chosen[0].name)
            kept = "" if keep_part else " and delete the partial files"
            click.confirm(f"Cancel {what}{kept}?", abort=True, err=True)
        _finish(desk, "cancel", desk.order(JobAction.CANCEL, ids or None, delete_part=not keep_part))


@queue_group.command("clear", short_help="Remove what is finished from the list; no file is touched.")
@click.argument("ids", nargs=-1, type=click.INT, metavar="[ID...]")
def clear(ids: tuple[int, ...]) -> None:
    """Remove what is done, failed or cancelled from the list; no file is touched."""
    with open_desk() as desk:
        asked = desk.clear(ids or None)
        click.echo(f"{count(len(asked.done), 'finished transfer')} removed from the list", err=True)
        _complain("clear", asked)


@queue_group.command("run", short_help="Run the queue in this terminal, or in the background.")
@click.option("--until-empty", is_flag=True, help="End when there is nothing left to do.")
@click.option("--detach", is_flag=True, help="Run in the background, until there is nothing left to do.")
@click.option("--in-background", is_flag=True, hidden=True)
@connection_options
@click.pass_context
def run(context: click.Context, until_empty: bool, detach: bool, in_background: bool) -> None:
    """Run the queue without the app, until Ctrl+C.

    On stdout are the paths of whole files, one per line. What is interrupted resumes the next time. The key
    of a transfer is that of the profile it was queued with; for others the connection given here counts.
    """
    choice = Choice.of(context)
    current = None if choice.sample else _credentials(choice)
    if detach:
        from ..queue import background

        pid, words = background.start(current)
        click.echo(f"the queue runs in the background, pid {pid}\n  log: {background.log_file()}", err=True)
        if words:
            note(words)
        return
    import asyncio

    from .queue_run import run_queue

    code = asyncio.run(run_queue(current, until_empty=until_empty, background=in_background))
    if code:
        raise click.exceptions.Exit(code)


def _credentials(choice: Choice) -> Credentials:
    if choice.source is not None:
        return chosen(choice)
    return resolve_or_anonymous(api_key=choice.api_key, profile=choice.profile, root_url=choice.root_url)


def _warn_of_key(found: Credentials) -> None:
    from ..queue.run_job import unsaved_key

    if not found.api_key:
        note("there is no API key: archives need one when they are fetched; run `mlhub-tui configure`")
    elif why := unsaved_key(found):
        note(why)


def _finish(desk: QueueClient, name: str, asked: CommandResult) -> None:
    """Wait for the programs that were asked, and print what became of the jobs."""
    in_time = desk.settled(asked, _ANSWER)
    touched = {job.id for job in (*asked.done, *asked.passed)}
    for job in desk.jobs():
        if job.id in touched:
            _say(job)
    if not in_time:
        where = ", ".join(sorted({job.where for job in asked.passed}))
        note(f"no answer yet from what runs it ({where}): it follows as soon as it runs")
    if not touched and not asked.refused and not asked.missing:
        click.echo(f"nothing to {name}", err=True)
    _complain(name, asked)


def _complain(name: str, asked: CommandResult) -> None:
    """Report what could not be done, and end with 1 if there was anything."""
    for job in asked.refused:
        report(MLHubException(f"job {job.id} is {job.state}: {name} does not apply"))
    for job_id in asked.missing:
        report(MLHubException(f"there is no job {job_id}", hint="`mlhub-tui queue list` shows all"))
    if asked.refused or asked.missing:
        raise click.exceptions.Exit(FAILED)


def _say(job: Job) -> None:
    click.echo(f"{job.id}\t{job.state}\t{one_line(job.place, 4096)}")
