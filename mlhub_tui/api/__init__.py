"""The public Python API: async, under the names the `radiant_mlhub` library made known.

Every function opens a session, makes its requests and closes it; the key and the root URL are found as
`get_session` says. Low-level functions give JSON as received, classes give documents to work with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy
from ..options import IfExists

DownloadIfExistsOpts = IfExists

if TYPE_CHECKING:
    from .requests import download_archive as download_archive
    from .requests import get_archive_info as get_archive_info
    from .requests import get_catalog_info as get_catalog_info
    from .requests import get_collection as get_collection
    from .requests import get_collection_item as get_collection_item
    from .requests import get_dataset as get_dataset
    from .requests import get_dataset_by_doi as get_dataset_by_doi
    from .requests import get_dataset_by_id as get_dataset_by_id
    from .requests import get_model_by_id as get_model_by_id
    from .requests import list_collection_items as list_collection_items
    from .requests import list_collections as list_collections
    from .requests import list_datasets as list_datasets
    from .requests import list_models as list_models
    from .resources import Collection as Collection
    from .resources import Dataset as Dataset
    from .resources import MLModel as MLModel
    from .session import Session as Session
    from .session import get_session as get_session
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "requests": "download_archive get_archive_info get_catalog_info get_collection"
            " get_collection_item get_dataset get_dataset_by_doi get_dataset_by_id get_model_by_id"
            " list_collection_items list_collections list_datasets list_models",
            "resources": "Collection Dataset MLModel",
            "session": "Session get_session",
        },
    )
    __all__ = ["DownloadIfExistsOpts", *__all__]
