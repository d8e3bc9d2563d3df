"""Style sheets of apps under Pilot are parsed once in a process: they are the same in each test."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual.css import stylesheet
from textual.css.parse import parse
from textual.css.tokenize import tokenize_values


class _Tokens(dict[str, Any]):
    """The tokens of an app's colours, which are the same object for the same colours."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__


def use() -> None:
    """Let apps share what was parsed: it took a seventh of the time of screens."""
    vars(stylesheet).update(parse=_rules, tokenize_values=lambda values: _tokens(tuple(values.items())))


@lru_cache
def _tokens(values: tuple[tuple[str, str], ...]) -> _Tokens:
    return _Tokens(tokenize_values(dict(values)))


@lru_cache(1024)
def _rules(scope: str, css: str, read_from: Any, variable_tokens: _Tokens, **options: Any) -> list[Any]:
    return list(parse(scope, css, read_from, variable_tokens=variable_tokens, **options))
