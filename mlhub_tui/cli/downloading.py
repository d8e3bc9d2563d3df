"""`mlhub-tui download`: archives of collections through the engine of the app, without the app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..downloads.job import SAMPLE, ArchiveRequest, IfExists
from ..profiles import Credentials
from .connect import credentials
from .options import Choice, Command, connection_options, output_dir, output_option

EPILOG = """\b
Examples:
  mlhub-tui download ref_african_crops_kenya_02_labels
  mlhub-tui download COLLECTION1 COLLECTION2 --output-dir ~/data
  mlhub-tui download COLLECTION | xargs -n 1 tar xzf

\b
On stdout are the paths of whole files, one per line, and nothing else. A
transfer that was interrupted goes on when the command is given again.
"""


@click.command(cls=Command, epilog=EPILOG, short_help="Download archives of collections.")
@click.argument("collections", nargs=-1, required=True, metavar="COLLECTION...")
@output_option
@click.option(
    "--if-exists",
    type=click.Choice([choice.value for choice in IfExists]),
    default=IfExists.RESUME.value,
    show_default=True,
    help="What to do with a file that is there: resume compares its size and fetches what is missing.",
)
@connection_options
@click.pass_context
def download(context: click.Context, collections: tuple[str, ...], if_exists: str) -> None:
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
