"""The catalog downloader of radiant_mlhub 0.5.5, over `Dataset.download`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..models.dataset import Dataset
from ..session import Session


class CatalogDownloaderConfig:
    """What to download of a dataset, and where to.

    Parameters
    ----------
    dataset_id
        The dataset.
    temporal_query
        The `datetime` of `Dataset.download`.
    mlhub_api_session
        A session whose key is used.
    arguments
        The other arguments of `Dataset.download`.
    """

    def __init__(
        self,
        *,
        dataset_id: str,
        temporal_query: Any = None,
        mlhub_api_session: Session | None = None,
        **arguments: Any,
    ) -> None:
        self.dataset_id = dataset_id
        self.arguments = {"datetime": temporal_query, "assets": True, **arguments}
        if mlhub_api_session is not None and not arguments.get("api_key"):
            self.arguments["api_key"] = mlhub_api_session.params.get("key")


class CatalogDownloader:
    """Downloads the catalog and assets of a dataset when it is called."""

    def __init__(self, config: CatalogDownloaderConfig) -> None:
        self.config = config

    def __call__(self) -> list[Path]:
        """Download, and return the folders written; see `Dataset.download`."""
        return Dataset(self.config.dataset_id, []).download(**self.config.arguments)
