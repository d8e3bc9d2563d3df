"""Searches as requests: a GET, or the body of a POST (STAC API, Item Search)."""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any

from ...errors import NotOffered
from ...http.pagination import PageRequest, with_params
from ...models import JsonDict, Search
from .filters import cql2_json, is_json, query_of
from .landing import Landing

_TOP_LEVEL = frozenset({"id", "collection", "bbox", "geometry", "type", "stac_version", "links", "assets"})


def search_request(search: Search, landing: Landing, limit: int | None, *, post: bool = True) -> PageRequest:
    """Return the first request of a search.

    POST is taken where the API offers it; GET for a filter in CQL2 text, as servers take text there and JSON
    in a body.

    - `limit`: How many items are wanted in a page.
    - `post`: Whether POST may be used.

    Raises NotOffered if the API offers no search.
    """
    search = _without_crossing(search)
    by_get, by_post = landing.search_url("GET"), landing.search_url("POST")
    by_text = search.filter and landing.takes_cql2 and not is_json(search.filter)
    if by_post and post and not (by_get and by_text):
        return PageRequest(by_post, "POST", body=body(search, landing, limit))
    if by_get:
        return PageRequest(with_params(by_get, parameters(search, landing, limit)))
    raise NotOffered("this API has no item search", hint="search within one of its collections")


def parameters(search: Search, landing: Landing, limit: int | None) -> dict[str, Any]:
    """Return the query of a search by GET: lists with commas, geometries as JSON."""
    found: dict[str, Any] = {
        "collections": ",".join(search.collections),
        "ids": ",".join(search.ids),
        "bbox": ",".join(_number(degrees) for degrees in search.bbox or ()),
        "intersects": json.dumps(search.intersects, separators=(",", ":")) if search.intersects else "",
        "datetime": search.datetime,
        "q": _text(search, landing),
        "sortby": ",".join(f"{sign}{name}" for sign, name in map(_sorted_by, search.sort)),
        **_filter(search, landing, lambda query: json.dumps(query, separators=(",", ":"))),
        "limit": limit or "",
    }
    return {name: value for name, value in found.items() if value != ""}


def body(search: Search, landing: Landing, limit: int | None) -> JsonDict:
    """Return the body of a search by POST."""
    words = _text(search, landing)
    found: JsonDict = {
        "collections": list(search.collections),
        "ids": list(search.ids),
        "bbox": search.bbox and list(search.bbox),
        "intersects": search.intersects,
        "datetime": search.datetime,
        "q": words if landing.advanced_text else [words] if words else "",
        "sortby": [
            {"field": name, "direction": "desc" if sign == "-" else "asc"}
            for sign, name in map(_sorted_by, search.sort)
        ],
        **_filter(search, landing, lambda query: query),
        "limit": limit,
    }
    return {name: value for name, value in found.items() if value}


def _filter(search: Search, landing: Landing, as_sent: Callable[[JsonDict], Any]) -> dict[str, Any]:
    """Return the filter as the API takes it: CQL2 text, the object of the query extension, or CQL2 JSON."""
    if not search.filter:
        return {}
    as_json = is_json(search.filter)
    if landing.takes_query and not (landing.takes_cql2_json if as_json else landing.takes_cql2):
        return {"query": as_sent(query_of(search.filter))}
    if as_json and not landing.takes_cql2_json:
        raise NotOffered("this API takes no filters in CQL2 JSON", hint="write the filter as CQL2 text")
    if as_json or (landing.takes_cql2_json and not landing.takes_cql2):
        return {"filter": as_sent(cql2_json(search.filter)), "filter-lang": "cql2-json"}
    return {"filter": search.filter, "filter-lang": "cql2-text"}


def _without_crossing(search: Search) -> Search:
    """Return a search whose box does not cross the antimeridian: two boxes as a geometry where it did.

    The STAC API allows such a box, and servers on PostGIS take it for the rest of the world.
    """
    box = search.bbox
    if box is None or box.west <= box.east:
        return search
    return replace(search, bbox=None, intersects=box.outline)


def _number(value: float) -> str:
    """Return a number without an exponent, which not every server reads."""
    text = f"{value:.10f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _text(search: Search, landing: Landing) -> str:
    words = search.text.split()
    return " AND ".join(words) if landing.advanced_text else " ".join(words)


def sorted_as(search: Search, listed: Container[str]) -> Search:
    """Return a search whose sort fields are named as an API lists them.

    What is not listed and no field of an item itself is one of its properties (STAC API, Sort); a name that
    is typed with `properties.` stays so.

    - `listed`: The names of the API's sortables, or of its queryables; empty where it has neither.
    """
    return replace(
        search, sort=tuple(sign + _field(name, listed) for sign, name in map(_sorted_by, search.sort))
    )


def sorted_otherwise(search: Search) -> Search:
    """Return a search whose sort fields are spelled in the other way, with `properties.` or without."""
    named = ((sign, name, name.removeprefix("properties.")) for sign, name in map(_sorted_by, search.sort))
    others = (sign + (_field(name, ()) if bare == name else bare) for sign, name, bare in named)
    return replace(search, sort=tuple(others))


def _field(name: str, listed: Container[str]) -> str:
    if name in listed or name.startswith("properties."):
        return name
    inner = f"properties.{name}"
    return name if name.partition(".")[0] in _TOP_LEVEL and inner not in listed else inner


def _sorted_by(name: str) -> tuple[str, str]:
    """Return direction and field."""
    sign, field = ("-", name[1:]) if name.startswith("-") else ("+", name.removeprefix("+"))
    return sign, field.strip()
