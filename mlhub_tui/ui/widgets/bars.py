"""The first and the last line of every screen: where one is, and which keys help here."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.events import Click
from textual.geometry import Region
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from ..commands import AppCommand, fitting
from ..terminal.characters import line

TABS = (
    ("1", "Browse", "browse"),
    ("2", "Downloads", "downloads"),
    ("3", "Profiles", "profiles"),
    ("4", "Library", "library"),
)


class TopBar(Widget):
    """The screens with their keys, the running downloads, and the source in use."""

    DEFAULT_CSS = "TopBar { height: 1; background: $panel; color: $foreground; }"
    active: reactive[str] = reactive("")
    activity: reactive[str] = reactive("", repaint=False)
    source: reactive[str] = reactive("")

    def watch_activity(self, before: str, after: str) -> None:
        """Draw the activity again, which changes all the time; the rest of the line only where it moves."""
        if len(before) != len(after):
            self.refresh()
        elif before != after:
            start = 1 + sum(len(key) + len(title) + 3 for key, title, _ in TABS[:2])
            self.refresh(Region(start, 0, len(after), 1))

    def render(self) -> RenderResult:
        """Draw the line; the source gives way first."""
        parts: list[Content] = [Content(" ")]
        active = "bold reverse" if self.app.no_color else "bold $foreground on $primary-muted"
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

    def __init__(self, commands: Sequence[AppCommand] = ()) -> None:
        super().__init__()
        self._commands: Sequence[AppCommand] = commands

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
