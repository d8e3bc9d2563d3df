"""`mlhub-tui queue`: the download queue of the app, without the app."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from .. import auth, paths, planning, queue, sources  # their modules are loaded when they are used
from ..errors import MLHubException
from ..text import count, duration, local_time, one_line, rate, redact, size
from .connection import Choice, chosen, opened, output_dir, run_async
from .failures import FAILED, end, report
from .options import (
    Group,
    all_of,
    connection_options,
    filled,
    if_exists_option,
    job_ids,
    json_option,
    option,
    output_option,
    progress_options,
    queue_words,
    speed,
)
from .printing import note, print_json, print_table

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..options import IfExists
    from ..planning.requests import DownloadRequest
    from ..queue.client import CommandResult, QueueClient
    from ..queue.job import Event, Job

_ANSWER = 3.0  # seconds in which a program that runs obeys
_EVERY = 0.5  # seconds between two looks into a log
_REDRAW = 0.25
_COUNT = click.IntRange(1, 64)
_HEADERS = ("ID", "NAME", "STATE", "DONE", "SPEED", "NOTE")
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
_ids = all_of(
    click.argument("ids", nargs=-1, type=click.INT, metavar="[ID...]", shell_complete=job_ids), json_option
)


@click.group("queue", cls=Group, epilog=EPILOG, short_help="Control and run the download queue.")
def queue_command() -> None:
    """Add to the download queue, list, control and run it.

    It is the queue of the app: commands act on transfers wherever they run.
    """


def _open() -> QueueClient:
    return queue.client.QueueClient(paths.queue())


@queue_command.command("add", short_help="Queue archives or datasets.")
@click.argument(
    "collections",
    nargs=-1,
    required=True,
    metavar="COLLECTION...",
    shell_complete=queue_words,
    callback=filled,
)
@option("--dataset", "They are IDs of datasets: catalogs and all their assets.", name="datasets")
@output_option
@if_exists_option
@json_option
@connection_options
def add(collections: tuple[str, ...], datasets: bool, if_exists: IfExists, as_json: bool) -> None:
    """Queue the archives of collections, or datasets; whatever runs the queue fetches them.

    The queue saves the root URL and the name of the profile, never a key.
    """
    choice, folder, requests = Choice.made(), output_dir(), planning.requests
    source, profile, kind = requests.SAMPLE, None, auth.Kind.MLHUB
    if not choice.sample:
        found = _credentials(choice)
        source, profile, kind = found.root_url, found.profile, found.kind or kind
        if kind is not auth.Kind.MLHUB and not datasets:
            raise sources.open_source.no_archives(source)
        if kind is auth.Kind.MLHUB and not found.secret:
            note("there is no API key: archives need one when they are fetched; run `mlhub-tui configure`")
        elif why := auth.unsaved_key(found):
            note(why)
    named = {name: (name, name) for name in collections}
    if kind is not auth.Kind.MLHUB:
        named = run_async(_named, found, collections)
    wanted: list[DownloadRequest] = []
    for name, (identity, place) in named.items():
        if datasets and "/" in name and kind is auth.Kind.MLHUB:
            raise click.UsageError(
                f"{name!r} is a DOI: the queue takes the dataset's ID, which `show` prints"
            )
        wanted.append(
            requests.dataset_request(
                identity,
                folder,
                source=source,
                profile=profile,
                kind=kind,
                collections=[place],
                if_exists=if_exists,
            )
            if datasets
            else requests.ArchiveRequest(source, profile, name, folder, if_exists, title=name)
        )
    with _open() as client:
        _print_jobs(client.add(wanted), as_json)
        if not client.repository.runners():
            note("nothing runs the queue now: `mlhub-tui queue run` does, and the app")


async def _named(found: Credentials, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the id of each collection, and what names it for good."""
    async with opened(found) as source:
        return {name: await source.collection_named(name) for name in names}


def _credentials(choice: Choice) -> Credentials:
    """Return the credentials for jobs; a source that is named has to have a kind."""
    return chosen(choice) if choice.source is not None else choice.credentials()


