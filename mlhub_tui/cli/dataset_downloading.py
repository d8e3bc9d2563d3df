"""`mlhub-tui download dataset`: a dataset, whole or in part, through the engine of the app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import IfExists
from .connect import credentials, show_waits
from .dataset_command import DatasetCommand, refuse_selection
from .dataset_options import filters_of, selection_options
from .engine_options import cluster_of, engine_options
from .options import (
    Choice,
    Command,
    connection_options,
    if_exists_option,
    output_option,
    output_place,
    patience_option,
)

if TYPE_CHECKING:
    from ..auth import Credentials

EPILOG = """\b
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


@click.command("dataset", cls=Command, epilog=EPILOG, short_help="Download a dataset, whole or in part.")
@click.argument("dataset")
@click.option("--archives", "way", flag_value="archives", help="The archives of its collections.")
@click.option(
    "--assets",
    "way",
    flag_value="assets",
    help="Its catalog, and the assets of its items.  [default, where it has a catalog]",
)
@selection_options
@output_option
@click.option(
    "--asset-output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the assets go, apart from the catalog.",
)
@if_exists_option
@patience_option
@engine_options
@click.option("--dry-run", is_flag=True, help="Only say how many files and bytes it would be.")
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object; with --dry-run.")
@connection_options
@click.pass_context
def dataset(
    context: click.Context,
    /,
    dataset: str,
    way: str | None,
    asset_output_dir: Path | None,
    if_exists: str,
    engine: str,
    scheduler: str | None,
    workers: int | None,
    connections: int | None,
    dry_run: bool,
    as_json: bool,
    **selection: Any,
) -> None:
    """Download a dataset by its ID or DOI: its catalog and the assets of its items, or a part of them.

    Of a STAC API or a static catalog DATASET is a collection; with --collection it is a name of your own for
    what is downloaded of those collections together.
    """
    import asyncio

    if as_json and not dry_run:
        raise click.UsageError("--json belongs to --dry-run")
    choice, place = Choice.of(context), output_place(context)
    cluster = cluster_of(engine, scheduler, workers, connections, choice)
    filters = filters_of(**selection)
    if way == "archives":
        refuse_selection(filters, asset_output_dir)
        if cluster is not None:
            raise click.UsageError(
                "archives are fetched by this program: leave out --engine, or use --assets"
            )
    with credentials(choice, key_needed=True) as found:
        command = DatasetCommand(
            dataset,
            way,
            filters,
            place,
            asset_output_dir,
            IfExists(if_exists),
            choice.sample,
            as_json,
            cluster,
        )
        code = asyncio.run(_work(command, found, dry_run=dry_run))
    if code:
        raise click.exceptions.Exit(code)


async def _work(command: DatasetCommand, found: Credentials, *, dry_run: bool) -> int:
    from ..sources.open_source import open_source
    from ..sources.probe import with_kind

    found = await with_kind(found)
    source = open_source(found)
    show_waits(source)
    try:
        if dry_run:
            from .dataset_plan import show_plan

            return await show_plan(command, source, found)
        requests = await command.requests(source, found)
    finally:
        await source.aclose()
    from .transfers import transfer

    return await transfer(requests, found)
