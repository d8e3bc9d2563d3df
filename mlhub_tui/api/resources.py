"""Datasets, collections and ML models of the Python API: list, fetch, items, sizes, download."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import models
from ..concurrency import together
from ..errors import EntityDoesNotExist
from ..models import CatalogInfo, CollectionList, CollectionRef, Item
from ..options import IfExists
from .downloads import Progress, Times, chosen, fetch, fetch_assets, filters_of, folder_of
from .requests import list_datasets
from .session import Remembering, opened

_REQUESTS = 8
_DOWNLOADS = 2


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(Remembering, models.Dataset):
    """A dataset: collections of source imagery and labels that belong together."""

    @classmethod
    async def list(
        cls,
        *,
        tags: str | Iterable[str] | None = None,
        text: str | Iterable[str] | None = None,
        api_key: str | None = None,
        profile: str | None = None,
    ) -> builtins.list[Dataset]:
        """Return all datasets, or those that carry every tag and match every text phrase.

        Examples
        --------
        >>> from mlhub_tui import Dataset
        >>> datasets = await Dataset.list(tags="segmentation")
        >>> 0 < len(datasets) < len(await Dataset.list())
        True
        """
        found = await list_datasets(tags=tags, text=text, api_key=api_key, profile=profile)
        return [cls(raw, api_key, profile) for raw in found]

    @classmethod
    async def fetch(
        cls, dataset_id_or_doi: str, *, api_key: str | None = None, profile: str | None = None
    ) -> Dataset:
        """Return one dataset by its DOI where there is a slash in it, else by its ID.

        Raises
        ------
        EntityDoesNotExist
            If there is none.

        Examples
        --------
        >>> from mlhub_tui import Dataset
        >>> dataset = await Dataset.fetch("bigearthnet_v1")
        >>> dataset.registry_url
        'https://mlhub.earth/data/bigearthnet_v1'
        >>> dataset.doi
        '10.14279/depositonce-10149'
        """
        async with opened(api_key, profile) as source:
            return cls((await source.dataset(dataset_id_or_doi)).raw, api_key, profile)

    @classmethod
    async def fetch_by_id(
        cls, dataset_id: str, *, api_key: str | None = None, profile: str | None = None
    ) -> Dataset:
        """Return one dataset by its ID."""
        async with opened(api_key, profile) as source:
            return cls((await source.dataset_by_id(dataset_id)).raw, api_key, profile)

    @classmethod
    async def fetch_by_doi(
        cls, dataset_doi: str, *, api_key: str | None = None, profile: str | None = None
    ) -> Dataset:
        """Return one dataset by its DOI."""
        async with opened(api_key, profile) as source:
            return cls((await source.dataset_by_doi(dataset_doi)).raw, api_key, profile)

    @property
    def collections(self) -> CollectionList[CollectionRef]:
        """The collections its record names, without a request; `fetch_collections` gives them whole.

        Examples
        --------
        >>> from mlhub_tui import Dataset
        >>> dataset = await Dataset.fetch("bigearthnet_v1")
        >>> len(dataset.collections)
        2
        >>> [collection.id for collection in dataset.collections.source_imagery]
        ['bigearthnet_v1_source']
        >>> [collection.id for collection in dataset.collections.labels]
        ['bigearthnet_v1_labels']
        """
        return super().collections

    async def fetch_collections(self) -> CollectionList[Collection]:
        """Return its collections whole, fetched at the same time.

        Examples
        --------
        >>> from mlhub_tui import Dataset
        >>> dataset = await Dataset.fetch("bigearthnet_v1")
        >>> collections = await dataset.fetch_collections()
        >>> [collection.extent.bboxes != () for collection in collections.labels]
        [True]
        """
        async with self._opened() as source:

            async def whole(ref: CollectionRef) -> Collection:
                raw = (await source.collection(ref.id)).raw
                return Collection(raw, self.api_key, self.profile, ref.types)

            return CollectionList(await together(whole, self.collections, _REQUESTS))

    async def total_archive_size(self) -> int | None:
        """Return the size of its collections' archives in bytes, None where none has an archive.

        Examples
        --------
        >>> from mlhub_tui import Dataset
        >>> dataset = await Dataset.fetch("bigearthnet_v1")
        >>> await dataset.total_archive_size() > 0
        True
        """
        async with self._opened() as source:

            async def size(ref: CollectionRef) -> int | None:
                try:
                    return (await source.archive_info(ref.id)).size
                except EntityDoesNotExist:
                    return None

            sizes = await together(size, self.collections, _REQUESTS)
        known = [size for size in sizes if size is not None]
        return sum(known) if known else None

    async def stac_catalog_size(self) -> int | None:
        """Return the size of its STAC catalog archive in bytes, None where the API does not know."""
        return (await self._catalog_info()).stac_catalog_size

    async def estimated_dataset_size(self) -> int | None:
        """Return the estimated size of all its assets in bytes, None where the API does not know."""
        return (await self._catalog_info()).estimated_dataset_size

    async def _catalog_info(self) -> CatalogInfo:
        async with self._opened() as source:
            return await source.catalog_info(self.id)

    async def download(
        self,
        output_dir: str | Path | None = None,
        *,
        asset_output_dir: str | Path | None = None,
        catalog_only: bool = False,
        if_exists: IfExists | str = IfExists.RESUME,
        api_key: str | None = None,
        profile: str | None = None,
        bbox: Sequence[float] | None = None,
        intersects: models.JsonDict | None = None,
        datetime: Times | None = None,
        collection_filter: Mapping[str, Iterable[str]] | None = None,
        assets: bool = False,
        exist_okay: bool | None = None,
        overwrite: bool | None = None,
        progress: Progress | bool | None = None,
    ) -> builtins.list[Path]:
        """Download it: the archives of its collections, or its catalog and assets, whole or in part.

        Without anything that chooses a part it is the archives of all its collections, two at a time, and
        their paths are returned in order; see `download_archive`. With one, or with `assets`, it is its
        catalog and the assets of its items, as in the last release of radiant_mlhub, in the same
        layout; then the folders of the catalog and of the assets are returned. When something fails the
        others are stopped (one asset among many does not stop others); called again, it resumes.

        Parameters
        ----------
        asset_output_dir
            Where the assets go, apart from the catalog.
        catalog_only
            Whether no assets are wanted.
        bbox
            West, south, east, north in degrees, that items touch.
        intersects
            GeoJSON that items touch; not together with `bbox`.
        datetime
            When items are of.
        collection_filter
            The wanted collections, each with the wanted asset keys (none: all).
        assets
            Whether all assets are wanted, in place of the archives. In the last release of radiant_mlhub
            `download()` without a filter fetched them: its scripts add `assets=True`.
        exist_okay, overwrite, progress
            See `download_archive`; for assets the third argument of `progress` is the dataset's folder.

        Raises
        ------
        InvalidSearch
            If a filter cannot be understood.
        EntityDoesNotExist
            If there is no catalog, or the filters leave nothing.
        DownloadError
            If some assets cannot be had: `err_report.csv` lists them, all others are there.

        Examples
        --------
        >>> from mlhub_tui import Dataset
        >>> dataset = await Dataset.fetch("idiv_asia_crop_type")
        >>> paths = await dataset.download("~/datasets")
        >>> [path.name for path in paths]
        ['idiv_asia_crop_type_labels.tar.gz']
        """
        folder = folder_of(output_dir)
        archives = [folder / f"{ref.id}.tar.gz" for ref in self.collections]
        choice = chosen(if_exists, exist_okay, overwrite, *archives)
        parts = (bbox, intersects, datetime, collection_filter, asset_output_dir)
        if assets or catalog_only or any(part is not None for part in parts):
            async with self._opened(api_key, profile) as source:
                filters = filters_of(catalog_only, bbox, intersects, datetime, collection_filter)
                return await fetch_assets(
                    source, self.id, folder, filters, asset_output_dir, choice, progress
                )
        async with self._opened(api_key, profile) as source:

            async def archive(ref: CollectionRef) -> Path:
                return await fetch(source, ref.id, folder, choice, progress)

            return await together(archive, self.collections, _DOWNLOADS)


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


@dataclass(frozen=True, eq=False, repr=False)
class MLModel(Remembering, models.MLModel):
    """A trained model, published as a STAC item with the ml-model extension."""

    @classmethod
    async def list(cls, *, api_key: str | None = None, profile: str | None = None) -> builtins.list[MLModel]:
        """Return all models.

        Examples
        --------
        >>> from mlhub_tui import MLModel
        >>> found = await MLModel.list()
        >>> len(found)
        5
        """
        async with opened(api_key, profile) as source:
            return [cls(model.raw, api_key, profile) for model in await source.models()]

    @classmethod
    async def fetch(cls, model_id: str, *, api_key: str | None = None, profile: str | None = None) -> MLModel:
        """Return one model.

        Raises
        ------
        EntityDoesNotExist
            If there is none with this ID.

        Examples
        --------
        >>> from mlhub_tui import MLModel
        >>> first = (await MLModel.list())[0]
        >>> (await MLModel.fetch(first.id)).id == first.id
        True
        """
        async with opened(api_key, profile) as source:
            return cls((await source.model(model_id)).raw, api_key, profile)
