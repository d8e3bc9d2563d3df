"""The blocks a sheet is made of, and how they are set for a width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from textual.content import Content

from ...text import one_line
from ..draw import content, line


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
class Field:
    """A name and its value; long values hang under themselves."""

    name: str
    value: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    style: str = ""


Block = Title | Identity | Heading | Field | Paragraph

NAME_WIDTH = 11
WIDEST_NAME = 26
LONGEST_LINE = 1_000
LONGEST_TEXT = 20_000
"""Characters of a title or field, and of running text: more would hold up the keyboard while it is set."""


def typeset(blocks: Sequence[Block], width: int) -> Content:
    """Return the sheet for a width in cells; empty fields are left out."""
    lines: list[Content] = []
    names = NAME_WIDTH
    for number, block in enumerate(blocks):
        if not isinstance(block, Field) or number == 0:
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
            case Field(name, value, style) if value:
                lines += _field(name, value, style, width, names)
            case Paragraph(text, style) if text:
                for paragraph in content(text[:LONGEST_TEXT], style).split("\n"):
                    lines += paragraph.wrap(max(width, 1)) if paragraph else [Content()]
                if len(text) > LONGEST_TEXT:
                    lines += line("… the text is longer: the JSON has all of it", "$muted").wrap(
                        max(width, 1)
                    )
    return Content("\n").join(lines)


def _name_width(blocks: Sequence[Block]) -> int:
    """Return the width of the names of the fields that come next, so that their values stand in line."""
    fields = takewhile(lambda block: isinstance(block, Field), blocks)
    longest = max((len(f.name) for f in fields if isinstance(f, Field) and f.value), default=0)
    return max(NAME_WIDTH, min(longest + 1, WIDEST_NAME))


def _field(name: str, value: str, style: str, width: int, names: int) -> list[Content]:
    label = line(name, "$muted", limit=names - 1)
    label = label.pad_right(names - label.cell_length)
    room = max(width - names, 12)
    wrapped = line(value, style, LONGEST_LINE).wrap(room)
    indent = Content(" " * names)
    return [(label if index == 0 else indent) + part for index, part in enumerate(wrapped)]
