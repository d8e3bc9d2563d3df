"""The options that say what a search is for, and the search they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import InvalidSearch
from ..models import Search

_F = TypeVar("_F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option(
        "-c", "--collection", "collections", multiple=True, metavar="ID", help="Look in this one; repeatable."
    ),
    click.option("--bbox", metavar="W,S,E,N", help="Touching this box, in degrees."),
    click.option("--intersects", type=_FILE, metavar="FILE", help="Touching what is in this GeoJSON file."),
    click.option(
        "--datetime", "when", metavar="WHEN", help="A day, month or year, or two: 2018-04/2018-06, 2018/.."
    ),
    click.option("--filter", "expression", metavar="CQL2", help='In CQL2 text: "eo:cloud_cover" < 10'),
    click.option("--ids", multiple=True, metavar="ID,...", help="With one of these IDs; repeatable."),
    click.option("--text", metavar="WORDS", help="With all of these words."),
    click.option("--sort", multiple=True, metavar="FIELD,...", help="In this order; -FIELD for descending."),
    click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N items.  [default: all]"),
)


def criteria(command: _F) -> _F:
    """Add what is searched for to a command; `wanted` takes it from the command's arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wanted(before: Search, given: Mapping[str, Any]) -> Search:
    """Return a search with what the options say; what they do not name stays as it was.

    Raises
    ------
    InvalidSearch
        If a date, a box or a file cannot be understood, or a box and a file are both given.
    """
    changes: dict[str, Any] = {}
    if given["bbox"] is not None and given["intersects"] is not None:
        raise InvalidSearch("a search takes a box or a geometry, not both", hint="leave one of them out")
    if given["bbox"] is not None:
        from ..models.area import parse_bbox

        changes |= {"bbox": parse_bbox(given["bbox"]), "intersects": None}
    if given["intersects"] is not None:
        from ..models.area import read_geometry

        changes |= {"intersects": read_geometry(given["intersects"]), "bbox": None}
    if given["when"] is not None:
        from ..models.when import parse_when

        changes["datetime"] = parse_when(given["when"])
    lists = {
        "collections": tuple(given["collections"]),
        "ids": _parts(given["ids"]),
        "sort": _parts(given["sort"]),
    }
    plain = {"filter": given["expression"], "text": given["text"], "limit": given["limit"]}
    changes |= {name: value for name, value in lists.items() if value}
    changes |= {name: value for name, value in plain.items() if value is not None}
    return replace(before, **changes)


def _parts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())
