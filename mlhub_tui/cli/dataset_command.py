"""A dataset's download as a command asks for it: what is chosen, and the requests to queue for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..auth import Kind
from ..errors import EntityDoesNotExist, NotOffered
from ..options import IfExists
from ..planning.requests import SAMPLE, ArchiveRequest, DatasetRequest, DownloadRequest
from ..text import one_line

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..options import ClusterConfig
    from ..planning.filters import Filters
    from ..sources.base import Source


@dataclass(frozen=True, slots=True)
class DatasetCommand:
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
            refuse_selection(self.filters, self.assets)
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


def refuse_selection(filters: Filters, assets: Path | None) -> None:
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
