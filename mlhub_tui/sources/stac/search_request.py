"""Searches as requests: a GET, or the body of a POST (STAC API, Item Search), and the query extension."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any, NoReturn

from ...errors import InvalidSearch, NotOffered
from ...http.pagination import PageRequest, with_params
from ...models import JsonDict, Search
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
  | (?P<mark>[(),])
  | (?P<arithmetic>[+*/^%-])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL"})
_OPERATORS = {"=": "eq", "<>": "neq", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_FLIPPED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_PATTERNS = {(True, True): "contains", (False, True): "startsWith", (True, False): "endsWith"}
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
    tokens, depth = _Tokens(expression), 0
    while True:
        while tokens.takes("("):
            depth += 1
        _add_condition(tokens)
        while depth and tokens.takes(")"):
            depth -= 1
        if tokens.kind == "end":
            break
        if tokens.kind == "OR":
            _refuse("OR")
        tokens.expect("AND")
    if depth:
        raise InvalidSearch("the filter ends too early: ) is missing")
    return tokens.query


class _Tokens:
    """The tokens of a filter from a place on, and the query that was made of those before it.

    The kind of a token is `property`, `value`, `function`, `compared`, `arithmetic`, `end`; of keywords and
    marks the word itself.
    """

    def __init__(self, expression: str) -> None:
        self.query: JsonDict = {}
        self._found: list[tuple[str, Any]] = []
        at, end = 0, len(expression.rstrip())
        while at < end:
            if (match := _TOKEN.match(expression, at)) is None:
                _unread(expression[at:])
            self._found.append(_token(match))
            at = match.end()
        self._found = [("end", ""), *reversed(self._found)]

    @property
    def kind(self) -> str:
        """The kind of the next token."""
        return self._found[-1][0]

    def take(self) -> Any:
        """Return the value of the next token, and pass it."""
        if self.kind == "end":
            raise InvalidSearch("the filter ends too early")
        return self._found.pop()[1]

    def takes(self, kind: str) -> bool:
        """Pass the next token if it is of a kind; return whether it was."""
        is_next = self.kind == kind
        if is_next:
            self._found.pop()
        return is_next

    def expect(self, kind: str) -> Any:
        """Return the value of the next token, which has to be of a kind."""
        if self.kind != kind:
            _unread(self.take())
        return self.take()

    def operand(self, *kinds: str) -> tuple[str, Any]:
        """Return the next property or value; a property only where it may be one."""
        if self.kind == "function":
            name = self.take()
            _refuse(f"the {'geometry or time ' if _GEOMETRY.match(name) else ''}function {name}")
        if self.kind in ("NOT", "NULL"):
            _refuse(self.kind)
        if self.kind == "property" and self.kind not in kinds:
            _refuse("a comparison of two properties")
        found = self.kind, self.expect(self.kind if self.kind in kinds else kinds[-1])
        signed = self.kind == "value" and not isinstance(self._found[-1][1], str)  # `a -5`
        if self.kind == "arithmetic" or signed:
            _refuse("arithmetic")
        return found

    def add(self, name: str, operator: str, value: Any) -> None:
        """Add a condition to the query; of two limits the narrower one counts."""
        if name in _APART:
            words = f"this API's filters cannot ask for {name!r}"
            raise NotOffered(words, hint=f"say it with {_APART[name]}")
        operators = self.query.setdefault(name, {})
        before = operators.get(operator, value)
        if before != value:
            comparable = type(before) is type(value) or {type(before), type(value)} == {int, float}
            if operator == "in":
                value = [each for each in before if each in value]
            elif operator in ("gt", "gte") and comparable:
                value = max(before, value)
            elif operator in ("lt", "lte") and comparable:
                value = min(before, value)
            else:
                _refuse(f"two conditions of one kind on {name!r}")
        operators[operator] = value


def _token(match: re.Match[str]) -> tuple[str, Any]:
    """Return the kind and the value of a token."""
    kind, text = str(match.lastgroup), match[0].strip()
    match kind:
        case "number":
            return "value", int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        case "text":
            return "value", match["text"][1:-1].replace("''", "'")
        case "quoted":
            return "property", text[1:-1].replace('""', '"').removeprefix("properties.")
        case "compared" | "arithmetic":
            return kind, text
        case "mark":
            return text, text
    word = match["word"].upper()
    if word in ("TRUE", "FALSE"):
        return "value", word == "TRUE"
    if word in _KEYWORDS:
        return word, match["word"]
    is_call = match["call"] is not None
    return "function" if is_call else "property", match["word"].removeprefix("properties.")


def _add_condition(tokens: _Tokens) -> None:
    """Read a condition and add it to the query."""
    kind, left = tokens.operand("property", "value")
    if tokens.kind == "compared":
        operator = _OPERATORS[tokens.take()]
        if kind == "property":
            tokens.add(left, operator, tokens.operand("value")[1])
        elif tokens.kind == "value":
            _refuse("a comparison of two values")
        else:
            tokens.add(tokens.operand("property")[1], _FLIPPED.get(operator, operator), left)
    elif kind == "value":
        tokens.expect("compared")
    elif tokens.takes("IN"):
        tokens.expect("(")
        values = [tokens.operand("value")[1]]
        while tokens.takes(","):
            values.append(tokens.operand("value")[1])
        tokens.expect(")")
        tokens.add(left, "in", values)
    elif tokens.takes("BETWEEN"):
        tokens.add(left, "gte", tokens.operand("value")[1])
        tokens.expect("AND")
        tokens.add(left, "lte", tokens.operand("value")[1])
    elif tokens.takes("LIKE"):
        _add_pattern(tokens, left, tokens.operand("value")[1])
    elif tokens.kind in ("NOT", "IS"):
        _refuse({"NOT": "NOT", "IS": "IS NULL"}[tokens.kind])
    elif tokens.kind in ("AND", "OR", ")", "end"):
        _refuse(f"the condition {one_line(left, 60)!r} without a value")
    else:
        _unread(tokens.take())


def _add_pattern(tokens: _Tokens, name: str, pattern: Any) -> None:
    if not isinstance(pattern, str):
        _unread(str(pattern))
    inner = pattern.strip("%")
    if re.search(r"[%_\\]", inner) or not inner:
        _refuse(f"the pattern {one_line(pattern, 60)!r}")
    tokens.add(name, _PATTERNS.get((pattern.startswith("%"), pattern.endswith("%")), "eq"), inner)


def _refuse(what: str) -> NoReturn:
    raise NotOffered(
        f"this API's filters cannot say {what}: it has the query extension, and no CQL2 text",
        hint="compare properties with values (=, <>, <, <=, >, >=, IN, BETWEEN, LIKE 'a%'), joined by AND",
    )


def _unread(rest: object) -> NoReturn:
    raise InvalidSearch(
        f"the filter cannot be read at {one_line(rest, 40)!r}",
        hint="it is CQL2 text: \"eo:cloud_cover\" < 10 AND platform = 'landsat-8'",
    )
