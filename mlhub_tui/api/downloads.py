"""Downloads of the Python API: archives, and a dataset whole or in part, to a folder, without the queue."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import planning, queue
from ..errors import FileConflict, InvalidSearch
from ..models import BBox, JsonDict
from ..models.search import Span, geometry_of, parse_span
from ..options import IfExists
from ..sources.mlhub import MLHubSource

if TYPE_CHECKING:
    from ..planning.filters import Filters


async def fetch(
    source: MLHubSource,
    collection_id: str,
    output_dir: str | Path | None,
    if_exists: IfExists,
    progress: Progress | bool | None = None,
) -> Path:
    """Download a collection's archive into a folder, by default the current one, and return its path."""
    folder = folder_of(output_dir)
    path = folder / f"{collection_id}.tar.gz"
    if if_exists is IfExists.SKIP and path.is_file():
        return path
    request = planning.requests.ArchiveRequest(source.root_url, None, collection_id, folder, if_exists)
    return await queue.run_job.fetch(
        request, planning.resolver.OneSource(source), on_progress=reporter(progress, path)
    )


def folder_of(output_dir: str | Path | None) -> Path:
    """Return the absolute folder that an argument stands for: by default the current one.

    Raises
    ------
    ValueError
        If it begins with the home folder of a user who does not exist.
    """
    try:
        return Path.cwd() if output_dir is None else Path(output_dir).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"output_dir {str(output_dir)!r}: {error}; the home folder is ~/") from None


class FileExists(FileConflict, FileExistsError):
    """The file exists, and `exist_okay` is False."""

    default_hint = "leave out exist_okay to resume, or choose if_exists='overwrite'"


def chosen(
    if_exists: IfExists | str, exist_okay: bool | None, overwrite: bool | None, *paths: Path
) -> IfExists:
    """Return what to do with files that exist, from the argument of today and those of early releases.

    Raises
    ------
    FileExists
        If `exist_okay` is False and one of the paths is a file.
    ValueError
        If `if_exists` is not resume, skip or overwrite.
    """
    if exist_okay is None and overwrite is None:
        return IfExists(if_exists)
    warnings.warn("exist_okay and overwrite are deprecated: use if_exists", DeprecationWarning, stacklevel=4)
    if overwrite:
        return IfExists.OVERWRITE
    for path in paths if exist_okay is False else ():
        if path.exists():
            raise FileExists(f"{path} exists")
    return IfExists(if_exists)


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
        raise InvalidSearch(f"no box: {bbox!r}"[:100], hint="give west, south, east, north in degrees")
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


Progress = Callable[[int, int | None, Path], object]
"""Called with the bytes done, the bytes in all (None while unknown) and the file, or the folder of a dataset.

At most ten times a second, in the order of events, and never after the download has ended.
"""


def reporter(progress: Progress | bool | None, file: Path) -> Callable[[int, int | None], None] | None:
    """Return what a transfer calls with its bytes; None where nobody wants to know."""
    if not callable(progress):
        return None

    def report(done: int, total: int | None) -> None:
        progress(done, total, file)

    return report
