"""`mlhub-tui download dataset`: a dataset, whole or in part, and a dry run of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import EntityDoesNotExist, InvalidSearch, NotOffered
from ..text import one_line, size
from .completion import collection_ids, dataset_ids
from .connection import Choice, credentials, opened, output_place
from .failures import end
from .options import (
    Command,
    all_of,
    connection_options,
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
    from ..options import ClusterConfig
    from ..planning.filters import Filters
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
        f"The cluster's scheduler, as tcp://10.0.0.1:8786.  [default: {_ADDRESS}, else a cluster is made"
        " on this machine]",
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
def dataset(dry_run: bool, as_json: bool, **given: Any) -> None:
    """Download a dataset by its ID or DOI: its catalog and the assets of its items, or a part of them.

    Of a STAC API or a static catalog DATASET is a collection; with --collection it is a name of your own for
    what is downloaded of those collections together.
    """
    import asyncio

    if as_json and not dry_run:
        raise click.UsageError("--json belongs to --dry-run")
    asked = _Asked(given)

    async def work(found: Credentials) -> int:
        async with opened(found) as source:
            if dry_run:
                await _DryRun(asked, as_json).print(source, found)
                return 0
            requests = await asked.requests(source, found)
        from .queue_run import transfer

        return await transfer(requests, found)

    with credentials(asked.choice, key_needed=True) as found:
        code = asyncio.run(work(found))
    end(code)


class _Asked:
    """What one command asks for, checked before anything is requested."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.choice, self.place = Choice.made(), output_place()
        self.dataset: str = given["dataset"]
        self.way: str | None = given["way"]
        self.assets: Path | None = given["assets"]
        self.if_exists: str = given["if_exists"]
        self.cluster = cluster_of(
            given["engine"], given["scheduler"], given["workers"], given["connections"], self.choice
        )
        self.filters = _filters(given)
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

        Raises
        ------
        EntityDoesNotExist
            If there is no such dataset or collection, or no catalog of it.
        NotOffered
            If archives are asked of a source that has none.
        """
        from ..options import IfExists
        from ..planning.requests import SAMPLE, ArchiveRequest

        identity, collections = await self.known(source)
        if not await self.by_archives(source, identity):
            return [self.request(source, found, identity)]
        if isinstance(self.place, str) or self.cluster is not None:
            words = "archives come to a folder of this machine"
            raise NotOffered(words, hint="leave out --engine and the URL")
        root, exists = SAMPLE if self.choice.sample else found.root_url, IfExists(self.if_exists)
        return [
            ArchiveRequest(root, found.profile, name, self.place, exists, title=f"{identity}: {name}")
            for name in collections
        ]

    async def known(self, source: Source) -> tuple[str, tuple[str, ...]]:
        """Return the dataset's id, and those of its collections that are wanted."""
        from ..auth import Kind

        wanted = [name for name, _ in self.filters.collections]
        if source.kind is not Kind.MLHUB:
            return self.dataset, tuple(wanted) or (self.dataset,)
        document = await source.dataset(self.dataset)
        names = tuple(ref.id for ref in document.collections)
        for name in wanted:
            if name not in names:
                words = f"dataset {one_line(document.id, 80)} has no collection {one_line(name, 80)!r}"
                others = ", ".join(one_line(other, 80) for other in names)
                raise EntityDoesNotExist(words, hint=f"there are: {others}" if names else "it has none")
        return document.id, tuple(name for name in names if self.filters.wants(name))

    async def by_archives(self, source: Source, identity: str) -> bool:
        """Return whether archives are to be downloaded: where they are asked for, or there is no catalog."""
        from ..auth import Kind

        if source.kind is not Kind.MLHUB:
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

    def request(self, source: Source, found: Credentials, identity: str) -> DatasetRequest:
        """Return the request for its assets."""
        from ..options import IfExists
        from ..planning.requests import SAMPLE, dataset_request

        url = self.place if isinstance(self.place, str) else ""
        return dataset_request(
            identity,
            Path() if url else Path(self.place),
            self.filters,
            source=SAMPLE if self.choice.sample else found.root_url,
            profile=found.profile,
            kind=source.kind,
            assets=self.assets,
            collections=tuple(name for name, _ in self.filters.collections),
            if_exists=IfExists(self.if_exists),
            cluster=self.cluster,
            url=url,
        )


