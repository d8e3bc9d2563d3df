"""`mlhub-tui download dataset`: a dataset, whole or in part, and a dry run of it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import auth, models, planning, queue  # their modules are loaded when they are used
from ..errors import EntityDoesNotExist, InvalidSearch, MLHubException, NotOffered
from ..text import one_line, size
from .connection import Choice, credentials, opened, output_place, request_source, run, run_async
from .failures import FAILED, end
from .options import (
    Command,
    all_of,
    area_options,
    collection_ids,
    connection_options,
    dataset_ids,
    filled,
    if_exists_option,
    json_option,
    option,
    output_option,
    patience_option,
    progress_options,
)
from .printing import note, print_json, print_table

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..options import ClusterConfig, IfExists
    from ..planning.requests import DatasetRequest, DownloadRequest
    from ..planning.selection import Amount
    from ..sources.base import Source

_ADDRESS = "DASK_SCHEDULER_ADDRESS"
_HEADERS = ("COLLECTION", "ASSET", "FILES", "SIZE")
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
    area_options,
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
        f"The cluster's scheduler, as tcp://10.0.0.1:8786.  [default: {_ADDRESS}, else a cluster is made"
        " on this machine]",
        callback=filled,
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


@click.command("dataset", cls=Command, epilog=EPILOG, short_help="Download a dataset, whole or in part.")
@click.argument("dataset", shell_complete=dataset_ids, callback=filled)
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
def dataset(dry_run: bool, as_json: bool, **given: Any) -> None:
    """Download a dataset by its ID or DOI: its catalog and the assets of its items, or a part of them.

    Of a STAC API or a static catalog DATASET is a collection; with --collection it is a name of your own for
    what is downloaded of those collections together.
    """
    if as_json and not dry_run:
        raise click.UsageError("--json belongs to --dry-run")
    wanted = _Wanted(given)

    async def plan(found: Credentials) -> Sequence[DownloadRequest]:
        async with opened(found) as source:
            return await wanted.requests(source, found)

    if dry_run:
        run(lambda source, found: _DryRun(wanted, as_json).print(source, found), key_needed=True)
    else:
        end(download(plan))


def download(plan: Callable[[Credentials], Awaitable[Sequence[DownloadRequest]]]) -> int:
    """Fetch what is planned with the chosen credentials, and return the exit code."""

    async def work(found: Credentials) -> int:
        if requests := await plan(found):
            from .queue_run import transfer  # with the engine: not for a help page

            return await transfer(requests, found)
        click.echo("nothing to download", err=True)
        return FAILED

    with credentials(Choice.made(), key_needed=True) as found:
        return run_async(work, found)


class _Wanted:
    """What one command requests, checked before anything is asked of the source."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.place = output_place()
        self.dataset: str = given["dataset"]
        self.way: str | None = given["way"]
        self.assets: Path | None = given["assets"]
        self.if_exists: IfExists = given["if_exists"]
        self.cluster = cluster_of(
            given["engine"], given["scheduler"], given["workers"], given["connections"], Choice.made()
        )
        self.filters = planning.filters.Filters(
            _wanted_keys(given["collections"]),
            given["bbox"],
            given["intersects"],
            given["exact"],
            None if given["when"] is None else models.parse_span(given["when"]),
            given["catalog_only"],
        )
        if self.filters.exact:
            planning.filters.check_shapely()
        if self.way == "archives":
            if named := self.narrowing():
                raise click.UsageError(f"archives come whole: leave out {named}, or use --assets")
            if self.cluster is not None:
                words = "archives are fetched by this program: leave out --engine, or use --assets"
                raise click.UsageError(words)

    def narrowing(self) -> str:
        """Return the options that are given and that archives cannot be chosen by."""
        given = {
            "asset keys": any(keys for _, keys in self.filters.collections),
            "--bbox": self.filters.bbox,
            "--intersects": self.filters.intersects,
            "--datetime": self.filters.when,
            "--exact": self.filters.exact,
            "--catalog-only": self.filters.catalog_only,
            "--asset-output-dir": self.assets,
        }
        return ", ".join(name for name, value in given.items() if value)

    async def requests(self, source: Source, found: Credentials) -> Sequence[DownloadRequest]:
        """Return what is to be queued: a job for the dataset, or one for each archive.

        Raises EntityDoesNotExist if there is no such dataset or collection, or no catalog of it. Raises
        NotOffered if archives are asked of a source that has none.
        """
        identity, collections = await self.known(source)
        if not await self.by_archives(source, identity):
            return [self.request(source, found, identity, collections)]
        if isinstance(self.place, str) or self.cluster is not None:
            words = "archives come to a folder of this machine"
            raise NotOffered(words, hint="leave out --engine and the URL")
        make, root = planning.requests.ArchiveRequest, request_source(found)
        return [
            make(root, found.profile, name, self.place, self.if_exists, title=f"{identity}: {name}")
            for name in collections
        ]

    async def known(self, source: Source) -> tuple[str, tuple[str, ...]]:
        """Return the dataset's id, and those of its collections that are wanted."""
        if source.kind is not auth.Kind.MLHUB:
            return await self._named(source)
        wanted = [name for name, _ in self.filters.collections]
        document = await source.dataset(self.dataset)
        names = tuple(ref.id for ref in document.collections)
        for name in wanted:
            if name not in names:
                words = f"dataset {one_line(document.id, 80)} has no collection {one_line(name, 80)!r}"
                others = ", ".join(one_line(other, 80) for other in names)
                raise EntityDoesNotExist(words, hint=f"there are: {others}" if names else "it has none")
        return document.id, tuple(name for name in names if self.filters.wants(name))

    async def _named(self, source: Source) -> tuple[str, tuple[str, ...]]:
        """Return the name of what is downloaded together, and what names its collections for good.

        The filters name them so from now on.
        """
        if not self.filters.collections:
            identity, place = await source.collection_named(self.dataset)
            return identity, (place,)
        wanted: dict[str, frozenset[str]] = {}
        for name, keys in self.filters.collections:
            _, place = await source.collection_named(name)
            wanted[place] = planning.filters.added_keys(keys, wanted.get(place, keys))
        self.filters = replace(self.filters, collections=tuple(wanted.items()), as_listed=True)
        return self.dataset, tuple(wanted)

    async def by_archives(self, source: Source, identity: str) -> bool:
        """Return whether archives are to be downloaded: where they are requested, or there is no catalog."""
        if source.kind is not auth.Kind.MLHUB:
            if self.way == "archives":
                words = "only MLHub APIs have archives"
                raise NotOffered(words, hint="leave out --archives: the assets come")
            return False
        if self.way is not None:
            return self.way == "archives"
        try:
            await source.catalog_info(identity)
        except EntityDoesNotExist as error:
            if self.narrowing():
                hint = "without options for a part of it, its archives are downloaded"
                raise EntityDoesNotExist(error.message, hint=hint) from error
            note(f"{one_line(error.message)}: its archives are downloaded")
            return True
        return False

    def request(
        self, source: Source, found: Credentials, identity: str, collections: Sequence[str]
    ) -> DatasetRequest:
        """Return the request for the assets of its collections."""
        url = self.place if isinstance(self.place, str) else ""
        return planning.requests.dataset_request(
            identity,
            Path() if url else Path(self.place),
            self.filters,
            source=request_source(found),
            profile=found.profile,
            kind=source.kind,
            assets=self.assets,
            collections=collections,
            if_exists=self.if_exists,
            cluster=self.cluster,
            url=url,
        )


