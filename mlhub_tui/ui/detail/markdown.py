"""Markdown as text of a terminal, typeset for a width."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content, Span

from ...text import clean, redact
from .detail_tables import grid

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


LONGEST = 20_000
"""Characters of a text that are read: the worst of them take some tenths of a second, in a thread."""
MOST_PIECES, MOST_ROWS, MOST_COLUMNS = 500, 100, 12
"""Pieces of a text, rows and columns of a table that are set."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)([^<>]*)>|<!--.*?-->", re.DOTALL)
_HREF = re.compile(r"""\bhref\s*=\s*["']?([^\s"'>]+)""", re.IGNORECASE)
_SILENT = re.compile(
    r"a|abbr|b|big|blockquote|center|cite|code|dd|del|div|dl|dt|em|figure|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p"
    r"|pre|s|small|span|strong|su[bp]|table|tbody|td|th|thead|tr|tt|u|ul|var"
)
"""Tags that only dress text."""
_BREAKING = re.compile(r"blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tr|ul")
"""Tags that part it."""


class TextRun(NamedTuple):
    """A stretch of text in one look."""

    text: str
    style: str = ""


Runs = tuple[TextRun, ...]


@dataclass(slots=True)
class MarkdownPiece:
    """A paragraph, a heading, lines of code, a rule or a table.

    Parameters
    ----------
    kind
        `text`, `code`, `rule` or `table`.
    runs
        Its text; line breaks in it stay.
    first, rest
        What stands before its first line and before the others: bullets, bars of quotations.
    close
        Whether it follows on what is before it without an empty line.
    rows
        Of a table: its cells by row, the header first.
    """

    kind: str
    runs: Runs = ()
    first: str = ""
    rest: str = ""
    close: bool = False
    rows: list[list[Runs]] = field(default_factory=list)


