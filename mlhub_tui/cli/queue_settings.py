"""`mlhub-tui queue set` and `queue limit`: how fast the queue is, and how much at a time, while it runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..text import parse_rate, rate
from .desk import json_option, note, open_desk

if TYPE_CHECKING:
    from ..queue.runner import QueueSettings

_COUNT = click.IntRange(1, 64)


def _speed(context: click.Context, parameter: click.Parameter, typed: str | None) -> int | None:
    """Return bytes per second, 0 for no limit; None where nothing was typed."""
    if typed is None:
        return None
    try:
        return parse_rate(typed) or 0
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("set", short_help="Change speed and places while it runs; without options show them.")
@click.option(
    "--limit", callback=_speed, metavar="RATE", help="Speed of all transfers together: 5M, 500k, off."
)
@click.option("--transfers", type=_COUNT, metavar="N", help="Transfers at a time.")
@click.option("--per-host", type=_COUNT, metavar="N", help="Transfers at a time from one host.")
@click.option("--connections", type=_COUNT, metavar="N", help="Connections to one file at most.")
@json_option
def set_command(as_json: bool, **given: int | None) -> None:
    """Change how fast the queue is and how much it does at a time; without options show what is in force.

    The settings are stored with the queue. The app and whatever else runs it apply a change within a second;
    transfers that run are not interrupted. Programs that fetch at the same time share the speed limit.
    """
    _change({name: value for name, value in given.items() if value is not None}, as_json)


@click.command("limit", short_help="Limit the speed of all transfers together: 5M, 500k, off.")
@click.argument("speed", required=False, callback=_speed, metavar="[RATE|off]")
@json_option
def limit_command(speed: int | None, as_json: bool) -> None:
    """Limit the speed of all transfers together; without RATE show what is in force.

    RATE is in bytes per second: 5M, 500k, 1.5MB/s, or off. The same as `queue set --limit RATE`.
    """
    _change({} if speed is None else {"limit": speed}, as_json)


def _change(changes: dict[str, int], as_json: bool) -> None:
    with open_desk() as desk:
        settings = desk.change({**changes}) if changes else desk.settings()
        running = desk.runners() if changes else []
    _show(settings, as_json)
    if running:
        places = ", ".join(f"pid {pid}" for _, pid in running)
        note(f"what runs the queue ({places}) applies it within a second")


def _show(settings: QueueSettings, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(settings), indent=2))
        return
    click.echo(f"speed limit          {rate(settings.limit) or 'off'}")
    click.echo(f"transfers at a time  {settings.transfers}")
    click.echo(f"from one host        {settings.per_host}")
    click.echo(f"connections a file   {settings.connections}")
