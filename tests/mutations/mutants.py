"""The mutants of a module: one changed operator, constant or condition each; what is left out, and why."""

from __future__ import annotations

import ast
import errno
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_CALCULATED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
_LOGGED = re.compile(r"(^|\.)(_?log|_?logger|logging)\.\w+$|(^|\.)(warn|debug|print)$")
_PACE = re.compile(
    r"timeout|pause|second|interval|patience|delay|wait|poll|period|block|chunk|buffer|piece|batch|at_once"
    r"|every|tick|grace|remembered|idle|window|rarely|slack|slice|took|fresh|stale|gain|connections|slots"
    r"|per_host|quiet|low_speed|^_?take$|^_?low$|^_?group_|since_check",
    re.I,
)
_CLOCK = re.compile(
    r"monotonic\(|time\.time\(|clock\(|\b(now|deadline|waited|_waited|age|silent|oldest|\w*until)\b"
)
_LONG_AGO = re.compile(
    r"(since|until|_at|looked|read_again|began|checked|confirmed|announced|refreshed|adopted|beaten)$"
)
_BOUND = re.compile(r"most|max|longest|deepest", re.I)
_PLATFORM = {"os.name": os.name, "sys.platform": sys.platform}
_SECONDS = re.compile(r"#.*\bseconds\b")

_DECORATOR = "a decorator's argument (frozen, slots, the size of a cache)"
_PACED = "a pace: seconds, bytes or connections at a time, which matter for speed alone"
_WIDTH = "how wide something is drawn"
_EXACT = "the exact figure of a far bound (1,000 or more; 100 where its name says that it is one)"
_MOMENT = "whether a clock has come to a moment or just passed it"
_PAST = "how long ago a moment is that stands for never"
_ELSEWHERE = "for another platform than this one"
_NONE = "which negative number stands for none"
_FIGURES = {_PACED, _EXACT}
_FAR, _FAR_BOUND = 1000, 100
_EDGES = {("<", "<="), ("<=", "<"), (">", ">="), (">=", ">")}
_ANNOTATIONS = {"annotation", "returns", "type_params"}


