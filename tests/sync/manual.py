"""Runs examples of the manual that the old library has, from the file beside the project.

`manual.py FILE NUMBER...`, with the sample catalog in the environment. Each runs in a process, an empty
current folder and a home of its own, below the current folder. A line that ends in `# -> value` is an
expression equal to it, one with `# raises Error` a statement that raises it.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import sys
from pathlib import Path
from typing import Any

_EXPECTED = re.compile(r"  # (->|raises) (.*)$")
NEAR = 16
"""Bytes by which the size of a compressed catalog differs, with the digits of the server's port in it."""


def examples(text: str) -> list[str]:
    """Return the examples of a text, first what each of them begins with."""
    code = text.partition("\n```python\n# 0 ")[2].partition("\n```")[0]
    return re.split(r"(?m)^# \d+ · .*\n", "# 0 " + code)[1:]


def run(source: str, names: dict[str, Any]) -> int:
    """Run the statements of an example, and return how many of its lines were compared."""
    lines, compared = source.splitlines(), 0
    statements = ast.parse(source).body
    for statement, following in zip(statements, [*statements[1:], None], strict=True):
        assert statement.end_lineno is not None
        expected = _EXPECTED.search(lines[statement.end_lineno - 1])
        last = following is None or following.lineno != statement.end_lineno
        if expected is None or not last:
            exec(compile(ast.Module([statement], []), "<example>", "exec"), names)
            continue
        compared += 1
        shown = ast.unparse(statement)
        if expected[1] == "raises":
            kind = eval(expected[2], {**vars(builtins), **names})
            try:
                exec(compile(ast.Module([statement], []), "<example>", "exec"), names)
            except Exception as error:
                assert isinstance(error, kind), f"{shown}: {error!r}"
            else:
                raise AssertionError(f"{shown}: no {expected[2]}")
        else:
            assert isinstance(statement, ast.Expr)
            found = eval(compile(ast.Expression(statement.value), "<example>", "eval"), names)
            wanted = eval(expected[2], names)
            assert found == wanted or near(shown, found, wanted), f"{shown}: {found!r} is not {wanted!r}"
    return compared


def near(shown: str, found: Any, wanted: Any) -> bool:
    """Whether what is compared is the size of a catalog, and almost the same."""
    return "stac_catalog_size" in shown and abs(found[0] - wanted[0]) < NEAR and found[1:] == wanted[1:]


def in_a_fork(source: str, names: dict[str, Any], folder: Path) -> None:
    """Run an example in a process that has imported what all begin with; end this one where it fails."""
    (folder / "cwd").mkdir(parents=True)
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit(f"example {folder.name} failed")
        return
    os.chdir(folder / "cwd")
    os.environ |= {"MLHUB_HOME": str(folder / "mlhub"), "HOME": str(folder)}
    run(source, names)
    sys.exit()


if __name__ == "__main__":
    head, *others = examples(Path(sys.argv[1]).read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    exec(compile(head, "<head>", "exec"), names)
    for number in sys.argv[2:]:
        in_a_fork(others[int(number) - 1], names, Path.cwd() / number)
