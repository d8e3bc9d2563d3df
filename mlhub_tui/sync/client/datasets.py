"""Functions on datasets and archives: JSON as received, and paths of files."""

from ...api import requests
from ..loop import blocking

list_datasets = blocking(requests.list_datasets)
get_dataset = blocking(requests.get_dataset, dataset_id="dataset_id_or_doi")
get_dataset_by_id = blocking(requests.get_dataset_by_id)
get_dataset_by_doi = blocking(requests.get_dataset_by_doi)
get_archive_info = get_collection_archive_info = blocking(requests.get_archive_info)
get_catalog_info = blocking(requests.get_catalog_info)
download_archive = download_collection_archive = blocking(requests.download_archive)
