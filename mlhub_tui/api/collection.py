"""Collections of the Python API: list, fetch, items, archive size, download."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from pathlib import Path

from .. import models
from ..errors import EntityDoesNotExist
from ..models import Item
from ..options import IfExists
from .downloads import Progress, chosen, fetch, folder_of
from .session import Remembering, opened


@dataclass(frozen=True, eq=False, repr=False)
class Collection(Remembering, models.Collection):
    """A STAC collection with its archive.

    Parameters
    ----------
    raw
        The JSON as received.
    api_key, profile
        What it was fetched with; used again by its methods.
    types
        `source_imagery`, `labels` or both, where it was fetched through its dataset.
    """

    types: tuple[str, ...] = ()

    @classmethod
    async def list(
        cls, *, api_key: str | None = None, profile: str | None = None
    ) -> builtins.list[Collection]:
        """Return all collections.

        Examples
        --------
        >>> from mlhub_tui import Collection
        >>> collections = await Collection.list()
        >>> len(collections) >= 90
        True
        """
        async with opened(api_key, profile) as source:
            return [cls(c.raw, api_key, profile) for c in await source.collections()]

    @classmethod
    async def fetch(
        cls, collection_id: str, *, api_key: str | None = None, profile: str | None = None
    ) -> Collection:
        """Return one collection.

        Raises
        ------
        EntityDoesNotExist
            If there is none with this ID.

        Examples
        --------
        >>> from mlhub_tui import Collection
        >>> collection = await Collection.fetch("bigearthnet_v1_source")
        >>> collection.registry_url
        'https://mlhub.earth/10.14279/depositonce-10149'
        >>> collection.id
        'bigearthnet_v1_source'
        """
        async with opened(api_key, profile) as source:
            return cls((await source.collection(collection_id)).raw, api_key, profile)

    async def fetch_item(
        self, item_id: str, *, api_key: str | None = None, profile: str | None = None
    ) -> Item:
        """Return one item of this collection.

        Examples
        --------
        >>> from mlhub_tui import Collection, list_collection_items
        >>> collection = await Collection.fetch("ref_african_crops_kenya_02_source")
        >>> first = [item async for item in list_collection_items(collection.id, limit=1)][0]
        >>> item = await collection.fetch_item(first["id"])
        >>> item.collection_id
        'ref_african_crops_kenya_02_source'
        """
        async with self._opened(api_key, profile) as source:
            return await source.item(self.id, item_id)

    async def archive_size(self) -> int | None:
        """Return the size of the archive in bytes, None where there is no archive.

        Examples
        --------
        >>> from mlhub_tui import Collection
        >>> collection = await Collection.fetch("bigearthnet_v1_labels")
        >>> await collection.archive_size() > 0
        True
        """
        try:
            async with self._opened() as source:
                return (await source.archive_info(self.id)).size
        except EntityDoesNotExist:
            return None

    async def download(
        self,
        output_dir: str | Path | None = None,
        *,
        if_exists: IfExists | str = IfExists.RESUME,
        exist_okay: bool | None = None,
        overwrite: bool | None = None,
        progress: Progress | bool | None = None,
        api_key: str | None = None,
        profile: str | None = None,
    ) -> Path:
        """Download the archive and return its path; see `download_archive`.

        Examples
        --------
        >>> from mlhub_tui import Collection, DownloadIfExistsOpts
        >>> collection = await Collection.fetch("idiv_asia_crop_type_labels")
        >>> path = await collection.download("~/crops", if_exists=DownloadIfExistsOpts.overwrite)
        >>> path.name
        'idiv_asia_crop_type_labels.tar.gz'
        """
        path = folder_of(output_dir) / f"{self.id}.tar.gz"
        choice = chosen(if_exists, exist_okay, overwrite, path)
        async with self._opened(api_key, profile) as source:
            return await fetch(source, self.id, output_dir, choice, progress)
