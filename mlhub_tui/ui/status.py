"""The status line for news, and the history of messages."""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass, field

from textual.app import RenderResult
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from ..text import one_line
from .terminal.characters import line


def two_lines(words: str, width: int) -> str:
    """Return an error as two lines: what failed, and what to do, which is its second line."""
    fact, _, fix = words.partition("\n")
    room = max(width, 20)
    if fix:
        return f"{one_line(fact, room)}\n{one_line(fix, room)}"
    return "\n".join(textwrap.wrap(one_line(fact), room, max_lines=2, placeholder="…"))


STYLES = {"error": "$error", "warning": "$warning"}


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that was shown.

    Parameters
    ----------
    words
        The text, clean.
    severity
        `information`, `warning` or `error`.
    until
        When the status line no longer shows it, by the monotonic clock.
    when
        Seconds since the epoch.
    """

    words: str
    severity: str
    until: float = 0.0
    when: float = field(default_factory=time.time)


class NewsLine(Widget):
    """One line above the hints that shows the last news for some seconds, and takes no room without any."""

    DEFAULT_CSS = """
    NewsLine { height: 1; background: $panel; color: $foreground; display: none; }
    NewsLine.-news { display: block; }
    ModalScreen > NewsLine { dock: bottom; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._news: Notification | None = None
        self._ending: Timer | None = None

    def show(self, news: Notification | None) -> None:
        """Show news until their time is over."""
        left = news.until - time.monotonic() if news is not None else 0.0
        self._news = news if left > 0 else None
        if self._ending is not None:
            self._ending.stop()
        self._ending = self.set_timer(left, lambda: self.show(None)) if left > 0 else None
        self.set_class(left > 0, "-news")
        self.refresh()

    def render(self) -> RenderResult:
        """Draw the line; where it is too long the message history has the rest."""
        if self._news is None:
            return Content()
        words = one_line(self._news.words)
        room = self.size.width - 2
        end = " !" if len(words) > room else ""
        shown = line(words, STYLES.get(self._news.severity, ""), max(room - len(end), 1))
        return Content(" ") + shown + Content.styled(end, "bold $accent")
