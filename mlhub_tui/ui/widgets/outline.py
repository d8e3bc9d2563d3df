"""The rows of an outline: a tree and the flat list of what is open in it; changes are slices of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class OutlineRow(Generic[T]):
    """A row of an outline.

    Parameters
    ----------
    data
        What it stands for.
    foldable
        Whether it can be opened, be there children yet or not.
    """

    __slots__ = ("children", "data", "depth", "foldable", "is_open", "parent", "shown", "span")

    def __init__(self, data: T, *, foldable: bool = False) -> None:
        self.data = data
        self.foldable = foldable
        self.is_open = False
        self.parent: OutlineRow[T] | None = None
        self.depth = 0
        self.children: list[OutlineRow[T]] | None = None
        self.shown: list[OutlineRow[T]] | None = None
        """The children a filter leaves; None for all of them."""
        self.span = 0
        """How many rows are in sight below it; counted where the row itself is in sight."""

    @property
    def visible(self) -> list[OutlineRow[T]]:
        """The children that are shown where the row is open."""
        return (self.children or []) if self.shown is None else self.shown

    @property
    def is_last(self) -> bool:
        """Whether no sibling is shown below it."""
        return self.parent is None or self.parent.visible[-1:] == [self]

    def lineage(self) -> Iterator[OutlineRow[T]]:
        """Yield the row and all above it, the nearest first; not the root."""
        row: OutlineRow[T] = self
        while row.parent is not None:
            yield row
            row = row.parent


Spliced = Callable[[int, int, int], None]
"""Told of a change: the first line, how many lines were removed there, how many came instead."""


class OutlineRows(Generic[T]):
    """A tree whose open rows stand in one list, `rows`: what is seen of it is a slice.

    Moving in it costs nothing that grows with its size; opening, closing and filling cost slices.

    Parameters
    ----------
    root
        What the root stands for, which is never shown.
    on_splice
        Told of every change of `rows`.
    """

    def __init__(self, root: T, on_splice: Spliced = lambda *_: None) -> None:
        self.root: OutlineRow[T] = OutlineRow(root, foldable=True)
        self.root.is_open, self.root.depth, self.root.children = True, -1, []
        self.rows: list[OutlineRow[T]] = []
        self._on_splice = on_splice

    def line_of(self, row: OutlineRow[T], near: int = -1) -> int | None:
        """Return the line of a row, None where it is not in sight.

        Parameters
        ----------
        row
            The row.
        near
            A line on which it is likely.
        """
        if 0 <= near < len(self.rows) and self.rows[near] is row:
            return near
        if any(not above.is_open for above in row.lineage() if above is not row):
            return None
        try:
            return self.rows.index(row)
        except ValueError:
            return None

    def open(self, row: OutlineRow[T], near: int = -1) -> None:
        """Show the children of a row."""
        if row.is_open or not row.foldable:
            return
        row.is_open = True
        line = self.line_of(row, near)
        if line is not None:
            self._splice(row, line + 1, 0, self._below(row))

    def close(self, row: OutlineRow[T], near: int = -1) -> None:
        """Hide the children of a row."""
        if not row.is_open:
            return
        line = self.line_of(row, near)
        row.is_open = False
        if line is not None and row.span:
            self._splice(row, line + 1, row.span, [])

    def put(self, row: OutlineRow[T], rows: Iterable[OutlineRow[T]], start: int = 0) -> None:
        """Put other children in the place of those from `start` on: the whole, or the tail, of a row's.

        Where a filter chooses among the children of the row, what is shown stays until it chooses anew.
        """
        fresh = list(rows)
        for child in fresh:
            child.parent, child.depth = row, row.depth + 1
        children = row.children = row.children if row.children is not None else []
        gone = children[start:]
        children[start:] = fresh
        if not row.is_open or row.shown is not None:
            return
        line = -1 if row is self.root else self.line_of(row)
        if line is None:
            return
        removed = sum(child.span + 1 for child in gone)
        self._splice(row, line + 1 + row.span - removed, removed, self._laid_out(fresh))

    def lay_out(self) -> None:
        """Make the list anew: a filter chose among the children of many rows."""
        before = len(self.rows)
        self.rows = self._below(self.root)
        self.root.span = len(self.rows)
        self._on_splice(0, before, len(self.rows))

    def _splice(self, row: OutlineRow[T], line: int, removed: int, added: list[OutlineRow[T]]) -> None:
        self.rows[line : line + removed] = added
        change = len(added) - removed
        above: OutlineRow[T] | None = row
        while above is not None:
            above.span += change
            above = above.parent
        self._on_splice(line, removed, len(added))

    def _laid_out(self, rows: list[OutlineRow[T]]) -> list[OutlineRow[T]]:
        """Return rows with all that is open below them."""
        found: list[OutlineRow[T]] = []
        for row in rows:
            found.append(row)
            if row.is_open:
                below = self._below(row)
                row.span = len(below)
                found += below
        return found

    def _below(self, top: OutlineRow[T]) -> list[OutlineRow[T]]:
        """Return what is to be seen below an open row, and count it for all rows in it; not for `top`.

        Without recursion: catalogs are nested to any depth.
        """
        found: list[OutlineRow[T]] = []
        stack = [(top, iter(top.visible), 0)]
        while stack:
            row, children, start = stack[-1]
            for child in children:
                found.append(child)
                if child.is_open:
                    stack.append((child, iter(child.visible), len(found)))
                    break
                child.span = 0
            else:
                stack.pop()
                if row is not top:
                    row.span = len(found) - start
        return found
