"""Markdown as text of a terminal, set by Rich for a width."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content, Span

from ...text import clean, redact

if TYPE_CHECKING:
    from markdown_it.token import Token
    from rich.console import RenderableType
    from rich.style import Style


LONGEST, MOST_LINES = 20_000, 2_000
"""Characters of a text that are set, and lines: the worst of them take some seconds, in a thread."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s[^<>]*)?/?)>|<!--.*?-->", re.DOTALL)
_HREF = re.compile(r"""\bhref\s*=\s*["']?(https?://[^\s"'>]+)""", re.IGNORECASE)
_DRESSING = re.compile(
    r"abbr|b|big|center|cite|code|del|em|figure|font|i|img|ins|kbd|mark|s|small|span|strong|su[bp]|t[dht]|tt|u|var"
    r"|tbody|thead"
)
"""Tags that only dress text."""
_BREAKING = re.compile(r"blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tr|ul")
"""Tags that part it."""


def lines(text: str, width: int) -> list[Content]:
    """Return the lines of a text in Markdown for a width in cells.

    Takes some milliseconds for what people write, some seconds for what they should not: call it in a
    thread. Links show their address; tags of HTML that only dress text are left out, others are shown.
    """
    source = clean(text[:LONGEST]).expandtabs(4)
    if "\n" not in source and source.count("\\n") > 1:
        source = source.replace("\\n", "\n")  # escaped twice on its way, as some catalogs have it
    found = rendered(_markdown()(_without_html(source)), width)
    if not found and source.strip():  # nothing but definitions of links
        found = [*Content(_safe(source.strip())).wrap(max(width, 1))]
    if len(text) > LONGEST or len(found) > MOST_LINES:
        del found[MOST_LINES:]
        found += Content.styled("… the text is longer: the JSON has all of it", "$muted").wrap(max(width, 1))
    return found


def _without_html(source: str) -> str:
    """Return Markdown in which HTML that dresses or parts text, and links, are Markdown."""
    hrefs: list[str] = []

    def replaced(tag: re.Match[str]) -> str:
        name = (tag[2] or "").lower()
        if name == "a" and tag[1]:
            return f"]({href})" if hrefs and (href := hrefs.pop()) else ""
        if name == "a":
            hrefs.append(found[1] if (found := _HREF.search(tag[3])) else "")
            return "[" if hrefs[-1] else ""
        if _BREAKING.fullmatch(name):
            return "\\\n" if name == "br" else "\n\n"
        return "" if not name or _DRESSING.fullmatch(name) else tag[0]

    return _TAG.sub(replaced, source)


def _safe(text: str) -> str:
    """Return text that may be drawn: cleaned, without keys in addresses."""
    text = clean(text)
    return redact(text) if "=" in text or "@" in text else text


_COLOURS = {"cyan": "$accent", "magenta": "$muted"}
"""The colours of Rich's styles of Markdown that stand for those of the theme."""


def rendered(renderable: RenderableType, width: int) -> list[Content]:
    """Return what Rich draws in so many cells, line by line, in the colours of the theme."""
    from rich.console import Console
    from rich.theme import Theme

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


@cache
def _markdown() -> Callable[[str], RenderableType]:
    """Return what sets Markdown; it takes a while to import, and no start waits for it."""
    from markdown_it import MarkdownIt
    from rich import markdown
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.padding import Padding
    from rich.text import Text

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

    class PlainHeading(markdown.Heading):
        """A heading on the left, without a frame."""

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            self.text.justify = "left"
            yield self.text

    class PlainCode(markdown.CodeBlock):
        """Code whose spaces count, without colours for its grammar."""

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            from rich.cells import chop_cells

            room = max(options.max_width - 2, 1)
            parts = [
                part
                for line in str(self.text).rstrip().split("\n")
                for part in chop_cells(line, room) or [""]
            ]
            code = Text("\n".join(parts), style="markdown.code_block", no_wrap=True, overflow="crop")
            yield Padding(code, (0, 0, 0, 2))

    class SafeMarkdown(markdown.Markdown):
        """Markdown whose text and addresses are cleaned: entities stand for any character."""

        elements: ClassVar[dict[str, type[markdown.MarkdownElement]]] = {
            **markdown.Markdown.elements,
            "heading_open": PlainHeading,
            "fence": PlainCode,
            "code_block": PlainCode,
        }

        def __init__(self, source: str) -> None:
            super().__init__("", hyperlinks=False)
            self.parsed = parser.parse(source)
            for token in self.parsed:
                token.content = _safe(token.content)
                token.children = _shown(token.children) if token.children else token.children

    return SafeMarkdown


def _shown(tokens: list[Token]) -> list[Token]:
    """Return the tokens of a paragraph: cleaned, pictures as words, no address beside itself."""
    found: list[Token] = []
    for token in tokens:
        token.content = _safe(token.content)
        href = _safe(str(token.attrGet("src" if token.type == "image" else "href") or ""))
        if token.type == "image":
            alt = token.content or "image"
            token.type, token.tag, token.children = "text", "", None
            token.content = f"[{alt}]" + (f" ({href})" if href and href != alt else "")
        elif token.type == "link_open":
            token.attrSet("href", href)
        elif token.type == "code_inline":
            token.content = f"`{token.content}`"
        found.append(token)
        if token.type == "link_close":
            start = max(n for n, one in enumerate(found) if one.type == "link_open")
            href = str(found[start].attrGet("href"))
            text = "".join(one.content for one in found[start:])
            if not href or href.removeprefix("mailto:") == text:
                del found[-1], found[start]
    return found


MAX_CACHED = 8
QUICK = 2_000
"""Characters that are laid out at once, within the time budget of a key press."""


class MarkdownCache:
    """The texts that were set last, each for a width."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], list[Content]] = OrderedDict()

    def get(self, text: str, width: int) -> list[Content] | None:
        """Return the lines of a text; None while it is still to be set (`load`)."""
        known = self._known.get((text, width))
        if known is None and len(text) <= QUICK and "rich.markdown" in sys.modules:
            known = self._keep(text, width, lines(text, width))
        return known

    async def load(self, texts: Iterable[str], width: int) -> None:
        """Set texts in a thread; the first time what sets them is imported there."""
        for text in texts:
            if (text, width) not in self._known:
                self._keep(text, width, await asyncio.to_thread(lines, text, width))

    def _keep(self, text: str, width: int, found: list[Content]) -> list[Content]:
        self._known[text, width] = found
        while len(self._known) > MAX_CACHED:
            self._known.popitem(last=False)
        return found
