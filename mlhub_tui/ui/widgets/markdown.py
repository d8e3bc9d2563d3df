"""Markdown of documents: parsed by markdown-it, cleaned, typeset by Rich; imported after the first paint."""

from __future__ import annotations

import re
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich import markdown
from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text
from textual.content import Content

from ...text import clean
from ..terminal.characters import rendered, safe

LONGEST, MOST_LINES = 20_000, 2_000
"""Characters of a text that are set, and lines: the worst of them take some seconds, in a thread."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s[^<>]*)?/?)>|<!--.*?-->", re.DOTALL)
_HREF = re.compile(r"""\bhref\s*=\s*["']?(https?://[^\s"'>]+)""", re.IGNORECASE)
_WORD = re.compile(r"\s*\S+")
_DRESSING = re.compile(
    r"abbr|b|big|center|cite|code|del|em|figure|font|i|img|ins|kbd|mark|s|small|span|strong|su[bp]|t[dht]|tt|u|var"
    r"|tbody|thead"
)
"""Tags that only dress text."""
_BREAKING = re.compile(r"blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tr|ul")
"""Tags that part it."""
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def lines(text: str, width: int) -> list[Content]:
    """Return the lines of a text in Markdown for a width in cells.

    Takes some milliseconds for what people write, some seconds for what they should not: call it in a
    thread. Links show their address; tags of HTML that only dress text are left out, others are shown.
    """
    source = clean(text[:LONGEST]).expandtabs(4)
    if "\n" not in source and source.count("\\n") > 1:
        source = source.replace("\\n", "\n")  # escaped twice on its way, as some catalogs have it
    found = rendered(SafeMarkdown(_without_html(source)), width)
    if not found and source.strip():  # nothing but definitions of links
        found = [*Content(safe(source.strip())).wrap(max(width, 1))]
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


class PlainHeading(markdown.Heading):
    """A heading on the left, without a frame."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class PlainCode(markdown.CodeBlock):
    """Code whose spaces count, without colours for its grammar; what is too long is broken at a space."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(options.max_width - 2, 1)
        parts = [part for line in str(self.text).rstrip().split("\n") for part in code_lines(line, room)]
        code = Text("\n".join(parts), style="markdown.code_block", no_wrap=True, overflow="crop")
        yield Padding(code, (0, 0, 0, 2))


def code_lines(code: str, room: int) -> list[str]:
    """Return the lines of a line of code in `room` cells; those that continue it are indented further."""
    indent = " " * min(len(code) - len(code.lstrip()) + 2, room // 2)
    found = [""]
    for word in _WORD.findall(code):
        if found[-1].strip() and cell_len(found[-1] + word) > room:
            found.append(indent + word.lstrip())
        else:
            found[-1] += word
        *full, rest = chop_cells(found[-1], room)
        found[-1:] = [*full, rest]
    return found


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
        self.parsed = _PARSER.parse(source)
        for token in self.parsed:
            token.content = safe(token.content)
            token.children = _shown(token.children) if token.children else token.children


def _shown(tokens: list[Token]) -> list[Token]:
    """Return the tokens of a paragraph: cleaned, pictures as words, no address beside itself."""
    found: list[Token] = []
    for token in tokens:
        token.content = safe(token.content)
        href = safe(str(token.attrGet("src" if token.type == "image" else "href") or ""))
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