def cluster_of(
    engine: str, scheduler: str | None, workers: int | None, connections: int | None, choice: Choice
) -> ClusterConfig | None:
    """Return the cluster that the options say; None for this program alone.

    Raises
    ------
    click.UsageError
        If options do not go together.
    NotInstalled, DownloadError
        If a cluster is asked for and what it needs is not there, or its address is none.
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
    from ..cluster.dask_client import check_scheduler
    from ..options import ClusterConfig

    found = scheduler or ("" if workers else os.environ.get(_ADDRESS, ""))
    cluster = ClusterConfig(found.strip(), workers, connections)
    check_scheduler(cluster)
    return cluster


def _filters(given: Mapping[str, Any]) -> Filters:
    """Return the filters that the options say.

    Raises
    ------
    InvalidSearch
        If a box, a file, a time or a collection cannot be understood, or a box and a file are both given.
    NoShapely
        If the exact test is asked for, and shapely is not there.
    """
    from ..models.area import parse_bbox, read_geometry
    from ..models.when import parse_span
    from ..planning.filters import Filters

    box, file, when = given["bbox"], given["intersects"], given["when"]
    if box is not None and file is not None:
        words = "--bbox and --intersects are both given: a download takes a box or a geometry"
        raise InvalidSearch(words, hint="leave one of them out")
    found = Filters(
        _wanted_keys(given["collections"]),
        None if box is None else parse_bbox(box),
        None if file is None else read_geometry(file),
        given["exact"],
        None if when is None else parse_span(when),
        given["catalog_only"],
    )
    if found.exact:
        from ..planning.filters import check_shapely

        check_shapely()
    return found


def _wanted_keys(given: Iterable[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the collections that were given, each with its asset keys; what is given twice is added up.

    Raises
    ------
    InvalidSearch
        If one has no name, or no key after its `=`.
    """
    wanted: dict[str, frozenset[str]] = {}
    for text in given:
        name, sign, typed = text.partition("=")
        keys = frozenset(filter(None, (key.strip() for key in typed.split(","))))
        name = name.strip()
        if not name or (sign and not keys):
            words = f"--collection {one_line(text, 60)!r} names no {'asset key' if name else 'collection'}"
            raise InvalidSearch(words, hint="give a collection, or COLLECTION=KEY,KEY")
        before = wanted.get(name)
        # The collection as a whole is more than some keys of it.
        wanted[name] = keys if before is None else frozenset() if not (keys and before) else before | keys
    return tuple(wanted.items())


class _DryRun:
    """Prints what a download would be, as a table or as JSON; nothing but the cache is written."""

    def __init__(self, asked: _Asked, as_json: bool) -> None:
        self._asked, self._as_json = asked, as_json

    async def print(self, source: Source, found: Credentials) -> None:
        """Print files and bytes by collection and asset key."""
        from ..auth import Kind

        identity, collections = await self._asked.known(source)
        if await self._asked.by_archives(source, identity):
            await self._print_archives(source, identity, collections)
        elif self._asked.filters.catalog_only:
            info = await source.catalog_info(identity) if source.kind is Kind.MLHUB else None
            catalog = info.stac_catalog_size if info is not None else None
            if self._as_json:
                print_json(_document(0, 0, {}) | {"catalog_bytes": catalog})
            else:
                known = "of unknown size" if catalog is None else size(catalog)
                click.echo(f"the catalog alone, {known}: no assets")
        else:
            await self._print_assets(source, found, identity)

    async def _print_assets(self, source: Source, found: Credentials, identity: str) -> None:
        from ..planning.dataset_plan import plan_dataset
        from ..planning.requests import CHOOSE_KEYS
        from ..planning.selection import count_files, notes
        from ..queue.run_job import job_context
        from .progress import StatusLine

        filters, status = self._asked.filters, StatusLine()
        try:
            index = await plan_dataset(
                self._asked.request(source, found, identity), source, job_context, status
            )
        finally:
            status.clear()
        with index:
            counts = count_files(index, filters)
            unknown = index.unknown_keys(filters.collections)
            if unknown and counts.empty:
                raise InvalidSearch("; ".join(unknown), hint=CHOOSE_KEYS)
            if counts.empty and not counts.paid:
                note("nothing matches: widen the area or the time, or choose others")
            known = notes(counts, by_time=filters.when is not None, by_place=filters.by_place)
            for line in (*unknown, *known, *index.facts["notes"]):
                note(line)
        if self._as_json:
            print_json(counts.to_json())
            return
        rows: list[tuple[object, ...]] = []
        for name, amount in counts.collections.items():
            rows.append((name, "", amount.files, _size(amount)))
            parts = [(key, part) for (of, key), part in counts.keys.items() if of == name]
            rows += [("", key, part.files, _size(part)) for key, part in parts]
        print_table(_HEADERS, [*rows, ("all", "", counts.all.files, _size(counts.all))])

    async def _print_archives(self, source: Source, identity: str, names: Sequence[str]) -> None:
        from ..planning.dataset_plan import costs

        found = await costs(source, identity, names)
        for name in found.missing:
            note(f"{one_line(name, 80)} has no archive")
        if self._as_json:
            parts = {name: {"files": 1, "bytes": known} for name, known in found.archives.items()}
            print_json(_document(len(found.archives), found.archives_size, parts))
            return
        rows: list[tuple[object, ...]] = [
            (name, "", 1, size(known)) for name, known in found.archives.items()
        ]
        print_table(_HEADERS, [*rows, ("all", "", len(found.archives), size(found.archives_known))])


def _document(files: int, known: int | None, collections: dict[str, Any]) -> dict[str, Any]:
    return {"files": files, "bytes": known, "collections": collections, "asset_keys": {}}


def _size(amount: Amount) -> str:
    if amount.bytes is not None:
        return size(amount.bytes)
    return f"{size(amount.known)} or more" if amount.known else "not stated"
