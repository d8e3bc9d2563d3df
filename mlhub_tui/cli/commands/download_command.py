"""The declaration of `mlhub-tui download`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..completion import collection_ids, dataset_ids, download_words
from ..options import (
    Command,
    Group,
    all_of,
    connection_options,
    if_exists_option,
    json_option,
    option,
    output_option,
    patience_option,
    progress_options,
    write_options,
)

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
DATASET_EPILOG = """\b
Examples:
  mlhub-tui download dataset ref_african_crops_kenya_02 --dry-run
  mlhub-tui download dataset 10.34911/rdnt.dw605x --output-dir ~/data
  mlhub-tui download dataset DATASET --collection C=B04,B08 --collection D
  mlhub-tui download dataset DATASET --bbox 34.1,0.4,34.3,0.6 --datetime 2019
  mlhub-tui download dataset DATASET --archives
  mlhub-tui --source earth-search download dataset naip \\
      --collection naip=thumbnail --bbox -77,38.8,-76.9,38.9 --datetime 2021
  mlhub-tui download dataset DATASET --engine dask --output-dir s3://bucket/dir

\b
Files go where radiant_mlhub puts them: the catalog to DATASET.tar.gz and
DATASET/, assets to DATASET/COLLECTION/ITEM/KEY.EXT. What failed is listed in
err_report.csv. The command given again fetches only what is missing; with
other options it adds. On stdout is the folder of what is whole, or with
--archives the path of each archive.
"""
_ways = all_of(
    option("--archives", "The archives of its collections.", name="way", flag_value="archives"),
    option(
        "--assets",
        "Its catalog, and the assets of its items.  [default, where it has a catalog]",
        name="way",
        flag_value="assets",
    ),
)
_selection = all_of(
    option(
        "--collection C[=KEY,KEY]",
        "Only this collection, or only these asset keys of it; repeatable.",
        name="collections",
        multiple=True,
        shell_complete=collection_ids,
    ),
    option("--bbox W,S,E,N", "Items that touch this box, in degrees."),
    option(
        "--intersects FILE", "Items that touch what is in this GeoJSON file.", type=click.Path(path_type=Path)
    ),
    option("--datetime T[/T]", "A day, month or year, or two: 2018-04/2018-06, 2018/..", name="when"),
    option("--exact", "Test the items' own geometries, not their boxes; needs shapely."),
    option("--catalog-only", "The catalog without any assets."),
)
_engine = all_of(
    option(
        "--engine",
        "What fetches the files: this program, or the workers of a Dask cluster, which put them"
        " into stores too: --output-dir takes s3://BUCKET/DIR and other fsspec URLs then.",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
    ),
    option(
        "--scheduler ADDRESS",
        "The cluster's scheduler, as tcp://10.0.0.1:8786.  [default: DASK_SCHEDULER_ADDRESS, else"
        " a cluster is made on this machine]",
    ),
    option(
        "--workers N",
        "Processes of the cluster on this machine.  [default: one for each core]",
        type=click.IntRange(1, 64),
    ),
    option(
        "--connections N",
        "Connections to one host at a time, of all workers together.  [default: 16]",
        type=click.IntRange(1, 1024),
    ),
)


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

    A collection whose ID is the name of a command goes with `download archives ID`.
    """


@download_command.command("archives", epilog=EPILOG, short_help="The same: archives of collections.")
@click.argument(
    "collections", nargs=-1, required=True, metavar="COLLECTION...", shell_complete=download_words
)
@_options
def archives(**given: Any) -> None:
    """Download the archives of collections, two at a time; needs a key."""
    from ..transfers.downloading import download_archives

    download_archives(**given)


@download_command.command("item", cls=Command, epilog=ITEM_EPILOG, short_help="Download assets of items.")
@click.argument("collection", shell_complete=collection_ids)
@click.argument("items", nargs=-1, metavar="[ITEM]...")
@option("--asset KEY", "An asset's key; may be repeated.", name="keys", multiple=True)
@option("--role ROLE", "All assets of a role; may be repeated.", name="roles", multiple=True)
@_options
def item(**given: Any) -> None:
    """Download assets of items: all of them, or those of a key or a role.

    Without an ITEM it is the collection's own assets. Works with sources of every kind.
    """
    from ..transfers.downloading import download_item_assets

    download_item_assets(**given)


@download_command.command(
    "dataset", cls=Command, epilog=DATASET_EPILOG, short_help="Download a dataset, whole or in part."
)
@click.argument("dataset", shell_complete=dataset_ids)
@_ways
@_selection
@output_option
@option(
    "--asset-output-dir DIR",
    "Where the assets go, apart from the catalog.",
    name="assets",
    type=click.Path(file_okay=False, path_type=Path),
)
@if_exists_option
@patience_option
@progress_options
@_engine
@option("--dry-run", "Only show how many files and bytes it would be.")
@json_option
@connection_options
def dataset(**given: Any) -> None:
    """Download a dataset by its ID or DOI: its catalog and the assets of its items, or a part of them.

    Of a STAC API or a static catalog DATASET is a collection; with --collection it is a name of your own for
    what is downloaded of those collections together.
    """
    from ..transfers.dataset_download import download_dataset

    download_dataset(**given)