@queue_command.command("list", short_help="List what is queued, running and finished.")
@json_option
def list_jobs(as_json: bool) -> None:
    """List what is queued, running and finished, wherever it runs."""
    jobs: Sequence[Job] = ()
    if queue.database.exists(paths.queue()):
        with _open() as client:
            jobs = client.jobs()
    if as_json:
        print_json([document(job) for job in jobs])
    elif jobs:
        print_table(_HEADERS, [_row(job) for job in jobs])
    else:
        click.echo("the queue is empty", err=True)


def _row(job: Job) -> tuple[object, ...]:
    left = f"{duration(job.eta)} left" if job.eta else ""
    words = redact(job.reason) or left
    if job.files_total is not None and job.state.running and left and words != left:
        words += f", {left}"
    done = size(job.bytes_done) if job.bytes_done or job.state == "done" else ""
    if job.bytes_total and job.state != "done":
        done = f"{min(job.bytes_done * 100 // job.bytes_total, 100)}% of {size(job.bytes_total)}"
    return job.id, job.name, job.state, done, rate(job.rate), ", ".join(filter(None, (words, job.where)))


def document(job: Job) -> dict[str, Any]:
    """Return a job as JSON; the manual documents the fields (topic `downloads`)."""
    asset = job.request if isinstance(job.request, planning.requests.AssetRequest) else None
    whole = isinstance(job.request, planning.requests.DatasetRequest)
    stuck = job.state in ("retrying", "needs a key", "no space", "failed")
    return {
        "id": job.id,
        "name": job.name,
        "state": str(job.state),
        "bytes_done": job.bytes_done,
        "bytes_total": job.bytes_total,
        "error": redact(job.reason) or str(job.state) if stuck else None,
        "path": job.place,
        "collection": None if whole else job.request.collection_id,
        "dataset": job.request.collection_id if whole else None,
        "item": (asset.item_id or None) if asset else None,
        "asset": asset.key if asset else None,
        "source": job.request.source,
        "profile": job.request.profile,
        "files_done": job.files_done if whole else None,
        "files_failed": job.files_failed if whole else None,
        "files_total": job.files_total,
        "rate": job.rate,
        "next_try": job.next_try,
        "runs": job.where or None,
    }


def _print_jobs(jobs: Sequence[Job], as_json: bool) -> None:
    """Print what became of jobs: as a JSON array, or a line each."""
    if as_json:
        print_json([document(job) for job in jobs])
        return
    for job in jobs:
        click.echo(f"{job.id}\t{job.state}\t{one_line(job.place, 4096)}")


def _action(name: str, short: str, about: str, *options: Callable[[Any], Any]) -> None:
    """Add the command of an action on jobs."""

    @queue_command.command(name, help=f"{short} {about}".strip(), short_help=short)
    @_ids
    @all_of(*options)
    def command(ids: tuple[int, ...], as_json: bool, keep_part: bool = False, yes: bool = True) -> None:
        action = queue.job.JobAction(name)
        with _open() as client:
            if not yes:
                _confirm(client.jobs(), ids, keep_part)
            result = client.order(action, ids or None, delete_part=not keep_part)
            in_time = client.settled(result, _ANSWER)
            touched = {job.id for job in (*result.done, *result.passed)}
            _print_jobs([job for job in client.jobs() if job.id in touched], as_json)
        if not in_time:
            where = ", ".join(sorted({job.where for job in result.passed}))
            note(f"no answer yet from what runs it ({where}): it follows as soon as it runs")
        if not (touched or result.refused or result.missing or as_json):
            click.echo(f"nothing to {name}", err=True)
        _complain(name, result)


def _confirm(jobs: Sequence[Job], ids: Sequence[int], keep_part: bool) -> None:
    """Ask whether transfers may be cancelled; click.Abort where not."""
    starts = queue.job.TRANSITIONS[queue.job.JobAction.CANCEL].starts
    wanted = [job for job in jobs if job.state in starts and (not ids or job.id in ids)]
    if wanted:
        what = f"{count(len(wanted), 'transfer')}" if len(wanted) > 1 else one_line(wanted[0].name)
        deleting = "" if keep_part else " and delete the partial files"
        click.confirm(f"Cancel {what}{deleting}?", abort=True, err=True)


