"""Assets of the Python API: a dataset through its catalog, whole or in part, without the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import planning, queue
from ..errors import InvalidSearch
from ..models import BBox, JsonDict
from ..models.area import geometry_of
from ..models.when import Span, parse_span
from ..options import IfExists
from ..sources.mlhub import MLHubSource
from .archives import folder_of
from .progress import Progress, reporter

if TYPE_CHECKING:
    from ..planning.filters import Filters

Times = datetime | tuple[datetime | None, datetime | None] | str
"""An instant, two ends of which None is an open one, or what the command line takes: `2018-04/2018-06`."""


async def fetch_assets(
    source: MLHubSource,
    dataset_id: str,
    output_dir: str | Path | None,
    filters: Filters,
    asset_output_dir: str | Path | None,
    if_exists: IfExists,
    progress: Progress | bool | None = None,
) -> list[Path]:
    """Download a dataset's catalog and what filters leave of its assets; return the folders they are in."""
    request = planning.requests.dataset_request(
        dataset_id,
        folder_of(output_dir),
        filters,
        source=source.root_url,
        assets=None if asset_output_dir is None else folder_of(asset_output_dir),
        if_exists=if_exists,
    )
    report = reporter(progress, request.asset_folder)
    catalog = await queue.run_job.fetch(request, planning.resolver.OneSource(source), on_progress=report)
    assets = [] if filters.catalog_only else [request.asset_folder]
    return list(dict.fromkeys([catalog, *assets]))


def filters_of(
    catalog_only: bool,
    bbox: Sequence[float] | None,
    intersects: JsonDict | None,
    when: Times | None,
    collection_filter: Mapping[str, Iterable[str]] | None,
) -> planning.filters.Filters:
    """Return the filters that the arguments of a download stand for.

    Raises
    ------
    InvalidSearch
        If one of them cannot be understood, or a box and a geometry are both given.
    """
    box = None if bbox is None else BBox.parse(list(bbox))
    if bbox is not None and box is None:
        raise InvalidSearch("the box is none", hint="give west, south, east, north in degrees")
    return planning.filters.Filters(
        planning.filters.Filters.keys(collection_filter or {}),
        box,
        None if intersects is None else geometry_of(intersects),
        when=_span(when),
        catalog_only=catalog_only,
    )


def _span(when: Times | None) -> Span | None:
    if when is None or isinstance(when, str):
        return parse_span(when or "")
    first, last = when if isinstance(when, tuple) else (when, when)
    return Span(first, last)
