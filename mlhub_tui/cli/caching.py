"""`mlhub-tui cache`: its size, and how to clear it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from ..text import size
from .desk import json_option
from .options import Group


@click.group("cache", cls=Group, short_help="Show the size of the cache, or clear it.")
def cache_group() -> None:
    """Show the size of the cache, or clear it: documents, indexes of archives, plans, images of previews.

    All of it can be fetched or made again. Downloads, the queue, profiles and settings are elsewhere.
    """


@cache_group.command("size", short_help="Say how much room the cache takes.")
@json_option
def size_command(as_json: bool) -> None:
    """Say how much room each part of the cache takes."""
    _tell({name: _taken(folder()) for name, (folder, _) in _parts().items()}, as_json)


@cache_group.command("clear", short_help="Remove all that can be fetched again.")
@json_option
def clear_command(as_json: bool) -> None:
    """Remove all that can be fetched again, and say how much that was.

    Programs that run may do so meanwhile: they fetch again what they need.
    """
    gone = {}
    for name, (folder, clear) in _parts().items():
        before = _taken(folder())
        clear()
        gone[name] = max(before - _taken(folder()), 0)
    _tell(gone, as_json, "removed")


def _parts() -> dict[str, tuple[Callable[[], Path], Callable[[], object]]]:
    """Return the parts of the cache: what each takes room with, and how it is cleared."""
    from .. import preview_cache
    from ..http.cache import DocumentCache
    from ..planning import dataset_plan, index_cache
    from ..sources.static import archive_index

    def clear_documents() -> None:
        with closing(DocumentCache()) as cache:
            cache.clear()

    return {
        "documents": (lambda: DocumentCache().path, clear_documents),
        "archives": (archive_index.folder, archive_index.clear),
        "plans": (index_cache.folder, index_cache.clear),
        "previews": (preview_cache.folder, preview_cache.clear),
        "catalogs": (dataset_plan.catalog_cache, dataset_plan.clear_catalogs),
    }


def _taken(path: Path) -> int:
    """Return the bytes of a folder's files, or of a database with the files beside it."""
    from ..storage import bytes_of

    beside = path.parent.glob(f"{path.name}-*") if path.suffix else ()
    return bytes_of(path) + sum(bytes_of(one) for one in beside)


def _tell(parts: dict[str, int], as_json: bool, verb: str = "") -> None:
    if as_json:
        click.echo(json.dumps({**parts, "total": sum(parts.values())}, indent=2))
        return
    for name, taken in {**parts, "total": sum(parts.values())}.items():
        click.echo(f"{name:9}  {size(taken)}{f' {verb}' if verb else ''}")