_action("pause", "Pause transfers.", "All without an ID.")
_action("resume", "Resume paused or stuck transfers.", "All without an ID.")
_action(
    "retry",
    "Retry failed or cancelled transfers.",
    "All without an ID, those that wait for a try too; a finished dataset that is named is completed.",
)
_action(
    "cancel",
    "Cancel transfers.",
    "All without an ID; their partial files are deleted.",
    option("--keep-part", "Leave the partial files."),
    option("--yes", "Do not ask."),
)


@queue_command.command("clear", short_help="Remove finished transfers from the list.")
@_ids
def clear(ids: tuple[int, ...], as_json: bool) -> None:
    """Remove what is done, failed or cancelled from the list; no file is touched."""
    with _open() as client:
        result = client.clear(ids or None)
    if as_json:
        _print_jobs(result.done, as_json)
    else:
        click.echo(f"{count(len(result.done), 'finished transfer')} removed from the list", err=True)
    _complain("clear", result)


def _complain(name: str, result: CommandResult) -> None:
    """Report what could not be done, and end with 1 if there was anything."""
    for job in result.refused:
        report(MLHubException(f"job {job.id} is {job.state}: {name} does not apply"))
    for job_id in result.missing:
        report(_missing(job_id))
    end(FAILED if result.refused or result.missing else 0)


def _missing(job_id: int) -> MLHubException:
    return MLHubException(f"there is no job {job_id}", hint="`mlhub-tui queue list` shows all")


@queue_command.command("run", short_help="Run the queue here or in the background.")
@option("--until-empty", "End when there is nothing left to do.")
@option("--detach", "Run in the background, until there is nothing left to do.")
@option("--in-background", "", hidden=True)
@progress_options
@connection_options
def run(until_empty: bool, detach: bool, in_background: bool) -> None:
    """Run the queue without the app, until Ctrl+C.

    On stdout are the paths of whole files, one per line. What is interrupted resumes the next time. The key
    of a transfer is that of the profile it was queued with; for others the connection given here counts.
    """
    choice = Choice.made()
    current = None if choice.sample else _credentials(choice)
    if detach:
        pid, words = queue.background.start(current)
        log_file = queue.background.log_file()
        click.echo(f"the queue runs in the background, pid {pid}\n  log: {log_file}", err=True)
        if words:
            note(words)
        return
    from .queue_run import run_queue  # with the engine: not for a help page

    end(run_async(run_queue, current, until_empty=until_empty, background=in_background))


@queue_command.command("set", short_help="Change speed and number of transfers.")
@option("--limit RATE", "Speed of all transfers together: 5M, 500k, off.", callback=speed)
@option("--transfers N", "Transfers at a time.", type=_COUNT)
@option("--per-host N", "Transfers at a time from one host.", type=_COUNT)
@option("--connections N", "Connections to one file at most.", type=_COUNT)
@json_option
def set_settings(as_json: bool, **given: int | None) -> None:
    """Change how fast the queue is and how much it does at a time; without options show what is in force.

    The settings are stored with the queue. The app and whatever else runs it apply a change within a second;
    transfers that run are not interrupted. Programs that fetch at the same time share the speed limit.
    """
    _change({name: value for name, value in given.items() if value is not None}, as_json)


@queue_command.command("limit", short_help="Limit the speed of all transfers.")
@click.argument("wanted", required=False, callback=speed, metavar="[RATE|off]")
@json_option
def limit(wanted: int | None, as_json: bool) -> None:
    """Limit the speed of all transfers together; without RATE show what is in force.

    RATE is in bytes per second: 5M, 500k, 1.5MB/s, or off. The same as `queue set --limit RATE`.
    """
    _change({} if wanted is None else {"limit": wanted}, as_json)


def _change(changes: dict[str, int], as_json: bool) -> None:
    with _open() as client:
        settings = client.change({**changes}) if changes else client.repository.settings()
        running = client.repository.runners() if changes else []
    if as_json:
        print_json(asdict(settings))
    else:
        click.echo(f"speed limit          {rate(settings.limit) or 'off'}")
        click.echo(f"transfers at a time  {settings.transfers}")
        click.echo(f"from one host        {settings.per_host}")
        click.echo(f"connections a file   {settings.connections}")
    if running:
        places = ", ".join(f"pid {pid}" for _, pid in running)
        note(f"what runs the queue ({places}) applies it within a second")


