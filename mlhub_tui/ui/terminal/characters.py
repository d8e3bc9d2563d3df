"""Characters for the terminal: text, and what Rich draws, as content; ASCII where Unicode cannot be shown."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.theme import Theme
from textual.content import Content, Span
from textual.filter import LineFilter

from ...text import clean, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType
    from rich.style import Style
    from textual.app import App
    from textual.color import Color


_LIGHT = dict.fromkeys("─━═╌╍┄┅┈┉╴╶╸╺▔‾", "-") | dict.fromkeys("│┃║╎╏┆┇┊┋╵╷╹╻▏▎▍▕▐▌", "|")
_CORNERS = dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬▗▖▝▘▚▞▙▟▛▜", "+")
_BLOCKS = dict(zip("▁▂▃▄▅▆▇█", "__..:=##", strict=True)) | dict(zip("▉▊▋░▒▓▀", '##|.:#"', strict=True))
_ARROWS = dict(zip("→←↑↓↔↕⇒»«›‹", "><^v-|>><><", strict=True))
_MARKS = dict(
    zip(
        "▶▸►◀◂◄▼▾▽▲▴△✓✔☑✗✘✖☒☐•·●◐○◉◌◯◆◇■□★☆…–—−‐‑×÷≈≤≥≠°±⚠ßæøđł“”„‘’‚′″⏸⏵⟳↻↺⇅⌂⌕",
        ">>><<<vvv^^^+++xxxx-*.@%o@oo*o#o**~-----x/~<>!o~!saodl\"\"\"''''\"=>@@@|#/",
        strict=True,
    )
)
_BARS = {"━": "=", "┄": "."}  # what is done and what is not: they have to differ
_KNOWN = {**_LIGHT, **_CORNERS, **_BLOCKS, **_ARROWS, **_MARKS, **_BARS}
_DOTS = " .:-=+*#@"
"""The braille patterns by how many of their eight dots are set."""


def ascii_only(app: App[Any]) -> bool:
    """Tell whether ASCII alone is drawn in an app."""
    return bool(getattr(app, "draws_ascii", False))


@lru_cache(4096)
def to_ascii(character: str) -> str:
    """Return what stands for a character in ASCII, as many columns wide."""
    if character.isascii():
        return character
    width = cell_len(character)
    if width == 0:
        return ""
    found = _KNOWN.get(character)
    if found is None and "\u2800" <= character <= "\u28ff":
        found = _DOTS[(ord(character) - 0x2800).bit_count()]
    if found is None:
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", character) if c.isascii() and c.isprintable()
        )
        found = plain[:1] or "?"
    return found.ljust(width, "?" if found == "?" else " ")


class AsciiFilter(LineFilter):
    """Draws every line in ASCII: the same columns, with what comes nearest to each character."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line in ASCII."""
        return [
            segment if segment.control or segment.text.isascii() else _drawn(segment) for segment in segments
        ]


def _drawn(segment: Segment) -> Segment:
    text = "".join(map(to_ascii, segment.text))
    # Characters that are one together (flags, families) are as wide as that one.
    return Segment(text.ljust(segment.cell_length)[: segment.cell_length], segment.style)


def content(value: object, style: str = "") -> Content:
    """Return cleaned text, possibly many lines, in a style."""
    return Content.styled(clean(value), style) if style else Content(clean(value))


def line(value: object, style: str = "", limit: int | None = None) -> Content:
    """Return cleaned text on one line, cut to `limit` characters."""
    text = one_line(value, limit)
    return Content.styled(text, style) if style else Content(text)


def safe(text: str) -> str:
    """Return text of a document as it may be drawn: cleaned, without keys in addresses."""
    text = clean(text)
    return redact(text) if "=" in text or "@" in text else text


def tail_room(room: int) -> int:
    """Return how many of some cells the end of a text has that is cut in the middle."""
    return (room - 1) * 2 // 5


NEARBY = 40
"""Rows before and behind one that must not look the same: about a screen."""
_LAST_WORD = re.compile(r"(?:[^\W_]{1,16}|.)\Z", re.DOTALL)
_EDGED = 24
"""Cells in which there is room for a word and what tells it from others, and for both ends of the text."""


