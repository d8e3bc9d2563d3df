"""Dialogs to read: the manual, and the message history."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from ... import manual
from ...metadata.detail import Block, FieldBlock, Paragraph, Prose
from ...text import count, one_line
from ..widgets.bars import STYLES, Notification
from ..widgets.detail_view import DetailView
from ..widgets.line_view import PickLine, PickList
from .forms import FindDialog, TextDialog

_MOST_HITS = 200


class ManualScreen(FindDialog[None]):
    """Topics on the left, the one under the cursor on the right; a search lists lines in their place.

    - `text_of`: Returns the Markdown of a topic.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "dismiss(None)", show=False)]
    CSS = """
    ManualScreen > .dialog { width: 130; height: 94%; padding: 0; }
    ManualScreen PickList { width: 30; height: 1fr; border-right: solid $line; }
    ManualScreen PickList.-found { width: 45%; }
    ManualScreen.-narrow PickList { width: 20; }
    """
    AUTO_FOCUS = "PickList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]  # noqa: RUF012 - declared so by Textual

    heading, keys = "Manual", "/ searches, tab next pane, esc closes"
    find_words = "a word of the manual"

    def __init__(self, text_of: Callable[[str], str]) -> None:
        self._topics, self._page = PickList(), DetailView()
        super().__init__(self._topics)
        self._text_of = text_of
        self._texts: dict[str, str] = {}
        self._shown = ""
        self._hits: list[tuple[manual.Hit, int]] = []
        self._word = ""

    def rows(self) -> Iterator[Widget]:
        """Return the topics beside the text."""
        yield Horizontal(self._topics, self._page)

    def on_mount(self) -> None:
        """List the topics; the first is shown as the cursor is on it."""
        self._list_topics()

    async def action_search(self) -> None:
        """Type what to look for, while the topics that were not read yet are."""
        await super().action_search()
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        """Fill the tables of all topics, for a search: the help of every command takes a while."""
        for topic in manual.TOPICS:
            self._text(topic)

    def _list_topics(self) -> None:
        self._hits, self._word = [], ""
        self._list([PickLine(manual.title(topic), key=topic) for topic in manual.TOPICS], self._shown)

    def _list(self, lines: Sequence[PickLine], current: str = "") -> None:
        """List lines, with the cursor on one of them, or on the first."""
        self._topics.set_class(bool(self._word), "-found")
        self._topics.show(lines)
        keys = [one.key for one in lines]
        self._topics.cursor_line = keys.index(current) if current in keys else 0
        self._follow()

    def _text(self, topic: str) -> str:
        if topic not in self._texts:
            self._texts[topic] = self._text_of(topic)
        return self._texts[topic]

    def _show(self, topic: str) -> None:
        """Show a topic; its sections are typeset one by one."""
        if topic != self._shown:
            self._shown = topic
            head, *sections = self._text(topic).split("\n## ")
            self._page.show([Prose(head), *(Prose(f"## {section}") for section in sections)])

    @on(PickList.Moved)
    def _follow(self) -> None:
        """Show what the cursor is on: a topic, or a line in it."""
        chosen = self._topics.current
        if chosen is None:
            return
        if self._word:
            hit, number = self._hits[int(chosen.key)]
            self._show(hit.topic)
            self._page.seek(self._word, number)
        else:
            self._show(chosen.key)

    @on(PickList.Picked)
    def _picked(self) -> None:
        self._page.focus()

    def find(self, words: str) -> str:
        """List the lines with a word, in place of the topics; of a letter alone nothing is looked for."""
        word = words.strip()
        if len(word) < 2:
            self._list_topics()
            return ""
        self._word = word
        self._hits = []
        for topic in manual.TOPICS:
            found = manual.found(iter([(topic, self._text(topic))]), word)
            self._hits += [(hit, number) for number, hit in enumerate(found)]
        self._list(
            [
                PickLine(f"{hit.topic}: {one_line(hit.line.strip(' |#*'), 200)}", key=str(number))
                for number, (hit, _) in enumerate(self._hits[:_MOST_HITS])
            ]
        )
        return count(len(self._hits), "line")


class MessageLogScreen(TextDialog):
    """The message history, with times."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("exclamation_mark", "dismiss(None)", "close", show=False)
    ]
    CSS = """
    MessageLogScreen > .dialog { width: 90; height: 94%; padding: 0 0 0 1; }
    """
    heading, keys = "Messages", "j k scroll, esc closes"

    def __init__(self, messages: Sequence[Notification]) -> None:
        super().__init__()
        self._messages = messages

    def on_mount(self) -> None:
        """Show the list."""
        self.detail.show(log_blocks(self._messages))


def log_blocks(messages: Sequence[Notification]) -> list[Block]:
    """Return the messages, the last first, with time of day; errors and warnings are also marked in words."""
    if not messages:
        return [Paragraph("No messages yet.")]
    return [
        FieldBlock(
            time.strftime("%H:%M:%S", time.localtime(one.when)),
            f"{one.severity}: {one.words}" if one.severity in STYLES else one.words,
            STYLES.get(one.severity, ""),
        )
        for one in reversed(messages)
    ]
