"""The request for a dataset, made of what a person chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..profiles.kind import Kind
from . import folder as folders
from .dataset_text import new_stamp
from .job import DatasetRequest, IfExists
from .plan.filters import Filters


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
) -> DatasetRequest:
    """Return a new wish for a dataset; the parameters are those of `DatasetRequest`.

    Raises
    ------
    OutputFolderError
        If a folder is in the home of nobody.
    """
    apart = None if assets is None else folders.normal(assets)
    out = folders.normal(folder)
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
    )
