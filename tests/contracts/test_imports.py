"""What importing costs, and which way imports point: proved on the modules that are really loaded."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlhub_tui

from .parsed import nodes, tree

pytestmark = pytest.mark.xdist_group("parsed")

PACKAGE = Path(mlhub_tui.__file__).parent
HEAVY = {"textual", "rich", "httpx", "pystac", "humanize", "starlette", "uvicorn", "sqlite3", "asyncio"}
FOUNDATION = {
    "child_process",
    "concurrency",
    "content",
    "errors",
    "fileio",
    "lazy",
    "memory",
    "options",
    "output",
    "paths",
    "text",
    "version",
}
_BELOW = FOUNDATION | {"http", "models", "auth", "config", "sources", "transfer", "unpack"}
MAY_IMPORT = {
    "errors": set(),
    "lazy": set(),
    "options": {"text"},
    "content": {"text"},
    "text": set(),
    "output": {"errors", "fileio", "text"},
    "paths": {"errors"},
    "version": set(),
    "fileio": {"errors", "text"},
    "concurrency": set(),
    "child_process": {"errors"},
    "memory": set(),
    "preview_cache": {"models", "paths", "fileio"},
    "models": {"child_process", "errors", "lazy", "text"},
    "metadata": {"lazy", "models", "text"},
    "auth": FOUNDATION,
    "config": FOUNDATION,
    "doctor": FOUNDATION | {"models", "auth", "config", "sources", "queue"},
    "http": FOUNDATION | {"auth", "models"},
    "sources": FOUNDATION | {"http", "models", "metadata", "auth"},
    "transfer": FOUNDATION | {"http", "sources"},
    "unpack": FOUNDATION | {"sources", "transfer"},
    "planning": _BELOW,
    "queue": _BELOW | {"planning"},
    "cluster": _BELOW | {"planning", "queue"},
    "sample": FOUNDATION | {"auth"},
    "api": FOUNDATION | {"http", "models", "auth", "sources", "queue", "planning"},
    "sync": FOUNDATION | {"api", "auth", "http", "models"},
    "manual": set(),
    "cli": FOUNDATION
    | {"debug", "doctor", "models", "auth", "config", "sources", "queue", "sample", "ui"}
    | {"http", "manual", "metadata", "planning", "cluster", "preview_cache"},
    "debug": FOUNDATION | {"auth"},
    "ui": FOUNDATION
    | {
        "models",
        "auth",
        "config",
        "sources",
        "queue",
        "planning",
        "sample",
        "http",
        "transfer",
        "unpack",
    }
    | {"manual", "metadata", "cluster", "preview_cache"},
    "__main__": {"cli"},
}
"""For each part of the package, the parts it may import; itself always."""


def _modules() -> list[str]:
    return sorted(
        module.name
        for module in pkgutil.walk_packages([str(PACKAGE)], "mlhub_tui.")
        if not module.name.startswith("mlhub_tui.ui") and not module.name.endswith("__main__")
    )


def _loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after running the code."""
    script = (
        f"import sys, json\ntry:\n    exec({code!r})\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(json.dumps([name for name, module in sys.modules.items() if module]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not HEAVY & _loaded_by("import mlhub_tui")


@pytest.mark.parametrize(
    "name", ["cli", "errors", "text", "models", "auth", "paths", "config", "fileio", "options"]
)
def test_the_parts_of_a_quick_answer_load_nothing_heavy(name: str) -> None:
    names = f"import mlhub_tui.{name} as part\n[getattr(part, name) for name in getattr(part, '__all__', ())]"
    assert not (HEAVY - {"asyncio"}) & _loaded_by(names)


def test_the_version_is_answered_before_the_command_line_is_loaded() -> None:
    code = "sys.argv[1:] = ['--version']\nfrom mlhub_tui.__main__ import main\nmain()"
    assert not (HEAVY | {"click", "configparser"}) & _loaded_by(code)


def test_the_help_of_any_command_loads_nothing_heavy() -> None:
    code = (
        "import click\nfrom mlhub_tui.cli import root\nfrom mlhub_tui.cli.manual import commands_of\n"
        "for command, own in commands_of(root, click.Context(root)): command.get_help(own)\n"
        "parts = {name.split('.')[1] for name in sys.modules if name.count('.') > 1}\n"
        "sys.modules.update({f'part-{part}': sys for part in parts})"
    )
    as_typed = "sys.argv[1:] = ['list', 'items', '-h']\nfrom mlhub_tui.__main__ import main\nmain()"
    loaded = _loaded_by(code)
    assert not (HEAVY - {"asyncio"}) & (loaded | _loaded_by(as_typed))
    parts = ("sources", "queue", "planning", "transfer", "models", "http", "sample", "cluster", "ui")
    assert "part-cli" in loaded
    assert not {f"part-{part}" for part in parts} & loaded


def test_nothing_outside_the_screens_loads_textual() -> None:
    code = "".join(f"import {name}\n" for name in _modules())
    loaded = _loaded_by(code)
    assert "sqlite3" in loaded
    assert "textual" not in loaded


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the parts of this package that a module imports, with the line."""
    yield from ((target[0], line) for target, line in _targets(path))


def _targets(path: Path) -> Iterator[tuple[list[str], int]]:
    """Yield the modules of this package that a module imports at any time, with the line."""
    relative = path.relative_to(PACKAGE).with_suffix("")
    package = relative.parts[:-1]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            targets = [name.name.split(".")[1:] for name in node.names if name.name.startswith("mlhub_tui.")]
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = list(package[: len(package) - node.level + 1]) + (node.module or "").split(".")
            base = [part for part in base if part]
            targets = [base] if base else [[name.name] for name in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlhub_tui."):
            targets = [(node.module or "").split(".")[1:]]
        else:
            continue
        yield from ((target, node.lineno) for target in targets if target)


def test_imports_point_one_way() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if part == "__init__":
            continue
        allowed = MAY_IMPORT[part] | {part, "__version__"}
        wrong += [
            f"{path.relative_to(PACKAGE)}:{line} imports {target}"
            for target, line in _imports(path)
            if target not in allowed
        ]
    assert wrong == []


def test_only_the_start_of_the_app_leads_from_the_command_line_to_the_screens() -> None:
    users = [path.name for path in (PACKAGE / "cli").glob("*.py") if "ui" in dict(_imports(path))]
    # The manual prints the keys of the app's commands.
    assert sorted(users) == ["command.py", "manual.py"]


def _first_imports(path: Path) -> Iterator[str]:
    """Yield the modules of this package that a module imports as it is imported itself."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    package = list(parts[:-1])
    waiting: list[ast.stmt] = list(tree(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If):
            waiting += node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else node.body + node.orelse
        elif isinstance(node, ast.Try):
            waiting += node.body
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(
                [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
            )
            yield base
            yield from (f"{base}.{name.name}" for name in node.names)


def _ring(imports: dict[str, set[str]]) -> list[str]:
    """Return modules that need each other to be imported; none where there are no such."""
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        found = next(filter(None, (visit(other, (*way, module)) for other in sorted(imports[module]))), [])
        done.add(module)
        return found

    return next(filter(None, (visit(module, ()) for module in sorted(imports))), [])


def test_no_two_threads_can_wait_for_each_others_imports() -> None:
    """Whoever imports a module holds it, and waits for its package and for all that it imports."""
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    imports = {name: paths.keys() & set(_first_imports(path)) for name, path in paths.items()}
    del imports["mlhub_tui"]  # whatever is imported of it, it is there before any thread
    entered = {
        f"mlhub_tui.{'.'.join(target)}"
        for name, path in paths.items()
        for target, _ in _targets(path)
        if f"mlhub_tui.{target[0]}" != ".".join(name.split(".")[:2])
    }
    for name in imports:
        imports[name].discard("mlhub_tui")
        imports[name].discard(name)
        parent = name.rpartition(".")[0]
        if parent != "mlhub_tui" and name in entered:
            imports[name].add(parent)
    assert _ring(imports) == []


def _all_imports(path: Path, modules: set[str]) -> set[str]:
    """Return the modules that a module imports at any time, in functions and for type checking too."""
    parts = ("mlhub_tui", *path.relative_to(PACKAGE).with_suffix("").parts)
    package = parts[:-1]
    found = set()
    for node in nodes(path):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = list(package[: len(package) - node.level + 1]) if node.level else []
        target = ".".join([*base, *filter(None, [node.module])])
        for name in node.names:
            found.add(f"{target}.{name.name}" if f"{target}.{name.name}" in modules else target)
    return (found & modules) - {".".join(parts).removesuffix(".__init__")}


def test_no_modules_import_each_other_in_a_circle() -> None:
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    imports = {name: _all_imports(path, set(paths)) for name, path in paths.items()}
    assert _ring(imports) == []


NAMES_OF_THE_API = {"Collection", "Dataset", "Item", "MLModel", "Session"}


def test_no_two_classes_have_one_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    twice = {name: where for name, where in homes.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in NAMES_OF_THE_API} == {}


def test_no_module_is_reached_through_a_package_that_loads_names_alone() -> None:
    alone: dict[str, set[str]] = {}
    for path in PACKAGE.glob("*/__init__.py"):
        if "= lazy(" in path.read_text(encoding="utf-8"):
            alone[path.parent.name] = {module.name for module in pkgutil.iter_modules([str(path.parent)])}
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value.id}.{node.attr}"
        for path in PACKAGE.rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.attr in alone.get(node.value.id, set())
        if any(
            isinstance(each, ast.ImportFrom) and node.value.id in {alias.name for alias in each.names}
            for each in nodes(path)
        )
    ]
    assert {"models", "auth"} <= alone.keys()
    assert not found, found
