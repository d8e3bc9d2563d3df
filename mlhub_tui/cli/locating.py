"""`mlhub-tui locate`: where the program keeps what."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .. import paths
from .desk import json_option
from .options import Command

PLACES = {
    "config": (paths.config, "settings"),
    "profiles": (paths.profiles, "keys and sources"),
    "queue": (paths.queue, "download queue"),
    "log": (paths.log_dir, "logs of --debug, of the queue, of faults"),
    "cache": (paths.cache, "what can be fetched again"),
    "state": (paths.state, "what is remembered between starts"),
    "searches": (paths.searches, "saved searches"),
    "home": (paths.home, "the folder of all these (MLHUB_HOME)"),
}


@click.command("locate", cls=Command, short_help="Print where settings, profiles, queue, logs and cache are.")
@click.argument("what", required=False, type=click.Choice(list(PLACES)))
@json_option
def locate(what: str | None, as_json: bool) -> None:
    """Say where settings, profiles, queue, logs and cache are; nothing of it need be there yet.

    With a name the path alone: `$EDITOR "$(mlhub-tui locate config)"`.
    """
    if as_json:
        named = [what] if what else PLACES
        click.echo(json.dumps({name: str(_path(name)) for name in named}, indent=2))
    elif what:
        click.echo(str(_path(what)))
    else:
        for name, (_, about) in PLACES.items():
            click.echo(f"{name:9} {_path(name)}  ({about})")


def _path(name: str) -> Path:
    return PLACES[name][0]().absolute()
