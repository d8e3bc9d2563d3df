"""`mlhub-tui download dataset`: a dataset, whole or in part, through the engine of the app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..auth import Kind
from ..errors import EntityDoesNotExist, NotOffered
from ..options import IfExists
from ..planning.requests import SAMPLE, ArchiveRequest, DatasetRequest, DownloadRequest
from ..text import one_line
from .connect import credentials, show_waits
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
    from ..options import ClusterConfig
    from ..planning.filters import Filters
    from ..sources.base import Source

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
        _refuse_selection(filters, asset_output_dir)
        if cluster is not None:
            raise click.UsageError(
                "archives are fetched by this program: leave out --engine, or use --assets"
            )
    with credentials(choice, key_needed=True) as found:
        wish = Wish(
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
        code = asyncio.run(_work(wish, found, dry_run=dry_run))
    if code:
        raise click.exceptions.Exit(code)


def _refuse_selection(filters: Filters, assets: Path | None) -> None:
    """Refuse what archives cannot be chosen by."""
    keys = any(keys for _, keys in filters.collections)
    given = {
        "asset keys": keys,
        "--bbox": filters.bbox,
        "--intersects": filters.intersects,
        "--datetime": filters.when,
        "--exact": filters.exact,
        "--catalog-only": filters.catalog_only,
        "--asset-output-dir": assets,
    }
    if chosen := ", ".join(name for name, value in given.items() if value):
        raise click.UsageError(f"archives come whole: leave out {chosen}, or use --assets")


async def _work(wish: Wish, found: Credentials, *, dry_run: bool) -> int:
    from ..sources.open_source import open_source
    from ..sources.probe import with_kind

    found = await with_kind(found)
    source = open_source(found)
    show_waits(source)
    try:
        if dry_run:
            from .dataset_plan import show_plan

            return await show_plan(wish, source, found)
        requests = await wish.requests(source, found)
    finally:
        await source.aclose()
    from .transfers import transfer

    return await transfer(requests, found)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one command asks for."""

    dataset: str
    way: str | None
    filters: Filters
    place: Path | str
    assets: Path | None
    if_exists: IfExists
    sample: bool
    as_json: bool
    cluster: ClusterConfig | None = None

    async def requests(self, source: Source, found: Credentials) -> Sequence[DownloadRequest]:
        """Return what is to be queued: a job for the dataset, or one for each archive.

        Raises
        ------
        EntityDoesNotExist
            If there is no such dataset or collection, or no catalog of it.
        NotOffered
            If archives are asked of a source that has none.
        """
        identity, collections = await self.known(source)
        if await self.by_archives(source, identity):
            return [self._archive(name, identity, found) for name in collections]
        return [self.request(source, found, identity)]

    async def known(self, source: Source) -> tuple[str, tuple[str, ...]]:
        """Return the dataset's id, and those of its collections that are wanted."""
        if source.kind is not Kind.MLHUB:
            names = tuple(name for name, _ in self.filters.collections) or (self.dataset,)
            return self.dataset, names
        document = await source.dataset(self.dataset)
        there = tuple(ref.id for ref in document.collections)
        for name, _ in self.filters.collections:
            if name not in there:
                words = f"dataset {one_line(document.id, 80)} has no collection {one_line(name, 80)!r}"
                others = ", ".join(one_line(other, 80) for other in there)
                raise EntityDoesNotExist(words, hint=f"there are: {others}" if there else "it has none")
        return document.id, tuple(name for name in there if self.filters.wants(name))

    async def by_archives(self, source: Source, identity: str) -> bool:
        """Return whether archives are to be downloaded: where they are asked for, or there is no catalog."""
        if source.kind is not Kind.MLHUB:
            if self.way == "archives":
                raise NotOffered(
                    "only MLHub APIs have archives", hint="leave out --archives: the assets come"
                )
            return False
        if self.way is not None:
            return self.way == "archives"
        try:
            await source.catalog_info(identity)
        except EntityDoesNotExist as error:
            if self.narrows:
                raise EntityDoesNotExist(
                    error.message, hint="without options for a part of it, its archives are downloaded"
                ) from error
            click.echo(f"note: {one_line(error.message)}: its archives are downloaded", err=True)
            return True
        return False

    @property
    def narrows(self) -> bool:
        """Whether more is asked for than archives can be chosen by."""
        try:
            _refuse_selection(self.filters, self.assets)
        except click.UsageError:
            return True
        return False

    def request(self, source: Source, found: Credentials, identity: str) -> DatasetRequest:
        """Return the request for its assets."""
        from ..planning.requests import dataset_request

        url = self.place if isinstance(self.place, str) else ""
        return dataset_request(
            identity,
            Path() if url else Path(self.place),
            self.filters,
            source=SAMPLE if self.sample else found.root_url,
            profile=found.profile,
            kind=source.kind,
            assets=self.assets,
            collections=tuple(name for name, _ in self.filters.collections),
            if_exists=self.if_exists,
            cluster=self.cluster,
            url=url,
        )

    def _archive(self, collection: str, dataset: str, found: Credentials) -> ArchiveRequest:
        if isinstance(self.place, str) or self.cluster is not None:
            raise NotOffered(
                "archives come to a folder of this machine", hint="leave out --engine and the URL"
            )
        return ArchiveRequest(
            source=SAMPLE if self.sample else found.root_url,
            profile=found.profile,
            collection_id=collection,
            folder=self.place,
            if_exists=self.if_exists,
            title=f"{dataset}: {collection}",
        )
