"""What commands print: tables, documents as JSON, and notes beside them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..text import one_line

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..models import Document

META = "mlhub_tui.cli."
"""Begins the names of what a command line remembers in click's `Context.meta`."""
_GAP = "  "
_NARROWEST = 8
_COMFORT = 20
Row = Sequence[object]


def is_terminal(stream: Any) -> bool:
    """Whether a stream leads to a terminal; one that is closed, or missing as in a daemon, does not."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout leads to; None where it leads to none."""
    if not is_terminal(sys.stdout):
        return None
    return shutil.get_terminal_size().columns


def given(name: str) -> Any:
    """Return what the command line says with an option that is remembered; None where it says nothing."""
    context = click.get_current_context(silent=True)
    return context.meta.get(META + name) if context else None


def note(words: str) -> None:
    """Write a note to stderr: what the user did not ask for, or has to know of the result."""
    click.echo(f"note: {one_line(words)}", err=True)


def news(words: str) -> None:
    """Write a note about the progress to stderr, unless --quiet is given."""
    if not given("quiet"):
        note(words)


def print_json(value: Any) -> None:
    """Print a value as JSON in ASCII, on many lines."""
    click.echo(json.dumps(value, indent=2))


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # no help page needs it, nor a table in ASCII

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """Return a text that takes at most `width` columns, with an ellipsis where some of it is left out."""
    if cells(text) <= width:
        return text
    from rich.cells import set_cell_size  # on a terminal that is too narrow

    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


class Table:
    """Columns of a fixed layout, found from the first rows; later rows follow it.

    The first column identifies the row and is the last to be cut; `width` is the columns of the terminal,
    None to cut nothing.
    """

    def __init__(self, headers: Sequence[str], sample: Iterable[Row], width: int | None) -> None:
        self.headers = headers
        lines = [headers, *([one_line(value) for value in row] for row in sample)]
        self._widths = [max(cells(line[n]) for line in lines) for n in range(len(headers))]
        if width is not None:
            self._widths = _shrunk(self._widths, width)
        self._cut = width is not None

    def line(self, row: Row) -> str:
        """Return a row as a line; remote text is cleaned."""
        parts = []
        for value, width in zip(row, self._widths, strict=True):
            if width:
                text = one_line(value)
                text = cut(text, width) if self._cut else text
                parts.append(text + " " * (width - cells(text)))
        return _GAP.join(parts).rstrip()


def table(headers: Sequence[str], rows: Sequence[Row], width: int | None) -> list[str]:
    """Return the lines of a whole table, its header first."""
    layout = Table(headers, rows, width)
    return [layout.line(row) for row in (headers, *rows)]


def print_table(headers: Sequence[str], rows: Sequence[Row]) -> None:
    """Print a whole table, fitted to the terminal if stdout leads to one."""
    click.echo("\n".join(table(headers, rows, terminal_width())))


def _shrunk(widths: list[int], limit: int) -> list[int]:
    """Return widths that fit: the last columns go while the others lack comfort, then the widest shrink."""
    widths = list(widths)
    comfort = [widths[0], *(min(width, _COMFORT) for width in widths[1:])]
    for last in range(len(widths) - 1, 1, -1):
        if _total(comfort) > limit:
            widths[last] = comfort[last] = 0
    while _total(widths) > limit and max(widths[1:], default=0) > _NARROWEST:
        widths[1 + widths[1:].index(max(widths[1:]))] -= 1
    if _total(widths) > limit:
        widths = [min(widths[0], max(limit, 1)), *(0 for _ in widths[1:])]
    return widths


def _total(widths: list[int]) -> int:
    shown = [width for width in widths if width]
    return sum(shown) + len(_GAP) * (len(shown) - 1)


class Writer:
    """Writes documents as JSON in plain ASCII, whatever the terminal's encoding.

    Some servers put the caller's key into links; it is taken out of them, where it stands as the parameter
    that the credentials name, so that it does not end up in a file.
    """

    def __init__(self, used: Credentials) -> None:
        from urllib.parse import quote, quote_plus  # with --json alone

        self._dumps, key = json.dumps, used.secret
        forms = {key, quote(key, safe=""), quote_plus(key)} if key else set()
        known = "|".join(re.escape(form) for form in forms)
        name = re.escape(used.auth.name or "key")
        self._key = re.compile(rf"(?<=[?&]{name}=)(?:{known})(?=[&#\"])" if known else r"(?!)")

    def line(self, document: Document) -> str:
        """Return a document on one line."""
        return self._key.sub("", self._dumps(document.raw))

    def detail(self, document: Document) -> str:
        """Return a document on many lines, to be read."""
        return self._key.sub("", self._dumps(document.raw, indent=2))

    def array(self, documents: Iterable[Document], *, whole: bool = True) -> str:
        """Return documents as an array, one on a line; without its end where it is not `whole`."""
        return "[" + ",".join(f"\n{self.line(document)}" for document in documents) + ("\n]" if whole else "")
