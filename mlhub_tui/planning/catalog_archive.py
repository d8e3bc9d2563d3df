"""The archive of a dataset's catalog: fetched as any archive is, by the same engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import EntityDoesNotExist, MLHubException, NotOffered
from ..http.errors import LinkRejected
from ..http.hrefs import shown_id
from ..http.link import Link
from ..options import IfExists
from ..threads import in_thread
from ..transfer.config import DownloadResult, DownloadSpec
from ..transfer.progress import TransferProgress
from .job_context import JobContext, already_there
from .requests import SAMPLE, DatasetRequest
from .resolver import CatalogSource, JobSource

_GONE = frozenset({404, 410})


async def fetch_catalog(
    request: DatasetRequest, source: JobSource, target: Path, kit: JobContext, live: TransferProgress
) -> DownloadResult:
    """Fetch the catalog archive of a dataset, or go on with it.

    Parameters
    ----------
    source
        The dataset's.
    target
        Where the archive is to stand.

    Raises
    ------
    EntityDoesNotExist
        If the dataset has none.
    MLHubException
        What went wrong, for `trouble.verdict` to judge.
    """
    catalogs = catalogs_of(source)
    # The sample catalogue names another port in its catalogs at each start.
    if_exists = IfExists.OVERWRITE if request.source == SAMPLE else request.if_exists
    spec = DownloadSpec(Link(""), target, if_exists, archive=True)
    if (there := await in_thread(lambda: already_there(spec))) is not None:
        return there
    link = await catalogs.catalog_link(request.dataset_id)
    live.total = size = await _size(catalogs, request.dataset_id)
    spec = replace(spec, link=link, size=size)
    try:
        return await kit.fetch(spec, live)
    except LinkRejected as error:
        # Links carry signatures that expire: the API gives a new one, and only that one counts.
        live.log(f"{error}: requests a new link")
        link = await catalogs.catalog_link(request.dataset_id)
    try:
        return await kit.fetch(replace(spec, link=link), live)
    except LinkRejected as error:
        if error.status not in _GONE:
            raise
        words = f"the catalog of dataset {shown_id(request.dataset_id)} does not exist"
        raise EntityDoesNotExist(
            f"{words}; it may still be generating", url=error.url, status=error.status
        ) from error


def catalogs_of(source: JobSource) -> CatalogSource:
    """Return a source as one that has catalog archives; NotOffered where it has none."""
    if isinstance(source, CatalogSource):
        return source
    raise NotOffered("only MLHub APIs have archives of the catalogs of datasets")


async def _size(source: CatalogSource, dataset: str) -> int | None:
    try:
        return (await source.catalog_info(dataset)).stac_catalog_size
    except MLHubException:
        return None  # the store tells as well
