"""Lines of a screen: where one is, the filter, the last news, and which keys help here."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult, RenderResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from ...text import one_line
from ..commands import FILTER, AppCommand, bindings, fitting
from ..terminal.characters import line
from ..terminal.terminal_app import is_closing

if TYPE_CHECKING:
    from textual.widgets import Input

TABS = (
    ("1", "Browse", "browse"),
    ("2", "Downloads", "downloads"),
    ("3", "Profiles", "profiles"),
    ("4", "Library", "library"),
)


def active_style(app: App[Any]) -> str:
    """Return the style of the tab in front: where there are no colours, reversed."""
    return "bold reverse" if app.no_color else "bold $foreground on $primary-muted"


class TopBar(Widget):
    """The screens with their keys, the running downloads, and the source in use."""

    DEFAULT_CSS = "TopBar { height: 1; background: $panel; color: $foreground; }"
    active: reactive[str] = reactive("")
    activity: reactive[str] = reactive("")
    source: reactive[str] = reactive("")

    def render(self) -> RenderResult:
        """Draw the line; the source gives way first."""
        parts: list[Content] = [Content(" ")]
        active = active_style(self.app)
        for key, title, mode in TABS:
            busy = f" {self.activity}" if mode == "downloads" and self.activity else ""
            style = active if mode == self.active else "$muted"
            tab = Content.styled(f" {key} {title}{busy} ", style)
            parts.append(tab.stylize(Style.from_meta({"mode": mode})))
        left = Content("").join(parts)
        room = self.size.width - left.cell_length - 2
        right = line(self.source, "$muted", limit=max(room, 0)) if room > 6 else Content()
        gap = max(self.size.width - left.cell_length - right.cell_length - 1, 1)
        return left + Content(" " * gap) + right

    async def on_click(self, event: Click) -> None:
        """Go where the mouse points."""
        if mode := event.style.meta.get("mode"):
            await self.run_action(f"app.go('{mode}')")


class HintBar(Widget):
    """The keys that matter here, as many as fit; `?` and `q` always."""

    DEFAULT_CSS = "HintBar { height: 1; background: $panel; color: $muted; }"

    def __init__(self) -> None:
        super().__init__()
        self._commands: Sequence[AppCommand] = ()

    def show(self, commands: Sequence[AppCommand]) -> None:
        """Show other commands."""
        if list(commands) != list(self._commands):
            self._commands = commands
            self.refresh()

    def render(self) -> RenderResult:
        """Draw the line."""
        parts: list[Content] = [Content(" ")]
        for command in fitting(self._commands, self.size.width - 1):
            hint = Content.styled(command.key, "bold $accent") + Content(f" {command.title}  ")
            parts.append(hint.stylize(Style.from_meta({"command": command.id})))
        return Content("").join(parts)

    async def on_click(self, event: Click) -> None:
        """Run the command that the mouse points at."""
        if identity := event.style.meta.get("command"):
            await self.run_action(f"screen.run_command('{identity}')")


def two_lines(words: str, width: int) -> str:
    """Return an error as two lines: what failed, and what to do, which is its second line."""
    fact, _, fix = words.partition("\n")
    room = max(width, 20)
    if fix:
        return f"{one_line(fact, room)}\n{one_line(fix, room)}"
    return "\n".join(textwrap.wrap(one_line(fact), room, max_lines=2, placeholder="…"))


STYLES = {"error": "$error", "warning": "$warning"}
TO_DOWNLOADS = "2 shows the downloads."
"""Behind news of what was queued."""


@dataclass(slots=True)
class Notification:
    """A message that was shown.

    - `words`: The text, clean.
    - `severity`: `information`, `warning` or `error`.
    - `until`: When the status line no longer shows it, by the monotonic clock.
    - `when`: Seconds since the epoch.
    """

    words: str
    severity: str
    until: float = 0.0
    when: float = field(default_factory=time.time)


@dataclass
class KeyRefused(Message):
    """A key cannot act where it was pressed; the words say why."""

    words: str


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


class FindBar(Horizontal):
    """An input with the count of what it found beside it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FILTER)
    DEFAULT_CSS = """
    FindBar { height: 1; background: $panel; }
    FindBar > #slash { width: 2; color: $accent; padding-left: 1; }
    FindBar > Input { width: 1fr; }
    FindBar > #found { width: auto; padding: 0 1; color: $muted; }
    """

    @dataclass
    class Edited(Message):
        """The filter is another one."""

        value: str

    @dataclass
    class Closed(Message):
        """Typing ended; `keep` is whether the filter stays."""

        keep: bool

    def __init__(self, value: str, placeholder: str = "id, title, tag or DOI") -> None:
        super().__init__()
        from .form import FilterField  # heavy, and the first screen does not need it

        self._value = value
        self._field = FilterField(value, placeholder=placeholder)
        self._found = Static(id="found")

    async def open_in(self, holder: Widget, before: Widget | None = None) -> None:
        """Put the line into a widget, unless it is there or that is being taken down; give it the keys."""
        if not self.is_attached and holder.is_attached:
            await holder.mount(self, before=before)
        self.focus()

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Static(Content("/"), id="slash")
        yield self._field
        yield self._found

    def focus(self, scroll_visible: bool = True) -> FindBar:
        """Give the keys to the input, at once: what was typed behind the slash is on its way."""
        if self.is_attached and not is_closing(self):  # it may be closed again before it is there
            self.screen.set_focus(self._field, scroll_visible)
        return self

    def say(self, words: str) -> None:
        """Say what was found."""
        self._found.update(Content(words))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was typed."""
        event.stop()
        self._edit(event.value)

    def _edit(self, value: str) -> None:
        if value != self._value:
            self._value = value
            self.post_message(self.Edited(value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """End typing; the filter stays."""
        event.stop()
        # Keys that came in one go: the news of the last change may still be on its way.
        self._edit(event.value)
        self.post_message(self.Closed(keep=True))

    def action_close(self, keep: bool) -> None:
        """End typing; the filter stays, or does not."""
        self.post_message(self.Closed(keep))


_END = "  esc clears "


class FilterLine(Widget):
    """A line where the filter was typed; a click types on."""

    DEFAULT_CSS = "FilterLine { height: 1; background: $panel; color: $foreground; }"
    words: reactive[str] = reactive("")
    found: reactive[str] = reactive("")

    def render(self) -> RenderResult:
        """Draw the line; the words give way first."""
        right = Content.styled(one_line(self.found), "$muted") + Content.styled(_END, "$muted")
        room = self.size.width - 4 - right.cell_length
        if room < 12:
            right, room = Content(), self.size.width - 4
        left = Content.styled(" / ", "$accent") + line(self.words, limit=max(room, 1))
        gap = max(self.size.width - left.cell_length - right.cell_length, 1)
        return left + Content(" " * gap) + right

    async def on_click(self) -> None:
        """Type on."""
        await self.run_action("screen.filter")
