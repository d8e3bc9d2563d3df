"""A script of every public name of the blocking API: `mypy --strict` reads it, nothing runs it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pystac

import mlhub_tui.sync as radiant_mlhub
from mlhub_tui.sync import Collection, Dataset, DownloadIfExistsOpts, MLModel, client, get_session
from mlhub_tui.sync.client import CatalogDownloader, CatalogDownloaderConfig
from mlhub_tui.sync.exceptions import (
    APIKeyNotFound,
    AuthenticationError,
    EntityDoesNotExist,
    HTTPError,
    MLHubException,
)
from mlhub_tui.sync.models import CollectionType
from mlhub_tui.sync.session import ANONYMOUS_PROFILE, Session

datasets: list[Dataset] = Dataset.list(tags=["a"], text="b")
dataset: Dataset = Dataset.fetch("id", profile=ANONYMOUS_PROFILE)
dataset = Dataset.fetch_by_id("id") or Dataset.fetch_by_doi("doi")
title: str | None = dataset.title
labels: list[Collection] = dataset.collections.labels
size: int | None = dataset.total_archive_size or dataset.stac_catalog_size or dataset.estimated_dataset_size
paths: list[Path] = dataset.download("out", bbox=[0, 0, 1, 1], progress=False)
collection: Collection = Collection.fetch("id")
collection = Collection.from_dict(collection.to_dict())
stac: pystac.Collection = collection
item: pystac.Item = collection.fetch_item("item")
path: Path = collection.download("out", if_exists=DownloadIfExistsOpts.skip)
page: str | None = collection.registry_url
model: MLModel = MLModel.fetch("id")
as_item: pystac.Item = model
items: Iterator[dict[str, Any]] = client.list_collection_items("id", page_size=3, limit=None)
record: dict[str, Any] = client.get_dataset("id") or client.get_collection("id")
record = client.get_dataset_by_doi("doi") or client.get_dataset_by_id("id") or client.get_catalog_info("id")
record = client.get_collection_item("id", "item") or client.get_model_by_id("id")
record = client.get_collection_archive_info("id") or client.get_archive_info("id")
records: list[dict[str, Any]] = client.list_datasets() or client.list_collections() or client.list_models()
path = client.download_archive("id", progress=lambda done, total, file: print(done, total, file.name))
path = client.download_collection_archive("id")
session: Session = get_session(api_key="k")
with Session.from_env() as opened:
    status: int = opened.get("a").status_code + opened.post("a", json={}).status_code
    pages: Iterator[dict[str, Any]] = opened.paginate("a")
kind: CollectionType = CollectionType.LABELS
CatalogDownloader(CatalogDownloaderConfig(dataset_id="id", output_dir="out"))()
try:
    radiant_mlhub.Dataset.list()
except (APIKeyNotFound, AuthenticationError, EntityDoesNotExist, HTTPError, MLHubException) as error:
    hint: str = error.hint
