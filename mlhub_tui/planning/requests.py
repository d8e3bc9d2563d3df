"""Requests for downloads: an archive, an asset, or a dataset; what the queue saves and a job runs."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import fileio, output, paths
from ..auth.location import Kind
from ..errors import OutputFolderError
from ..options import ClusterConfig, IfExists
from ..text import file_name
from .filters import Filters
from .layout import component

CHOOSE_KEYS = "choose from these asset keys"
"""The hint of a dataset's job that asks for asset keys that do not exist: a mistake of usage."""
SAMPLE = "sample"
"""The `source` of jobs that belong to the built-in sample catalog, whose port differs at each start."""


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """The archive of a collection, to a folder."""

    source: str  # root URL of the API, or `SAMPLE`
    profile: str | None  # whose key is used, never a key; None for the one in use when the job runs
    collection_id: str  # as received
    folder: Path  # absolute
    if_exists: IfExists = IfExists.RESUME
    title: str = ""
    size: int | None = None  # bytes, where the API told it

    @property
    def name(self) -> str:
        """The file's name in the folder."""
        return archive_name(self.collection_id)

    @property
    def kind(self) -> Kind:
        """The source's kind: only MLHub APIs have archives."""
        return Kind.MLHUB


@dataclass(frozen=True, slots=True)
class AssetRequest:
    """An asset of an item or of a collection, from a source of any kind, to a file."""

    source: str  # `Source.root_url`, or `SAMPLE`
    profile: str | None
    collection_id: str  # as received; may be empty
    folder: Path  # absolute
    name: str  # the file's path in it, parts separated by `/`, safe for any id
    item_id: str  # as received; empty for an asset of the collection itself
    key: str  # as received
    href: str = ""  # absolute, without secrets; empty where it is signed for a short time: it is looked up
    document_url: str = ""  # of the item; empty where the source finds it by its id
    kind: Kind = Kind.MLHUB
    if_exists: IfExists = IfExists.RESUME
    title: str = ""
    size: int | None = None  # bytes, where `file:size` told it
    checksum: str = ""  # `file:checksum` as received
    page: bool = False  # whether it is a web page, so that one may arrive
    licence: str = field(default="", compare=False)  # what was known of it when it was queued

    @property
    def identity(self) -> tuple[str, ...]:
        """What identifies an asset, however its address changes."""
        return (self.source, self.collection_id, self.item_id, self.key, self.document_url)

    @property
    def of_model(self) -> bool:
        """Whether `item_id` is the id of a model, which an MLHub API has beside its collections."""
        return self.kind is Kind.MLHUB and not self.collection_id


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """A dataset, whole or in part: its catalog, and the assets of its items that filters leave."""

    source: str  # `Source.root_url`, or `SAMPLE`
    profile: str | None
    dataset_id: str  # as received; of other sources, what the collections are called together
    folder: Path  # absolute: of the catalog, and of the assets where they have none of their own
    filters: Filters
    request_id: str  # begins with its day; a request that was begun is resumed, a new one checks everything
    assets: Path | None = None  # absolute folder of the assets, where it is another one
    collections: tuple[str, ...] = ()  # to read, of a STAC API or a static catalog
    kind: Kind = Kind.MLHUB
    if_exists: IfExists = IfExists.RESUME
    title: str = ""
    size: int | None = None  # bytes, where they are known before anything is read
    cluster: ClusterConfig | None = None  # whose workers fetch the files; None for this program alone
    url: str = ""  # fsspec URL of the output, without credentials; then `folder` is for temporary files
    licence: str = field(default="", compare=False)  # what was known of it when it was queued

    @property
    def name(self) -> str:
        """The name of the dataset's folders."""
        return component(self.dataset_id)

    @property
    def collection_id(self) -> str:
        """What the queue's list shows where other jobs have a collection."""
        return self.dataset_id

    @property
    def asset_folder(self) -> Path:
        """The folder that the files of the assets are in."""
        return (self.assets or self.folder) / self.name

    @property
    def place(self) -> str:
        """The output folder as people know it: a URL or a path."""
        return self.url or str(self.folder)

    @property
    def asset_place(self) -> str:
        """Where the files of the assets are, likewise."""
        return f"{self.url}/{self.name}" if self.url else str(self.asset_folder)

    @property
    def day(self) -> str:
        """The day of the request, in UTC."""
        return self.request_id[: len("2020-01-01")]

    def to_text(self) -> str:
        """Return what it has beyond an archive's request as JSON in ASCII, which takes any id or path."""
        return json.dumps(
            {
                "filters": self.filters.to_json(),
                "stamp": self.request_id,
                "assets": None if self.assets is None else str(self.assets),
                "collections": self.collections,
                "kind": self.kind,
                "cluster": None if self.cluster is None else asdict(self.cluster),
                "url": self.url,
                "licence": self.licence,
            }
        )

    @classmethod
    def from_text(cls, text: str, shared: dict[str, Any]) -> DatasetRequest:
        """Return what `to_text` wrote, of this version or since 0.1.0, with the fields all requests have."""
        found = json.loads(text)
        cluster = found.get("cluster")
        return cls(
            **shared,
            filters=Filters.from_json(found["filters"]),
            request_id=found["stamp"],
            assets=None if found["assets"] is None else Path(found["assets"]),
            collections=tuple(found["collections"]),
            kind=Kind(found["kind"]),
            cluster=cluster
            and ClusterConfig(cluster["scheduler"], cluster["workers"], cluster["connections"]),
            url=found.get("url", ""),
            licence=found.get("licence", ""),
        )


