"""Requests for downloads: an archive, an asset, or a dataset; what the queue keeps and a job runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..auth.kind import Kind
from ..options import ClusterConfig, IfExists
from ..text import file_name
from .filters import Filters
from .layout import component

SAMPLE = "sample"
"""The `source` of jobs that belong to the built-in sample catalogue, whose port differs at each start."""


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """A wish: the archive of a collection, to a folder.

    Parameters
    ----------
    source
        The root URL of the API, or `SAMPLE`.
    profile
        The profile whose key is to be used; None for the key in use when the job runs. Never a key.
    collection_id
        The collection, as received.
    folder
        Absolute output folder.
    if_exists
        What to do with a file that is there.
    title
        What the user knows it as.
    size
        Bytes, where `archive/{id}/info` told it.
    """

    source: str
    profile: str | None
    collection_id: str
    folder: Path
    if_exists: IfExists = IfExists.RESUME
    title: str = ""
    size: int | None = None

    @property
    def name(self) -> str:
        """The file's name in the folder."""
        return archive_name(self.collection_id)

    @property
    def kind(self) -> Kind:
        """What the source speaks: only MLHub APIs have archives."""
        return Kind.MLHUB


@dataclass(frozen=True, slots=True)
class AssetRequest:
    """A wish: an asset of an item or of a collection, from a source of any kind, to a file.

    Parameters
    ----------
    source
        The source's location (`Source.root_url`), or `SAMPLE`.
    profile
        The profile whose secret is to be used; None for the one in use when the job runs.
    collection_id
        The collection, as received; may be empty.
    folder
        Absolute output folder.
    name
        The file's path in it, with `/`, safe for any id.
    item_id
        The item, as received; empty for an asset of the collection itself.
    key
        The asset's key, as received.
    href
        The asset's address when it was queued, absolute, without secrets; empty where it has to be looked up
        first, because it is signed for a short time.
    document_url
        Where the document of the item is; empty where the source finds it by its id.
    kind
        What the source speaks.
    if_exists
        What to do with a file that is there.
    title
        What the user knows it as.
    size
        Bytes, where `file:size` told it.
    checksum
        `file:checksum` as received.
    page
        Whether the asset is a web page, so that a web page may arrive.
    """

    source: str
    profile: str | None
    collection_id: str
    folder: Path
    name: str
    item_id: str
    key: str
    href: str = ""
    document_url: str = ""
    kind: Kind = Kind.MLHUB
    if_exists: IfExists = IfExists.RESUME
    title: str = ""
    size: int | None = None
    checksum: str = ""
    page: bool = False

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells an asset from others, however its address changes."""
        return (self.source, self.collection_id, self.item_id, self.key, self.document_url)


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """A wish: a dataset, whole or in part: its catalog, and the assets of its items that filters leave.

    Parameters
    ----------
    source
        The source's location (`Source.root_url`), or `SAMPLE`.
    profile
        The profile whose secret is to be used; None for the one in use when the job runs.
    dataset_id
        The dataset, as received; of a STAC API or a static catalog, what its collections are called together.
    folder
        Absolute output folder: of the catalog, and of the assets where they have none of their own.
    filters
        What of it is wanted.
    stamp
        Tells this wish from earlier ones for the same folder, beginning with its day (see `new_stamp`): a
        wish that was begun is gone on with, a new one looks at everything again.
    assets
        Absolute folder of the assets, where it is another one.
    collections
        The collections to read, of a STAC API or a static catalog; of a dataset all are in its catalog.
    kind
        What the source speaks.
    if_exists
        What to do with files that are there.
    title
        What the user knows it as.
    size
        Bytes, where somebody knows them before anything is read.
    cluster
        The cluster whose workers fetch the files; None for this program alone.
    url
        The fsspec URL of the output folder, without credentials, where it is no path; then `folder` is where
        this machine keeps what it needs meanwhile.
    """

    source: str
    profile: str | None
    dataset_id: str
    folder: Path
    filters: Filters
    stamp: str
    assets: Path | None = None
    collections: tuple[str, ...] = ()
    kind: Kind = Kind.MLHUB
    if_exists: IfExists = IfExists.RESUME
    title: str = ""
    size: int | None = None
    cluster: ClusterConfig | None = None
    url: str = ""

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


DownloadRequest = ArchiveRequest | AssetRequest | DatasetRequest
"""What a job is for."""


def archive_name(collection_id: str) -> str:
    """Return the file name of a collection's archive: `<collection id>.tar.gz`, safe for any id."""
    return f"{file_name(collection_id)}.tar.gz"
