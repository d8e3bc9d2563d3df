"""Pieces of Markdown set as lines for a width."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content, Span

from ..sheets.grid import grid
from .parse import MarkdownPiece, Runs

NARROWEST = 12
"""Cells that text keeps, however deep it is in lists and quotations."""


def lay_out(pieces: Iterable[MarkdownPiece], width: int) -> list[Content]:
    """Return the lines of pieces for a width in cells, empty ones between paragraphs."""
    lines: list[Content] = []
    for piece in pieces:
        set_lines = _lines(piece, width)
        if lines and set_lines and not piece.close:
            # The bars of a quotation go on over the empty lines in it.
            lines.append(Content(_common(lines[-1].plain, piece.rest)).rstrip())
        lines += set_lines
    return lines


def _lines(piece: MarkdownPiece, width: int) -> list[Content]:
    first, rest = piece.first, piece.rest
    most = max(width - NARROWEST, 0)
    if len(rest) > most:
        first, rest = first[len(first) - most :] if most else "", rest[len(rest) - most :] if most else ""
    room = max(width - len(rest), 1)
    match piece.kind:
        case "rule":
            inner = [Content.styled("─" * min(room, 20), "$muted")]
        case "code":
            code = written(piece.runs)
            inner = [part for line in code.split("\n") for part in _folded(line, max(room - 2, 1))]
            inner = [Content("  ") + part for part in inner]
        case "table":
            heads, *cells = [[written(cell) for cell in row] for row in piece.rows] or [[]]
            inner = grid(heads, cells, room)
        case _:
            inner = [
                part
                for line in written(piece.runs).split("\n", allow_blank=True)
                for part in line.wrap(room) or [Content()]
            ]
    before = (Content(first), Content(rest))
    return [before[min(number, 1)] + line for number, line in enumerate(inner)]


def written(runs: Runs) -> Content:
    """Return runs as content."""
    text, spans = "", []
    for run in runs:
        if run.style:
            spans.append(Span(len(text), len(text) + len(run.text), run.style))
        text += run.text
    return Content(text, spans)


def _folded(line: Content, room: int) -> list[Content]:
    """Return a line of code in pieces; its spaces count."""
    plain = line.plain
    if line.cell_length <= room:
        return [line]
    from rich.cells import chop_cells

    return [Content.styled(part, "$accent") for part in chop_cells(plain, room)]


def _common(above: str, below: str) -> str:
    """Return the bars of quotations that the lines above and below share."""
    shared = 0
    for one, other in zip(above, below, strict=False):
        if one != other or one not in "│ ":
            break
        shared += 1
    return above[:shared]