@dataclass(frozen=True, order=True)
class Mutant:
    """A change of a file: the bytes from start to end become others.

    Parameters
    ----------
    skip
        Why it changes nothing that a test could see; empty where it does.
    imported
        Whether it runs when the module is imported, rather than in a function.
    statement
        The first line of the statement that it is in.
    """

    path: str
    line: int
    start: int
    end: int
    new: str
    skip: str = ""
    imported: bool = False
    statement: int = 0

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """Return the changed line as it was and as it is."""
        return f"- {_line_at(source, self.start)}\n+ {_line_at(self.apply(source), self.start)}"


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Return all mutants of a module, in the order of its text."""
    source = path.read_bytes()
    return sorted(set(_Finder(source, path.relative_to(root).as_posix()).all()))


def _line_at(source: bytes, offset: int) -> str:
    start = source.rfind(b"\n", 0, offset) + 1
    end = source.find(b"\n", offset)
    return source[start : end if end >= 0 else None].decode().strip()


class _Finder:
    def __init__(self, source: bytes, path: str) -> None:
        self._source = source
        self._path = path
        self._starts = [0, *(at.end() for at in re.finditer(rb"\n", source))]

    def all(self) -> Iterator[Mutant]:
        yield from self._within(ast.parse(self._source), "")

    def _within(
        self, node: ast.AST, skip: str, imported: bool = True, statement: int = 1
    ) -> Iterator[Mutant]:
        statement = node.lineno if isinstance(node, ast.stmt) else statement
        skip = skip or _equivalent(node, imported) or (self._seconds(node) if imported else "")
        said = (
            "" if skip in _FIGURES and isinstance(node, ast.BinOp) else skip
        )  # 1 >> 20 is not a figure moved
        line = getattr(node, "lineno", 1)
        for start, end, new in self._changes(node):
            why = said or _unseen(node, self._source[start:end].decode(), new)
            yield Mutant(self._path, line, start, end, new, why, imported, statement)
        whys = _figures_of_arguments(node) if isinstance(node, ast.arguments) else _paces_of(node, imported)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if name not in _ANNOTATIONS and isinstance(child, ast.AST):
                    why = _DECORATOR if name == "decorator_list" else _WIDTH if _is_width(node, child) else ""
                    why = why or whys.get(child, "") or (_NONE if _is_none(node, child) else "")
                    here = imported and not (is_function and name == "body")
                    yield from self._within(child, skip or why, here, statement)

    def _seconds(self, node: ast.AST) -> str:
        """Return why constants of a module that a comment calls seconds are left out."""
        if not isinstance(node, ast.Assign):
            return ""
        line = self._source[self._starts[node.lineno - 1] :].split(b"\n", 1)[0].decode()
        return _PACED if _SECONDS.search(line) else ""

    def _changes(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                for before, operator, after in zip([left, *others], ops, others, strict=False):
                    yield from self._token(before, after, *_COMPARED[type(operator)])
                for side in (left, *others):
                    for text in side.elts if isinstance(side, ast.Tuple | ast.Set | ast.List) else [side]:
                        if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                            yield *self._span(text), repr("x" + text.value)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _CALCULATED:
                if not any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in (left, right)):
                    yield from self._token(left, right, *_CALCULATED[type(operator)])
            case ast.BoolOp(op=operator, values=values):
                old, new = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
                for before, after in pairwise(values):
                    yield from self._token(before, after, old, new)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield self._offset(node.lineno, node.col_offset), self._span(operand)[0], ""
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                if not isinstance(test, ast.Constant):
                    start, end = self._span(test)
                    yield start, end, f"not ({self._source[start:end].decode()})"
            case ast.Constant(value=bool() as value):
                yield *self._span(node), str(not value)
            case ast.Constant(value=int() | float() as value):
                yield *self._span(node), str(value + 1)
            case ast.Break():
                yield *self._span(node), "continue"
            case ast.Continue():
                yield *self._span(node), "break"

    def _token(self, before: ast.expr, after: ast.expr, old: str, new: str) -> Iterator[tuple[int, int, str]]:
        start, end = self._span(before)[1], self._span(after)[0]
        pattern = rb"\s+".join(re.escape(word) for word in old.encode().split())
        found = list(re.finditer(pattern, self._source[start:end]))
        if len(found) == 1:  # not in a comment or among parentheses that confuse
            yield start + found[0].start(), start + found[0].end(), new

    def _span(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _equivalent(node: ast.AST, imported: bool) -> str:
    """Return why nothing within a node can be seen by a test; empty where it can."""
    match node:
        case ast.FunctionDef(name="__repr__" | "__rich_repr__"):
            return "a repr"
        case ast.ClassDef(bases=bases) if any(ast.unparse(base).startswith("Protocol") for base in bases):
            return "for type checkers alone"
        case ast.Assert():
            return "an assertion of what cannot be otherwise"
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return "for type checkers alone"
        case ast.Call(func=function) if _LOGGED.search(ast.unparse(function)):
            return "the text of a log"
        case ast.Call(func=ast.Name(id="field" | "TypeVar" | "NewType")):
            return "a declaration"
        case ast.Call(func=function, args=[_, level]) if ast.unparse(function) == "zlib.compress":
            return _PACED if _is_number(level) else ""
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ) if _is_number(value):
            return _PACED if _PACE.search(name) else _exact(name, value) if imported else ""
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Constant(value=0) as value):
            if isinstance(value.value, float) and _LONG_AGO.search(name):
                return _PAST
            return _PACED if name.endswith("since_check") else ""
        case ast.Call(
            func=ast.Name(id="getattr"), args=[ast.Name(id=module), ast.Constant(value=str(name)), _]
        ):
            there = {"os": os, "errno": errno}.get(module)
            return _ELSEWHERE if there and hasattr(there, name) else ""
        case ast.keyword(arg=str(name), value=value) if _PACE.search(name) and _is_number(value):
            return _PACED
        case ast.keyword(arg="maxsize" | "maxlen" | "max_workers" | "daemon" | "stacklevel" | "buffering"):
            return "a cache's or pool's size"
        case ast.keyword(arg="usedforsecurity"):
            return _ELSEWHERE  # which allow less (FIPS)
        case ast.keyword(arg="strict", value=ast.Constant()):
            return "whether zip checks lengths that are equal"
        case ast.keyword(arg="width" | "indent", value=ast.Constant()):
            return _WIDTH
        case ast.Call(func=function) if ast.unparse(function).endswith((".sleep", ".wait", ".join")):
            return "a pause"
    return ""


def _figures_of_arguments(arguments: ast.arguments) -> dict[ast.AST, str]:
    """Return why defaults of arguments are left out: those that are paces or far bounds."""
    positional = [*arguments.posonlyargs, *arguments.args]
    named = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {
        value: _PACED if _PACE.search(each.arg) else _exact(each.arg, value)
        for each, value in named
        if value and _is_number(value)
    }


def _paces_of(node: ast.AST, imported: bool) -> dict[ast.AST, str]:
    """Return why constants that are assigned together are left out: those that are paces."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if imported:
            pairs = zip(names, values, strict=False)
            return {
                value: _PACED
                for name, value in pairs
                if _PACE.search(ast.unparse(name)) and _is_number(value)
            }
    return {}


def _unseen(node: ast.AST, old: str, new: str) -> str:
    """Return why one change of a node cannot be seen, where others of it can."""
    if not isinstance(node, ast.Compare):
        return ""
    if (old, new) in _EDGES:
        return _MOMENT if _CLOCK.search(ast.unparse(node)) else ""
    here = _PLATFORM.get(ast.unparse(node.left))
    return _ELSEWHERE if here is not None and old.startswith(('"', "'")) and here != old[1:-1] else ""


def _exact(name: str, value: ast.expr) -> str:
    """Return why a constant's figure is not a behaviour: a far bound, moved by a hundredth or less."""
    number = abs(eval(ast.unparse(value)))
    return _EXACT if number >= (_FAR_BOUND if _BOUND.search(name) else _FAR) else ""


def _is_none(node: ast.AST, child: ast.AST) -> bool:
    """Whether a child is the number -1 that stands for none: no step of a range, no place from the end."""
    is_value = isinstance(node, ast.Assign | ast.AnnAssign | ast.arguments) or (
        isinstance(node, ast.Call) and ast.unparse(node.func) != "range"
    )
    return is_value and ast.unparse(child) == "-1"


def _is_width(node: ast.AST, child: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("one_line")
        and any(child is argument for argument in node.args[1:])
        and isinstance(child, ast.Constant)
    )


def _is_number(node: ast.expr) -> bool:
    parts = ast.Constant | ast.BinOp | ast.operator | ast.UnaryOp | ast.unaryop
    if not all(isinstance(part, parts) for part in ast.walk(node)):
        return False
    constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in constants)
