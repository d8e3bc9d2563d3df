"""mlhub-tui: browse Radiant MLHub datasets and download them, in the terminal.

Importing the package costs nothing: the names of the Python API are loaded when they are first used.
"""

from __future__ import annotations

from .version import __version__ as __version__

TYPE_CHECKING = False  # as that of `typing`, whose import would be half the time of `--version`
if TYPE_CHECKING:
    from typing import Any

    from .api import Collection as Collection
    from .api import Dataset as Dataset
    from .api import DownloadIfExistsOpts as DownloadIfExistsOpts
    from .api import MLModel as MLModel
    from .api import Session as Session
    from .api import download_archive as download_archive
    from .api import get_archive_info as get_archive_info
    from .api import get_catalog_info as get_catalog_info
    from .api import get_collection as get_collection
    from .api import get_collection_item as get_collection_item
    from .api import get_dataset as get_dataset
    from .api import get_dataset_by_doi as get_dataset_by_doi
    from .api import get_dataset_by_id as get_dataset_by_id
    from .api import get_model_by_id as get_model_by_id
    from .api import get_session as get_session
    from .api import list_collection_items as list_collection_items
    from .api import list_collections as list_collections
    from .api import list_datasets as list_datasets
    from .api import list_models as list_models
    from .errors import APIKeyNotFound as APIKeyNotFound
    from .errors import AuthenticationError as AuthenticationError
    from .errors import EntityDoesNotExist as EntityDoesNotExist
    from .errors import MLHubException as MLHubException

_API = (
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
)
_ERRORS = ("APIKeyNotFound", "AuthenticationError", "EntityDoesNotExist", "MLHubException")

__all__ = ["__version__", *_API, *_ERRORS]


def __getattr__(name: str) -> Any:
    """Load a name of the Python API when it is first used (PEP 562)."""
    from importlib import import_module

    if name in _API:
        return getattr(import_module(".api", __name__), name)
    if name in _ERRORS:
        return getattr(import_module(".errors", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the lazy names too, for completion."""
    return sorted(__all__)
