"""The options that say which part of a dataset is wanted, and the filters they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InvalidSearch
from ..text import one_line

if TYPE_CHECKING:
    from ..planning.filters import Filters

_F = TypeVar("_F", bound=Callable[..., Any])
_OPTIONS = (
    click.option(
        "--collection",
        "collections",
        multiple=True,
        metavar="C[=KEY,KEY]",
        help="Only this collection, or only these asset keys of it; repeatable.",
    ),
    click.option("--bbox", metavar="W,S,E,N", help="Items that touch this box, in degrees."),
    click.option(
        "--intersects",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Items that touch what is in this GeoJSON file.",
    ),
    click.option(
        "--datetime", "when", metavar="T[/T]", help="A day, month or year, or two: 2018-04/2018-06, 2018/.."
    ),
    click.option(
        "--exact", is_flag=True, help="Test the items' own geometries, not their boxes; needs shapely."
    ),
    click.option("--catalog-only", is_flag=True, help="The catalog without any assets."),
)


def selection_options(command: _F) -> _F:
    """Add what of a dataset is wanted to a command; `filters_of` takes it from the command's arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filters_of(
    collections: Iterable[str],
    bbox: str | None,
    intersects: Path | None,
    when: str | None,
    exact: bool,
    catalog_only: bool,
) -> Filters:
    """Return the filters that the options say.

    Raises
    ------
    InvalidSearch
        If a box, a file, a time or a collection cannot be understood, or a box and a file are both given.
    NoShapely
        If the exact test is asked for, and shapely is not there.
    """
    from ..models.area import parse_bbox, read_geometry
    from ..models.when import parse_span
    from ..planning.filters import Filters

    if bbox is not None and intersects is not None:
        words = "--bbox and --intersects are both given: a download takes a box or a geometry"
        raise InvalidSearch(words, hint="leave one of them out")
    found = Filters(
        wanted_keys(collections),
        None if bbox is None else parse_bbox(bbox),
        None if intersects is None else read_geometry(intersects),
        exact,
        None if when is None else parse_span(when),
        catalog_only,
    )
    if exact:
        from ..planning.filters import check_shapely

        check_shapely()
    return found


def wanted_keys(given: Iterable[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the collections that were given, each with its asset keys; what is given twice is added up.

    Raises
    ------
    InvalidSearch
        If one has no name, or no key after its `=`.
    """
    wanted: dict[str, frozenset[str]] = {}
    for text in given:
        name, sign, typed = text.partition("=")
        keys = frozenset(filter(None, (key.strip() for key in typed.split(","))))
        name = name.strip()
        if not name or (sign and not keys):
            words = f"--collection {one_line(text, 60)!r} names no {'asset key' if name else 'collection'}"
            raise InvalidSearch(words, hint="give a collection, or COLLECTION=KEY,KEY")
        before = wanted.get(name)
        # The collection as a whole is more than some keys of it.
        wanted[name] = keys if before is None else frozenset() if not (keys and before) else before | keys
    return tuple(wanted.items())
