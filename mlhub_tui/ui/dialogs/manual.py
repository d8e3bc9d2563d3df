"""Dialogs to read: the manual, and the message history."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ... import manual
from ...metadata.detail import Block, FieldBlock, Paragraph, Prose
from ...text import one_line
from ..terminal.characters import line
from ..terminal.dispatch import Dialog
from ..widgets.bars import STYLES, Notification
from ..widgets.detail_view import DetailView
from ..widgets.filter_bar import FindBar

_MOST_HITS = 200


class ManualScreen(Dialog[None]):
    """Topics on the left, the one under the cursor on the right; a search lists lines in their place.

    Parameters
    ----------
    text_of
        Returns the Markdown of a topic.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "step_back", show=False),
        Binding("q,f1", "dismiss(None)", show=False),
        Binding("slash", "search", show=False),
        Binding("down", "to_list", show=False),
    ]
    CSS = """
    ManualScreen > .dialog { width: 130; height: 94%; padding: 0; }
    ManualScreen OptionList {
        width: 27; height: 1fr; border: none; border-right: solid $line; padding: 0;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    ManualScreen OptionList.-found { width: 45%; }
    ManualScreen.-narrow OptionList { width: 18; }
    """
    AUTO_FOCUS = "OptionList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]  # noqa: RUF012 - declared so by Textual

    def __init__(self, text_of: Callable[[str], str]) -> None:
        super().__init__()
        self._text_of = text_of
        self._texts: dict[str, str] = {}
        self._shown = ""
        self._hits: list[tuple[manual.Hit, int]] = []
        self._word = ""
        self._dialog, self._topics, self._page = Vertical(classes="dialog"), OptionList(), DetailView()
        self._bar: FindBar | None = None

    def compose(self) -> ComposeResult:
        """Lay out the topics beside the text."""
        with self._dialog as dialog:
            dialog.border_title = line("Manual")
            dialog.border_subtitle = line("/ searches, tab next pane, esc closes")
            with Horizontal():
                yield self._topics
                yield self._page

    def on_mount(self) -> None:
        """List the topics; the first is shown as the cursor is on it."""
        self._list_topics()
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        """Fill the tables of all topics, for a search: the help of every command takes a while."""
        for topic in manual.TOPICS:
            self._text(topic)

    def _list_topics(self) -> None:
        self._hits, self._word = [], ""
        self._topics.clear_options()
        self._topics.set_class(False, "-found")
        self._topics.add_options(Option(line(manual.title(topic)), topic) for topic in manual.TOPICS)
        self._topics.highlighted = manual.TOPICS.index(self._shown) if self._shown else 0

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

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        chosen = event.option_id or ""
        if chosen in manual.TOPICS:
            self._show(chosen)
        elif chosen.isdigit() and int(chosen) < len(self._hits):  # else of a search before this one
            hit, number = self._hits[int(chosen)]
            self._show(hit.topic)
            self._page.seek(self._word, number)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._page.focus()

    # Searching

    async def action_search(self) -> None:
        """Type a word."""
        if self._bar is None:
            self._bar = FindBar("", "a word of the manual")
        await self._bar.open_in(self._dialog)

    @on(FindBar.Edited)
    def _edited(self, event: FindBar.Edited) -> None:
        event.stop()
        word = event.value.strip()
        if len(word) < 2:
            self._list_topics()
            self._say("")
            return
        self._word = word
        self._hits = []
        for topic in manual.TOPICS:
            found = manual.found(iter([(topic, self._text(topic))]), word)
            self._hits += [(hit, number) for number, hit in enumerate(found)]
        self._topics.clear_options()
        self._topics.set_class(True, "-found")
        self._topics.add_options(
            Option(line(f"{hit.topic}: {one_line(hit.line.strip(' |#*'), 200)}"), str(number))
            for number, (hit, _) in enumerate(self._hits[:_MOST_HITS])
        )
        self._say(f"{len(self._hits)} lines")
        if self._hits:
            self._topics.highlighted = 0

    def _say(self, words: str) -> None:
        if self._bar is not None:
            self._bar.say(words)

    @on(FindBar.Closed)
    def _search_ended(self, event: FindBar.Closed) -> None:
        """Give the keys to the lines that were found; Esc shows the topics again."""
        event.stop()
        if not event.keep:
            if self._bar is not None:
                self._bar.remove()
                self._bar = None
            self._list_topics()
        self._topics.focus()

    def action_to_list(self) -> None:
        """Give the keys to the list."""
        self._topics.focus()

    def action_step_back(self) -> None:
        """Show the topics again, else close."""
        if self._bar is not None:
            self._search_ended(FindBar.Closed(keep=False))
        else:
            self.dismiss(None)


class MessageLogScreen(Dialog[None]):
    """The message history, with times."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "dismiss(None)", "close", show=False)
    ]
    CSS = """
    MessageLogScreen > .dialog { width: 90; height: 94%; padding: 0 0 0 1; }
    """

    def __init__(self, messages: Sequence[Notification]) -> None:
        super().__init__()
        self._messages = messages
        self._detail = DetailView()

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Messages"
            dialog.border_subtitle = "j k scroll, esc closes"
            yield self._detail

    def on_mount(self) -> None:
        """Show the list."""
        sheet = self._detail
        sheet.show(log_blocks(self._messages))
        sheet.focus()


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
