"""INI text as the seed library's `configparser.ConfigParser()` reads it, edited without touching the rest.

The seed rewrites the whole file when it saves a key, which loses comments. Here only the lines of the
option that changes are replaced; every edit is read back and compared before anybody writes it to disk.
"""

from __future__ import annotations

import configparser
import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class BrokenINI(ValueError):
    """The text is no INI; says which line and why, and never quotes it: the line may hold a key."""

    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason


Sections = dict[str, dict[str, str]]
_DEFAULT = configparser.DEFAULTSECT


def parse(text: str) -> Sections:
    """Return the sections with their values, interpolated as the seed does it.

    A value that the seed could not interpolate (a lone `%`) is returned as it is written. Values of
    `[DEFAULT]` are in every section; that section itself is not listed.

    Raises
    ------
    BrokenINI
        If a line is neither section, option nor comment, or a section or option is there twice.
    """
    parser = _parser(text)
    return {
        section: {key: _value(parser, section, key) for key in parser[section]}
        for section in parser.sections()
    }


def own_options(text: str) -> dict[str, frozenset[str]]:
    """Return the names of the options that each section has itself, not from `[DEFAULT]`."""
    found: dict[str, set[str]] = {}
    for line in _scan(text):
        if line.kind is _Kind.OPTION and line.section is not None and line.option is not None:
            found.setdefault(line.section, set()).add(line.option)
    return {section: frozenset(options) for section, options in found.items()}


def escape(value: str) -> str:
    """Return a value as it must be written so that interpolation reads it back unchanged."""
    return value.replace("%", "%%")


def set_option(text: str, section: str, option: str, value: str | None) -> str:
    """Return the text with an option of a section set, or removed for None.

    Parameters
    ----------
    value
        The value as it shall be read; one line, without surrounding whitespace.

    Raises
    ------
    BrokenINI
        If the text cannot be read, or the edit would change anything else in it.
    """
    before = _raw(text)
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = list(_scan(text))
    mine = [i for i, line in enumerate(lines) if line.section == section and line.option == option]
    written = "" if value is None else f"{option} = {escape(value)}{ending}"
    if mine:
        new = _replaced(lines, mine, written)
    else:
        new = _inserted(lines, section, written, ending) if written else text
    wanted = before | {section: before[section] | {option: escape(value or "")}}
    # A removed option may still show through from [DEFAULT]: that is the file's own word.
    _confirm(new, wanted, removed=(section, option) if value is None else None)
    return new


def set_section(text: str, section: str) -> str:
    """Return the text with a section of the name, which is appended where it is missing.

    Raises
    ------
    BrokenINI
        If the text cannot be read.
    """
    before = _raw(text)
    if section in before:
        return text
    new = _appended(text, section, "\r\n" if "\r\n" in text else "\n")
    _confirm(new, before | {section: dict(before[_DEFAULT])})
    return new


def remove_section(text: str, section: str) -> str:
    """Return the text without a section.

    Comments behind its last option stay, for they may be meant for the section that follows.

    Raises
    ------
    BrokenINI
        If the text cannot be read, or the edit would change anything else in it.
    """
    wanted = _raw(text)
    wanted.pop(section, None)
    lines = list(_scan(text))
    last = max((i for i, line in enumerate(lines) if line.is_of(section)), default=-1)
    kept = [line.text for i, line in enumerate(lines) if i > last or line.section != section]
    new = "".join(kept)
    _confirm(new, wanted)
    return new


class _Kind(Enum):
    BLANK = auto()
    HEADER = auto()
    OPTION = auto()
    CONTINUATION = auto()


@dataclass(frozen=True)
class _Line:
    """A line with its ending, and what the parser takes it for; BLANK are comments too."""

    text: str
    kind: _Kind
    section: str | None
    option: str | None

    @property
    def indent(self) -> str:
        return self.text[: len(self.text) - len(self.text.lstrip())]

    def is_of(self, section: str) -> bool:
        """Whether the parser takes it for a part of the section: its header or what it sets."""
        return self.section == section and self.kind is not _Kind.BLANK


def _scan(text: str) -> Iterator[_Line]:
    """Walk the lines with the rules of `ConfigParser._read`: a deeper indent continues a value."""
    section: str | None = None
    option: str | None = None
    level = 0
    for line in io.StringIO(text, newline=""):
        content = line.strip()
        if not content or content[0] in "#;":
            yield _Line(line, _Kind.BLANK, section, None)
            continue
        indent = len(line) - len(line.lstrip())
        if option and indent > level:
            yield _Line(line, _Kind.CONTINUATION, section, option)
            continue
        level = indent
        if header := configparser.RawConfigParser.SECTCRE.match(content):
            section, option = header.group("header"), None
            yield _Line(line, _Kind.HEADER, section, None)
        else:
            match = configparser.RawConfigParser.OPTCRE.match(content)
            option = match.group("option").rstrip().lower() if match else None
            yield _Line(line, _Kind.OPTION, section, option)


def _replaced(lines: list[_Line], mine: list[int], written: str) -> str:
    """Return the text with the lines of an option exchanged for one line, or for nothing."""
    texts = [line.text for line in lines]
    for index in mine[1:]:
        texts[index] = ""
    texts[mine[0]] = lines[mine[0]].indent + written if written else ""
    return "".join(texts)


def _inserted(lines: list[_Line], section: str, written: str, ending: str) -> str:
    """Return the text with a line behind the last option of a section."""
    last = max(i for i, line in enumerate(lines) if line.is_of(section))
    options = [line for line in lines if line.section == section and line.kind is _Kind.OPTION]
    indent = options[-1].indent if options else ""
    texts = [line.text for line in lines]
    if not texts[last].endswith(("\n", "\r")):
        texts[last] += ending
    texts.insert(last + 1, indent + written)
    return "".join(texts)


def _appended(text: str, section: str, ending: str) -> str:
    """Return the text with a section behind it, one empty line apart."""
    if text and not text.endswith(("\n", "\r")):
        text += ending
    if text.strip() and not text.endswith(ending * 2):
        text += ending
    return f"{text}[{section}]{ending}"


def _confirm(text: str, wanted: Sections, *, removed: tuple[str, str] | None = None) -> None:
    """Refuse an edit that is not read back as it was meant."""
    got = _raw(text)
    if removed:
        for sections in (got, wanted):
            sections[removed[0]].pop(removed[1], None)
    if got != wanted:
        raise BrokenINI(None, "its layout cannot be edited safely")


def _raw(text: str) -> Sections:
    """Return all sections, `[DEFAULT]` too, with their values as they are written."""
    parser = _parser(text)
    sections = {name: dict(parser.items(name, raw=True)) for name in parser.sections()}
    return {_DEFAULT: dict(parser.defaults())} | sections


def _parser(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.DuplicateSectionError as error:
        raise BrokenINI(error.lineno, f"the section [{error.section}] is there twice") from None
    except configparser.DuplicateOptionError as error:
        raise BrokenINI(error.lineno, f"{error.option} is there twice in [{error.section}]") from None
    except configparser.MissingSectionHeaderError as error:
        raise BrokenINI(error.lineno, "a section like [default] must come first") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else None
        raise BrokenINI(line, "it is neither a [section] nor an option like `api_key = ...`") from None
    except configparser.Error as error:
        raise BrokenINI(None, type(error).__name__) from None
    return parser


def _value(parser: configparser.ConfigParser, section: str, key: str) -> str:
    try:
        return parser.get(section, key)
    except configparser.InterpolationError:
        return parser.get(section, key, raw=True)
