"""One function for each endpoint: JSON as received, a session opened and closed around each call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path

from ..models import Item, JsonDict
from ..options import IfExists
from ..sources.base import Listing, Page
from .downloads import Progress, chosen, fetch, folder_of
from .session import opened

Strings = str | Iterable[str]


async def list_datasets(
    *,
    tags: Strings | None = None,
    text: Strings | None = None,
    api_key: str | None = None,
    profile: str | None = None,
) -> list[JsonDict]:
    """Return all datasets, or those that carry every tag and match every text phrase.

    Parameters
    ----------
    tags, text
        A string or several.
    api_key, profile
        See `get_session`.

    Raises
    ------
    MLHubException
        One of its family, as all functions of this module: `APIKeyNotFound` where no key can be found,
        `AuthenticationError` where it is refused, `EntityDoesNotExist` where there is no such thing, ...

    Examples
    --------
    >>> from mlhub_tui import list_datasets
    >>> datasets = await list_datasets()
    >>> len(datasets) >= 30
    True
    >>> segmented = await list_datasets(tags=["segmentation"])
    >>> all("segmentation" in dataset["tags"] for dataset in segmented)
    True
    >>> 0 < len(segmented) < len(datasets)
    True
    """
    async with opened(api_key, profile) as source:
        datasets = await source.datasets(tags=_listed(tags), text=_listed(text))
    return [dataset.raw for dataset in datasets]


async def get_dataset(
    dataset_id_or_doi: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return one dataset by its DOI where there is a slash in it, else by its ID.

    Examples
    --------
    >>> from mlhub_tui import get_dataset
    >>> dataset = await get_dataset("idiv_asia_crop_type")
    >>> dataset["doi"]
    '10.6084/m9.figshare.12047478.v2'
    >>> (await get_dataset("10.6084/m9.figshare.12047478.v2"))["id"]
    'idiv_asia_crop_type'
    """
    async with opened(api_key, profile) as source:
        return (await source.dataset(dataset_id_or_doi)).raw


