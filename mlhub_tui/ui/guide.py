"""The first steps: five lines at the first start, gone at the first key."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.events import Click, DescendantFocus, Event, Key
from textual.widget import Widget
from textual.widgets import Static

from .commands import COMMANDS
from .terminal.terminal_app import TerminalApp

if TYPE_CHECKING:
    from .state import AppState


_STEPS = (
    (("list.down", "list.up", "browse.open", "browse.expand"), "down, up, open, look inside"),
    (("browse.filter", "browse.search", "browse.map"), "filter the list, search items, map"),
    (("browse.download", "app.downloads"), "download, and see how far it is"),
    (("app.open", "app.profiles"), "open another catalog, see sources"),
    (("app.help", "app.palette", "app.quit"), "all keys, any command, quit"),
)


class Tour(Static):
    """The first steps, in a frame above the hints."""

    DEFAULT_CSS = """
    Tour { height: auto; width: 1fr; background: $surface; border: round $primary-muted; padding: 0 1;
        border-title-color: $accent; border-subtitle-color: $muted; }
    """

    def __init__(self, steps: Content) -> None:
        super().__init__(steps)
        self.border_title = Content("First steps")
        self.border_subtitle = Content("any key continues; ? t shows this again")

    def on_click(self, event: Click) -> None:
        """Go away."""
        event.stop()
        self.remove()


def tour_lines(steps: Sequence[tuple[Sequence[str], str]] = _STEPS) -> Content:
    """Return the five lines, with the keys as they are set."""
    keys = {command.id: command.key for command in COMMANDS}
    named = [("  ".join(keys[one] for one in ids), words) for ids, words in steps]
    widest = max(len(shown) for shown, _ in named)
    return Content("\n").join(
        Content.styled(shown.ljust(widest), "bold $accent") + Content(f"  {words}") for shown, words in named
    )


class GuidedApp(TerminalApp):
    """An app that shows its keys, and to who is new five lines of them."""

    memory: AppState
    _tour: Widget | None = None

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Let no cursor blink, in Textual's own fields either: at rest nothing goes over the line."""
        if getattr(event.widget, "cursor_blink", False):
            event.widget.cursor_blink = False  # type: ignore[attr-defined] # it has one

    # The first steps

    def offer_tour(self) -> None:
        """Show the first steps if they never were; `MLHUB_TOUR=0` leaves them out."""
        if self.memory.toured or os.environ.get("MLHUB_TOUR") == "0" or self.screen.is_modal:
            return
        self.memory.toured = True
        self._keep_toured()
        self.action_tour()

    @work(group="tour", exclusive=True)
    async def _keep_toured(self) -> None:
        """Save at once that the first steps were shown, in case the connection is lost."""
        await asyncio.to_thread(self.memory.write)

    @work(group="show-tour", exclusive=True)
    async def action_tour(self) -> None:
        """Show the first steps below the screen in front."""
        if self._tour is not None and self._tour.is_attached:
            return
        # Over a dialog they would have no place of their own.
        screen = next((one for one in reversed(self.screen_stack) if not one.is_modal), self.screen)
        self._tour = Tour(tour_lines())
        hints = [*screen.query("HintBar")]
        await screen.mount(self._tour, before=hints[0] if hints else None)

    async def on_event(self, event: Event) -> None:
        """Take the first steps away at any key, which does all the same what it is for."""
        if self._tour is not None and isinstance(event, Key):
            tour, self._tour = self._tour, None
            tour.remove()
        await super().on_event(event)