def cluster_of(
    engine: str, scheduler: str | None, workers: int | None, connections: int | None, choice: Choice
) -> ClusterConfig | None:
    """Return the cluster that the options say; None for this program alone.

    Raises click.UsageError if options do not go together. Raises NotInstalled, DownloadError if a cluster is
    asked for and what it needs is not there, or its address is none.
    """
    given = {"--scheduler": scheduler, "--workers": workers, "--connections": connections}
    if engine == "local":
        if named := ", ".join(name for name, value in given.items() if value is not None):
            raise click.UsageError(f"{named}: only with --engine dask")
        return None
    if scheduler and workers:
        raise click.UsageError("--workers is for a cluster on this machine; leave it out, or --scheduler")
    if choice.api_key:
        words = "set MLHUB_API_KEY in their environment, or give them a profile"
        raise click.UsageError(f"--api-key does not reach the workers: {words}")
    from ..cluster.dask_client import check_scheduler  # for a cluster alone
    from ..options import ClusterConfig

    found = scheduler or ("" if workers else os.environ.get(_ADDRESS, ""))
    cluster = ClusterConfig(found.strip(), workers, connections)
    check_scheduler(cluster)
    return cluster


def _wanted_keys(given: Iterable[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the collections that were given, each with its asset keys; what is given twice is added up.

    Raises InvalidSearch if one has no name, or no key after its `=`.
    """
    wanted: dict[str, frozenset[str]] = {}
    for text in given:
        name, sign, typed = text.partition("=")
        keys = frozenset(filter(None, (key.strip() for key in typed.split(","))))
        name = name.strip()
        if not name or (sign and not keys):
            words = f"--collection {one_line(text, 60)!r} names no {'asset key' if name else 'collection'}"
            raise InvalidSearch(words, hint="give a collection, or COLLECTION=KEY,KEY")
        wanted[name] = planning.filters.added_keys(keys, wanted.get(name, keys))
    return tuple(wanted.items())


class _DryRun:
    """Prints what a download would be, as a table or as JSON; nothing but the cache is written."""

    def __init__(self, wanted: _Wanted, as_json: bool) -> None:
        self._wanted, self._as_json = wanted, as_json

    async def print(self, source: Source, found: Credentials) -> None:
        """Print files and bytes by collection and asset key."""
        identity, collections = await self._wanted.known(source)
        if await self._wanted.by_archives(source, identity):
            costs = await planning.dataset_plan.costs(source, identity, collections)
            for name in costs.missing:
                note(f"{one_line(name, 80)} has no archive")
            parts = {name: {"files": 1, "bytes": known} for name, known in costs.archives.items()}
            document = self._document(len(parts), costs.archives_size, parts)
            rows = [(name, "", 1, size(known)) for name, known in costs.archives.items()]
            self._print(document, rows, len(parts), size(costs.archives_known))
        elif self._wanted.filters.catalog_only:
            info = await source.catalog_info(identity) if source.kind is auth.Kind.MLHUB else None
            catalog = info.stac_catalog_size if info is not None else None
            if self._as_json:
                print_json(self._document(0, 0, {}) | {"catalog_bytes": catalog})
            else:
                known = "of unknown size" if catalog is None else size(catalog)
                click.echo(f"the catalog alone, {known}: no assets")
        else:
            await self._print_assets(source, self._wanted.request(source, found, identity, collections))

    async def _print_assets(self, source: Source, request: DatasetRequest) -> None:
        from .progress import StatusLine  # not for a help page

        filters, status, selection = self._wanted.filters, StatusLine(), planning.selection
        try:
            plan, context = planning.dataset_plan.plan_dataset, queue.run_job.job_context
            index = await plan(request, source, context, status)
        finally:
            status.clear()
        with index:
            counts = selection.count_files(index, filters)
            unknown = index.unknown_keys(filters)
            if selection.lacks_keys(counts, filters, unknown):
                raise InvalidSearch("; ".join(unknown), hint=planning.requests.CHOOSE_KEYS)
            if counts.empty and not counts.paid:
                words = "nothing matches: widen the area or the time, or choose others"
                note(words if filters.selects_items else planning.dataset_job.no_assets(request))
            known = selection.notes(counts, by_time=filters.when is not None, by_place=filters.by_place)
            for line in (*unknown, *known, *index.facts["notes"]):
                note(line)
        rows: list[tuple[object, ...]] = []
        for name, amount in counts.collections.items():
            rows.append((name, "", amount.files, _size(amount)))
            parts = [(key, part) for (of, key), part in counts.keys.items() if of == name]
            rows += [("", key, part.files, _size(part)) for key, part in parts]
        self._print(counts.to_json(), rows, counts.all.files, _size(counts.all))
        if index.facts.get("incomplete"):
            raise MLHubException(
                "not all could be listed: the numbers are of what could",
                hint="repeat it later: what could not be listed is requested again then",
            )

    def _print(
        self, document: dict[str, Any], rows: Sequence[tuple[object, ...]], files: int, total: str
    ) -> None:
        if self._as_json:
            print_json(document)
        else:
            print_table(_HEADERS, [*rows, ("all", "", files, total)])

    def _document(self, files: int, known: int | None, collections: dict[str, Any]) -> dict[str, Any]:
        return {"files": files, "bytes": known, "collections": collections, "asset_keys": {}}


def _size(amount: Amount) -> str:
    if amount.bytes is not None:
        return size(amount.bytes)
    return f"{size(amount.known)} or more" if amount.known else "not stated"