async def get_dataset_by_id(
    dataset_id: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return one dataset by its ID."""
    async with opened(api_key, profile) as source:
        return (await source.dataset_by_id(dataset_id)).raw


async def get_dataset_by_doi(
    dataset_doi: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return one dataset by its DOI."""
    async with opened(api_key, profile) as source:
        return (await source.dataset_by_doi(dataset_doi)).raw


async def list_collections(*, api_key: str | None = None, profile: str | None = None) -> list[JsonDict]:
    """Return all collections.

    Examples
    --------
    >>> from mlhub_tui import list_collections
    >>> collections = await list_collections()
    >>> "bigearthnet_v1_source" in [collection["id"] for collection in collections]
    True
    """
    async with opened(api_key, profile) as source:
        return [collection.raw for collection in await source.collections()]


async def get_collection(
    collection_id: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return one collection.

    Examples
    --------
    >>> from mlhub_tui import get_collection
    >>> (await get_collection("bigearthnet_v1_source"))["type"]
    'Collection'
    """
    async with opened(api_key, profile) as source:
        return (await source.collection(collection_id)).raw


async def list_collection_items(
    collection_id: str,
    *,
    page_size: int | None = None,
    extensions: Strings | None = None,
    limit: int | None = 10,
    api_key: str | None = None,
    profile: str | None = None,
) -> AsyncGenerator[JsonDict, None]:
    """Yield the items of a collection, page by page as they are wanted.

    The session is closed when the items are exhausted, or when the generator is closed; leave a loop early
    with `contextlib.aclosing` around it to close it at once.

    Parameters
    ----------
    collection_id
        The collection.
    page_size
        How many items are asked for at a time; None leaves it to the API.
    extensions
        Only items with all of these STAC extensions.
    limit
        How many items at most; None for all, which in a large collection takes long.
    api_key, profile
        See `get_session`.

    Examples
    --------
    >>> from mlhub_tui import list_collection_items
    >>> items = [item async for item in list_collection_items("ref_african_crops_kenya_02_source")]
    >>> len(items)
    10
    >>> items = list_collection_items("ref_african_crops_kenya_02_source", limit=40, page_size=15)
    >>> len([item["id"] async for item in items])
    40
    """
    async with opened(api_key, profile) as source:

        async def page(link: str | None) -> Page[Item]:
            return await source.items_page(
                collection_id, link=link, page_size=page_size, extensions=_listed(extensions)
            )

        async with aclosing(Listing(page).entries(limit)) as items:
            async for item in items:
                yield item.raw


async def get_collection_item(
    collection_id: str, item_id: str, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return one item of a collection.

    Examples
    --------
    >>> from mlhub_tui import get_collection_item, list_collection_items
    >>> first = [item async for item in list_collection_items("bigearthnet_v1_labels", limit=1)][0]
    >>> item = await get_collection_item("bigearthnet_v1_labels", first["id"])
    >>> item["id"] == first["id"]
    True
    """
    async with opened(api_key, profile) as source:
        return (await source.item(collection_id, item_id)).raw


async def get_archive_info(
    archive_id: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return what is known of a collection's archive: `collection`, `dataset`, `size` in bytes, `types`.

    Examples
    --------
    >>> from mlhub_tui import get_archive_info
    >>> info = await get_archive_info("bigearthnet_v1_labels")
    >>> info["dataset"], info["types"], info["size"] > 0
    ('bigearthnet_v1', ['labels'], True)
    """
    async with opened(api_key, profile) as source:
        return await source.archive_record(archive_id)


async def get_catalog_info(
    dataset_id: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return a dataset's `stac_catalog_size` and `estimated_dataset_size`, both in bytes.

    Examples
    --------
    >>> from mlhub_tui import get_catalog_info
    >>> sorted(await get_catalog_info("bigearthnet_v1"))
    ['dataset', 'estimated_dataset_size', 'stac_catalog_size']
    """
    async with opened(api_key, profile) as source:
        return await source.catalog_record(dataset_id)


async def list_models(*, api_key: str | None = None, profile: str | None = None) -> list[JsonDict]:
    """Return all models, each a STAC item.

    Examples
    --------
    >>> from mlhub_tui import list_models
    >>> {model["type"] for model in await list_models()}
    {'Feature'}
    """
    async with opened(api_key, profile) as source:
        return [model.raw for model in await source.models()]


async def get_model_by_id(
    model_id: str, *, api_key: str | None = None, profile: str | None = None
) -> JsonDict:
    """Return one model."""
    async with opened(api_key, profile) as source:
        return (await source.model(model_id)).raw


async def download_archive(
    archive_id: str,
    output_dir: str | Path | None = None,
    *,
    if_exists: IfExists | str = IfExists.RESUME,
    exist_okay: bool | None = None,
    overwrite: bool | None = None,
    progress: Progress | bool | None = None,
    api_key: str | None = None,
    profile: str | None = None,
) -> Path:
    """Download a collection's archive and return its path, `OUTPUT_DIR/ARCHIVE_ID.tar.gz`.

    Parameters
    ----------
    archive_id
        The ID of the archive, which is that of its collection.
    output_dir
        The folder, created where it is missing; `~` is expanded. Default: the current folder.
    if_exists
        What to do with a file that exists: `resume` compares it with the remote size and resumes where it
        is smaller, `skip` leaves it, `overwrite` starts over.
    exist_okay, overwrite
        The arguments of early releases, deprecated: `exist_okay=False` raises FileExistsError where the file
        exists, `overwrite=True` is `if_exists="overwrite"`.
    progress
        Called with the bytes done, the bytes in all (None while unknown) and the path. Else a blocking call
        draws a bar on a terminal or in a notebook: True always, None where there is one, False never; the
        async API draws none.
    api_key, profile
        See `get_session`.

    Raises
    ------
    EntityDoesNotExist
        If there is no such collection, or its archive is not generated yet.
    DownloadError
        If the transfer ends without its file; an OSError too.
    ValueError
        If `if_exists` is none of the three.

    Examples
    --------
    >>> from mlhub_tui import download_archive
    >>> path = await download_archive("idiv_asia_crop_type_labels", "~/archives")
    >>> path.name
    'idiv_asia_crop_type_labels.tar.gz'
    >>> await download_archive("idiv_asia_crop_type_labels", "~/archives", if_exists="skip") == path
    True
    """
    path = folder_of(output_dir) / f"{archive_id}.tar.gz"
    choice = chosen(if_exists, exist_okay, overwrite, path)
    async with opened(api_key, profile) as source:
        return await fetch(source, archive_id, output_dir, choice, progress)


get_collection_archive_info = get_archive_info
download_collection_archive = download_archive


def _listed(values: Strings | None) -> list[str]:
    """Return a list; a bare string is one, not its letters."""
    return [] if values is None else [values] if isinstance(values, str) else list(values)
