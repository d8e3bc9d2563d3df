"""The request for a dataset, made of what a person chose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .. import fileio, output_url, paths
from ..auth.kind import Kind
from ..errors import OutputFolderError
from ..options import ClusterConfig, IfExists
from .dataset_text import new_stamp
from .filters import Filters
from .requests import DatasetRequest


def dataset_request(
    dataset_id: str,
    folder: Path,
    filters: Filters | None = None,
    *,
    source: str,
    profile: str | None = None,
    kind: Kind = Kind.MLHUB,
    assets: Path | None = None,
    collections: Sequence[str] = (),
    if_exists: IfExists = IfExists.RESUME,
    title: str = "",
    cluster: ClusterConfig | None = None,
    url: str = "",
) -> DatasetRequest:
    """Return a new wish for a dataset; the parameters are those of `DatasetRequest`.

    With a `url` the folder is of no account, and there is no other one for the assets.

    Raises
    ------
    OutputFolderError
        If a folder is in the home of nobody, a URL is none to write to (see `output_url.parse`), or there
        is no cluster to write to it.
    """
    if url:
        found, url = output_url.parse(url)
        folder = found or staging(url)
    _check(url, assets, cluster)
    apart = None if assets is None else fileio.absolute(assets)
    out = fileio.absolute(folder)
    return DatasetRequest(
        source=source,
        profile=profile,
        dataset_id=dataset_id,
        folder=out,
        filters=filters or Filters(),
        stamp=new_stamp(),
        assets=None if apart == out else apart,
        collections=() if kind is Kind.MLHUB else tuple(collections) or (dataset_id,),
        kind=kind,
        if_exists=if_exists,
        title=title or dataset_id,
        cluster=cluster,
        url=url,
    )


def staging(url: str) -> Path:
    """Return the folder in which this machine keeps what it needs while it sends a dataset to a URL."""
    return paths.work() / "cluster" / hashlib.sha256(url.encode()).hexdigest()[:24]


def _check(url: str, assets: Path | None, cluster: ClusterConfig | None) -> None:
    if url and cluster is None:
        raise OutputFolderError(
            f"{url} is written to by the workers of a cluster",
            hint="add --engine dask: without --scheduler it makes a cluster on this machine",
        )
    if url and assets is not None:
        words = "with an output URL the assets have no folder of their own"
        raise OutputFolderError(words, hint="leave it out")
