"""Blocks of a detail, typeset for a width: titles, fields, paragraphs, tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from rich.cells import cell_len
from textual.content import Content

from ...metadata.detail import Block, FieldBlock, GridBlock, Heading, Identity, Paragraph, Prose, Title
from ...text import one_line
from ..terminal.characters import content, line
from .markdown import MarkdownCache, rendered

NAME_WIDTH = 11
WIDEST_NAME = 26
LONGEST_LINE = 1_000
LONGEST_TEXT = 20_000
"""Characters of a title or field, and of running text: more would hold up the keyboard while it is set."""
LONGEST_CELL, MOST_ROWS = 200, 200
"""Characters of a cell and rows of a table: the detail is set again at each step of the cursor."""
GAP = 2
NARROWEST = 8
"""Cells of a column; in less a column of running text is no longer read."""


def typeset(blocks: Sequence[Block], width: int, markdown: MarkdownCache | None = None) -> Content:
    """Return the blocks for a width in cells; empty fields are left out.

    Parameters
    ----------
    markdown
        Markdown that was set; at a text that is not yet, the sheet ends for now. Without any, Markdown is
        shown as it was written.
    """
    lines: list[Content] = []
    names, room = NAME_WIDTH, max(width, 1)
    for number, block in enumerate(blocks):
        if not isinstance(block, FieldBlock) or number == 0:
            names = _name_width(blocks[number + 1 :])
        match block:
            case Title(text) if not lines:
                lines += line(text, "bold", LONGEST_LINE).wrap(room)
            case Identity(text):
                named = bool(lines) and lines[0].plain == one_line(text)[: len(lines[0].plain)]
                lines += [*([] if named else line(text, "$accent", LONGEST_LINE).wrap(room)), Content()]
            case Heading(text):
                lines += [*([Content()] if lines else []), line(text, "bold $primary")]
            case FieldBlock(name, value, style) if value:
                lines += _field(name, value, style, width, names)
            case Prose(text) if markdown is not None and text:
                if (found := markdown.get(text, room)) is None:
                    break
                lines += found
            case GridBlock():
                lines += _grid(block, room)
            case Prose(text):
                lines += _paragraphs(text, "", room)
            case Paragraph(text, style) if text:
                lines += _paragraphs(text, style, room)
    return Content("\n").join(lines)


def _paragraphs(text: str, style: str, room: int) -> list[Content]:
    """Return the lines of running text."""
    lines: list[Content] = []
    for paragraph in content(text[:LONGEST_TEXT], style).split("\n"):
        lines += paragraph.wrap(room) if paragraph else [Content()]
    if len(text) > LONGEST_TEXT:
        lines += line("… the text is longer: the JSON has all of it", "$muted").wrap(room)
    return lines


def _name_width(blocks: Sequence[Block]) -> int:
    """Return the width of the names of the fields that come next, so that their values stand in line."""
    fields = takewhile(lambda block: isinstance(block, FieldBlock), blocks)
    longest = max((len(f.name) for f in fields if isinstance(f, FieldBlock) and f.value), default=0)
    return max(NAME_WIDTH, min(longest + 1, WIDEST_NAME))


def _field(name: str, value: str, style: str, width: int, names: int) -> list[Content]:
    label = line(name, "$muted", limit=names - 1)
    label = label.pad_right(names - label.cell_length)
    wrapped = line(value, style, LONGEST_LINE).wrap(max(width - names, 12))
    indent = Content(" " * names)
    return [(label if index == 0 else indent) + part for index, part in enumerate(wrapped)]


def _grid(block: GridBlock, room: int) -> list[Content]:
    """Return the lines of a table: columns that would be too narrow go, the last ones first."""
    from rich.table import Table
    from rich.text import Text

    rows = [[one_line(cell, LONGEST_CELL) for cell in row] for row in block.rows[:MOST_ROWS]]
    used = [n for n in range(len(block.headers)) if any(row[n] for row in rows)]
    widest = [max(cell_len(text) for text in column) for column in zip(block.headers, *rows, strict=True)]
    while len(used) > 1 and sum(min(widest[n], NARROWEST) + GAP for n in used) - GAP > room:
        used.pop()
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, GAP, 0, 0),
        show_header=any(block.headers),
        header_style="magenta",
    )
    for n in used:
        table.add_column(Text(block.headers[n], "magenta"), overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[n]) for n in used))
    found = rendered(table, room) if used else []
    if len(block.rows) > MOST_ROWS:
        found += line(f"… and {len(block.rows) - MOST_ROWS:,} more, in the JSON", "$muted").wrap(room)
    return found
