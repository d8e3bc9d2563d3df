"""The parts of the cache: how much room each takes, and how it is cleared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from .. import preview_cache
from ..http.cache import DocumentCache
from ..planning import dataset_plan, index_cache
from ..sources.static import archive_index
from ..storage import bytes_of
from ..text import size
from .json_writer import print_json


def print_cache_sizes(as_json: bool) -> None:
    """Print how much room each part of the cache takes."""
    _print_sizes({name: _taken(folder) for name, (folder, _) in _parts().items()}, as_json)


def clear_cache(as_json: bool) -> None:
    """Remove all that can be fetched again, and print how much that was."""
    gone = {}
    for name, (folder, clear) in _parts().items():
        before = _taken(folder)
        clear()
        gone[name] = max(before - _taken(folder), 0)
    _print_sizes(gone, as_json, " removed")


def _parts() -> dict[str, tuple[Path, Callable[[], object]]]:
    """Return the parts of the cache: what each takes room with, and how it is cleared."""

    def clear_documents() -> None:
        with closing(DocumentCache()) as cache:
            cache.clear()

    return {
        "documents": (DocumentCache().path, clear_documents),
        "archives": (archive_index.folder(), archive_index.clear),
        "plans": (index_cache.folder(), index_cache.clear),
        "previews": (preview_cache.folder(), preview_cache.clear),
        "catalogs": (dataset_plan.catalog_cache(), dataset_plan.clear_catalogs),
    }


def _taken(path: Path) -> int:
    """Return the bytes of a folder's files, or of a database with the files beside it."""
    beside = path.parent.glob(f"{path.name}-*") if path.suffix else ()
    return bytes_of(path) + sum(bytes_of(one) for one in beside)


def _print_sizes(parts: dict[str, int], as_json: bool, verb: str = "") -> None:
    parts = {**parts, "total": sum(parts.values())}
    if as_json:
        print_json(parts)
        return
    for name, taken in parts.items():
        click.echo(f"{name:9}  {size(taken)}{verb}")
