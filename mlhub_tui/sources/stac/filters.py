"""Filters in CQL2 (OGC 21-065), text as JSON, and as the `query` of the STAC API's query extension."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from ...errors import InvalidSearch, NotOffered
from ...models import JsonDict
from ...text import one_line

T = TypeVar("T")
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
_OPERATORS = {"=": "eq", "<>": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_FLIPPED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_PATTERNS = {(True, True): "contains", (False, True): "startsWith", (True, False): "endsWith"}
_APART = {"id": "--ids", "collection": "-c"}
_GEOMETRY = re.compile(
    r"S_|T_|A_|(MULTI)?(POINT|LINESTRING|POLYGON)$|GEOMETRYCOLLECTION$|BBOX$", re.IGNORECASE
)
_EXAMPLE = "it is CQL2 text: \"eo:cloud_cover\" < 10 AND platform = 'landsat-8'"
_DEEPEST = 100  # parentheses
_SIMPLE = "compare properties with values (=, <>, <, <=, >, >=, IN, BETWEEN, LIKE 'a%'), joined by AND"


def is_json(expression: str) -> bool:
    """Whether a filter is CQL2 JSON, which is sent as it is."""
    return expression.lstrip().startswith("{")


def cql2_json(expression: str) -> JsonDict:
    """Return a filter as CQL2 JSON.

    Raises NotOffered if its text says more than comparisons and how they are joined; the message names what.
    Raises InvalidSearch if it is no CQL2.
    """
    return _told(lambda: _read(expression), "it takes CQL2 JSON, into which that is not translated")


def query_of(expression: str) -> JsonDict:
    """Return the `query` object of a filter in CQL2: operators and values by the name of the property.

    Raises NotOffered if the extension cannot say it; the message names what. Raises InvalidSearch if it is no
    CQL2.
    """
    return _told(lambda: _query(_read(expression)), "it has the query extension, and no CQL2")


def _read(expression: str) -> JsonDict:
    """Return a filter as CQL2 JSON, whichever of the two it is."""
    if not is_json(expression):
        return _Parser(expression).parse()
    try:
        tree = json.loads(expression)
    except (ValueError, RecursionError):
        raise InvalidSearch("the filter is no JSON", hint=_EXAMPLE) from None
    if not isinstance(tree.get("op"), str) or not isinstance(tree.get("args"), list):
        raise InvalidSearch("the filter is JSON, but no CQL2: it has no op with args", hint=_EXAMPLE)
    return dict(tree)


class _NotSaid(Exception):
    """Part of a filter that an API is not asked for, in words."""


def _told(work: Callable[[], T], why: str) -> T:
    try:
        return work()
    except _NotSaid as error:
        raise NotOffered(f"this API's filters cannot say {error}: {why}", hint=_SIMPLE) from None


class _Parser:
    """Reads CQL2 text into CQL2 JSON.

    The kind of a token is `property`, `value`, `function`, `compared`, `arithmetic`, `end`; of keywords and
    marks the word itself.
    """

    def __init__(self, expression: str) -> None:
        self._found: list[tuple[str, Any]] = []
        at, end = 0, len(expression.rstrip())
        while at < end:
            if (match := _TOKEN.match(expression, at)) is None:
                _unread(expression[at:])
            self._found.append(_token(match))
            at = match.end()
        self._found = [("end", ""), *reversed(self._found)]

    def parse(self) -> JsonDict:
        """Return the whole filter."""
        found = self._joined("OR", 0)
        if self._kind != "end":
            _unread(self._take())
        return found

    @property
    def _kind(self) -> str:
        return self._found[-1][0]

    def _take(self) -> Any:
        if self._kind == "end":
            raise InvalidSearch("the filter ends too early")
        return self._found.pop()[1]

    def _takes(self, kind: str) -> bool:
        is_next = self._kind == kind
        if is_next:
            self._found.pop()
        return is_next

    def _expect(self, kind: str) -> Any:
        if self._kind != kind:
            _unread(self._take())
        return self._take()

    def _joined(self, by: str, depth: int) -> JsonDict:
        """Return conditions that are joined by OR; between two of these by AND."""
        parts: list[JsonDict] = []
        while not parts or self._takes(by):
            parts.append(self._joined("AND", depth) if by == "OR" else self._condition(depth))
        return parts[0] if len(parts) == 1 else {"op": by.lower(), "args": parts}

    def _condition(self, depth: int) -> JsonDict:
        if depth > _DEEPEST:
            raise InvalidSearch("the filter is nested too deep")
        if self._takes("NOT"):
            return {"op": "not", "args": [self._condition(depth + 1)]}
        if not self._takes("("):
            return self._comparison()
        found = self._joined("OR", depth + 1)
        if self._kind == "end":
            raise InvalidSearch("the filter ends too early: ) is missing")
        self._expect(")")
        return found

    def _comparison(self) -> JsonDict:
        left = self._operand()
        if self._kind == "compared":
            operator = self._take().replace("!=", "<>")
            return {"op": operator, "args": [left, self._operand()]}
        if not _is_property(left):
            self._expect("compared")
        negated, found = self._takes("NOT"), {"op": "", "args": [left]}
        if self._takes("IN"):
            self._expect("(")
            values = [self._operand()]
            while self._takes(","):
                values.append(self._operand())
            self._expect(")")
            found = {"op": "in", "args": [left, values]}
        elif self._takes("BETWEEN"):
            least = self._operand()
            self._expect("AND")
            found = {"op": "between", "args": [left, least, self._operand()]}
        elif self._takes("LIKE"):
            if not isinstance(pattern := self._operand(), str):
                _unread(pattern)
            found = {"op": "like", "args": [left, pattern]}
        elif not negated and self._takes("IS"):
            negated = self._takes("NOT")
            self._expect("NULL")
            found = {"op": "isNull", "args": [left]}
        elif not negated and self._kind in ("AND", "OR", ")", "end"):
            raise _NotSaid(f"the condition {one_line(left['property'], 60)!r} without a value")
        else:
            _unread(self._take())
        return {"op": "not", "args": [found]} if negated else found

    def _operand(self) -> Any:
        """Return a value, or a property as CQL2 JSON has it."""
        kind = self._kind
        if kind == "function":
            name = self._take()
            raise _NotSaid(f"the {'geometry or time ' if _GEOMETRY.match(name) else ''}function {name}")
        if kind == "NULL":
            raise _NotSaid(kind)
        found = {"property": self._take()} if kind == "property" else self._expect("value")
        is_signed = self._kind == "value" and type(self._found[-1][1]) in (int, float)  # `a -5`
        if self._kind == "arithmetic" or is_signed:
            raise _NotSaid("arithmetic")
        return found


def _token(match: re.Match[str]) -> tuple[str, Any]:
    """Return the kind and the value of a token."""
    kind, text = str(match.lastgroup), match[0].strip()
    match kind:
        case "number":
            return "value", int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        case "text":
            value = match["text"][1:-1].replace("''", "'")
            return "value", {match["time"].lower(): value} if match["time"] else value
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


def _is_property(operand: Any) -> bool:
    return isinstance(operand, dict) and "property" in operand


def _query(tree: JsonDict) -> JsonDict:
    """Return CQL2 JSON as a `query`, of whose limits the narrower ones count."""
    query: JsonDict = {}
    try:
        conditions = list(_conditions(tree))
    except (LookupError, TypeError, AttributeError):  # of JSON, as it was given
        raise _NotSaid("what is in this CQL2 JSON") from None
    for name, operator, value in conditions:
        if name in _APART:
            words = f"this API's filters cannot ask for {name!r}"
            raise NotOffered(words, hint=f"say it with {_APART[name]}")
        operators = query.setdefault(name, {})
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
                raise _NotSaid(f"two conditions of one kind on {name!r}")
        operators[operator] = value
    return query


def _conditions(tree: JsonDict) -> Iterator[tuple[str, str, Any]]:
    """Yield the conditions that must all hold: property, operator of the query extension, and value."""
    operator, arguments = tree["op"], tree["args"]
    if operator == "and":
        for part in arguments:
            yield from _conditions(part)
        return
    if operator in ("or", "not", "isNull"):
        is_null = "isNull" in (operator, *(part["op"] for part in arguments if operator == "not"))
        raise _NotSaid("IS NULL" if is_null else operator.upper())
    left, right = arguments[0], arguments[1]
    if operator in _OPERATORS:
        operator = _OPERATORS[operator]
        if not _is_property(left):
            left, right, operator = right, left, _FLIPPED.get(operator, operator)
        if not _is_property(left):
            raise _NotSaid("a comparison of two values")
    name = left["property"].removeprefix("properties.")
    if operator == "between":
        yield name, "gte", _value(right)
        yield name, "lte", _value(arguments[2])
    elif operator == "like":
        inner = right.strip("%")
        if re.search(r"[%_\\]", inner) or not inner:
            raise _NotSaid(f"the pattern {one_line(right, 60)!r}")
        yield name, _PATTERNS.get((right.startswith("%"), right.endswith("%")), "eq"), inner
    elif operator == "in" or operator in _FLIPPED or operator in ("eq", "neq"):
        yield name, operator, [_value(each) for each in right] if operator == "in" else _value(right)
    else:
        raise _NotSaid(f"the operator {one_line(operator, 60)}")


def _value(operand: Any) -> Any:
    """Return a value as the query extension has it: times are texts."""
    if _is_property(operand):
        raise _NotSaid("a comparison of two properties")
    return next(iter(operand.values())) if isinstance(operand, dict) else operand


def _unread(rest: object) -> NoReturn:
    raise InvalidSearch(
        f"the filter cannot be read at {one_line(rest, 40)!r}",
        hint=_EXAMPLE,
    )
