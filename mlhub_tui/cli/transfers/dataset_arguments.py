"""What of a dataset a command downloads, and how."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ...auth import Credentials, Kind
from ...errors import EntityDoesNotExist, InvalidSearch, NotOffered
from ...models.area import parse_bbox, read_geometry
from ...models.when import parse_span
from ...options import ClusterConfig, IfExists
from ...planning.filters import Filters, check_shapely
from ...planning.requests import SAMPLE, ArchiveRequest, DatasetRequest, DownloadRequest, dataset_request
from ...sources.base import Source
from ...text import one_line
from ..connection import Choice
from ..output_folder import output_place
from ..printing import note

_ADDRESS = "DASK_SCHEDULER_ADDRESS"


class DatasetArguments:
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
    from ...cluster.dask_client import check_scheduler  # few downloads have a cluster

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
