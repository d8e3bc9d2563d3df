"""The public Python API: async, under the names the `radiant_mlhub` library made known.

Every function opens a session, makes its requests and closes it; the key and the root URL are found as
`get_session` says. Low-level functions give JSON as received, classes give documents to work with.
"""

from ..http.session import Session
from ..options import IfExists as DownloadIfExistsOpts
from .collection import Collection
from .dataset import Dataset
from .mlmodel import MLModel
from .requests import (
    download_archive,
    get_archive_info,
    get_catalog_info,
    get_collection,
    get_collection_item,
    get_dataset,
    get_dataset_by_doi,
    get_dataset_by_id,
    get_model_by_id,
    list_collection_items,
    list_collections,
    list_datasets,
    list_models,
)
from .session import get_session

__all__ = [
    "Collection",
    "Dataset",
    "DownloadIfExistsOpts",
    "MLModel",
    "Session",
    "download_archive",
    "get_archive_info",
    "get_catalog_info",
    "get_collection",
    "get_collection_item",
    "get_dataset",
    "get_dataset_by_doi",
    "get_dataset_by_id",
    "get_model_by_id",
    "get_session",
    "list_collection_items",
    "list_collections",
    "list_datasets",
    "list_models",
]
