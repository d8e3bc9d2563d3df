"""Tables in a detail: columns as wide as they need, that shrink where there is no room, or go."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

GAP = 2
NARROWEST = 8
"""Cells; in less a column of running text is no longer read."""
MOST_LINES = 4
"""Lines of a row; what is longer is cut."""


def grid(
    headers: Sequence[Content],
    rows: Sequence[Sequence[Content]],
    width: int,
    ranks: Sequence[int] | None = None,
) -> list[Content]:
    """Return the lines of a table.

    Parameters
    ----------
    headers
        The names of the columns.
    rows
        Their cells, each as one line of text.
    width
        Cells there are.
    ranks
        How important each column is, 0 the most: where there is no room, those with the highest rank go.
        Without ranks none goes: each row becomes a few lines, `header: cell`.
    """
    used = [n for n in range(len(headers)) if any(n < len(row) and row[n].plain.strip() for row in rows)]
    if not used:
        return []
    cells = [[row[n] if n < len(row) else Content() for n in used] for row in rows]
    heads = [headers[n] for n in used]
    order = [ranks[n] for n in used] if ranks is not None else None
    while True:
        widths = _shrunk(_natural(heads, cells), width)
        if widths is not None:
            break
        if order is None:
            return _listed(heads, cells, width)
        gone = order.index(max(order))
        if len(order) == 1:
            widths = [max(width, 1)]
            break
        heads, order = [*heads[:gone], *heads[gone + 1 :]], [*order[:gone], *order[gone + 1 :]]
        cells = [[*row[:gone], *row[gone + 1 :]] for row in cells]
    styled = [head.stylize("$muted") for head in heads]
    lines = _row(styled, widths) if any(head.plain.strip() for head in heads) else []
    for row in cells:
        lines += _row(row, widths)
    return lines


def _natural(heads: Sequence[Content], cells: Sequence[Sequence[Content]]) -> list[int]:
    return [
        max(1, head.cell_length, *(row[n].cell_length for row in cells))
        if cells
        else max(1, head.cell_length)
        for n, head in enumerate(heads)
    ]


def _shrunk(widths: list[int], room: int) -> list[int] | None:
    """Return widths that fit into a room, the widest shrunk; None where that leaves too little."""
    widths = list(widths)
    over = sum(widths) + GAP * (len(widths) - 1) - room
    while over > 0:
        widest = max(widths)
        if widest <= NARROWEST:
            return None
        number = widths.index(widest)
        below = max([w for w in widths if w < widest], default=NARROWEST)
        less = min(over, max(widest - max(below, NARROWEST), 1))
        widths[number] -= less
        over -= less
    return widths


def _row(cells: Sequence[Content], widths: Sequence[int]) -> list[Content]:
    """Return the lines of a row: its cells wrapped beside each other."""
    wrapped = [_lines(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines: list[Content] = []
    for number in range(max(map(len, wrapped))):
        line = Content()
        for n, (parts, width) in enumerate(zip(wrapped, widths, strict=True)):
            part = parts[number] if number < len(parts) else Content()
            gap = width - part.cell_length + GAP if n < len(widths) - 1 else 0
            line = line + part + Content(" " * max(gap, 0))
        lines.append(line.rstrip())
    return lines


def _lines(cell: Content, width: int) -> list[Content]:
    lines = list(cell.wrap(width)) if cell.plain else [Content()]
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], Content("…")]


def _listed(heads: Sequence[Content], cells: Sequence[Sequence[Content]], width: int) -> list[Content]:
    """Return a table too wide for any columns: of each row what is in it, by the names of the columns."""
    lines: list[Content] = []
    for number, row in enumerate(cells):
        lines += [Content()] if number else []
        for head, cell in zip(heads, row, strict=True):
            if cell.plain.strip():
                name = head.stylize("$muted") + Content(": " if head.plain.strip() else "")
                lines += (name + cell).wrap(max(width, 1))
    return lines
