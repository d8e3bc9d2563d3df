"""Archives of the Python API: one transfer to a folder, without the queue."""

from __future__ import annotations

from pathlib import Path

from ..options import IfExists
from ..sources.mlhub import MLHubSource


async def fetch(
    source: MLHubSource, collection_id: str, output_dir: str | Path | None, if_exists: IfExists
) -> Path:
    """Download a collection's archive into a folder, by default the current one, and return its path."""
    from ..queue.fetch import fetch_archive

    return await fetch_archive(source, collection_id, folder_of(output_dir), if_exists=if_exists)


def folder_of(output_dir: str | Path | None) -> Path:
    """Return the absolute folder that an argument stands for: by default the current one."""
    return Path.cwd() if output_dir is None else Path(output_dir).expanduser().absolute()
