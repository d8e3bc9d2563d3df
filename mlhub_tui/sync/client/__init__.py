"""One blocking function for each endpoint: JSON as received, in a session of its own."""

from . import catalog_downloader as catalog_downloader
from . import collections as collections
from . import datasets as datasets
from . import ml_models as ml_models
from .catalog_downloader import CatalogDownloader as CatalogDownloader
from .catalog_downloader import CatalogDownloaderConfig as CatalogDownloaderConfig
from .collections import get_collection as get_collection
from .collections import get_collection_item as get_collection_item
from .collections import list_collection_items as list_collection_items
from .collections import list_collections as list_collections
from .datasets import download_archive as download_archive
from .datasets import download_collection_archive as download_collection_archive
from .datasets import get_archive_info as get_archive_info
from .datasets import get_catalog_info as get_catalog_info
from .datasets import get_collection_archive_info as get_collection_archive_info
from .datasets import get_dataset as get_dataset
from .datasets import get_dataset_by_doi as get_dataset_by_doi
from .datasets import get_dataset_by_id as get_dataset_by_id
from .datasets import list_datasets as list_datasets
from .ml_models import get_model_by_id as get_model_by_id
from .ml_models import list_models as list_models
