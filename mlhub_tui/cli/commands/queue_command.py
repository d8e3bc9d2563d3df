"""The declaration of `mlhub-tui queue`."""

from __future__ import annotations

from typing import Any

import click

from ...text import parse_rate
from ..completion import job_ids, queue_words
from ..options import (
    Group,
    all_of,
    connection_options,
    if_exists_option,
    json_option,
    option,
    output_option,
    progress_options,
)

_COUNT = click.IntRange(1, 64)
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
    click.argument("ids", nargs=-1, type=click.INT, metavar="[ID...]", shell_complete=job_ids),
    json_option,
)


@click.group(
    "queue", cls=Group, epilog=EPILOG, short_help="Add to the download queue, list, control and run it."
)
def queue_command() -> None:
    """Add to the download queue, list, control and run it.

    It is the queue of the app: commands act on transfers wherever they run.
    """


@queue_command.command("add", short_help="Queue archives; the app or `queue run` fetches them.")
@click.argument("collections", nargs=-1, required=True, metavar="COLLECTION...", shell_complete=queue_words)
@option("--dataset", "They are IDs of datasets: catalogs and all their assets.", name="datasets")
@output_option
@if_exists_option
@json_option
@connection_options
def add(**given: Any) -> None:
    """Queue the archives of collections, or datasets; whatever runs the queue fetches them.

    The queue saves the root URL and the name of the profile, never a key.
    """
    from ..transfers.queueing import add_jobs

    add_jobs(**given)


@queue_command.command("list", short_help="List what is queued, running and finished.")
@json_option
def list_jobs(**given: Any) -> None:
    """List what is queued, running and finished, wherever it runs."""
    from ..transfers.queueing import print_queue

    print_queue(**given)


def _action(name: str, about: str) -> None:
    """Add the command of an action that needs no question."""

    @queue_command.command(name, help=about, short_help=about)
    @_ids
    def command(ids: tuple[int, ...], as_json: bool) -> None:
        from ..transfers.queueing import order

        order(name, ids, as_json)


_action("pause", "Pause transfers; all without an ID.")
_action("resume", "Resume transfers that are paused or stuck; all without an ID.")
_action(
    "retry",
    "Try again what failed, was cancelled or waits for its next try, all without an ID;"
    " a finished dataset that is named is completed.",
)


@queue_command.command("cancel", short_help="Cancel transfers; all without an ID.")
@_ids
@option("--keep-part", "Leave the partial files.")
@option("--yes", "Do not ask.")
def cancel(**given: Any) -> None:
    """Cancel transfers, and delete their partial files; all without an ID."""
    from ..transfers.queueing import cancel_jobs

    cancel_jobs(**given)


@queue_command.command("clear", short_help="Remove what is finished from the list; no file is touched.")
@_ids
def clear(**given: Any) -> None:
    """Remove what is done, failed or cancelled from the list; no file is touched."""
    from ..transfers.queueing import clear_jobs

    clear_jobs(**given)


@queue_command.command("run", short_help="Run the queue in this terminal, or in the background.")
@option("--until-empty", "End when there is nothing left to do.")
@option("--detach", "Run in the background, until there is nothing left to do.")
@option("--in-background", "", hidden=True)
@progress_options
@connection_options
def run(**given: Any) -> None:
    """Run the queue without the app, until Ctrl+C.

    On stdout are the paths of whole files, one per line. What is interrupted resumes the next time. The key
    of a transfer is that of the profile it was queued with; for others the connection given here counts.
    """
    from ..transfers.queueing import run_here_or_detached

    run_here_or_detached(**given)


def _speed(context: click.Context, parameter: click.Parameter, typed: str | None) -> int | None:
    """Return bytes per second, 0 for no limit; None where nothing was typed."""
    try:
        return None if typed is None else parse_rate(typed) or 0
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@queue_command.command("set", short_help="Change speed and places while it runs; without options show them.")
@option("--limit RATE", "Speed of all transfers together: 5M, 500k, off.", callback=_speed)
@option("--transfers N", "Transfers at a time.", type=_COUNT)
@option("--per-host N", "Transfers at a time from one host.", type=_COUNT)
@option("--connections N", "Connections to one file at most.", type=_COUNT)
@json_option
def set_settings(**given: Any) -> None:
    """Change how fast the queue is and how much it does at a time; without options show what is in force.

    The settings are stored with the queue. The app and whatever else runs it apply a change within a second;
    transfers that run are not interrupted. Programs that fetch at the same time share the speed limit.
    """
    from ..transfers.queueing import change_settings

    change_settings(**given)


@queue_command.command("limit", short_help="Limit the speed of all transfers together: 5M, 500k, off.")
@click.argument("speed", required=False, callback=_speed, metavar="[RATE|off]")
@json_option
def limit(speed: int | None, as_json: bool) -> None:
    """Limit the speed of all transfers together; without RATE show what is in force.

    RATE is in bytes per second: 5M, 500k, 1.5MB/s, or off. The same as `queue set --limit RATE`.
    """
    from ..transfers.queueing import change_settings

    change_settings(as_json, limit=speed)


@queue_command.command("verify", short_help="Read finished files again: are they whole?")
@_ids
@progress_options
def verify(**given: Any) -> None:
    """Read the files of finished transfers again and show whether they are whole; all without an ID.

    What is compared: the size, the checksums that the server or the catalog gave, and the CRC that every
    gzip archive carries in itself. Ends with 1 if a file is damaged or gone.
    """
    from ..transfers.queueing import verify_jobs

    verify_jobs(**given)


@queue_command.command("log", short_help="Print what happened to a transfer.")
@click.argument("job_id", type=click.INT, metavar="ID", shell_complete=job_ids)
@option("-f, --follow", "Continue until the transfer has ended.")
@json_option
def log(**given: Any) -> None:
    """Print what happened to a transfer since it was queued, whichever program ran it.

    A line an entry, with its local time; keys and links are never in it. Of a long log the middle is left
    out. With --json, a line is an object: `number`, `at` in seconds since the epoch, `words`.
    """
    from ..transfers.queueing import print_log

    print_log(**given)
