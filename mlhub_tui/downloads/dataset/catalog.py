"""The archive of a dataset's catalog: fetched as any archive is, by the same engine."""

from __future__ import annotations

from pathlib import Path

from ...errors import EntityDoesNotExist, MLHubException, NotOffered
from ...sources.origin import shown_id
from ..attempt import Kit, transfer_one
from ..job import SAMPLE, DatasetRequest, IfExists
from ..live import Live
from ..one import existing
from ..one.transfer import Outcome, Task
from ..resolve import CatalogSource, JobSource
from ..threads import in_thread
from ..trouble import LinkRefused

_GONE = frozenset({404, 410})


async def fetch_catalog(
    request: DatasetRequest, source: JobSource, target: Path, kit: Kit, live: Live
) -> Outcome:
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
    if (there := await in_thread(lambda: _there(target, if_exists))) is not None:
        return there
    link = await catalogs.catalog_link(request.dataset_id)
    size = await _size(catalogs, request.dataset_id)
    live.total = size
    task = Task(target, target.with_name(f"{target.name}.part"), if_exists, size, archive=True)
    try:
        return await transfer_one(task, link, kit, live)
    except LinkRefused as error:
        # Links carry signatures that expire: the API gives a new one, and only that one counts.
        live.tell(f"{error}: asks for a new link")
        link = await catalogs.catalog_link(request.dataset_id)
    try:
        return await transfer_one(task, link, kit, live)
    except LinkRefused as error:
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


def _there(target: Path, if_exists: IfExists) -> Outcome | None:
    """Return the outcome where nobody has to be asked."""
    if existing.settled(target, if_exists):
        return Outcome(target, target.stat().st_size, fetched=False)
    return None


async def _size(source: CatalogSource, dataset: str) -> int | None:
    try:
        return (await source.catalog_info(dataset)).stac_catalog_size
    except MLHubException:
        return None  # the store tells as well
