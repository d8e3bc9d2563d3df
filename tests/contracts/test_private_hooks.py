"""Private parts of Textual are touched in `ui/terminal` alone, and each is named there with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import textual

import mlhub_tui
from mlhub_tui.ui.terminal import HOOKS, TEXTUAL

from .parsed import nodes

pytestmark = pytest.mark.xdist_group("parsed")

PACKAGE = Path(mlhub_tui.__file__).parent
TERMINAL = PACKAGE / "ui" / "terminal"


DOCUMENTED = {"_replace", "_asdict", "_make", "_fields"}
"""Of named tuples: public in spite of their names."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def of_textual() -> frozenset[str]:
    """Return the private attributes and methods of all classes of Textual."""
    names = set[str]()
    for path in Path(textual.__file__).parent.rglob("*.py"):
        for node in nodes(path):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            ):
                names.add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name)
    return frozenset(filter(is_private, names - DOCUMENTED))


def own_names(path: Path) -> set[str]:
    """Return the private names that a module gives to its own functions and attributes."""
    names = set[str]()
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def touched(path: Path) -> Iterator[str]:
    """Yield the private parts of Textual that a module touches."""
    own = own_names(path)
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual._"):
            yield str(node.module)
        elif isinstance(node, ast.Attribute) and node.attr in of_textual() and node.attr not in own:
            # `self._x` of the screens is mostly their own; what they did not set is Textual's.
            yield node.attr


def test_private_parts_of_textual_are_touched_in_one_package() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in sorted((PACKAGE / "ui").rglob("*.py"))
        if TERMINAL not in path.parents and (names := sorted(set(touched(path))))
    }
    assert found == {}


def test_each_has_its_reason_and_is_there() -> None:
    everything = set[str]()
    for path in sorted(TERMINAL.glob("*.py")):
        everything |= set(touched(path)) | {name for name in own_names(path) if name in HOOKS}
    assert everything <= HOOKS.keys(), "touched without a reason"
    assert everything >= HOOKS.keys(), "named, but not touched"
    attributes = {name for name in HOOKS if is_private(name)}
    assert attributes <= of_textual(), "gone from Textual"


def test_they_were_read_in_the_version_that_is_installed() -> None:
    assert textual.__version__.startswith(f"{TEXTUAL}."), "read them again, then name the version"
