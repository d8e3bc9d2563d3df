"""The layout of the package: sizes of folders and modules, names used once, few imports inside functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlhub_tui

from .parsed import nodes, tree

pytestmark = pytest.mark.xdist_group("parsed")

PACKAGE = Path(mlhub_tui.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

MOST_MODULES_OF_A_FOLDER = 20
MOST_LINES = 500
MOST_OF_A_NAME = {"documents": 3, "session": 3}
"""Others are used twice at most; the public API has two modules of a name, async and blocking."""
MOST_LAZY_IMPORTS = 102


def test_the_top_level_holds_what_was_agreed() -> None:
    agreed = {"mlhub_tui", "tests", "pyproject.toml", "README.md", "screenshots", "LICENSE"}
    built = {"build", "dist"}  # what installing leaves there, beside `*.egg-info`
    found = {path.name for path in PACKAGE.parent.iterdir() if path.suffix != ".egg-info"}
    assert {name for name in found - agreed - built if not name.startswith((".", "__"))} == set()


def test_no_folder_holds_more_modules_than_a_reader_can_look_over() -> None:
    folders = Counter(path.parent.relative_to(PACKAGE) for path in MODULES)
    assert [f"{folder}: {n}" for folder, n in folders.items() if n > MOST_MODULES_OF_A_FOLDER] == []


def test_no_module_is_longer_than_a_concept() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert [f"{path.relative_to(PACKAGE)}: {n}" for path, n in lengths.items() if n > MOST_LINES] == []


def test_no_module_name_is_used_more_than_twice() -> None:
    names = Counter(path.stem for path in MODULES if path.stem != "__init__")
    assert [f"{name}: {n}" for name, n in names.items() if n > MOST_OF_A_NAME.get(name, 2)] == []


def test_every_module_says_in_its_first_line_what_it_holds() -> None:
    documented = {path: ast.get_docstring(tree(path)) for path in MODULES}
    assert [str(path.relative_to(PACKAGE)) for path, words in documented.items() if not words] == []


def lazy_imports(path: Path) -> Iterator[int]:
    """Yield the lines of imports inside functions."""
    inside = {
        statement.lineno
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    yield from inside


def test_imports_inside_functions_become_no_more() -> None:
    """They are for start-up time alone: what the first screen and `--help` do not need is imported late."""
    count = sum(1 for path in MODULES for _ in lazy_imports(path))
    assert count <= MOST_LAZY_IMPORTS, count
