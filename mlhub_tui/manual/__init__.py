"""The manual: topics in Markdown, as the command line and the app show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TOPICS = (
    "getting-started",
    "sources",
    "browsing",
    "searching",
    "downloads",
    "datasets",
    "cluster",
    "configuration",
    "keyboard",
    "commands",
    "python",
    "from-radiant-mlhub",
    "exit-codes",
    "slow-lines",
    "troubleshooting",
    "architecture",
    "benchmarks",
    "changelog",
)
"""The topics in reading order; each is a file beside this module."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of the manual that a search found, with the topic and the heading above it."""

    topic: str
    heading: str
    line: str


def source(topic: str) -> str:
    """Return the Markdown of a topic; `{{keys}}`, `{{settings}}` and `{{commands}}` stand for tables."""
    return (files(__name__) / f"{topic}.md").read_text(encoding="utf-8")


@cache
def title(topic: str) -> str:
    """Return the title of a topic."""
    return source(topic).partition("\n")[0].removeprefix("# ")


def found(texts: Iterator[tuple[str, str]], word: str) -> Iterator[Hit]:
    """Yield the lines that hold a word, without regard to case."""
    wanted = word.casefold()
    for topic, text in texts:
        heading = ""
        for line in text.splitlines():
            if line.startswith("#"):
                heading = line.lstrip("# ")
            if wanted in line.casefold():
                yield Hit(topic, heading, line.strip())
