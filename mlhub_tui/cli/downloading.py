"""`mlhub-tui download`: archives of collections, and more, through the engine of the app, without the app."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from ..auth import Credentials
from ..options import IfExists
from ..planning.requests import SAMPLE, ArchiveRequest
from .connect import credentials
from .options import (
    Choice,
    Group,
    connection_options,
    if_exists_option,
    output_dir,
    output_option,
    patience_option,
    write_options,
)

EPILOG = """\b
Examples:
  mlhub-tui download ref_african_crops_kenya_02_labels
  mlhub-tui download COLLECTION1 COLLECTION2 --output-dir ~/data
  mlhub-tui download COLLECTION | xargs -n 1 tar xzf
  mlhub-tui download item COLLECTION ITEM --asset B04
  mlhub-tui download dataset DATASET --dry-run

\b
On stdout are the paths of whole files, one per line, and nothing else. A
transfer that was interrupted resumes when the command is given again.
"""


COMMANDS = {"item": "asset_downloading", "dataset": "dataset_downloading"}
"""The modules of the commands that are not for archives; imported when called, as they load much more."""


class Download(Group):
    """A group that takes what names none of its commands for collections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted({*self.commands, *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(f".{COMMANDS[cmd_name]}", __package__), cmd_name)
        return command if isinstance(command, click.Command) else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of a command first: the one that stands behind options, or that for archives."""
        names = self.list_commands(ctx)
        if not args or (args[0] not in names and args[0] not in ctx.help_option_names):
            first = self._first(ctx, args)
            name = first if first in names else "archives"
            rest = [*args]
            if name == first:
                rest.remove(name)
            args = [name, *rest]
        return super().parse_args(ctx, args)

    def _first(self, ctx: click.Context, args: list[str]) -> str:
        """Return the first word that is no option nor an option's value; empty where there is none."""
        try:
            found, _, _ = archives.make_parser(ctx).parse_args([*args])
        except click.UsageError:
            return ""
        words = found.get("collections")  # of click's own kind where there are none
        return words[0] if isinstance(words, tuple) and words else ""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how it is called without a command's name."""
        formatter.write_usage(ctx.command_path, "[OPTIONS] COLLECTION... | COMMAND ...")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options for archives, then the commands."""
        write_options(archives, ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=Download, epilog=EPILOG, short_help="Download archives, assets, datasets.")
def download() -> None:
    """Download the archives of collections, two at a time; needs a key.

    A collection whose ID is the name of a command goes with `download archives ID`.
    """


@download.command("archives", epilog=EPILOG, short_help="The same: archives of collections.")
@click.argument("collections", nargs=-1, required=True, metavar="COLLECTION...")
@output_option
@if_exists_option
@patience_option
@connection_options
@click.pass_context
def archives(context: click.Context, collections: tuple[str, ...], if_exists: str) -> None:
    """Download the archives of collections, two at a time; needs a key."""
    import asyncio

    from .transfers import transfer

    choice = Choice.of(context)
    folder = output_dir(context)
    with credentials(choice, key_needed=True) as found:
        requests = _requests(collections, folder, IfExists(if_exists), found, sample=choice.sample)
        code = asyncio.run(transfer(requests, found))
    if code:
        raise click.exceptions.Exit(code)


def _requests(
    collections: Sequence[str], folder: Path, if_exists: IfExists, found: Credentials, *, sample: bool
) -> list[ArchiveRequest]:
    """Return a request for each collection, once."""
    return [
        ArchiveRequest(
            source=SAMPLE if sample else found.root_url,
            profile=found.profile,
            collection_id=collection,
            folder=folder,
            if_exists=if_exists,
            title=collection,
        )
        for collection in dict.fromkeys(collections)
    ]
