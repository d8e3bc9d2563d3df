"""Tests speak of behaviour: they seldom reach for what is private, or replace a part of the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from .parsed import nodes
from .test_private_hooks import of_textual

pytestmark = pytest.mark.xdist_group("parsed")

TESTS = Path(__file__).parents[1]
DOCUMENTED = {"_replace", "_asdict", "_fields", "_make", "_exit"}
"""Of named tuples, and `os._exit`: public in spite of their names."""
MOST_PRIVATE = 20
MOST_REPLACED = 64


@cache
def modules() -> dict[str, tuple[ast.AST, ...]]:
    """Return what all modules of the tests consist of."""
    return {str(path.relative_to(TESTS)): nodes(path) for path in sorted(TESTS.rglob("*.py"))}


def is_private(name: str) -> bool:
    """Tell whether a name, or the last part of a dotted one, is nobody else's."""
    last = name.rpartition(".")[2]
    return last.startswith("_") and not last.startswith("__") and last not in DOCUMENTED


@cache
def private() -> tuple[tuple[str, str], ...]:
    """Return where a test reaches for a private name that is not its own class's, and which."""
    return tuple(_private())


def _private() -> Iterator[tuple[str, str]]:
    for path, found in modules().items():
        for node in found:
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                if ast.unparse(node.value) not in ("self", "cls", "super()"):
                    yield where, node.attr
            elif isinstance(node, ast.ImportFrom) and not path.startswith("contracts/"):
                for alias in node.names:
                    if is_private(alias.name) or "._" in f".{node.module or ''}".replace(".__", ""):
                        yield where, alias.name
            elif isinstance(node, ast.Call) and is_replacing(node):
                for argument in node.args[:2]:
                    if isinstance(argument, ast.Constant) and is_private(str(argument.value)):
                        yield where, str(argument.value).rpartition(".")[2]


def is_replacing(call: ast.Call) -> bool:
    """Tell whether a call is one of `monkeypatch.setattr`, under whatever name."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "setattr"


def test_private_names_are_hardly_used() -> None:
    found = list(private())
    assert len(found) <= MOST_PRIVATE, "\n".join(f"{where} {name}" for where, name in found)


def test_none_of_textuals_is_used() -> None:
    theirs = of_textual()
    assert "_compositor" in theirs
    assert [(where, name) for where, name in private() if name in theirs and "contracts/" not in where] == []


def test_parts_of_the_program_are_seldom_replaced() -> None:
    calls = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, found in modules().items()
        for node in found
        if isinstance(node, ast.Call) and is_replacing(node)
    ]
    assert len(calls) <= MOST_REPLACED, "\n".join(calls)
