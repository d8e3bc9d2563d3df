"""Archives of the Python API: one transfer to a folder, without the queue."""

from __future__ import annotations

import warnings
from pathlib import Path

from .. import planning, queue
from ..errors import FileConflict
from ..options import IfExists
from ..sources.mlhub import MLHubSource
from .progress import Progress, reporter


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