@queue_command.command("verify", short_help="Verify finished files.")
@_ids
@progress_options
def verify(ids: tuple[int, ...], as_json: bool) -> None:
    """Read the files of finished transfers again and show whether they are whole; all without an ID.

    What is compared: the size, the checksums that the server or the catalog gave, and the CRC that every
    gzip archive carries in itself. Ends with 1 if a file is damaged or gone.
    """
    with _open() as client:
        jobs = client.jobs()
    wanted = [job for job in jobs if (job.id in ids if ids else job.state == "done")]
    found = _verify([job for job in wanted if job.state == "done"], as_json)
    unfit = [
        MLHubException(f"job {job.id} is {job.state}: there is no whole file to verify")
        for job in wanted
        if job.state != "done"
    ]
    unfit += [_missing(number) for number in dict.fromkeys(ids) if number not in {job.id for job in jobs}]
    for error in unfit:
        report(error)
    if not found and not unfit and not as_json:
        click.echo("nothing to verify", err=True)
    end(FAILED if unfit or any(entry["error"] for entry in found) else 0)


def _verify(jobs: Sequence[Job], as_json: bool) -> list[dict[str, Any]]:
    """Read the files one after the other; print each result as it comes, or all of them as JSON."""
    from .progress import reporter  # not for a help page

    shown, found = reporter(), []
    for job in jobs:
        result = queue.library.verify_job(job, _reading(job, shown.update), threading.Event())
        shown.clear()
        found.append(
            {"id": job.id, "path": job.place, "agrees": list(result.agrees), "error": result.trouble or None}
        )
        if not as_json:
            click.echo(f"{job.id}\t{result}\t{one_line(job.place, 4096)}")
            if result.trouble:
                click.echo(f"  {queue.library.remedy(job)}", err=True)
    if as_json:
        print_json(found)
    return found


def _reading(job: Job, show: Callable[[Sequence[Job]], None]) -> Callable[[int], None]:
    """Return what shows how many bytes of a file were read, a few times a second."""
    shown = replace(job, state=queue.job.JobState.DOWNLOADING, bytes_done=0)
    start = drawn = time.monotonic()

    def update(done: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn >= _REDRAW:
            drawn = now
            speed = done / (now - start)
            left = ((shown.bytes_total or done) - done) / speed if speed else None
            show([replace(shown, bytes_done=done, rate=speed, eta=left)])

    return update


@queue_command.command("log", short_help="Print what happened to a transfer.")
@click.argument("job_id", type=click.INT, metavar="ID", shell_complete=job_ids)
@option("-f, --follow", "Continue until the transfer has ended.")
@json_option
def log(job_id: int, follow: bool, as_json: bool) -> None:
    """Print what happened to a transfer since it was queued, whichever program ran it.

    A line an entry, with its local time; keys and links are never in it. Of a long log the middle is left
    out. With --json, a line is an object: `number`, `at` in seconds since the epoch, `words`.
    """
    if not queue.database.exists(paths.queue()):
        raise _missing(job_id)
    with _open() as client:
        last = 0
        for event in _events(client, job_id, follow):
            if as_json:
                entry = {"number": event.number, "at": event.at, "words": event.words}
                click.echo(json.dumps(entry, ensure_ascii=False))
            else:
                if event.number > last + 1:
                    click.echo(f"… {event.number - last - 1} left out")
                click.echo(f"{local_time(event.at)}  {event.words}")
            last = event.number


def _events(client: QueueClient, job_id: int, follow: bool) -> Iterator[Event]:
    last = 0
    while True:
        job = next((job for job in client.jobs() if job.id == job_id), None)
        if job is None and not last:
            raise _missing(job_id)
        for event in client.repository.log_of(job_id, last):
            last = event.number
            yield event
        if not follow or job is None or job.state in queue.job.IDLE_STATES:
            return
        time.sleep(_EVERY)