DownloadRequest = ArchiveRequest | AssetRequest | DatasetRequest
"""What a job is for."""


def archive_name(collection_id: str) -> str:
    """Return the file name of a collection's archive: `<collection id>.tar.gz`, safe for any id."""
    return f"{file_name(collection_id)}.tar.gz"


def dataset_request(
    dataset_id: str,
    folder: Path,
    filters: Filters | None = None,
    *,
    source: str,
    profile: str | None = None,
    kind: Kind = Kind.MLHUB,
    assets: Path | None = None,
    collections: Sequence[str] = (),
    if_exists: IfExists = IfExists.RESUME,
    title: str = "",
    cluster: ClusterConfig | None = None,
    url: str = "",
    licence: str = "",
) -> DatasetRequest:
    """Return a new request for a dataset; the parameters are those of `DatasetRequest`.

    With a `url` the folder is ignored, and the assets have none of their own.

    Raises OutputFolderError if a folder is in the home of nobody, a URL cannot be written to (see
    `output.parse`), or there is no cluster to write to it.
    """
    if url:
        found, url = output.parse(url)
        # Else what this machine needs while it sends the dataset is in a folder of its own.
        folder = found or paths.work() / "cluster" / hashlib.sha256(url.encode()).hexdigest()[:24]
    if url and cluster is None:
        raise OutputFolderError(
            f"{url} is written to by the workers of a cluster",
            hint="add --engine dask: without --scheduler it makes a cluster on this machine",
        )
    if url and assets is not None:
        words = "with an output URL the assets have no folder of their own"
        raise OutputFolderError(words, hint="leave it out")
    separate = None if assets is None else fileio.absolute(assets)
    out = fileio.absolute(folder)
    return DatasetRequest(
        source=source,
        profile=profile,
        dataset_id=dataset_id,
        folder=out,
        filters=filters or Filters(),
        request_id=f"{time.strftime('%Y-%m-%d', time.gmtime())} {os.urandom(16).hex()}",
        assets=None if separate == out else separate,
        collections=() if kind is Kind.MLHUB else tuple(collections) or (dataset_id,),
        kind=kind,
        if_exists=if_exists,
        title=title or dataset_id,
        cluster=cluster,
        url=url,
        licence=licence,
    )