@cache
def _reader() -> MarkdownIt:
    """Return what reads Markdown; it takes a while to import, and no start waits for it."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def parse(text: str) -> list[MarkdownPiece]:
    """Return a text in pieces.

    Takes some milliseconds for what people write, some tenths of a second for what they should not: call it
    in a thread. Links show their address; tags of HTML that only dress text are left out, others are shown.
    """
    source = clean(text[:LONGEST]).expandtabs(4)
    if "\n" not in source and source.count("\\n") > 1:
        source = source.replace("\\n", "\n")  # escaped twice on its way, as some catalogs have it
    pieces = list(islice(_pieces(_reader().parse(source)), MOST_PIECES))
    if not pieces and source.strip():  # nested beyond any reading, or nothing but definitions of links
        pieces = [MarkdownPiece("text", (TextRun(_safe(source.strip())),))]
    if len(text) > LONGEST or len(pieces) == MOST_PIECES:
        pieces.append(
            MarkdownPiece("text", (TextRun("… the text is longer: the JSON has all of it", "$muted"),))
        )
    return pieces


class _Place:
    """Where in lists and quotations a piece stands, and what therefore goes before its lines."""

    def __init__(self) -> None:
        self._marks: list[list[str]] = []
        self._lists: list[int | None] = []

    def open(self, token: Token) -> None:
        match token.type:
            case "blockquote_open":
                self._marks.append(["│ ", "│ "])
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                start = token.attrGet("start")
                self._lists.append(int(start) if isinstance(start, int | float) else 1)
            case "list_item_open":
                number = self._lists[-1] if self._lists else None
                bullet = "• " if number is None else f"{number}. "
                if number is not None:
                    self._lists[-1] = number + 1
                self._marks.append([bullet, " " * len(bullet)])

    def close(self, kind: str) -> None:
        if kind in ("blockquote_close", "list_item_close") and self._marks:
            self._marks.pop()
        elif kind.endswith("_list_close") and self._lists:
            self._lists.pop()

    def take(self) -> tuple[str, str]:
        """Return what goes before the first line of a piece and before the others; a bullet counts once."""
        first = "".join(mark[0] for mark in self._marks)
        rest = "".join(mark[1] for mark in self._marks)
        for mark in self._marks:
            mark[0] = mark[1]
        return first, rest


def _pieces(tokens: Sequence[Token]) -> Iterator[MarkdownPiece]:
    place = _Place()
    heading = ""
    rows: list[list[Runs]] = []
    for number, token in enumerate(tokens):
        kind = token.type
        if kind == "heading_open":
            heading = "bold"
        elif kind == "inline" and tokens[number - 1].type in ("th_open", "td_open"):
            if len(rows) <= MOST_ROWS and len(rows[-1]) < MOST_COLUMNS:
                rows[-1].append(tuple(inline(token.children or [])))
        elif kind == "inline":
            runs = tuple(
                TextRun(run.text, f"{heading} {run.style}".strip()) for run in inline(token.children or [])
            )
            first, rest = place.take()
            yield MarkdownPiece("text", runs, first, rest, close=_follows(tokens, number))
            heading = ""
        elif kind in ("fence", "code_block"):
            first, rest = place.take()
            yield MarkdownPiece("code", (TextRun(_safe(token.content).rstrip("\n"), "$accent"),), first, rest)
        elif kind == "html_block":
            for paragraph in _undressed(token.content):
                first, rest = place.take()
                yield MarkdownPiece("text", (TextRun(paragraph),), first, rest)
        elif kind == "hr":
            yield MarkdownPiece("rule", (), *place.take())
        elif kind == "table_open":
            rows = []
        elif kind == "tr_open":
            rows.append([])
        elif kind == "table_close":
            yield MarkdownPiece("table", (), *place.take(), rows=rows[: MOST_ROWS + 1])
            if len(rows) > MOST_ROWS + 1:
                yield MarkdownPiece(
                    "text", (TextRun("… the table is longer: the JSON has all of it", "$muted"),)
                )
        elif kind.endswith("_open"):
            place.open(token)
        elif kind.endswith("_close"):
            place.close(kind)


def _follows(tokens: Sequence[Token], number: int) -> bool:
    """Tell whether a paragraph stands close to what is before it: as an item of a tight list."""
    opening = tokens[number - 1]
    return (
        opening.type == "paragraph_open"
        and opening.hidden
        and number > 2
        and not _starts_list(tokens, number)
    )


def _starts_list(tokens: Sequence[Token], number: int) -> bool:
    before = tokens[number - 3] if number > 2 else None
    return before is not None and before.type.endswith("_list_open") and before.level == 0


_LOOKS = {"strong": "bold", "em": "italic", "s": "strike"}


def inline(tokens: Sequence[Token]) -> Iterator[TextRun]:
    """Yield the runs of a paragraph."""
    looks: list[str] = []
    links: list[tuple[str, int]] = []
    written = ""
    for token in tokens:
        kind, shown = token.type, ""
        if kind == "link_open":
            links.append((str(token.attrGet("href") or ""), len(written)))
        elif kind == "link_close" and links:
            href, start = links.pop()
            shown = _beside(href, written[start:])
            if shown:
                yield TextRun(shown, "$muted")
        elif kind == "html_inline":
            shown = _tag(token.content, links, written)
            if shown:
                yield TextRun(shown, " ".join(looks))
        elif kind.endswith("_open") and kind[:-5] in _LOOKS:
            looks.append(_LOOKS[kind[:-5]])
        elif kind.endswith("_close") and kind[:-6] in _LOOKS:
            looks.remove(_LOOKS[kind[:-6]])
        else:
            shown = _shown(token)
            if shown:
                yield TextRun(shown, " ".join(looks))
        written += shown


def _shown(token: Token) -> str:
    """Return the text of a token that has some; entities in Markdown can stand for any character."""
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "code_inline":
            return f"`{_safe(token.content)}`"
        case "image":
            alt = _safe(token.content) or "image"
            return f"[{alt}]" + _beside(str(token.attrGet("src") or ""), alt)
    return _safe(token.content)


def _safe(text: str) -> str:
    """Return text that may be drawn: cleaned, without keys in addresses."""
    text = clean(text)
    return redact(text) if "=" in text or "@" in text else text


def _beside(href: str, text: str) -> str:
    """Return the address of a link as it stands behind its text; nothing where the text is the address."""
    address = _safe(href)
    return f" ({address})" if address and address.removeprefix("mailto:") != text else ""


def _tag(html: str, links: list[tuple[str, int]], written: str) -> str:
    """Return what is shown for a tag in running text: of one that only dresses it nothing."""
    tag = _TAG.fullmatch(html.strip())
    if tag is None:
        return _safe(html)
    name = (tag[2] or "").lower()
    if name == "br":
        return "\n"
    if name == "a" and not tag[1]:
        found = _HREF.search(tag[3] or "")
        links.append((found[1] if found is not None else "", len(written)))
    elif name == "a" and links:
        href, start = links.pop()
        return _beside(href, written[start:]) if href.startswith(("https://", "http://", "mailto:")) else ""
    return "" if not name or _SILENT.fullmatch(name) else _safe(html)


def _undressed(html: str) -> list[str]:
    """Return the paragraphs of a block of HTML, without the tags that only dress or part text."""

    def shown(tag: re.Match[str]) -> str:
        name = (tag[2] or "").lower()
        if _BREAKING.fullmatch(name):
            return "\n\n"
        return "" if not name or _SILENT.fullmatch(name) else tag[0]

    text = _TAG.sub(shown, html)
    return [words for part in text.split("\n\n") if (words := _safe(" ".join(part.split())))]


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


KEPT = 8
QUICK = 2_000
"""Characters that are read at once: even the worst of them take no more than a key press may."""


class MarkdownCache:
    """The pieces of the texts that were read last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, list[MarkdownPiece]] = OrderedDict()

    def __getitem__(self, text: str) -> list[MarkdownPiece] | None:
        """Return a text in pieces; None while it is still to be read (`read`)."""
        known = self._known.get(text)
        if known is None and len(text) <= QUICK and "markdown_it" in sys.modules:
            known = self._keep(text, parse(text))
        return known

    async def read(self, texts: Iterable[str]) -> None:
        """Read texts in a thread; the first time what reads them is imported there."""
        for text in texts:
            if text not in self._known:
                self._keep(text, await asyncio.to_thread(parse, text))

    def _keep(self, text: str, pieces: list[MarkdownPiece]) -> list[MarkdownPiece]:
        self._known[text] = pieces
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return pieces
