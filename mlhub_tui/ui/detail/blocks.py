"""Blocks of a detail, typeset for a width: titles, fields, paragraphs, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from textual.content import Content

from ...text import one_line
from ..terminal.characters import content, line
from .detail_tables import grid
from .markdown import MarkdownCache, lay_out


@dataclass(frozen=True, slots=True)
class Title:
    """The first line: what this is."""

    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The id, in the accent colour."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's name."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldBlock:
    """A name and its value; long values hang under themselves."""

    name: str
    value: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class GridBlock:
    """A table; columns of the highest ranks go first where there is no room. Without headers it has none."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ranks: tuple[int, ...]


Block = Title | Identity | Heading | FieldBlock | Paragraph | Prose | GridBlock

NAME_WIDTH = 11
WIDEST_NAME = 26
LONGEST_LINE = 1_000
LONGEST_TEXT = 20_000
"""Characters of a title or field, and of running text: more would hold up the keyboard while it is set."""


def typeset(blocks: Sequence[Block], width: int, read: MarkdownCache | None = None) -> Content:
    """Return the sheet for a width in cells; empty fields are left out.

    Parameters
    ----------
    read
        Markdown that was read; at a text that is not yet, the sheet ends for now. Without any, Markdown is
        shown as it was written.
    """
    lines: list[Content] = []
    names = NAME_WIDTH
    for number, block in enumerate(blocks):
        if not isinstance(block, FieldBlock) or number == 0:
            names = _name_width(blocks[number + 1 :])
        match block:
            case Title(text) if not lines:
                lines += line(text, "bold", LONGEST_LINE).wrap(max(width, 1))
            case Identity(text):
                named = bool(lines) and lines[0].plain == one_line(text)[: len(lines[0].plain)]
                lines += [
                    *([] if named else line(text, "$accent", LONGEST_LINE).wrap(max(width, 1))),
                    Content(),
                ]
            case Heading(text):
                lines += [*([Content()] if lines else []), line(text, "bold $primary")]
            case FieldBlock(name, value, style) if value:
                lines += _field(name, value, style, width, names)
            case Prose(text) if read is not None and text:
                if (pieces := read[text]) is None:
                    break
                lines += lay_out(pieces, max(width, 1))
            case GridBlock(headers, rows, ranks):
                heads = [line(header) for header in headers]
                lines += grid(heads, [[line(cell) for cell in row] for row in rows], max(width, 1), ranks)
            case Prose(text):
                lines += _paragraphs(text, "", width)
            case Paragraph(text, style) if text:
                lines += _paragraphs(text, style, width)
    return Content("\n").join(lines)


def _paragraphs(text: str, style: str, width: int) -> list[Content]:
    """Return the lines of running text."""
    lines: list[Content] = []
    for paragraph in content(text[:LONGEST_TEXT], style).split("\n"):
        lines += paragraph.wrap(max(width, 1)) if paragraph else [Content()]
    if len(text) > LONGEST_TEXT:
        more = line("… the text is longer: the JSON has all of it", "$muted")
        lines += more.wrap(max(width, 1))
    return lines


def _name_width(blocks: Sequence[Block]) -> int:
    """Return the width of the names of the fields that come next, so that their values stand in line."""
    fields = takewhile(lambda block: isinstance(block, FieldBlock), blocks)
    longest = max((len(f.name) for f in fields if isinstance(f, FieldBlock) and f.value), default=0)
    return max(NAME_WIDTH, min(longest + 1, WIDEST_NAME))


def _field(name: str, value: str, style: str, width: int, names: int) -> list[Content]:
    label = line(name, "$muted", limit=names - 1)
    label = label.pad_right(names - label.cell_length)
    room = max(width - names, 12)
    wrapped = line(value, style, LONGEST_LINE).wrap(room)
    indent = Content(" " * names)
    return [(label if index == 0 else indent) + part for index, part in enumerate(wrapped)]
