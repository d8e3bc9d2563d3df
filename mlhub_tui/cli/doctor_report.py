"""What is wrong with program, files, network and source, as `mlhub-tui doctor` prints it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict

import click

from ..doctor import files, network, program, queue, terminal
from ..doctor.finding import Finding, note, wrong
from ..errors import APIKeyNotFound, MLHubException, ProfileNotFound
from ..sources.well_known import ServiceEnded, is_hosted
from ..text import one_line, redact
from .connection import Choice, settings
from .failures import FAILED, end
from .json_writer import print_json
from .source_access import credentials

_MARKS = {"ok": " ", "note": "!", "wrong": "x"}


def print_findings(offline: bool, as_json: bool) -> None:
    """Print what was found, and end with 1 if something is wrong."""
    found = list(_findings(offline))
    faults = [finding for finding in found if finding.state == "wrong"]
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        part = ""
        for finding in found:
            if finding.part != part:
                click.echo(part := finding.part)
            click.echo(f"{_MARKS[finding.state]} {finding.name:18} {finding.value}".rstrip())
            if finding.hint:
                click.echo(f"{'':20} -> {finding.hint}")
        names = ", ".join(f"{finding.part} {finding.name}" for finding in faults)
        click.echo(f"\nwrong: {names}" if faults else "\nnothing is wrong")
    end(FAILED if faults else 0)


def _findings(offline: bool) -> Iterator[Finding]:
    loaded = settings()
    yield from program.look()
    yield from terminal.look(loaded.config)
    yield from files.look(loaded)
    yield from queue.look()
    yield from network.look()
    yield from _of_source(Choice.made(), offline)


def _of_source(choice: Choice, offline: bool) -> list[Finding]:
    """Return how the source is; offline, what a name stands for. The hosted service is not asked."""
    named = choice.source or choice.profile or choice.root_url or choice.sample
    if offline and (choice.sample or not (named or os.environ.get("MLHUB_PROFILE"))):
        return []
    try:
        if offline:
            used = choice.credentials()
            where = one_line(redact(used.root_url), 300)
            return [
                Finding(network.SOURCE, "location", where),
                Finding(network.SOURCE, "key", used.key_origin),
            ]
        with credentials(choice, key_needed=not named) as used:
            if is_hosted(used.root_url):
                gone = ServiceEnded()
                return [note(network.SOURCE, "location", gone.message, gone.hint)]

            async def ask() -> list[Finding]:
                return [finding async for finding in network.ask(used)]

            return asyncio.run(ask())
    except MLHubException as error:
        no_key = isinstance(error, APIKeyNotFound)
        level: Callable[..., Finding] = note if no_key and not named else wrong
        what = "name" if isinstance(error, ProfileNotFound) else "key" if no_key else "location"
        return [level(network.SOURCE, what, error.message, error.hint)]
