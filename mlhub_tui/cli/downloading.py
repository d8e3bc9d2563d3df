"""`mlhub-tui download`: archives of collections and assets of items, through the engine of the app."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from .. import planning, sources  # their modules are loaded when they are used
from ..errors import EntityDoesNotExist, InvalidSearch
from ..text import one_line
from .connection import opened, output_dir, request_source
from .dataset_download import dataset, download
from .failures import FAILED, end
from .options import (
    Command,
    Group,
    all_of,
    collection_ids,
    connection_options,
    did_you_mean,
    download_words,
    filled,
    if_exists_option,
    item_ids,
    option,
    output_option,
    patience_option,
    progress_options,
    write_options,
)
from .printing import note

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..models import Document
    from ..options import IfExists
    from ..planning.requests import DownloadRequest

_options = all_of(output_option, if_exists_option, patience_option, progress_options, connection_options)
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
ITEM_EPILOG = """\b
Examples:
  mlhub-tui download item COLLECTION ITEM --asset B04 --asset B08
  mlhub-tui download item COLLECTION ITEM1 ITEM2 --role data --output-dir ~/data
  mlhub-tui download item COLLECTION --asset thumbnail   of the collection itself

\b
The files are COLLECTION/ITEM/KEY.EXT in the output folder. On stdout are the
paths of whole files, one per line, and nothing else.
"""


class Download(Group):
    """A group that takes what names none of its commands for collections."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of a command first: the one that stands behind options, or that for archives."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            first = self._first(ctx, args)
            name = first if first in self.commands else "archives"
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


@click.group("download", cls=Download, epilog=EPILOG, short_help="Download archives, assets, datasets.")
def download_command() -> None:
    """Download the archives of collections, two at a time; needs a key.

    A collection whose ID is the name of a command is downloaded with `download
    archives ID`.
    """


@download_command.command("archives", epilog=EPILOG, short_help="The same: archives of collections.")
@click.argument(
    "collections",
    nargs=-1,
    required=True,
    metavar="COLLECTION...",
    shell_complete=download_words,
    callback=filled,
)
@_options
def archives(collections: tuple[str, ...], if_exists: IfExists) -> None:
    """Download the archives of collections, two at a time; needs a key."""
    folder = output_dir()

    async def plan(found: Credentials) -> Sequence[DownloadRequest]:
        make, source = planning.requests.ArchiveRequest, request_source(found)
        names = dict.fromkeys(collections)
        return [make(source, found.profile, name, folder, if_exists, title=name) for name in names]

    end(download(plan))


@download_command.command("item", cls=Command, epilog=ITEM_EPILOG, short_help="Download assets of items.")
@click.argument("collection", shell_complete=collection_ids, callback=filled)
@click.argument("items", nargs=-1, metavar="[ITEM]...", shell_complete=item_ids, callback=filled)
@option("--asset KEY", "An asset's key; may be repeated.", name="keys", multiple=True, callback=filled)
@option("--role ROLE", "All assets of a role; may be repeated.", name="roles", multiple=True, callback=filled)
@_options
def item(
    collection: str,
    items: tuple[str, ...],
    keys: tuple[str, ...],
    roles: tuple[str, ...],
    if_exists: IfExists,
) -> None:
    """Download assets of items: all of them, or those of a key or a role.

    Without an ITEM it is the collection's own assets. Works with sources of every kind.
    """
    folder, missing = output_dir(), list[EntityDoesNotExist]()
    complaints: list[str] = []

    async def plan(found: Credentials) -> Sequence[DownloadRequest]:
        async with opened(found) as source:
            documents: list[Document] = []
            for name in dict.fromkeys(items):
                try:
                    documents.append(await source.item(collection, name))
                except EntityDoesNotExist as error:
                    missing.append(error)
            if missing and not documents:
                raise missing[0]
            terms = sources.asset_links.StorageTerms(source.collection)
            documents = [await terms.of(document, collection) for document in documents]
            documents = documents or [await source.collection(collection)]
            origin = planning.assets.DocumentOrigin(request_source(found), source.kind, found.profile)
        selection = planning.assets.requests_for(
            origin, documents, folder, keys=keys, roles=roles, if_exists=if_exists, collection_id=collection
        )
        unknown = list(_unknown(documents, keys, roles))
        for document in documents:
            if not (keys or roles or planning.assets.assets_of(document)):
                own = "" if items else " of its own: name an item of it too"
                complaints.append(f"{one_line(document.id, 80)} has no assets{own}")
        if unknown and not selection.requests and not selection.left_out:
            raise InvalidSearch("; ".join(unknown), hint="choose from these with --asset or --role")
        for entry in selection.left_out:
            name = f"{one_line(entry.document_id, 80)} {one_line(entry.key, 60)}"
            complaints.append(f"{name} is left out: {one_line(entry.why, 200)}")
        complaints.extend((*unknown, *(error.message for error in missing)))
        for line in complaints:
            note(line)
        return selection.requests

    end(download(plan) or (FAILED if complaints else 0))


download_command.add_command(dataset)


def _unknown(documents: Sequence[Document], keys: Sequence[str], roles: Sequence[str]) -> Iterator[str]:
    """Yield a line for each key and role that none of the documents has."""
    tally = planning.assets.AssetTally()
    for document in documents:
        tally.add(document)
    found = tally.by_key()
    known_roles = list(dict.fromkeys(role for choice in found for role in choice.roles))
    known_keys = [choice.key for choice in found]
    for what, wanted, known in (("asset", keys, known_keys), ("role", roles, known_roles)):
        for name in wanted:
            if name not in known:
                others = ", ".join(one_line(other, 60) for other in known) or "none"
                near = f"{guess} " if (guess := did_you_mean(name, known)) else ""
                yield f"there is no {what} {one_line(name, 60)!r}; {near}there are: {others}"
