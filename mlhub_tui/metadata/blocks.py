"""The blocks that show a document in detail, for the screen and the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Title:
    """The first line: what this is."""

    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The id."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's name."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldBlock:
    """A name and its value; long values hang under themselves. Without a value it is left out."""

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
    """A table: the first columns matter most, the last ones go first where there is no room."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Title | Identity | Heading | FieldBlock | Paragraph | Prose | GridBlock
