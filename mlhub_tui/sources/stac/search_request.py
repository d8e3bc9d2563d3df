"""Searches as requests: a GET, or the body of a POST (STAC API, Item Search), and the query extension."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any, NoReturn

from ...errors import InvalidSearch, NotOffered
from ...http.pagination import PageRequest, with_params
from ...models import BBox, JsonDict, Search
from ...text import one_line
from .landing import Landing

_TOP_LEVEL = frozenset({"id", "collection", "bbox", "geometry", "type", "stac_version", "links", "assets"})


def search_request(search: Search, landing: Landing, limit: int | None, *, post: bool = True) -> PageRequest:
    """Return the first request of a search.

    POST is taken where the API offers it; GET for a filter in CQL2, as servers take text there and JSON in a
    body.

    - `limit`: How many items are wanted in a page.
    - `post`: Whether POST may be used.

    Raises NotOffered if the API offers no search.
    """
    search = _without_crossing(search)
    by_get, by_post = landing.search_url("GET"), landing.search_url("POST")
    if by_post and post and (not by_get or not search.filter or not landing.takes_cql2):
        return PageRequest(by_post, "POST", body=body(search, landing, limit))
    if by_get:
        return PageRequest(with_params(by_get, parameters(search, landing, limit)))
    raise NotOffered("this API has no item search", hint="search within one of its collections")


def parameters(search: Search, landing: Landing, limit: int | None) -> dict[str, Any]:
    """Return the query of a search by GET: lists with commas, geometries as JSON."""
    found: dict[str, Any] = {
        "collections": ",".join(search.collections),
        "ids": ",".join(search.ids),
        "bbox": ",".join(_number(degrees) for degrees in _corners(search)),
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
        "bbox": _corners(search),
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
    """Return the filter as the API takes it: CQL2 text, or the object of the query extension."""
    if not search.filter:
        return {}
    if landing.takes_cql2 or not landing.takes_query:
        return {"filter": search.filter, "filter-lang": "cql2-text"}
    return {"query": as_sent(query_of(search.filter))}


def _without_crossing(search: Search) -> Search:
    """Return a search whose box does not cross the antimeridian: two boxes as a geometry where it did.

    The STAC API allows such a box, and servers on PostGIS take it for the rest of the world.
    """
    box = search.bbox
    if box is None or box.west <= box.east:
        return search
    halves = (BBox(box.west, box.south, 180.0, box.north), BBox(-180.0, box.south, box.east, box.north))
    rings = [[[w, s], [e, s], [e, n], [w, n], [w, s]] for w, s, e, n in map(_sides, halves)]
    area = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    return replace(search, bbox=None, intersects=area)


def _sides(box: BBox) -> tuple[float, float, float, float]:
    return box.west, box.south, box.east, box.north


def _corners(search: Search) -> list[float]:
    return list(_sides(search.bbox)) if search.bbox else []


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
    return replace(
        search, sort=tuple(sign + _other_field(name) for sign, name in map(_sorted_by, search.sort))
    )


def _other_field(name: str) -> str:
    bare = name.removeprefix("properties.")
    return _field(name, ()) if bare == name else bare


def _field(name: str, listed: Container[str]) -> str:
    if name in listed or name.startswith("properties."):
        return name
    inner = f"properties.{name}"
    return name if name.partition(".")[0] in _TOP_LEVEL and inner not in listed else inner


def _sorted_by(name: str) -> tuple[str, str]:
    """Return direction and field."""
    sign, field = ("-", name[1:]) if name.startswith("-") else ("+", name.removeprefix("+"))
    return sign, field.strip()


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
  | (?:(?P<time>TIMESTAMP|DATE)\s*\(\s*)?(?P<text>'(?:[^']|'')*')(?(time)\s*\))
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<word>[^\W\d][\w:.]*|:[\w:.]+)(?P<call>\s*(?=\())?
  | (?P<compared><>|<=|>=|!=|[=<>])
  | (?P<bracket>[(),])
  | (?P<arithmetic>[+*/^%-])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_KEYWORDS = {
    "AND": "&",
    "OR": "|",
    "NOT": "!",
    "IN": "i",
    "BETWEEN": "b",
    "LIKE": "l",
    "IS": "s",
    "NULL": "n",
}
# The shape of a filter is one letter for each token: p is a property, v a value, o an operator, f the name of
# a function, + a sign of arithmetic; keywords as above, brackets and commas as they are.
_CONDITION = re.compile(r"pov|vop|pi\(v(?:,v)*\)|pbv&v|plv")
_BEGUN = re.compile(r"p(?:o|i(?:\((?:v(?:,v)*,?)?)?|b(?:v&?)?|l)?|vo?|")
_REFUSED = (
    (r"!|p!", "NOT"),
    (r"ps", "IS NULL"),
    (r"(?:[pv]o)?n", "NULL"),
    (r"[pv](?:o[pv])?\+", "arithmetic"),
    (r"pop|p[bl]p|pbv&p|pi\((?:v,)*p", "a comparison of two properties"),
    (r"vov", "a comparison of two values"),
    (r"p(?:[&|)]|$)", "the condition {} without a value"),
)
_JOINED = ("+", "v")  # what makes arithmetic of the value before it
_OPERATORS = {"=": "eq", "<>": "neq", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_FLIPPED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_APART = {"id": "--ids", "collection": "-c"}
_GEOMETRY = re.compile(
    r"S_|T_|A_|(MULTI)?(POINT|LINESTRING|POLYGON)$|GEOMETRYCOLLECTION$|BBOX$", re.IGNORECASE
)


def query_of(expression: str) -> JsonDict:
    """Return the `query` object of a filter: operators and values by the name of the property.

    - `expression`: CQL2 text (OGC 21-065).

    Raises NotOffered if the extension cannot say it; the message names what. Raises InvalidSearch if it is no
    CQL2 text.
    """
    tokens = _tokens(expression)
    shape = "".join(letter for letter, _ in tokens)
    found: JsonDict = {}
    at = depth = 0
    while True:
        while shape[at : at + 1] == "(":
            at, depth = at + 1, depth + 1
        match = _CONDITION.match(shape, at)
        if match is None or (match[0] in ("pov", "vop") and shape[match.end() : match.end() + 1] in _JOINED):
            _refuse_at(tokens, shape, at)
        _add_condition(found, match[0], tokens[at : match.end()])
        at = match.end()
        while depth and shape[at : at + 1] == ")":
            at, depth = at + 1, depth - 1
        if at == len(shape):
            break
        if shape[at] != "&":
            _refuse("OR") if shape[at] == "|" else _unread(tokens[at][1])
        at += 1
    if depth:
        raise InvalidSearch("the filter ends too early: ) is missing")
    return found


def _tokens(expression: str) -> list[tuple[str, Any]]:
    """Return the letter and the value of each token of an expression."""
    found: list[tuple[str, Any]] = []
    at, end = 0, len(expression.rstrip())
    while at < end:
        match = _TOKEN.match(expression, at)
        if match is None:
            _unread(expression[at:])
        found.append(_token(match))
        at = match.end()
    return found


def _token(match: re.Match[str]) -> tuple[str, Any]:
    text = match[0].strip()
    match match.lastgroup:
        case "number":
            return "v", int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        case "text":
            return "v", match["text"][1:-1].replace("''", "'")
        case "quoted":
            return "p", text[1:-1].replace('""', '"').removeprefix("properties.")
        case "compared":
            return "o", text
        case "arithmetic":
            return "+", text
        case "bracket":
            return text, text
    word = match["word"].upper()
    if word in ("TRUE", "FALSE"):
        return "v", word == "TRUE"
    if word in _KEYWORDS:
        return _KEYWORDS[word], match["word"]
    return (
        ("f", match["word"])
        if match["call"] is not None
        else ("p", match["word"].removeprefix("properties."))
    )


def _refuse_at(tokens: list[tuple[str, Any]], shape: str, at: int) -> NoReturn:
    """Raise the error for a condition that cannot be said, or cannot be read."""
    rest = shape[at:]
    if called := re.match(r"(?:[pv]o|p[bl]|pbv&|pi\((?:v,)*)?f", rest):
        name = tokens[at + called.end() - 1][1]
        _refuse(f"the {'geometry or time ' if _GEOMETRY.match(name) else ''}function {name}")
    for pattern, what in _REFUSED:
        if re.match(pattern, rest):
            _refuse(what.format(repr(one_line(tokens[at][1], 60))))
    numbers = re.match(r"[pv](?:o[pv])?v", rest)
    if numbers and not isinstance(tokens[at + numbers.end() - 1][1], str):
        _refuse("arithmetic")  # `a -5`
    begun = _BEGUN.match(shape, at)
    end = begun.end() if begun else at
    if end >= len(shape):
        raise InvalidSearch("the filter ends too early")
    _unread(tokens[end][1])


def _add_condition(found: JsonDict, shape: str, tokens: list[tuple[str, Any]]) -> None:
    name = str(next(value for letter, value in tokens if letter == "p"))
    values = [value for letter, value in tokens if letter == "v"]
    if shape.startswith("pi"):
        _add(found, name, "in", values)
    elif shape.startswith("pb"):
        _add(found, name, "gte", values[0])
        _add(found, name, "lte", values[1])
    elif shape == "plv":
        _add_pattern(found, name, values[0])
    else:
        operator = _OPERATORS[tokens[1][1]]
        _add(found, name, operator if shape == "pov" else _FLIPPED.get(operator, operator), values[0])


def _add_pattern(found: JsonDict, name: str, pattern: Any) -> None:
    if not isinstance(pattern, str):
        _unread(str(pattern))
    inner = pattern.strip("%")
    if re.search(r"[%_\\]", inner) or not inner:
        _refuse(f"the pattern {one_line(pattern, 60)!r}")
    operators = {(True, True): "contains", (False, True): "startsWith", (True, False): "endsWith"}
    _add(found, name, operators.get((pattern.startswith("%"), pattern.endswith("%")), "eq"), inner)


def _add(found: JsonDict, name: str, operator: str, value: Any) -> None:
    """Add a condition; of two limits the narrower one counts."""
    if name in _APART:
        raise NotOffered(f"this API's filters cannot ask for {name!r}", hint=f"say it with {_APART[name]}")
    operators = found.setdefault(name, {})
    before = operators.get(operator, value)
    if before != value:
        comparable = type(before) is type(value) or _are_numbers(before, value)
        if operator == "in":
            value = [each for each in before if each in value]
        elif operator in ("gt", "gte") and comparable:
            value = max(before, value)
        elif operator in ("lt", "lte") and comparable:
            value = min(before, value)
        else:
            _refuse(f"two conditions of one kind on {name!r}")
    operators[operator] = value


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _refuse(what: str) -> NoReturn:
    raise NotOffered(
        f"this API's filters cannot say {what}: it has the query extension, and no CQL2",
        hint="compare properties with values (=, <>, <, <=, >, >=, IN, BETWEEN, LIKE 'a%'), joined by AND",
    )


def _unread(rest: object) -> NoReturn:
    raise InvalidSearch(
        f"the filter cannot be read at {one_line(rest, 40)!r}",
        hint="it is CQL2 text: \"eo:cloud_cover\" < 10 AND platform = 'landsat-8'",
    )
