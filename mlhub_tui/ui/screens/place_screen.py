"""The frame of every screen: the bar above, the status line and the hints below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from ...errors import MLHubException
from .. import dialogs
from ..commands import EVERYWHERE, FIELD, FILTER, LISTS, AppCommand, command, hints
from ..context import ConnectionChanged, QueueChanged
from ..terminal.terminal_app import FirstPaintScreen
from ..widgets.bars import FindBar, HintBar, NewsLine, TopBar

if TYPE_CHECKING:
    from collections.abc import Collection

    from textual.events import DescendantBlur, DescendantFocus
    from textual.widget import Widget

    from ..context import AppContext

_TYPING = ("app.help", "app.open", "app.find", "app.quit")
"""Commands of the footer whose keys are letters in a field."""


class PlaceScreen(FirstPaintScreen):
    """A screen with a top bar, a status line and a hint bar; `place` names its commands."""

    place: ClassVar[str] = ""
    mode: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.top_bar, self.hint_bar, self.status_line = TopBar(), HintBar(), NewsLine()
        self.find_bar: FindBar | None = None
        """The line in which a filter is typed, while it is."""

    @property
    def context(self) -> AppContext:
        """The app."""
        return cast("AppContext", self.app)

    @property
    def closing(self) -> bool:
        """Whether the screen is being taken down, or the app: an answer that comes now is shown to nobody."""
        return self.is_closed or not (self.app.is_running and self.is_attached)

    def compose(self) -> ComposeResult:
        """Lay out the bars around the body."""
        yield self.top_bar
        with Container(id="body"):
            yield from self.compose_body()
        yield Static("mlhub-tui needs 40 columns and 10 rows", id="too-small")
        yield self.status_line
        self.refresh_hints()
        yield self.hint_bar

    def compose_body(self) -> ComposeResult:
        """Lay out what is between the bars."""
        yield from ()

    def on_mount(self) -> None:
        """Fill the bars."""
        self.top_bar.active = self.mode
        self._catch_up()

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was in front."""
        self._catch_up()

    def _catch_up(self) -> None:
        self._show_source()
        self.top_bar.activity = self.context.activity
        self.status_line.show(self.context.news)

    def _show_source(self) -> None:
        context = self.context
        none = "connecting…" if context.connecting else "no source"
        self.top_bar.source = context.connection.name if context.connection else none

    def on_connection_changed(self, _: ConnectionChanged) -> None:
        """Name the new source."""
        self._show_source()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show how far the transfers are; the news came from the app and goes no further."""
        if self.is_current:
            self.top_bar.activity = self.context.activity

    def refuse(self, words: str) -> None:
        """Say in the status line why a key cannot act."""
        self.notify(words)

    async def offer_profiles(self, words: str, error: MLHubException) -> None:
        """Offer the profile screen, from a worker: a missing or refused key is no failure."""
        if await dialogs.questions.confirm(self.app, words, error.message, yes="Open profiles"):
            self.context.action_go("profiles")

    # The filter, of screens that have one

    async def type_filter(self, words: str, placeholder: str = "id, title, tag or DOI") -> None:
        """Open the line in which a filter is typed, with what it is now."""
        if self.find_bar is None:
            self.find_bar = FindBar(words, placeholder)
        await self.find_bar.open_in(self, before=self.status_line)

    def apply_filter(self, words: str) -> None:
        """Filter by other words."""

    def end_filter(self, *, keep: bool) -> None:
        """Take the line away; the filter stays, or does not."""
        if self.find_bar is not None:
            self.find_bar.remove()
            self.find_bar = None
        if not keep:
            self.apply_filter("")

    @on(FindBar.Edited)
    def _filter_edited(self, message: FindBar.Edited) -> None:
        self.apply_filter(message.value)

    @on(FindBar.Closed)
    def _filter_closed(self, message: FindBar.Closed) -> None:
        self.end_filter(keep=message.keep)

    # The footer

    def unavailable(self) -> Collection[str]:
        """Return the ids of the commands that cannot act now."""
        return ()

    def focused_places(self) -> list[str]:
        """Return the places whose keys act before the screen's: those of the focused widget."""
        places: list[str] = []
        for node in self.focused.ancestors_with_self if self.focused is not None else ():
            if node is self:
                break
            for binding in vars(type(node)).get("BINDINGS", ()):
                known = command(getattr(binding, "id", None))
                if known is not None and known.where not in (LISTS, self.place, *places):
                    places.append(known.where)
        return places

    def hint_commands(self) -> list[AppCommand]:
        """Return the commands for the footer: those of the focused pane and mode first."""
        inner = self.focused_places() if self.is_mounted else []
        if FILTER in inner:
            return hints((FILTER,), _TYPING)
        if mode := getattr(self.focused, "mode_hints", None):
            return [*mode, *hints((), ("app.open",))]
        if self.focused is not None and self.focused.check_consume_key("a", "a"):
            return hints((FIELD,), _TYPING)
        return hints((*inner, self.place), self.unavailable() if self.is_mounted else ())

    def refresh_hints(self) -> None:
        """Show the hints again where what is possible has changed."""
        self.hint_bar.show(self.hint_commands())

    def on_descendant_focus(self, _: DescendantFocus) -> None:
        """Show the keys of the pane that has the focus now."""
        self.refresh_hints()

    def on_footprint_map_mode_changed(self) -> None:
        """Show the keys of choosing a box, or those of the map again."""
        self.refresh_hints()

    def on_descendant_blur(self, _: DescendantBlur) -> None:
        """Show the keys of the screen again."""
        self.refresh_hints()

    async def action_run_command(self, identity: str) -> None:
        """Run a command by its id: a click on its hint."""
        known = command(identity)
        if known is None:
            return
        target: Widget | Any = self.app if known.where == EVERYWHERE else self
        for node in self.focused.ancestors_with_self if self.focused is not None else ():
            if hasattr(node, f"action_{known.action.partition('(')[0]}"):
                target = node
                break
        await self.app.run_action(known.action, target)