def end_length(text: str, names: Iterable[str], room: int, least: int) -> int:
    """Return how many characters at the end of a text tell it from names that would look the same when cut.

    - `text`: What does not fit, and is cut in the middle.
    - `names`: What stands nearby and is cut alike; itself among them, or not.
    - `room`: Cells.
    - `least`: Characters at the end in any case.
    """
    tail, before = least, 0
    others = [name for name in names if name != text]
    while tail > before:  # a longer end leaves less of the start, which told others apart
        before = tail
        for name in others:
            if name.endswith(text[-tail:]) and name.startswith(text[: max(room - 1 - tail, 0)]):
                ends = enumerate(zip(reversed(name), reversed(text), strict=False))
                alike = next((n for n, (one, its) in ends if one != its), len(name))
                differs = _LAST_WORD.search(text[: len(text) - alike])
                tail = max(tail, alike + (len(differs[0]) if differs else 0))
    return tail


def cut(text: str, room: int, tail: int) -> tuple[str, str, str]:
    """Return what remains of a text that does not fit into some cells: its start, middle and end.

    The middle is there where there is no room for the last `tail` characters and a start: it is what follows
    before those. In narrow rooms no start remains then.
    """
    if room < 2:
        return "", "", ""
    end = end_of(text, tail)
    if tail <= room - 2:
        return start_of(text, room - 1 - cell_len(end)), "", end
    edge = 3 + (room - _EDGED) // 4 if room >= _EDGED else 0
    # In narrower rooms a short end: names that differ in a word may differ in their number as well.
    start, end, at = start_of(text, edge), end_of(text, edge or room // 6), len(text) - tail
    if edge and at <= len(start):
        return start_of(text, room - 1 - cell_len(end)), "", end
    return start, start_of(text[at:], room - 2 - cell_len(start) - cell_len(end)), end


def fit(text: str, room: int) -> str:
    """Return a text in exactly so many cells; a longer one is cut at its end."""
    length = cell_len(text)
    if length <= room:
        return text + " " * (room - length)
    return f"{set_cell_size(text, room - 1)}…" if room > 0 else ""


def fit_name(text: str, room: int, names: Iterable[str] = ()) -> str:
    """Return an id or a name in exactly so many cells; a longer one is cut in the middle.

    - `names`: Those that stand nearby: no two look the same.
    """
    if cell_len(text) <= room or room < 2:
        return fit(text, room)
    least = (room - 1) * 3 // 5  # ids differ at their ends above all
    start, middle, end = cut(text, room, end_length(text, names, room, least))
    return set_cell_size("…".join((start, middle, end) if middle else (start, end)), room)


def start_of(text: str, room: int) -> str:
    """Return as much of the start of a text as fits into some cells."""
    text = text[: max(room, 0)]
    while cell_len(text) > room:
        text = text[:-1]
    return text


def end_of(text: str, room: int) -> str:
    """Return as much of the end of a text as fits into some cells."""
    text = text[-room:] if room > 0 else ""
    while cell_len(text) > room:
        text = text[1:]
    return text


_COLOURS = {"cyan": "$accent", "magenta": "$muted"}
"""The colours of Rich's styles of Markdown that stand for those of the theme."""


def rendered(renderable: RenderableType, width: int) -> list[Content]:
    """Return what Rich draws in so many cells, line by line, in the colours of the theme."""
    styles = {
        **{f"markdown.h{level}": "bold" for level in range(1, 8)},
        **dict.fromkeys(("markdown.code", "markdown.code_block"), "cyan"),
        **dict.fromkeys(("markdown.link", "markdown.paragraph", "markdown.item.bullet"), "none"),
        **dict.fromkeys(("markdown.item.number", "markdown.table.border"), "none"),
        **dict.fromkeys(("markdown.link_url", "markdown.hr", "markdown.block_quote"), "magenta"),
        "markdown.table.header": "magenta",
    }
    console = Console(
        width=max(width, 1), color_system="truecolor", theme=Theme(styles), force_terminal=True, _environ={}
    )
    found: list[Content] = []
    for segments in console.render_lines(renderable, pad=False):
        text, spans = "", []
        for segment in segments:
            if look := _look(segment.style):
                spans.append(Span(len(text), len(text) + len(segment.text), look))
            text += segment.text
        found.append(Content(text, spans).rstrip())
    drawn = [number for number, line in enumerate(found) if line.plain]
    return found[drawn[0] : drawn[-1] + 1] if drawn else []


def _look(style: Style | None) -> str:
    """Return a style of Rich in the words of Textual; of its colours those of the theme."""
    if style is None:
        return ""
    kinds = ("bold", "italic", "strike")
    words = [kind for kind in kinds if getattr(style, kind)]
    return " ".join([*words, *([_COLOURS[style.color.name]] if style.color else [])])
