"""CQL2 text as the `query` of the STAC API's Query extension, which knows comparisons joined by AND alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ...errors import InvalidSearch, NotOffered
from ...models import JsonDict
from ...text import one_line

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
  | (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<word>[^\W\d][\w:.]*|:[\w:.]+)
  | (?P<sign><>|<=|>=|!=|[=<>(),+*/^%-])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"=": "eq", "<>": "neq", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_FLIPPED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_TIMES = frozenset({"TIMESTAMP", "DATE"})
_APART = {"id": "--ids", "collection": "-c"}
_GEOMETRY = re.compile(
    r"S_|T_|A_|(MULTI)?(POINT|LINESTRING|POLYGON)$|GEOMETRYCOLLECTION$|BBOX$", re.IGNORECASE
)


def query_of(expression: str) -> JsonDict:
    """Return the `query` object of a filter: operators and values by the name of the property.

    Parameters
    ----------
    expression
        CQL2 text (OGC 21-065).

    Raises
    ------
    NotOffered
        If the extension cannot say it; the message names what.
    InvalidSearch
        If it is no CQL2 text.
    """
    parser = _Parser(_tokens(expression))
    try:
        parser.conditions()
    except RecursionError:
        raise InvalidSearch("the filter has too many brackets in one another") from None
    if parser.peek:
        _unread(parser.peek[1])
    return parser.found


def _tokens(expression: str) -> list[tuple[str, str]]:
    """Return the kinds and texts of an expression's tokens."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(expression.rstrip())
    while at < end:
        match = _TOKEN.match(expression, at)
        if match is None:
            _unread(expression[at:])
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


@dataclass
class _Parser:
    """Reads tokens from left to right into `found`."""

    tokens: list[tuple[str, str]]
    found: JsonDict = field(default_factory=dict)
    at: int = 0

    @property
    def peek(self) -> tuple[str, str] | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def conditions(self) -> None:
        """Read conditions that are joined by AND."""
        self.condition()
        while self.takes("AND"):
            self.condition()
        if self.next_is("OR"):
            _refuse("OR")

    def condition(self) -> None:
        if self.takes("NOT"):
            _refuse("NOT")
        if self.takes("("):
            self.conditions()
            self.needs(")")
            return
        left = self.operand()
        if isinstance(left, _Property) and self.takes("NOT"):
            _refuse("NOT")
        if isinstance(left, _Property) and self.takes("IS"):
            _refuse("IS NULL")
        if isinstance(left, _Property) and self.takes("IN"):
            self.needs("(")
            values = [self.value()]
            while self.takes(","):
                values.append(self.value())
            self.needs(")")
            self.add(left.name, "in", values)
        elif isinstance(left, _Property) and self.takes("BETWEEN"):
            low = self.value()
            self.needs("AND")
            self.add(left.name, "gte", low)
            self.add(left.name, "lte", self.value())
        elif isinstance(left, _Property) and self.takes("LIKE"):
            self.like(left.name, self.value())
        else:
            self.comparison(left)

    def comparison(self, left: Any) -> None:
        token = self.peek
        operator = _COMPARISONS.get(token[1]) if token else None
        if operator is None:
            bare = token is None or token[1].upper() in ("AND", "OR", ")")
            if bare and isinstance(left, _Property):
                _refuse(f"the condition {one_line(left.name, 60)!r} without a value")
            _unread(str(left) if token is None else token[1])
        self.at += 1
        right = self.operand()
        if isinstance(left, _Property) == isinstance(right, _Property):
            _refuse("a comparison of two properties" if isinstance(left, _Property) else "one of two values")
        if isinstance(left, _Property):
            self.add(left.name, operator, right)
        else:
            self.add(right.name, _FLIPPED.get(operator, operator), left)

    def like(self, name: str, pattern: Any) -> None:
        if not isinstance(pattern, str):
            _unread(str(pattern))
        inner = pattern.strip("%")
        if re.search(r"[%_\\]", inner) or not inner:
            _refuse(f"the pattern {one_line(pattern, 60)!r}")
        starts, ends = pattern.startswith("%"), pattern.endswith("%")
        operator = {(True, True): "contains", (False, True): "startsWith", (True, False): "endsWith"}
        self.add(name, operator.get((starts, ends), "eq"), inner)

    def operand(self) -> Any:
        """Return a property, or a value; arithmetic and functions are refused."""
        token = self.peek
        if token is None:
            raise InvalidSearch("the filter ends too early")
        kind, text = token
        name = text[1:-1].replace('""', '"') if kind == "quoted" else text
        if kind == "quoted" or (kind == "word" and text.upper() not in ("TRUE", "FALSE", "NULL", *_TIMES)):
            self.at += 1
            if kind == "word" and self.next_is("("):
                _refuse(
                    f"the {'geometry or time' if _GEOMETRY.match(text) else ''} function {text}".replace(
                        "  ", " "
                    )
                )
            found: Any = _Property(name.removeprefix("properties."))
        else:
            found = self.value()
        if self.peek and (self.peek[1] in "+*/^%-" or self.peek[0] == "number"):
            _refuse("arithmetic")
        return found

    def value(self) -> Any:
        """Return a number, a text, a truth value or a time."""
        token = self.peek
        if token is None:
            raise InvalidSearch("the filter ends too early")
        kind, text = token
        self.at += 1
        if kind == "number":
            return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        word = text.upper()
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        if word == "NULL":
            _refuse("NULL")
        if word in _TIMES and self.takes("("):
            time = self.value()
            self.needs(")")
            return time
        if kind in ("word", "quoted"):
            _refuse(f"the function {text}" if self.next_is("(") else "a comparison of two properties")
        return _unread(text)

    def add(self, name: str, operator: str, value: Any) -> None:
        """Add a condition; of two limits the narrower one counts."""
        if name in _APART:
            raise NotOffered(
                f"this API's filters cannot ask for {name!r}", hint=f"say it with {_APART[name]}"
            )
        operators = self.found.setdefault(name, {})
        before = operators.get(operator, value)
        if before != value:
            if operator == "in":
                value = [each for each in before if each in value]
            elif type(before) is not type(value) and not _numbers(before, value):
                _refuse(f"two conditions of one kind on {name!r}")
            elif operator in ("gt", "gte"):
                value = max(before, value)
            elif operator in ("lt", "lte"):
                value = min(before, value)
            else:
                _refuse(f"two conditions of one kind on {name!r}")
        operators[operator] = value

    def next_is(self, word: str) -> bool:
        return self.peek is not None and self.peek[0] != "text" and self.peek[1].upper() == word

    def takes(self, word: str) -> bool:
        if not self.next_is(word):
            return False
        self.at += 1
        return True

    def needs(self, word: str) -> None:
        if self.takes(word):
            return
        if self.peek is None:
            raise InvalidSearch(f"the filter ends too early: {word} is missing")
        _unread(self.peek[1])


@dataclass(frozen=True)
class _Property:
    """The name of a property."""

    name: str


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _refuse(what: str) -> NoReturn:
    raise NotOffered(
        f"this API's filters cannot say {what}: it has the query extension, and no CQL2",
        hint="compare properties with values (=, <>, <, <=, >, >=, IN, BETWEEN, LIKE 'a%'), joined by AND",
    )


def _unread(rest: str) -> NoReturn:
    raise InvalidSearch(
        f"the filter cannot be read at {one_line(rest, 40)!r}",
        hint="it is CQL2 text: \"eo:cloud_cover\" < 10 AND platform = 'landsat-8'",
    )
