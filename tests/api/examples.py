"""Runs the examples of docstrings, as doctest does, with `await` and `async with` at the top level."""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def documented(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the names and docstrings with examples of what a module defines."""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        yield from _with_examples(name, thing)
        if inspect.isclass(thing):
            for method, attribute in vars(thing).items():
                yield from _with_examples(f"{name}.{method}", getattr(attribute, "__func__", attribute))


def _with_examples(name: str, thing: Any) -> Iterator[tuple[str, str]]:
    if not (inspect.isclass(thing) or inspect.isroutine(thing) or isinstance(thing, property)):
        return  # a plain value has the docstring of its type
    text = inspect.getdoc(thing)
    if text and ">>>" in text:
        yield name, text


async def run(text: str) -> int:
    """Run the examples of a text one after the other and return how many there were.

    Raises
    ------
    AssertionError
        If one prints something else than the text says.
    """
    names: dict[str, Any] = {}
    examples = doctest.DocTestParser().get_examples(text)
    for example in examples:
        code = compile(example.source, "<example>", "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            result = eval(code, names)
            if inspect.iscoroutine(result):
                await result
        assert printed.getvalue() == example.want, example.source
    return len(examples)
