"""`mlhub-tui doctor`: what is wrong here, and how to fix it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from ..errors import APIKeyNotFound, MLHubException
from ..text import one_line, redact
from .connect import credentials
from .desk import json_option
from .failures import FAILED
from .options import Choice, Command, connection_options, settings_of

if TYPE_CHECKING:
    from ..doctor.finding import Finding

_MARKS = {"ok": " ", "note": "!", "wrong": "x"}


@click.command("doctor", cls=Command, short_help="Check program, files, network and source.")
@click.option("--offline", is_flag=True, help="Ask no source.")
@json_option
@connection_options
@click.pass_context
def doctor(context: click.Context, offline: bool, as_json: bool) -> None:
    """Say what is wrong here, and how to fix it: program, terminal, files, queue, network, source.

    The source is the one that the app would open (--source, --profile, --root-url, --sample, or the profile
    `default`); it is asked once. Secrets are not printed: at most the last 4 characters of a key. Ends
    with 1 if something is wrong.
    """
    found = list(_findings(context, offline))
    wrong = [finding for finding in found if finding.state == "wrong"]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        _print(found)
    if wrong:
        raise click.exceptions.Exit(FAILED)


def _findings(context: click.Context, offline: bool) -> Iterator[Finding]:
    from ..doctor import files, network, program, queue, terminal

    loaded = settings_of(context)
    yield from program.look()
    yield from terminal.look(loaded.config)
    yield from files.look(loaded)
    yield from queue.look()
    yield from network.look()
    choice = Choice.of(context)
    if not offline:
        yield from _source(choice)
    elif choice.source or choice.profile or choice.root_url or os.environ.get("MLHUB_PROFILE"):
        yield from _named(choice)


def _named(choice: Choice) -> list[Finding]:
    """Return what a source or profile stands for that was named; nothing is asked."""
    from ..auth import resolve_or_anonymous
    from ..doctor import network
    from ..doctor.finding import Finding, wrong
    from ..errors import ProfileNotFound
    from ..sources.source_names import choose

    try:
        if choice.source:
            used = choose(choice.source, api_key=choice.api_key)
        else:
            used = resolve_or_anonymous(
                api_key=choice.api_key, profile=choice.profile, root_url=choice.root_url
            )
        where = one_line(redact(used.root_url), 300)
        return [Finding(network.SOURCE, "location", where), Finding(network.SOURCE, "key", used.key_origin)]
    except MLHubException as error:
        what = (
            "key" if isinstance(error, APIKeyNotFound) and not isinstance(error, ProfileNotFound) else "name"
        )
        return [wrong(network.SOURCE, what, error.message, error.hint)]


def _source(choice: Choice) -> list[Finding]:
    """Return how the source stands; the hosted service ended and is not asked."""
    import asyncio

    from ..doctor import network
    from ..doctor.finding import note, wrong
    from ..sources.well_known import ServiceEnded, is_hosted

    named = choice.source or choice.profile or choice.root_url or choice.sample
    try:
        with credentials(choice, key_needed=not named) as used:
            if is_hosted(used.root_url):
                gone = ServiceEnded()
                return [note(network.SOURCE, "location", gone.message, gone.hint)]

            async def ask() -> list[Finding]:
                return [finding async for finding in network.ask(used)]

            return asyncio.run(ask())
    except APIKeyNotFound as error:
        level = wrong if named else note
        return [level(network.SOURCE, "key", error.message, error.hint)]
    except MLHubException as error:
        return [wrong(network.SOURCE, "location", error.message, error.hint)]


def _print(found: list[Finding]) -> None:
    for part, findings in groupby(found, key=lambda finding: finding.part):
        click.echo(part)
        for finding in findings:
            click.echo(f"{_MARKS[finding.state]} {finding.name:18} {finding.value}".rstrip())
            if finding.hint:
                click.echo(f"{'':20} -> {finding.hint}")
    bad = [finding for finding in found if finding.state == "wrong"]
    click.echo("")
    if bad:
        click.echo(f"wrong: {', '.join(f'{finding.part} {finding.name}' for finding in bad)}")
    else:
        click.echo("nothing is wrong")
